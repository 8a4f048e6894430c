/* SPDX-License-Identifier: Apache-2.0 */
/* test_calls.c - storage/image/calls: what a confined child can still do, and what it cannot */
#include "config.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/image/calls.h"
#include "tests/unit/unit.h"

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZERS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_SANITIZERS 1
#endif
#endif
#ifndef UNDER_SANITIZERS
#define UNDER_SANITIZERS 0
#endif

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			(void)fprintf(stderr, "line %d: %s (errno %d)\n", __LINE__, #cond, errno); \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static void try_inside(int dir, int ro)
{
	int fd = openat(dir, "new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat st;

	CHECK(fd >= 0);
	CHECK(write(fd, "x", 1) == 1);
	CHECK(fchmod(fd, 0640) == 0);
	CHECK(mkdirat(dir, "d", 0755) == 0);
	CHECK(linkat(dir, "new", dir, "d/new", 0) == 0); /* between folders: Landlock's REFER */
	CHECK(symlinkat("/etc", dir, "out") == 0);
	CHECK(unlinkat(dir, "d/new", 0) == 0);
	CHECK(fchownat(dir, "out", getuid(), getgid(), AT_SYMLINK_NOFOLLOW) == 0);
	CHECK(openat(ro, "old", O_RDONLY | O_CLOEXEC) >= 0);
	CHECK(fstatat(ro, "old", &st, 0) == 0);
}

static void try_outside(int dir, int ro, const char *path)
{
	char file[300];
	char *const argv[] = { NULL };

	(void)snprintf(file, sizeof(file), "%s/ro/old", path);
	CHECK(open(file, O_WRONLY | O_CLOEXEC) < 0);
	CHECK(open("/etc/passwd", O_WRONLY | O_CLOEXEC) < 0);
	CHECK(openat(ro, "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0);
	CHECK(openat(dir, "out/rl-test-confine", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0);
	if (UNDER_SANITIZERS) /* there is no filter then */
		return;
	CHECK(fchmodat(ro, "old", 0777, 0) < 0 && errno == EPERM);
	CHECK(chmod(file, 0777) < 0 && errno == EPERM);
	CHECK(chown(file, 0, 0) < 0 && errno == EPERM);
	CHECK(fchownat(ro, "old", 0, 0, 0) < 0 && errno == EPERM);
	CHECK(utimensat(ro, "old", NULL, 0) < 0 && errno == EPERM);
	CHECK(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM);
	CHECK(socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EPERM);
	CHECK(execve("/bin/true", argv, argv) < 0 && errno == EPERM);
	CHECK(fork() < 0 && errno == EPERM);
	CHECK(kill(getppid(), 0) < 0 && errno == EPERM);
	CHECK(syscall(SYS_mount, "x", "/", "tmpfs", 0, NULL) < 0 && errno == EPERM);
	CHECK(syscall(SYS_ptrace, 0, 0, 0, 0) < 0 && errno == EPERM);
}

/* Without Landlock in the kernel the first four of try_outside() are not refused. */
static bool has_landlock(void)
{
	return syscall(444, NULL, 0, 1u) >= 2;
}

static void test_walls(void **state)
{
	char path[256];
	int top = scratch_make(path), dir, ro, extra, status;
	struct rl_err err = { 0 };
	pid_t pid;

	(void)state;
	assert_int_equal(mkdirat(top, "rw", 0755), 0);
	assert_int_equal(mkdirat(top, "ro", 0755), 0);
	put_file(top, "ro/old", "old");
	dir = openat(top, "rw", O_RDONLY | O_CLOEXEC);
	ro = openat(top, "ro", O_RDONLY | O_CLOEXEC);
	extra = openat(top, "ro/old", O_RDWR | O_CLOEXEC);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct sandbox_dir dirs[] = { { dir, SANDBOX_WRITE }, { ro, SANDBOX_READ } };
		const struct sandbox c = { .calls = { calls_base, calls_open, calls_tree },
					   .other = CALLS_OTHER,
					   .fds = &dir,
					   .n_fds = 1,
					   .dirs = dirs,
					   .n_dirs = 2,
					   .caps = UINT64_C(1) << CAP_CHOWN,
					   .memory = 64 << 20 };
		CHECK(sandbox_enter(&c, &err) == 0);
		CHECK(fcntl(extra, F_GETFD) < 0 && fcntl(top, F_GETFD) < 0);
		try_inside(dir, ro);
		if (has_landlock())
			try_outside(dir, ro, path);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	fd_close(dir);
	fd_close(ro);
	fd_close(extra);
	fd_close(top);
	assert_int_equal(io_remove_tree(AT_FDCWD, path, &err), 0);
}

static void test_memory(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct sandbox c = { .calls = { calls_base },
					   .other = CALLS_OTHER,
					   .memory = 16 << 20 };
		struct rl_err err = { 0 };
		void *volatile p;

		CHECK(sandbox_enter(&c, &err) == 0);
		p = malloc(8 << 20);
		CHECK(p);
		free(p);
		p = malloc(64 << 20);
#if !defined(__SANITIZE_ADDRESS__)
		CHECK(!p);
#endif
		free(p);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walls),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests_name("storage/image/calls", tests, NULL, NULL);
}
