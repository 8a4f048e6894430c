/* SPDX-License-Identifier: Apache-2.0 */
/* test_platform.c - storage/platform: names, normal form, choice among several builds */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/cleanup.h"
#include "storage/platform.h"

static void test_normal_form(void **state)
{
	static const char *const pairs[][2] = {
		{ "linux/arm64/v8", "linux/arm64" }, { "linux/x86_64", "linux/amd64" },
		{ "arm64", "linux/arm64" },          { "aarch64", "linux/arm64" },
		{ "linux/arm", "linux/arm/v7" },     { "linux/arm/6", "linux/arm/v6" },
		{ "armhf", "linux/arm/v7" },         { "linux/amd64/v3", "linux/amd64/v3" },
		{ "Linux/AMD64/v1", "linux/amd64" }, { "windows/amd64", "windows/amd64" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct platform p;
		struct rl_err err = { 0 };
		char text[PLATFORM_TEXT_MAX];

		assert_int_equal(platform_parse(pairs[i][0], &p, &err), 0);
		platform_print(&p, text);
		assert_string_equal(text, pairs[i][1]);
	}
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"/",
		"linux/",
		"linux/amd64/v1/x",
		"linux/sparc",
		"beos/amd64",
		"amd64/linux",
		"linux/amd64/\x1b[2J",
		"linux/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct platform p;
		struct rl_err err = { 0 };

		if (platform_parse(bad[i], &p, &err) != -EINVAL)
			fail_msg("'%s' was accepted", bad[i]);
	}
}

static void test_host_matches_itself(void **state)
{
	struct platform p;

	(void)state;
	platform_host(&p);
	assert_string_equal(p.os, "linux");
	assert_true(platform_score(&p, &p) > 0);
}

static int best(const char *want, const char *const *have, size_t n)
{
	struct platform v[8], w;
	struct rl_err err = { 0 };

	assert_int_equal(platform_parse(want, &w, &err), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(platform_parse(have[i], &v[i], &err), 0);
	return platform_best(v, n, &w);
}

static void test_best(void **state)
{
	static const char *const many[] = { "linux/amd64", "linux/arm/v5", "linux/arm/v7",
					    "linux/arm64", "linux/386",    "linux/amd64/v2" };
	struct platform unknown, amd;

	(void)state;
	assert_int_equal(best("linux/amd64", many, 6), 0);
	assert_int_equal(best("linux/amd64/v3", many, 6), 5);
	assert_int_equal(best("linux/arm/v7", many, 6), 2);
	assert_int_equal(best("linux/arm/v6", many, 6), 1);
	assert_int_equal(best("linux/arm64/v8", many, 6), 3);
	assert_int_equal(best("linux/arm64/v9", many, 6), 3);
	assert_int_equal(best("linux/s390x", many, 6), -ENOENT);
	assert_int_equal(best("linux/amd64", many + 5, 1), -ENOENT); /* needs newer hardware */
	platform_set(&unknown, "unknown", "unknown", NULL);          /* attestations in an index */
	platform_set(&amd, "linux", "amd64", "");
	assert_int_equal(platform_score(&unknown, &amd), 0);
	assert_int_equal(platform_score(&unknown, &unknown), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normal_form),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_host_matches_itself),
		cmocka_unit_test(test_best),
	};

	return cmocka_run_group_tests_name("storage/platform", tests, NULL, NULL);
}
