/* SPDX-License-Identifier: Apache-2.0 */
/*
 * life_stop.c - engine: ending containers, politely first, and ending them to be started again
 *
 * Theory of operation: the monitor is told first that the end is wanted, so that no restart policy
 * applies, then it sends the stop signal; after the grace time SIGKILL. For several containers all
 * the signals are sent before the first of them is waited for. A container with --rm may be gone, record and
 * all, when its turn comes: what its `stop` event says is kept from the beginning.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "cmd/engine/life_int.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/waiting.h"
#include "core/events.h"

#define STATE_MAX      (8U << 20)
#define SETTLE_LOOK_MS 50

/* Which signal and how long, from state.json */
static void own_stop(const struct ctr *c, int *signo, int64_t *timeout_s)
{
	json_auto_t *j = NULL;
	struct rl_err ignored;
	int64_t sig = 0, t = 10;

	if (json_read_file(c->dir_fd, "state.json", STATE_MAX, &j, &ignored) == 0) {
		sig = json_integer_value(json_object_get(j, "stop_signal"));
		t = json_integer_value(json_object_get(j, "stop_timeout"));
	}
	if (*signo == 0)
		*signo = sig > 0 && sig < 65 ? (int)sig : SIGTERM;
	if (*timeout_s == LIFE_TIMEOUT_OWN)
		*timeout_s = t;
}

/* "D (wchan)" of a process that SIGKILL does not end */
int life_stuck(const struct ctr *c, pid_t pid, struct rl_err *err)
{
	auto_buf struct buf wchan = { 0 };
	char path[64];
	struct rl_err ignored;

	(void)snprintf(path, sizeof(path), "/proc/%d/wchan", (int)pid);
	RL_IGNORE(io_read_file(AT_FDCWD, path, 256, &wchan, &ignored)); /* only for the message */
	rl_fail(err, ETIMEDOUT, "'%s' does not end: process %d is stuck in the kernel (%s)",
		c->name, (int)pid, wchan.data ? wchan.data : "unknown place");
	return rl_hint(err,
		       "it ends when the kernel lets it go, often a hung file system or device");
}

/* Its monitor knows that it shall not be started again. -EAGAIN when it had just been. */
static int stop_restarting(const struct rl *rl, struct ctr *c, struct rl_err *err)
{
	int64_t end = now_ms() + LIFE_KILL_MS;
	auto_waiting struct waiting w = { 0 };
	struct ctr_state s;
	int r;

	waiting_begin(&w, "the monitor of '%s' to give up its restarts", c->name);
	for (;;) {
		r = life_state(rl, c, &s, err);
		if (r < 0 || s.status != CTR_RESTARTING)
			return r < 0 ? r : ctr_is_alive(&s) ? -EAGAIN : 0;
		if (now_ms() >= end)
			return rl_fail(err, ETIMEDOUT, "the monitor of '%s' does not stop",
				       c->name);
		life_pass_time(c, &s, SETTLE_LOOK_MS);
	}
}

static bool still_lives(const struct rl *rl, struct ctr *c)
{
	struct ctr_state s;
	struct rl_err ignored;

	return life_state(rl, c, &s, &ignored) == 0 && ctr_is_alive(&s);
}

/* Whether the kernel drops @signo: it does for the first process, unless that handles or blocks it. */
static bool is_dropped(pid_t pid, int signo)
{
	static const char *const sets[] = { "\nSigBlk:\t", "\nSigCgt:\t" };
	auto_buf struct buf status = { 0 };
	char path[64];
	struct rl_err ignored;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (pid <= 0 || signo == SIGKILL ||
	    io_read_file(AT_FDCWD, path, 65536, &status, &ignored) < 0)
		return false;
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) { /* 16 hexadecimal digits each */
		const char *at = strstr(status.data, sets[i]);
		int digit = !at ? 'f' : at[strlen(sets[i]) + 15 - (size_t)(signo - 1) / 4];

		if ((digit <= '9' ? digit - '0' : digit - 'a' + 10) >> ((signo - 1) % 4) & 1)
			return false;
	}
	return true;
}

/* The signal, and its effect on the grace time. */
static int send_stop(const struct rl *rl, struct ctr *c, const struct ctr_state *s, bool force,
		     int *signo, struct rl_err *err)
{
	const struct monitor_msg stopping = { .type = MONITOR_STOPPING };
	int r = life_ask(rl, c, &stopping, err);

	if (r == 0 && force && is_dropped(s->pid, *signo))
		*signo = SIGKILL;
	return r == 0 ? life_send(rl, c, *signo, err) : r;
}

static int64_t grace_ms(int64_t timeout_s)
{
	return timeout_s < 0 ? -1 : timeout_s > INT32_MAX / 1000 ? INT32_MAX : timeout_s * 1000;
}

/* One that has its signal; of @c only what an event needs. */
struct life_begun {
	struct ctr c;
	char *given;
};

static const struct ctr *find_begun(const struct life_grace *g, const char *id, const char *given)
{
	for (size_t i = 0; i < g->n_begun; i++)
		if ((id && strcmp(g->begun[i].c.id, id) == 0) ||
		    (given && strcmp(g->begun[i].given, given) == 0))
			return &g->begun[i].c;
	return NULL;
}

/* Takes what is in @c. */
static int add_begun(struct life_grace *g, struct ctr *c, const char *given)
{
	struct life_begun *v = reallocarray(g->begun, g->n_begun + 1, sizeof(*v));
	char *copy = strdup(given);

	if (v)
		g->begun = v;
	if (!v || !copy) {
		free(copy);
		return -ENOMEM;
	}
	/* there may be more of them than descriptors */
	fd_close(TAKE_FD(c->dir_fd));
	fd_close(TAKE_FD(c->lock_fd));
	v[g->n_begun++] = (struct life_begun){ *c, copy };
	*c = (struct ctr){ .dir_fd = FD_NONE, .lock_fd = FD_NONE };
	return 0;
}

void life_grace_done(struct life_grace *g)
{
	for (size_t i = 0; i < g->n_begun; i++) {
		ctr_done(&g->begun[i].c);
		free(g->begun[i].given);
	}
	free(g->begun);
	g->begun = NULL;
	g->n_begun = 0;
}

bool life_has_gone(const struct rl *rl, const char *name, const struct life_grace *g)
{
	const struct ctr *c = find_begun(g, NULL, name);

	if (c)
		events_ctr(rl, c, "stop", NULL);
	return c != NULL;
}

void life_begin(const struct rl *rl, const struct strv *names, bool force, struct life_grace *g)
{
	struct rl_err ignored;
	struct ctr_state s;
	struct ctr c;

	for (size_t i = 0; names->n > 1 && i < names->n; i++) {
		int64_t timeout_s = g->timeout_s;
		int signo = g->signo;

		if (ctr_find(rl, names->v[i], &c, &ignored) < 0)
			continue;
		own_stop(&c, &signo, &timeout_s);
		if (!find_begun(g, c.id, NULL) && life_state(rl, &c, &s, &ignored) == 0 &&
		    s.status == CTR_RUNNING &&
		    (!force || timeout_s != 0) && /* then it is SIGKILL, later */
		    send_stop(rl, &c, &s, force, &signo, &ignored) == 0 &&
		    add_begun(g, &c, names->v[i]) < 0)
			log_debug("out of memory: '%s' gets the signal twice", c.name);
		ctr_done(&c);
	}
	g->begun_ms = now_ms();
}

/* By its record, not by the order of the times: the clock may have been set back meanwhile. */
static bool is_next_run(const struct ctr_state *s, const struct ctr_state *before)
{
	if (s->status != CTR_RUNNING || s->pid == 0)
		return false;
	if (before->pid == 0) /* it had just begun, there was no record yet */
		return s->started_ns > before->started_ns;
	return s->pid != before->pid || s->started_ns != before->started_ns;
}

/* After the signal: until the end, or SIGKILL when the time is over. */
static int wait_or_kill(const struct rl *rl, struct ctr *c, const struct ctr_state *s, int signo,
			int64_t ms, int64_t timeout_s, struct rl_err *err)
{
	struct ctr_exit end;
	struct ctr_state now;
	struct rl_err ignored;
	int r = life_wait(rl, c, signo == SIGKILL ? LIFE_KILL_MS : (int)ms, &end, err);

	if (r != -ETIMEDOUT)
		return r;
	if (signo != SIGKILL) {     /* once more would change nothing */
		if (timeout_s != 0) /* else it is what was asked for */
			log_warn("'%s' still runs %lld s after signal %d%s, killing it", c->name,
				 (long long)timeout_s, signo,
				 is_dropped(s->pid, signo)
					 ? ", which it does not handle (run --init would)"
					 : "");
		r = life_send(rl, c, SIGKILL, err);
		if (r == 0)
			r = life_wait(rl, c, LIFE_KILL_MS, &end, err);
	}
	if (r == -ETIMEDOUT && life_state(rl, c, &now, &ignored) == 0 && is_next_run(&now, s))
		return 0; /* it has ended, and somebody else has started it again */
	return r == -ETIMEDOUT ? life_stuck(c, s->pid, err) : r;
}

int life_end(const struct rl *rl, struct ctr *c, const struct life_grace *g, bool force,
	     struct rl_err *err)
{
	const struct monitor_msg stopping = { .type = MONITOR_STOPPING };
	int64_t timeout_s = g->timeout_s, ms;
	int signo = g->signo;
	struct ctr_state s;
	bool has_signal;
	int r = life_get_state(rl, c, LIFE_KILL_MS, &s, err);

	if (r == -ETIMEDOUT)
		return life_stuck(c, s.pid, err);
	if (r < 0)
		return r;
	if (!ctr_is_alive(&s)) {
		if (find_begun(g, c->id, NULL))
			events_ctr(rl, c, "stop", NULL);
		return 0;
	}
	own_stop(c, &signo, &timeout_s);
	ms = grace_ms(timeout_s);
	if (s.status == CTR_RESTARTING) {
		r = life_ask(rl, c, &stopping, err);
		if (r == 0)
			r = stop_restarting(rl, c, err);
		if (r == 0)
			events_ctr(rl, c, "stop", NULL);
		if (r != -EAGAIN) /* it may have ended by itself meanwhile */
			return r < 0 && !still_lives(rl, c) ? 0 : r;
	}
	if (force && timeout_s == 0)
		signo = SIGKILL;
	if (!find_begun(g, c->id, NULL)) {
		r = send_stop(rl, c, &s, force, &signo, err);
	} else {
		r = 0;
		ms = ms < 0 ? ms : MAX(ms - (now_ms() - g->begun_ms), 0);
	}
	has_signal = r == 0;
	if (r == 0)
		r = wait_or_kill(rl, c, &s, signo, ms, timeout_s, err);
	if (r < 0 && still_lives(rl, c))
		return r;
	if (has_signal) /* else it ended by itself between two steps */
		events_ctr(rl, c, "stop", NULL);
	return 0;
}

int life_stop(const struct rl *rl, struct ctr *c, const struct life_grace *g, struct rl_err *err)
{
	return life_end(rl, c, g, false, err);
}

int life_restart(const struct rl *rl, struct ctr *c, int signo, int64_t timeout_s,
		 struct rl_err *err)
{
	struct monitor_msg req = { .type = MONITOR_AGAIN };
	auto_waiting struct waiting w = { 0 };
	struct ctr_state s, before;
	int64_t end;
	int r = life_state(rl, c, &s, err);

	if (r < 0)
		return r;
	own_stop(c, &signo, &timeout_s);
	before = s;
	req.signal = signo;
	req.code = timeout_s > INT32_MAX ? INT32_MAX : (int32_t)timeout_s;
	r = life_ask(rl, c, &req, err);
	end = now_ms() + timeout_s * 1000 + LIFE_KILL_MS;
	waiting_begin(&w, "container '%s' to end, and its monitor (process %d) to start it again",
		      c->name, (int)s.monitor);
	while (r == 0) {
		r = life_state(rl, c, &s, err);
		if (r == 0 && is_next_run(&s, &before))
			return 0;
		if (r == 0 && !ctr_is_alive(&s))
			return rl_fail(err, ESRCH, "'%s' was stopped meanwhile", c->name);
		if (r == 0 && timeout_s >= 0 && now_ms() >= end)
			return life_stuck(c, s.pid, err);
		life_pass_time(c, &s, 5);
	}
	return r;
}
