/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootfs_fuse.c - fuse-overlayfs, where the kernel's overlay cannot be had
 *
 * Theory of operation: the kernel takes a FUSE mount only from the user namespace that opened
 * /dev/fuse, so init opens it and mounts; the daemon must live outside of the container's pid
 * namespace and see the layers, so the joiner forks it, and it waits on a socket. Init sends the
 * device and its user namespace; the daemon enters that (owners then mean the same on both
 * sides), gives up everything but rights over files, and executes fuse-overlayfs with /dev/fd/N
 * as mount point, which libfuse 3 takes as "already mounted". It ends when the last mount of the
 * file system goes, that is with the container's mount namespace; if init never gets that far,
 * the socket closes and it leaves at once.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/proc.h"
#include "core/mnt.h"
#include "storage/rootfs_parts.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4U
#endif

#define PROGRAM ROOTFS_FUSE_PROGRAM

/* What the daemon is made from; its own copies once it runs. */
struct daemon {
	char *path; /* of the program */
	int sock, upper, work;
	const int *layers;
	size_t n_layers;
	bool ephemeral;
};

/* Rights over files of the container's ids, which is what a file server needs. */
static const cap_value_t kept_caps[] = { CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH,
					 CAP_FOWNER, CAP_FSETID,       CAP_MKNOD,
					 CAP_SETFCAP };

static bool is_kept(int cap)
{
	for (size_t i = 0; i < ARRAY_LEN(kept_caps); i++)
		if (kept_caps[i] == cap)
			return true;
	return false;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/*
 * Threat: the joiner's descriptors (init's channel, the terminal, pipes of the caller) in a
 * process that outlives it: ends would not be noticed, and a flaw in the daemon would reach them.
 * Defence: everything but what it needs is closed before it waits for anything.
 */
static int close_others(const struct daemon *d)
{
	auto_free int *keep = calloc(d->n_layers + 4, sizeof(*keep));
	size_t n = 0;
	unsigned from = 3;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (!keep || null < 0)
		return -1;
	for (int fd = 0; fd <= 2; fd++)
		if (dup3(null, fd, 0) < 0)
			return -1;
	keep[n++] = d->sock;
	keep[n++] = d->upper;
	keep[n++] = d->work;
	for (size_t i = 0; i < d->n_layers; i++)
		keep[n++] = d->layers[i];
	qsort(keep, n, sizeof(*keep), by_number);
	for (size_t i = 0; i < n; i++) {
		unsigned k = (unsigned)keep[i];

		proc_close_range(from, k - 1); /* fewer than one: nothing */
		if (k >= from)
			from = k + 1;
	}
	proc_close_range(from, ~0U);
	return 0;
}

/* Into the container's user namespace as its root, with kept_caps and nothing to regain. */
static int enter(int userns_fd)
{
	if (setns(userns_fd, CLONE_NEWUSER) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return -1;
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (!is_kept(cap) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EINVAL)
			return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int add_options(const struct daemon *d, struct buf *b)
{
	int r = buf_printf(b, "upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d%s,lowerdir=",
			   d->upper, d->work, d->ephemeral ? ",fsync=0" : "");

	for (size_t i = d->n_layers; i > 0 && r == 0; i--)
		r = buf_printf(b, "%s/proc/self/fd/%d", i == d->n_layers ? "" : ":",
			       d->layers[i - 1]);
	return r;
}

static int keep_open(int fd)
{
	return fcntl(fd, F_SETFD, 0);
}

static int execute(const struct daemon *d, int fuse_fd)
{
	auto_buf struct buf options = { 0 };
	char mount_point[32];
	const char *const argv[] = { d->path, "-f", "-o", NULL, mount_point, NULL };
	const char *args[ARRAY_LEN(argv)];
	char *const env[] = { NULL };

	if (add_options(d, &options) < 0 || keep_open(fuse_fd) < 0 || keep_open(d->upper) < 0 ||
	    keep_open(d->work) < 0)
		return -1;
	for (size_t i = 0; i < d->n_layers; i++)
		if (keep_open(d->layers[i]) < 0)
			return -1;
	(void)snprintf(mount_point, sizeof(mount_point), "/dev/fd/%d", fuse_fd);
	memcpy(args, argv, sizeof(args));
	args[3] = options.data;
	if (chdir("/") < 0) /* not the caller's folder */
		return -1;
	return execve(d->path, (char *const *)(uintptr_t)args, env);
}

static void serve(const struct daemon *d)
{
	int fds[2] = { FD_NONE, FD_NONE };
	char c;

	(void)setsid(); /* no signals from the caller's terminal */
	if (close_others(d) < 0)
		_exit(1);
	if (fd_recv(d->sock, &c, 1, fds, 2) <= 0 || fds[0] < 0 || fds[1] < 0)
		_exit(1); /* init did not get that far */
	if (enter(fds[1]) < 0)
		_exit(1);
	(void)execute(d, fds[0]); /* init sees the device closed when this fails */
	_exit(1);
}

static int open_below(int dir_fd, const char *name, struct rl_err *err)
{
	int fd = openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? rl_fail_sys(err, errno, "open the container's folder '%s'", name) : fd;
}

int fuse_prepare(const struct rootfs *r, int *ret_fd, struct rl_err *err)
{
	auto_free char *path = proc_find(PROGRAM);
	auto_fd int upper = FD_NONE, work = FD_NONE, ours = FD_NONE, theirs = FD_NONE;
	int pair[2];
	pid_t pid;

	if (!path) {
		rl_fail(err, ENOENT, "the program " PROGRAM " is not installed");
		return rl_hint(err, "install the package " PROGRAM);
	}
	upper = open_below(r->ctr_fd, "upper", err);
	work = upper < 0 ? upper : open_below(r->ctr_fd, "work", err);
	if (work < 0)
		return work;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return rl_fail_sys(err, errno, "make a socket pair");
	ours = pair[0];
	theirs = pair[1];
	pid = fork();
	if (pid < 0)
		return rl_fail_sys(err, errno, "fork");
	if (pid == 0)
		serve(&(struct daemon){ path, theirs, upper, work, r->layer_fds, r->n_layers,
					r->ephemeral });
	*ret_fd = TAKE_FD(ours);
	return 0;
}

/* Answers only when the daemon serves: the first look at the root waits for its greeting. */
static int check(int mount_fd, struct rl_err *err)
{
	struct stat st;

	if (fstatat(mount_fd, "", &st, AT_EMPTY_PATH) == 0 && fstatat(mount_fd, ".", &st, 0) == 0)
		return 0;
	rl_fail_sys(err, errno, "the program " PROGRAM " ended at once");
	return rl_hint(err, "STORAGE_DRIVER=vfs does without it");
}

int fuse_mount(const struct rootfs *r, int prepared_fd, struct rl_err *err)
{
	auto_fd int dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	auto_fd int userns = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	auto_fd int mount_fd = FD_NONE;
	char number[16];
	const struct mnt_opt opts[] = {
		{ "fd", number },    { "rootmode", "40000" }, { "user_id", "0" },
		{ "group_id", "0" }, { "allow_other", NULL }, { "default_permissions", NULL },
	};
	int fds[2], rc;

	(void)r;
	if (dev < 0) {
		rl_fail_sys(err, errno, "open '/dev/fuse'");
		return rl_hint(err, "load the kernel module fuse, and let users open /dev/fuse "
				    "(chmod 666 /dev/fuse)");
	}
	if (userns < 0)
		return rl_fail_sys(err, errno, "open our user namespace");
	(void)snprintf(number, sizeof(number), "%d", dev);
	mount_fd = mnt_new("fuse", PROGRAM, opts, ARRAY_LEN(opts), 0, err);
	if (mount_fd < 0)
		return mount_fd;
	fds[0] = dev;
	fds[1] = userns;
	rc = fd_send(prepared_fd, "F", 1, fds, 2);
	if (rc < 0)
		return rl_fail_sys(err, -rc, "hand /dev/fuse to " PROGRAM);
	cleanup_fd(&dev); /* so that the kernel notices when the daemon ends */
	rc = check(mount_fd, err);
	return rc < 0 ? rc : TAKE_FD(mount_fd);
}
