/* SPDX-License-Identifier: Apache-2.0 */
/* test_buf.c - core/base/buf and strv: growth, NUL at the end, ownership */
#include "config.h"

#include <errno.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/strv.h"
#include "tests/unit/unit.h"

static void test_grows(void **state)
{
	auto_buf struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(buf_printf(&b, "%d,", i), 0);
		assert_int_equal(b.data[b.len], '\0');
		assert_int_equal(strlen(b.data), b.len);
	}
	assert_int_equal(b.len, 3890);
	assert_int_equal(buf_add(&b, "a\0b", 3), 0);
	assert_int_equal(b.len, 3893);
}

static void test_refuses_overflow(void **state)
{
	auto_buf struct buf b = { 0 };

	(void)state;
	assert_int_equal(buf_str(&b, "kept"), 0);
	assert_int_equal(buf_add(&b, "", SIZE_MAX - 1), -ENOMEM);
	assert_int_equal(buf_add(&b, "", SIZE_MAX - 4), -ENOMEM);
	assert_string_equal(b.data, "kept");
	assert_int_equal(b.len, 4);
}

static void test_take(void **state)
{
	struct buf b = { 0 };
	auto_free char *empty = buf_take(&b), *full = NULL, *s = str_printf("%s-%d", "a", 1);

	(void)state;
	assert_string_equal(empty, "");
	assert_int_equal(buf_add(&b, NULL, 0), 0);
	assert_int_equal(buf_str(&b, "x"), 0);
	full = buf_take(&b);
	assert_string_equal(full, "x");
	assert_null(b.data);
	assert_string_equal(s, "a-1");
}

static void test_strv(void **state)
{
	auto_strv struct strv l = { 0 }, c = { 0 };

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		auto_free char *s = str_printf("%zu", i);

		assert_int_equal(strv_add(&l, s), 0);
		assert_null(l.v[l.n]); /* always an argv */
	}
	assert_string_equal(l.v[99], "99");
	assert_true(strv_has(&l, "57"));
	assert_false(strv_has(&l, "100"));
	assert_int_equal(strv_copy(&c, &l), 0);
	assert_int_equal(c.n, 100);
	assert_int_equal(strv_copy(&c, &c), 0); /* doubles, and ends */
	assert_int_equal(c.n, 200);
	assert_int_equal(strv_take(&l, NULL), -ENOMEM);
}

static void test_split(void **state)
{
	static const struct {
		const char *in;
		size_t n;
		const char *first, *last;
	} t[] = {
		{ "", 1, "", "" },         { "a", 1, "a", "a" }, { ",", 2, "", "" },
		{ "a,b,,c", 4, "a", "c" }, { "a,", 2, "a", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		auto_strv struct strv l = { 0 };

		assert_int_equal(strv_split(&l, t[i].in, ','), 0);
		assert_int_equal(l.n, t[i].n);
		assert_string_equal(l.v[0], t[i].first);
		assert_string_equal(l.v[l.n - 1], t[i].last);
	}
}

static void test_env(void **state)
{
	auto_strv struct strv l = { 0 };

	(void)state;
	assert_int_equal(strv_setenv(&l, "PATH=/bin"), 0);
	assert_int_equal(strv_setenv(&l, "PATHS=x"), 0);
	assert_int_equal(strv_setenv(&l, "PATH=/usr/bin=1"), 0);
	assert_int_equal(l.n, 2);
	assert_string_equal(strv_getenv(&l, "PATH"), "/usr/bin=1");
	assert_string_equal(strv_getenv(&l, "PATHS"), "x");
	assert_null(strv_getenv(&l, "PAT"));
	assert_string_equal(l.v[0], "PATH=/usr/bin=1"); /* in place */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows), cmocka_unit_test(test_refuses_overflow),
		cmocka_unit_test(test_take),  cmocka_unit_test(test_strv),
		cmocka_unit_test(test_split), cmocka_unit_test(test_env),
	};

	return cmocka_run_group_tests_name("core/base/buf", tests, NULL, NULL);
}
