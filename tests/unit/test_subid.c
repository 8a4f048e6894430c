/* SPDX-License-Identifier: Apache-2.0 */
/* test_subid.c - core/subid: whose ranges are taken, and which are refused with their line */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/subid.h"

static const struct subid_who anna = { .name = "anna", .uid = 1001, .own_id = 1001 };

static int parse(const char *text, const struct subid_who *who, struct subids *ret,
		 struct rl_err *err)
{
	return subid_parse(text, strlen(text), "/etc/subuid", who, ret, err);
}

static void test_by_name_and_by_uid(void **state)
{
	struct subids s;
	struct rl_err err;

	(void)state;
	assert_int_equal(parse("# grants\n\nbob:100000:65536\nanna:165536:65536\n"
			       "annabel:231072:65536\n1001:300000:10\nanna:400000:0\n"
			       "broken\nbob:x:1\n",
			       &anna, &s, &err),
			 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.v[0].start, 165536);
	assert_int_equal(s.v[0].count, 65536);
	assert_int_equal(s.v[1].start, 300000);
	/* the same grant twice is one; no newline at the end */
	assert_int_equal(parse("anna:100000:65536\n1001:100000:65536", &anna, &s, &err), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(parse("bob:100000:65536\n", &anna, &s, &err), 0);
	assert_int_equal(s.n, 0);
	assert_int_equal(parse("", &anna, &s, &err), 0);
	assert_int_equal(s.n, 0);
}

static void test_dangerous_ranges_are_refused(void **state)
{
	static const struct {
		const char *in, *why;
	} bad[] = {
		{ "bob:100000:1\nanna:1000:11\n", "line 2: the range 'anna' holds your own id" },
		{ "anna:5000:10\n", "line 1: the range 'anna' holds ids below 65536" },
		{ "anna:65535:10\n", "below 65536" },
		{ "anna:4294967290:6\n", "beyond the last id" },
		{ "anna:4294967295:1\n", "beyond the last id" },
		{ "anna:100000:4294967295\n", "beyond the last id" },
		{ "anna:18446744073709551615:2\n", "user:start:count" },
		{ "anna:100000:65536\nbob:165535:65536\n", "line 2: the range 'bob' overlaps" },
		{ "bob:90000:10001\nanna:100000:65536\n", "line 1: the range 'bob' overlaps" },
		{ "anna:100000:65536\n1001:100001:65536\n", "overlaps another range of yours" },
		{ "anna:100000\n", "user:start:count" },
		{ "anna:100000:65536:1\n", "user:start:count" },
		{ "anna::65536\n", "user:start:count" },
		{ "anna:-1:65536\n", "user:start:count" },
		{ "anna\n", "user:start:count" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct subids s = { .n = 7 };
		struct rl_err err = { 0 };

		assert_int_equal(parse(bad[i].in, &anna, &s, &err), -EINVAL);
		assert_non_null(strstr(err.msg, bad[i].why));
		assert_non_null(strstr(err.msg, "'/etc/subuid' line"));
		assert_int_equal(s.n, 7); /* untouched on failure */
	}
}

/* A user of a container that has its own, low range (as images of container tools do). */
static void test_nested(void **state)
{
	const struct subid_who who = {
		.name = "podman", .uid = 1000, .own_id = 1000, .low_ok = true
	};
	struct subids s;
	struct rl_err err;

	(void)state;
	assert_int_equal(parse("podman:1:999\npodman:1001:64535\n", &who, &s, &err), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(parse("podman:1:1000\n", &who, &s, &err), -EINVAL);
}

static void test_size(void **state)
{
	auto_buf struct buf b = { 0 };
	struct subids s;
	struct rl_err err = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(buf_printf(&b, "u%u:%u:1\n", i, 100000 + i), 0);
	assert_int_equal(subid_parse(b.data, b.len, "/etc/subuid", &anna, &s, &err), -E2BIG);
	assert_non_null(strstr(err.msg, "line 65537"));
	b.len = 0;
	for (unsigned i = 0; i < 40; i++) /* more ranges than a map of rl holds: the first ones */
		assert_int_equal(buf_printf(&b, "anna:%u:1\n", 100000 + i), 0);
	assert_int_equal(subid_parse(b.data, b.len, "/etc/subuid", &anna, &s, &err), 0);
	assert_int_equal(s.n, ARRAY_LEN(s.v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_name_and_by_uid),
		cmocka_unit_test(test_dangerous_ranges_are_refused),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests_name("core/subid", tests, NULL, NULL);
}
