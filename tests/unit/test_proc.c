/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_proc.c - core/base/proc: what a helper inherits, waiting, descriptor passing
 *
 * The program is its own helper: "test_proc @fds" lists its open descriptors, and so on.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/proc.h"
#include "tests/unit/unit.h"

extern char **environ;

/* --- the helper's side ------------------------------------------------------------------ */

static int helper_fds(void)
{
	auto_dir DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	for (int fd = 0; d && fd < 200; fd++)
		if (fd != dirfd(d) && fcntl(fd, F_GETFD) >= 0)
			(void)printf("%d ", fd);
	while (d && (e = readdir(d)))
		if (strlen(e->d_name) > 2 && strcmp(e->d_name, "100") > 0)
			(void)printf("high:%s ", e->d_name);
	return 0;
}

static int helper_signals(void)
{
	sigset_t set;
	struct sigaction sa;

	(void)sigprocmask(SIG_BLOCK, NULL, &set);
	for (int s = 1; s < 32; s++) {
		if (sigismember(&set, s))
			(void)printf("blocked:%d ", s);
		if ((s == SIGSEGV || s == SIGBUS || s == SIGFPE) && getenv("ASAN_OPTIONS"))
			continue; /* the sanitizer of this program has taken them */
		if (sigaction(s, NULL, &sa) == 0 && sa.sa_handler != SIG_DFL)
			(void)printf("handled:%d ", s);
	}
	(void)printf("done");
	return 0;
}

static int helper(const char *what, const char *arg)
{
	if (strcmp(what, "@fds") == 0)
		return helper_fds();
	if (strcmp(what, "@signals") == 0)
		return helper_signals();
	if (strcmp(what, "@env") == 0)
		for (char **e = environ; *e; e++)
			(void)printf("%s\n", *e);
	if (strcmp(what, "@cat5") == 0) { /* descriptor 5 to descriptor 7 */
		char c;

		while (read(5, &c, 1) == 1)
			if (write(7, &c, 1) != 1)
				return 1;
	}
	if (strcmp(what, "@fail") == 0)
		(void)fprintf(stderr, "the reason\n\n");
	if (strcmp(what, "@flood") == 0)
		for (int i = 0; i < 100000; i++)
			(void)fprintf(stderr, "line %d\n", i);
	if (strcmp(what, "@hang") == 0)
		(void)poll(NULL, 0, 60000);
	if (strcmp(what, "@orphan") == 0 && fork() == 0) { /* keeps our stderr */
		(void)poll(NULL, 0, 5000);
		_exit(0);
	}
	if (strcmp(what, "@find") == 0) {
		struct rl_err err = { 0 };
		auto_free char *p = proc_find_own(arg, &err);

		(void)printf("%s", p ? p : err.msg);
		return 0;
	}
	if (strcmp(what, "@die") == 0)
		(void)raise(SIGKILL);
	return strcmp(what, "@fail") == 0 ? 3 : 0;
}

/* --- the tests -------------------------------------------------------------------------- */

static const char exe[] = "/proc/self/exe";

/* Start ourselves as helper @what, descriptors @fds and stdout; its output goes to @out. */
static void output(const char *what, const char *const *env, const struct proc_fd *fds, size_t n,
		   char *out, size_t room)
{
	struct proc_fd all[16];
	auto_fd int rd = FD_NONE, pidfd = FD_NONE;
	const char *argv[] = { exe, what, NULL };
	struct proc_spec s = { .argv = argv, .env = env, .fds = all, .join_userns = FD_NONE };
	struct rl_err err = { 0 };
	int p[2], status = -1;
	pid_t pid;
	ssize_t got;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	rd = p[0];
	all[s.n_fds++] = (struct proc_fd){ p[1], 1 };
	for (size_t i = 0; i < n; i++)
		all[s.n_fds++] = fds[i];
	assert_int_equal(proc_spawn(&s, &pid, &pidfd, &err), 0);
	fd_close(p[1]);
	got = io_read_full(rd, out, room - 1);
	assert_true(got >= 0);
	out[got] = '\0';
	assert_int_equal(proc_wait(pidfd, pid, 10000, &status), 0);
	assert_int_equal(status, 0);
}

static void test_only_listed_fds(void **state)
{
	auto_fd int a = open("/dev/null", O_RDWR | O_CLOEXEC);
	auto_fd int leak = open("/dev/null", O_RDWR); /* as from a careless parent */
	auto_fd int high = fcntl(leak, F_DUPFD, 190);
	struct proc_fd fds[] = { { a, 4 }, { FD_NONE, 7 } };
	struct proc_fd far[] = { { a, 70 }, { leak, 71 }, { FD_NONE, 100 } };
	char out[512];

	(void)state;
	assert_true(a >= 0 && leak >= 0 && high >= 190);
	output("@fds", NULL, fds, ARRAY_LEN(fds), out, sizeof(out));
	assert_string_equal(out, "0 1 2 4 7 ");
	output("@fds", NULL, NULL, 0, out, sizeof(out));
	assert_string_equal(out, "0 1 2 ");
	/* numbers above those that the implementation uses for itself */
	output("@fds", NULL, far, ARRAY_LEN(far), out, sizeof(out));
	assert_string_equal(out, "0 1 2 70 71 100 ");
}

/* Sources that are each other's targets must not be mixed up. */
static void test_swapped_fds(void **state)
{
	int in[2], res[2];
	char got[8] = "";
	const char *argv[] = { exe, "@cat5", NULL };
	struct proc_fd fds[2];
	struct proc_spec s = { .argv = argv, .fds = fds, .n_fds = 2, .join_userns = FD_NONE };
	struct rl_err err = { 0 };
	int status;
	pid_t pid;
	auto_fd int pidfd = FD_NONE;
	int five, seven;

	(void)state;
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(res, O_CLOEXEC), 0);
	assert_int_equal(write(in[1], "swap", 4), 4);
	fd_close(in[1]);
	/* the reader sits at 7 and shall be 5, the writer at 5 and shall be 7 */
	five = fcntl(in[0], F_DUPFD_CLOEXEC, 20);
	seven = fcntl(res[1], F_DUPFD_CLOEXEC, 20);
	fd_close(in[0]);
	fd_close(res[1]);
	res[0] = fcntl(res[0], F_DUPFD_CLOEXEC, 20); /* out of the way, the old one is replaced */
	assert_int_equal(dup3(five, 7, O_CLOEXEC), 7);
	assert_int_equal(dup3(seven, 5, O_CLOEXEC), 5);
	fd_close(five);
	fd_close(seven);
	fds[0] = (struct proc_fd){ 7, 5 };
	fds[1] = (struct proc_fd){ 5, 7 };
	assert_int_equal(proc_spawn(&s, &pid, &pidfd, &err), 0);
	fd_close(5);
	fd_close(7);
	assert_int_equal(io_read_full(res[0], got, sizeof(got) - 1), 4);
	assert_string_equal(got, "swap");
	fd_close(res[0]);
	assert_int_equal(proc_wait(pidfd, pid, 10000, &status), 0);
	assert_int_equal(status, 0);
}

static void test_environment(void **state)
{
	const char *const env[] = { "A=1", "LANG=de_DE", NULL };
	char out[1024];

	(void)state;
	assert_int_equal(setenv("LD_PRELOAD_TEST", "hostile", 1), 0);
	output("@env", env, NULL, 0, out, sizeof(out));
	assert_string_equal(out,
			    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
			    "LANG=de_DE\nA=1\n");
}

static void test_signals_are_reset(void **state)
{
#ifdef __SANITIZE_ADDRESS__
	const char *const asan[] = { "ASAN_OPTIONS=", NULL };
#else
	const char *const *asan = NULL;
#endif
	sigset_t set, old;
	struct sigaction ign = { .sa_handler = SIG_IGN }, was;
	char out[512];

	(void)state;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, &old);
	(void)sigaction(SIGPIPE, &ign, &was);
	output("@signals", asan, NULL, 0, out, sizeof(out));
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	(void)sigaction(SIGPIPE, &was, NULL);
	assert_string_equal(out, "handled:3 done"); /* SIGQUIT is ignored: waiting.h */
}

static int run(const char *what, int timeout_ms, struct rl_err *err)
{
	const char *argv[] = { exe, what, NULL };

	return proc_run(&(struct proc_spec){ .argv = argv, .join_userns = FD_NONE }, timeout_ms,
			err);
}

static void test_run(void **state)
{
	struct rl_err err = { 0 };
	int64_t t = now_ms();

	(void)state;
	assert_int_equal(run("@ok", 10000, &err), 0);
	assert_int_equal(run("@fail", 10000, &err), -EIO);
	assert_string_equal(err.msg, "'/proc/self/exe' exited with 3: the reason");
	assert_int_equal(run("@die", 10000, &err), -EIO);
	assert_non_null(strstr(err.msg, "died by signal 9"));
	assert_int_equal(run("@flood", 10000, &err), 0);  /* much more than is kept */
	assert_int_equal(run("@orphan", 10000, &err), 0); /* not until its child ends */
	assert_true(now_ms() - t < 4000);
	t = now_ms();
	assert_int_equal(run("@hang", 200, &err), -ETIMEDOUT);
	assert_true(now_ms() - t < 2000);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* reaped */
}

static void test_start_failure(void **state)
{
	const char *argv[] = { "/nonexistent/helper", NULL };
	struct proc_spec s = { .argv = argv, .join_userns = FD_NONE };
	struct rl_err err = { 0 };
	pid_t pid = -7;
	int pidfd = -7;

	(void)state;
	assert_int_equal(proc_spawn(&s, &pid, &pidfd, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "'/nonexistent/helper'"));
	assert_int_equal(pid, -7);
	argv[0] = "/dev/null";
	assert_int_equal(proc_spawn(&s, &pid, &pidfd, &err), -EACCES);
	s.fds = &(struct proc_fd){ 999, 4 };
	s.n_fds = 1;
	argv[0] = exe;
	assert_int_equal(proc_spawn(&s, &pid, &pidfd, &err), -EBADF);
	/* the report of the failure is not run over by high numbers */
	s.fds = &(struct proc_fd){ 2, 70 };
	argv[0] = "/dev/null";
	assert_int_equal(proc_spawn(&s, &pid, &pidfd, &err), -EACCES);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_few_descriptors(void **state)
{
	struct rlimit was, few = { .rlim_cur = 24 };
	struct rl_err err = { 0 };
	int r;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	r = run("@ok", 10000, &err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(r, 0);
}

static void test_die_with_parent(void **state)
{
	int p[2], status;
	char c;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		const char *argv[] = { exe, "@hang", NULL };
		struct proc_fd fds[] = { { p[1], 5 } };
		struct rl_err err = { 0 };
		pid_t child;
		int fd;

		fd_close(p[0]);
		_exit(proc_spawn(&(struct proc_spec){ .argv = argv,
						      .fds = fds,
						      .n_fds = 1,
						      .join_userns = FD_NONE,
						      .die_with_parent = SIGKILL },
				 &child, &fd, &err) == 0
			      ? 0
			      : 1);
	}
	fd_close(p[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(p[0], &c, 1), 0); /* end of file: the helper is gone too */
	fd_close(p[0]);
}

static void test_pidfd(void **state)
{
	auto_fd int fd = proc_pidfd_open(getpid());
	char id[37];
	int status;
	pid_t pid;
	int child;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(proc_pidfd_signal(fd, 0), 0);
	assert_true(proc_start_time(getpid()) > 0);
	assert_int_equal(proc_start_time(0x3fffffff), -ENOENT);
	assert_int_equal(proc_boot_id(id), 0);
	assert_int_equal(strlen(id), 36);
	pid = fork();
	if (pid == 0) {
		/* a name that looks like the fields after it */
		(void)prctl(PR_SET_NAME, "a) S 1 (b");
		_exit(proc_start_time(getpid()) == proc_start_time(getppid()) - 1000000 ||
				      proc_start_time(getpid()) < proc_start_time(getppid())
			      ? 1
			      : 0);
	}
	child = proc_pidfd_open(pid);
	assert_int_equal(proc_wait(child, pid, 10000, &status), 0);
	assert_int_equal(status, 0);
	assert_int_equal(proc_pidfd_signal(child, 0), -ESRCH);
	fd_close(child);
}

static void test_fd_passing(void **state)
{
	int sv[2], fds[3], many[PROC_FDS_MAX];
	char data[16];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = sv[0];
	assert_int_equal(fd_send(sv[0], "hi", 2, many, 1), 0);
	assert_int_equal(fd_recv(sv[1], data, sizeof(data), fds, 3), 2);
	assert_true(fds[0] >= 0 && (fcntl(fds[0], F_GETFD) & FD_CLOEXEC));
	assert_int_equal(fds[1], FD_NONE);
	fd_close(fds[0]);
	/* more than asked for are closed, not leaked */
	assert_int_equal(fd_send(sv[0], "hi", 2, many, PROC_FDS_MAX), 0);
	assert_int_equal(fd_recv(sv[1], data, sizeof(data), fds, 1), 2);
	assert_int_equal(fcntl(fds[0] + 1, F_GETFD), -1);
	fd_close(fds[0]);
	/* a message that does not fit brings nothing */
	assert_int_equal(fd_send(sv[0], "0123456789", 10, many, 1), 0);
	assert_int_equal(fd_recv(sv[1], data, 4, fds, 1), -EMSGSIZE);
	assert_int_equal(fds[0], FD_NONE);
	assert_int_equal(fd_send(sv[0], "x", 1, many, PROC_FDS_MAX + 1), -EINVAL);
	fd_close(sv[0]);
	assert_int_equal(fd_recv(sv[1], data, sizeof(data), NULL, 0), 0);
	assert_int_equal(fd_send(sv[1], "x", 1, NULL, 0), -EPIPE); /* and no SIGPIPE */
	fd_close(sv[1]);
}

static void copy_self(int dir_fd, const char *to)
{
	auto_fd int in = open(exe, O_RDONLY | O_CLOEXEC);
	auto_fd int out = openat(dir_fd, to, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	char chunk[65536];
	ssize_t n;

	while ((n = read(in, chunk, sizeof(chunk))) > 0)
		assert_int_equal(io_write_all(out, chunk, (size_t)n), 0);
	assert_int_equal(n, 0);
}

/* @where/test_proc @find probe, its answer in @out */
static void find_from(const char *path, char *out, size_t room)
{
	auto_free char *prog = str_printf("%s/test_proc", path);
	const char *argv[] = { prog, "@find", "probe", NULL };
	auto_fd int pidfd = FD_NONE;
	struct rl_err err = { 0 };
	int p[2], status;
	struct proc_fd fds[1];
	pid_t pid;
	ssize_t n;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	fds[0] = (struct proc_fd){ p[1], 1 };
	assert_int_equal(proc_spawn(&(struct proc_spec){ .argv = argv,
							 .fds = fds,
							 .n_fds = 1,
							 .join_userns = FD_NONE },
				    &pid, &pidfd, &err),
			 0);
	fd_close(p[1]);
	n = io_read_full(p[0], out, room - 1);
	assert_true(n >= 0);
	out[n] = '\0';
	fd_close(p[0]);
	assert_int_equal(proc_wait(pidfd, pid, 10000, &status), 0);
}

/*
 * ../libexec is looked at only from a folder called bin: a build tree in /tmp must not run what
 * somebody else put into /tmp/libexec.
 */
static void test_find_own(void **state)
{
	char path[256], out[1024];
	auto_fd int dir = scratch_make(path);
	auto_free char *bin = str_printf("%s/bin", path), *build = str_printf("%s/build", path);
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(io_mkdirs(dir, "bin", 0700, &err), 0);
	assert_int_equal(io_mkdirs(dir, "build", 0700, &err), 0);
	assert_int_equal(io_mkdirs(dir, "libexec/rl", 0700, &err), 0);
	put_file(dir, "libexec/rl/probe", "");
	assert_int_equal(fchmodat(dir, "libexec/rl/probe", 0700, 0), 0);
	copy_self(dir, "bin/test_proc");
	copy_self(dir, "build/test_proc");
	find_from(bin, out, sizeof(out));
	assert_non_null(strstr(out, "/bin/../libexec/rl/probe"));
	find_from(build, out, sizeof(out));
	assert_non_null(strstr(out, "not installed"));
	put_file(dir, "build/probe", "");
	assert_int_equal(fchmodat(dir, "build/probe", 0700, 0), 0);
	find_from(build, out, sizeof(out));
	assert_non_null(strstr(out, "/build/probe"));
	assert_null(proc_find("../bin/sh"));
	assert_int_equal(io_remove_tree(AT_FDCWD, path, &err), 0);
}

static pid_t paused_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

static void test_first_child(void **state)
{
	pid_t older, younger;

	(void)state;
	assert_int_equal(proc_first_child(getpid()), -ESRCH);
	older = paused_child();
	younger = paused_child();
	/* born in the same tick the lower number counts */
	assert_true(proc_first_child(getpid()) == older ||
		    (younger < older && proc_first_child(getpid()) == younger));
	assert_int_equal(kill(older, SIGKILL), 0);
	assert_int_equal(waitpid(older, NULL, 0), older);
	assert_int_equal(proc_first_child(getpid()), younger);
	assert_int_equal(kill(younger, SIGKILL), 0);
	assert_int_equal(waitpid(younger, NULL, 0), younger);
	assert_int_equal(proc_first_child(getpid()), -ESRCH);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_listed_fds),
		cmocka_unit_test(test_swapped_fds),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_signals_are_reset),
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_start_failure),
		cmocka_unit_test(test_few_descriptors),
		cmocka_unit_test(test_die_with_parent),
		cmocka_unit_test(test_pidfd),
		cmocka_unit_test(test_fd_passing),
		cmocka_unit_test(test_find_own),
		cmocka_unit_test(test_first_child),
	};

	if (argc > 1 && argv[1][0] == '@')
		return helper(argv[1], argc > 2 ? argv[2] : "");
	return cmocka_run_group_tests_name("core/base/proc", tests, NULL, NULL);
}
