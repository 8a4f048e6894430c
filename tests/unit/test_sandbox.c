/* SPDX-License-Identifier: Apache-2.0 */
/* test_sandbox.c - core/sandbox: each wall is tried from inside, in a child of its own */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
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

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef SANITIZED /* there is no filter then */
#define SKIP_UNDER_SANITIZERS() skip()
#else
#define SKIP_UNDER_SANITIZERS() (void)0
#endif

#ifdef __x86_64__
#define LAST_DEADLY 16
#else
#define LAST_DEADLY 15
#endif

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

static const struct sandbox nothing = { .leave = SANDBOX_LEAVE_FILES };

/* Enough to look at oneself and at files; the answers are what is tested. */
static const struct sandbox_call look[] = {
	SANDBOX_CALL(openat),
	SANDBOX_CALL(unlinkat),
	SANDBOX_CALL(mkdirat),
	SANDBOX_CALL(symlinkat),
	SANDBOX_CALL(renameat2),
	SANDBOX_CALL(execve),
	SANDBOX_CALL(prctl),
	SANDBOX_CALL(prlimit64),
	SANDBOX_CALL(exit_group),
	SANDBOX_CALL(capget),
	SANDBOX_CALL(kill),
	SANDBOX_CALL(getppid),
	SANDBOX_CALL(socket),
	SANDBOX_CALL(bind),
	SANDBOX_CALL(fcntl),
#ifdef SYS_open
	SANDBOX_CALL(open),
	SANDBOX_CALL(unlink),
	SANDBOX_CALL(mkdir),
	SANDBOX_CALL(symlink),
	SANDBOX_CALL(rename),
#endif
#ifdef SYS_renameat
	SANDBOX_CALL(renameat),
#endif
	SANDBOX_END,
};

static int basics(void *arg)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };
	struct sandbox s = { .calls = { look }, .files = 32, .file_size = 4096 };
	struct rlimit core, files;
	struct rl_err err;

	(void)arg;
	if (sandbox_enter(&s, &err) < 0)
		return 1;
	(void)getrlimit(RLIMIT_CORE, &core);
	(void)getrlimit(RLIMIT_NOFILE, &files);
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 2;
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 3;
	if (core.rlim_max != 0 || files.rlim_max != 32)
		return 4;
	if (syscall(SYS_capget, &head, d) < 0 || d[0].permitted || d[0].effective ||
	    d[0].inheritable || d[1].permitted)
		return 5;
	return 0;
}

/* What is kept is what was there and asked for; the bounding set of who may change it follows. */
static int caps(void *arg)
{
	const uint64_t keep = UINT64_C(1) << CAP_CHOWN | UINT64_C(1) << CAP_SYS_RESOURCE;
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };
	struct rl_err err;

	(void)arg;
	if (unshare(CLONE_NEWUSER) < 0)
		return 77;
	if (sandbox_caps(keep, &err) < 0 || syscall(SYS_capget, &head, d) < 0)
		return 1;
	if (d[0].permitted != (uint32_t)keep || d[0].effective != (uint32_t)keep || d[1].permitted)
		return 2;
	for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
		if (prctl(PR_CAPBSET_READ, c, 0, 0, 0) != 0)
			return 3;
	return 0;
}

static void test_caps(void **state)
{
	int r = in_child(caps, NULL);

	(void)state;
	if (r == 77)
		skip(); /* no user namespaces here */
	assert_int_equal(r, 0);
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

	if (sandbox_enter(&(struct sandbox){ .calls = { look } }, &err) < 0)
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
	const struct sandbox_dir d = { .fd = *dir, .access = SANDBOX_FILES };
	struct rl_err err;

	if (sandbox_enter(&(struct sandbox){ .calls = { look }, .dirs = &d, .n_dirs = 1 }, &err) <
	    0)
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

static long landlock_abi(void)
{
	return syscall(444 /* landlock_create_ruleset */, NULL, 0, 1 /* VERSION */);
}

/* The other things Landlock takes: ports to listen on, signals to who is outside */
static int beyond_files(void *arg)
{
	const struct sockaddr_in any = { .sin_family = AF_INET };
	struct sandbox s = { .calls = { look }, .leave = *(unsigned *)arg };
	const bool may_bind = s.leave & SANDBOX_LEAVE_BIND,
		   may_kill = s.leave & SANDBOX_LEAVE_SIGNALS;
	struct rl_err err;
	int fd, r;

	if (sandbox_enter(&s, &err) < 0)
		return 1;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	r = bind(fd, (const struct sockaddr *)&any, sizeof(any));
	if (may_bind ? r < 0 : r == 0 || errno != EACCES)
		return 2;
	r = kill(getppid(), 0);
	return (may_kill ? r == 0 : r < 0 && errno == EPERM) ? 0 : 3;
}

static void test_beyond_files(void **state)
{
	unsigned leave;

	(void)state;
	if (landlock_abi() < 6)
		skip();
	leave = 0;
	assert_int_equal(in_child(beyond_files, &leave), 0);
	leave = SANDBOX_LEAVE_BIND | SANDBOX_LEAVE_SIGNALS;
	assert_int_equal(in_child(beyond_files, &leave), 0);
}

static void test_files(void **state)
{
	char path[] = "/tmp/rl-test-sandbox-XXXXXX";
	auto_fd int dir = FD_NONE;
	struct rl_err err;

	(void)state;
	if (landlock_abi() < 1)
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
	static const struct sandbox_call first[] = {
		SANDBOX_CALL(getpid),
		SANDBOX_WHEN(socket, SANDBOX_IS(0, AF_INET)),
		SANDBOX_WHEN2(socket, SANDBOX_IS(0, AF_INET6), SANDBOX_BITS(1, 0xf, SOCK_DGRAM)),
		{ .nr = SYS_getuid, .verdict = ENOSYS },
		SANDBOX_WHEN(lseek, SANDBOX_BITS(1, UINT64_MAX, UINT64_C(0x700000001))),
		SANDBOX_WHEN(tgkill, SANDBOX_IS(0, SANDBOX_OWN_PID)),
		SANDBOX_END,
	};
	static const struct sandbox_call second[] = { SANDBOX_CALL(exit_group), SANDBOX_END };
	const struct sandbox s = { .calls = { first, second },
				   .other = SANDBOX_KILL,
				   .leave = nothing.leave };
	struct rl_err err;

	if (sandbox_enter(&s, &err) < 0)
		return 1;
	switch (*(int *)arg) {
	case 0:
		return syscall(SYS_getpid) > 0 ? 0 : 2;
	case 1:
		return syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0) >= 0 ? 0 : 2;
	case 2:
		return syscall(SYS_socket, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0 ||
				       errno == EAFNOSUPPORT
			       ? 0
			       : 2;
	case 3:
		return syscall(SYS_getuid) < 0 && errno == ENOSYS ? 0 : 2;
	case 4:
		return syscall(SYS_lseek, -1, INT64_C(0x700000001), 0) < 0 && errno == EBADF ? 0
											     : 2;
	case 5:
		return syscall(SYS_tgkill, getpid(), 1 << 30, 0) < 0 && errno == ESRCH ? 0 : 2;
	case 10:
		return (int)syscall(SYS_socket, AF_UNIX, SOCK_DGRAM, 0);
	case 11:
		return (int)syscall(SYS_getppid);
	case 12:
		return (int)syscall(SYS_socket, AF_INET6, SOCK_STREAM, 0);
	case 13: /* the low half alone is not enough, nor the high one */
		return (int)syscall(SYS_lseek, -1, INT64_C(1), 0);
	case 14:
		return (int)syscall(SYS_lseek, -1, INT64_C(0x700000000), 0);
	case 15:
		return (int)syscall(SYS_tgkill, 1, 1, 0);
#ifdef __x86_64__
	case 16: /* by the other door */
		return (int)syscall(0x40000000 | SYS_getpid);
#endif
	default:
		return -SIGSYS;
	}
}

static void test_calls(void **state)
{
	int kill = -SIGSYS, which;

	(void)state;
	SKIP_UNDER_SANITIZERS();
	for (which = 0; which <= 5; which++)
		assert_int_equal(in_child(allowed_call, &which), 0);
	for (which = 10; which <= LAST_DEADLY; which++)
		assert_int_equal(in_child(allowed_call, &which), kill);
}

#ifdef __x86_64__
/* A list of what is refused holds by the other door, too. */
static int refused_call(void *arg)
{
	static const struct sandbox_call list[] = { SANDBOX_DEADLY(socket), SANDBOX_END };
	const struct sandbox s = { .calls = { list },
				   .other = SANDBOX_ALLOW,
				   .leave = nothing.leave };
	struct rl_err err;

	if (sandbox_enter(&s, &err) < 0)
		return 1;
	return (int)syscall(*(int *)arg | SYS_socket, -1, -1, -1) < 0 ? 0 : 2;
}

static void test_refused(void **state)
{
	int native = 0, x32 = 0x40000000;

	(void)state;
	SKIP_UNDER_SANITIZERS();
	assert_int_equal(in_child(refused_call, &native), -SIGSYS);
	assert_int_equal(in_child(refused_call, &x32), -SIGSYS);
}
#endif

/* A longer list than a program can hold is an error, not a hole. */
static int too_long(void *arg)
{
	static struct sandbox_call many[200];
	struct rl_err err;

	(void)arg;
	for (size_t i = 0; i < ARRAY_LEN(many) - 1; i++)
		many[i] = (struct sandbox_call)SANDBOX_WHEN(read, SANDBOX_IS(0, 7));
	many[ARRAY_LEN(many) - 1].nr = -1;
	return sandbox_enter(&(struct sandbox){ .calls = { many } }, &err) == -E2BIG ? 0 : 1;
}

static void test_too_long(void **state)
{
	(void)state;
	SKIP_UNDER_SANITIZERS();
	assert_int_equal(in_child(too_long, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_basics),  cmocka_unit_test(test_caps),
		cmocka_unit_test(test_files),   cmocka_unit_test(test_beyond_files),
		cmocka_unit_test(test_calls),   cmocka_unit_test(test_too_long),
#ifdef __x86_64__
		cmocka_unit_test(test_refused),
#endif
	};

	return cmocka_run_group_tests_name("core/sandbox", tests, NULL, NULL);
}
