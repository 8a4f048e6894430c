/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootfs_overlay.c - kernel overlay in the container's own user and mount namespace
 *
 * userxattr (Linux 5.11): overlay's marks are user.overlay.*, which need no rights in the host's
 * user namespace. Layers go in one by one as "lowerdir+" (Linux 6.7), named /proc/self/fd/N, so no
 * path needs escaping and 500 of them fit; before that all must fit into the one page of mount(2),
 * with names relative to /proc/self/fd. Source: kernel Documentation/filesystems/overlayfs.rst.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* mount(2) and umount2(2) by hand: <sys/mount.h> and <linux/mount.h> exclude each other before
 * glibc 2.37 */
#include <sys/syscall.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/mnt.h"
#include "storage/rootfs_parts.h"

#define MNT_DETACH_FLAG 2 /* umount2(2) MNT_DETACH */
#define OPTS_MORE       5 /* beside the layers */

/* Everything the mount is made from, reopened in our own mount namespace. */
struct parts {
	int *lower; /* topmost first */
	size_t n, n_data;
	int upper, work;
};

static void parts_done(struct parts *p)
{
	for (size_t i = 0; i < p->n; i++)
		fd_close(p->lower[i]);
	free(p->lower);
	fd_close(p->upper);
	fd_close(p->work);
}

static int reopen_below(int dir_fd, const char *name, struct rl_err *err)
{
	auto_fd int fd = openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return rl_fail_sys(err, errno, "open the container's folder '%s'", name);
	return rootfs_reopen(fd, err);
}

static int parts_open(const struct rootfs *r, struct parts *p, struct rl_err *err)
{
	*p = (struct parts){ .n_data = r->n_data, .upper = FD_NONE, .work = FD_NONE };
	p->lower = calloc(r->n_layers + 1, sizeof(*p->lower));
	if (!p->lower)
		return rl_oom(err);
	for (size_t i = r->n_layers; i > 0; i--) {
		int fd = rootfs_reopen(r->layer_fds[i - 1], err);

		if (fd < 0)
			return fd;
		p->lower[p->n++] = fd;
	}
	p->upper = reopen_below(r->ctr_fd, "upper", err);
	if (p->upper < 0)
		return p->upper;
	p->work = reopen_below(r->ctr_fd, "work", err);
	return p->work < 0 ? p->work : 0;
}

typedef char fd_path[32];

static void name_fd(fd_path out, int fd)
{
	(void)snprintf(out, sizeof(fd_path), "/proc/self/fd/%d", fd);
}

static int mount_new(const struct parts *p, bool ephemeral, struct rl_err *err)
{
	auto_free fd_path *names = calloc(p->n + 2, sizeof(*names));
	auto_free struct mnt_opt *opts = calloc(p->n + OPTS_MORE, sizeof(*opts));
	size_t n = 0;

	if (!names || !opts)
		return rl_oom(err);
	opts[n++] = (struct mnt_opt){ "userxattr", NULL };
	opts[n++] = (struct mnt_opt){ "index", "off" }; /* a kernel's default may say on */
	if (ephemeral)
		opts[n++] = (struct mnt_opt){ "volatile", NULL };
	for (size_t i = 0; i < p->n; i++) {
		name_fd(names[i], p->lower[i]);
		opts[n++] = (struct mnt_opt){ i < p->n - p->n_data ? "lowerdir+" : "datadir+",
					      names[i] };
	}
	name_fd(names[p->n], p->upper);
	name_fd(names[p->n + 1], p->work);
	opts[n++] = (struct mnt_opt){ "upperdir", names[p->n] };
	opts[n++] = (struct mnt_opt){ "workdir", names[p->n + 1] };
	return mnt_new("overlay", "rl", opts, n, 0, err);
}

/* The options in one line, names relative to /proc/self/fd. */
static int old_options(const struct parts *p, bool ephemeral, struct buf *b, struct rl_err *err)
{
	int r = buf_printf(b, "userxattr,index=off,%supperdir=%d,workdir=%d,lowerdir=",
			   ephemeral ? "volatile," : "", p->upper, p->work);

	for (size_t i = 0; i < p->n && r == 0; i++)
		r = buf_printf(b, "%s%d", i ? ":" : "", p->lower[i]);
	if (r < 0)
		return rl_oom(err);
	if (b->len >= 4096)
		return rl_fail(err, E2BIG, "%zu layers are too many for this kernel", p->n);
	return 0;
}

/* Mounted on /proc for a moment, because mount(2) must put it somewhere; this is our own mount
 * namespace, and whoever looks up names meanwhile is only ourselves. */
static int mount_over_proc(const char *options, struct rl_err *err)
{
	int fd, r;

	if (syscall(SYS_mount, "rl", "/proc", "overlay", 0UL, options) < 0)
		return rl_fail_sys(err, errno, "mount overlay");
	fd = mnt_clone(AT_FDCWD, "/proc", false);
	r = syscall(SYS_umount2, "/proc", MNT_DETACH_FLAG) < 0 ? -errno : 0;
	if (fd < 0)
		return rl_fail_sys(err, -fd, "take the overlay mount");
	if (r < 0) {
		fd_close(fd);
		return rl_fail_sys(err, -r, "take the overlay mount from /proc");
	}
	return fd;
}

/* For Linux before 6.7, which takes layers only by one string of options. */
static int mount_old(const struct parts *p, bool ephemeral, struct rl_err *err)
{
	auto_fd int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_buf struct buf b = { 0 };
	int r = old_options(p, ephemeral, &b, err);

	if (r < 0)
		return r;
	if (chdir("/proc/self/fd") < 0)
		return rl_fail_sys(err, errno, "enter '/proc/self/fd'");
	r = mount_over_proc(b.data, err);
	if ((cwd < 0 || fchdir(cwd) < 0) && chdir("/") < 0 && r >= 0) {
		fd_close(r);
		return rl_fail_sys(err, errno, "leave '/proc/self/fd'");
	}
	return r;
}

int overlay_mount_old(const struct rootfs *r, struct rl_err *err)
{
	struct parts p;
	int fd = parts_open(r, &p, err);

	if (fd == 0)
		fd = mount_old(&p, r->ephemeral, err);
	parts_done(&p);
	return fd;
}

int overlay_mount(const struct rootfs *r, struct rl_err *err)
{
	struct rl_err old = { 0 };
	struct parts p;
	int fd = parts_open(r, &p, err), fd2;

	if (fd == 0)
		fd = mount_new(&p, r->ephemeral, err);
	parts_done(&p);
	if (fd != -EINVAL || r->n_data) /* else "lowerdir+" may be unknown */
		return fd;
	fd2 = overlay_mount_old(r, &old);
	return fd2 < 0 ? fd : fd2;
}
