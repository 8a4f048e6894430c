/* SPDX-License-Identifier: Apache-2.0 */
/* home.c - what a store asks of its file system, by trial; the header is the manual */
#include "config.h"

#include "storage/home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/idmap.h"

#define XATTR "user.rl.trial"

struct trial {
	int dir, file; /* a folder of our own, and a file "f" in it */
};

/* --- what is asked; 0 or -errno ------------------------------------------------------------ */

static int has_xattrs(const struct trial *t)
{
	char y = 0;

	if (fsetxattr(t->file, XATTR, "y", 1, 0) < 0 || fsetxattr(t->dir, XATTR, "y", 1, 0) < 0)
		return -errno;
	return fgetxattr(t->file, XATTR, &y, 1) == 1 && y == 'y' ? 0 : -EIO;
}

static int has_flock(const struct trial *t)
{
	if (flock(t->file, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	return flock(t->file, LOCK_UN) < 0 ? -errno : 0;
}

static int has_record_locks(const struct trial *t)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(t->file, F_SETLK, &l) < 0 ? -errno : 0;
}

static int has_links(const struct trial *t)
{
	if (linkat(t->dir, "f", t->dir, "g", 0) < 0 || symlinkat("f", t->dir, "s") < 0)
		return -errno;
	return renameat(t->dir, "g", t->dir, "h") < 0 ? -errno : 0;
}

static int has_names(const struct trial *t)
{
	auto_fd int other = openat(t->dir, "F", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return other < 0 ? -errno : 0;
}

/* On an overlay (in an outer container) no whiteout can be made, nor needed: there layers are copied. */
static int has_special_files(const struct trial *t)
{
	if (mkfifoat(t->dir, "p", 0600) < 0)
		return -errno;
	return mknodat(t->dir, "w", S_IFCHR, makedev(0, 0)) < 0 && errno != EPERM ? -errno : 0;
}

static int has_modes(const struct trial *t)
{
	struct stat st;

	if (fchmod(t->file, 0751) < 0 || fstat(t->file, &st) < 0)
		return -errno;
	return (st.st_mode & 07777) == 0751 ? 0 : -EOPNOTSUPP;
}

/* Has our user namespace the id 1? */
static bool maps_one(const char *map)
{
	auto_buf struct buf b = { 0 };
	struct rl_err ignored;
	struct idmap m;

	return io_read_file(AT_FDCWD, map, IDMAP_TEXT, &b, &ignored) == 0 && b.data &&
	       idmap_parse(b.data, &m) == 0 && idmap_to_outside(&m, 1) >= 0;
}

static int has_owners(const struct trial *t)
{
	struct stat st;

	/* an S of one id sets no owners; in a container of one id rl's own filter says that it did */
	if (!maps_one("/proc/self/uid_map") || !maps_one("/proc/self/gid_map"))
		return 0;
	if (fchown(t->file, 1, 1) < 0)
		return -errno;
	if (fstat(t->file, &st) < 0)
		return -errno;
	return st.st_uid == 1 && st.st_gid == 1 ? 0 : -EOPNOTSUPP;
}

static const struct {
	const char *what;
	int (*has)(const struct trial *t);
} needs[] = {
	{ "user extended attributes", has_xattrs },
	{ "locks (flock)", has_flock },
	{ "record locks", has_record_locks },
	{ "hard links and symbolic links", has_links },
	{ "names that differ in case only", has_names },
	{ "FIFOs and whiteouts", has_special_files },
	{ "modes of files", has_modes },
	{ "owners from the subordinate ids", has_owners },
};

/* --- trying -------------------------------------------------------------------------------- */

/* @ret_what: the first thing that is missing, or NULL where not even a file could be made */
static int try_all(int dir_fd, const char *name, const char **ret_what)
{
	auto_fd int dir = FD_NONE, file = FD_NONE;
	struct trial t;
	int r = 0;

	*ret_what = NULL;
	if (mkdirat(dir_fd, name, 0700) < 0)
		return -errno;
	dir = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	file = dir < 0 ? -1 : openat(dir, "f", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0)
		return -errno;
	t = (struct trial){ .dir = dir, .file = file };
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(needs); i++) {
		r = needs[i].has(&t);
		*ret_what = r < 0 ? needs[i].what : NULL;
	}
	return r;
}

static int try_in(int dir_fd, const char **ret_what)
{
	char name[40] = ".tmp-trial-";
	struct rl_err ignored;
	int r;

	rand_hex(name + strlen(name), 8);
	r = try_all(dir_fd, name, ret_what);
	RL_IGNORE(io_remove_tree(dir_fd, name, &ignored)); /* its name tells what it is */
	return r;
}

/* A disk of the machine's own, where the store would do */
static const char *other_place(void)
{
	static const char *const places[] = { "/var/tmp", "/scratch", "/local", "/tmp" };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		auto_fd int fd = open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		const char *what;

		if (fd >= 0 && try_in(fd, &what) == 0)
			return places[i];
	}
	return NULL;
}

/* "36 35 98:0 / /mnt rw shared:1 - ext4 /dev/sda1 rw" */
static bool take_type(const char *line, const char *dev, char ret[32])
{
	const char *sep = strstr(line, " - ");
	char number[32];

	if (!sep || sscanf(line, "%*d %*d %31s", number) != 1 || strcmp(number, dev) != 0)
		return false;
	return sscanf(sep, " - %31s", ret) == 1;
}

/* The type of the file system that @fd is on, as mount(8) calls it, or ""; @ret has room for 32. */
static void home_fs_name(int fd, char ret[32])
{
	auto_file FILE *f = fopen("/proc/self/mountinfo", "re");
	auto_free char *line = NULL;
	size_t cap = 0;
	struct stat st;
	char dev[32];

	ret[0] = '\0';
	if (!f || fstat(fd, &st) < 0)
		return;
	(void)snprintf(dev, sizeof(dev), "%u:%u", major(st.st_dev), minor(st.st_dev));
	while (getline(&line, &cap, f) > 0)
		if (take_type(line, dev, ret))
			return;
	ret[0] = '\0';
}

int home_check(int dir_fd, const char *path, struct rl_err *err)
{
	const char *what, *place;
	char type[32];
	int r = try_in(dir_fd, &what);

	if (r == 0)
		return 0;
	if (!what || r == -ENOSPC || r == -EDQUOT)
		return rl_fail_sys(err, -r, "make files in '%s'", path);
	home_fs_name(dir_fd, type);
	rl_fail(err, EOPNOTSUPP, "'%s' cannot hold a store: its file system%s%s%s has no %s (%s)",
		path, *type ? " (" : "", type, *type ? ")" : "", what, strerror(-r));
	place = other_place();
	if (!place)
		return rl_hint(err, "set RL_ROOT (or --root) to a folder on a local disk");
	return rl_hint(err,
		       "keep it on a local disk: export RL_ROOT=%s/rl-$(id -u), or --root "
		       "before each command",
		       place);
}
