/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse.h - numbers, sizes and durations from text; the whole string must match
 *
 * None of these accepts leading blanks, signs (except where said) or trailing bytes. On failure
 * nothing is written and -EINVAL or -ERANGE is returned; callers word the message.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

int parse_uint(const char *s, uint64_t max, uint64_t *ret) RL_MUST_USE; /* decimal digits */
int parse_int(const char *s, int64_t min, int64_t max, int64_t *ret) RL_MUST_USE; /* "-" allowed */
int parse_octal(const char *s, uint64_t max, uint64_t *ret) RL_MUST_USE;
int parse_bool(const char *s, bool *ret) RL_MUST_USE; /* true false 1 0 t f TRUE FALSE... as Go */
/* Docker's size syntax: digits (one '.' allowed), then b, k, m, g, t, p (any case, "kb", "kib", "ki"
 * too), all powers of 1024; plain digits are bytes. Source: docker run(1) --memory. */
int parse_size(const char *s, int64_t *ret_bytes) RL_MUST_USE;
/* The same in powers of 1000, as both count a log's max-size. */
int parse_size_decimal(const char *s, int64_t *ret_bytes) RL_MUST_USE;
/* Decimal fraction such as "1.5", scaled by 1e9 (nano CPUs). Not negative. */
int parse_nano(const char *s, int64_t *ret_nano) RL_MUST_USE;
/* Go durations: "300ms", "1h30m", "10s"; plain digits are seconds. Result in ms. */
int parse_duration_ms(const char *s, int64_t *ret_ms) RL_MUST_USE;
/* Signal by name with or without SIG (any case), RTMIN+n, RTMAX-n, or by number 1..64; "-TERM", too. */
int parse_signal(const char *s, int *ret_signo) RL_MUST_USE;
