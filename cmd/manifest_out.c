/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest_out.c - `rl manifest inspect` and `rl manifest push`: lists shown and given away
 *
 * inspect prints a list of the store, or else what a registry has under the name, an image's
 * manifest as well. --verbose is Docker's: each manifest in full, with the list's word on it.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/format.h"
#include "cmd/push_place.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "storage/fetch_remote.h"
#include "storage/mlist_edit.h"
#include "storage/mlist_push.h"

struct look_opts {
	bool verbose;
	int tls_verify, insecure; /* -1 = not given */
	const char *authfile, *creds, *cert_dir;
};

static int print_json(const json_t *j, struct rl_err *err)
{
	auto_buf struct buf out = { 0 };
	int r = format_json(j, &out, err);

	return r < 0 ? r : format_print(&out, err);
}

static int parse(const char *text, json_t **ret, struct rl_err *err)
{
	return json_read(text ? text : "", text ? strlen(text) : 0, IMAGE_MANIFEST_MAX, "manifest",
			 ret, err);
}

/* The manifest of an entry of a local list. */
static int entry_manifest(const struct rl *rl, const json_t *e, json_t **ret, struct rl_err *err)
{
	const char *image = json_string_value(json_object_get(e, "image"));
	char path[128];

	if (!image)
		return parse(json_string_value(json_object_get(e, "manifest")), ret, err);
	(void)snprintf(path, sizeof(path), "images/%.64s/manifest.json", image);
	return json_read_file(rl->data_fd, path, IMAGE_MANIFEST_MAX, ret, err);
}

/* Docker's long form of one manifest: whose it is, what is said of it, what it says. */
static int verbose_one(json_t *list, const char *ref, json_t *descriptor, json_t *take_manifest,
		       struct rl_err *err)
{
	const char *type = json_string_value(json_object_get(descriptor, "mediaType"));
	const bool docker = type && strstr(type, "docker");
	json_t *o = json_pack("{s:s, s:O, s:o}", "Ref", ref, "Descriptor", descriptor,
			      docker ? "SchemaV2Manifest" : "OCIManifest", take_manifest);

	return json_array_append_new(list, o) < 0 ? rl_oom(err) : 0;
}

static int verbose_local(const struct rl *rl, const struct mlist *l, struct rl_err *err)
{
	json_auto_t *list = json_array();
	json_t *e;
	size_t i;
	int r = list ? 0 : rl_oom(err);

	json_array_foreach (mlist_entries(l), i, e) {
		const char *ref = json_string_value(json_object_get(e, "source"));
		json_t *m = NULL;

		if (!ref)
			ref = json_string_value(json_object_get(e, "name"));
		if (r == 0)
			r = entry_manifest(rl, e, &m, err);
		if (r == 0)
			r = verbose_one(list, ref ? ref : mlist_digest(e),
					json_object_get(e, "descriptor"), m, err);
	}
	return r < 0 ? r : print_json(list, err);
}

static int verbose_remote(const json_t *docs, const char *name, const json_t *index,
			  struct rl_err *err)
{
	const bool single = json_array_size(docs) == 1;
	json_auto_t *list = json_array();
	int r = list ? 0 : rl_oom(err);

	for (size_t i = single ? 0 : 1; r == 0 && i < json_array_size(docs); i++) {
		const json_t *doc = json_array_get(docs, i);
		const char *digest = json_string_value(json_object_get(doc, "digest"));
		json_t *m = NULL, *said = NULL, *d;
		size_t k;

		json_array_foreach (json_object_get(index, "manifests"), k, d)
			if (digest && json_object_get(d, "digest") &&
			    strcmp(json_string_value(json_object_get(d, "digest")), digest) == 0)
				said = json_incref(d);
		r = parse(json_string_value(json_object_get(doc, "text")), &m, err);
		if (r == 0 && !said)
			said = json_pack("{s:O, s:O, s:O}", "mediaType",
					 json_object_get(doc, "type"), "digest",
					 json_object_get(doc, "digest"), "size",
					 json_object_get(doc, "size"));
		if (r == 0)
			r = verbose_one(list, name, said, m, err);
		json_decref(said);
	}
	if (r < 0)
		return r;
	return print_json(single ? json_array_get(list, 0) : list, err);
}

static int inspect_remote(const struct rl *rl, const char *name, const struct look_opts *o,
			  struct rl_err *err)
{
	const struct pull_req req = { .name = name,
				      .authfile = o->authfile,
				      .creds = o->creds,
				      .cert_dir = o->cert_dir,
				      .tls_verify = o->insecure == 1 ? 0 : o->tls_verify,
				      .retries = 1,
				      .quiet = true };
	json_auto_t *docs = NULL, *top = NULL;
	auto_free char *found = NULL;
	int r = fetch_remote(rl, &req, o->verbose ? REMOTE_ALL : REMOTE_TOP, &docs, &found, err);

	if (r == 0)
		r = parse(json_string_value(json_object_get(json_array_get(docs, 0), "text")), &top,
			  err);
	if (r < 0)
		return r;
	return o->verbose ? verbose_remote(docs, found, top, err) : print_json(top, err);
}

static int inspect(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct look_opts *o = opts;
	auto_mlist struct mlist l = { 0 };
	json_auto_t *j = NULL;
	struct rl_err why = { 0 };
	json_t *e;
	int r = mlist_find(rl, args->v[0], &l, &why);

	if (r == -ENOENT && args->n == 1)
		return inspect_remote(rl, args->v[0], o, err);
	if (r < 0) {
		*err = why;
		return r;
	}
	if (args->n > 1) {
		r = mlist_entry(rl, &l, args->v[1], &e, err);
		if (r == 0)
			r = entry_manifest(rl, e, &j, err);
	} else if (o->verbose) {
		return verbose_local(rl, &l, err);
	} else {
		r = mlist_index(&l, false, &j, err);
	}
	return r < 0 ? r : print_json(j, err);
}

static const struct opt inspect_options[] = {
	OPT_STR(0, "authfile", struct look_opts, authfile, "FILE", "take logins from FILE only"),
	OPT_STR(0, "cert-dir", struct look_opts, cert_dir, "DIR",
		"use certificates and keys in DIR"),
	OPT_STR(0, "creds", struct look_opts, creds, "USER:PASSWORD",
		"log in as USER for this command only"),
	OPT_TRI(0, "insecure", struct look_opts, insecure, NULL),
	OPT_TRI(0, "tls-verify", struct look_opts, tls_verify,
		"check certificates; =false also allows plain http"),
	OPT_BOOL('v', "verbose", struct look_opts, verbose, "each manifest in full"),
	OPT_END,
};

const struct cmd cmd_manifest_inspect = {
	.name = "manifest inspect",
	.args = "LIST [IMAGE]",
	.summary = "Show a manifest list, or the manifest of an image in it",
	.about = "Prints a list of the store as JSON, as it would be pushed, or else what a registry "
		 "has under that name. With IMAGE, a digest or a name by which it was added, the "
		 "manifest of that entry.",
	.examples = {
		{ "rl manifest inspect app:1", "A list of the store." },
		{ "rl manifest inspect docker.io/library/alpine", "What the registry has." },
	},
	.options = inspect_options,
	.defaults = &(const struct look_opts){ .tls_verify = -1, .insecure = -1 },
	.opts_size = sizeof(struct look_opts),
	.min_args = 1,
	.max_args = 2,
	.run = inspect,
};

/* --- push -------------------------------------------------------------------------------- */

struct list_push_opts {
	bool all, rm;
	struct push_common c;
};

static int print_digest(const char *digest, struct rl_err *err)
{
	auto_buf struct buf out = { 0 };

	return buf_printf(&out, "%s\n", digest) < 0 ? rl_oom(err) : format_print(&out, err);
}

static int remove_list(const struct rl *rl, const struct mlist *l, struct rl_err *err)
{
	struct image_removed done = { 0 };
	int r = image_remove(rl, l->id, true, &done, err);

	strv_done(&done.untagged);
	return r;
}

static int push_list(struct rl *rl, const struct cmd_args *args, const void *opts,
		     struct rl_err *err)
{
	const struct list_push_opts *o = opts;
	auto_free char *to = NULL, *digest = NULL;
	auto_mlist struct mlist l = { 0 };
	struct push_req req;
	int r = push_check(&o->c, err);

	if (r == 0)
		r = mlist_find(rl, args->v[0], &l, err);
	if (r == 0)
		r = push_place(args->n > 1 ? args->v[1] : NULL, l.name, l.id, &to, err);
	if (r == 0)
		r = push_fill(&o->c, to, &req, err);
	if (r == 0)
		r = mlist_push(rl, &l, &req, o->all, &digest, err);
	if (r < 0)
		return to ? rl_wrap(err, "push '%s'", to) : r;
	r = push_write_digest(&o->c, digest, err);
	if (r == 0)
		r = print_digest(digest, err);
	return r == 0 && o->rm ? remove_list(rl, &l, err) : r;
}

static const struct opt list_push_options[] = {
	OPT_BOOL(0, "all", struct list_push_opts, all,
		 "the images as well; =false: they are there already (default true)"),
	OPT_STR(0, "authfile", struct list_push_opts, c.authfile, "FILE",
		"take logins from FILE only"),
	OPT_STR(0, "cert-dir", struct list_push_opts, c.cert_dir, "DIR",
		"use certificates and keys in DIR"),
	OPT_STR(0, "compression-format", struct list_push_opts, c.compression, "gzip|zstd",
		"how to pack layers (default: gzip those that are not packed)"),
	OPT_INT(0, "compression-level", struct list_push_opts, c.level, "N",
		"how hard to pack, 1 (quick) to 9 (gzip) or 22 (zstd)"),
	OPT_STR(0, "creds", struct list_push_opts, c.creds, "USER:PASSWORD",
		"log in as USER for this command only"),
	OPT_STR(0, "digestfile", struct list_push_opts, c.digestfile, "FILE",
		"write the digest of the list to FILE"),
	OPT_TRI(0, "force-compression", struct list_push_opts, c.force,
		"also layers that are packed in another way (default with --compression-format)"),
	OPT_STR('f', "format", struct list_push_opts, c.format, "oci|docker",
		"kind of list and manifests (default: an OCI index of manifests as they are)"),
	OPT_TRI(0, "insecure", struct list_push_opts, c.insecure, NULL),
	OPT_BOOL('p', "purge", struct list_push_opts, rm, NULL),
	OPT_BOOL('q', "quiet", struct list_push_opts, c.quiet, "no progress"),
	OPT_BOOL(0, "rm", struct list_push_opts, rm, "remove the list from the store afterwards"),
	OPT_TRI(0, "tls-verify", struct list_push_opts, c.tls_verify,
		"check certificates; =false also allows plain http"),
	OPT_IGNORE_BOOL("remove-signatures"),
	OPT_LATER(0, "add-compression"),
	OPT_LATER(0, "sign-by"),
	OPT_LATER(0, "sign-by-sigstore"),
	OPT_LATER(0, "sign-by-sigstore-private-key"),
	OPT_END,
};

const struct cmd cmd_manifest_push = {
	.name = "manifest push",
	.args = "LIST [DESTINATION]",
	.summary = "Give a manifest list and its images to a registry",
	.about = "Gives the images of a list to a registry, each by its digest, then the list under "
		 "its own name or as DESTINATION, and prints the list's digest. Images that "
		 "are in a registry already are mounted from one repository into the other "
		 "there, or come by way of this machine.",
	.examples = {
		{ "rl manifest push app:1 registry.example/team/app:1", "List and images." },
		{ "rl manifest push --rm registry.example/team/app:1",
		  "By its own name, and forget the list here." },
	},
	.options = list_push_options,
	.defaults = &(const struct list_push_opts){ .all = true,
						    .c = { .retry = 3,
							   .tls_verify = -1,
							   .insecure = -1,
							   .force = -1,
							   .level = -1 } },
	.opts_size = sizeof(struct list_push_opts),
	.min_args = 1,
	.max_args = 2,
	.run = push_list,
};
