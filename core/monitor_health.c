/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor_health.c - a monitor's health checks
 *
 * Theory of operation: one timer and at most one check at a time, which core/exec.h runs and ends
 * at its time-out; the monitor only polls. A result goes through core/health.h, into health.json,
 * to whoever asked for a check, and into the log of events when the status changed; at
 * the turn to unhealthy --health-on-failure is done. The bytes that a check printed are kept as
 * they are, bounded, and looked at by nobody here. While the container is paused no check runs;
 * each run of a restarted container starts anew.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/monitor_health.h"
#include "core/monitor_int.h"
#include "core/monitor_serve.h"

static bool has_check(const struct monitor *m)
{
	return m->cfg->health && m->cfg->health->test.n > 0;
}

static void write_down(const struct monitor *m)
{
	struct rl_err err;

	if (health_write(&m->health.h, m->cfg->ctr->dir_fd, &err) < 0)
		log_debug("%s", err.msg); /* full disk: the next result tries again */
}

static void set_timer(struct monitor *m)
{
	int64_t now = now_ms(), wait;

	wait = health_next(&m->health.h, m->cfg->health, now - m->started_ms);
	m->timers.check_ms = wait < 0 ? 0 : now + wait;
}

void monitor_health_start(struct monitor *m)
{
	if (!has_check(m))
		return;
	m->health.h = (struct health){ .status = HEALTH_STARTING };
	m->health.is_stale = m->health.e.fd >= 0;
	write_down(m);
	set_timer(m);
}

void monitor_health_changed(struct monitor *m)
{
	m->timers.check_ms = 0;
	m->health.h = (struct health){ .status = HEALTH_STARTING };
	m->health.is_stale = m->health.e.fd >= 0;            /* also where there is none to begin */
	(void)unlinkat(m->cfg->ctr->dir_fd, HEALTH_FILE, 0); /* it may have had none */
	if (m->init.pidfd >= 0) /* between two runs the next one begins it */
		monitor_health_start(m);
}

/* The command with its shell, if it wants one. */
static int begin(struct monitor *m, struct rl_err *err)
{
	const struct exec_place place = monitor_place(m);
	const struct health_conf *c = m->cfg->health;
	bool is_startup = health_is_startup(&m->health.h, c);
	const struct strv *test = is_startup ? &c->startup.test : &c->test;
	int64_t limit = is_startup ? c->startup.timeout_ms : c->timeout_ms;
	auto_free const char **argv = calloc(test->n + 3, sizeof(*argv));
	bool is_shell = strcmp(test->v[0], "CMD-SHELL") == 0;
	size_t n = 0;

	if (!argv)
		return rl_oom(err);
	if (is_shell) {
		argv[n++] = "/bin/sh";
		argv[n++] = "-c";
	}
	for (size_t i = 1; i < test->n && (!is_shell || i == 1); i++)
		argv[n++] = test->v[i];

	const struct exec_check check = {
		.argv = argv,
		.timeout_ms = (int)(limit > INT32_MAX ? INT32_MAX : limit),
	};

	m->timers.check_ms = 0;
	m->health.is_stale = false;
	m->health.began_ns = wall_ns();
	return exec_check(&place, &check, &m->health.e, err);
}

static void act(struct monitor *m)
{
	if (m->cfg->health->on_failure != HEALTH_DO_NOTHING)
		monitor_because(m, CTR_CAUSE_HEALTH);
	switch (m->cfg->health->on_failure) {
	case HEALTH_DO_NOTHING:
		break;
	case HEALTH_DO_KILL: /* as if it had crashed: the restart policy applies */
		monitor_kill(m);
		break;
	case HEALTH_DO_RESTART:
		m->restart_wanted = true;
		monitor_end_softly(m);
		break;
	case HEALTH_DO_STOP:
		m->stopping = true;
		monitor_end_softly(m);
		break;
	}
}

static void take(struct monitor *m, const struct health_result *r)
{
	bool changed = health_add(&m->health.h, m->cfg->health, r, now_ms() - m->started_ms);

	write_down(m);
	monitor_serve_checked(m, r->code);
	set_timer(m);
	if (health_startup_failed(&m->health.h, m->cfg->health) && !m->stopping &&
	    !m->restart_wanted) {
		monitor_because(m, CTR_CAUSE_HEALTH);
		m->restart_wanted = true;
		monitor_end_softly(m);
	}
	if (!changed)
		return;
	monitor_event(m, "health_status", NULL);
	if (m->health.h.status == HEALTH_UNHEALTHY && !m->stopping)
		act(m);
}

static void take_failure(struct monitor *m, const char *why)
{
	struct health_result r = { .start_ns = m->health.began_ns, .end_ns = wall_ns(), .code = 1 };
	size_t n = strnlen(why, sizeof(r.output));

	memcpy(r.output, why, n);
	r.len = (uint32_t)n;
	take(m, &r);
}

void monitor_health_due(struct monitor *m)
{
	struct rl_err err = { 0 };

	if (m->health.e.fd >= 0)
		return; /* the one of the last run still ends; its end sets the timer again */
	if (m->paused)
		set_timer(m);
	else if (begin(m, &err) < 0)
		take_failure(m, err.msg);
}

void monitor_health_done(struct monitor *m)
{
	struct health_result r = { .start_ns = m->health.began_ns, .end_ns = wall_ns() };
	struct exec_result res;

	if (exec_end(&m->health.e, &res) < 0)
		return;
	if (res.timed_out) /* its children would pile up, one set a check */
		proc_kill_session(res.pid, m->init.pid);
	if (m->health.is_stale || m->timers.restart_ms > 0) {
		if (!has_check(m))
			monitor_serve_checked(m, res.code); /* no other will come */
		else if (m->timers.restart_ms == 0)
			set_timer(m);
		return;
	}
	if (res.timed_out) {
		take_failure(m, "the check was killed at its time-out\n");
		return;
	}
	r.code = res.code;
	r.len = res.output_len;
	memcpy(r.output, res.output, sizeof(r.output));
	take(m, &r);
}

int monitor_health_ask(struct monitor *m, struct rl_err *err)
{
	if (!has_check(m))
		return rl_fail(err, ENOENT, "it has no health check");
	if (m->timers.restart_ms > 0)
		return rl_fail(err, ESRCH, "it is not running");
	if (m->paused)
		return rl_fail(err, EBUSY, "it is paused");
	return m->health.e.fd >= 0 ? 0 : begin(m, err);
}
