/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dev.c - a fresh /dev for every container, and its terminal
 *
 * Threat: names in the image's /dev that lead elsewhere, replaced device files, a pts that is
 * somebody else's (CVE-2025-31133, CVE-2025-52565, CVE-2026-88264, CVE-2026-88265).
 * Defence: /dev is always a new tmpfs of our own; devices are the host's, bound by descriptors
 * that were checked for type and number; the terminal is opened by TIOCGPTPEER, by no name.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/init.h"
#include "core/mnt.h"
#include "core/rootpath.h"

static const struct spec_device standard[] = {
	{ "/dev/null", false, 1, 3 },    { "/dev/zero", false, 1, 5 },
	{ "/dev/full", false, 1, 7 },    { "/dev/random", false, 1, 8 },
	{ "/dev/urandom", false, 1, 9 }, { "/dev/tty", false, 5, 0 },
};

/* Bind the host's device @d on the file @target_fd. */
static int bind_device(const struct spec_device *d, int target_fd, struct rl_err *err)
{
	auto_fd int fd = mnt_clone(AT_FDCWD, d->path, false);
	struct stat st;
	int r;

	if (fd < 0)
		return rl_fail_sys(err, -fd, "open device '%s'", d->path);
	if (fstat(fd, &st) < 0)
		return rl_fail_sys(err, errno, "stat device '%s'", d->path);
	if ((st.st_mode & S_IFMT) != (d->is_block ? S_IFBLK : S_IFCHR) ||
	    major(st.st_rdev) != d->major || minor(st.st_rdev) != d->minor)
		return rl_fail(err, ENODEV, "the host's '%s' is not the %s device %u:%u", d->path,
			       d->is_block ? "block" : "character", d->major, d->minor);
	r = mnt_attach(fd, target_fd);
	return r < 0 ? rl_fail_sys(err, -r, "bind device '%s'", d->path) : 0;
}

/* An empty file to bind something on, O_PATH. */
static int make_place(int dev_fd, const char *name, struct rl_err *err)
{
	int fd;

	if (mknodat(dev_fd, name, S_IFREG, 0) < 0 && errno != EEXIST)
		return rl_fail_sys(err, errno, "create '/dev/%s'", name);
	fd = openat(dev_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? rl_fail_sys(err, errno, "open '/dev/%s'", name) : fd;
}

static bool is_standard(const char *path)
{
	static const char *const made[] = { "/dev/ptmx", "/dev/console" };

	for (size_t i = 0; i < ARRAY_LEN(standard); i++)
		if (strcmp(standard[i].path, path) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_LEN(made); i++)
		if (strcmp(made[i], path) == 0)
			return true;
	return false;
}

static int make_devices(struct init *in, int dev_fd, struct rl_err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(standard); i++) {
		auto_fd int place = make_place(dev_fd, standard[i].path + 5, err);
		int r = place < 0 ? place : bind_device(&standard[i], place, err);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < in->spec->n_devices; i++) {
		const struct spec_device *d = &in->spec->devices[i];
		auto_fd int place = FD_NONE;
		int r;

		if (is_standard(d->path))
			continue;
		place = rootpath_make(in->root_fd, d->path, false, err);
		r = place < 0 ? place : bind_device(d, place, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * The null device that stands for absent stdio and covers masked files: of the /dev that was just
 * made, where nobody else can have put anything (CVE-2025-31133, CVE-2026-88265).
 */
static int open_null(struct init *in, int dev_fd, struct rl_err *err)
{
	struct stat st;

	in->null_fd = openat(dev_fd, "null", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (in->null_fd < 0 || fstat(in->null_fd, &st) < 0)
		return rl_fail_sys(err, errno, "open '/dev/null'");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return rl_fail(err, ENODEV, "'/dev/null' is not the null device");
	return 0;
}

static int make_links(int dev_fd, struct rl_err *err)
{
	static const char *const links[][2] = {
		{ "/proc/self/fd", "fd" },       { "/proc/self/fd/0", "stdin" },
		{ "/proc/self/fd/1", "stdout" }, { "/proc/self/fd/2", "stderr" },
		{ "pts/ptmx", "ptmx" },
	};

	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (symlinkat(links[i][0], dev_fd, links[i][1]) < 0)
			return rl_fail_sys(err, errno, "create '/dev/%s'", links[i][1]);
	return 0;
}

int dev_make(struct init *in, struct rl_err *err)
{
	static const struct mnt_opt opts[] = { { "size", "1m" }, { "mode", "755" } };
	auto_fd int target = FD_NONE, fd = FD_NONE;
	int r;

	if (mkdirat(in->root_fd, "dev", 0755) < 0 && errno != EEXIST)
		return rl_fail_sys(err, errno, "create '/dev' in the container");
	target = openat(in->root_fd, "dev", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0)
		return rl_fail(err, ENOTDIR,
			       "the image's '/dev' is not a folder; refusing to "
			       "mount there");
	fd = mnt_new("tmpfs", "tmpfs", opts, ARRAY_LEN(opts), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
		     err);
	if (fd < 0)
		return rl_wrap(err, "mount '/dev'");
	r = mnt_attach(fd, target);
	if (r < 0)
		return rl_fail_sys(err, -r, "mount '/dev'");
	r = make_devices(in, fd, err);
	if (r == 0)
		r = open_null(in, fd, err);
	if (r == 0)
		r = make_links(fd, err);
	in->dev_fd = TAKE_FD(fd);
	return r;
}

/* Whose devpts it is does not matter: a terminal of another one would still be no host's. */
static int open_ptmx(int pts_fd, struct rl_err *err)
{
	auto_fd int fd = openat(pts_fd, "ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct statfs fs;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return rl_fail_sys(err, errno, "open the container's ptmx");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2) || fs.f_type != DEVPTS_SUPER_MAGIC)
		return rl_fail(err, ENODEV, "the container's '/dev/pts/ptmx' is no ptmx");
	return TAKE_FD(fd);
}

int dev_pty(int pts_fd, const struct spec *s, int *ret_master, int *ret_slave, struct rl_err *err)
{
	const struct winsize size = { .ws_row = s->rows, .ws_col = s->cols };
	auto_fd int master = open_ptmx(pts_fd, err), slave = FD_NONE;
	const int unlock = 0;

	if (master < 0)
		return master;
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return rl_fail_sys(err, errno, "unlock the terminal");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return rl_fail_sys(err, errno, "open the terminal's other end");
	if ((size.ws_row || size.ws_col) && ioctl(master, TIOCSWINSZ, &size) < 0)
		return rl_fail_sys(err, errno, "set the size of the terminal");
	/* ours by construction, so the owner can be changed without a look at where it came from */
	if (s->uid && fchown(slave, s->uid, (gid_t)-1) < 0 && errno != EINVAL)
		return rl_fail_sys(err, errno, "give the terminal to uid %u", (unsigned)s->uid);
	*ret_master = TAKE_FD(master);
	*ret_slave = TAKE_FD(slave);
	return 0;
}

int dev_console(struct init *in, struct rl_err *err)
{
	auto_fd int place = FD_NONE, fd = FD_NONE;
	int r;

	if (!in->spec->terminal)
		return 0;
	if (in->pts_fd < 0)
		return rl_fail(err, EINVAL, "a terminal needs a devpts mount in the spec");
	r = dev_pty(in->pts_fd, in->spec, &in->master_fd, &in->slave_fd, err);
	if (r < 0)
		return r;
	place = make_place(in->dev_fd, "console", err);
	if (place < 0)
		return place;
	fd = mnt_clone(in->slave_fd, "", false);
	if (fd < 0)
		return rl_fail_sys(err, -fd, "bind the terminal on '/dev/console'");
	r = mnt_attach(fd, place);
	return r < 0 ? rl_fail_sys(err, -r, "bind the terminal on '/dev/console'") : 0;
}
