/* SPDX-License-Identifier: Apache-2.0 */
/* test_when.c - core/base/when: every way to write a point in time, and what is none */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <time.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/when.h"

#define NOW INT64_C(1800000000123456789)
#define NS  INT64_C(1000000000)

static void test_good(void **state)
{
	static const struct {
		const char *in;
		int64_t ns;
	} good[] = {
		{ "1970-01-01T00:00:10Z", 10 * NS },
		{ "1970-01-01T01:00:10.5+01:00", 10 * NS + NS / 2 },
		{ "1970-01-01", -3600 * NS }, /* the zone is an hour ahead */
		{ "1970-01-01T02:03", (3600 + 180) * NS },
		{ "1970-01-01T02:03:04", (3600 + 184) * NS },
		{ "1970-01-01T02:03:04.25", (3600 + 184) * NS + NS / 4 },
		{ "1970-01-01T00:00:10,5+00:00", 10 * NS + NS / 2 },
		{ "0", 0 },
		{ "1700000000", 1700000000 * NS },
		{ "1700000000.000000001", 1700000000 * NS + 1 },
		{ "1.5", NS + NS / 2 },
		{ "10m", NOW - 600 * NS },
		{ "1h30m", NOW - 5400 * NS },
		{ "300ms", NOW - 300000000 },
		{ "-10s", NOW + 10 * NS },
		{ "-5", NOW + 5 * NS },
		{ "2026-07-01T02:00:00", INT64_C(1782864000) * NS }, /* summer time */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct rl_err err = { 0 };
		int64_t ns = 0;

		assert_int_equal(when_parse(good[i].in, NOW, &ns, &err), 0);
		assert_true(ns == good[i].ns);
	}
}

static void test_bad(void **state)
{
	static const char *const bad[] = {
		"",
		"x",
		"now",
		"1970-13-01",
		"1970-01-01T25:00",
		"1.",
		".5",
		"1.0000000001",
		"5x",
		"10m ",
		"--5m",
		"1970-01-01 00:00:00",
		"99999999999999999999",
		"1e3",
		"0x10",
		"1970-01-01T00:00:00ZZ",
	};
	char huge[256];
	int64_t ns = 7;

	(void)state;
	memset(huge, '1', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	for (size_t i = 0; i <= ARRAY_LEN(bad); i++) {
		const char *s = i < ARRAY_LEN(bad) ? bad[i] : huge;
		struct rl_err err = { 0 };

		assert_true(when_parse(s, NOW, &ns, &err) < 0);
		assert_true(ns == 7 && err.msg[0]);
	}
}

static void test_end(void **state)
{
	struct when_end e = when_end(INT64_MAX);

	(void)state;
	assert_int_equal(when_left_ms(&e), -1);
	e = when_end(wall_ns());
	assert_int_equal(when_left_ms(&e), 0);
	e = when_end(0);
	assert_int_equal(when_left_ms(&e), 0);
	e = when_end(INT64_MIN);
	assert_int_equal(when_left_ms(&e), 0);
	e = when_end(wall_ns() + 3600 * NS);
	assert_in_range(when_left_ms(&e), 3000000, 3600001);
	e.wall_ns += 365 * 86400 * NS; /* the clock was set back by a year */
	assert_in_range(when_left_ms(&e), 3000000, 3600001);
	e.mono_ms = now_ms(); /* the hour is over */
	assert_int_equal(when_left_ms(&e), 0);
	e = when_end(wall_ns() + 30 * 86400 * NS);
	assert_int_equal(when_left_ms(&e), 86400000);
	e = when_end(INT64_MAX - 1);
	assert_int_equal(when_left_ms(&e), 86400000);
	e = when_end(wall_ns() + 30 * 86400 * NS);
	e.wall_ns = 10; /* the clock was set forward */
	assert_int_equal(when_left_ms(&e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_end),
	};

	(void)setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	return cmocka_run_group_tests_name("core/base/when", tests, NULL, NULL);
}
