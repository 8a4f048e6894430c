/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge.c - `rl-image merge DIFF_ID TO_KEY KEY,...`: one layer that shows what several do together
 *
 * Files are further names of the layers' own files, stubs (elsewhere.h) with all their marks; folders,
 * links and the like are made anew, whiteouts are applied. No data is copied. What mounts and
 * looks at stubs is here as well, for shift.c and foreign.c.
 */
#include "config.h"

#include "storage/image/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/mnt.h"
#include "storage/digest.h"
#include "storage/elsewhere.h"
#include "storage/image/cmds.h"
#include "storage/tree.h"

/* --- overlays of stubs --------------------------------------------------------------------- */

/* An overlay of the layers @names (paths, topmost first), @data of them for data only. */
int merge_mount(const struct strv *names, size_t data, struct rl_err *err)
{
	auto_free struct mnt_opt *opts = calloc(names->n + 2, sizeof(*opts));
	size_t n = 0;

	if (!opts)
		return rl_oom(err);
	opts[n++] = (struct mnt_opt){ "userxattr", NULL };
	for (size_t i = 0; i < names->n; i++)
		opts[n++] = (struct mnt_opt){ i < names->n - data ? "lowerdir+" : "datadir+",
					      names->v[i] };
	return mnt_new("overlay", "rl", opts, n, MOUNT_ATTR_RDONLY, err);
}

/* Does this kernel find the data behind a stub? The first file that has some is read. 1: found */
int merge_has_data(int dir_fd, int depth, struct rl_err *err)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	struct stat st;
	char c;

	if (!d || depth > 64)
		return rl_fail_sys(err, d ? ELOOP : errno, "look at the result");
	while (r == 0 && (e = readdir(d))) {
		auto_fd int at = FD_NONE;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return rl_fail_sys(err, errno, "stat '%s'", e->d_name);
		if (!S_ISDIR(st.st_mode) && (!S_ISREG(st.st_mode) || st.st_size == 0))
			continue;
		at = openat(fd, e->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (at < 0)
			return rl_fail_sys(err, errno, "open '%s'", e->d_name);
		if (S_ISDIR(st.st_mode))
			r = merge_has_data(at, depth + 1, err);
		else
			r = read(at, &c, 1) == 1 ? 1
						 : rl_fail_sys(err, EIO, "read '%s'", e->d_name);
	}
	return r;
}

/* Paths of the layers whose keys are in @list, separated by commas, topmost first. */
int merge_paths(const struct rl *rl, const char *list, struct strv *ret, struct rl_err *err)
{
	auto_strv struct strv keys = { 0 };

	if (strv_split(&keys, list, ',') < 0)
		return rl_oom(err);
	for (size_t i = 0; i < keys.n; i++) {
		auto_fd int fd = layer_open(rl, keys.v[i], err);

		if (fd < 0)
			return fd;
		if (strv_take(ret, str_printf("%s/layers/%s/diff", rl->data_dir, keys.v[i])) < 0)
			return rl_oom(err);
	}
	return ret->n ? 0 : rl_fail(err, EINVAL, "no layers");
}

/* For who opens it: storage/rootfs.c */
int merge_write_from(const struct rl *rl, const struct layer_stage *st, const char *from,
		     struct rl_err *err)
{
	char path[sizeof(st->name) + sizeof("/" LAYER_FROM)];

	(void)snprintf(path, sizeof(path), "%s/" LAYER_FROM, st->name);
	return io_replace_file(rl->data_fd, path, from, strlen(from), 0600, IO_NOSYNC, err);
}

/* --- merging ------------------------------------------------------------------------------- */

/* Bottom first, into the staging folder; where their data are is told as well. */
static int merge(const struct rl *rl, const struct strv *keys, const struct layer_stage *st,
		 struct strv *folders, struct rl_err *err)
{
	auto_fd int to = openat(st->diff_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = to < 0 ? rl_fail_sys(err, errno, "open the staging folder") : 0;

	for (size_t i = keys->n; r == 0 && i > 0; i--) {
		auto_fd int fd = layer_open(rl, keys->v[i - 1], err);

		r = fd < 0 ? fd : tree_link(fd, to, err);
		if (r == 0)
			r = elsewhere_of(rl, keys->v[i - 1], folders, err);
	}
	return r;
}

static int merge_and_publish(const struct rl *rl, const char *diff_id, const char *from,
			     struct layer_stage *st, struct rl_err *err)
{
	auto_strv struct strv keys = { 0 }, folders = { 0 };
	int r = strv_split(&keys, from, ',') < 0 ? rl_oom(err)
						 : merge(rl, &keys, st, &folders, err);

	if (r == 0)
		r = elsewhere_write(rl, st, &folders, err);
	if (r == 0)
		r = merge_write_from(rl, st, from, err);
	return r < 0 ? r : layer_publish(rl, st, diff_id, 0, 0, err);
}

int cmd_merge(const struct rl *rl, int argc, char **argv, struct rl_err *err)
{
	struct layer_stage st;
	int r;

	if (argc != 4)
		return rl_fail(err, EINVAL, "usage: merge DIFF_ID TO_KEY KEY,...");
	if (digest_check(argv[1], "layer", err) < 0)
		return -err->code;
	r = layer_begin(rl, argv[2], true, &st, err);
	if (r != 0)
		return r < 0 ? r : 0; /* 1: somebody else made it meanwhile */
	(void)umask(0);
	r = merge_and_publish(rl, argv[1], argv[3], &st, err);
	if (r < 0)
		layer_abort(rl, &st);
	return r < 0 ? rl_wrap(err, "layers up to '%.12s'", argv[2]) : 0;
}
