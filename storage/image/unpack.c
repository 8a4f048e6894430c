/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack.c - one layer stream to a staging folder, in a confined child; the header is the manual
 *
 * Theory of operation: the child opens everything that takes files or tables (digest, locale,
 * buffers), enters the sandbox, and only then reads the first byte. It answers with one
 * fixed-size record on a pipe. The parent takes nothing in that record on trust: the text is
 * terminated, the digest checked for its form, counts must not be negative.
 */
#include "config.h"

#include "storage/image/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/proc.h"
#include "storage/digest.h"
#include "storage/image/apply.h"
#include "storage/image/confine.h"
#include "storage/image/inflate.h"
#include "storage/image/tarin.h"

/* zstd's largest window, and the folder times of some million folders */
#define UNPACK_MEMORY ((size_t)(1 << INFLATE_WINDOW_LOG) + (size_t)(256 << 20))
#define UNPACK_FILES  4096 /* removing a tree takes two per level, PLACE_DEPTH_MAX levels */
#define LOWER_MAX     1024

_Static_assert(sizeof(((struct unpack_result *)0)->diff_id) == TARIN_DIGEST_SIZE, "one digest");

struct report {
	int32_t code; /* errno, 0 = success */
	struct unpack_result result;
	char msg[1024], hint[512];
};

static int work(struct apply *a, struct tarin *t, struct unpack_result *ret, struct rl_err *err)
{
	int r = apply_all(a, t, ret, err);

	return r < 0 ? r : tarin_end(t, ret->diff_id, &ret->tar_bytes, err);
}

static int prepare(int in_fd, int diff_fd, int one_id, const struct unpack_limits *limits,
		   struct apply **ret_a, struct tarin **ret_t, struct rl_err *err)
{
	int r = apply_new(diff_fd, one_id != 0, limits, ret_a, err);

	return r < 0 ? r : tarin_open(in_fd, limits->max_bytes, ret_t, err);
}

int unpack_here(int in_fd, int diff_fd, int one_id, const struct unpack_limits *limits,
		struct unpack_result *ret, struct rl_err *err)
{
	struct unpack_result res = { 0 };
	const mode_t mask = umask(0);
	struct apply *a = NULL;
	struct tarin *t = NULL;
	int r = prepare(in_fd, diff_fd, one_id, limits, &a, &t, err);

	if (r == 0)
		r = work(a, t, &res, err);
	apply_free(a);
	tarin_free(t);
	(void)umask(mask);
	if (r == 0)
		*ret = res;
	return r;
}

/*
 * Threat: a layer is written by whoever made the image; a flaw in inflating, tar reading or in
 * our own rules gives its author this process.
 * Defence: nothing but the staging folder can be written, nothing but it and the lower layers be
 * opened, no network, no exec, no signal to others; files of any owner of S only below it.
 * Must not: read from @in_fd before this returns.
 */
static int enter_confinement(int in_fd, int diff_fd, int result_fd,
			     const struct unpack_limits *limits, struct rl_err *err)
{
	const int fds[] = { in_fd, result_fd };
	struct confine_dir dirs[LOWER_MAX + 1] = { { .fd = diff_fd, .write = 1 } };
	const struct confine s = {
		.groups = CONFINE_OPEN | CONFINE_TREE,
		.dirs = dirs,
		.n_dirs = limits->n_lower + 1,
		.caps = UINT64_C(1) << CAP_CHOWN | UINT64_C(1) << CAP_DAC_OVERRIDE |
			UINT64_C(1) << CAP_FOWNER | UINT64_C(1) << CAP_FSETID |
			UINT64_C(1) << CAP_SETFCAP,
		.memory = UNPACK_MEMORY,
		.files = UNPACK_FILES,
		.fds = fds,
		.n_fds = 2,
	};

	if (limits->n_lower > LOWER_MAX)
		return rl_fail(err, E2BIG, "more than %d layers", LOWER_MAX);
	for (size_t i = 0; i < limits->n_lower; i++)
		dirs[i + 1].fd = limits->lower_fds[i];
	return confine_enter(&s, err);
}

static _Noreturn void child(int in_fd, int diff_fd, int one_id, const struct unpack_limits *limits,
			    int result_fd, pid_t parent)
{
	struct report rep = { 0 };
	struct rl_err err = { 0 };
	struct apply *a = NULL;
	struct tarin *t = NULL;
	int r;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
		_exit(1); /* nobody is left to tell */
	(void)umask(0);
	r = prepare(in_fd, diff_fd, one_id, limits, &a, &t, &err);
	if (r == 0)
		r = enter_confinement(in_fd, diff_fd, result_fd, limits, &err);
	if (r == 0)
		r = work(a, t, &rep.result, &err);
	if (r < 0) {
		rep.code = err.code;
		memcpy(rep.msg, err.msg, sizeof(rep.msg));
		memcpy(rep.hint, err.hint, sizeof(rep.hint));
	}
	_exit(io_write_all(result_fd, &rep, sizeof(rep)) < 0 ? 1 : 0);
}

int unpack_start(int in_fd, int diff_fd, int one_id, const struct unpack_limits *limits,
		 struct unpack *ret, struct rl_err *err)
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
		return rl_fail_sys(err, errno, "start the unpacker");
	if (pid == 0)
		child(in_fd, diff_fd, one_id, limits, wr, self);
	pidfd = proc_pidfd_open(pid);
	if (pidfd < 0) {
		(void)kill(pid, SIGKILL); /* our own child, not yet waited for: the pid is its */
		(void)waitpid(pid, NULL, 0);
		return rl_fail_sys(err, -pidfd, "hold on to the unpacker");
	}
	*ret = (struct unpack){ .pid = pid, .pidfd = pidfd, .result_fd = TAKE_FD(rd) };
	return 0;
}

static void release(struct unpack *u)
{
	fd_close(u->pidfd);
	fd_close(u->result_fd);
	*u = (struct unpack){ .pidfd = FD_NONE, .result_fd = FD_NONE };
}

/* The child died without a word. */
static int died(int status, struct rl_err *err)
{
	if (!WIFSIGNALED(status))
		return rl_fail(err, EIO, "the unpacker ended with status %d and no result",
			       WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	rl_fail(err, EIO, "the unpacker was ended by signal %d", WTERMSIG(status));
	if (WTERMSIG(status) == SIGKILL)
		return rl_hint(err, "the machine may have run out of memory");
	return -err->code;
}

static int take_report(struct report *rep, struct unpack_result *ret, struct rl_err *err)
{
	if (rep->code != 0) {
		*err = (struct rl_err){ .code = rep->code > 0 && rep->code < 4096 ? rep->code
										  : EIO };
		rep->msg[sizeof(rep->msg) - 1] = '\0';
		rep->hint[sizeof(rep->hint) - 1] = '\0';
		memcpy(err->msg, rep->msg, sizeof(rep->msg));
		memcpy(err->hint, rep->hint, sizeof(rep->hint));
		return -err->code;
	}
	rep->result.diff_id[sizeof(rep->result.diff_id) - 1] = '\0';
	if (!digest_is_valid(rep->result.diff_id) || rep->result.tar_bytes < 0 ||
	    rep->result.disk_bytes < 0 || rep->result.files < 0)
		return rl_fail(err, EPROTO, "the unpacker's result makes no sense");
	*ret = rep->result;
	return 0;
}

int unpack_finish(struct unpack *u, struct unpack_result *ret, struct rl_err *err)
{
	struct report rep;
	ssize_t n = io_read_full(u->result_fd, &rep, sizeof(rep));
	int status = 0, r;

	if (n != (ssize_t)sizeof(rep))
		(void)proc_pidfd_signal(u->pidfd, SIGKILL); /* most likely it is gone already */
	r = proc_wait(u->pidfd, u->pid, -1, &status);
	release(u);
	if (r < 0)
		return rl_fail_sys(err, -r, "wait for the unpacker");
	if (n != (ssize_t)sizeof(rep))
		return died(status, err);
	return take_report(&rep, ret, err);
}

void unpack_kill(struct unpack *u)
{
	int status;

	if (u->pid <= 0)
		return;
	(void)proc_pidfd_signal(u->pidfd, SIGKILL);          /* fails only when it is gone */
	RL_IGNORE(proc_wait(u->pidfd, u->pid, -1, &status)); /* killed: nothing to learn */
	release(u);
}
