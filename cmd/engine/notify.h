/* SPDX-License-Identifier: Apache-2.0 */
/* notify.h - engine: telling systemd (sd_notify(3)) that a unit's container runs */
#pragma once

#include <stdbool.h>

#include "core/base/err.h"

/* --sdnotify: "ignore", "conmon" or "healthy" (or NULL). 0 or -EINVAL, -ENOTSUP for "container". */
int notify_check(const char *mode, struct rl_err *err) RL_MUST_USE;
/* Whether somebody waits ($NOTIFY_SOCKET). */
bool notify_is_wanted(void);
/* "READY=1" and, with @main_pid above 0, the process that the unit lives and ends with from now on. */
void notify_ready(int main_pid);
