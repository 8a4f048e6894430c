/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_health.h - the monitor's part in health checks */
#pragma once

#include "core/monitor_int.h"

void monitor_health_start(struct monitor *m);
/* Another check than before, or none: begin anew. */
void monitor_health_changed(struct monitor *m); /* a run has begun */
void monitor_health_due(struct monitor *m);     /* the time for a check has come */
void monitor_health_done(struct monitor *m);    /* the check's fd is readable */
/* Somebody wants a check now; monitor_serve_checked() tells how it went. 0 or -errno. */
int monitor_health_ask(struct monitor *m, struct rl_err *err) RL_MUST_USE;
