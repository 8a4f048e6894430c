/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootfs_pick.c - which rung this store takes: remembered, else by trial
 *
 * Theory of operation: a trial is the real thing in small: a layer with a file and a whiteout,
 * one more below it, mounted by the same code in a user namespace nested in S, then a file is
 * removed, a folder is made in the place of one, and the result is looked at. It takes some
 * milliseconds and is made again when kernel, rl or the store's file system change. What others
 * may change meanwhile (a package, a device's mode) shows as an error of the rung, which says so.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "storage/inside.h"
#include "storage/rootfs_parts.h"

#define CACHE    "cache/rootfs-rung"
#define TRIAL_MS 20000

/* --- the trial --------------------------------------------------------------------------- */

struct trial {
	int dir_fd;
	const char *dir; /* below it */
	enum rootfs_rung rung;
};

static int touch(int dir_fd, const char *path)
{
	auto_fd int fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	return fd < 0 ? -1 : 0;
}

/* Two layers: l0 with "gone", "kept" and "d/old"; l1 with a whiteout for "gone". */
static int make_layers(int fd, struct rl_err *err)
{
	if (mkdirat(fd, "l0", 0755) < 0 || mkdirat(fd, "l1", 0755) < 0 ||
	    mkdirat(fd, "l0/d", 0755) < 0 || mkdirat(fd, "upper", 0755) < 0 ||
	    mkdirat(fd, "work", 0700) < 0 || touch(fd, "l0/gone") < 0 || touch(fd, "l0/kept") < 0 ||
	    touch(fd, "l0/d/old") < 0)
		return rl_fail_sys(err, errno, "make files to try a root file system with");
	if (mknodat(fd, "l1/gone", S_IFCHR, makedev(0, 0)) < 0)
		return rl_fail_sys(err, errno, "make a whiteout");
	return 0;
}

static bool missing(int fd, const char *path)
{
	return !io_exists(fd, path) && errno == ENOENT;
}

/* @root: the mount; @upper: the folder behind it, or FD_NONE */
static int look(int root, struct rl_err *err)
{
	if (!missing(root, "gone"))
		return rl_fail(err, EIO, "a whiteout does not hide the file below it");
	if (unlinkat(root, "kept", 0) < 0 || unlinkat(root, "d/old", 0) < 0 ||
	    unlinkat(root, "d", AT_REMOVEDIR) < 0)
		return rl_fail_sys(err, errno, "remove a file of a layer");
	if (mkdirat(root, "d", 0755) < 0 || touch(root, "d/new") < 0)
		return rl_fail_sys(err, errno, "make a folder where a layer had one");
	if (!missing(root, "kept") || !missing(root, "d/old") || missing(root, "d/new"))
		return rl_fail(err, EIO, "removed files come back");
	return 0;
}

/* "0 0 1": enough for files of S's root; gid_map needs setgroups off for an unprivileged writer */
static int map_self(struct rl_err *err)
{
	static const char *const files[][2] = { { "/proc/self/setgroups", "deny" },
						{ "/proc/self/uid_map", "0 0 1" },
						{ "/proc/self/gid_map", "0 0 1" } };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		auto_fd int fd = open(files[i][0], O_WRONLY | O_CLOEXEC);
		size_t n = strlen(files[i][1]);

		if (fd < 0 || write(fd, files[i][1], n) != (ssize_t)n)
			return rl_fail_sys(err, errno, "write '%s'", files[i][0]);
	}
	return 0;
}

/* Like init: a user and mount namespace of its own, nested in S. */
static int in_nested(struct rootfs *r, int prepared_fd, struct rl_err *err)
{
	auto_fd int root = FD_NONE;
	int rc;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return rl_fail_sys(err, errno, "make a user namespace in the session");
	rc = map_self(err);
	if (rc == 0)
		rc = rootfs_root_hook(r, prepared_fd, &root, err);
	return rc < 0 ? rc : look(root, err);
}

/* In a child of uid 0 in S, which is what the joiner is. */
static int try_inside(void *arg, struct rl_err *err)
{
	const struct trial *t = arg;
	auto_fd int fd = io_open_dir(t->dir_fd, t->dir, err);
	auto_fd int l0 = FD_NONE, l1 = FD_NONE, prepared = FD_NONE;
	int layers[2], rc;
	struct rootfs r = { .rung = t->rung, .layer_fds = layers, .n_layers = 2, .ctr_fd = fd };

	if (fd < 0)
		return fd;
	rc = make_layers(fd, err);
	if (rc < 0)
		return rc;
	l0 = openat(fd, "l0", O_PATH | O_DIRECTORY | O_CLOEXEC);
	l1 = openat(fd, "l1", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (l0 < 0 || l1 < 0)
		return rl_fail_sys(err, errno, "open the layers");
	layers[0] = l0;
	layers[1] = l1;
	rc = rootfs_prepare_hook(&r, &prepared, err);
	return rc < 0 ? rc : in_nested(&r, prepared, err);
}

static int remove_inside(void *arg, struct rl_err *err)
{
	const struct trial *t = arg;

	return io_remove_tree(t->dir_fd, t->dir, err);
}

int rootfs_try(int dir_fd, const struct session *s, enum rootfs_rung rung, struct rl_err *err)
{
	char dir[64] = ".tmp-trial-";
	struct trial t = { .dir_fd = dir_fd, .dir = dir, .rung = rung };
	struct rl_err why = { 0 };
	int r;

	rand_hex(dir + strlen(dir), 8);
	if (mkdirat(dir_fd, dir, 0700) < 0)
		return rl_fail_sys(err, errno, "make a folder for a trial");
	r = inside_run(s, try_inside, &t, TRIAL_MS, err);
	if (inside_run(s, remove_inside, &t, -1, &why) < 0)
		log_debug("left behind: %s", why.msg);
	return r;
}

/* --- remembering it ---------------------------------------------------------------------- */

/* A device or program that comes or goes changes the rung at once. */
static int fuse_is_there(void)
{
	auto_free char *program = proc_find(ROOTFS_FUSE_PROGRAM);

	return program && access("/dev/fuse", R_OK | W_OK) == 0;
}

/* What a trial's result depends on, beside things that only an administrator changes. */
static int cache_key(const struct rl *rl, const struct session *s, struct buf *ret,
		     struct rl_err *err)
{
	struct utsname u;
	struct statfs fs;
	struct stat st;

	(void)uname(&u); /* fails only for a bad pointer */
	if (fstatfs(rl->data_fd, &fs) < 0 || fstat(rl->data_fd, &st) < 0)
		return rl_fail_sys(err, errno, "stat '%s'", rl->data_dir);
	return buf_printf(ret,
			  " rl=" PACKAGE_VERSION
			  " kernel=%s fs=%lx dev=%llx ids=%s fuse=%d sandbox=%d\n",
			  u.release, (unsigned long)fs.f_type, (unsigned long long)st.st_dev,
			  s->rung == SESSION_FULL ? "full" : "one", fuse_is_there(),
			  prctl(PR_GET_SECCOMP)) < 0
		       ? rl_oom(err)
		       : 0;
}

static bool from_cache(const struct rl *rl, const char *key, enum rootfs_rung *ret)
{
	auto_buf struct buf b = { 0 };
	struct rl_err why = { 0 };

	if (io_read_file(rl->data_fd, CACHE, 4096, &b, &why) < 0 || !b.data)
		return false;
	for (int i = ROOTFS_OVERLAY; i <= ROOTFS_COPY; i++) {
		const char *name = rootfs_rung_name((enum rootfs_rung)i);
		size_t n = strlen(name);

		if (strncmp(b.data, name, n) == 0 && strcmp(b.data + n, key) == 0) {
			*ret = (enum rootfs_rung)i;
			return true;
		}
	}
	return false;
}

static void to_cache(const struct rl *rl, const char *key, enum rootfs_rung rung)
{
	auto_free char *text = str_printf("%s%s", rootfs_rung_name(rung), key);
	struct rl_err why = { 0 };

	if (text &&
	    io_replace_file(rl->data_fd, CACHE, text, strlen(text), 0600, IO_NOSYNC, &why) < 0)
		log_debug("not remembered: %s", why.msg);
}

/* What the user asks for by $STORAGE_DRIVER, or -1. */
static int wanted(void)
{
	const char *s = getenv("STORAGE_DRIVER");

	if (s && strcmp(s, "vfs") == 0)
		return ROOTFS_COPY;
	return s && strcmp(s, "fuse-overlayfs") == 0 ? ROOTFS_FUSE : -1;
}

/* The copy needs no trial: there is nothing below it. */
static int try_all(const struct rl *rl, const struct session *s, enum rootfs_rung *ret,
		   char **ret_why, struct rl_err *err)
{
	auto_fd int dir = io_open_dir(rl->data_fd, "cache", err);
	auto_buf struct buf why = { 0 };
	int r = 0;
	int rung = ROOTFS_OVERLAY;

	if (dir < 0)
		return dir;
	for (; rung < ROOTFS_COPY; rung++) {
		struct rl_err e = { 0 };

		if (rootfs_try(dir, s, (enum rootfs_rung)rung, &e) == 0)
			break;
		r = buf_printf(&why, "%s%s: %s", why.len ? "; " : "",
			       rootfs_rung_name((enum rootfs_rung)rung), e.msg);
	}
	if (rung > ROOTFS_OVERLAY)
		log_warn("root file systems of this store use %s, which is slower (%s)",
			 rung == ROOTFS_COPY ? "a copy of the image" : "fuse-overlayfs",
			 r == 0 ? why.data : "out of memory");
	if (ret_why && why.len > 0)
		*ret_why = buf_take(&why);
	*ret = (enum rootfs_rung)rung;
	return 0;
}

int rootfs_pick(const struct rl *rl, const struct session *s, enum rootfs_rung *ret, char **ret_why,
		struct rl_err *err)
{
	auto_buf struct buf key = { 0 };
	int want = wanted(), r;

	if (ret_why)
		*ret_why = NULL;
	if (want >= 0) {
		*ret = (enum rootfs_rung)want;
		return 0;
	}
	r = cache_key(rl, s, &key, err);
	if (r < 0 || from_cache(rl, key.data, ret))
		return r;
	r = io_mkdirs(rl->data_fd, "cache", 0700, err);
	if (r < 0)
		return r;
	r = try_all(rl, s, ret, ret_why, err);
	if (r == 0)
		to_cache(rl, key.data, *ret);
	return r;
}
