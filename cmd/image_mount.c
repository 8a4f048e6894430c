/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_mount.c - `rl image mount`, `rl image unmount`
 *
 * Inside `rl unshare` only (cmd/mounting.h); elsewhere the error says what does the same. A mounted
 * image is an overlay of its layers without an upper one.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "cmd/cmd.h"
#include "cmd/mounting.h"
#include "cmd/unshare.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/strv.h"
#include "core/session.h"
#include "storage/image.h"
#include "storage/stack.h"

#define LAYERS_MAX 200 /* their descriptors' names fit into the one page of mount(2) */

struct image_mount_opts {
	bool all, force;
	const char *format;
};

static int need_unshare(const char *name, struct rl_err *err)
{
	rl_fail(err, EPERM, "images can be mounted inside 'rl unshare' only");
	return rl_hint(err,
		       "rl unshare sh -c 'ls $(rl image mount %s)'; or 'rl run --mount "
		       "type=image,src=%s,dst=/mnt ...' shows it in a container",
		       name, name);
}

/* "lowerdir=" of the image's layers, topmost first, and folders that hold only data; their descriptors are
 * left open in @st. */
static int options(const struct rl *rl, const struct image *img, const char *path, struct stack *st,
		   struct buf *b, struct rl_err *err)
{
	struct session s;
	int r = mounting_session(&s, err), bad = buf_str(b, "userxattr,lowerdir=");

	if (r == 0 && img->diff_ids.n > LAYERS_MAX)
		r = rl_fail(err, E2BIG, "it has more than %d layers", LAYERS_MAX);
	if (r == 0)
		r = stack_open(rl, &s, &img->diff_ids, st, err);
	if (r < 0)
		return r;
	for (size_t i = st->n; i > st->n_data; i--)
		bad |= buf_printf(b, "/proc/self/fd/%d:", st->fds[i - 1]);
	/* an overlay needs two of them: the last is the empty folder it is mounted on */
	if (st->n_data == 0)
		bad |= buf_str(b, path);
	else
		b->data[--b->len] = '\0'; /* the last ':' */
	for (size_t i = st->n_data; i > 0; i--)
		bad |= buf_printf(b, "::/proc/self/fd/%d", st->fds[i - 1]);
	return bad ? rl_oom(err) : 0;
}

static int mount_at(const struct rl *rl, const struct image *img, const char *path,
		    struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	struct stack st = { 0 };
	int r = options(rl, img, path, &st, &b, err);

	if (r == 0 && mount("rl", path, "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV, b.data) < 0) {
		r = rl_fail_sys(err, errno, "mount overlay on '%s'", path);
		rl_hint(err, "the kernel's overlay is needed here: rl doctor");
	}
	stack_close(&st);
	return r;
}

static int mount_one(const struct rl *rl, const char *name, struct rl_err *err)
{
	auto_image struct image img = { 0 };
	auto_free char *path = NULL;
	int r = image_find(rl, name, NULL, &img, err);

	if (r == 0)
		r = mounting_make(rl, img.id, &path, err);
	if (r == 0 && !mounting_is_there(path))
		r = mount_at(rl, &img, path, err);
	if (r == 0)
		(void)puts(path); /* a closed stdout is seen when it is flushed at exit */
	return r < 0 ? rl_wrap(err, "image mount '%s'", name) : 0;
}

/* Every image (@mounted: of those that are mounted) */
static int for_all(const struct rl *rl, bool mounted,
		   int (*f)(const struct rl *, const char *, struct rl_err *), struct rl_err *err)
{
	struct image *v = NULL;
	size_t n = 0;
	int r = image_list(rl, &v, &n, err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		auto_free char *path = v[i].is_list ? NULL : mounting_place(rl, v[i].id, err);

		if (path && (!mounted || mounting_is_there(path)))
			r = f(rl, v[i].id, err);
	}
	image_list_done(v, n);
	return r;
}

static int list(const struct rl *rl, const char *format, struct rl_err *err)
{
	json_auto_t *all = json_array();
	struct image *v = NULL;
	size_t n = 0;
	int r = all ? image_list(rl, &v, &n, err) : rl_oom(err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		auto_free char *path = v[i].is_list ? NULL : mounting_place(rl, v[i].id, err);

		if (path && mounting_is_there(path))
			r = mounting_add(all, v[i].id, (const char *const *)v[i].names.v,
					 v[i].names.n, path, err);
	}
	image_list_done(v, n);
	return r < 0 ? r : mounting_print(all, format, false, err);
}

static int mount_run(struct rl *rl, const struct cmd_args *args, const void *opts,
		     struct rl_err *err)
{
	const struct image_mount_opts *o = opts;
	int r = mounting_check_format(o->format, err);

	if (r == 0 && args->n == 0 && !o->all)
		return list(rl, o->format, err);
	for (size_t i = 0; r == 0 && i < args->n; i++) { /* all are known, or none is mounted */
		auto_free char *name = NULL;
		char id[65];

		r = image_resolve(rl, args->v[i], NULL, id, &name, err);
	}
	if (r < 0)
		return r;
	if (!unshare_is_inside())
		return need_unshare(args->n ? args->v[0] : "IMAGE", err);
	if (o->all)
		return for_all(rl, false, mount_one, err);
	for (size_t i = 0; r == 0 && i < args->n; i++)
		r = mount_one(rl, args->v[i], err);
	return r;
}

static int unmount_one(const struct rl *rl, const char *name, struct rl_err *err)
{
	auto_free char *path = NULL, *known = NULL, *what = NULL;
	char id[65];
	int r = image_resolve(rl, name, NULL, id, &known, err);

	path = r < 0 ? NULL : mounting_place(rl, id, err);
	what = path ? str_printf("image '%s'", name) : NULL;
	if (!what)
		return r < 0 ? r : rl_oom(err);
	r = mounting_undo(path, what, err);
	if (r < 0)
		return r;
	(void)puts(id);
	return 0;
}

static int unmount_run(struct rl *rl, const struct cmd_args *args, const void *opts,
		       struct rl_err *err)
{
	const struct image_mount_opts *o = opts;
	int r = 0;

	if (o->all)
		return for_all(rl, true, unmount_one, err);
	if (args->n == 0)
		return rl_fail(err, EINVAL, "image unmount needs IMAGE... or --all");
	for (size_t i = 0; r == 0 && i < args->n; i++)
		r = unmount_one(rl, args->v[i], err);
	return r;
}

static const struct opt mount_options[] = {
	OPT_BOOL('a', "all", struct image_mount_opts, all, "all images"),
	OPT_STR(0, "format", struct image_mount_opts, format, "json", "the list as JSON"),
	OPT_END,
};

const struct cmd cmd_image_mount = {
	.name = "image mount",
	.args = "[IMAGE...]",
	.summary = "Mount the files of images, inside 'rl unshare'",
	.about = "Prints the folder where the files of each image are, read-only, for what runs inside the "
		 "same rl-unshare(1); the mount ends with it. Without IMAGE it lists what is mounted. "
		 "Elsewhere it is an error that says what does the same: a mount of an ordinary user ends "
		 "with the command that made it.",
	.examples = {
		{ "rl image mount alpine", "Print where the files of 'alpine' are, inside rl unshare." },
		{ "rl image mount", "List what is mounted here." },
	},
	.options = mount_options,
	.opts_size = sizeof(struct image_mount_opts),
	.max_args = CMD_ANY,
	.run = mount_run,
};

static const struct opt unmount_options[] = {
	OPT_BOOL('a', "all", struct image_mount_opts, all, "all that are mounted"),
	OPT_BOOL('f', "force", struct image_mount_opts, force, "whoever looks at it (always)"),
	OPT_END,
};

const struct cmd cmd_image_unmount = {
	.name = "image unmount",
	.args = "[IMAGE...]",
	.summary = "Undo 'rl image mount'",
	.about = "Inside the same rl-unshare(1). Files that are open stay readable until they are closed.",
	.examples = {
		{ "rl image unmount alpine", "Unmount 'alpine'." },
		{ "rl image unmount --all", "Unmount all that are mounted here." },
	},
	.options = unmount_options,
	.opts_size = sizeof(struct image_mount_opts),
	.max_args = CMD_ANY,
	.run = unmount_run,
};
