/* SPDX-License-Identifier: Apache-2.0 */
/* when.h - a point in time as users type it (--since, --until, filters), and waiting for one */
#pragma once

#include <stdint.h>

#include "core/base/err.h"

/**
 * when_parse() - Text to nanoseconds since the epoch
 * @s:		RFC 3339 ("2026-01-02T15:04:05.5+01:00", also with a comma); the same without zone, seconds or time of
 *		day, then in the local zone; Unix time ("1767366245.5"); or a duration ("10m",
 *		"1h30m", and "-10m" for the future) counted back from @now_ns
 *
 * Return: 0, -EINVAL or -ERANGE with a message that quotes @s
 */
int when_parse(const char *s, int64_t now_ns, int64_t *ret_ns, struct rl_err *err) RL_MUST_USE;

/* The end of a wait. It is over by the wall clock, or when as much time has passed as there was until
 * then: a clock that is set back must not make anybody wait for years. */
struct when_end {
	int64_t wall_ns; /* INT64_MAX: never */
	int64_t mono_ms; /* by now_ms() */
};

struct when_end when_end(int64_t until_ns);
/* For poll(): -1 without an end, 0 when it is over, else milliseconds, a day at most. */
int when_left_ms(const struct when_end *e);
