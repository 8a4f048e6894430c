/* SPDX-License-Identifier: Apache-2.0 */
/* test_parse.c - core/base/parse: numbers, sizes, durations, signals; and all that must be refused */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/cleanup.h"
#include "core/base/parse.h"

static void test_uint(void **state)
{
	static const char *const bad[] = { "",   " 1",  "1 ",  "-1",
					   "+1", "0x1", "1e3", "18446744073709551616" };
	uint64_t v = 7;

	(void)state;
	assert_int_equal(parse_uint("4294967295", UINT32_MAX, &v), 0);
	assert_int_equal(v, UINT32_MAX);
	assert_int_equal(parse_uint("4294967296", UINT32_MAX, &v), -ERANGE);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_true(parse_uint(bad[i], UINT64_MAX, &v) < 0);
	assert_int_equal(v, UINT32_MAX); /* untouched on failure */
}

static void test_size(void **state)
{
	static const struct {
		const char *in;
		int64_t out;
	} good[] = {
		{ "0", 0 },           { "64m", 64 << 20 },
		{ "64MB", 64 << 20 }, { "64MiB", 64 << 20 },
		{ "1.5g", 3 << 29 },  { "10b", 10 },
		{ "1k", 1024 },       { ".5k", 512 },
	};
	static const char *const bad[] = {
		"", "m", "-1", "1x", "1.2.3k", "1 m", "99999999999999t", "1bb"
	};
	int64_t v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(parse_size(good[i].in, &v), 0);
		assert_int_equal(v, good[i].out);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_true(parse_size(bad[i], &v) < 0);
}

static void test_nano_and_duration(void **state)
{
	int64_t v;

	(void)state;
	assert_int_equal(parse_nano("0.5", &v), 0);
	assert_int_equal(v, 500000000);
	assert_true(parse_nano("1,5", &v) < 0);
	assert_int_equal(parse_duration_ms("1h30m", &v), 0);
	assert_int_equal(v, 5400000);
	assert_int_equal(parse_duration_ms("300ms", &v), 0);
	assert_int_equal(v, 300);
	assert_int_equal(parse_duration_ms("1.5s", &v), 0);
	assert_int_equal(v, 1500);
	assert_int_equal(parse_duration_ms("10", &v), 0);
	assert_int_equal(v, 10000);
	assert_true(parse_duration_ms("", &v) < 0);
	assert_true(parse_duration_ms("5x", &v) < 0);
	assert_true(parse_duration_ms("1..5s", &v) < 0);
}

static void test_signal(void **state)
{
	int s;

	(void)state;
	assert_int_equal(parse_signal("TERM", &s), 0);
	assert_int_equal(s, 15);
	assert_int_equal(parse_signal("sigkill", &s), 0);
	assert_int_equal(s, 9);
	assert_int_equal(parse_signal("RTMIN+3", &s), 0);
	assert_int_equal(s, 37);
	assert_int_equal(parse_signal("2", &s), 0);
	assert_int_equal(s, 2);
	assert_int_equal(parse_signal("-1", &s), 0);
	assert_int_equal(s, 1);
	assert_int_equal(parse_signal("-SIGUSR1", &s), 0);
	assert_int_equal(s, 10);
	assert_int_equal(parse_signal("SIGRTMAX-2", &s), 0);
	assert_int_equal(s, 62);
	assert_true(parse_signal("--1", &s) < 0);
	assert_true(parse_signal("-", &s) < 0);
	assert_true(parse_signal("RTMAX-31", &s) < 0);
	assert_true(parse_signal("0", &s) < 0);
	assert_true(parse_signal("65", &s) < 0);
	assert_true(parse_signal("NOPE", &s) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uint),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_nano_and_duration),
		cmocka_unit_test(test_signal),
	};

	return cmocka_run_group_tests_name("core/base/parse", tests, NULL, NULL);
}
