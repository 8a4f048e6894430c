/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor_policy.c - the rules by which a monitor stops, pauses and restarts its container
 *
 * Theory of operation: nothing here waits. Requests and signals set flags and points in time
 * (monotonic, so a clock that jumps changes nothing); the monitor's one poll loop wakes up at the
 * first of them. A stop or kill by the user ends the wish to restart; so does SIGTERM to the
 * monitor, with which systemd ends a session's scope at logout or shutdown: then the container gets
 * its stop signal and its grace time as in `rl stop`, and its end is recorded as ever.
 *
 * Pausing is the kernel's cgroup freezer and nothing else: SIGSTOP would be seen by the processes
 * and their parents, and any of them could send SIGCONT. run.json says that it is paused. A
 * frozen process gets SIGKILL but no other signal, so whoever wants it to end thaws it first.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/control.h"
#include "core/monitor_health.h"
#include "core/monitor_int.h"
#include "core/monitor_limits.h"
#include "core/monitor_serve.h"

void monitor_because(struct monitor *m, enum ctr_cause cause)
{
	if (m->cause == CTR_CAUSE_NONE)
		m->cause = cause;
}

int monitor_time_left(const struct monitor *m)
{
	const int64_t points[] = { m->timers.end_ms,     m->timers.kill_ms,   m->timers.check_ms,
				   m->timers.restart_ms, m->timers.memory_ms, m->timers.accept_ms };
	int64_t first = INT64_MAX, left;

	for (size_t i = 0; i < ARRAY_LEN(points); i++)
		if (points[i] > 0 && points[i] < first)
			first = points[i];
	if (first == INT64_MAX)
		return -1;
	left = first - now_ms();
	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

static bool is_due(int64_t *point)
{
	if (*point == 0 || now_ms() < *point)
		return false;
	*point = 0;
	return true;
}

void monitor_kill(const struct monitor *m)
{
	(void)proc_pidfd_signal(m->init.pidfd, SIGKILL); /* it may have ended just now */
}

void monitor_on_time(struct monitor *m)
{
	if (is_due(&m->timers.end_ms)) {
		m->timed_out = true;
		monitor_because(m, CTR_CAUSE_TIMEOUT);
		monitor_kill(m);
	}
	if (is_due(&m->timers.kill_ms))
		monitor_kill(m);
	if (is_due(&m->timers.check_ms))
		monitor_health_due(m);
	(void)is_due(&m->timers.accept_ms); /* monitor_serve_poll() looks at it */
	if (is_due(&m->timers.memory_ms))
		monitor_limits_look(m);
}

int monitor_next_start(struct monitor *m, int exit_code)
{
	static const struct restart_policy always = { .kind = RESTART_ALWAYS };
	const struct restart_policy *p = m->restart_wanted ? &always : &m->policy;
	bool again = m->again;

	m->again = m->restart_wanted = false;
	if (m->stopping)
		return -1;
	if (!again)
		return restart_next(&m->restart, p, exit_code, now_ms() - m->started_ms);
	m->restart = (struct restart_state){ 0 }; /* as after a start by the user */
	return 0;
}

bool monitor_pause_over(const struct monitor *m)
{
	return m->timers.restart_ms > 0 && (m->stopping || now_ms() >= m->timers.restart_ms);
}

static void thaw(struct monitor *m)
{
	struct rl_err err;

	if (m->paused && monitor_freeze(m, false, &err) < 0)
		log_debug("%s", err.msg); /* SIGKILL ends it all the same */
}

void monitor_stopping(struct monitor *m)
{
	m->stopping = m->by_user = true;
	monitor_because(m, CTR_CAUSE_USER);
	thaw(m);
}

/* Ctrl-C in a foreground container comes here as SIGINT. Others may mean anything to it. */
static bool means_stop(const struct monitor *m, int signo)
{
	return signo == SIGKILL || signo == SIGINT || signo == m->cfg->stop_signal;
}

int monitor_signal(struct monitor *m, int signo, struct rl_err *err)
{
	int r;

	if (signo < 1 || signo > 64)
		return rl_fail(err, EINVAL, "there is no signal %d", signo);
	if (means_stop(m, signo))
		monitor_stopping(m);
	if (m->timers.restart_ms > 0) /* between two runs, and not for long if it was to stop */
		return m->stopping ? 0 : rl_fail(err, ESRCH, "it waits to be started again");
	r = proc_pidfd_signal(m->init.pidfd, signo);
	return r < 0 ? rl_fail_sys(err, -r, "send signal %d", signo) : 0;
}

static void end_by(struct monitor *m, int signo, int64_t grace_s)
{
	thaw(m);
	(void)proc_pidfd_signal(m->init.pidfd, signo); /* or it has just ended */
	if (grace_s >= 0)
		m->timers.kill_ms = now_ms() + grace_s * 1000 + 1;
}

void monitor_end_softly(struct monitor *m)
{
	end_by(m, m->cfg->stop_signal, m->cfg->stop_timeout);
}

int monitor_again(struct monitor *m, int signo, int grace_s, struct rl_err *err)
{
	if (signo < 0 || signo > 64)
		return rl_fail(err, EINVAL, "there is no signal %d", signo);
	if (m->stopping)
		return rl_fail(err, EBUSY, "it is being stopped");
	if (m->timers.restart_ms > 0) {
		m->restart = (struct restart_state){ 0 };
		m->timers.restart_ms = now_ms();
		return 0;
	}
	m->again = m->by_user = true;
	monitor_because(m, CTR_CAUSE_USER);
	end_by(m, signo ? signo : m->cfg->stop_signal, grace_s);
	return 0;
}

void monitor_on_signal(struct monitor *m)
{
	struct signalfd_siginfo si;
	struct rl_err err;

	if (read(m->sig_fd, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo == CONTROL_SIGNAL && monitor_listen_here(m, &err) < 0)
		log_debug("%s", err.msg);
	if (si.ssi_signo == CONTROL_SIGNAL || m->stopping)
		return;
	m->stopping = true;
	monitor_because(m, CTR_CAUSE_SHUTDOWN);
	if (m->timers.restart_ms == 0)
		monitor_end_softly(m);
}

int monitor_freeze(struct monitor *m, bool frozen, struct rl_err *err)
{
	auto_fd int fd = FD_NONE;
	int r;

	if (m->timers.restart_ms > 0)
		return rl_fail(err, ESRCH, "it waits to be started again");
	if (m->cgroup.dir_fd < 0) {
		rl_fail(err, ENOTSUP, "it has no cgroup of its own to be frozen in");
		return rl_hint(
			err, "what was started in the background gets one (in the foreground: with "
			     "--pids-limit 2048) in a systemd user session or a delegated cgroup "
			     "of version 2");
	}
	if (m->paused == frozen)
		return rl_fail(err, EALREADY, "it is %s", frozen ? "paused already" : "not paused");
	fd = openat(m->cgroup.dir_fd, "cgroup.freeze", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return rl_fail_sys(err, errno, "open 'cgroup.freeze'");
	r = io_write_all(fd, frozen ? "1" : "0", 1);
	if (r < 0)
		return rl_fail_sys(err, -r, "write 'cgroup.freeze'");
	m->paused = frozen;
	monitor_event(m, frozen ? "pause" : "unpause", NULL);
	return monitor_write_run(m, err);
}

int monitor_set_policy(struct monitor *m, int kind, int max, struct rl_err *err)
{
	if (kind < RESTART_NO || kind > RESTART_UNLESS_STOPPED || max < 0)
		return rl_fail(err, EINVAL, "there is no restart policy %d", kind);
	m->policy = (struct restart_policy){ (enum restart_kind)kind, (unsigned)max };
	if (kind == RESTART_NO && m->timers.restart_ms > 0)
		m->stopping = true;
	return 0;
}

int monitor_write_run(const struct monitor *m, struct rl_err *err)
{
	const struct ctr_run run = {
		.pid = m->init.pid,
		.started_ns = m->started_ns,
		.cgroup = m->cgroup.path,
		.restarts = m->restart.count,
		.paused = m->paused,
		.network = m->net_note[0] ? m->net_note : NULL,
		.network_down = m->net_down,
	};

	return ctr_write_run(m->cfg->ctr, &run, err);
}
