/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_session.c - the session from outside: what session.sh looks at
 *
 *	open		print "<rung> <inode of S>", then its maps
 *	enter		the same from a child in S, and what it is there
 *	serve ID	be a monitor: answer on run_dir/ctr/ID/monitor.sock until stdin ends
 *	time N		median time of N session_open() calls in microseconds
 * Before it: -v for debug lines, -s for a seccomp filter that refuses user namespaces. Errors are printed as rl prints them, exit status 125.
 */
#include "config.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/parse.h"
#include "core/session.h"

static int show(const struct session *s)
{
	char uids[IDMAP_TEXT], gids[IDMAP_TEXT];
	struct stat st;

	if (fstat(s->userns_fd, &st) < 0)
		return 1;
	(void)idmap_format(&s->uids, uids);
	(void)idmap_format(&s->gids, gids);
	(void)printf("%s %lu\n%s%s", s->rung == SESSION_FULL ? "full" : "one-id",
		     (unsigned long)st.st_ino, uids, gids);
	return 0;
}

static int cmd_enter(const struct session *s, struct rl_err *err)
{
	int status = 1;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		auto_buf struct buf b = { 0 };

		if (session_enter(s, err) < 0 ||
		    io_read_file(AT_FDCWD, "/proc/self/uid_map", 4096, &b, err) < 0) {
			rl_report(err);
			_exit(125);
		}
		(void)printf("inside: uid %d gid %d ", (int)getuid(), (int)getgid());
		(void)printf("setgroups %s, ", setgroups(0, NULL) == 0 ? "allowed" : "denied");
		(void)printf("can chown: %s\n%s", setresuid(1, 1, 1) == 0 ? "yes" : "no", b.data);
		(void)fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int cmd_serve(const struct rl *rl, const struct session *s, const char *id,
		     struct rl_err *err)
{
	char path[128];
	int sock;

	(void)snprintf(path, sizeof(path), "ctr/%s", id);
	if (io_mkdirs(rl->run_fd, path, 0700, err) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "ctr/%s/monitor.sock", id);
	sock = session_listen(rl->run_fd, path, err);
	if (sock < 0)
		return -1;
	(void)puts("ready");
	(void)fflush(stdout);
	for (;;) {
		struct pollfd p[2] = { { .fd = 0, .events = POLLIN },
				       { .fd = sock, .events = POLLIN } };

		if (poll(p, 2, -1) < 0 || p[0].revents)
			return 0;
		(void)session_answer(sock, s);
	}
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int cmd_time(const struct rl *rl, const char *count, struct rl_err *err)
{
	static double us[10000];
	uint64_t n;

	if (parse_uint(count, ARRAY_LEN(us), &n) < 0 || n == 0)
		return 1;
	for (uint64_t i = 0; i < n; i++) {
		struct timespec a, b;
		struct session s;

		(void)clock_gettime(CLOCK_MONOTONIC, &a);
		if (session_open(rl, &s, err) < 0)
			return -1;
		(void)clock_gettime(CLOCK_MONOTONIC, &b);
		session_close(&s);
		us[i] = (double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3;
	}
	(void)printf("first %.0f us, ", us[0]);
	qsort(us, n, sizeof(us[0]), compare);
	(void)printf("median %.0f us\n", us[n / 2]);
	return 0;
}

static int forbid(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (!f)
		return 1;
	r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 1,
			     SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER));
	if (r == 0)
		r = seccomp_load(f);
	seccomp_release(f);
	return r;
}

int main(int argc, char **argv)
{
	struct rl_err err = { 0 };
	struct session s = { .userns_fd = FD_NONE };
	struct rl rl;
	int r;

	if (argc > 1 && strcmp(argv[1], "-v") == 0) {
		log_set_level(LOG_DEBUG);
		argc--;
		argv++;
	}
	if (argc > 1 && strcmp(argv[1], "-s") == 0) {
		if (forbid())
			return 2;
		argc--;
		argv++;
	}
	if (argc < 2)
		return 2;
	r = rl_open(&rl, NULL, &err);
	if (r == 0 && strcmp(argv[1], "time") == 0 && argc > 2) {
		r = cmd_time(&rl, argv[2], &err);
	} else if (r == 0) {
		r = session_open(&rl, &s, &err);
		if (r == 0)
			r = show(&s);
		if (r == 0 && strcmp(argv[1], "enter") == 0)
			r = cmd_enter(&s, &err);
		else if (r == 0 && strcmp(argv[1], "serve") == 0 && argc > 2)
			r = cmd_serve(&rl, &s, argv[2], &err);
	}
	session_close(&s);
	rl_close(&rl);
	if (r < 0)
		rl_report(&err);
	return r < 0 ? 125 : r;
}
