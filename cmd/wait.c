/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait.c - `rl wait`: block until containers are in some condition, print one exit code a line
 *
 * Theory of operation: for the end of a container its monitor is asked to tell it (life_wait()).
 * Other conditions, --exit-first-match and several containers are looked at again whenever the log of
 * events grows, which each change of a state does (and now and then, should that be lost), or when a
 * monitor tells an end or leaves without a word. All are opened before the first is waited for: what
 * --rm removes meanwhile keeps its code.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/engine/life.h"
#include "cmd/ps_filter.h"
#include "cmd/select.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/parse.h"
#include "core/base/proc.h"
#include "core/base/waiting.h"
#include "core/control.h"
#include "core/events_tail.h"

#define LOOK_MS 2000  /* should an event be lost: a full disk takes none */
#define TOLD_MS 10000 /* unless its monitor was stopped in between */

struct wait_opts {
	struct select_opts which;
	struct strv condition;
	const char *interval;
	bool first_match;
};

static const struct opt wait_options[] = {
	OPT_STRINGS(0, "condition", struct wait_opts, condition, "STATE",
		    "created, running, paused, exited, removed, healthy, unhealthy, not-running, "
		    "next-exit"),
	OPT_BOOL(0, "exit-first-match", struct wait_opts, first_match,
		 "do not wait for the others when one is there"),
	OPT_BOOL(0, "ignore", struct wait_opts, which.ignore,
		 "an unknown container counts as ended, -1"),
	OPT_STR('i', "interval", struct wait_opts, interval, "TIME",
		"how often to look; taken and checked only: the end is told at once"),
	SELECT_LATEST(struct wait_opts, which),
	OPT_END,
};

/* One container that is waited for. */
struct waited {
	struct ctr c;
	int sock;             /* to its monitor; hangs up at the end, whatever the end is */
	int64_t before_ns;    /* its last end when we came, 0: none */
	bool has_ended;       /* its monitor has told it, with the code */
	bool done, is_silent; /* @is_silent: unknown, and that was told */
	int code;
};

static int print_code(int code)
{
	(void)printf("%d\n", code);
	(void)fflush(stdout); /* the next one may take long */
	return 0;
}

static int bad_condition(const char *word, struct rl_err *err)
{
	rl_fail(err, EINVAL, "invalid value '%s' for '--condition'", word);
	return rl_hint(
		err,
		"created, exited, healthy, next-exit, not-running, paused, removed, running or "
		"unhealthy");
}

static int check_conditions(const struct strv *l, struct rl_err *err)
{
	static const char *const known[] = { "configured",  "created",   "exited",      "healthy",
					     "initialized", "next-exit", "not-running", "paused",
					     "removed",     "removing",  "running",     "stopped",
					     "stopping",    "unhealthy" };

	for (size_t i = 0; i < l->n; i++) {
		size_t k = 0;

		while (k < ARRAY_LEN(known) && strcmp(known[k], l->v[i]) != 0)
			k++;
		if (k == ARRAY_LEN(known))
			return bad_condition(l->v[i], err);
	}
	return 0;
}

/* The end, and nothing else: no condition, or one that means it. */
static bool is_for_end(const struct strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], "exited") != 0 && strcmp(l->v[i], "stopped") != 0)
			return false;
	return true;
}

static int64_t last_end(const struct waited *w)
{
	struct rl_err ignored;
	struct ctr_state s;

	return w->c.dir && ctr_get_state(&w->c, &s, &ignored) == 0 ? s.exit.finished_ns : 0;
}

static bool is_met(const struct waited *w, const char *condition, const char *state,
		   const char *health)
{
	bool is_over = strcmp(state, "exited") == 0 || strcmp(state, "restarting") == 0;

	if (strcmp(condition, "exited") == 0 || strcmp(condition, "stopped") == 0)
		return w->has_ended || is_over;
	if (strcmp(condition, "next-exit") == 0)
		return w->has_ended || (is_over && last_end(w) != w->before_ns);
	if (strcmp(condition, "not-running") == 0)
		return w->has_ended || strcmp(state, "exited") == 0 ||
		       strcmp(state, "created") == 0;
	if (strcmp(condition, "configured") == 0 || strcmp(condition, "initialized") == 0)
		condition = "created"; /* there is no state in between here */
	if (strcmp(condition, "healthy") == 0 || strcmp(condition, "unhealthy") == 0)
		return strcmp(condition, health) == 0;
	return strcmp(condition, state) == 0;
}

static const char *str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

/* Its monitor has told the end, or left, or is just about to. */
static void hear(struct waited *w, int timeout_ms)
{
	struct monitor_msg end;
	struct rl_err gone;

	if (control_wait_end(w->sock, timeout_ms, &end, &gone) == 0) {
		w->code = end.exit.code;
		w->has_ended = true;
	}
	fd_close(TAKE_FD(w->sock));
}

/* Look at one container; a removed one has ended in every sense. */
static void look(struct rl *rl, const struct wait_opts *o, struct waited *w)
{
	static char *exited[] = { (char *)(uintptr_t) "exited" };
	const struct strv end = { exited, 1 }, *l = o->condition.n ? &o->condition : &end;
	json_auto_t *row = ps_row(rl, w->c.id);
	const char *state;

	if (!row) {
		if (w->sock >= 0) /* with --rm it is out of sight before it is told */
			hear(w, TOLD_MS);
		w->done = true;
		return;
	}
	state = str(row, "State");
	for (size_t i = 0; i < l->n && !w->done; i++)
		w->done = is_met(w, l->v[i], state, str(row, "Health"));
	if (!w->done && is_for_end(l) && strcmp(state, "created") == 0) { /* as one alone */
		w->done = true;
		w->code = 0;
	}
	if (w->done && !w->has_ended &&
	    (strcmp(state, "exited") == 0 || strcmp(state, "restarting") == 0))
		w->code = (int)json_integer_value(json_object_get(row, "ExitCode"));
}

static void listen_to(const struct rl *rl, struct waited *w)
{
	const struct monitor_msg req = { .type = MONITOR_WAIT };
	struct rl_err gone;

	w->sock = control_connect(rl, w->c.id, &gone);
	if (w->sock >= 0 && control_call(w->sock, &req, FD_NONE, &gone) < 0)
		fd_close(TAKE_FD(w->sock));
	if (w->sock < 0)
		w->sock = FD_NONE;
}

/* Until an event, or until a monitor has something to say. */
static int wait_change(struct events_tail *t, struct waited *v, size_t n, struct rl_err *err)
{
	auto_free struct pollfd *p = calloc(n + 1, sizeof(*p));
	int r;

	if (!p)
		return rl_oom(err);
	for (size_t i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = v[i].sock, .events = POLLIN };
	p[n] = (struct pollfd){ .fd = t->watch, .events = POLLIN };
	if (poll(p, n + 1, LOOK_MS) < 0 && errno != EINTR)
		return rl_fail_sys(err, errno, "poll");
	for (size_t i = 0; i < n; i++)
		if (p[i].revents)
			hear(&v[i], 0);
	r = events_tail_wait(t, 0, err); /* takes what the watch has */
	return r == -ETIMEDOUT ? 0 : r;
}

static int wait_conditions(struct rl *rl, const struct wait_opts *o, struct waited *v, size_t n,
			   struct rl_err *err)
{
	auto_waiting struct waiting w = { 0 };
	struct events_tail t;
	size_t shown = 0;
	int r = events_tail_open(rl, true, &t, err);

	if (r < 0)
		return r;
	waiting_begin(&w, "%zu container%s to be in the condition", n, n == 1 ? "" : "s");
	while (r == 0) {
		bool any = false;

		for (size_t i = 0; i < n; i++) {
			if (!v[i].done && v[i].c.dir && v[i].sock < 0)
				listen_to(rl, &v[i]);
			if (!v[i].done)
				look(rl, o, &v[i]);
			any |= v[i].done && !v[i].is_silent;
		}
		if (o->first_match && any)
			break;
		for (; shown < n && v[shown].done; shown++)
			if (!v[shown].is_silent)
				r = print_code(v[shown].code);
		if (shown == n)
			break;
		r = wait_change(&t, v, n, err);
	}
	for (size_t i = 0; r == 0 && i < n && o->first_match; i++)
		if (v[i].done && !v[i].is_silent) {
			r = print_code(v[i].code);
			break;
		}
	events_tail_close(&t);
	return r;
}

/* The usual case: the end of each, in the order of the names. */
static int wait_end(struct rl *rl, const char *name, const void *opts, struct rl_err *err)
{
	const struct wait_opts *o = opts;
	struct ctr_exit end = { .code = -1 };
	struct ctr c;
	int r = ctr_find(rl, name, &c, err);

	if (r == -ENOENT && o->which.ignore)
		return print_code(-1);
	if (r < 0)
		return r;
	r = life_wait(rl, &c, -1, &end, err);
	ctr_done(&c);
	return r < 0 ? r : print_code(end.code);
}

static int open_one(struct rl *rl, const struct wait_opts *o, const char *name, struct waited *w)
{
	struct rl_err err = { 0 };
	int r;

	*w = (struct waited){ .sock = FD_NONE, .code = -1 };
	r = ctr_find(rl, name, &w->c, &err);
	if (r < 0) {
		w->c = (struct ctr){ .dir_fd = FD_NONE, .lock_fd = FD_NONE };
		w->done = true;
		w->is_silent = r != -ENOENT || !o->which.ignore;
		if (!w->is_silent)
			return 0;
		rl_wrap(&err, "wait '%s'", name);
		cmd_report(rl, &err);
		return r;
	}
	w->before_ns = last_end(w);
	if (is_for_end(&o->condition)) { /* there may be more of them than descriptors */
		fd_close(TAKE_FD(w->c.dir_fd));
		fd_close(TAKE_FD(w->c.lock_fd));
	}
	return 0;
}

static int wait_run(struct rl *rl, const struct cmd_args *args, const void *opts,
		    struct rl_err *err)
{
	const struct wait_opts *o = opts;
	auto_strv struct strv names = { 0 };
	auto_free struct waited *v = NULL;
	int status = 0, r = check_conditions(&o->condition, err);
	int64_t ms;

	if (r < 0)
		return r;
	if (o->interval && parse_duration_ms(o->interval, &ms) < 0)
		return rl_fail(err, EINVAL, "'--interval %s' is no time such as 250ms or 1s",
			       o->interval);
	if (is_for_end(&o->condition) && !o->first_match && args->n <= 1)
		return select_run(rl, "wait", args, &o->which, SELECT_ANY, wait_end, o, err);
	r = select_containers(rl, "wait", args, &o->which, SELECT_ANY, &names, err);
	v = calloc(names.n + 1, sizeof(*v));
	if (r == 0 && !v)
		r = rl_oom(err);
	for (size_t i = 0; v && i < names.n; i++)
		if (open_one(rl, o, names.v[i], &v[i]) < 0)
			status = EXIT_RL;
	if (r == 0)
		r = wait_conditions(rl, o, v, names.n, err);
	for (size_t i = 0; v && i < names.n; i++) {
		fd_close(v[i].sock);
		ctr_done(&v[i].c);
	}
	return r < 0 ? r : status;
}

const struct cmd cmd_wait = {
	.name = "wait",
	.args = "CONTAINER...",
	.summary = "Wait until containers have ended and print their exit codes",
	.about = "Waits until each container has ended and prints its exit code, one a "
		 "line, in the order of the names. One that has ended already counts. With "
		 "--condition it waits until the container is in one of these states; the "
		 "code is -1 if that is not its end.",
	.examples = {
		{ "rl wait web",
		  "Wait for 'web' and print its exit code." },
		{ "rl wait --ignore a b",
		  "Wait for two; one that is unknown prints -1." },
		{ "rl wait --condition=healthy db",
		  "Wait until its health check says so." },
	},
	.options = wait_options,
	.opts_size = sizeof(struct wait_opts),
	.max_args = CMD_ANY,
	.run = wait_run,
};
