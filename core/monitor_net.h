/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_net.h - the helpers that carry the container's traffic, for the parts of the monitor */
#pragma once

#include "core/monitor_int.h"

bool monitor_net_wanted(const struct monitor *m); /* the first frame is to be waited for */
void monitor_net_start(struct monitor *m);        /* it has come */
void monitor_net_died(struct monitor *m);
int monitor_ports_start(struct monitor *m, struct rl_err *err) RL_MUST_USE;
void monitor_ports_died(struct monitor *m);
/* The ports are free when this returns: before anybody is told that the container has ended. */
void monitor_ports_release(struct monitor *m);
void monitor_net_stop(struct monitor *m); /* both, at the end of a run */
/* Named networks, at a start, when their list has changed, at the end. */
int monitor_networks_start(struct monitor *m, struct rl_err *err) RL_MUST_USE;
int monitor_networks_follow(struct monitor *m, struct rl_err *err) RL_MUST_USE;
void monitor_networks_end(struct monitor *m);
