/* SPDX-License-Identifier: Apache-2.0 */
/* copyup.c - copy a tree by descriptors; the header is the manual */
#include "config.h"

#include "core/copyup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/proc.h"

static int copy_folder(int from_fd, int to_fd, int depth, struct rl_err *err);

/* Owner before mode: a chown clears the setuid bit. */
static int copy_meta(int fd, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (fchown(fd, st->st_uid, st->st_gid) < 0 || fchmod(fd, st->st_mode & 07777) < 0 ||
	    futimens(fd, times) < 0)
		return -errno;
	return 0;
}

static int copy_data(int from, int to)
{
	for (;;) {
		ssize_t n = sendfile(to, from, NULL, 1 << 20);

		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

static int copy_file(int from_fd, int to_fd, const char *name)
{
	auto_fd int from = openat(from_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	auto_fd int to = FD_NONE;
	struct stat st;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	to = openat(to_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return -errno;
	r = copy_data(from, to);
	return r < 0 ? r : copy_meta(to, &st);
}

static int copy_link(int from_fd, int to_fd, const char *name, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from_fd, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (symlinkat(target, to_fd, name) < 0 ||
	    fchownat(to_fd, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

static int copy_fifo(int to_fd, const char *name, const struct stat *st)
{
	/* the owner first: nobody else has seen the name yet */
	if (mknodat(to_fd, name, S_IFIFO | 0600, 0) < 0 ||
	    fchownat(to_fd, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(to_fd, name, st->st_mode & 0777, 0) < 0)
		return -errno;
	return 0;
}

static int copy_subfolder(int from_fd, int to_fd, const char *name, int depth, struct rl_err *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	auto_fd int from = openat(from_fd, name, flags), to = FD_NONE;
	struct stat st;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return rl_fail_sys(err, errno, "open '%s'", name);
	if (mkdirat(to_fd, name, 0700) < 0)
		return rl_fail_sys(err, errno, "create '%s'", name);
	to = openat(to_fd, name, flags);
	if (to < 0)
		return rl_fail_sys(err, errno, "open '%s'", name);
	r = copy_folder(from, to, depth + 1, err);
	if (r < 0)
		return r;
	r = copy_meta(to, &st);
	return r < 0 ? rl_fail_sys(err, -r, "set owner and mode of '%s'", name) : 0;
}

static int copy_entry(int from_fd, int to_fd, const char *name, int depth, struct rl_err *err)
{
	struct stat st;
	int r = 0;

	if (fstatat(from_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return rl_fail_sys(err, errno, "stat '%s'", name);
	switch (st.st_mode & S_IFMT) {
	case S_IFDIR:
		return copy_subfolder(from_fd, to_fd, name, depth, err);
	case S_IFREG:
		r = copy_file(from_fd, to_fd, name);
		break;
	case S_IFLNK:
		r = copy_link(from_fd, to_fd, name, &st);
		break;
	case S_IFIFO:
		r = copy_fifo(to_fd, name, &st);
		break;
	default:
		break; /* sockets are dead, devices cannot be made */
	}
	return r < 0 ? rl_fail_sys(err, -r, "copy '%s'", name) : 0;
}

/* @from_fd may be O_PATH: it is opened anew for reading. */
static int copy_folder(int from_fd, int to_fd, int depth, struct rl_err *err)
{
	int fd = openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!d) {
		r = rl_fail_sys(err, errno, "read the folder");
		fd_close(fd);
		return r;
	}
	if (depth > COPYUP_DEPTH_MAX)
		return rl_fail(err, ELOOP, "folders are nested deeper than %d", COPYUP_DEPTH_MAX);
	for (errno = 0; (e = readdir(d)); errno = 0) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		r = copy_entry(fd, to_fd, e->d_name, depth, err);
		if (r < 0)
			return r;
	}
	return errno ? rl_fail_sys(err, errno, "read the folder") : 0;
}

int copyup_tree(int from_fd, int to_fd, struct rl_err *err)
{
	return copy_folder(from_fd, to_fd, 0, err);
}

int copyup_is_empty(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		n = -errno;
		fd_close(fd);
		return n;
	}
	while (n <= 2 && readdir(d))
		n++; /* "." and ".." are two */
	return n <= 2;
}

/*
 * The folder in a volume that is being filled. Everything is copied into it and moved out when it is
 * whole, so that a copy that was cut off is told from a volume's own content, and done again.
 */
#define STAGE         ".rl-copying"
#define STAGE_WAIT_MS 60000
#define STAGE_LOOK_MS 5

/* @ret: flocked; FD_NONE: nothing is to be copied, it has content or another container has filled it */
static int open_stage(int to, int *ret, struct rl_err *err)
{
	auto_fd int fd = FD_NONE;
	int64_t end = now_ms() + STAGE_WAIT_MS;
	struct stat mine, there;
	int r = copyup_is_empty(to);

	*ret = FD_NONE;
	if (r < 0)
		return rl_fail_sys(err, -r, "read the folder");
	if (r == 1 && mkdirat(to, STAGE, 0700) < 0 && errno != EEXIST)
		return rl_fail_sys(err, errno, "create '" STAGE "'");
	fd = openat(to, STAGE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) /* a link or a file of that name is content, too */
		return errno == ENOENT || errno == ELOOP || errno == ENOTDIR
			       ? 0
			       : rl_fail_sys(err, errno, "open '" STAGE "'");
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return rl_fail_sys(err, errno, "lock '" STAGE "'");
		if (now_ms() > end)
			return rl_fail(err, EBUSY, "another container is still filling it");
		(void)poll(NULL, 0, STAGE_LOOK_MS);
	}
	if (fstat(fd, &mine) < 0 || fstatat(to, STAGE, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
	    mine.st_ino != there.st_ino)
		return 0;
	*ret = TAKE_FD(fd);
	return 0;
}

/* What is below one folder, removed or (@to) moved there, where nothing of that name is yet */
static int empty_stage(int stage, int to, struct rl_err *err)
{
	int fd = openat(stage, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!d) {
		r = rl_fail_sys(err, errno, "read the folder");
		fd_close(fd);
		return r;
	}
	while (r == 0 && (e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		r = to < 0 ? -EEXIST : renameat2(stage, e->d_name, to, e->d_name, RENAME_NOREPLACE);
		if (r < 0 && to >= 0)
			r = -errno;
		if (r == -EINVAL) /* NFS and kin know no flags */
			r = renameat(stage, e->d_name, to, e->d_name) < 0 ? -errno : 0;
		/* others may use the volume already: what is there is theirs, or of the first try */
		if (r == -EEXIST || r == -ENOTEMPTY || r == -EISDIR || r == -ENOTDIR)
			r = io_remove_tree(stage, e->d_name, err);
		else if (r < 0)
			r = rl_fail_sys(err, -r, "move '%s'", e->d_name);
	}
	return r;
}

static int copy_meta_of(int from_fd, int to, struct rl_err *err)
{
	struct stat st;
	int r = fstat(from_fd, &st) < 0 ? -errno : copy_meta(to, &st);

	return r < 0 ? rl_fail_sys(err, -r, "set owner and mode of the volume") : 0;
}

int copyup_volume(int from_fd, int to_fd, struct rl_err *err)
{
	auto_fd int to = openat(to_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), stage = FD_NONE;
	struct rl_err ignored;
	int r;

	if (to < 0)
		return rl_fail_sys(err, errno, "open the folder");
	r = open_stage(to, &stage, err);
	if (r < 0 || stage < 0)
		return r;
	r = empty_stage(stage, FD_NONE, err);
	if (r == 0)
		r = copy_folder(from_fd, stage, 0, err);
	/* one sync for all files, before their place says that they are whole */
	if (r == 0 && copyup_is_empty(stage) == 0 && syncfs(stage) < 0)
		r = rl_fail_sys(err, errno, "write the copy to disk");
	if (r == 0) {
		r = empty_stage(stage, to, err);
		if (r < 0)
			return r; /* a part of it is there: the stage says that it is not the whole */
		r = copy_meta_of(from_fd, to, err);
	}
	/* without it the copy counts as done */
	RL_IGNORE(io_remove_tree(to, STAGE, &ignored));    /* the next start tries again */
	return r < 0 ? r : copy_meta_of(from_fd, to, err); /* that was a change of its time */
}
