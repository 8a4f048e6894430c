/* SPDX-License-Identifier: Apache-2.0 */
/* test_format.c - cmd/format, cmd/image_filter: ages, sizes, tables, templates, name patterns */
#include "config.h"

#include "tests/unit/unit.h"

#include "cmd/format.h"
#include "cmd/image_filter.h"
#include "core/base/cleanup.h"

static void test_ages(void **state)
{
	static const struct {
		int64_t s;
		const char *out;
	} ages[] = {
		{ -5, "Less than a second" },
		{ 0, "Less than a second" },
		{ 1, "1 second" },
		{ 59, "59 seconds" },
		{ 60, "About a minute" },
		{ 120, "2 minutes" },
		{ 3599, "59 minutes" },
		{ 3600, "About an hour" },
		{ 7200, "2 hours" },
		{ 19 * 3600, "19 hours" },
		{ 48 * 3600, "2 days" },
		{ 13 * 86400, "13 days" },
		{ 21 * 86400, "3 weeks" },
		{ 60 * 86400, "2 months" },
		{ 800 * 86400, "2 years" },
	};
	char text[FORMAT_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ages); i++) {
		format_age(text, ages[i].s * 1000000000);
		assert_string_equal(text, ages[i].out);
	}
}

static void test_sizes(void **state)
{
	static const struct {
		int64_t n;
		int digits;
		const char *space, *out;
	} sizes[] = {
		{ 0, 3, " ", "0 B" },          { 999, 3, " ", "999 B" },
		{ 1000, 3, " ", "1 kB" },      { 2130000, 3, " ", "2.13 MB" },
		{ 2131000, 4, "", "2.131MB" }, { 10600, 4, "", "10.6kB" },
		{ 999600, 3, " ", "1 MB" },    { INT64_MAX, 3, " ", "9.22 EB" },
	};
	char text[FORMAT_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		format_size(text, sizes[i].n, sizes[i].digits, sizes[i].space);
		assert_string_equal(text, sizes[i].out);
	}
}

static void test_durations(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} t[] = {
		{ 0, "0s" },
		{ 1500, "1.5µs" },
		{ 10000000, "10ms" },
		{ 1234567, "1.234567ms" },
		{ 1000000000, "1s" },
		{ 1712485282, "1.712485282s" },
		{ 123250000000, "2m3.25s" },
		{ 3600000000000, "1h0m0s" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		char out[FORMAT_TEXT_MAX];

		format_duration(out, t[i].ns);
		assert_string_equal(out, t[i].text);
	}
}

static void test_table(void **state)
{
	static const char *const cells[] = { "A", "LONGER", "C", "na\xc3\xafve", "x", "y" };
	auto_table struct table t = { .columns = 3 };
	auto_buf struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cells); i++)
		assert_int_equal(table_add(&t, cells[i]), 0);
	assert_int_equal(table_print(&t, &out), 0);
	assert_string_equal(out.data, "A      LONGER  C\nna\xc3\xafve  x       y\n");
}

static void expect_rows(const char *format, const char *want)
{
	json_auto_t *rows = json_pack("[{s:s,s:i},{s:s,s:i}]", "Name", "web", "N", 1, "Name",
				      "longer", "N", 22);
	json_auto_t *headers = json_pack("{s:s}", "N", "NUMBER");
	const struct format f = { .text = format, .headers = headers };
	auto_buf struct buf out = { 0 };
	struct rl_err err = { 0 };

	if (format_rows(&f, rows, &out, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(out.data, want);
}

static void test_templates(void **state)
{
	(void)state;
	expect_rows("{{.Name}}", "web\nlonger\n");
	expect_rows("{{.Name}}\\t{{.N}}", "web\t1\nlonger\t22\n");
	expect_rows("table {{.Name}}\\t{{.N}}", "NAME    NUMBER\nweb     1\nlonger  22\n");
	expect_rows("table {{.Name}} {{.N}}", "NAME    NUMBER\nweb     1\nlonger  22\n");
	expect_rows("{{.Name}} {{.N}}", "web 1\nlonger 22\n");
	expect_rows("{{range .}}{{.N}};{{end}}", "1;22;");
}

static void test_words(void **state)
{
	(void)state;
	assert_true(format_is_json("json") && format_is_json(" json  "));
	assert_false(format_is_json("jsonl") || format_is_json("json .") || format_is_json(NULL));
	assert_null(format_asked(NULL));
	assert_null(format_asked(""));
	assert_null(format_asked("table"));
	assert_null(format_asked("table  "));
	assert_string_equal(format_asked("tables"), "tables");
	assert_string_equal(format_asked("table {{.N}}"), "table {{.N}}");
}

static void test_bad_templates(void **state)
{
	static const char *const bad[] = { "{{", "{{.Nope}}", "{{end}}" };
	json_auto_t *rows = json_pack("[{s:s}]", "Name", "web");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct format f = { .text = bad[i] };
		auto_buf struct buf out = { 0 };
		struct rl_err err = { 0 };

		assert_true(format_rows(&f, rows, &out, &err) < 0);
		assert_non_null(strstr(err.msg, "--format"));
	}
}

static void test_name_patterns(void **state)
{
	const char *name = "docker.io/library/alpine:3.20";
	static const char *const yes[] = { "alpine",         "alpine:3.20",
					   "alpine:*",       "alp*",
					   "library/alpine", "docker.io/*/alpine",
					   "*/*/alpine:3*",  "docker.io/library/alpine" };
	static const char *const no[] = { "alpin",    "pine", "alpine:3", "docker.io/alpine",
					  "*:latest", "",     "3.20" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		assert_true(image_name_matches(yes[i], name));
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		assert_false(image_name_matches(no[i], name));
	assert_true(image_name_matches("localhost:5000/*", "localhost:5000/web@sha256:00"));
	assert_true(image_name_matches("web", "localhost:5000/web@sha256:00"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ages),          cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_durations),     cmocka_unit_test(test_table),
		cmocka_unit_test(test_templates),     cmocka_unit_test(test_words),
		cmocka_unit_test(test_bad_templates), cmocka_unit_test(test_name_patterns),
	};

	return cmocka_run_group_tests_name("cmd/format", tests, NULL, NULL);
}
