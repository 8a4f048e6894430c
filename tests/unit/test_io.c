/* SPDX-License-Identifier: Apache-2.0 */
/* test_io.c - core/base/io: replace, trees beside a sentinel, locks, times */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "tests/unit/unit.h"

#define NOBODY 65534

struct dir {
	char path[256];
	int fd;
};

static int setup(void **state)
{
	struct dir *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	d->fd = scratch_make(d->path);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	struct dir *d = *state;
	struct rl_err err = { 0 };

	assert_int_equal(io_remove_tree(AT_FDCWD, d->path, &err), 0);
	assert_int_equal(access(d->path, F_OK), -1);
	fd_close(d->fd);
	free(d);
	return 0;
}

/* Run @f in a child without the rights of root, which would hide missing permissions. */
static void as_user(struct dir *d, void (*f)(struct dir *d))
{
	int status;
	pid_t pid;

	if (geteuid() == 0)
		assert_int_equal(fchown(d->fd, NOBODY, NOBODY), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (geteuid() == 0 && (setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
				       setresuid(NOBODY, NOBODY, NOBODY) < 0))
			_exit(99);
		f(d);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* assert_* do not work in a forked child */
#define MUST(x)                                                               \
	do {                                                                  \
		if (!(x)) {                                                   \
			(void)fprintf(stderr, "line %d: %s\n", __LINE__, #x); \
			_exit(1);                                             \
		}                                                             \
	} while (0)

static unsigned count_entries(int dir_fd)
{
	auto_dir DIR *d = fdopendir(openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	return n - 2; /* . and .. */
}

static void test_replace(void **state)
{
	struct dir *d = *state;
	auto_buf struct buf b = { 0 };
	struct rl_err err = { 0 };
	struct stat st;
	mode_t old = umask(0777);

	assert_int_equal(io_replace_file(d->fd, "f", "one", 3, 0640, IO_SYNC, &err), 0);
	umask(old);
	assert_int_equal(fstatat(d->fd, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(io_replace_file(d->fd, "f", "second", 6, 0600, IO_NOSYNC, &err), 0);
	assert_int_equal(io_read_file(d->fd, "f", 6, &b, &err), 0);
	assert_string_equal(b.data, "second");
	assert_int_equal(count_entries(d->fd), 1);
}

/* The link is replaced, what it points to stays as it was. */
static void test_replace_does_not_follow(void **state)
{
	struct dir *d = *state;
	auto_buf struct buf b = { 0 };
	struct rl_err err = { 0 };

	put_file(d->fd, "sentinel", "keep");
	assert_int_equal(symlinkat("sentinel", d->fd, "link"), 0);
	assert_int_equal(io_read_file(d->fd, "link", 100, &b, &err), -ELOOP);
	assert_int_equal(io_replace_file(d->fd, "link", "new", 3, 0600, IO_NOSYNC, &err), 0);
	assert_int_equal(io_read_file(d->fd, "sentinel", 100, &b, &err), 0);
	assert_string_equal(b.data, "keep");
}

static void test_replace_leaves_nothing(void **state)
{
	struct dir *d = *state;
	struct rl_err err = { 0 };

	assert_int_equal(mkdirat(d->fd, "dir", 0700), 0);
	put_file(d->fd, "dir/x", "x");
	assert_int_equal(io_replace_file(d->fd, "dir", "a", 1, 0600, IO_NOSYNC, &err), -EISDIR);
	assert_non_null(strstr(err.msg, "'dir'"));
	assert_int_equal(io_replace_file(d->fd, "no/such", "a", 1, 0600, IO_NOSYNC, &err), -ENOENT);
	assert_int_equal(count_entries(d->fd), 1);
}

static void test_read_is_bounded(void **state)
{
	struct dir *d = *state;
	auto_buf struct buf b = { 0 };
	struct rl_err err = { 0 };

	put_file(d->fd, "f", "12345");
	assert_int_equal(io_read_file(d->fd, "f", 4, &b, &err), -EFBIG);
	b.len = 0;
	assert_int_equal(io_read_file(d->fd, "f", 5, &b, &err), 0);
	assert_int_equal(io_read_file(d->fd, "none", 5, &b, &err), -ENOENT);
	assert_int_equal(io_read_file(d->fd, ".", 5, &b, &err), -EINVAL);
	assert_int_equal(mkfifoat(d->fd, "fifo", 0600), 0);
	assert_int_equal(io_read_file(d->fd, "fifo", 5, &b, &err), -EINVAL); /* at once */
	assert_int_equal(io_read_file(AT_FDCWD, "/dev/zero", 5, &b, &err), -EINVAL);
}

static void test_mkdirs(void **state)
{
	struct dir *d = *state;
	struct rl_err err = { 0 };

	assert_int_equal(io_mkdirs(d->fd, "a/b/c", 0700, &err), 0);
	assert_int_equal(io_mkdirs(d->fd, "a/b/c", 0700, &err), 0);
	assert_int_equal(io_mkdirs(d->fd, "a//b/d/", 0700, &err), 0);
	assert_true(exists(d->fd, "a/b/d"));
	put_file(d->fd, "file", "");
	assert_int_equal(io_mkdirs(d->fd, "file", 0700, &err), -ENOTDIR);
	assert_int_equal(io_mkdirs(d->fd, "file/x", 0700, &err), -ENOTDIR);
	assert_non_null(strstr(err.msg, "'file"));
}

static void test_remove_does_not_follow(void **state)
{
	struct dir *d = *state;
	struct rl_err err = { 0 };

	assert_int_equal(io_mkdirs(d->fd, "sentinel/in", 0700, &err), 0);
	put_file(d->fd, "sentinel/f", "keep");
	assert_int_equal(io_mkdirs(d->fd, "t/a", 0700, &err), 0);
	assert_int_equal(symlinkat("../sentinel", d->fd, "t/link"), 0);
	assert_int_equal(symlinkat("../../sentinel", d->fd, "t/a/link"), 0);
	assert_int_equal(symlinkat("sentinel", d->fd, "top"), 0);
	assert_int_equal(linkat(d->fd, "sentinel/f", d->fd, "t/hard", 0), 0);
	assert_int_equal(mkfifoat(d->fd, "t/fifo", 0), 0);
	assert_int_equal(io_remove_tree(d->fd, "t", &err), 0);
	assert_int_equal(io_remove_tree(d->fd, "top", &err), 0);
	assert_int_equal(io_remove_tree(d->fd, "top", &err), 0); /* missing is success */
	assert_true(exists(d->fd, "sentinel/f"));
	assert_true(exists(d->fd, "sentinel/in"));
	assert_int_equal(count_entries(d->fd), 1);
}

static void without_permissions(struct dir *d)
{
	struct rl_err err = { 0 };
	struct stat st;

	MUST(io_mkdirs(d->fd, "t/a/b", 0700, &err) == 0);
	MUST(io_mkdirs(d->fd, "t/c/d", 0700, &err) == 0);
	MUST(mkdirat(d->fd, "sentinel", 0700) == 0);
	put_file(d->fd, "t/a/f1", "x");
	put_file(d->fd, "t/a/f2", "x");
	put_file(d->fd, "t/a/b/f", "x");
	put_file(d->fd, "t/c/f", "x");
	MUST(mkdirat(d->fd, "t/e", 0700) == 0); /* no folder in it */
	put_file(d->fd, "t/e/f", "x");
	MUST(symlinkat("../../sentinel", d->fd, "t/e/link") == 0);
	MUST(fchmodat(d->fd, "t/e", 0500, 0) == 0);
	MUST(symlinkat("../../sentinel", d->fd, "t/a/link") == 0);
	MUST(fchmodat(d->fd, "sentinel", 0, 0) == 0);
	MUST(fchmodat(d->fd, "t/a/b", 0, 0) == 0);
	MUST(fchmodat(d->fd, "t/a", 0500, 0) == 0); /* searchable, not writable */
	MUST(fchmodat(d->fd, "t/c/d", 0100, 0) == 0);
	MUST(fchmodat(d->fd, "t/c", 0600, 0) == 0); /* writable, not searchable */
	MUST(fchmodat(d->fd, "t", 0, 0) == 0);
	if (io_remove_tree(d->fd, "t", &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		_exit(1);
	}
	MUST(!exists(d->fd, "t"));
	MUST(fstatat(d->fd, "sentinel", &st, 0) == 0 && (st.st_mode & 07777) == 0);
}

static void test_remove_without_permissions(void **state)
{
	as_user(*state, without_permissions);
}

static void foreign_file(struct dir *d)
{
	struct rl_err err = { 0 };

	MUST(io_remove_tree(d->fd, "t", &err) == (geteuid() == NOBODY ? -EPERM : 0));
	if (geteuid() == NOBODY)
		MUST(strstr(err.msg, "not permitted")); /* not "not a directory" */
}

/* In a sticky folder the error is the real one. */
static void test_remove_says_why(void **state)
{
	struct dir *d = *state;

	assert_int_equal(mkdirat(d->fd, "t", 0700), 0);
	put_file(d->fd, "t/f", "x");
	assert_int_equal(fchmodat(d->fd, "t", 01777, 0), 0);
	as_user(d, foreign_file);
}

/* A container can nest folders far deeper than there are descriptors. */
static void test_remove_deep(void **state)
{
	struct rlimit was, few = { .rlim_cur = 64 };
	struct dir *d = *state;
	struct rl_err err = { 0 };
	auto_fd int fd = FD_NONE;
	int r;

	assert_int_equal(mkdirat(d->fd, "t", 0700), 0);
	fd = openat(d->fd, "t", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 6000; i++) {
		int next;

		assert_int_equal(mkdirat(fd, "d", 0700), 0);
		if (i % 100 == 0)
			put_file(fd, "f", "x");
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		fd_close(fd);
		fd = next;
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	r = io_remove_tree(d->fd, "t", &err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(r, 0);
	assert_false(exists(d->fd, "t"));
}

static void test_remove_wide(void **state)
{
	struct dir *d = *state;
	struct rl_err err = { 0 };
	char name[64];

	assert_int_equal(mkdirat(d->fd, "t", 0700), 0);
	for (int i = 0; i < 3000; i++) {
		(void)snprintf(name, sizeof(name), "t/%d", i);
		put_file(d->fd, name, "");
	}
	assert_int_equal(io_remove_tree(d->fd, "t", &err), 0);
}

/* A record lock belongs to the process: a child sees who holds it, cannot take it. */
static void test_record_lock(void **state)
{
	struct dir *d = *state;
	auto_fd int fd = FD_NONE;
	int status;
	pid_t pid;

	put_file(d->fd, "lock", "");
	fd = openat(d->fd, "lock", O_RDWR | O_CLOEXEC);
	assert_int_equal(io_lock_holder(fd), 0);
	assert_int_equal(io_lock_record(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int mine = openat(d->fd, "lock", O_RDWR | O_CLOEXEC);

		MUST(io_lock_holder(mine) == getppid());
		MUST(io_lock_record(mine) == -EAGAIN);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Held by somebody whose pid we cannot know is not "free". */
static void test_holder_without_pid(void **state)
{
	struct dir *d = *state;
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	auto_fd int a = FD_NONE, b = FD_NONE;

	put_file(d->fd, "lock", "");
	a = openat(d->fd, "lock", O_RDWR | O_CLOEXEC);
	b = openat(d->fd, "lock", O_RDWR | O_CLOEXEC);
	assert_int_equal(fcntl(a, F_OFD_SETLK, &fl),
			 0); /* has no pid, as one of a foreign pid ns */
	assert_int_equal(io_lock_holder(b), -ESRCH);
}

static void test_flock(void **state)
{
	struct dir *d = *state;
	struct rl_err err = { 0 };
	auto_fd int a = io_flock(d->fd, "l", false, false, &err);
	auto_fd int b = io_flock(d->fd, "l", false, false, &err);

	assert_true(a >= 0 && b >= 0); /* shared */
	assert_int_equal(io_flock(d->fd, "l", true, false, &err), -EAGAIN);
	fd_close(TAKE_FD(a));
	fd_close(TAKE_FD(b));
	a = io_flock(d->fd, "l", true, true, &err);
	assert_true(a >= 0);
	b = openat(d->fd, "l", O_RDONLY | O_CLOEXEC);
	assert_int_equal(io_flock_holder(b), getpid());
	assert_int_equal(io_flock_wait(d->fd, "l", 1, &err), -EBUSY);
	assert_non_null(strstr(err.msg, "held by process"));
	assert_int_equal(symlinkat("l", d->fd, "link"), 0);
	assert_int_equal(io_flock(d->fd, "link", true, false, &err), -ELOOP);
}

static void test_whole_transfers(void **state)
{
	char in[100000], out[sizeof(in) + 1];
	auto_buf struct buf b = { 0 };
	int p[2];
	pid_t pid;

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)(i * 7);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		fd_close(p[0]);
		_exit(io_write_all(p[1], in, sizeof(in)) == 0 ? 0 : 1);
	}
	fd_close(p[1]);
	assert_int_equal(io_read_full(p[0], out, sizeof(out)), sizeof(in));
	assert_memory_equal(in, out, sizeof(in));
	fd_close(p[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(io_write_all(-1, "x", 1), -EBADF);
	assert_int_equal(io_read_full(-1, out, 1), -EBADF);
	assert_int_equal(io_read_all(-1, 1, &b), -EBADF);
}

static void test_times(void **state)
{
	static const struct {
		const char *in;
		int64_t ns;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01T00:00:00.5z", 500000000 },
		{ "1969-12-31T23:59:59.999999999Z", -1 },
		{ "2026-11-22T13:00:00.123456789+01:00", INT64_C(1795348800123456789) },
		{ "2026-11-22T12:00:00.1234567899-00:00", INT64_C(1795348800123456789) },
	};
	static const char *const bad[] = {
		"",
		"2026-11-22",
		"2026-11-22T12:00:00",
		"2026-11-22T12:00:00Zx",
		"2026-11-22T12:00:00.Z",
		"2026-11-22T12:00:00+1:00",
		"2026-11-22T12:00:00+ 1:00",
		"2026-11-22T12:00:00+24:00",
		"2026-11-22T12:00:00+01:60",
		"2026-13-22T12:00:00Z",
		" 2026-11-22T12:00:00Z",
		"26-11-22T12:00:00Z",
	};
	int64_t ns;
	char text[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(time_parse_rfc3339(good[i].in, &ns), 0);
		assert_true(ns == good[i].ns);
	}
	ns = 7;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(time_parse_rfc3339(bad[i], &ns), -EINVAL);
	/* what Go writes for "no time": valid, but not in the range of the result */
	assert_int_equal(time_parse_rfc3339("0001-01-01T00:00:00Z", &ns), -ERANGE);
	assert_int_equal(ns, 7);
	time_rfc3339(text, INT64_C(1795348800123456789));
	assert_string_equal(text, "2026-11-22T12:00:00.123456789Z");
	time_rfc3339(text, -1);
	assert_string_equal(text, "1969-12-31T23:59:59.999999999Z");
	time_rfc3339(text, INT64_MIN);
	assert_int_equal(strlen(text), 30);
}

static void test_random(void **state)
{
	char a[129], b[129];

	(void)state;
	rand_hex(a, 64);
	rand_hex(b, 64);
	assert_int_equal(strlen(a), 128);
	assert_int_equal(strspn(a, "0123456789abcdef"), 128);
	assert_string_not_equal(a, b);
	assert_true(now_ms() > 0 && wall_ns() > 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_replace),
		T(test_replace_does_not_follow),
		T(test_replace_leaves_nothing),
		T(test_read_is_bounded),
		T(test_mkdirs),
		T(test_remove_does_not_follow),
		T(test_remove_without_permissions),
		T(test_remove_says_why),
		T(test_remove_deep),
		T(test_remove_wide),
		T(test_record_lock),
		T(test_holder_without_pid),
		T(test_flock),
		cmocka_unit_test(test_whole_transfers),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("core/base/io", tests, NULL, NULL);
}
