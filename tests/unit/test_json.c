/* SPDX-License-Identifier: Apache-2.0 */
/* test_json.c - core/base/json: limits first, duplicates, typed getters */
#include "config.h"

#include <errno.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "tests/unit/unit.h"

static int read_text(const char *s, json_t **ret, struct rl_err *err)
{
	return json_read(s, strlen(s), 4096, "manifest of 'x'", ret, err);
}

static void test_refused(void **state)
{
	static const struct {
		const char *in, *why;
	} bad[] = {
		{ "", "not valid JSON" },
		{ "{\"a\":1,\"a\":2}", "duplicate" },
		{ "{\"a\":{\"b\":1,\"b\":1}}", "duplicate" },
		{ "{} {}", "not valid JSON" },
		{ "{\"a\":\"\xff\"}", "not valid JSON" },
		{ "{\"a\":\"\\u0000\"}", "not valid JSON" },
		{ "{\"a\\u0000b\":1}", "not valid JSON" },
		{ "{\"a\":\"\\ud800\"}", "not valid JSON" },
		{ "{\"a\":1e999}", "not valid JSON" },
		{ "{\"a\":99999999999999999999}", "not valid JSON" },
		{ "{\"a\":NaN}", "not valid JSON" },
		{ "{\"a\":1,}", "not valid JSON" },
		{ "\"text\"", "not valid JSON" },
		{ "{\"a\":\"line\nbreak\"}", "not valid JSON" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		json_t *j = NULL;
		struct rl_err err = { 0 };

		assert_int_equal(read_text(bad[i].in, &j, &err), -EINVAL);
		assert_non_null(strstr(err.msg, bad[i].why));
		assert_non_null(strstr(err.msg, "manifest of 'x'"));
		assert_null(j); /* nothing written on failure */
	}
}

static void test_nul_byte(void **state)
{
	struct rl_err err = { 0 };
	json_t *j = NULL;

	(void)state;
	assert_int_equal(json_read("{}\0", 3, 100, "x", &j, &err), -EINVAL);
	assert_int_equal(json_read("{\"a\0\":1}", 8, 100, "x", &j, &err), -EINVAL);
}

static void test_limits(void **state)
{
	char deep[2 * JSON_DEPTH_MAX + 2];
	json_auto_t *j = NULL;
	struct rl_err err = { 0 };

	(void)state;
	memset(deep, '[', JSON_DEPTH_MAX);
	memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	assert_int_equal(json_read(deep, 2 * JSON_DEPTH_MAX, 4096, "x", &j, &err), 0);
	memset(deep, '[', JSON_DEPTH_MAX + 1);
	memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	assert_int_equal(json_read(deep, sizeof(deep), 4096, "x", &j, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "nested deeper"));
	assert_int_equal(json_read("{\"a\":1}", 7, 6, "x", &j, &err), -EFBIG);
	json_decref(j);
	j = NULL;
	/* brackets in strings are text, escaped quotes do not end them */
	assert_int_equal(read_text("{\"[[[[\\\"[[[[\":\"\\\\\",\"b\":[]}", &j, &err), 0);
}

static void test_getters(void **state)
{
	static const char text[] =
		"{\"s\":\"x\",\"i\":-7,\"t\":true,\"o\":{\"k\":1},\"a\":[\"p\",\"q\"],"
		"\"mixed\":[\"p\",1],\"null\":null}";
	json_auto_t *j = NULL;
	struct rl_err err = { 0 };
	const char *s = "old";
	int64_t i = 1;
	bool b = false;
	json_t *o = NULL, *a = NULL;

	(void)state;
	assert_int_equal(read_text(text, &j, &err), 0);
	assert_int_equal(json_get_str(j, "s", "x", &s, &err), 0);
	assert_string_equal(s, "x");
	assert_int_equal(json_get_int(j, "i", "x", &i, &err), 0);
	assert_int_equal(i, -7);
	assert_int_equal(json_get_bool(j, "t", "x", &b, &err), 0);
	assert_true(b);
	assert_int_equal(json_get_obj(j, "o", "x", &o, &err), 0);
	assert_non_null(o);
	assert_int_equal(json_get_arr(j, "a", "x", &a, &err), 0);
	assert_int_equal(json_check_strings(a, "x", &err), 0);
	assert_int_equal(json_check_strings(json_object_get(j, "mixed"), "list", &err), -EINVAL);
	assert_non_null(strstr(err.msg, "entry 1"));
	/* wrong types are told, missing and null are the default */
	assert_int_equal(json_get_str(j, "i", "thing", &s, &err), -EINVAL);
	assert_string_equal(err.msg, "thing: 'i' is not a string");
	assert_int_equal(json_get_int(j, "s", "thing", &i, &err), -EINVAL);
	assert_int_equal(json_get_bool(j, "i", "thing", &b, &err), -EINVAL);
	assert_int_equal(json_get_obj(j, "a", "thing", &o, &err), -EINVAL);
	assert_int_equal(json_get_arr(j, "o", "thing", &a, &err), -EINVAL);
	assert_int_equal(json_get_str(j, "null", "x", &s, &err), 0);
	assert_null(s);
	assert_int_equal(json_get_int(NULL, "i", "x", &i, &err), 0);
	assert_int_equal(i, 0);
}

static void test_files(void **state)
{
	char path[256];
	auto_fd int dir = scratch_make(path);
	json_auto_t *j = NULL, *again = NULL;
	struct rl_err err = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(read_text("{\"b\":1,\"a\":[true]}", &j, &err), 0);
	assert_int_equal(json_write_file(dir, "f.json", j, true, &err), 0);
	assert_int_equal(fstatat(dir, "f.json", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(json_read_file(dir, "f.json", 4096, &again, &err), 0);
	assert_true(json_equal(j, again));
	put_file(dir, "cut.json", "{\"a\":");
	assert_int_equal(json_read_file(dir, "cut.json", 4096, &again, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "cut.json"));
	put_file(dir, "empty.json", "");
	assert_int_equal(json_read_file(dir, "empty.json", 4096, &again, &err), -EINVAL);
	assert_int_equal(json_read_file(dir, "f.json", 3, &again, &err), -EFBIG);
	assert_int_equal(json_read_file(dir, "none.json", 3, &again, &err), -ENOENT);
	assert_int_equal(io_remove_tree(AT_FDCWD, path, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused), cmocka_unit_test(test_nul_byte),
		cmocka_unit_test(test_limits),  cmocka_unit_test(test_getters),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests_name("core/base/json", tests, NULL, NULL);
}
