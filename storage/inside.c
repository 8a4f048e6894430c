/* SPDX-License-Identifier: Apache-2.0 */
/* inside.c - one function in a child inside S; the header is the manual */
#include "config.h"

#include "storage/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"

static void child(const struct session *s, inside_fn fn, void *arg, int out, pid_t parent)
{
	struct rl_err err = { 0 };
	int r = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* cannot fail with a valid signal */
	if (getppid() != parent)
		_exit(1);
	r = session_enter(s, &err);
	if (r == 0)
		r = fn(arg, &err);
	if (r == 0)
		_exit(0);
	RL_IGNORE(io_write_all(out, &err, sizeof(err))); /* without it the status tells */
	_exit(1);
}

/* 0 when the child has answered or ended, -ETIMEDOUT */
static int wait_answer(int fd, int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;) {
		int64_t left = timeout_ms < 0 ? -1 : end - now_ms();
		int n = left < 0 && timeout_ms >= 0 ? 0 : poll(&p, 1, (int)left);

		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int inside_run(const struct session *s, inside_fn fn, void *arg, int timeout_ms, struct rl_err *err)
{
	auto_fd int in = FD_NONE, out = FD_NONE;
	struct rl_err answer = { 0 };
	int p[2], r, status;
	pid_t pid, self = getpid();

	if (pipe2(p, O_CLOEXEC) < 0)
		return rl_fail_sys(err, errno, "make a pipe");
	in = p[0];
	out = p[1];
	pid = fork();
	if (pid < 0)
		return rl_fail_sys(err, errno, "fork");
	if (pid == 0)
		child(s, fn, arg, out, self);
	cleanup_fd(&out);
	r = wait_answer(in, timeout_ms);
	if (r < 0)
		(void)kill(pid, SIGKILL); /* our own child, not reaped yet */
	else if (io_read_full(in, &answer, sizeof(answer)) != (ssize_t)sizeof(answer))
		answer.code = 0;
	status = reap(pid);
	if (r < 0)
		return rl_fail_sys(err, -r, "wait for a step inside the session");
	if (status == 0)
		return 0;
	if (answer.code <= 0)
		return rl_fail(err, EIO, "a step inside the session ended with status %d", status);
	answer.msg[sizeof(answer.msg) - 1] = '\0';
	answer.hint[sizeof(answer.hint) - 1] = '\0';
	*err = answer;
	return -err->code;
}
