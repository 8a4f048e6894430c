/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor_net.c - the helpers that carry a container's traffic, as the monitor sees them
 *
 * The packet loop starts with the first frame in the tap, the forwarder of published ports with the
 * container. One that dies by itself is started again, a few times.
 */
#include "config.h"

#include <stdio.h>

#include "core/base/cleanup.h"
#include "core/monitor_int.h"

#define STARTS_MAX 5

bool monitor_net_wanted(const struct monitor *m)
{
	return m->net_pidfd < 0 && m->net_starts < STARTS_MAX;
}

void monitor_net_start(struct monitor *m)
{
	struct rl_err err = { 0 };

	if (!m->cfg->hooks.net_start || m->net_starts++ >= STARTS_MAX ||
	    m->cfg->hooks.net_start(m->cfg->hooks.arg, m->init.net_fd, &m->net_pidfd, &err) < 0) {
		if (err.code) {
			rl_wrap(&err, "the container's network");
			monitor_note(m, err.msg);
		}
		m->net_pidfd = FD_NONE;
		m->net_starts = STARTS_MAX; /* stop looking at the tap */
	}
}

static void tell_death(struct monitor *m, const char *what, const char *why, bool again)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "the container's %s died%s%s; %s", what,
		       why[0] ? ": " : "", why,
		       again ? "it is started again" : "that was too often, it stays down");
	monitor_note(m, text);
}

void monitor_net_died(struct monitor *m)
{
	char why[256] = "";

	m->cfg->hooks.net_stop(m->cfg->hooks.arg, why, sizeof(why)); /* reaps it */
	m->net_pidfd = FD_NONE;
	tell_death(m, "packet loop", why, m->net_starts < STARTS_MAX);
}

int monitor_ports_start(struct monitor *m, struct rl_err *err)
{
	if (!m->cfg->hooks.ports_start)
		return 0;
	m->ports_starts++;
	return m->cfg->hooks.ports_start(m->cfg->hooks.arg, m->init.pidfd, &m->ports_pidfd, err);
}

void monitor_ports_died(struct monitor *m)
{
	const bool again = m->ports_starts < STARTS_MAX;
	struct rl_err err = { 0 };
	char why[256] = "";

	m->cfg->hooks.ports_stop(m->cfg->hooks.arg, why, sizeof(why)); /* reaps it */
	m->ports_pidfd = FD_NONE;
	tell_death(m, "port forwarder", why, again);
	if (again && monitor_ports_start(m, &err) < 0) {
		monitor_note(m, err.msg);
		m->ports_pidfd = FD_NONE;
	}
}

void monitor_net_stop(struct monitor *m)
{
	if (m->ports_pidfd >= 0)
		m->cfg->hooks.ports_stop(m->cfg->hooks.arg, NULL, 0);
	if (m->net_pidfd >= 0)
		m->cfg->hooks.net_stop(m->cfg->hooks.arg, NULL, 0);
	m->ports_pidfd = m->net_pidfd = FD_NONE;
	m->ports_starts = m->net_starts = 0;
}
