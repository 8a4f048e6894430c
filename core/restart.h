/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restart.h - whether and when a container that ended is started again
 *
 * Pure: no clock, no processes. The monitor (core/monitor.c) asks at each end of its container,
 * waits and starts it; there is no daemon. After a stop or kill by the user nobody asks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum restart_kind { RESTART_NO, RESTART_ON_FAILURE, RESTART_ALWAYS, RESTART_UNLESS_STOPPED };

struct restart_policy {
	enum restart_kind kind;
	unsigned max; /* restarts of on-failure, 0 = any number */
};

#define RESTART_FIRST_MS 100   /* pause before the first restart; doubles each time */
#define RESTART_MAX_MS   60000 /* longest pause */
#define RESTART_GOOD_MS  10000 /* who ran this long starts with the first pause again */

/* How often it was started again, and the last pause; zeroed when the user starts it. */
struct restart_state {
	unsigned count;
	int delay_ms;
};

#define RESTART_TEXT 32

/* "no", "never", "on-failure[:N]", "always" or "unless-stopped"; "" and NULL mean no. 0 or
 * -EINVAL; only then @ret is left alone. */
int restart_parse(const char *s, struct restart_policy *ret, struct rl_err *err) RL_MUST_USE;
/* The reverse, in @out (RESTART_TEXT bytes). */
void restart_print(const struct restart_policy *p, char *out);
/* "no", "on-failure", ... without the number */
const char *restart_name(enum restart_kind kind);

/* Whether it can be had together with --rm: always and unless-stopped cannot. 0 or -EINVAL. */
int restart_goes_with_rm(const struct restart_policy *p, bool rm, struct rl_err *err) RL_MUST_USE;

/**
 * restart_next() - What to do about an end
 * @code:	Exit code of the run that ended; a start that failed counts as a run
 * @ran_ms:	How long it ran
 *
 * Return: ms to wait before it is started again, with @st counted up; -1: it stays ended
 */
int restart_next(struct restart_state *st, const struct restart_policy *p, int code,
		 int64_t ran_ms);
