/* SPDX-License-Identifier: Apache-2.0 */
/* io.c - whole reads and writes, replaced files, locks, clocks; the header is the manual */
#include "config.h"

#include "core/base/io.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "core/base/cleanup.h"
#include "core/base/parse.h"
#include "core/base/waiting.h"

#define READ_CHUNK   4096
#define LOCK_LOOK_MS 2  /* how often a lock that somebody holds is looked at */
#define AT_ONCE_MS   50 /* a lock that is free within that time is not waited for */
#define LOCKS_MAX    (16 << 20)

int io_write_all(int fd, const void *p, size_t n)
{
	const char *c = p;

	while (n > 0) {
		ssize_t w = write(fd, c, n);

		if (w < 0) {
			struct pollfd room = { .fd = fd, .events = POLLOUT };

			/* others may have made what we share non-blocking */
			if (errno == EINTR || (errno == EAGAIN && poll(&room, 1, -1) >= 0))
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

/* @size: what fstat says of a regular file, 0 = not known: one read is enough where it is true. */
static int read_to_end(int fd, size_t size, size_t max, struct buf *out)
{
	size_t total = 0;

	for (;;) {
		size_t ask = size > total && size <= max ? size - total + 1 : READ_CHUNK;
		char *p = buf_room(out, ask);
		ssize_t r;

		if (!p)
			return -ENOMEM;
		r = read(fd, p, ask);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		total += (size_t)r;
		if (total > max)
			return -EFBIG;
		if (r > 0)
			buf_filled(out, (size_t)r);
		if (r == 0 || (total == size && (size_t)r < ask))
			return 0;
	}
}

int io_read_all(int fd, size_t max, struct buf *out)
{
	return read_to_end(fd, 0, max, out);
}

static int read_regular(int dir_fd, const char *path, int flags, size_t max, struct buf *out,
			struct rl_err *err)
{
	auto_fd int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
	struct stat st;
	int r;

	if (fd < 0)
		return rl_fail_sys(err, errno, "open '%s'", path);
	if (fstat(fd, &st) < 0)
		return rl_fail_sys(err, errno, "stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return rl_fail(err, EINVAL, "'%s' is not a regular file", path);
	r = read_to_end(fd, (size_t)st.st_size, max, out);
	if (r == -EFBIG)
		return rl_fail(err, EFBIG, "'%s' is larger than %zu bytes", path, max);
	if (r < 0)
		return rl_fail_sys(err, -r, "read '%s'", path);
	return 0;
}

int io_read_file(int dir_fd, const char *path, size_t max, struct buf *out, struct rl_err *err)
{
	return read_regular(dir_fd, path, O_NOFOLLOW, max, out, err);
}

int io_read_named(const char *path, size_t max, struct buf *out, struct rl_err *err)
{
	return read_regular(AT_FDCWD, path, 0, max, out, err);
}

int io_read_given(const char *path, size_t max, struct buf *out, struct rl_err *err)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r = fd < 0 ? -errno : io_read_all(fd, max, out);

	if (fd < 0)
		return rl_fail_sys(err, -r, "open '%s'", path);
	if (r == -EFBIG)
		return rl_fail(err, EFBIG, "'%s' is larger than %zu bytes", path, max);
	return r < 0 ? rl_fail_sys(err, -r, "read '%s'", path) : 0;
}

bool io_exists(int dir_fd, const char *path)
{
	struct stat st;

	return fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int64_t io_read_number(const char *path)
{
	auto_buf struct buf b = { 0 };
	struct rl_err err;
	long long v;

	if (io_read_file(AT_FDCWD, path, 4096, &b, &err) < 0 || !b.data)
		return -1;
	return sscanf(b.data, "%lld", &v) == 1 ? v : -1;
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

void io_drop_temporary(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (strstr(e->d_name, ".tmp-"))
			(void)unlinkat(dir_fd, e->d_name, 0); /* a folder is none of them */
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

/*
 * Whoever made the tree may have nested it deeper than we may have descriptors, so at most
 * TREE_OPEN_MAX folders are open at once: what lies deeper is moved up into the top folder, which
 * is read again until nothing was moved. A mount point is never entered: rmdir() says EBUSY.
 */
#define TREE_OPEN_MAX 16

struct tree {
	int top_fd;
	dev_t dev;
	bool moved; /* since the top folder was last read from its start */
};

static int empty_dir_take(struct tree *t, int fd, int depth);

/* u+rwx for the folder @name, which is not a link even if somebody swaps it meanwhile. */
static int unlock_dir(int dir_fd, const char *name)
{
	auto_fd int fd = openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char link[32];

	if (fd < 0)
		return -errno;
	/* fchmod() refuses O_PATH; fchmodat2() with AT_EMPTY_PATH needs Linux 6.6 */
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return chmod(link, 0700) < 0 ? -errno : 0;
}

static int open_child(int dir_fd, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir_fd, name, flags);

	if (fd < 0 && errno == EACCES && unlock_dir(dir_fd, name) == 0)
		fd = openat(dir_fd, name, flags);
	return fd < 0 ? -errno : fd;
}

static int move_up(struct tree *t, int dir_fd, const char *name)
{
	char tag[17], up[32];

	rand_hex(tag, 8);
	(void)snprintf(up, sizeof(up), ".tmp-%s", tag);
	t->moved = true;
	if (renameat(dir_fd, name, t->top_fd, up) == 0)
		return 0;
	/* its ".." entry changes, which takes the right to write into it */
	if (errno != EACCES || unlock_dir(dir_fd, name) < 0)
		return -errno;
	return renameat(dir_fd, name, t->top_fd, up) == 0 ? 0 : -errno;
}

/* Remove one entry; a folder is opened, emptied and removed. @depth: folders open above it. */
static int remove_entry(struct tree *t, int dir_fd, const char *name, int depth)
{
	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return -errno;
	/* a folder that somebody fills while we empty it gets a few more turns */
	for (int turn = 0; turn < 4; turn++) {
		int r;

		if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST)
			return -errno;
		if (depth == TREE_OPEN_MAX)
			return move_up(t, dir_fd, name);
		r = open_child(dir_fd, name);
		if (r < 0)
			return r;
		r = empty_dir_take(t, r, depth + 1);
		if (r < 0)
			return r;
	}
	return unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

static int empty_dir_take(struct tree *t, int fd, int depth)
{
	auto_dir DIR *d = fdopendir(fd);
	struct dirent *e;
	struct stat st;
	bool unlocked = false;

	if (!d || fstat(fd, &st) < 0) {
		int saved = errno;

		if (!d)
			fd_close(fd);
		return -saved;
	}
	if (depth == 1)
		*t = (struct tree){ .top_fd = fd, .dev = st.st_dev };
	else if (st.st_dev != t->dev)
		return -EXDEV;
	do {
		t->moved = depth == 1 ? false : t->moved;
		rewinddir(d);
		for (errno = 0; (e = readdir(d)); errno = 0) {
			int r;

			if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
				continue;
			r = remove_entry(t, fd, e->d_name, depth);
			if (r == -EACCES && !unlocked && fchmod(fd, 0700) == 0) {
				unlocked = true; /* the folder itself lacked w or x */
				r = remove_entry(t, fd, e->d_name, depth);
			}
			if (r < 0)
				return r;
		}
		if (errno)
			return -errno;
	} while (depth == 1 && t->moved);
	return 0;
}

int io_remove_tree(int dir_fd, const char *path, struct rl_err *err)
{
	struct tree t = { .top_fd = FD_NONE };
	int r = remove_entry(&t, dir_fd, path, 0);

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
	if (fl.l_type == F_UNLCK)
		return 0;
	/* 0: the holder is in a pid namespace that we cannot see; -1: an open file holds it */
	return fl.l_pid > 0 ? fl.l_pid : -ESRCH;
}

/* " ADVISORY  WRITE 345 08:01:678 0 EOF" of a lock on @st: 345; else 0 */
static pid_t lock_owner(char *words, const struct stat *st)
{
	char where[64], *at = NULL;
	const char *pid = NULL;
	uint64_t n = 0;

	(void)snprintf(where, sizeof(where), "%02x:%02x:%llu", major(st->st_dev), minor(st->st_dev),
		       (unsigned long long)st->st_ino);
	for (int i = 0; i < 4; i++) {
		const char *word = strtok_r(i == 0 ? words : NULL, " ", &at);

		if (i == 2)
			pid = word;
		if (!word || (i == 3 && strcmp(word, where) != 0))
			return 0;
	}
	return parse_uint(pid, INT32_MAX, &n) == 0 ? (pid_t)n : 0;
}

pid_t io_flock_holder(int fd)
{
	auto_buf struct buf all = { 0 };
	char *line, *at = NULL;
	struct rl_err ignored;
	struct stat st;
	pid_t pid = 0;

	if (fstat(fd, &st) < 0 ||
	    io_read_file(AT_FDCWD, "/proc/locks", LOCKS_MAX, &all, &ignored) < 0 || !all.data)
		return 0;
	for (line = strtok_r(all.data, "\n", &at); line && pid <= 0;
	     line = strtok_r(NULL, "\n", &at)) {
		char *kind = strstr(line, ": FLOCK "); /* who waits has an arrow before the word */

		if (kind)
			pid = lock_owner(kind + strlen(": FLOCK "), &st);
	}
	/* who took it may have left it to a child, and ended */
	return pid > 0 && kill(pid, 0) < 0 && errno == ESRCH ? 0 : pid;
}

void io_flock_name(struct waiting *w, int fd, const char *path)
{
	pid_t pid = io_flock_holder(fd);

	if (pid > 0)
		waiting_begin(w, "the lock '%s', which process %d holds", path, (int)pid);
	else
		waiting_begin(w, "the lock '%s', which another process holds", path);
}

int io_flock(int dir_fd, const char *path, bool exclusive, bool block, struct rl_err *err)
{
	auto_fd int fd = openat(dir_fd, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int op = (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB;
	auto_waiting struct waiting w = { 0 };

	if (fd < 0)
		return rl_fail_sys(err, errno, "open lock '%s'", path);
	while (flock(fd, op) < 0) {
		if (errno == EINTR)
			continue;
		if (errno == EWOULDBLOCK && block && op & LOCK_NB) {
			io_flock_name(&w, fd, path);
			op &= ~LOCK_NB;
			continue;
		}
		return rl_fail_sys(err, errno, "lock '%s'", path);
	}
	return TAKE_FD(fd);
}

/* The error of a lock that was waited for in vain. */
static int held(int dir_fd, const char *path, struct rl_err *err)
{
	auto_fd int fd = openat(dir_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	pid_t pid = fd >= 0 ? io_flock_holder(fd) : 0;

	if (pid <= 0) {
		rl_fail(err, EBUSY, "the lock '%s' is held by another process", path);
		return rl_hint(err, "it may be an rl that was stopped (ctrl-z): 'fuser' or "
				    "'lsof' names it");
	}
	rl_fail(err, EBUSY, "the lock '%s' is held by process %d", path, (int)pid);
	return rl_hint(err,
		       "it may be an rl that was stopped (ctrl-z): 'kill -CONT %d' lets it go on",
		       (int)pid);
}

int io_flock_wait(int dir_fd, const char *path, int timeout_ms, struct rl_err *err)
{
	const int64_t start = now_ms();
	auto_waiting struct waiting w = { 0 };
	bool is_named = false; /* not by @w, which stays off where SIGQUIT is ignored */

	for (;;) {
		int fd = io_flock(dir_fd, path, true, false, err);

		if (fd != -EAGAIN)
			return fd;
		if (now_ms() >= start + timeout_ms)
			return held(dir_fd, path, err);
		if (!is_named && now_ms() >= start + AT_ONCE_MS) {
			auto_fd int seen = openat(dir_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

			io_flock_name(&w, seen, path);
			is_named = true;
		}
		(void)poll(NULL, 0, LOCK_LOOK_MS);
	}
}

/* An outer filter may refuse the call; without any randomness nothing of rl's would be safe. */
static void random_bytes(void *p, size_t n)
{
	auto_fd int fd = FD_NONE;
	ssize_t r;

	do
		r = getrandom(p, n, 0); /* at most 64 bytes: never short */
	while (r < 0 && errno == EINTR);
	if (r == (ssize_t)n)
		return;
	fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || io_read_full(fd, p, n) != (ssize_t)n)
		abort();
}

void rand_hex(char *out, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char b[64];

	while (n > 0) {
		size_t k = n < sizeof(b) ? n : sizeof(b);

		random_bytes(b, k);
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
	int64_t frac = ns % 1000000000;
	time_t s = (time_t)(ns / 1000000000);
	struct tm tm;
	size_t n;

	if (frac < 0) {
		frac += 1000000000;
		s--;
	}
	(void)gmtime_r(&s, &tm); /* int64 ns stays within the years tm can hold */
	n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out + n, 32 - n, ".%09dZ", (int)frac);
}

/* Exactly @n digits, then @end; moves @s behind it. The value, or -1. */
static int digits(const char **s, int n, char end)
{
	int v = 0;

	for (int i = 0; i < n; i++, (*s)++) {
		if (**s < '0' || **s > '9')
			return -1;
		v = v * 10 + (**s - '0');
	}
	if (end && *(*s)++ != end)
		return -1;
	return v;
}

static int parse_offset(const char *s, int *ret_seconds)
{
	int h, m, sign = *s == '-' ? -1 : 1;

	if (strcmp(s, "Z") == 0 || strcmp(s, "z") == 0) {
		*ret_seconds = 0;
		return 0;
	}
	if (*s != '+' && *s != '-')
		return -EINVAL;
	s++;
	h = digits(&s, 2, ':');
	m = h < 0 ? -1 : digits(&s, 2, '\0');
	if (h < 0 || h > 23 || m < 0 || m > 59 || *s)
		return -EINVAL;
	*ret_seconds = sign * (h * 3600 + m * 60);
	return 0;
}

static int parse_date(const char **s, struct tm *tm)
{
	static const struct {
		int n, min, max;
		char end;
	} part[] = { { 4, 0, 9999, '-' }, { 2, 1, 12, '-' }, { 2, 1, 31, 'T' },
		     { 2, 0, 23, ':' },   { 2, 0, 59, ':' }, { 2, 0, 60, '\0' } };
	int v[ARRAY_LEN(part)];

	for (size_t i = 0; i < ARRAY_LEN(part); i++) {
		v[i] = digits(s, part[i].n, part[i].end);
		if (v[i] < part[i].min || v[i] > part[i].max)
			return -EINVAL;
	}
	*tm = (struct tm){ .tm_year = v[0] - 1900,
			   .tm_mon = v[1] - 1,
			   .tm_mday = v[2],
			   .tm_hour = v[3],
			   .tm_min = v[4],
			   .tm_sec = v[5] };
	return 0;
}

int time_parse_rfc3339(const char *s, int64_t *ret_ns)
{
	int64_t frac = 0, scale = 100000000, secs, ns;
	struct tm tm;
	int off;

	if (parse_date(&s, &tm) < 0)
		return -EINVAL;
	if (*s == '.') {
		if (*++s < '0' || *s > '9')
			return -EINVAL;
		for (; *s >= '0' && *s <= '9'; s++, scale /= 10)
			frac += (*s - '0') * scale;
	}
	if (parse_offset(s, &off) < 0)
		return -EINVAL;
	secs = (int64_t)timegm(&tm) - off;
	if (__builtin_mul_overflow(secs, INT64_C(1000000000), &ns) ||
	    __builtin_add_overflow(ns, frac, &ns))
		return -ERANGE;
	*ret_ns = ns;
	return 0;
}
