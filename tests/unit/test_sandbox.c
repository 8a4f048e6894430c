/* SPDX-License-Identifier: Apache-2.0 */
/* test_sandbox.c - core/sandbox: each wall is tried from inside, in a child of its own */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/sandbox.h"

/* What @f answers in a child: its exit status, or minus the signal that ended it. */
static int in_child(int (*f)(void *), void *arg)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(f(arg));
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int basics(void *arg)
{
	struct rlimit core;
	struct rl_err err;

	(void)arg;
	if (sandbox_basics(&err) < 0)
		return 1;
	(void)getrlimit(RLIMIT_CORE, &core);
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 2;
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 3;
	return core.rlim_max == 0 ? 0 : 4;
}

static void test_basics(void **state)
{
	(void)state;
	assert_int_equal(in_child(basics, NULL), 0);
}

static bool refused(int r)
{
	return r < 0 && errno == EACCES;
}

static int no_files(void *arg)
{
	int *dir = arg;
	struct rl_err err;

	if (sandbox_basics(&err) < 0 || sandbox_no_files(&err) < 0)
		return 1;
	if (!refused(open("/etc/passwd", O_RDONLY | O_CLOEXEC)) ||
	    !refused(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)))
		return 2;
	if (!refused(openat(*dir, "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) ||
	    !refused(openat(*dir, "old", O_RDONLY | O_CLOEXEC)) ||
	    !refused(unlinkat(*dir, "old", 0)) || !refused(mkdirat(*dir, "d", 0700)))
		return 3;
	return refused(execl("/bin/true", "true", (char *)NULL)) ? 0 : 4;
}

static int only_dir(void *arg)
{
	int *dir = arg;
	struct rl_err err;

	if (sandbox_basics(&err) < 0 || sandbox_only_dir(*dir, &err) < 0)
		return 1;
	if (openat(*dir, "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 ||
	    renameat(*dir, "new", *dir, "newer") < 0 || unlinkat(*dir, "newer", 0) < 0)
		return 2;
	if (!refused(open("/etc/passwd", O_RDONLY | O_CLOEXEC)) ||
	    !refused(openat(*dir, "../x", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)))
		return 3;
	/* a link that leads out is followed to where nothing is allowed */
	return refused(openat(*dir, "out", O_WRONLY | O_CLOEXEC)) &&
			       refused(symlinkat("/", *dir, "link"))
		       ? 0
		       : 4;
}

static bool has_landlock(void)
{
	return syscall(444 /* landlock_create_ruleset */, NULL, 0, 1 /* VERSION */) > 0;
}

static void test_files(void **state)
{
	char path[] = "/tmp/rl-test-sandbox-XXXXXX";
	auto_fd int dir = FD_NONE;
	struct rl_err err;

	(void)state;
	if (!has_landlock())
		skip();
	assert_non_null(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	assert_int_equal(io_replace_file(dir, "old", "x", 1, 0600, IO_NOSYNC, &err), 0);
	assert_int_equal(symlinkat("/dev/null", dir, "out"), 0);
	assert_int_equal(in_child(no_files, &dir), 0);
	assert_int_equal(in_child(only_dir, &dir), 0);
	assert_int_equal(io_remove_tree(AT_FDCWD, path, &err), 0);
}

static int allowed_call(void *arg)
{
	static const int allowed[] = { SYS_getpid, SYS_exit_group, SANDBOX_INET_SOCKET };
	struct rl_err err;
	int which = *(int *)arg;

	if (sandbox_basics(&err) < 0 || sandbox_allow_only(allowed, ARRAY_LEN(allowed), &err) < 0)
		return 1;
	switch (which) {
	case 0:
		return syscall(SYS_getpid) > 0 ? 0 : 2;
	case 1:
		return syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0) >= 0 ? 0 : 2;
	case 2:
		return (int)syscall(SYS_socket, AF_UNIX, SOCK_DGRAM, 0);
	case 3:
		return (int)syscall(SYS_getppid);
#ifdef __x86_64__
	case 4: /* by the other door */
		return (int)syscall(0x40000000 | SYS_getpid);
#endif
	default:
		return 0;
	}
}

static void test_calls(void **state)
{
	int kill = -SIGSYS, which;

	(void)state;
#if defined(__SANITIZE_ADDRESS__)
	skip(); /* see sandbox_allow_only() */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	skip();
#endif
#endif
	which = 0;
	assert_int_equal(in_child(allowed_call, &which), 0);
	which = 1;
	assert_int_equal(in_child(allowed_call, &which), 0);
	which = 2;
	assert_int_equal(in_child(allowed_call, &which), kill);
	which = 3;
	assert_int_equal(in_child(allowed_call, &which), kill);
#ifdef __x86_64__
	which = 4;
	assert_int_equal(in_child(allowed_call, &which), kill);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_basics),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_calls),
	};

	return cmocka_run_group_tests_name("core/sandbox", tests, NULL, NULL);
}
