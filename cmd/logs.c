/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logs.c - `rl logs`: what containers wrote to stdout and stderr
 *
 * Theory of operation: each container's log is a source (cmd/log_read.h), read once, one after the
 * other. Following: one inotify instance watches the folders of all logs, the pipes of journalctl
 * are polled, and the monitors' connections tell of the end; after the end what is left is read
 * once more.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/log_read.h"
#include "cmd/select.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/parse.h"
#include "core/base/waiting.h"
#include "core/base/when.h"
#include "core/control.h"
#include "core/ctr_state.h"

#define STATE_MAX  (8U << 20)
#define JOURNAL_MS 300 /* how long the journal may take to show the last entries */

struct logs_opts {
	struct select_opts which;
	bool follow, timestamps, names, color;
	const char *since, *until, *tail, *n;
};

static const struct opt logs_options[] = {
	OPT_BOOL(0, "color", struct logs_opts, color, "each container in a color of its own"),
	OPT_IGNORE_BOOL("details"), /* of Docker: attributes of --log-opt */
	OPT_BOOL('f', "follow", struct logs_opts, follow, "go on until the containers end"),
	SELECT_LATEST(struct logs_opts, which),
	OPT_BOOL(0, "names", struct logs_opts, names, "with the container's name (also -n)"),
	OPT_STR('n', "tail-or-names", struct logs_opts, n, "N", NULL), /* see apply_n() */
	OPT_STR(0, "since", struct logs_opts, since, "TIME",
		"from then on (RFC 3339, Unix time, 10m)"),
	OPT_STR(0, "tail", struct logs_opts, tail, "N", "the last N lines only (also -n N; all)"),
	OPT_BOOL('t', "timestamps", struct logs_opts, timestamps, "with the time of each line"),
	OPT_STR(0, "until", struct logs_opts, until, "TIME",
		"up to then; with -f a duration is from now on"),
	OPT_END,
};

/* One container whose log is shown. */
struct shown {
	struct ctr c;
	json_t *state;
	struct log_source source;
	char short_id[13];
	int sock; /* to its monitor; FD_NONE: it has ended */
	bool done;
};

static int get_time(const char *s, int64_t none, int64_t *ret, struct rl_err *err)
{
	*ret = none;
	return s ? when_parse(s, wall_ns(), ret, err) : 0;
}

/*
 * A duration counts back, as everywhere; with --follow that would leave nothing to wait for, and it
 * counts forward, as in Podman.
 */
static int get_until(const struct logs_opts *o, int64_t *ret, struct rl_err *err)
{
	int64_t now = wall_ns(), fixed;
	int r = get_time(o->until, INT64_MAX, ret, err);

	if (r == 0 && o->until && o->follow && *ret < now &&
	    when_parse(o->until, 0, &fixed, err) == 0 && fixed != *ret)
		*ret = 2 * now - *ret;
	return r;
}

static int get_tail(const char *s, uint64_t *ret, struct rl_err *err)
{
	*ret = UINT64_MAX;
	if (!s || strcmp(s, "all") == 0 || strcmp(s, "-1") == 0)
		return 0;
	if (parse_uint(s, INT64_MAX, ret) < 0)
		return rl_fail(err, EINVAL,
			       "invalid value '%s' for '--tail': expected a number or all", s);
	return 0;
}

/*
 * Docker's -n is --tail and has a value, Podman's is --names and has none: a word that is no
 * number is the first container's name.
 */
static int apply_n(struct logs_opts *o, struct strv *words, struct rl_err *err)
{
	uint64_t n;

	if (!o->n)
		return 0;
	if (parse_uint(o->n, INT64_MAX, &n) == 0 || strcmp(o->n, "all") == 0 ||
	    strcmp(o->n, "-1") == 0) {
		o->tail = o->n;
		return 0;
	}
	o->names = true;
	return strv_add(words, o->n) < 0 ? rl_oom(err) : 0;
}

/* Ask the monitor for word of the end. */
static void listen_to(const struct rl *rl, struct shown *s)
{
	const struct monitor_msg req = { .type = MONITOR_WAIT };
	struct rl_err gone;

	s->sock = control_connect(rl, s->c.id, &gone);
	if (s->sock >= 0 && control_call(s->sock, &req, FD_NONE, &gone) < 0)
		fd_close(TAKE_FD(s->sock));
	if (s->sock < 0)
		s->sock = FD_NONE;
}

/* The monitor has told of an end; with a restart policy it may not be the last one. */
static void on_end(const struct rl *rl, struct shown *s)
{
	struct monitor_msg end = { 0 };
	struct rl_err gone;
	bool again = control_wait_end(s->sock, 0, &end, &gone) == 0 && end.exit.restarting;

	fd_close(TAKE_FD(s->sock));
	if (again)
		listen_to(rl, s);
}

static int open_one(struct rl *rl, const char *name, const struct log_view *v, bool follow,
		    struct shown *s, struct rl_err *err)
{
	int r = ctr_find(rl, name, &s->c, err);

	if (r < 0)
		return r;
	r = json_read_file(s->c.dir_fd, "state.json", STATE_MAX, &s->state, err);
	if (r == 0)
		r = log_source_open(&s->c, s->state, v, follow, &s->source, err);
	if (r < 0)
		return r;
	(void)snprintf(s->short_id, sizeof(s->short_id), "%s", s->c.id);
	if (s->source.view.name)
		s->source.view.name = *s->source.view.name ? s->short_id : s->c.name;
	return log_source_read(&s->source, err);
}

static void watch_log(int watch, const struct shown *s)
{
	char path[64];

	if (s->source.dir_fd >= 0)
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", s->source.dir_fd);
	if (s->source.dir_fd >= 0 || s->source.path)
		(void)inotify_add_watch(watch, s->source.path ? s->source.path : path,
					IN_MODIFY | IN_CREATE | IN_MOVED_TO);
}

/* What is new in one log. Return: 0 also when its container has ended, then with s->done. */
static int go_on(struct shown *s, struct rl_err *err)
{
	int r = log_source_read(&s->source, err);

	if (r < 0 || s->sock >= 0)
		return r;
	if (s->source.pipe_fd >= 0) { /* the journal writes behind the container's back */
		struct pollfd p = { .fd = s->source.pipe_fd, .events = POLLIN };

		(void)fflush(stdout);
		while (r == 0 && s->source.pipe_fd >= 0 && poll(&p, 1, JOURNAL_MS) > 0)
			r = log_source_read(&s->source, err);
	}
	s->done = true;
	return r;
}

static int wait_more(const struct rl *rl, int watch, struct shown *v, size_t n, int timeout_ms,
		     struct rl_err *err)
{
	auto_free struct pollfd *p = calloc(2 * n + 1, sizeof(*p));
	char waste[4096];

	if (!p)
		return rl_oom(err);
	for (size_t i = 0; i < n; i++) {
		p[2 * i] = (struct pollfd){ .fd = v[i].sock, .events = POLLIN };
		p[2 * i + 1] = (struct pollfd){ .fd = v[i].done ? FD_NONE : v[i].source.pipe_fd,
						.events = POLLIN };
	}
	p[2 * n] = (struct pollfd){ .fd = watch, .events = POLLIN };
	if (poll(p, 2 * n + 1, timeout_ms) < 0 && errno != EINTR)
		return rl_fail_sys(err, errno, "poll");
	while (read(watch, waste, sizeof(waste)) > 0)
		;
	for (size_t i = 0; i < n; i++)
		if (p[2 * i].revents)
			on_end(rl, &v[i]);
	return 0;
}

static int follow(const struct rl *rl, struct shown *v, size_t n, int64_t until_ns,
		  struct rl_err *err)
{
	auto_fd int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	const struct when_end end = when_end(until_ns);
	auto_waiting struct waiting w = { 0 };
	size_t left = n;
	int r = 0, timeout_ms = -1;

	if (watch < 0) {
		rl_fail_sys(err, errno, "follow the log: inotify");
		return rl_hint(err, "raise fs.inotify.max_user_instances (sysctl)");
	}
	for (size_t i = 0; i < n; i++) {
		watch_log(watch, &v[i]);
		listen_to(rl, &v[i]);
		/* what comes now is new, also when the clock is set back */
		if (v[i].source.view.since_ns <= wall_ns())
			v[i].source.view.since_ns = INT64_MIN;
	}
	waiting_begin(&w, "more output of %s%s, or %s end", n == 1 ? "container " : "containers",
		      n == 1 ? v[0].c.name : "", n == 1 ? "its" : "their");
	while (r == 0 && left > 0 && timeout_ms != 0) {
		timeout_ms = when_left_ms(&end); /* 0: what came before it, and the end */
		left = 0;
		for (size_t i = 0; r == 0 && i < n; i++) {
			if (!v[i].done)
				r = go_on(&v[i], err);
			left += !v[i].done;
		}
		(void)fflush(stdout);
		if (r == 0 && left > 0 && timeout_ms != 0)
			r = wait_more(rl, watch, v, n, timeout_ms, err);
	}
	return r;
}

/* Each log once, then all of them together. */
static int show(struct rl *rl, const struct logs_opts *o, struct log_view *view,
		const struct strv *names, struct rl_err *err)
{
	auto_free struct shown *v = calloc(names->n + 1, sizeof(*v));
	struct log_turn turn = { 0 };
	size_t n = 0;
	int status = 0, r = v ? 0 : rl_oom(err);

	view->turn = &turn;

	for (size_t i = 0; r >= 0 && i < names->n; i++) {
		struct rl_err why = { 0 };

		v[n] = (struct shown){
			.c = { .dir_fd = FD_NONE, .lock_fd = FD_NONE },
			.source = { .dir_fd = FD_NONE, .pipe_fd = FD_NONE, .pidfd = FD_NONE },
			.sock = FD_NONE
		};
		view->number = (unsigned)i;
		r = open_one(rl, names->v[i], view, o->follow, &v[n++], &why);
		if (r == 0 || r == -EPIPE)
			continue;
		v[n - 1].done = true;
		rl_wrap(&why, "logs '%s'", names->v[i]);
		cmd_report(rl, &why);
		status = why.exit_code ? why.exit_code : EXIT_RL;
		r = 0;
	}
	if (r == 0 && o->follow && n > 0)
		r = follow(rl, v, n, view->until_ns, err);
	for (size_t i = 0; i < n; i++) {
		log_source_close(&v[i].source);
		json_decref(v[i].state);
		fd_close(v[i].sock);
		ctr_done(&v[i].c);
	}
	return r == -EPIPE ? 0 : r < 0 ? r : status; /* the reader of our output went away */
}

static int logs(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	struct logs_opts o = *(const struct logs_opts *)opts;
	struct log_view view = { .timestamps = o.timestamps, .color = o.color };
	auto_strv struct strv words = { 0 }, names = { 0 };
	int r = apply_n(&o, &words, err);

	for (size_t i = 0; r == 0 && i < args->n; i++)
		r = strv_add(&words, args->v[i]) < 0 ? rl_oom(err) : 0;
	if (r == 0)
		r = get_time(o.since, INT64_MIN, &view.since_ns, err);
	if (r == 0)
		r = get_until(&o, &view.until_ns, err);
	if (r == 0)
		r = get_tail(o.tail, &view.tail, err);
	if (r == 0)
		r = select_containers(
			rl, "logs",
			&(const struct cmd_args){ .v = (const char *const *)words.v, .n = words.n },
			&o.which, SELECT_ANY, &names, err);
	view.name = o.names ? "" : names.n > 1 ? "id" : NULL; /* which one: see open_one() */
	if (view.until_ns <= wall_ns())
		o.follow = false; /* nothing that comes is shown */
	return r < 0 ? r : show(rl, &o, &view, &names, err);
}

const struct cmd cmd_logs = {
	.name = "logs",
	.args = "CONTAINER...",
	.summary = "Print what containers wrote",
	.about = "Prints what containers wrote to stdout and stderr, on stdout and "
		 "stderr. Several containers are printed one after the other, each line after "
		 "its container's id (or name, with -n); with -f "
		 "what comes then is printed as it comes. What the journal keeps "
		 "(--log-driver journald) is read back from there. -n means --tail when "
		 "a number follows, as in Docker, else --names, as in Podman.",
	.examples = {
		{ "rl logs --tail 20 -f web",
		  "The last 20 lines, and whatever comes." },
		{ "rl logs -t --since 10m web",
		  "What came in the last 10 minutes, with times." },
	},
	.options = logs_options,
	.opts_size = sizeof(struct logs_opts),
	.max_args = CMD_ANY,
	.run = logs,
};
