/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push.c - `rl push`: give an image of the store to a registry
 *
 * The place is the image's own name unless a second word names another. With --all-tags the word is
 * a repository, and all its tags are pushed one after the other.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cmd/archive_out.h"
#include "cmd/cmd.h"
#include "cmd/push_place.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "storage/mlist_push.h"
#include "storage/ref.h"

struct push_opts {
	bool all_tags;
	struct push_common c;
};

static const struct opt push_options[] = {
	OPT_BOOL('a', "all-tags", struct push_opts, all_tags, "push all tags of the repository"),
	OPT_STR(0, "authfile", struct push_opts, c.authfile, "FILE", "take logins from FILE only"),
	OPT_STR(0, "cert-dir", struct push_opts, c.cert_dir, "DIR",
		"use certificates and keys in DIR"),
	OPT_STR(0, "compression-format", struct push_opts, c.compression, "gzip|zstd",
		"how to pack layers (default: gzip those that are not packed)"),
	OPT_INT(0, "compression-level", struct push_opts, c.level, "N",
		"how hard to pack, 1 (quick) to 9 (gzip) or 22 (zstd)"),
	OPT_STR(0, "creds", struct push_opts, c.creds, "USER:PASSWORD",
		"log in as USER for this command only"),
	OPT_STR(0, "digestfile", struct push_opts, c.digestfile, "FILE",
		"write the digest of the manifest to FILE"),
	OPT_TRI(0, "force-compression", struct push_opts, c.force,
		"also layers that are packed in another way (default with --compression-format)"),
	OPT_STR('f', "format", struct push_opts, c.format, "oci|docker",
		"kind of manifest (default: as it is)"),
	OPT_BOOL('q', "quiet", struct push_opts, c.quiet, "no progress"),
	OPT_UINT(0, "retry", struct push_opts, c.retry, "N", "try N times more when it breaks"),
	OPT_STR(0, "retry-delay", struct push_opts, c.retry_delay, "TIME",
		"wait TIME before the first retry (default 1s), then longer"),
	OPT_TRI(0, "tls-verify", struct push_opts, c.tls_verify,
		"check certificates; =false also allows plain http"),
	OPT_IGNORE_BOOL("compress"),
	OPT_IGNORE_BOOL("disable-content-trust"),
	OPT_IGNORE_BOOL("remove-signatures"),
	OPT_IGNORE("signature-policy"),
	OPT_LATER(0, "sign-by"),
	OPT_LATER(0, "sign-by-sigstore"),
	OPT_LATER(0, "sign-by-sigstore-private-key"),
	OPT_LATER(0, "encryption-key"),
	OPT_LATER(0, "encrypt-layer"),
	OPT_END,
};

int push_place(const char *dest, const char *own, const char *id, char **ret, struct rl_err *err)
{
	static const char *const others[] = { "docker-daemon:", "containers-storage:" };
	auto_ref struct ref ref = { 0 };
	const char *name = dest ? dest : own;

	if (!name) {
		rl_fail(err, EINVAL, "the image has no name that says where to push it");
		return rl_hint(err, "name the place: rl push %.12s registry.example/app:1", id);
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		if (strncmp(name, others[i], strlen(others[i])) != 0)
			continue;
		rl_fail(err, ENOTSUP, "images cannot be pushed to '%s'", others[i]);
		return rl_hint(err, "docker://, docker-archive:, oci-archive:, oci: and dir: can");
	}
	if (archive_is_place(name))
		return rl_fail(err, ENOTSUP, "lists of images can be pushed to registries only");
	if (strncmp(name, "docker://", 9) == 0)
		name += 9;
	if (ref_parse(name, strlen(name), &ref, err) < 0)
		return -err->code;
	if (strcmp(ref.registry, "localhost") == 0) {
		rl_fail(err, EINVAL, "'%s' is a name without a registry to push to", name);
		return rl_hint(err, "name the place as well: rl push %s registry.example/app:1",
			       name);
	}
	*ret = ref_print(&ref);
	return *ret ? 0 : rl_oom(err);
}

int push_check(const struct push_common *c, struct rl_err *err)
{
	if (c->compression && strcmp(c->compression, "gzip") != 0 &&
	    strcmp(c->compression, "zstd") != 0)
		return rl_fail(err, EINVAL, "unknown compression '%s': expected gzip or zstd",
			       c->compression);
	if (c->format && strcmp(c->format, "oci") != 0 && strcmp(c->format, "docker") != 0 &&
	    strcmp(c->format, "v2s2") != 0)
		return rl_fail(err, EINVAL, "unknown format '%s': expected oci or docker (v2s2)",
			       c->format);
	if (c->level < -1 || c->level > 22)
		return rl_fail(err, EINVAL,
			       "--compression-level is 1 to 9 for gzip, to 22 for zstd");
	return 0;
}

int push_fill(const struct push_common *c, const char *to, struct push_req *ret, struct rl_err *err)
{
	*ret = (struct push_req){ .format = c->format,
				  .compression = c->compression,
				  .force = c->force < 0 ? c->compression != NULL : c->force,
				  .level = (int)c->level };
	ret->to = (struct pull_req){ .name = to,
				     .authfile = c->authfile,
				     .creds = c->creds,
				     .cert_dir = c->cert_dir,
				     .tls_verify = c->insecure == 1 ? 0 : c->tls_verify,
				     .retries = c->retry,
				     .quiet = c->quiet };
	if (c->retry_delay && (parse_duration_ms(c->retry_delay, &ret->to.retry_delay_ms) < 0 ||
			       ret->to.retry_delay_ms > 3600000))
		return rl_fail(err, EINVAL, "invalid value '%s' for '--retry-delay'",
			       c->retry_delay);
	return 0;
}

int push_write_digest(const struct push_common *c, const char *digest, struct rl_err *err)
{
	int r = c->digestfile ? io_replace_file(AT_FDCWD, c->digestfile, digest, strlen(digest),
						0644, IO_NOSYNC, err)
			      : 0;

	return r < 0 ? rl_wrap(err, "the digest's file") : 0;
}

static int push_image(const struct rl *rl, const struct push_opts *o, const struct image *img,
		      const char *to, struct rl_err *err)
{
	auto_free char *digest = NULL;
	struct push_req req;
	int r = push_fill(&o->c, to, &req, err);

	req.id = img->id;
	if (r == 0)
		r = fetch_push(rl, &req, &digest, err);
	if (r < 0)
		return rl_wrap(err, "push '%s'", to);
	return push_write_digest(&o->c, digest, err);
}

/* As it is in the store: what says how to pack is for registries. */
static int push_to_archive(const struct rl *rl, const struct push_opts *o, const struct image *img,
			   const char *dest, struct rl_err *err)
{
	if (o->c.digestfile || o->c.compression || o->c.format)
		return rl_fail(err, EINVAL,
			       "--digestfile, --format and --compression-format are for "
			       "registries, not for '%s'",
			       dest);
	return archive_push(rl, img, dest, o->c.quiet, err) < 0 ? rl_wrap(err, "push '%s'", dest)
								: 0;
}

/* A manifest list, with all its images. */
static int push_list(const struct rl *rl, const struct push_opts *o, const char *word,
		     const char *dest, struct rl_err *err)
{
	auto_free char *digest = NULL, *to = NULL;
	auto_mlist struct mlist l = { 0 };
	struct push_req req;
	int r = mlist_find(rl, word, &l, err);

	if (r == 0)
		r = push_place(dest, l.name, l.id, &to, err);
	if (r == 0)
		r = push_fill(&o->c, to, &req, err);
	if (r == 0)
		r = mlist_push(rl, &l, &req, true, &digest, err);
	if (r < 0)
		return to ? rl_wrap(err, "push '%s'", to) : r;
	return push_write_digest(&o->c, digest, err);
}

/* All names of the store in the repository @word. */
static int push_all(const struct rl *rl, const struct push_opts *o, const char *word,
		    struct rl_err *err)
{
	auto_ref struct ref want = { 0 };
	struct image *v = NULL;
	size_t n = 0, pushed = 0;
	int r = ref_parse(word, strlen(word), &want, err);

	if (r == 0)
		r = image_list(rl, &v, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		for (size_t k = 0; r == 0 && k < v[i].names.n; k++) {
			auto_ref struct ref ref = { 0 };
			const char *name = v[i].names.v[k];

			r = ref_parse(name, strlen(name), &ref, err);
			if (r < 0 || ref.digest || strcmp(ref.registry, want.registry) != 0 ||
			    strcmp(ref.repo, want.repo) != 0)
				continue;
			r = push_image(rl, o, &v[i], name, err);
			pushed++;
		}
	}
	image_list_done(v, n);
	if (r == 0 && pushed == 0)
		return rl_fail(err, ENOENT, "%s: no tag of it is known here", word);
	return r;
}

static int push(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct push_opts *o = opts;
	const char *dest = args->n > 1 ? args->v[1] : NULL;
	auto_image struct image img = { 0 };
	auto_free char *to = NULL, *name = NULL;
	bool is_list = false;
	char id[65];
	int r = push_check(&o->c, err);

	if (r == 0 && o->all_tags && args->n > 1)
		r = rl_fail(err, EINVAL, "--all-tags takes a repository and no second name");
	if (r < 0)
		return r;
	if (o->all_tags)
		return push_all(rl, o, args->v[0], err);
	r = image_resolve_any(rl, args->v[0], id, &name, &is_list, err);
	if (r == 0 && is_list)
		return push_list(rl, o, args->v[0], dest, err);
	if (r == 0)
		r = image_find(rl, args->v[0], NULL, &img, err);
	if (r == 0 && archive_is_place(dest))
		return push_to_archive(rl, o, &img, dest, err);
	if (r == 0)
		r = push_place(dest, img.name, img.id, &to, err);
	return r < 0 ? r : push_image(rl, o, &img, to, err);
}

const struct cmd cmd_push = {
	.name = "push",
	.args = "IMAGE [DESTINATION]",
	.summary = "Give an image to a registry",
	.about = "Gives an image of the store to a registry, under its own name or as "
		 "DESTINATION. Only layers that the registry lacks are sent; those of "
		 "another repository there are mounted from it. Layers leave as they "
		 "came, so that an image keeps its digest; plain ones are packed "
		 "first. A manifest list takes all its images along.\n\n"
		 "A DESTINATION 'docker-archive:FILE[:NAME]', 'oci-archive:FILE[:NAME]', "
		 "'oci:DIR[:NAME]' or 'dir:DIR' is written there, as 'rl save' does.\n\n"
		 "Logins come from --creds, --authfile or the files that 'rl login' "
		 "writes.",
	.examples = {
		{ "rl push app registry.example/team/app:1.2",
		  "Give the local image 'app' to a registry." },
		{ "rl push --digestfile d registry.example/team/app:1.2",
		  "Push by its own name, write its digest to the file d." },
	},
	.options = push_options,
	.defaults = &(const struct push_opts){ .c = { .retry = 3,
						      .tls_verify = -1,
						      .insecure = -1,
						      .force = -1,
						      .level = -1 } },
	.opts_size = sizeof(struct push_opts),
	.min_args = 1,
	.max_args = 2,
	.run = push,
};
