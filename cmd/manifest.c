/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest.c - `rl manifest create|add|annotate|remove|rm|exists`: manifest lists made by hand
 *
 * A list is an object of the local store (storage/mlist.h); nothing leaves it before a push.
 * `rl manifest inspect` and `push`: cmd/manifest_out.c.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/format.h"
#include "core/base/cleanup.h"
#include "storage/mlist_edit.h"

struct manifest_opts {
	bool all, amend, about_index, ignore;
	int tls_verify, insecure; /* -1 = not given */
	const char *authfile, *creds, *cert_dir, *os, *arch, *variant, *os_version, *subject;
	struct strv annotations, features, os_features;
};

static const struct manifest_opts defaults = { .tls_verify = -1, .insecure = -1 };

#define OPT_ANNOTATION                                                            \
	OPT_LIST(0, "annotation", struct manifest_opts, annotations, "KEY=VALUE", \
		 "an annotation; more than once")
#define OPT_REGISTRY                                                              \
	OPT_STR(0, "authfile", struct manifest_opts, authfile, "FILE",            \
		"take logins from FILE only"),                                    \
		OPT_STR(0, "cert-dir", struct manifest_opts, cert_dir, "DIR",     \
			"use certificates and keys in DIR"),                      \
		OPT_STR(0, "creds", struct manifest_opts, creds, "USER:PASSWORD", \
			"log in as USER"),                                        \
		OPT_TRI(0, "insecure", struct manifest_opts, insecure, NULL),     \
		OPT_TRI(0, "tls-verify", struct manifest_opts, tls_verify,        \
			"check certificates; =false also allows plain http")
#define OPT_PLATFORM                                                                            \
	OPT_STR(0, "arch", struct manifest_opts, arch, "ARCH", "what the list says it is for"), \
		OPT_STRINGS(0, "features", struct manifest_opts, features, "LIST",              \
			    "features of the machine that it needs"),                           \
		OPT_STR(0, "os", struct manifest_opts, os, "OS", "the same: operating system"), \
		OPT_STRINGS(0, "os-features", struct manifest_opts, os_features, "LIST",        \
			    "features of the system that it needs"),                            \
		OPT_STR(0, "os-version", struct manifest_opts, os_version, "VERSION",           \
			"the same: version of the system"),                                     \
		OPT_STR(0, "variant", struct manifest_opts, variant, "VARIANT",                 \
			"the same: variant of the machine")

static void fill(const struct manifest_opts *o, struct mlist_add *a)
{
	a->all = o->all;
	a->from = (struct pull_req){ .authfile = o->authfile,
				     .creds = o->creds,
				     .cert_dir = o->cert_dir,
				     .tls_verify = o->insecure == 1 ? 0 : o->tls_verify,
				     .retries = 3,
				     .quiet = true };
	a->edit = (struct mlist_edit){ .os = o->os,
				       .arch = o->arch,
				       .variant = o->variant,
				       .os_version = o->os_version,
				       .features = &o->features,
				       .os_features = &o->os_features,
				       .annotations = &o->annotations };
}

static int print_id(const char *id, struct rl_err *err)
{
	auto_buf struct buf out = { 0 };

	return buf_printf(&out, "%s\n", id) < 0 ? rl_oom(err) : format_print(&out, err);
}

static int find(const struct rl *rl, const char *word, char ret_id[65], struct rl_err *err)
{
	auto_mlist struct mlist l = { 0 };
	int r = mlist_find(rl, word, &l, err);

	if (r == 0)
		memcpy(ret_id, l.id, sizeof(l.id));
	return r;
}

static int add_all(const struct rl *rl, const char *id, const struct manifest_opts *o,
		   const struct cmd_args *args, struct rl_err *err)
{
	struct mlist_add req;
	int r = 0;

	fill(o, &req);
	for (size_t i = 1; r == 0 && i < args->n; i++) {
		req.name = args->v[i];
		r = mlist_add(rl, id, &req, err);
		if (r < 0)
			rl_wrap(err, "add '%s'", args->v[i]);
	}
	return r;
}

static int create(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	struct manifest_opts o = *(const struct manifest_opts *)opts;
	const struct strv notes = o.annotations; /* of the list, not of its entries */
	auto_free char *name = NULL;
	auto_mlist struct mlist l = { 0 };
	struct image_removed done = { 0 };
	struct rl_err ignored;
	int r = image_new_name(args->v[0], &name, err);

	o.annotations = (struct strv){ 0 };
	if (r == 0)
		r = mlist_create(rl, name, o.amend, &l, err);
	if (r < 0)
		return r;
	r = add_all(rl, l.id, &o, args, err);
	if (r == 0 && notes.n)
		r = mlist_annotate_index(rl, l.id, &notes, NULL, err);
	if (r == 0)
		return print_id(l.id, err);
	if (!o.amend) /* nobody knows of it yet */
		RL_IGNORE(image_remove(rl, l.id, true, &done, &ignored));
	strv_done(&done.untagged);
	return r;
}

static int add(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	char id[65];
	int r = find(rl, args->v[0], id, err);

	if (r == 0)
		r = add_all(rl, id, opts, args, err);
	return r < 0 ? r : print_id(id, err);
}

static int annotate(struct rl *rl, const struct cmd_args *args, const void *opts,
		    struct rl_err *err)
{
	const struct manifest_opts *o = opts;
	struct mlist_add req;
	char id[65];
	int r = find(rl, args->v[0], id, err);

	fill(o, &req);
	if (r == 0 && (o->about_index || o->subject)) {
		if (args->n > 1)
			return rl_fail(err, EINVAL,
				       "--index and --subject are about the list, not about '%s'",
				       args->v[1]);
		r = mlist_annotate_index(rl, id, &o->annotations, o->subject, err);
	} else if (r == 0 && args->n < 2) {
		rl_fail(err, EINVAL, "manifest annotate needs LIST and IMAGE");
		return rl_hint(err, "--index annotates the list itself");
	} else if (r == 0) {
		r = mlist_annotate(rl, id, args->v[1], &req.edit, err);
	}
	return r < 0 ? r : print_id(id, err);
}

static int take_out(struct rl *rl, const struct cmd_args *args, const void *opts,
		    struct rl_err *err)
{
	char id[65];
	int r = find(rl, args->v[0], id, err);

	(void)opts;
	for (size_t i = 1; r == 0 && i < args->n; i++)
		r = mlist_take_out(rl, id, args->v[i], err);
	return r < 0 ? r : print_id(id, err);
}

static int rm_one(struct rl *rl, const char *word, const void *opts, struct rl_err *err)
{
	const struct manifest_opts *o = opts;
	struct image_removed done = { 0 };
	auto_buf struct buf out = { 0 };
	auto_free char *name = NULL;
	bool is_list = false;
	char id[65];
	int r = image_resolve_any(rl, word, id, &name, &is_list, err); /* a damaged one goes, too */

	if (r == -ENOENT || (r == 0 && !is_list))
		r = rl_fail(err, ENOENT, "%s: manifest list not known", word);
	if (r == -ENOENT) {
		err->exit_code = 1;
		return o->ignore ? 0 : r;
	}
	if (r == 0)
		r = image_remove(rl, word, true, &done, err);
	for (size_t i = 0; r == 0 && i < done.untagged.n; i++)
		r = buf_printf(&out, "Untagged: %s\n", done.untagged.v[i]) < 0 ? rl_oom(err) : 0;
	if (r == 0 && *done.deleted && buf_printf(&out, "Deleted: %s\n", done.deleted) < 0)
		r = rl_oom(err);
	strv_done(&done.untagged);
	return r < 0 ? r : format_print(&out, err);
}

static int exists(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	char id[65];
	int r = find(rl, args->v[0], id, err);

	(void)opts;
	return r == -ENOENT ? 1 : r;
}

static const struct opt create_options[] = {
	OPT_BOOL(0, "all", struct manifest_opts, all, "all platforms of each image"),
	OPT_BOOL('a', "amend", struct manifest_opts, amend, "add to the list if it is there"),
	OPT_ANNOTATION,
	OPT_REGISTRY,
	OPT_END,
};

const struct cmd cmd_manifest_create = {
	.name = "manifest create",
	.args = "LIST [IMAGE...]",
	.summary = "Make a manifest list",
	.about = "Makes a list of images for several platforms under the name LIST, with the "
		 "images given, and prints its id. An image is one of the store or else of a "
		 "registry, from where only its manifest is fetched.\n\n"
		 "'rl manifest push' gives list and images to a registry; 'rl run LIST' runs the "
		 "image of this machine's platform.",
	.examples = {
		{ "rl manifest create app:1 app:amd64 app:arm64", "A list of two local images." },
		{ "rl manifest create registry.example/app:1 registry.example/app:1-amd64 "
		  "registry.example/app:1-arm64",
		  "One of what a registry has." },
	},
	.options = create_options,
	.defaults = &defaults,
	.opts_size = sizeof(struct manifest_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.run = create,
};

static const struct opt add_options[] = {
	OPT_BOOL(0, "all", struct manifest_opts, all, "all platforms of the image"),
	OPT_ANNOTATION,
	OPT_PLATFORM,
	OPT_REGISTRY,
	OPT_LATER(0, "artifact"),
	OPT_LATER(0, "artifact-config"),
	OPT_LATER(0, "artifact-config-type"),
	OPT_LATER(0, "artifact-exclude-titles"),
	OPT_LATER(0, "artifact-layer-type"),
	OPT_LATER(0, "artifact-subject"),
	OPT_LATER(0, "artifact-type"),
	OPT_END,
};

const struct cmd cmd_manifest_add = {
	.name = "manifest add",
	.args = "LIST IMAGE [IMAGE...]",
	.summary = "Add images to a manifest list",
	.about = "Adds an image of the store, or else of a registry, to the list, and prints the "
		 "list's id. What it runs on is taken from the image unless options say "
		 "otherwise. docker://NAME looks in the registry only.",
	.examples = {
		{ "rl manifest add app:1 app:arm64", "Add a local image." },
		{ "rl manifest add --all app:1 docker://alpine",
		  "Add all platforms that a registry has." },
	},
	.options = add_options,
	.defaults = &defaults,
	.opts_size = sizeof(struct manifest_opts),
	.min_args = 2,
	.max_args = CMD_ANY,
	.run = add,
};

static const struct opt annotate_options[] = {
	OPT_ANNOTATION,
	OPT_BOOL(0, "index", struct manifest_opts, about_index,
		 "the annotations are of the list itself"),
	OPT_PLATFORM,
	OPT_STR(0, "subject", struct manifest_opts, subject, "IMAGE", "what the list is about"),
	OPT_END,
};

const struct cmd cmd_manifest_annotate = {
	.name = "manifest annotate",
	.args = "LIST [IMAGE]",
	.summary = "Say what an image in a manifest list is for",
	.about = "Changes what the list says of one of its images, which is named by digest or as "
		 "it was added, and prints the list's id. With --index the annotations are of "
		 "the list itself.",
	.examples = {
		{ "rl manifest annotate --arch arm64 --variant v8 app:1 app:arm64",
		  "Correct what it runs on." },
		{ "rl manifest annotate --index --annotation org.opencontainers.image.url=https://x app:1",
		  "An annotation of the list." },
	},
	.options = annotate_options,
	.defaults = &defaults,
	.opts_size = sizeof(struct manifest_opts),
	.min_args = 1,
	.max_args = 2,
	.run = annotate,
};

const struct cmd cmd_manifest_remove = {
	.name = "manifest remove",
	.args = "LIST IMAGE [IMAGE...]",
	.summary = "Take images out of a manifest list",
	.about = "Takes images, named by digest or as they were added, out of the list, and prints "
		 "the list's id. The images themselves stay.",
	.examples = {
		{ "rl manifest remove app:1 app:arm64", "By the name it was added by." },
		{ "rl manifest remove app:1 sha256:4bcff63911fcb4448bd4fdacec207030997caf25e9bea4045fa6c8c44de311d1",
		  "By digest, as 'rl manifest inspect' shows it." },
	},
	.min_args = 2,
	.max_args = CMD_ANY,
	.run = take_out,
};

static const struct opt rm_options[] = {
	OPT_BOOL('i', "ignore", struct manifest_opts, ignore, "an unknown list is no error"),
	OPT_END,
};

const struct cmd cmd_manifest_rm = {
	.name = "manifest rm",
	.args = "LIST [LIST...]",
	.summary = "Remove manifest lists",
	.about = "Removes lists from the store; the images in them stay.",
	.examples = {
		{ "rl manifest rm app:1", "Remove the list." },
		{ "rl manifest rm -i app:1", "The same, if it is there." },
	},
	.exits = { { "1", "A list is unknown; with --ignore that is fine." } },
	.options = rm_options,
	.opts_size = sizeof(struct manifest_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.each = rm_one,
};

const struct cmd cmd_manifest_exists = {
	.name = "manifest exists",
	.args = "LIST",
	.summary = "Tell by the exit status whether a manifest list is known",
	.about = "Prints nothing; the exit status tells whether there is a manifest list of that "
		 "name or id in the store. An image is none.",
	.examples = {
		{ "rl manifest exists app:1", "Is there a list 'app:1'?" },
		{ "if rl manifest exists app:1; then echo yes; fi", "The same in a script." },
	},
	.exits = { { "1", "There is no such list." } },
	.min_args = 1,
	.max_args = 1,
	.run = exists,
};
