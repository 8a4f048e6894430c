/* SPDX-License-Identifier: Apache-2.0 */
/* test_restart.c - core/restart: policies from text and back, the pauses between restarts */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/restart.h"
#include "tests/unit/unit.h"

static void test_policies_survive_a_round_trip(void **state)
{
	static const struct {
		const char *in, *out;
	} good[] = {
		{ "no", "no" },
		{ "never", "no" },
		{ "", "no" },
		{ NULL, "no" },
		{ "on-failure", "on-failure" },
		{ "on-failure:0", "on-failure" },
		{ "on-failure:3", "on-failure:3" },
		{ "always", "always" },
		{ "unless-stopped", "unless-stopped" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct restart_policy p = { RESTART_ALWAYS, 9 };
		struct rl_err err = { 0 };
		char text[RESTART_TEXT];

		assert_int_equal(restart_parse(good[i].in, &p, &err), 0);
		restart_print(&p, text);
		assert_string_equal(text, good[i].out);
	}
}

static void test_bad_policies_are_refused(void **state)
{
	static const char *const bad[] = {
		"sometimes", "on-failure:", "on-failure:x",          "on-failure:-1",
		"always:3",  "ALWAYS",      "on-failure:99999999999"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct restart_policy p = { RESTART_ALWAYS, 9 };
		struct rl_err err = { 0 };

		assert_int_equal(restart_parse(bad[i], &p, &err), -EINVAL);
		assert_non_null(strstr(err.msg, bad[i]));
		assert_int_equal(p.max, 9); /* nothing written on failure */
	}
}

static void test_pauses_double_up_to_a_minute(void **state)
{
	static const int want[] = { 100,  200,   400,   800,   1600,  3200,
				    6400, 12800, 25600, 51200, 60000, 60000 };
	const struct restart_policy p = { RESTART_ALWAYS, 0 };
	struct restart_state st = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_int_equal(restart_next(&st, &p, 0, 5), want[i]);
	assert_int_equal(st.count, ARRAY_LEN(want));
	/* a good run takes the pause back, not the count */
	assert_int_equal(restart_next(&st, &p, 1, RESTART_GOOD_MS), 100);
	assert_int_equal(restart_next(&st, &p, 1, RESTART_GOOD_MS - 1), 200);
	assert_int_equal(st.count, ARRAY_LEN(want) + 2);
}

static void test_each_policy_knows_its_ends(void **state)
{
	const struct restart_policy no = { RESTART_NO, 0 }, fail = { RESTART_ON_FAILURE, 2 },
				    any = { RESTART_ON_FAILURE, 0 },
				    unless = { RESTART_UNLESS_STOPPED, 0 };
	struct restart_state st = { 0 };

	(void)state;
	assert_int_equal(restart_next(&st, &no, 1, 0), -1);
	assert_int_equal(restart_next(&st, &fail, 0, 0), -1);
	assert_int_equal(st.count, 0);
	assert_int_equal(restart_next(&st, &fail, -1, 0), 100); /* ended by --timeout */
	assert_int_equal(restart_next(&st, &fail, 137, 0), 200);
	assert_int_equal(restart_next(&st, &fail, 1, 0), -1);
	assert_int_equal(st.count, 2);
	assert_int_equal(restart_next(&st, &any, 1, 0), 400);
	assert_int_equal(restart_next(&st, &unless, 0, 0), 800);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policies_survive_a_round_trip),
		cmocka_unit_test(test_bad_policies_are_refused),
		cmocka_unit_test(test_pauses_double_up_to_a_minute),
		cmocka_unit_test(test_each_policy_knows_its_ends),
	};

	return cmocka_run_group_tests_name("core/restart", tests, NULL, NULL);
}
