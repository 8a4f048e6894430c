/* SPDX-License-Identifier: Apache-2.0 */
/* parse.c - numbers, sizes, durations from text; the header is the manual */
#include "config.h"

#include "core/base/parse.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

#include "core/base/cleanup.h"

static int parse_digits(const char **s, unsigned base, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;
	const char *p = *s;

	for (; *p >= '0' && *p < (char)('0' + base); p++) {
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v) || v > max)
			return -ERANGE;
	}
	if (p == *s)
		return -EINVAL;
	*s = p;
	*ret = v;
	return 0;
}

int parse_uint(const char *s, uint64_t max, uint64_t *ret)
{
	uint64_t v;
	int r = parse_digits(&s, 10, max, &v);

	if (r < 0)
		return r;
	if (*s)
		return -EINVAL;
	*ret = v;
	return 0;
}

int parse_octal(const char *s, uint64_t max, uint64_t *ret)
{
	uint64_t v;
	int r = parse_digits(&s, 8, max, &v);

	if (r < 0)
		return r;
	if (*s)
		return -EINVAL;
	*ret = v;
	return 0;
}

int parse_int(const char *s, int64_t min, int64_t max, int64_t *ret)
{
	bool neg = *s == '-';
	uint64_t v;
	int64_t i;
	int r = parse_uint(s + neg, INT64_MAX, &v);

	if (r < 0)
		return r;
	i = neg ? -(int64_t)v : (int64_t)v;
	if (i < min || i > max)
		return -ERANGE;
	*ret = i;
	return 0;
}

int parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = { "true", "True", "TRUE", "t", "T", "1" };
	static const char *const no[] = { "false", "False", "FALSE", "f", "F", "0" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (strcmp(s, yes[i]) == 0) {
			*ret = true;
			return 0;
		}
		if (strcmp(s, no[i]) == 0) {
			*ret = false;
			return 0;
		}
	}
	return -EINVAL;
}

/* "123" or "1.25" as a number times @scale, rounded down; stops at the first other byte. */
static int parse_decimal(const char **s, int64_t scale, int64_t *ret)
{
	const char *p = *s;
	uint64_t whole = 0;
	int64_t v, part = scale;
	int r;

	if (*p != '.') {
		r = parse_digits(&p, 10, INT64_MAX, &whole);
		if (r < 0)
			return r;
	} else if (p[1] < '0' || p[1] > '9') {
		return -EINVAL;
	}
	if (__builtin_mul_overflow((int64_t)whole, scale, &v))
		return -ERANGE;
	if (*p == '.') {
		int64_t num = 0, den = 1;

		for (p++; *p >= '0' && *p <= '9'; p++) {
			if (den >= 1000000000)
				continue; /* digits below a billionth change nothing */
			num = num * 10 + (*p - '0');
			den *= 10;
		}
		part = (int64_t)((__int128)num * scale / den);
		if (__builtin_add_overflow(v, part, &v))
			return -ERANGE;
	}
	*s = p;
	*ret = v;
	return 0;
}

static int parse_size_by(const char *s, int64_t step, int64_t *ret_bytes)
{
	static const char units[] = "bkmgtp";
	const char *end = s + strspn(s, "0123456789.");
	int64_t scale = 1, v;
	const char *u;
	int r;

	if (*end) {
		int c = *end | 0x20;

		u = strchr(units, c);
		if (!u)
			return -EINVAL;
		for (; u > units; u--)
			scale *= step;
		end++;
		if (c != 'b') {
			if (*end == 'i' || *end == 'I')
				end++;
			if (*end == 'b' || *end == 'B')
				end++;
		}
		if (*end)
			return -EINVAL;
	}
	r = parse_decimal(&s, scale, &v);
	if (r < 0)
		return r;
	if (*s && !strchr(units, *s | 0x20))
		return -EINVAL; /* a second dot */
	*ret_bytes = v;
	return 0;
}

int parse_size(const char *s, int64_t *ret_bytes)
{
	return parse_size_by(s, 1024, ret_bytes);
}

int parse_size_decimal(const char *s, int64_t *ret_bytes)
{
	return parse_size_by(s, 1000, ret_bytes);
}

int parse_nano(const char *s, int64_t *ret_nano)
{
	int64_t v;
	int r = parse_decimal(&s, 1000000000, &v);

	if (r < 0)
		return r;
	if (*s)
		return -EINVAL;
	*ret_nano = v;
	return 0;
}

int parse_duration_ms(const char *s, int64_t *ret_ms)
{
	static const struct {
		const char *name;
		int64_t us;
	} units[] = {
		/* longest name first where one is a prefix of another */
		{ "ms", 1000 },    { "us", 1 },      { "h", 3600000000 },
		{ "m", 60000000 }, { "s", 1000000 },
	};
	uint64_t plain;
	int64_t total = 0, v;
	int r;

	r = parse_uint(s, INT64_MAX / 1000, &plain);
	if (r == 0) {
		*ret_ms = (int64_t)plain * 1000;
		return 0;
	}
	if (!*s)
		return -EINVAL;
	while (*s) {
		const char *at = s + strspn(s, "0123456789.");
		size_t i;

		for (i = 0; i < ARRAY_LEN(units); i++)
			if (strncmp(at, units[i].name, strlen(units[i].name)) == 0)
				break;
		if (i == ARRAY_LEN(units))
			return -EINVAL;
		r = parse_decimal(&s, units[i].us, &v);
		if (r < 0)
			return r;
		if (s != at)
			return -EINVAL;
		if (__builtin_add_overflow(total, v, &total))
			return -ERANGE;
		s += strlen(units[i].name);
	}
	*ret_ms = total / 1000;
	return 0;
}

int parse_signal(const char *s, int *ret_signo)
{
	uint64_t n;

	s += *s == '-'; /* as kill(1) has it */
	if (parse_uint(s, 64, &n) == 0) {
		if (n == 0)
			return -EINVAL;
		*ret_signo = (int)n;
		return 0;
	}
	if (strncasecmp(s, "SIG", 3) == 0)
		s += 3;
	if (strncasecmp(s, "RTMIN", 5) == 0 && (s[5] == '+' || s[5] == '\0')) {
		n = 0;
		/* 34 is glibc's SIGRTMIN, which is what other tools mean by the name */
		if (s[5] && parse_uint(s + 6, 30, &n) < 0)
			return -EINVAL;
		*ret_signo = 34 + (int)n;
		return 0;
	}
	if (strncasecmp(s, "RTMAX", 5) == 0 && (s[5] == '-' || s[5] == '\0')) {
		n = 0;
		if (s[5] && parse_uint(s + 6, 30, &n) < 0)
			return -EINVAL;
		*ret_signo = 64 - (int)n;
		return 0;
	}
	for (int i = 1; i < 32; i++) {
		const char *name = sigabbrev_np(i);

		if (name && strcasecmp(name, s) == 0) {
			*ret_signo = i;
			return 0;
		}
	}
	return -EINVAL;
}
