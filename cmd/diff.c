/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff.c - `rl diff`, `rl image diff`: what changed in a container or an image
 *
 * Theory of operation: a container is compared with its image, an image with what lies below its
 * topmost layer, two names with each other. Mount points, and the files that rl itself puts in the way
 * of the container's, are left out, as podman does it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/engine/container.h"
#include "cmd/format.h"
#include "cmd/select.h"
#include "core/base/cleanup.h"
#include "storage/changes.h"
#include "storage/image.h"
#include "storage/layer.h"
#include "storage/rootfs.h"

struct diff_opts {
	const char *format;
	struct select_opts which;
};

static const struct opt diff_options[] = {
	OPT_STR(0, "format", struct diff_opts, format, "FORMAT", "json, or lines of 'KIND PATH'"),
	SELECT_LATEST(struct diff_opts, which),
	OPT_END,
};

static const struct opt image_diff_options[] = {
	OPT_STR(0, "format", struct diff_opts, format, "FORMAT", "json, or lines of 'KIND PATH'"),
	OPT_END,
};

/* One thing to compare */
struct side {
	struct container c; /* zeroed for an image */
	bool is_container;
	struct image image;
	struct changes_layer *v; /* bottom first; descriptors owned */
	size_t n;
};

static void side_done(struct side *s)
{
	for (size_t i = 0; i < s->n; i++)
		fd_close(s->v[i].fd);
	free(s->v);
	if (s->is_container)
		container_done(&s->c);
	image_done(&s->image);
}
#define auto_side __attribute__((cleanup(side_done)))

static int add_layers(const struct rl *rl, const struct session *s, const struct strv *diff_ids,
		      struct side *x, struct rl_err *err)
{
	/* with the owner map of the container: its writable layer has these owners */
	const struct idmap *uids = x->is_container ? &x->c.uids : NULL;
	const struct idmap *gids = x->is_container ? &x->c.gids : NULL;
	char key[LAYER_KEY_MAX];

	x->v = calloc(diff_ids->n + 1, sizeof(*x->v));
	if (!x->v)
		return rl_oom(err);
	for (size_t i = 0; i < diff_ids->n; i++) {
		int r = layer_key(diff_ids->v[i], s, uids, gids, key, err);

		if (r == 0 && !layer_exists(rl, key)) /* it was never started */
			r = layer_key(diff_ids->v[i], s, NULL, NULL, key, err);
		if (r == 0)
			r = layer_open(rl, key, err);
		if (r < 0)
			return r;
		x->v[x->n++] = (struct changes_layer){ .fd = r, .id = diff_ids->v[i] };
	}
	return 0;
}

/* The container's own folder on top; in a copy of the layers it is all there is. */
static int add_writable(const struct rl *rl, const struct session *s, struct side *x,
			struct rl_err *err)
{
	enum rootfs_rung rung = ROOTFS_OVERLAY;
	const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(x->c.ctr.dir_fd, "upper", flags);
	bool copy = false;

	if (fd < 0 && errno == ENOENT) {
		fd = openat(x->c.ctr.dir_fd, "rootfs", flags);
		copy = fd >= 0;
	}
	if (fd < 0)
		return errno == ENOENT ? 0 : rl_fail_sys(err, errno, "open its writable layer");
	while (copy && x->n > 0)
		fd_close(x->v[--x->n].fd);
	if (!copy && rootfs_pick(rl, s, &rung, NULL, err) < 0) {
		fd_close(fd);
		return -err->code;
	}
	x->v[x->n++] = (struct changes_layer){
		.fd = fd, .id = x->c.ctr.id, .writable = !copy, .wh_files = rung == ROOTFS_FUSE
	};
	return 0;
}

enum wanted { CONTAINER = 1, IMAGE = 2 };

static int load(struct rl *rl, const char *name, const struct session *s, enum wanted want,
		bool whole, struct side *x, struct rl_err *err)
{
	int r = -ENOENT;

	if (want & CONTAINER) {
		r = engine_load(rl, name, false, &x->c, err);
		x->is_container = r == 0;
	}
	if (r == -ENOENT && want & IMAGE) {
		struct rl_err why = { 0 };

		r = image_find(rl, name, NULL, &x->image, want == IMAGE ? err : &why);
		if (r < 0 && r != -ENOENT)
			*err = why;
	}
	if (r < 0)
		return r;
	if (x->is_container && !x->c.image_id[0])
		return rl_fail(err, EINVAL, "'%s' has no image: its root is the folder '%s'", name,
			       x->c.image_name);
	r = add_layers(rl, s, x->is_container ? &x->c.diff_ids : &x->image.diff_ids, x, err);
	return r == 0 && x->is_container && whole ? add_writable(rl, s, x, err) : r;
}

static int hide(const struct side *x, struct strv *hidden, struct rl_err *err)
{
	static const char *const ours[] = {
		"/dev",  "/etc/hostname", "/etc/hosts",         "/etc/resolv.conf",
		"/proc", "/run",          "/run/.containerenv", "/run/secrets",
		"/sys"
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(ours) && r == 0; i++)
		r = strv_add(hidden, ours[i]);
	for (size_t i = 0; i < x->c.spec.n_mounts && r == 0; i++)
		r = strv_add(hidden, x->c.spec.mounts[i].dest);
	return r < 0 ? rl_oom(err) : 0;
}

/* --- output -------------------------------------------------------------------------------- */

static int print_json(const struct strv *lines, struct buf *out, struct rl_err *err)
{
	json_auto_t *j = json_pack("{s:[], s:[], s:[]}", "changed", "added", "deleted");

	for (size_t i = 0; j && i < lines->n; i++) {
		const char kind = *lines->v[i];
		json_t *list = json_object_get(j, kind == 'A'   ? "added"
						  : kind == 'D' ? "deleted"
								: "changed");

		/* a name that is no UTF-8 has no place in JSON: its bytes become '?' */
		if (json_array_append_new(list, json_string(lines->v[i] + 1)) < 0) {
			for (char *c = lines->v[i]; *c; c++)
				if (*c & 0x80)
					*c = '?';
			if (json_array_append_new(list, json_string(lines->v[i] + 1)) < 0)
				return rl_oom(err);
		}
	}
	return j ? format_json(j, out, err) : rl_oom(err);
}

static int print(const struct strv *lines, const char *format, struct rl_err *err)
{
	auto_buf struct buf out = { 0 };
	int r = 0;

	if (format)
		r = print_json(lines, &out, err);
	for (size_t i = 0; !format && r == 0 && i < lines->n; i++)
		r = buf_printf(&out, "%c %s\n", *lines->v[i], lines->v[i] + 1);
	if (r < 0)
		return err->code ? r : rl_oom(err);
	return format_print(&out, err);
}

static int compare(struct rl *rl, const char *name, const char *with, enum wanted want,
		   const char *format, struct rl_err *err)
{
	struct session s = { .userns_fd = FD_NONE };
	auto_side struct side a = { 0 }, b = { 0 };
	auto_strv struct strv lines = { 0 }, hidden = { 0 };
	struct changes_side new, old;
	int r;

	if (format && !format_is_json(format))
		return rl_fail(err, EINVAL, "'--format %s': only json can be had", format);
	r = session_open(rl, &s, err);
	if (r == 0)
		r = load(rl, name, &s, want, true, &a, err);
	if (r == 0)
		r = load(rl, with ? with : name, &s, want, with != NULL, &b, err);
	if (r == 0)
		r = hide(&a, &hidden, err);
	new = (struct changes_side){ a.v, a.n };
	old = (struct changes_side){ b.v, b.n };
	if (!with && !a.is_container && old.n > 0)
		old.n--; /* an image: what its topmost layer did */
	if (r == 0)
		r = changes_find(&s, &new, &old, &hidden, &lines, err);
	session_close(&s);
	return r < 0 ? r : print(&lines, format, err);
}

static int diff(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct diff_opts *o = opts;
	auto_strv struct strv names = { 0 };
	const struct cmd_args first = { .v = args->v, .n = args->n > 0 };
	int r = select_containers(rl, "diff", &first, &o->which, SELECT_ANY, &names, err);

	if (r < 0)
		return r;
	return compare(rl, names.v[0], args->n > 1 ? args->v[1] : NULL, CONTAINER | IMAGE,
		       o->format, err);
}

static int image_diff(struct rl *rl, const struct cmd_args *args, const void *opts,
		      struct rl_err *err)
{
	const struct diff_opts *o = opts;

	return compare(rl, args->v[0], args->n > 1 ? args->v[1] : NULL, IMAGE, o->format, err);
}

const struct cmd cmd_diff = {
	.name = "diff",
	.args = "CONTAINER [CONTAINER]",
	.summary = "List the files that a container or image changed",
	.about = "Lists what is added (A), changed (C) and deleted (D) in a container against its image, "
		 "or in an image against what lies below its topmost layer. With two names, which may "
		 "be containers or images, the first is compared with the second. Mount points are "
		 "left out.",
	.examples = {
		{ "rl diff web", "What the container has written." },
		{ "rl diff --format json web", "The same in three lists." },
		{ "rl diff app:2 app:1", "What is new in app:2." },
	},
	.options = diff_options,
	.opts_size = sizeof(struct diff_opts),
	.max_args = 2,
	.run = diff,
};

const struct cmd cmd_image_diff = {
	.name = "image diff",
	.args = "IMAGE [IMAGE]",
	.summary = "List the files that an image changed",
	.about = "Lists what the topmost layer of the image added (A), changed (C) and deleted (D), or, "
		 "with two images, how the first differs from the second.",
	.examples = {
		{ "rl image diff app", "What its last layer did." },
		{ "rl image diff app:2 app:1", "What is new in app:2." },
	},
	.options = image_diff_options,
	.opts_size = sizeof(struct diff_opts),
	.min_args = 1,
	.max_args = 2,
	.run = image_diff,
};
