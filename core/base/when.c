/* SPDX-License-Identifier: Apache-2.0 */
/* when.c - a point in time as users type it; the header is the manual */
#include "config.h"

#include "core/base/when.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>
#include <time.h>

#include "core/base/io.h"
#include "core/base/parse.h"

#define NS       INT64_C(1000000000)
#define TEXT_MAX 64
#define DAY_MS   86400000

/* The same hands of the clock, in the local zone instead of UTC. */
static int utc_to_local(int64_t *ns)
{
	int64_t frac = *ns % NS;
	time_t s = (time_t)(*ns / NS);
	struct tm tm;

	if (frac < 0) {
		frac += NS;
		s--;
	}
	if (!gmtime_r(&s, &tm))
		return -ERANGE;
	tm.tm_isdst = -1;
	s = mktime(&tm);
	if (__builtin_mul_overflow((int64_t)s, NS, ns) || __builtin_add_overflow(*ns, frac, ns))
		return -ERANGE;
	return 0;
}

/* A date without zone, and what may be missing of its time of day. */
static int parse_local(const char *s, int64_t *ret_ns)
{
	static const char *const rest[] = { "T00:00:00Z", ":00Z", "Z" };
	char text[TEXT_MAX + 16];
	int64_t ns = 0;

	for (size_t i = 0; i < sizeof(rest) / sizeof(*rest); i++) {
		(void)snprintf(text, sizeof(text), "%s%s", s, rest[i]);
		if (time_parse_rfc3339(text, &ns) < 0)
			continue;
		if (utc_to_local(&ns) < 0)
			return -ERANGE;
		*ret_ns = ns;
		return 0;
	}
	return -EINVAL;
}

/* "seconds" or "seconds.fraction" */
static int parse_unix(const char *s, int64_t *ret_ns)
{
	const char *dot = strchr(s, '.');
	size_t len = dot ? (size_t)(dot - s) : strlen(s);
	char whole[TEXT_MAX + 1], frac[10] = "000000000";
	uint64_t seconds, ns;
	size_t n;

	memcpy(whole, s, len);
	whole[len] = '\0';
	if (parse_uint(whole, INT64_MAX / NS - 1, &seconds) < 0)
		return -EINVAL;
	n = dot ? strlen(dot + 1) : 0;
	if (dot && (n == 0 || n > 9))
		return -EINVAL;
	memcpy(frac, dot ? dot + 1 : "", n);
	if (parse_uint(frac, NS - 1, &ns) < 0)
		return -EINVAL;
	*ret_ns = (int64_t)(seconds * NS + ns);
	return 0;
}

static int parse_back(const char *s, int64_t now_ns, int64_t *ret_ns)
{
	int64_t ms, ns;
	int r = parse_duration_ms(*s == '-' ? s + 1 : s, &ms);

	if (r < 0)
		return r;
	if (__builtin_mul_overflow(*s == '-' ? -ms : ms, INT64_C(1000000), &ns) ||
	    __builtin_sub_overflow(now_ns, ns, ret_ns))
		return -ERANGE;
	return 0;
}

int when_parse(const char *s, int64_t now_ns, int64_t *ret_ns, struct rl_err *err)
{
	char text[TEXT_MAX + 1], *comma;
	int64_t ns = 0;
	int r = -EINVAL;

	if (strlen(s) <= TEXT_MAX) {
		(void)snprintf(text, sizeof(text), "%s", s);
		comma = strchr(text, ',');
		if (comma)
			*comma = '.'; /* date --iso-8601=ns writes one */
		r = time_parse_rfc3339(text, &ns);
		if (r == -EINVAL)
			r = parse_local(text, &ns);
		if (r == -EINVAL)
			r = parse_unix(text, &ns);
		if (r == -EINVAL)
			r = parse_back(text, now_ns, &ns);
	}
	if (r == 0) {
		*ret_ns = ns;
		return 0;
	}
	return rl_fail(
		err, -r,
		r == -ERANGE ? "the time '%.64s' is out of range"
			     : "'%.64s' is no time: expected RFC 3339 (2026-01-02T15:04:05Z), Unix "
			       "seconds or a duration such as 1h30m",
		s);
}

struct when_end when_end(int64_t until_ns)
{
	struct when_end e = { .wall_ns = until_ns, .mono_ms = INT64_MAX };
	int64_t ns;

	if (until_ns != INT64_MAX && !__builtin_sub_overflow(until_ns, wall_ns(), &ns))
		e.mono_ms = now_ms() + ns / 1000000 + 1;
	return e;
}

int when_left_ms(const struct when_end *e)
{
	int64_t now = wall_ns(), ms;

	if (e->wall_ns == INT64_MAX)
		return -1;
	if (e->wall_ns <= now || e->mono_ms <= now_ms())
		return 0;
	ms = MIN(e->wall_ns / 1000000 - now / 1000000, e->mono_ms - now_ms()) + 1;
	return (int)MIN(MAX(ms, 1), DAY_MS);
}
