/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_store.c - rl doctor: the two folders, their file system, and how layers are mounted there */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "cmd/doctor.h"
#include "cmd/format.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/proc.h"
#include "storage/home.h"
#include "storage/inside.h"
#include "storage/rootfs.h"

#define SPACE_LOW  ((uint64_t)1 << 30)
#define INODES_LOW 20000
#define HOME_MS    10000 /* a server that does not answer */

/* The folder itself, or the nearest one above it that there is. fd or -errno. */
static int open_near(const char *path, char *near, size_t room)
{
	int fd;

	(void)snprintf(near, room, "%s", path);
	for (;;) {
		char *slash = strrchr(near, '/');

		fd = open(near, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 || errno != ENOENT || !slash || !slash[1])
			return fd < 0 ? -errno : fd;
		slash[slash == near] = '\0';
	}
}

/* fd of where the store is or would be made, or FD_NONE with a finding that says why not */
static int folder(struct doctor *d, char *near, size_t room)
{
	struct rl_err err = { 0 };
	struct rl look;
	int fd;

	if (!d->rl->data_dir) {
		if (rl_find(&look, NULL, &err) == 0)
			rl_close(&look);
		doctor_missing(d, "store", DOCTOR_BROKEN, "%s", err.msg);
		doctor_fix(d, "%s", err.hint);
		return FD_NONE;
	}
	fd = open_near(d->rl->data_dir, near, room);
	if (fd >= 0 && strcmp(near, d->rl->data_dir) == 0) {
		fd_close(fd);
		fd = rl_check_folder(d->rl->data_dir, d->rl->uid, &err);
		if (fd < 0) {
			doctor_missing(d, "store", DOCTOR_BROKEN, "%s", err.msg);
			doctor_fix(d, "%s", err.hint);
			return FD_NONE;
		}
	}
	if (fd < 0 || faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) < 0) {
		doctor_missing(d, "store", DOCTOR_BROKEN, "you may not write into '%s': %s", near,
			       strerror(fd < 0 ? -fd : errno));
		doctor_fix(d, "set RL_ROOT (or --root) to a folder that you may write");
		fd_close(fd);
		return FD_NONE;
	}
	return fd;
}

struct home {
	int fd;
	const char *path;
};

static int in_session(void *arg, struct rl_err *err)
{
	const struct home *h = arg;

	return home_check(h->fd, h->path, err);
}

static void store(struct doctor *d, int fd, const char *near)
{
	struct home h = { .fd = fd, .path = near };
	bool there = strcmp(near, d->rl->data_dir) == 0;
	struct rl_err err = { 0 };
	struct statvfs v = { 0 };

	(void)fstatvfs(fd, &v); /* zeros: nothing known */
	if (d->has_session && inside_run(&d->session, in_session, &h, HOME_MS, &err) < 0) {
		doctor_missing(d, "store", DOCTOR_BROKEN, "%s", err.msg);
		doctor_fix(d, "%s", err.hint);
		return;
	}
	if (v.f_flag & ST_NOEXEC) {
		doctor_degraded(d, "store", DOCTOR_LESS, "what need not be executed in place",
				"'%s' is on a file system mounted noexec", d->rl->data_dir);
		doctor_fix(d, "set RL_ROOT (or --root) to a folder where programs may be executed");
		return;
	}
	doctor_ok(d, "store", "'%s'%s", d->rl->data_dir,
		  there ? "" : " (not there yet, can be made)");
}

static void space(struct doctor *d, int fd)
{
	char text[FORMAT_TEXT_MAX];
	struct statvfs v;
	uint64_t bytes;

	if (fstatvfs(fd, &v) < 0) {
		doctor_skipped(d, "space", "%s", strerror(errno));
		return;
	}
	bytes = (uint64_t)v.f_bavail * v.f_frsize;
	format_size(text, bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes, 3, " ");
	/* file systems without a table of inodes say that they have none */
	if (bytes < SPACE_LOW)
		doctor_degraded(d, "space", DOCTOR_LESS, "small images", "%s are free", text);
	else if (v.f_files > 0 && v.f_favail < INODES_LOW)
		doctor_degraded(d, "space", DOCTOR_LESS, "small images",
				"%s are free, but only %llu inodes", text,
				(unsigned long long)v.f_favail);
	else
		doctor_ok(d, "space", "%s are free", text);
	if (d->n > 0 && d->v[d->n - 1].effect != DOCTOR_NONE)
		doctor_fix(d, "rl system prune, or set RL_ROOT to a folder on a larger disk");
}

/* @overlay: layers are mounted well without it */
static void fuse(struct doctor *d, bool overlay, bool works, const char *why)
{
	enum doctor_effect effect = overlay || works ? DOCTOR_NONE : DOCTOR_LESS;
	const char *rest = overlay ? "; not needed while the kernel's overlay works" : "";
	auto_fd int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	int e = errno;
	auto_free char *program = proc_find(ROOTFS_FUSE_PROGRAM);
	char line[DISTRO_LINE];

	if (fd < 0) {
		doctor_missing(d, "fuse", effect, "'/dev/fuse': %s%s", strerror(e), rest);
		if (e == EACCES || e == EPERM)
			doctor_fix(d, "sudo chmod 666 /dev/fuse");
		else
			doctor_fix(d, "sudo modprobe fuse (in an outer container: start it with "
				      "--device /dev/fuse)");
	} else if (!program) {
		doctor_missing(d, "fuse", effect, "the program fuse-overlayfs is not installed%s",
			       rest);
		distro_install(&d->distro, DISTRO_FUSE_OVERLAYFS, line);
		doctor_fix(d, "%s", line);
	} else if (!works && why && *why) {
		doctor_missing(d, "fuse", effect, "%s%s", why, rest);
	} else {
		doctor_ok(d, "fuse", "'/dev/fuse' and '%s'", program);
	}
}

static void layers(struct doctor *d, int fd)
{
	struct rl_err over = { 0 }, slow = { 0 };
	const char *asked = getenv("STORAGE_DRIVER");
	bool overlay, works = false;

	if (!d->has_session) {
		doctor_skipped(d, "overlay", "there is no user namespace to try it in");
		fuse(d, false, false, NULL);
		return;
	}
	overlay = rootfs_try(fd, &d->session, ROOTFS_OVERLAY, &over) == 0;
	if (!overlay)
		works = rootfs_try(fd, &d->session, ROOTFS_FUSE, &slow) == 0;
	if (overlay && asked && (strcmp(asked, "vfs") == 0 || strcmp(asked, "fuse-overlayfs") == 0))
		doctor_degraded(d, "overlay", DOCTOR_NONE, asked, "$STORAGE_DRIVER asks for it");
	else if (overlay)
		doctor_ok(d, "overlay", "mounted one where the store is");
	else
		doctor_degraded(d, "overlay", DOCTOR_LESS,
				works ? "fuse-overlayfs" : "a copy of the image for each container",
				"%s", over.msg);
	if (!overlay)
		doctor_fix(d, "%s", over.hint);
	fuse(d, overlay, works, slow.msg);
}

static void runtime_dir(struct doctor *d)
{
	char room[300];
	const char *why = rl_no_runtime_dir(d->rl->uid, room, sizeof(room));

	if (getenv("RL_RUNROOT")) {
		doctor_ok(d, "runtime-dir", "'%s', by $RL_RUNROOT", d->rl->run_dir);
	} else if (!why) {
		doctor_ok(d, "runtime-dir", "'%s'", d->rl->run_dir);
	} else if (d->rl->run_dir) {
		doctor_degraded(d, "runtime-dir", DOCTOR_LESS, d->rl->run_dir,
				"$XDG_RUNTIME_DIR %s", why);
		if (access("/run/systemd/system", F_OK) == 0 && d->rl->uid != 0)
			doctor_fix(d,
				   "log in by ssh or machinectl shell rather than su or sudo; or: "
				   "export XDG_RUNTIME_DIR=/run/user/%u",
				   d->rl->uid);
	}
}

void doctor_store(struct doctor *d)
{
	char near[4096];
	auto_fd int fd = FD_NONE;

	if (doctor_begin(d, "store", DOCTOR_BROKEN))
		fd = folder(d, near, sizeof(near));
	if (fd >= 0) {
		store(d, fd, near);
		if (doctor_begin(d, "space", DOCTOR_LESS))
			space(d, fd);
		if (doctor_begin(d, "overlay", DOCTOR_BROKEN))
			layers(d, fd);
	}
	if (doctor_begin(d, "runtime-dir", DOCTOR_LESS))
		runtime_dir(d);
}
