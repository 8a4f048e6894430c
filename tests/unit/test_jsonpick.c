/* SPDX-License-Identifier: Apache-2.0 */
/* test_jsonpick.c - core/base/jsonpick: members found, values of each kind, all of it checked */
#include "config.h"

#include <errno.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/jsonpick.h"
#include "tests/unit/unit.h"

static int pick(const char *s, struct json_pick *p, size_t n, struct rl_err *err)
{
	return json_pick((struct json_text){ s, strlen(s) }, "record of 'x'", p, n, err);
}

static void test_members_are_found(void **state)
{
	struct json_pick p[] = { { .key = "name" }, { .key = "n" },   { .key = "yes" },
				 { .key = "list" }, { .key = "obj" }, { .key = "none" },
				 { .key = "na" } };
	json_auto_t *obj = NULL;
	struct rl_err err = { 0 };
	char out[32];

	(void)state;
	assert_int_equal(
		pick(" {\"x\":{\"name\":\"inner\"}, \"name\" : \"a b\",\"n\":-12,\"yes\":true,"
		     "\"list\":[1,\"]\",[2]],\"obj\":{\"k\":\"v\"},\"null\":null}\n",
		     p, ARRAY_LEN(p), &err),
		0);
	assert_string_equal(json_text_copy(p[0].v, out, sizeof(out)), "a b");
	assert_string_equal(json_text_copy(p[0].v, out, 2), "a");
	assert_int_equal(json_text_int(p[1].v), -12);
	assert_true(json_text_is_true(p[2].v));
	obj = json_text_tree(p[4].v);
	assert_string_equal(json_string_value(json_object_get(obj, "k")), "v");
	assert_null(p[5].v.p);
	assert_null(p[6].v.p); /* the beginning of a key is not the key */
}

static void test_wrong_kinds_are_nothing(void **state)
{
	struct json_pick p[] = { { .key = "a" }, { .key = "b" } };
	struct rl_err err = { 0 };
	char out[8];

	(void)state;
	assert_int_equal(pick("{\"a\":\"1\"}", p, ARRAY_LEN(p), &err), 0);
	assert_int_equal(json_text_int(p[0].v), 0);
	assert_false(json_text_is_true(p[0].v));
	assert_int_equal(pick("{\"a\":1}", p, ARRAY_LEN(p), &err), 0);
	assert_string_equal(json_text_copy(p[0].v, out, sizeof(out)), "");
	assert_int_equal(json_text_int(p[1].v), 0);
	assert_false(json_text_is_true(p[1].v));
	assert_string_equal(json_text_copy(p[1].v, out, sizeof(out)), "");
	assert_null(json_text_tree(p[1].v));
}

static void test_texts_are_decoded(void **state)
{
	struct json_pick p = { .key = "a" };
	struct rl_err err = { 0 };
	char out[32];

	(void)state;
	assert_int_equal(pick("{\"a\":\"\\u00e4\\n\\\"}\"}", &p, 1, &err), 0);
	assert_string_equal(json_text_copy(p.v, out, sizeof(out)), "\xc3\xa4\n\"}");
	assert_int_equal(pick("{\"a\":\"\xc3\xa4\"}", &p, 1, &err), 0);
	assert_string_equal(json_text_copy(p.v, out, sizeof(out)), "\xc3\xa4");
	assert_int_equal(pick("{\"a\":9223372036854775807}", &p, 1, &err), 0);
	assert_true(json_text_int(p.v) == INT64_MAX);
	assert_int_equal(pick("{\"a\":-9223372036854775808}", &p, 1, &err), 0);
	assert_true(json_text_int(p.v) == INT64_MIN);
}

static void test_items(void **state)
{
	struct json_pick p = { .key = "a" };
	struct rl_err err = { 0 };
	struct json_text item;
	int n = 0;

	(void)state;
	assert_int_equal(pick("{\"a\":[ 1 , [\",\"],{\"b\":[2]} ]}", &p, 1, &err), 0);
	for (; json_text_next(&p.v, &item); n++)
		assert_int_equal(*item.p, "1[{"[n]);
	assert_int_equal(n, 3);
	assert_int_equal(pick("{\"a\":[]}", &p, 1, &err), 0);
	assert_false(json_text_next(&p.v, &item));
	assert_int_equal(pick("{\"a\":{}}", &p, 1, &err), 0);
	assert_false(json_text_next(&p.v, &item));
	assert_int_equal(pick("{}", &p, 1, &err), 0);
	assert_false(json_text_next(&p.v, &item));
}

static void test_kinds(void **state)
{
	struct json_pick p[] = { { .key = "s" }, { .key = "i" }, { .key = "a" } };
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(pick("{\"s\":\"x\",\"i\":-1,\"a\":[]}", p, 3, &err), 0);
	assert_int_equal(json_pick_kinds(p, 3, "sia", "w", &err), 0);
	assert_int_equal(pick("{\"s\":null,\"i\":null}", p, 3, &err), 0);
	assert_int_equal(json_pick_kinds(p, 3, "sia", "w", &err), 0);
	assert_null(p[0].v.p); /* null is missing */
	assert_int_equal(pick("{\"s\":1}", p, 3, &err), 0);
	assert_int_equal(json_pick_kinds(p, 3, "sia", "w", &err), -EINVAL);
	assert_string_equal(err.msg, "w: 's' is not a string");
	assert_int_equal(pick("{\"i\":1.0}", p, 3, &err), 0);
	assert_int_equal(json_pick_kinds(p, 3, "sia", "w", &err), -EINVAL);
	assert_int_equal(pick("{\"a\":{}}", p, 3, &err), 0);
	assert_int_equal(json_pick_kinds(p, 3, "sia", "w", &err), -EINVAL);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{",
		"{} {}",
		"{\"b\":1,}",
		"{\"b\" 1}",
		"{b:1}",
		"{\"b\":[1,]}",
		"{\"b\":[1}",
		"{\"b\":tru}",
		"{\"b\":01}",
		"{\"b\":-}",
		"{\"b\":1e999}",
		"{\"b\":99999999999999999999}",
		"{\"b\":\"\xff\"}",
		"{\"b\":\"\\u0000\"}",
		"{\"b\":\"\\x\"}",
		"{\"b\":\"\\ud800\"}",
		"{\"b\":\"line\nbreak\"}",
		"{\"a\":1,\"a\":2}",
		"{\"b\":\"",
		"{\"b\":\"\\",
	};
	char deep[2 * (JSON_DEPTH_MAX + 2)];
	struct rl_err err = { 0 };
	struct json_pick p = { .key = "a" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(pick(bad[i], &p, 1, &err), -EINVAL);
		assert_non_null(strstr(err.msg, "record of 'x'"));
	}
	memset(deep, '[', sizeof(deep));
	memcpy(deep, "{\"b\":", 5);
	deep[sizeof(deep) - 1] = '\0';
	assert_int_equal(pick(deep, &p, 1, &err), -EINVAL);
	assert_int_equal(json_pick((struct json_text){ "{}\0", 3 }, "x", &p, 1, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members_are_found),
		cmocka_unit_test(test_wrong_kinds_are_nothing),
		cmocka_unit_test(test_texts_are_decoded),
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("core/base/jsonpick", tests, NULL, NULL);
}
