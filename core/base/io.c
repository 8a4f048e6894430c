/* SPDX-License-Identifier: Apache-2.0 */
/* io.c - whole reads and writes, replaced files, locks, clocks; the header is the manual */
#include "config.h"

#include "core/base/io.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "core/base/cleanup.h"

int io_write_all(int fd, const void *p, size_t n)
{
	const char *c = p;

	while (n > 0) {
		ssize_t w = write(fd, c, n);

		if (w < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		c += w;
		n -= (size_t)w;
	}
	return 0;
}

ssize_t io_read_full(int fd, void *p, size_t n)
{
	char *c = p;
	size_t got = 0;

	while (got < n) {
		ssize_t r = read(fd, c + got, n - got);

		if (r == 0)
			break;
		if (r < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		got += (size_t)r;
	}
	return (ssize_t)got;
}

int io_read_all(int fd, size_t max, struct buf *out)
{
	char chunk[16384];
	size_t total = 0;

	for (;;) {
		ssize_t r = read(fd, chunk, sizeof(chunk));

		if (r == 0)
			return 0;
		if (r < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		total += (size_t)r;
		if (total > max)
			return -EFBIG;
		if (buf_add(out, chunk, (size_t)r) < 0)
			return -ENOMEM;
	}
}

int io_read_file(int dir_fd, const char *path, size_t max, struct buf *out, struct rl_err *err)
{
	auto_fd int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	int r;

	if (fd < 0)
		return rl_fail_sys(err, errno, "open '%s'", path);
	if (fstat(fd, &st) < 0)
		return rl_fail_sys(err, errno, "stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return rl_fail(err, EINVAL, "'%s' is not a regular file", path);
	r = io_read_all(fd, max, out);
	if (r == -EFBIG)
		return rl_fail(err, EFBIG, "'%s' is larger than %zu bytes", path, max);
	if (r < 0)
		return rl_fail_sys(err, -r, "read '%s'", path);
	return 0;
}

static int sync_parent(int dir_fd, const char *path)
{
	const char *slash = strrchr(path, '/');
	auto_free char *dir = slash && slash > path ? strndup(path, (size_t)(slash - path))
			      : slash               ? strdup("/")
						    : strdup(".");
	auto_fd int fd = FD_NONE;

	if (!dir)
		return -ENOMEM;
	fd = openat(dir_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

static int fill_and_rename(int fd, int dir_fd, const char *tmp, const char *path, const void *data,
			   size_t len, mode_t mode, enum io_sync sync, struct rl_err *err)
{
	int r = io_write_all(fd, data, len);

	if (r < 0)
		return rl_fail_sys(err, -r, "write '%s'", path);
	if (fchmod(fd, mode) < 0)
		return rl_fail_sys(err, errno, "chmod '%s'", path);
	if (sync == IO_SYNC && fdatasync(fd) < 0)
		return rl_fail_sys(err, errno, "sync '%s'", path);
	if (renameat(dir_fd, tmp, dir_fd, path) < 0)
		return rl_fail_sys(err, errno, "rename to '%s'", path);
	return 0;
}

int io_replace_file(int dir_fd, const char *path, const void *data, size_t len, mode_t mode,
		    enum io_sync sync, struct rl_err *err)
{
	auto_fd int fd = FD_NONE;
	auto_free char *tmp = NULL;
	char tag[17];
	int r;

	rand_hex(tag, 8);
	tmp = str_printf("%s.tmp-%s", path, tag);
	if (!tmp)
		return rl_oom(err);
	fd = openat(dir_fd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return rl_fail_sys(err, errno, "create '%s'", tmp);
	r = fill_and_rename(fd, dir_fd, tmp, path, data, len, mode, sync, err);
	if (r < 0) {
		(void)unlinkat(dir_fd, tmp, 0); /* the cause is already in err */
		return r;
	}
	if (sync == IO_SYNC) {
		r = sync_parent(dir_fd, path);
		if (r < 0)
			return rl_fail_sys(err, -r, "sync the folder of '%s'", path);
	}
	return 0;
}

int io_open_dir(int dir_fd, const char *path, struct rl_err *err)
{
	int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return rl_fail_sys(err, errno, "open folder '%s'", path);
	return fd;
}

int io_mkdirs(int dir_fd, const char *path, mode_t mode, struct rl_err *err)
{
	auto_free char *p = NULL;

	if (mkdirat(dir_fd, path, mode) == 0)
		return 0;
	if (errno == EEXIST) {
		struct stat st;

		if (fstatat(dir_fd, path, &st, 0) == 0 && S_ISDIR(st.st_mode))
			return 0;
		return rl_fail(err, ENOTDIR, "'%s' exists and is not a folder", path);
	}
	if (errno != ENOENT)
		return rl_fail_sys(err, errno, "create folder '%s'", path);
	p = strdup(path);
	if (!p)
		return rl_oom(err);
	for (char *s = p + 1; *s; s++) {
		if (*s != '/')
			continue;
		*s = '\0';
		if (mkdirat(dir_fd, p, mode) < 0 && errno != EEXIST)
			return rl_fail_sys(err, errno, "create folder '%s'", p);
		*s = '/';
	}
	if (mkdirat(dir_fd, p, mode) < 0 && errno != EEXIST)
		return rl_fail_sys(err, errno, "create folder '%s'", p);
	return 0;
}

#define TREE_DEPTH_MAX 4096 /* deeper than PATH_MAX allows by name, reachable by *at() calls */

static int remove_children(int fd, dev_t dev, int depth);

/* Remove one entry; a folder is opened, emptied and removed. -EXDEV on a mount point. */
static int remove_entry(int dir_fd, const char *name, dev_t dev, int depth)
{
	auto_fd int fd = FD_NONE;
	struct stat st;
	int r;

	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM && errno != EACCES)
		return -errno;
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST && errno != EACCES)
		return -errno;
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == EACCES && fchmodat(dir_fd, name, 0700, 0) == 0)
		fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (dev != 0 && st.st_dev != dev)
		return -EXDEV;
	r = remove_children(fd, st.st_dev, depth + 1);
	if (r < 0)
		return r;
	return unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

static int remove_children(int fd, dev_t dev, int depth)
{
	int dup = fcntl(fd, F_DUPFD_CLOEXEC, 3), r = 0;
	auto_dir DIR *d = NULL;
	struct dirent *e;
	bool retried = false;

	if (dup < 0)
		return -errno;
	d = fdopendir(dup);
	if (!d) {
		fd_close(dup);
		return -errno;
	}
	if (depth > TREE_DEPTH_MAX)
		return -ELOOP;
	for (errno = 0; (e = readdir(d)); errno = 0) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		r = remove_entry(fd, e->d_name, dev, depth);
		if (r == -EACCES && !retried && fchmod(fd, 0700) == 0) {
			retried = true; /* the folder itself lacked w or x */
			r = remove_entry(fd, e->d_name, dev, depth);
		}
		if (r < 0)
			return r;
	}
	return -errno;
}

int io_remove_tree(int dir_fd, const char *path, struct rl_err *err)
{
	int r = remove_entry(dir_fd, path, 0, 0);

	if (r < 0)
		return rl_fail_sys(err, -r, "remove '%s'", path);
	return 0;
}

int io_lock_record(int fd)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_SETLK, &fl) == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

pid_t io_lock_holder(int fd)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_GETLK, &fl) < 0)
		return -errno;
	return fl.l_type == F_UNLCK ? 0 : fl.l_pid;
}

int io_flock(int dir_fd, const char *path, bool exclusive, bool block, struct rl_err *err)
{
	auto_fd int fd = openat(dir_fd, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int op = (exclusive ? LOCK_EX : LOCK_SH) | (block ? 0 : LOCK_NB);

	if (fd < 0)
		return rl_fail_sys(err, errno, "open lock '%s'", path);
	while (flock(fd, op) < 0) {
		if (errno == EINTR)
			continue;
		return rl_fail_sys(err, errno, "lock '%s'", path);
	}
	return TAKE_FD(fd);
}

void rand_hex(char *out, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char b[64];

	while (n > 0) {
		size_t k = n < sizeof(b) ? n : sizeof(b);

		while (getrandom(b, k, 0) != (ssize_t)k)
			; /* only EINTR before the pool is ready; 64 bytes are never short after */
		for (size_t i = 0; i < k; i++) {
			*out++ = digits[b[i] >> 4];
			*out++ = digits[b[i] & 15];
		}
		n -= k;
	}
	*out = '\0';
}

int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t wall_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail */
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void time_rfc3339(char out[32], int64_t ns)
{
	time_t s = (time_t)(ns / 1000000000);
	struct tm tm;
	size_t n;

	(void)gmtime_r(&s, &tm); /* int64 ns stays within the years tm can hold */
	n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out + n, 32 - n, ".%09dZ", (int)(ns % 1000000000));
}

static int parse_offset(const char *s, int *ret_seconds)
{
	int h, m, n = 0;

	if (strcmp(s, "Z") == 0 || strcmp(s, "z") == 0) {
		*ret_seconds = 0;
		return 0;
	}
	if ((*s != '+' && *s != '-') || sscanf(s + 1, "%2d:%2d%n", &h, &m, &n) != 2 || s[1 + n] ||
	    h < 0 || m < 0)
		return -EINVAL;
	*ret_seconds = (h * 3600 + m * 60) * (*s == '-' ? -1 : 1);
	return 0;
}

int time_parse_rfc3339(const char *s, int64_t *ret_ns)
{
	struct tm tm = { 0 };
	int64_t frac = 0, scale = 100000000, secs;
	int off;
	const char *p = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);

	if (!p)
		return -EINVAL;
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++, scale /= 10)
			frac += (*p - '0') * scale;
	if (parse_offset(p, &off) < 0)
		return -EINVAL;
	secs = (int64_t)timegm(&tm) - off;
	if (__builtin_mul_overflow(secs, INT64_C(1000000000), &secs) ||
	    __builtin_add_overflow(secs, frac, ret_ns))
		return -EINVAL;
	return 0;
}
