/* SPDX-License-Identifier: Apache-2.0 */
/* test_skel.c - contrib/skeleton/skel: what is taken, and everything that must be refused */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h> /* needs the headers above */

#include "contrib/skeleton/skel.h"
#include "core/base/cleanup.h"

static void test_good(void **state)
{
	auto_skel struct skel s = { 0 };
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(skel_parse("a=7", 3, &s, &err), 0);
	assert_string_equal(s.word, "a");
	assert_int_equal(s.number, 7);
}

static void test_bad(void **state)
{
	static const struct {
		const char *in, *why; /* why: words the user must see */
	} bad[] = {
		{ "", "no pair" },
		{ "=1", "no pair" },
		{ "a=", "not a number" },
		{ "a=-1", "not a number" },
		{ "a=4294967296", "not a number" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct skel s = { .number = 3 };
		struct rl_err err = { 0 };

		assert_int_equal(skel_parse(bad[i].in, strlen(bad[i].in), &s, &err), -EINVAL);
		assert_non_null(strstr(err.msg, bad[i].why));
		assert_int_equal(s.number, 3); /* nothing written on failure */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests_name("contrib/skeleton/skel", tests, NULL, NULL);
}
