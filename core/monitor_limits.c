/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor_limits.c - limits of a container: its cgroup, or what comes near it; the header is the manual
 *
 * Theory of operation: cgroup_place() says which limits are lost and why. Each of those is tried
 * without cgroups, before the payload's first instruction; --memory is watched from then on by a
 * timer of the monitor's poll loop. Where the kernel keeps that limit, memory.events wakes the loop
 * when the group is full: whoever has the most then is remembered, for the record of an end that
 * may follow at once.
 */
#include "config.h"

#include "core/monitor_limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/cgroup_fs.h"

#define FIRST_LOOK_MS 10
#define PRESSED_MS    200 /* memory.events is left alone for so long after it has spoken */

/* --- the place ------------------------------------------------------------------------------- */

/*
 * Limits need one. What runs in the background has one too where it can be had and stays, with the
 * default limit of processes: pause, stats and a sure end work by it. A foreground container is
 * spared the talk with systemd.
 */
static bool wants_cgroup(const struct monitor *m)
{
	if (m->limits.mode == CGROUP_MODE_DISABLED)
		return false;
	return m->cfg->limit_flags->n > 0 || (m->cfg->detached && cgroup_outlives_login());
}

int monitor_limits_request(struct monitor *m, struct rl_err *err)
{
	auto_free char *what = NULL;

	if (!wants_cgroup(m))
		return 0;
	what = str_printf("rl container %s", m->cfg->ctr->name);
	if (!what)
		return rl_oom(err);
	return cgroup_request(m->cfg->ctr->id, what, &m->limits, getpid(), m->init.pid, &m->cgroup,
			      err);
}

/* "--memory: why" is only news when the user asked for --memory. */
static bool was_asked(const struct monitor *m, const char *line)
{
	size_t n = strcspn(line, ":");

	for (size_t i = 0; i < m->cfg->limit_flags->n; i++) {
		const char *asked = m->cfg->limit_flags->v[i];

		if (strncmp(asked, line, n) == 0 && asked[n] == ' ')
			return true;
		/* the other way to say the same */
		if (strncmp(line, "--cpus:", 7) == 0 && strncmp(asked, "--cpu-quota ", 12) == 0)
			return true;
	}
	return false;
}

/* The default: as good as it can be had, without a word. */
static void limit_quietly(struct monitor *m)
{
	struct rl_err err;

	if (m->limits.pids_max > 0 &&
	    approx_pids(&m->approx, m->limits.pids_max, m->init.pid, &err) < 0)
		log_debug("%s", err.msg);
}

/* Another way for the limit that @line is about; @how says which. -ENOTSUP: there is none. */
static int approximate(struct monitor *m, const char *line, char how[APPROX_TEXT],
		       struct rl_err *err)
{
	int r = 0;

	if (!approx_can(line))
		return rl_fail(err, ENOTSUP, "there is no other way");
	if (strncmp(line, "--cpu", 5) == 0)
		return approx_cpus(&m->approx, &m->limits, m->init.pid, how, err);
	if (strncmp(line, "--pids-limit", 12) == 0) {
		(void)snprintf(how, APPROX_TEXT, "so many for each user in it (RLIMIT_NPROC)");
		return approx_pids(&m->approx, m->limits.pids_max, m->init.pid, err);
	}
	m->approx.memory = true;
	m->memwatch.max = m->limits.memory_max;
	(void)snprintf(how, APPROX_TEXT, "its use is watched, and too much of it ends it");
	return r;
}

/* What a lost limit becomes: approximate or nothing, each told in one line. */
static int soften(struct monitor *m, const char *line, struct rl_err *err)
{
	auto_free char *text = NULL;
	char how[APPROX_TEXT];
	size_t n = strcspn(line, ":");
	int r;

	if (m->cfg->strict_limits) {
		rl_fail(err, ENOTSUP, "a limit cannot be applied: %s", line);
		return rl_hint(err, approx_can(line)
					    ? "without --strict-limits it would be approximate"
					    : "without --strict-limits the container would run "
					      "without it");
	}
	r = approximate(m, line, how, err);
	if (r == -EINVAL || r == -ENOMEM)
		return r;
	text = r < 0 ? str_printf("%.*s has no effect%s", (int)n, line, line + n)
		     : str_printf("%.*s is approximate (%s)%s", (int)n, line, how, line + n);
	if (!text)
		return rl_oom(err);
	monitor_note(m, text);
	return 0;
}

static int place(struct monitor *m, struct rl_err *err)
{
	auto_strv struct strv lost = { 0 };
	int r;

	if (!wants_cgroup(m)) {
		limit_quietly(m);
		return 0;
	}
	r = cgroup_place(&m->cgroup, &m->limits, getpid(), m->init.pid, &lost, err);
	if (r < 0)
		return rl_wrap(err, "apply the limits");
	for (size_t i = 0; i < lost.n && r == 0; i++) {
		if (was_asked(m, lost.v[i]))
			r = soften(m, lost.v[i], err);
		else if (strncmp(lost.v[i], "--pids-limit:", 13) == 0)
			limit_quietly(m);
	}
	if (r == 0 && m->cgroup.dir_fd >= 0 && m->limits.memory_max > 0)
		m->memory_fd = openat(m->cgroup.dir_fd, "memory.events", O_RDONLY | O_CLOEXEC);
	return r;
}

int monitor_limits_place(struct monitor *m, struct rl_err *err)
{
	int r;

	if (m->runs == 0)
		return place(m, err);
	r = cgroup_reuse(&m->cgroup, m->init.pid, err);
	/* processors come from us, who have the same */
	if (r == 0 && m->approx.nproc > 0)
		limit_quietly(m);
	/* also beside a cgroup that has no such controller */
	if (r == 0 && m->approx.memory)
		m->memwatch.max = m->limits.memory_max;
	return r;
}

/* --- memory ---------------------------------------------------------------------------------- */

void monitor_limits_watch(struct monitor *m)
{
	if (m->memwatch.max <= 0)
		return;
	memwatch_start(&m->memwatch, m->memwatch.max, m->init.pid);
	m->timers.memory_ms = now_ms() + FIRST_LOOK_MS;
}

void monitor_limits_look(struct monitor *m)
{
	int wait;

	if (m->memwatch.max <= 0 || m->init.pidfd < 0) /* it was for memory_fd */
		return;
	wait = memwatch_look(&m->memwatch, m->init.pid);
	if (m->memwatch.is_over) {
		monitor_because(m, CTR_CAUSE_MEMORY);
		monitor_kill(m);
	}
	m->timers.memory_ms = now_ms() + wait;
}

int monitor_limits_fd(const struct monitor *m)
{
	return m->timers.memory_ms > 0 ? FD_NONE : m->memory_fd;
}

void monitor_limits_pressed(struct monitor *m)
{
	char text[512];

	/* read anew, or it would be ready for ever (poll on kernfs files) */
	if (lseek(m->memory_fd, 0, SEEK_SET) < 0 || read(m->memory_fd, text, sizeof(text)) <= 0) {
		fd_close(TAKE_FD(m->memory_fd));
		return;
	}
	if (m->init.pidfd >= 0 && m->cgroup.path)
		memwatch_blame(&m->memwatch, m->init.pid, m->cgroup.path);
	m->timers.memory_ms = now_ms() + PRESSED_MS;
}

void monitor_limits_blame(struct monitor *m, struct ctr_exit *x)
{
	struct cgroup_usage u = { 0 };

	if (m->memwatch.max > 0) {
		x->oom = m->memwatch.is_over;
		x->memory_max = m->memwatch.max;
		x->memory_peak = m->memwatch.peak;
	} else if (m->cgroup.rung != CGROUP_NONE && cgroup_read(&m->cgroup, &u) == 0) {
		x->oom = u.oom_kills > m->oom_seen;
		m->oom_seen = u.oom_kills;
		x->memory_max = u.memory_max;
		x->memory_peak = u.memory_peak;
	}
	if (x->oom)
		memcpy(x->biggest, m->memwatch.biggest, sizeof(x->biggest));
}

/* --- changes --------------------------------------------------------------------------------- */

/* As with a cgroup: what is in use is not cut off. */
static int check_use(const struct monitor *m, int64_t max, struct rl_err *err)
{
	struct memwatch w = MEMWATCH_INIT;
	bool is_over;

	if (max == 0 || m->init.pidfd < 0)
		return 0;
	memwatch_start(&w, max, m->init.pid);
	(void)memwatch_look(&w, m->init.pid); /* once: when the next one is due is not asked */
	if (w.is_over)
		rl_fail(err, EBUSY,
			"'--memory %lld' is below what the container uses now, %lld bytes",
			(long long)max, (long long)w.last);
	is_over = w.is_over;
	memwatch_stop(&w);
	return is_over ? -EBUSY : 0;
}

int monitor_limits_change(struct monitor *m, const struct monitor_limits *l, struct rl_err *err)
{
	struct cgroup_limits *now = &m->limits;
	int r = 0;

	if (m->cgroup.rung != CGROUP_NONE)
		return rl_fail(err, EINVAL, "its limits are those of its cgroup");
	if (l->memory_max < 0 || l->pids_max < 0 || l->cpu_quota_us < 0 || l->cpu_period_us < 0 ||
	    !memchr(l->cpuset_cpus, '\0', sizeof(l->cpuset_cpus)))
		return rl_fail(err, EINVAL, "malformed limits");
	r = check_use(m, l->memory_max, err);
	if (r < 0)
		return r;
	now->memory_max = l->memory_max;
	m->approx.memory = l->memory_max > 0;
	now->pids_max = l->pids_max;
	now->cpu_quota_us = l->cpu_quota_us;
	now->cpu_period_us = l->cpu_period_us;
	memcpy(now->cpuset_cpus, l->cpuset_cpus, sizeof(now->cpuset_cpus));
	if (m->init.pidfd >= 0)
		r = approx_change(&m->approx, now, m->init.pid, err);
	if (r < 0 || m->init.pidfd < 0)
		return r;
	if (l->memory_max == 0) {
		memwatch_stop(&m->memwatch);
		m->timers.memory_ms = 0;
	} else {
		m->memwatch.max = l->memory_max;
		monitor_limits_watch(m);
	}
	return 0;
}
