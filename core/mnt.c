/* SPDX-License-Identifier: Apache-2.0 */
/* mnt.c - the kernel's mount API by descriptors; the header is the manual */
#include "config.h"

#include "core/mnt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/cleanup.h"

/*
 * Called by number, without <sys/mount.h>: glibc has wrappers from 2.36 on only, and before 2.37
 * that header and <linux/mount.h> exclude each other.
 */

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

/* ENOSYS and EPERM are what an outer seccomp filter answers; the kernel itself says other things. */
static int no_api(struct rl_err *err, int code, const char *call)
{
	rl_fail_sys(err, code, "%s", call);
	if (code == ENOSYS)
		rl_hint(err, "rl needs Linux 5.12 or newer and no outer seccomp filter on the "
			     "mount calls (fsopen, open_tree, move_mount, mount_setattr)");
	return -err->code;
}

/* Put the kernel's explanation ("e tmpfs: Bad value for 'size'"), if there is one, into @err. */
static int explain(int fs_fd, int code, const char *type, const char *step, struct rl_err *err)
{
	char text[512];
	ssize_t n = read(fs_fd, text, sizeof(text) - 1);

	if (n <= 2)
		return rl_fail_sys(err, code, "mount %s: %s", type, step);
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return rl_fail(err, code, "mount %s: %s: %s", type, text + 2, strerror(code));
}

static int fs_config(int fs_fd, unsigned cmd, const char *key, const char *val)
{
	return syscall(SYS_fsconfig, fs_fd, cmd, key, val, 0) < 0 ? -errno : 0;
}

int mnt_new(const char *type, const char *source, const struct mnt_opt *opts, size_t n_opts,
	    uint64_t attrs, struct rl_err *err)
{
	auto_fd int fs_fd = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	int r, fd;

	if (fs_fd < 0 && errno == ENODEV)
		return rl_fail(err, ENODEV, "the kernel has no file system '%s'", type);
	if (fs_fd < 0)
		return no_api(err, errno, "fsopen");
	if (source) {
		r = fs_config(fs_fd, FSCONFIG_SET_STRING, "source", source);
		if (r < 0)
			return explain(fs_fd, -r, type, "source", err);
	}
	for (size_t i = 0; i < n_opts; i++) {
		r = fs_config(fs_fd, opts[i].val ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG,
			      opts[i].key, opts[i].val);
		if (r < 0)
			return explain(fs_fd, -r, type, opts[i].key, err);
	}
	r = fs_config(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL);
	if (r < 0)
		return explain(fs_fd, -r, type, "create", err);
	fd = (int)syscall(SYS_fsmount, fs_fd, FSMOUNT_CLOEXEC, (unsigned)attrs);
	return fd < 0 ? explain(fs_fd, errno, type, "fsmount", err) : fd;
}

int mnt_clone(int dir_fd, const char *path, bool recursive)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (*path ? 0 : AT_EMPTY_PATH) |
			 (recursive ? AT_RECURSIVE : 0);
	int fd = (int)syscall(SYS_open_tree, dir_fd, path, flags);

	return fd < 0 ? -errno : fd;
}

int mnt_set(int fd, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive)
{
	struct mount_attr a = { .attr_set = set, .attr_clr = clear, .propagation = propagation };
	unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);

	return syscall(SYS_mount_setattr, fd, "", flags, &a, sizeof(a)) < 0 ? -errno : 0;
}

int mnt_idmap(int fd, int userns_fd, bool recursive)
{
	struct mount_attr a = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns_fd };
	unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);

	return syscall(SYS_mount_setattr, fd, "", flags, &a, sizeof(a)) < 0 ? -errno : 0;
}

int mnt_attach(int fd, int target_fd)
{
	const unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;

	return syscall(SYS_move_mount, fd, "", target_fd, "", flags) < 0 ? -errno : 0;
}

int mnt_pivot(int root_fd, struct rl_err *err)
{
	if (fchdir(root_fd) < 0)
		return rl_fail_sys(err, errno, "enter the new root");
	/* both "." : the old root lands on top of the new one, from where it is taken off again */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return rl_fail_sys(err, errno, "pivot_root");
	return 0;
}

int mnt_drop_old(struct rl_err *err)
{
	if (syscall(SYS_umount2, ".", 2 /* MNT_DETACH */) < 0)
		return rl_fail_sys(err, errno, "let go of the host's root");
	if (chdir("/") < 0)
		return rl_fail_sys(err, errno, "enter the new root");
	return 0;
}

int mnt_leave_host(struct rl_err *err)
{
	if (syscall(SYS_mount, NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return rl_fail_sys(err, errno, "make the mounts private");
	return 0;
}
