/* SPDX-License-Identifier: Apache-2.0 */
/* child.c - a forked child and its one answer; the header is the manual */
#include "config.h"

#include "storage/image/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/proc.h"

/* What goes over the pipe, followed by @len bytes of payload */
struct answer {
	int32_t code; /* errno, 0 = success */
	uint64_t len;
	char msg[1024], hint[512];
};

int child_fork(const char *what, struct child *ret, int *ret_fd, struct rl_err *err)
{
	auto_fd int rd = FD_NONE, wr = FD_NONE;
	const pid_t self = getpid();
	int p[2], pidfd;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return rl_fail_sys(err, errno, "pipe");
	rd = p[0];
	wr = p[1];
	pid = fork();
	if (pid < 0)
		return rl_fail_sys(err, errno, "start %s", what);
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != self)
			_exit(1); /* nobody is left to tell */
		*ret_fd = TAKE_FD(wr);
		return 0;
	}
	pidfd = proc_pidfd_open(pid);
	if (pidfd < 0) {
		(void)kill(pid, SIGKILL); /* our own child, not yet waited for: the pid is its */
		(void)waitpid(pid, NULL, 0);
		return rl_fail_sys(err, -pidfd, "hold on to %s", what);
	}
	*ret = (struct child){ .pid = pid, .pidfd = pidfd, .result_fd = TAKE_FD(rd) };
	return 1;
}

_Noreturn void child_answer(int fd, const struct rl_err *err, const void *payload, size_t len)
{
	struct answer a = { .len = len };
	int r;

	if (err) {
		a = (struct answer){ .code = err->code };
		memcpy(a.msg, err->msg, sizeof(a.msg));
		memcpy(a.hint, err->hint, sizeof(a.hint));
	}
	r = io_write_all(fd, &a, sizeof(a));
	if (r == 0 && a.len > 0)
		r = io_write_all(fd, payload, len);
	_exit(r < 0 ? 1 : 0);
}

static void release(struct child *c)
{
	fd_close(c->pidfd);
	fd_close(c->result_fd);
	*c = (struct child){ .pidfd = FD_NONE, .result_fd = FD_NONE };
}

/* It ended without a word. */
static int died(const char *what, int status, struct rl_err *err)
{
	if (!WIFSIGNALED(status))
		return rl_fail(err, EIO, "%s ended with status %d and no result", what,
			       WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	rl_fail(err, EIO, "%s was ended by signal %d", what, WTERMSIG(status));
	if (WTERMSIG(status) == SIGKILL)
		return rl_hint(err, "the machine may have run out of memory");
	return -err->code;
}

static int read_payload(int fd, const char *what, uint64_t len, size_t max, struct buf *out,
			struct rl_err *err)
{
	char chunk[8192];

	if (len > max)
		return rl_fail(err, EPROTO, "the answer of %s is too long", what);
	while (len > 0) {
		ssize_t n = io_read_full(fd, chunk, len < sizeof(chunk) ? len : sizeof(chunk));

		if (n <= 0)
			return rl_fail(err, EPROTO, "the answer of %s is cut short", what);
		if (buf_add(out, chunk, (size_t)n) < 0)
			return rl_oom(err);
		len -= (uint64_t)n;
	}
	return 0;
}

static int take_error(struct answer *a, struct rl_err *err)
{
	a->msg[sizeof(a->msg) - 1] = '\0';
	a->hint[sizeof(a->hint) - 1] = '\0';
	*err = (struct rl_err){ .code = a->code > 0 && a->code < 4096 ? a->code : EIO };
	memcpy(err->msg, a->msg, sizeof(err->msg));
	memcpy(err->hint, a->hint, sizeof(err->hint));
	return -err->code;
}

int child_result(struct child *c, const char *what, size_t max, struct buf *payload,
		 struct rl_err *err)
{
	struct answer a;
	ssize_t n = io_read_full(c->result_fd, &a, sizeof(a));
	const bool whole = n == (ssize_t)sizeof(a);
	int status = 0, r = 0, w;

	if (whole && a.code == 0)
		r = read_payload(c->result_fd, what, a.len, max, payload, err);
	if (!whole || r < 0)
		(void)proc_pidfd_signal(c->pidfd, SIGKILL); /* most likely it is gone already */
	w = proc_wait(c->pidfd, c->pid, -1, &status);
	release(c);
	if (w < 0)
		return rl_fail_sys(err, -w, "wait for %s", what);
	if (!whole)
		return died(what, status, err);
	return a.code != 0 ? take_error(&a, err) : r;
}

void child_kill(struct child *c)
{
	int status;

	if (c->pid <= 0)
		return;
	(void)proc_pidfd_signal(c->pidfd, SIGKILL);          /* fails only when it is gone */
	RL_IGNORE(proc_wait(c->pidfd, c->pid, -1, &status)); /* killed: nothing to learn */
	release(c);
}
