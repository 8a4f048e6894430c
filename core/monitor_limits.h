/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor_limits.h - the monitor's part in the limits of its container
 *
 * A place in the cgroup tree, or what comes near it (core/approx.h): every limit that somebody
 * asked for and that is not exactly in force is named in one line, or refused with --strict-limits.
 * The default limit of processes holds without a cgroup as well, without a word.
 */
#pragma once

#include "core/monitor_int.h"

/* Ask for the place; does not wait. */
int monitor_limits_request(struct monitor *m, struct rl_err *err) RL_MUST_USE;
/* Init stands before its exec: put it into its place, and its limits on it; also for each restart. */
int monitor_limits_place(struct monitor *m, struct rl_err *err) RL_MUST_USE;
void monitor_limits_watch(struct monitor *m);   /* the payload runs */
void monitor_limits_look(struct monitor *m);    /* timers.memory_ms is due */
int monitor_limits_fd(const struct monitor *m); /* POLLPRI: its memory is full; or FD_NONE */
void monitor_limits_pressed(struct monitor *m);
/* It has ended: was it for want of memory? */
void monitor_limits_blame(struct monitor *m, struct ctr_exit *x);
/* `rl update` of a container without a cgroup. */
int monitor_limits_change(struct monitor *m, const struct monitor_limits *l,
			  struct rl_err *err) RL_MUST_USE;
