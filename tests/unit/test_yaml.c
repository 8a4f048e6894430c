/* SPDX-License-Identifier: Apache-2.0 */
/* test_yaml.c - cmd/yaml: blocks, lists, and every string that a reader could take for something else */
#include "config.h"

#include "tests/unit/unit.h"

#include "cmd/yaml.h"
#include "core/base/cleanup.h"

static void gives(const char *json, const char *want)
{
	json_auto_t *j = json_loads(json, JSON_DECODE_ANY, NULL);
	auto_buf struct buf out = { 0 };

	assert_non_null(j);
	assert_int_equal(yaml_print(j, &out), 0);
	assert_string_equal(out.data, want);
}

static void test_blocks(void **state)
{
	(void)state;
	gives("{\"a\": 1, \"b\": {\"c\": true, \"d\": []}, \"e\": {}}",
	      "a: 1\nb:\n  c: true\n  d: []\ne: {}\n");
	gives("{\"l\": [\"x\", {\"a\": 1, \"b\": [2]}]}", "l:\n- x\n- a: 1\n  b:\n  - 2\n");
	gives("null", "null\n");
	gives("[]", "[]\n");
}

static void test_strings(void **state)
{
	static const char *const quoted[] = { "",       "true", "no",        "12", "1.5", "- x",
					      "a: b",   "a #b", "a ",        " a", "*x",  "&x",
					      "@x",     "null", "a\\nb",     "~",  "[x]", "{x}",
					      "\u00e9", "0x1",  "2026-01-02" };
	static const char *const plain[] = { "x", "k8s-file", "/usr/bin/rl", "two words", "a.b_c" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(quoted); i++) {
		auto_free char *json = str_printf("\"%s\"", quoted[i]);
		json_auto_t *j = json_loads(json, JSON_DECODE_ANY, NULL);
		auto_buf struct buf out = { 0 };

		assert_non_null(j);
		assert_int_equal(yaml_print(j, &out), 0);
		assert_int_equal(out.data[0], '"');
	}
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		auto_free char *json = str_printf("\"%s\"", plain[i]);
		auto_free char *want = str_printf("%s\n", plain[i]);

		gives(json, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests_name("cmd/yaml", tests, NULL, NULL);
}
