/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy.c - content and metadata of one file to another; the header is the manual
 *
 * Sources: ioctl_ficlone(2), copy_file_range(2), lseek(2) SEEK_DATA, xattr(7).
 */
#include "config.h"

#include "storage/image/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/image/place.h"

#define XATTR_ROOM (64 * 1024) /* XATTR_LIST_MAX and XATTR_SIZE_MAX of the kernel */

/* Where copy_file_range() cannot (other file systems, some old kernels) */
static int copy_by_hand(int from, int to, int64_t off, int64_t n)
{
	char chunk[65536];

	while (n > 0) {
		size_t want = n < (int64_t)sizeof(chunk) ? (size_t)n : sizeof(chunk);
		ssize_t r = pread(from, chunk, want, off);

		if (r <= 0)
			return r < 0 ? -errno : -EIO;
		for (ssize_t done = 0, w; done < r; done += w) {
			w = pwrite(to, chunk + done, (size_t)(r - done), off + done);
			if (w <= 0)
				return w < 0 ? -errno : -EIO;
		}
		off += r;
		n -= r;
	}
	return 0;
}

static int copy_piece(int from, int to, int64_t off, int64_t n)
{
	while (n > 0) {
		loff_t in = off, out = off;
		ssize_t r = copy_file_range(from, &in, to, &out, (size_t)n, 0);

		if (r <= 0)
			return copy_by_hand(from, to, off, n);
		off += r;
		n -= r;
	}
	return 0;
}

int copy_data(int from, int to, int64_t size, struct rl_err *err)
{
	int64_t at = 0;
	int r = 0;

	if (size == 0 || ioctl(to, FICLONE, from) == 0)
		return 0;
	while (at < size && r == 0) {
		int64_t data = lseek(from, at, SEEK_DATA), hole;

		if (data < 0)
			break; /* ENXIO: only a hole is left */
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0 || hole > size)
			hole = size;
		r = copy_piece(from, to, data, hole - data);
		at = hole;
	}
	if (r == 0 && ftruncate(to, size) < 0)
		r = -errno;
	return r < 0 ? rl_fail_sys(err, -r, "copy its content") : 0;
}

/* @skip: names that begin so, or NULL */
static int copy_most_xattrs(int from, int to, const char *skip, struct rl_err *err)
{
	auto_free char *names = NULL;
	auto_free char *value = NULL;
	ssize_t len;

	len = flistxattr(from, NULL, 0);
	if (len == 0 || (len < 0 && errno == EOPNOTSUPP))
		return 0;
	names = malloc(XATTR_ROOM);
	value = malloc(XATTR_ROOM);
	if (!names || !value)
		return rl_oom(err);
	len = flistxattr(from, names, XATTR_ROOM);
	if (len < 0)
		return rl_fail_sys(err, errno, "list its extended attributes");
	for (const char *k = names; k < names + len; k += strlen(k) + 1) {
		ssize_t n;

		if (strncmp(k, "user.", 5) != 0 && strcmp(k, "security.capability") != 0)
			continue;
		if (skip && strncmp(k, skip, strlen(skip)) == 0)
			continue;
		n = fgetxattr(from, k, value, XATTR_ROOM);
		if (n < 0 || fsetxattr(to, k, value, (size_t)n, 0) < 0)
			return rl_fail_sys(err, errno, "copy extended attribute '%.255s'", k);
	}
	return 0;
}

static int copy_all_meta(int from, int to, const struct stat *st, bool one_id, const char *skip,
			 struct rl_err *err)
{
	const struct timespec ts[2] = { st->st_mtim, st->st_mtim };

	if (!one_id && fchown(to, st->st_uid, st->st_gid) < 0)
		return rl_fail_sys(err, errno, "set owner %u:%u", st->st_uid, st->st_gid);
	if (copy_most_xattrs(from, to, skip, err) < 0)
		return -err->code;
	if (fchmod(to, st->st_mode & 07777) < 0)
		return rl_fail_sys(err, errno, "set its mode");
	if (futimens(to, ts) < 0)
		return rl_fail_sys(err, errno, "set its times");
	return 0;
}

int copy_meta(int from, int to, const struct stat *st, bool one_id, struct rl_err *err)
{
	return copy_all_meta(from, to, st, one_id, NULL, err);
}

int copy_dir_meta(int from, int to, const struct stat *st, bool one_id, struct rl_err *err)
{
	return copy_all_meta(from, to, st, one_id, "user.overlay.", err);
}

/* --- lower layers -------------------------------------------------------------------------- */

enum shown { SHOWN_IT, SHOWN_NOT_HERE, SHOWN_HIDDEN };

/* Does this layer show @path, say nothing about it, or hide it from those below? */
static enum shown look_in(int layer_fd, const char *path, mode_t type, int *ret_fd,
			  struct stat *ret_st)
{
	auto_fd int at = openat(layer_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool opaque = false;

	while (at >= 0) {
		size_t len = strcspn(path, "/");
		char part[256], y;
		struct stat st;
		int next;

		if (len >= sizeof(part))
			return SHOWN_HIDDEN;
		memcpy(part, path, len);
		part[len] = '\0';
		opaque |= fgetxattr(at, "user.overlay.opaque", &y, 1) == 1 && y == 'y';
		if (fstatat(at, part, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return errno == ENOENT && !opaque ? SHOWN_NOT_HERE : SHOWN_HIDDEN;
		if ((st.st_mode & S_IFMT) != (path[len] == '\0' ? type : S_IFDIR))
			return SHOWN_HIDDEN; /* a whiteout, or something else in the way */
		next = openat(at, part, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		fd_close(TAKE_FD(at));
		at = next;
		if (path[len] == '\0' && at >= 0) {
			*ret_fd = TAKE_FD(at);
			*ret_st = st;
			return SHOWN_IT;
		}
		path += len + 1;
	}
	return SHOWN_HIDDEN;
}

int copy_find_lower(const int *fds, size_t n, const char *path, mode_t type, struct stat *ret_st)
{
	for (size_t i = n; i-- > 0;) {
		int fd = FD_NONE;
		enum shown s = look_in(fds[i], path, type, &fd, ret_st);

		if (s == SHOWN_IT)
			return fd;
		if (s == SHOWN_HIDDEN)
			return -ENOENT;
	}
	return -ENOENT;
}
