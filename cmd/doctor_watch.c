/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_watch.c - no check holds up the report
 *
 * Theory of operation: what hangs in the kernel (a file system without its server) can be ended by
 * SIGKILL at best, and sometimes not even so. So all checks run in a child, which names each one
 * that may hang before it begins, on a pipe, and sends the whole report at the end. When nothing
 * comes for LIMIT_MS the child is killed and left to itself, and another one does everything anew but
 * the check that was named last, which is reported as silent. All others together take a tenth of a
 * second, so doing them again costs nothing.
 *
 * On the pipe: names, each ended by NUL; then REPORT, the result plus one, and text; or FAILED and why.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/doctor.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"

#define LIMIT_MS   5000
#define SILENT_MAX 16 /* then something else is wrong */
#define REPORT     1
#define FAILED     2
#define TEXT_MAX   (1U << 20)

bool doctor_begin(struct doctor *d, const char *name, enum doctor_effect effect)
{
	if (!strv_has(&d->silent, name)) {
		RL_IGNORE(io_write_all(d->tell_fd, name, strlen(name) + 1)); /* nobody waits */
		return true;
	}
	doctor_missing(d, name, effect, "no answer within %d s: what it asks hangs",
		       LIMIT_MS / 1000);
	return false;
}

static _Noreturn void child(struct doctor *d,
			    int (*look)(struct doctor *, void *, struct buf *, struct rl_err *),
			    void *arg)
{
	auto_buf struct buf out = { 0 };
	struct rl_err err = { 0 };
	int r = look(d, arg, &out, &err);
	const char head[] = { r < 0 ? FAILED : REPORT, (char)(r < 0 ? 1 : r + 1) };
	const char *text = r < 0 ? err.msg : out.data ? out.data : "";

	if (io_write_all(d->tell_fd, head, sizeof(head)) == 0)
		RL_IGNORE(io_write_all(d->tell_fd, text, strlen(text))); /* nobody waits */
	_exit(0);
}

/* Until the end of what it says. -ETIMEDOUT: it is silent. */
static int hear(int fd, struct buf *said, struct rl_err *err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char part[4096];
	ssize_t n;
	int64_t end = now_ms() + LIMIT_MS, left;

	for (;;) {
		left = end - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = read(fd, part, sizeof(part));
		if (n == 0)
			return 0;
		if (n > 0 && (said->len > TEXT_MAX || buf_add(said, part, (size_t)n) < 0))
			return rl_oom(err);
		end = now_ms() + LIMIT_MS;
	}
}

/* The last name, after which nothing came */
static const char *last_name(const struct buf *said)
{
	size_t at = said->len;

	if (at == 0 || said->data[at - 1] != '\0')
		return NULL;
	for (at--; at > 0 && said->data[at - 1] != '\0';)
		at--;
	return said->data + at;
}

static int take(const struct buf *said, struct buf *out, struct rl_err *err)
{
	size_t at = 0;

	while (at < said->len && said->data[at] > FAILED)
		at += strlen(said->data + at) + 1;
	if (at + 2 > said->len)
		return rl_fail(err, EIO, "the process that looks has died");
	if (said->data[at] == FAILED)
		return rl_fail(err, EIO, "%.*s", (int)(said->len - at - 2), said->data + at + 2);
	if (buf_add(out, said->data + at + 2, said->len - at - 2) < 0)
		return rl_oom(err);
	return said->data[at + 1] - 1;
}

static int once(struct doctor *d,
		int (*look)(struct doctor *, void *, struct buf *, struct rl_err *), void *arg,
		struct buf *said, struct rl_err *err)
{
	auto_fd int in = FD_NONE, out = FD_NONE;
	int pair[2], r;
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return rl_fail_sys(err, errno, "pipe");
	in = pair[0];
	out = pair[1];
	pid = fork();
	if (pid < 0)
		return rl_fail_sys(err, errno, "fork");
	if (pid == 0) {
		d->tell_fd = out;
		child(d, look, arg);
	}
	fd_close(TAKE_FD(out));
	r = hear(in, said, err);
	if (r < 0)
		(void)kill(pid, SIGKILL); /* our own child */
	/* one that not even this ends is not waited for */
	(void)waitpid(pid, NULL, r < 0 ? WNOHANG : 0);
	return r;
}

int doctor_watch(struct doctor *d,
		 int (*look)(struct doctor *d, void *arg, struct buf *out, struct rl_err *err),
		 void *arg, struct buf *out, struct rl_err *err)
{
	for (;;) {
		auto_buf struct buf said = { 0 };
		int r = once(d, look, arg, &said, err);
		const char *name;

		if (r == 0)
			return take(&said, out, err);
		if (r != -ETIMEDOUT)
			return r;
		name = last_name(&said);
		if (!name || strv_has(&d->silent, name) || d->silent.n == SILENT_MAX)
			return rl_fail(err, ETIMEDOUT, "a check does not come back");
		if (strv_add(&d->silent, name) < 0)
			return rl_oom(err);
	}
}
