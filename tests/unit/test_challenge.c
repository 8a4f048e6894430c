/* SPDX-License-Identifier: Apache-2.0 */
/* test_challenge.c - storage/image/challenge: what is understood, what is refused */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/cleanup.h"
#include "storage/image/challenge.h"

static int parse(const char *s, struct challenge *c)
{
	struct rl_err err = { 0 };
	int r = challenge_parse(s, strlen(s), c, &err);

	if (r < 0)
		assert_true(err.msg[0]);
	return r;
}

static void test_bearer_with_its_parameters(void **state)
{
	auto_challenge struct challenge c = { 0 };

	(void)state;
	assert_int_equal(parse("Bearer realm=\"https://auth.docker.io/token\","
			       "service=\"registry.docker.io\" , scope=\"repository:a/b:pull\"",
			       &c),
			 0);
	assert_int_equal(c.scheme, CHALLENGE_BEARER);
	assert_string_equal(c.realm, "https://auth.docker.io/token");
	assert_string_equal(c.service, "registry.docker.io");
	assert_string_equal(c.scope, "repository:a/b:pull");
	assert_null(c.error);
}

static void test_spelling_does_not_matter(void **state)
{
	static const char *const same[] = {
		"bearer REALM=\"https://h/t\"",
		"BEARER realm = \"https://h/t\"",
		", ,Bearer\trealm=https://h/t",
		"Bearer realm=\"https:\\/\\/h\\/t\"",
		"Bearer unknown=1,realm=\"https://h/t\",other=\"x, y=z\"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		auto_challenge struct challenge c = { 0 };

		assert_int_equal(parse(same[i], &c), 0);
		assert_int_equal(c.scheme, CHALLENGE_BEARER);
		assert_string_equal(c.realm, "https://h/t");
	}
}

static void test_the_strongest_of_several_is_kept(void **state)
{
	static const char *const both[] = {
		"Basic realm=\"x\", Bearer realm=\"https://h/t\"",
		"Bearer realm=\"https://h/t\", Basic realm=\"x\"",
		"Negotiate, Basic realm=\"x\", Bearer realm=\"https://h/t\"",
		"Negotiate YWJj==, Bearer realm=\"https://h/t\"",
	};
	auto_challenge struct challenge two = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		auto_challenge struct challenge c = { 0 };

		assert_int_equal(parse(both[i], &c), 0);
		assert_int_equal(c.scheme, CHALLENGE_BEARER);
	}
	/* in headers of their own */
	assert_int_equal(parse("Basic realm=\"x\"", &two), 0);
	assert_int_equal(two.scheme, CHALLENGE_BASIC);
	assert_int_equal(parse("Bearer realm=\"https://h/t\"", &two), 0);
	assert_int_equal(two.scheme, CHALLENGE_BEARER);
	assert_int_equal(parse("Basic realm=\"y\"", &two), 0);
	assert_int_equal(two.scheme, CHALLENGE_BEARER);
	assert_string_equal(two.realm, "https://h/t");
}

static void test_unknown_schemes_are_no_error(void **state)
{
	auto_challenge struct challenge c = { 0 };

	(void)state;
	assert_int_equal(parse("", &c), 0);
	assert_int_equal(parse("Digest realm=\"x\", qop=\"auth, auth-int\"", &c), 0);
	assert_int_equal(c.scheme, CHALLENGE_NONE);
}

static void test_what_must_be_refused(void **state)
{
	static const char *const bad[] = {
		"Bearer",                                                 /* no realm */
		"Bearer realm=\"\"",                                      /* empty */
		"Bearer realm=\"file:///etc/passwd\"",                    /* no http */
		"Bearer realm=\"//h/t\"",                                 /* relative */
		"Bearer realm=\"https://\"",                              /* no host */
		"Bearer realm=\"https://registry@evil/t\"",               /* user information */
		"Bearer realm=\"https://h/t",                             /* not closed */
		"Bearer realm=\"https://h/a b\"",                         /* blank in a URL */
		"Bearer realm=\"https://h/t\r\nX: y\"",                   /* header injection */
		"Bearer realm=\"https://h/t\", realm=\"https://evil/t\"", /* which one? */
		"Bearer realm=\"https://h\\\\@evil/t\"",                  /* backslash tricks */
		"Bearer =x",
		"\x01",
		"Bearer \xff=1",
	};
	char mark[] = "mark";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct challenge c = { .service = mark };

		assert_int_equal(parse(bad[i], &c), -EINVAL);
		assert_ptr_equal(c.service, mark); /* nothing written on failure */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bearer_with_its_parameters),
		cmocka_unit_test(test_spelling_does_not_matter),
		cmocka_unit_test(test_the_strongest_of_several_is_kept),
		cmocka_unit_test(test_unknown_schemes_are_no_error),
		cmocka_unit_test(test_what_must_be_refused),
	};

	return cmocka_run_group_tests_name("storage/image/challenge", tests, NULL, NULL);
}
