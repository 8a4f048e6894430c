/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_journal.c - reading a container's entries back from systemd's journal (cmd/log_read.h)
 *
 * Theory of operation: journalctl knows the journal's files and who may read them; we start it
 * without a shell and read its JSON lines, one an entry. Its complaints go to our stderr.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cmd/log_read.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/parse.h"
#include "core/base/proc.h"
#include "core/base/strv.h"

#define LINE_MAX_BYTES (8U << 20)

static int add_args(struct strv *argv, const struct log_source *s, const char *id, bool follow)
{
	auto_free char *match = str_printf("CONTAINER_ID_FULL=%s", id);
	auto_free char *since =
		str_printf("--since=@%lld", (long long)(s->view.since_ns / 1000000000));
	auto_free char *tail =
		s->view.tail == UINT64_MAX
			? strdup("--lines=all")
			: str_printf("--lines=%llu", (unsigned long long)s->view.tail);
	int r = match && since && tail ? 0 : -ENOMEM;

	if (r == 0)
		r = strv_add(argv, "--output=json");
	if (r == 0)
		r = strv_add(argv, "--all"); /* else long messages are null */
	if (r == 0)
		r = strv_add(argv, "--no-pager");
	if (r == 0)
		r = strv_add(argv, "--quiet");
	if (r == 0 && (follow || s->view.tail != UINT64_MAX))
		r = strv_add(argv, tail);
	if (r == 0 && follow)
		r = strv_add(argv, "--follow");
	if (r == 0 && s->view.since_ns > 0)
		r = strv_add(argv, since);
	return r == 0 ? strv_add(argv, match) : r;
}

int log_journal_start(struct log_source *s, const char *id, bool follow, struct rl_err *err)
{
	auto_free char *program = proc_find("journalctl");
	auto_strv struct strv argv = { 0 };
	struct proc_fd fds[] = { { FD_NONE, 1 } };
	struct proc_spec spec = {
		.fds = fds, .n_fds = 1, .join_userns = FD_NONE, .die_with_parent = SIGKILL
	};
	int pipe_fds[2], r;

	if (!program)
		return rl_fail(err, ENOENT,
			       "its log is in the journal, but there is no journalctl");
	if (strv_add(&argv, program) < 0 || add_args(&argv, s, id, follow) < 0)
		return rl_oom(err);
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return rl_fail_sys(err, errno, "pipe");
	fds[0].from = pipe_fds[1];
	spec.argv = (const char *const *)argv.v;
	r = proc_spawn(&spec, &s->pid, &s->pidfd, err);
	fd_close(pipe_fds[1]);
	if (r < 0) {
		fd_close(pipe_fds[0]);
		s->pidfd = FD_NONE;
		return r;
	}
	s->pipe_fd = pipe_fds[0];
	if (follow)
		(void)fcntl(s->pipe_fd, F_SETFL, O_NONBLOCK); /* our own pipe: cannot fail */
	return 0;
}

/* A field is a string; bytes that are no UTF-8 come as an array of numbers. */
static int get_text(const json_t *j, struct buf *out)
{
	const json_t *v;
	size_t i;

	if (json_is_string(j))
		return buf_add(out, json_string_value(j), json_string_length(j));
	json_array_foreach (j, i, v) {
		char c = (char)json_integer_value(v);

		if (buf_add(out, &c, 1) < 0)
			return -ENOMEM;
	}
	return json_is_array(j) ? 0 : -EINVAL;
}

static const char *str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

int log_journal_line(struct log_view *v, const char *line, size_t len)
{
	json_auto_t *j = json_loadb(line, len, JSON_ALLOW_NUL, NULL);
	auto_buf struct buf text = { 0 };
	struct log_entry e = { .full = true };
	char time[32];
	uint64_t us;

	if (!j || parse_uint(str(j, "__REALTIME_TIMESTAMP"), INT64_MAX / 1000, &us) < 0 ||
	    get_text(json_object_get(j, "MESSAGE"), &text) < 0)
		return 0;
	time_rfc3339(time, (int64_t)us * 1000);
	e.time = time;
	e.stream = strcmp(str(j, "PRIORITY"), "3") == 0 ? 2 : 1;
	e.full = strcmp(str(j, "CONTAINER_PARTIAL_MESSAGE"), "true") != 0;
	e.text = text.data ? text.data : "";
	e.len = text.len;
	return log_show(v, &e);
}

static int take_lines(struct log_source *s)
{
	char *at = s->rest.data, *end = at + s->rest.len, *nl;
	int r = 0;

	while (r == 0 && (nl = memchr(at, '\n', (size_t)(end - at)))) {
		r = log_journal_line(&s->view, at, (size_t)(nl - at));
		at = nl + 1;
	}
	s->rest.len = (size_t)(end - at);
	memmove(s->rest.data, at, s->rest.len);
	return r;
}

static int finished(struct log_source *s, struct rl_err *err)
{
	int status = 0, r = proc_wait(s->pidfd, s->pid, -1, &status);

	fd_close(TAKE_FD(s->pipe_fd));
	fd_close(TAKE_FD(s->pidfd));
	if (r < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
		return 0;
	rl_fail(err, EACCES, "journalctl cannot read its log");
	return rl_hint(err, "who may read the journal is told above; often: "
			    "sudo usermod -aG systemd-journal $USER");
}

int log_journal_read(struct log_source *s, struct rl_err *err)
{
	char block[65536];

	for (;;) {
		ssize_t n = read(s->pipe_fd, block, sizeof(block));
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0
					       : rl_fail_sys(err, errno, "read from journalctl");
		if (n == 0)
			return finished(s, err);
		if (s->rest.len > LINE_MAX_BYTES)
			s->rest.len = 0;
		if (buf_add(&s->rest, block, (size_t)n) < 0)
			return rl_oom(err);
		r = take_lines(s);
		if (r < 0)
			return r;
	}
}

void log_journal_stop(struct log_source *s)
{
	int status;

	if (s->pidfd < 0)
		return;
	(void)proc_pidfd_signal(s->pidfd, SIGKILL); /* it only reads */
	RL_IGNORE(proc_wait(s->pidfd, s->pid, -1, &status));
	fd_close(TAKE_FD(s->pipe_fd));
	fd_close(TAKE_FD(s->pidfd));
}
