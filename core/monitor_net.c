/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor_net.c - the helpers that carry a container's traffic, as the monitor sees them
 *
 * The packet loop starts with the first frame in the tap, the forwarder of published ports with the
 * container. One that dies by itself is started again; one that dies time and again stays down until
 * the next start of the container. Each death is an event and part of run.json, for ps and inspect.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/control.h"
#include "core/monitor_net.h"
#include "core/monitor_serve.h"

#define STARTS_MAX 5
#define QUIET_MS   60000 /* who lived for so long has its chances back */

bool monitor_net_wanted(const struct monitor *m)
{
	return m->net_pidfd < 0 && m->net_starts < STARTS_MAX;
}

void monitor_net_start(struct monitor *m)
{
	struct rl_err err = { 0 };

	m->net_since_ms = now_ms();
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

/* The event carries what happened beside the labels. */
static void death_event(const struct monitor *m, const char *what, const char *why, bool again)
{
	json_auto_t *attributes =
		m->cfg->labels ? json_copy((json_t *)(uintptr_t)m->cfg->labels) : json_object();
	const struct event e = { .type = "container",
				 .status = "network_died",
				 .id = m->cfg->ctr->id,
				 .name = m->cfg->ctr->name,
				 .image = m->cfg->image_name,
				 .attributes = attributes };

	if (json_object_set_new(attributes, "helper", json_string(what)) < 0 ||
	    json_object_set_new(attributes, "error", json_string(why)) < 0 ||
	    json_object_set_new(attributes, "restarted", json_string(again ? "true" : "false")) < 0)
		log_debug("the event of a helper's death is incomplete");
	events_emit(m->cfg->rl, &e, 1);
}

static void tell_death(struct monitor *m, const char *what, const char *why, bool again)
{
	char text[sizeof(m->net_note)];
	struct rl_err err;

	(void)snprintf(text, sizeof(text), "the container's %s died%s%.160s; %s", what,
		       why[0] ? ": " : "", why,
		       again ? "it is started again" : "that was too often, it stays down");
	monitor_note(m, text);
	memcpy(m->net_note, text, sizeof(text));
	m->net_down = m->net_down || !again;
	death_event(m, what, why, again);
	if (m->settled && monitor_write_run(m, &err) < 0)
		log_debug("%s", err.msg); /* a full disk: the event may have had room */
}

static void forgive(unsigned *starts, int64_t since_ms)
{
	if (now_ms() - since_ms > QUIET_MS)
		*starts = 0;
}

void monitor_net_died(struct monitor *m)
{
	char why[256] = "";

	m->cfg->hooks.net_stop(m->cfg->hooks.arg, why, sizeof(why)); /* reaps it */
	m->net_pidfd = FD_NONE;
	forgive(&m->net_starts, m->net_since_ms);
	tell_death(m, "packet loop", why, m->net_starts < STARTS_MAX);
}

int monitor_ports_start(struct monitor *m, struct rl_err *err)
{
	if (!m->cfg->hooks.ports_start)
		return 0;
	m->ports_starts++;
	m->ports_since_ms = now_ms();
	return m->cfg->hooks.ports_start(m->cfg->hooks.arg, m->init.netns_fd, &m->ports_pidfd, err);
}

void monitor_ports_died(struct monitor *m)
{
	struct rl_err err = { 0 };
	char why[256] = "";
	bool again;

	m->cfg->hooks.ports_stop(m->cfg->hooks.arg, why, sizeof(why)); /* reaps it */
	m->ports_pidfd = FD_NONE;
	forgive(&m->ports_starts, m->ports_since_ms);
	again = m->ports_starts < STARTS_MAX;
	tell_death(m, "port forwarder", why, again);
	if (again && monitor_ports_start(m, &err) < 0) {
		monitor_note(m, err.msg);
		m->ports_pidfd = FD_NONE;
	}
}

void monitor_ports_release(struct monitor *m)
{
	if (m->ports_pidfd >= 0)
		m->cfg->hooks.ports_stop(m->cfg->hooks.arg, NULL, 0);
	m->ports_pidfd = FD_NONE;
	if (m->cfg->hooks.ports_release)
		m->cfg->hooks.ports_release(m->cfg->hooks.arg);
}

void monitor_net_stop(struct monitor *m)
{
	if (m->ports_pidfd >= 0)
		m->cfg->hooks.ports_stop(m->cfg->hooks.arg, NULL, 0);
	if (m->net_pidfd >= 0)
		m->cfg->hooks.net_stop(m->cfg->hooks.arg, NULL, 0);
	m->ports_pidfd = m->net_pidfd = FD_NONE;
	m->ports_starts = m->net_starts = 0;
	m->net_note[0] = '\0';
	m->net_down = false;
}

/* --- named networks -------------------------------------------------------------------------- */

int monitor_networks_start(struct monitor *m, struct rl_err *err)
{
	const struct control_idle idle = { monitor_serve_netns, m };
	int r;

	if (!m->cfg->hooks.networks || !m->cfg->hooks.has_networks)
		return 0;
	/* before it has a place there: whoever comes next asks us for the network */
	r = m->listen_fd < 0 ? monitor_listen(m, err) : 0;
	if (r == 0)
		r = m->cfg->hooks.networks(m->cfg->hooks.arg, m->init.net_fd, true, &idle, err);
	return r < 0 ? r : 0; /* no packet loop runs yet */
}

int monitor_networks_follow(struct monitor *m, struct rl_err *err)
{
	const struct control_idle idle = { monitor_serve_netns, m };
	int r;

	if (!m->cfg->hooks.networks)
		return rl_fail(err, ENOTSUP, "the container has no network of its own");
	if (m->init.pidfd < 0)
		return 0; /* between two runs: the next start sees to it */
	r = m->cfg->hooks.networks(m->cfg->hooks.arg, m->init.net_fd, false, &idle, err);
	if (r > 0 && m->net_pidfd >= 0) { /* the next frame starts one that fits */
		m->cfg->hooks.net_stop(m->cfg->hooks.arg, NULL, 0);
		m->net_pidfd = FD_NONE;
		m->net_starts = 0;
	}
	return r < 0 ? r : 0;
}

void monitor_networks_end(struct monitor *m)
{
	if (m->cfg->hooks.networks)
		m->cfg->hooks.networks_end(m->cfg->hooks.arg);
}
