/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mask.c - paths of a container that nobody may read, and paths that nobody may write
 *
 * Threat: a masked file stays readable because what is bound over it was replaced (CVE-2025-31133),
 * or because the path leads elsewhere.
 * Defence: paths are resolved in the root, those of /proc and /sys in the mounts there; a masked file is covered by the null device of the
 * fresh /dev (dev.c), checked to be char 1:3, a folder by an empty read-only tmpfs.
 * Must not: skip a path for any reason but that it does not exist.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/init.h"
#include "core/mnt.h"
#include "core/rootpath.h"

struct mask {
	int empty_fd; /* the empty folder once it is attached somewhere, or FD_NONE */
};

/* FD_NONE with 0 when there is no such path. */
static int open_existing(struct init *in, const char *path, int *ret_fd, struct rl_err *err)
{
	int top = in->root_fd, fd;

	/* what lies below these names in the root may be something else by now (mounts.c, place()) */
	if (strncmp(path, "/proc/", 6) == 0 && in->proc_top >= 0)
		top = in->proc_top;
	else if (strncmp(path, "/sys/", 5) == 0 && in->sys_top >= 0)
		top = in->sys_top;
	fd = rootpath_open(top, top == in->root_fd ? path : strchr(path + 1, '/'), O_PATH, err);

	*ret_fd = FD_NONE;
	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

/* An empty folder to attach: the first is new, the others are copies of it. */
static int empty_folder(struct mask *m, struct rl_err *err)
{
	static const struct mnt_opt opts[] = { { "size", "4k" },
					       { "nr_inodes", "2" },
					       { "mode", "755" } };
	const uint64_t attrs =
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	int fd;

	if (m->empty_fd < 0)
		return mnt_new("tmpfs", "tmpfs", opts, ARRAY_LEN(opts), attrs, err);
	fd = mnt_clone(m->empty_fd, "", false);
	return fd < 0 ? rl_fail_sys(err, -fd, "copy the empty folder") : fd;
}

static int mask_one(struct init *in, struct mask *m, const char *path, struct rl_err *err)
{
	auto_fd int target = FD_NONE, fd = FD_NONE;
	struct stat st;
	int r = open_existing(in, path, &target, err);

	if (r < 0 || target < 0)
		return r;
	if (fstat(target, &st) < 0)
		return rl_fail_sys(err, errno, "mask '%s'", path);
	if (S_ISDIR(st.st_mode)) {
		fd = empty_folder(m, err);
		if (fd < 0)
			return rl_wrap(err, "mask '%s'", path);
	} else {
		fd = mnt_clone(in->null_fd, "", false);
		if (fd < 0)
			return rl_fail_sys(err, -fd, "mask '%s'", path);
	}
	r = mnt_attach(fd, target);
	if (r < 0)
		return rl_fail_sys(err, -r, "mask '%s'", path);
	if (S_ISDIR(st.st_mode) && m->empty_fd < 0)
		m->empty_fd = TAKE_FD(fd);
	return 0;
}

static int read_only_one(struct init *in, const char *path, struct rl_err *err)
{
	auto_fd int target = FD_NONE, fd = FD_NONE;
	int r = open_existing(in, path, &target, err);

	if (r < 0 || target < 0)
		return r;
	fd = mnt_clone(target, "", true);
	r = fd < 0 ? fd : mnt_set(fd, MOUNT_ATTR_RDONLY, 0, 0, true);
	if (r == 0)
		r = mnt_attach(fd, target);
	return r < 0 ? rl_fail_sys(err, -r, "make '%s' read-only", path) : 0;
}

int mask_paths(struct init *in, struct rl_err *err)
{
	struct mask m = { .empty_fd = FD_NONE };
	int r = 0;

	for (const char **p = in->spec->masked; r == 0 && p && *p; p++)
		r = mask_one(in, &m, *p, err);
	fd_close(m.empty_fd);
	for (const char **p = in->spec->read_only_paths; r == 0 && p && *p; p++)
		r = read_only_one(in, *p, err);
	return r;
}
