/* SPDX-License-Identifier: Apache-2.0 */
/* test_auth.c - storage/auth: which login of a file is taken, and what must be refused */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/cleanup.h"
#include "storage/auth.h"

static int find(const char *text, const char *name, struct login *l, char **helper)
{
	auto_ref struct ref ref = { 0 };
	struct rl_err err = { 0 };
	int r;

	assert_int_equal(ref_parse(name, strlen(name), &ref, &err), 0);
	r = auth_find_in(text, strlen(text), "FILE", &ref, l, helper, &err);
	if (r < 0) {
		assert_non_null(strstr(err.msg, "FILE"));
		assert_null(strstr(err.msg, "secret"));
	}
	return r;
}

static void test_the_longest_key_wins(void **state)
{
	/* a:host b:ns c:repo d:hub, each with "secret" */
	static const char text[] = "{\"auths\":{\"reg.example:5000\":{\"auth\":\"YTpzZWNyZXQ=\"},"
				   "\"reg.example:5000/ns\":{\"auth\":\"YjpzZWNyZXQ=\"},"
				   "\"reg.example:5000/ns/repo\":{\"auth\":\"YzpzZWNyZXQ=\"},"
				   "\"https://index.docker.io/v1/\":{\"auth\":\"ZDpzZWNyZXQ=\"}}}";
	static const struct {
		const char *name, *user;
	} want[] = {
		{ "reg.example:5000/x", "a" },
		{ "reg.example:5000/ns/x", "b" },
		{ "reg.example:5000/ns/repo", "c" },
		{ "reg.example:5000/ns/repo/deeper", "c" },
		{ "reg.example:5000/nsx/repo", "a" },
		{ "reg.example/ns/repo", NULL },
		{ "alpine", "d" },
		{ "docker.io/me/app:1", "d" },
		{ "sub.reg.example:5000/ns/repo", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		auto_login struct login l = { 0 };
		auto_free char *helper = NULL;

		assert_int_equal(find(text, want[i].name, &l, &helper), want[i].user != NULL);
		assert_null(helper);
		if (want[i].user) {
			assert_string_equal(l.user, want[i].user);
			assert_string_equal(l.password, "secret");
			assert_string_equal(l.from, "FILE");
		} else {
			assert_null(l.user);
		}
	}
}

static void test_twins_are_hosts_with_the_same_login(void **state)
{
	static const char text[] = "{\"auths\":{\"reg.example\":{\"auth\":\"YTpzZWNyZXQ=\"},"
				   "\"auth.example\":{\"auth\":\"YTpzZWNyZXQ=\"},"
				   "\"other.example\":{\"auth\":\"YjpzZWNyZXQ=\"}}}";
	auto_login struct login l = { 0 };
	auto_free char *helper = NULL;

	(void)state;
	assert_int_equal(find(text, "reg.example/x", &l, &helper), 1);
	assert_int_equal(l.twins.n, 1);
	assert_string_equal(l.twins.v[0], "auth.example");
}

static void test_other_shapes(void **state)
{
	static const char token[] = "{\"auths\":{\"r.example\":{\"auth\":\"PHRva2VuPjo=\","
				    "\"identitytoken\":\"secret\"}}}";
	static const char old[] = "{\"r.example\":{\"auth\":\"YTpzZWNyZXQ=\",\"email\":\"x@y\"}}";
	static const char plain[] =
		"{\"auths\":{\"r.example\":{\"username\":\"a\",\"password\":\"secret\"}}}";
	auto_login struct login a = { 0 }, b = { 0 }, c = { 0 };
	auto_free char *helper = NULL;

	(void)state;
	assert_int_equal(find(token, "r.example/x", &a, &helper), 1);
	assert_string_equal(a.refresh_token, "secret");
	assert_null(a.user);
	assert_int_equal(find(old, "r.example/x", &b, &helper), 1);
	assert_string_equal(b.user, "a");
	assert_int_equal(find(plain, "r.example/x", &c, &helper), 1);
	assert_string_equal(c.password, "secret");
}

static void test_helpers(void **state)
{
	static const char text[] = "{\"auths\":{\"r.example\":{}},\"credHelpers\":{\"r.example\":"
				   "\"pass\"},\"credsStore\":\"secretservice\"}";
	auto_login struct login l = { 0 };
	auto_free char *a = NULL, *b = NULL, *c = NULL;

	(void)state;
	assert_int_equal(find(text, "r.example/x", &l, &a), 0);
	assert_string_equal(a, "pass");
	assert_int_equal(find(text, "s.example/x", &l, &b), 0);
	assert_string_equal(b, "secretservice");
	assert_int_equal(find("{\"credsStore\":\"../../bin/sh\"}", "s.example/x", &l, &c), -EINVAL);
	assert_null(c);
}

static void test_malformed_files(void **state)
{
	static const char *const bad[] = {
		"{",
		"{\"auths\":[]}",
		"{\"auths\":{\"r.example\":{\"auth\":\"%%%\"}}}",
		"{\"auths\":{\"r.example\":{\"auth\":\"c2VjcmV0\"}}}", /* no colon */
		"{\"auths\":{\"r.example\":{\"auth\":\"AAAA\"}}}",     /* NULs */
		"{\"auths\":{\"r.example\":{\"auth\":7}}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct login l = { 0 };
		char *helper = NULL;

		assert_int_equal(find(bad[i], "r.example/x", &l, &helper), -EINVAL);
		assert_null(l.user);
	}
}

static void test_creds(void **state)
{
	auto_login struct login l = { 0 };
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(auth_parse_creds("me:pass:word", &l, &err), 0);
	assert_string_equal(l.user, "me");
	assert_string_equal(l.password, "pass:word");
	assert_int_equal(auth_parse_creds("secret", &l, &err), -EINVAL);
	assert_null(strstr(err.msg, "secret"));
	assert_int_equal(auth_parse_creds(":x", &l, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_longest_key_wins),
		cmocka_unit_test(test_twins_are_hosts_with_the_same_login),
		cmocka_unit_test(test_other_shapes),
		cmocka_unit_test(test_helpers),
		cmocka_unit_test(test_malformed_files),
		cmocka_unit_test(test_creds),
	};

	return cmocka_run_group_tests_name("storage/auth", tests, NULL, NULL);
}
