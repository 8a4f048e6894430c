/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waiting.h - SIGQUIT (Ctrl-\) while a command waits: one line on stderr that says for what
 *
 * Only inside of a wait that was named is SIGQUIT caught; everywhere else, and in programs that we
 * start, it does what it did. A wait must take EINTR and go on. Not for processes that other
 * programs' signals are forwarded through (relay.h).
 *
 *	auto_waiting struct waiting w = { 0 };
 *	waiting_begin(&w, "'%s' to end", name);
 *	... poll() ...
 */
#pragma once

#include <stdbool.h>

#include "core/base/err.h"

#define WAITING_TEXT_MAX 256

struct waiting {
	bool on, is_outer;             /* @is_outer: SIGQUIT was not caught before */
	char before[WAITING_TEXT_MAX]; /* what an outer wait is for */
};

/* From now on SIGQUIT prints "rl waits for: ..."; an inner wait hides an outer one. */
void waiting_begin(struct waiting *w, const char *fmt, ...) RL_PRINTF(2, 3);
void waiting_end(struct waiting *w); /* fine on a zeroed struct */
#define auto_waiting __attribute__((cleanup(waiting_end)))
