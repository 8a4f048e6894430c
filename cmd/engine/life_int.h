/* SPDX-License-Identifier: Apache-2.0 */
/* life_int.h - what life.c (requests, waiting, removing) and life_stop.c (ending) share */
#pragma once

#include "cmd/engine/life.h"
#include "core/monitor.h"

#define LIFE_KILL_MS 10000 /* SIGKILL that takes longer is a kernel problem (D state) */

/* life_state(), with the time that healing may take; -ETIMEDOUT after it. */
int life_get_state(const struct rl *rl, struct ctr *c, int heal_ms, struct ctr_state *ret,
		   struct rl_err *err) RL_MUST_USE;
/* Let @ms pass, or less when the monitor leaves meanwhile. */
void life_pass_time(const struct ctr *c, const struct ctr_state *s, int ms);
/* One request to the monitor, which may not listen yet. -ESRCH when the container does not run. */
int life_ask(const struct rl *rl, struct ctr *c, const struct monitor_msg *req,
	     struct rl_err *err) RL_MUST_USE;
int life_send(const struct rl *rl, struct ctr *c, int signo, struct rl_err *err) RL_MUST_USE;
/* -ETIMEDOUT that says where in the kernel process @pid, which SIGKILL does not end, is. */
int life_stuck(const struct ctr *c, pid_t pid, struct rl_err *err);
/* life_stop(); @force: to be removed, see life_remove() */
int life_end(const struct rl *rl, struct ctr *c, const struct life_grace *g, bool force,
	     struct rl_err *err) RL_MUST_USE;
