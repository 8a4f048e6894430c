/* SPDX-License-Identifier: Apache-2.0 */
/* test_toml.c - storage/toml: what the specification allows and what it forbids */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/cleanup.h"
#include "storage/toml.h"

static struct toml *parse(const char *text)
{
	struct toml *t = NULL;
	struct rl_err err = { 0 };

	if (toml_parse(text, strlen(text), "f", &t, &err) < 0)
		fail_msg("%s", err.msg);
	return t;
}

static void test_values(void **state)
{
	auto_toml struct toml *t = parse(
		"a = 1 # one\r\n\"b c\" = 'x\\y'\nd=\"\\u00e9\\t\\\"\"\ne = [1, 'two', [true,],\n"
		" # comment\n false]\nf = -1_000\ng = 1.5\nh = 1979-05-27T07:32:00Z\n"
		"i = {x = 1, y.z = 2}\nj = \"\"\"\nline\\\n   joined\"\"\"\"\nk = ''\n");

	(void)state;
	assert_int_equal(toml_get(t, "a")->i, 1);
	assert_string_equal(toml_get(t, "b c")->str, "x\\y");
	assert_string_equal(toml_get(t, "d")->str, "\xc3\xa9\t\"");
	assert_int_equal(toml_get(t, "e")->n, 4);
	assert_string_equal(toml_get(t, "e")->v[1]->str, "two");
	assert_int_equal(toml_get(t, "e")->v[2]->v[0]->type, TOML_BOOL);
	assert_int_equal(toml_get(t, "e")->v[3]->line, 6);
	assert_int_equal(toml_get(t, "f")->i, -1000);
	assert_int_equal(toml_get(t, "g")->type, TOML_OTHER);
	assert_string_equal(toml_get(t, "h")->str, "1979-05-27T07:32:00Z");
	assert_int_equal(toml_get(toml_get(toml_get(t, "i"), "y"), "z")->i, 2);
	assert_string_equal(toml_get(t, "j")->str, "linejoined\"");
	assert_string_equal(toml_get(t, "k")->str, "");
	assert_null(toml_get(t, "none"));
}

static void test_tables(void **state)
{
	auto_toml struct toml *t = parse("[a.b]\nx = 1\n[a]\ny = 2\n[[r]]\nn = 1\n[[r.m]]\nz = 1\n"
					 "[[r.m]]\nz = 2\n[[r]]\nn = 2\n[r.sub]\nq = 1\n");
	const struct toml *r = toml_get(t, "r");

	(void)state;
	assert_int_equal(toml_get(toml_get(toml_get(t, "a"), "b"), "x")->i, 1);
	assert_int_equal(toml_get(toml_get(t, "a"), "y")->i, 2);
	assert_int_equal(r->n, 2);
	assert_int_equal(toml_get(r->v[0], "m")->n, 2);
	assert_null(toml_get(r->v[1], "m"));
	assert_int_equal(toml_get(toml_get(r->v[1], "sub"), "q")->line, 14);
}

static void test_refused(void **state)
{
	static const struct {
		const char *in, *why;
	} bad[] = {
		{ "a = 1\na = 2\n", "f line 2: 'a' is already defined on line 1" },
		{ "[a]\n[a]\n", "already defined" },
		{ "a = 1\n[a]\n", "already defined" },
		{ "[[a]]\n[a]\n", "already defined" },
		{ "a = []\n[[a]]\n", "already defined" },
		{ "a = {x=1}\na.y = 2\n", "cannot be extended" },
		{ "a = {x=1}\n[a.y]\n", "cannot be extended" },
		{ "a = {}\na.y = 2\n", "cannot be extended" },
		{ "[a.b]\nx=1\n[a]\nb.y=2\n", "cannot be extended" },
		{ "a\n", "expected '='" },
		{ "= 1\n", "expected a key" },
		{ "a = \n", "expected a value" },
		{ "a = hello\n", "text needs quotes" },
		{ "a = 1 b = 2\n", "where the line should end" },
		{ "a = \"x\n\"\n", "string without end" },
		{ "a = 'x", "string without end" },
		{ "a = '''x''", "string without end" },
		{ "a = \"\\q\"\n", "unknown escape" },
		{ "a = \"\\u12\"\n", "too few hex digits" },
		{ "a = \"\\u0000\"\n", "NUL" },
		{ "a = \"\\ud800\"\n", "Unicode" },
		{ "a = \"\x01\"\n", "control byte" },
		{ "a = \"\xff\"\n", "not UTF-8" },
		{ "a = \"\xc0\x80\"\n", "not UTF-8" },
		{ "# \x1b\n", "control byte" },
		{ "[a\n", "expected ']'" },
		{ "[[a]\n", "expected ']'" },
		{ "[]\n", "expected a key" },
		{ "a = [1 2]\n", "expected ',' or ']'" },
		{ "a = [,]\n", "expected a value" },
		{ "a = {x=1 y=2}\n", "expected ',' or '}'" },
		{ "a = {x=1,}\n", "expected a key" },
		{ "a = [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n", "nested too deep" },
		{ "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 1\n", "too many parts" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct rl_err err = { 0 };
		struct toml *t = NULL;

		assert_true(toml_parse(bad[i].in, strlen(bad[i].in), "f", &t, &err) < 0);
		if (!strstr(err.msg, bad[i].why))
			fail_msg("case %zu: %s", i, err.msg);
		assert_null(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("storage/toml", tests, NULL, NULL);
}
