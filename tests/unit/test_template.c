/* SPDX-License-Identifier: Apache-2.0 */
/* test_template.c - cmd/template: what docker's and podman's users type after --format */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> /* needs the headers above */

#include "cmd/template.h"
#include "core/base/cleanup.h"

static const char sample[] =
	"{\"Id\":\"abc\",\"Name\":\"web\",\"Size\":1536,\"Cpus\":0.5,\"On\":true,\"Nil\":null,"
	"\"Env\":[\"A=1\",\"B=2\"],\"Empty\":[],\"Labels\":{\"b\":\"2\",\"a\":\"1\"},"
	"\"State\":{\"Status\":\"running\",\"Health\":{\"Status\":\"healthy\"}},"
	"\"NetworkSettings\":{\"Ports\":{\"80/"
	"tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8080\"}]},"
	"\"Networks\":{\"podman\":{\"IPAddress\":\"10.88.0.2\"}}}}";
static const char *const maps[] = { "Labels", "Ports", "Networks", NULL };

static int run(const char *text, struct buf *out, struct rl_err *err)
{
	json_auto_t *data = json_loads(sample, 0, NULL);
	struct tmpl *t = NULL;
	int r;

	assert_non_null(data);
	r = tmpl_parse(text, &t, err);
	if (r == 0)
		r = tmpl_run(t, data, maps, out, err);
	tmpl_free(t);
	return r;
}

static void gives(const char *in, const char *out)
{
	auto_buf struct buf b = { 0 };
	struct rl_err err = { 0 };

	if (run(in, &b, &err) < 0)
		fail_msg("%s: %s", in, err.msg);
	assert_string_equal(b.data ? b.data : "", out);
}

static void test_good(void **state)
{
	static const struct {
		const char *in, *out;
	} t[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "{{$x := 1}}{{block \"b\" .}}{{$y := 2}}{{$y}}{{end}}{{$x}}", "21" },
		{ "{{.Id}}", "abc" },
		{ "{{.ID}} {{ .Name }}", "abc web" },
		{ "{{.State.Health.Status}}", "healthy" },
		{ "{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}", "8080" },
		{ "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", "10.88.0.2" },
		{ "{{range $k, $v := .Labels}}{{$k}}={{$v}} {{end}}", "a=1 b=2 " },
		{ "{{range $i, $e := .Env}}{{if $i}},{{end}}{{$e}}{{end}}", "A=1,B=2" },
		{ "{{range .Empty}}x{{else}}none{{end}}", "none" },
		{ "{{json .Labels}}", "{\"a\":\"1\",\"b\":\"2\"}" },
		{ "{{json .Env}}", "[\"A=1\",\"B=2\"]" },
		{ "{{.Env}}", "[A=1 B=2]" },
		{ "{{.Labels}}", "map[a:1 b:2]" },
		{ "{{.Labels.nope}}", "<no value>" },
		{ "{{index .Labels \"a\"}}", "1" },
		{ "{{index .Labels \"none\"}}.", "." },
		{ "{{.Label \"a\"}}{{.Label \"none\"}}.", "1." },
		{ "{{.Nil}}", "<nil>" },
		{ "{{.Cpus}} {{.Size}} {{.On}}", "0.5 1536 true" },
		{ "{{join .Env \",\"}}", "A=1,B=2" },
		{ "{{upper .Name}} {{.Name | title}}", "WEB Web" },
		{ "{{printf \"%-5s|%5d|%q|%v\" .Name .Size .Id .On}}", "web  | 1536|\"abc\"|true" },
		{ "{{if eq .Name \"db\" \"web\"}}y{{else}}n{{end}}", "y" },
		{ "{{if and .On (gt .Size 1000)}}big{{end}}", "big" },
		{ "{{if not .On}}a{{else if eq .Size 1536}}b{{else}}c{{end}}", "b" },
		{ "{{with .State}}{{.Status}}{{end}}", "running" },
		{ "{{with .Empty}}x{{else}}y{{end}}", "y" },
		{ "{{$x := .Name}}{{$x}}{{$.Id}}", "webabc" },
		{ "{{$x := 1}}{{range .Env}}{{$x = .}}{{end}}{{$x}}", "B=2" },
		{ "a {{- .Id -}} b", "aabcb" },
		{ "x{{/* note */}}y {{- /* n */ -}} z", "xyz" },
		{ "{{len .Env}}{{len .Name}}", "23" },
		{ "{{slice .Id 1 2}}{{truncate .Name 2}}", "bwe" },
		{ "{{range .Env}}{{if eq . \"B=2\"}}{{break}}{{end}}{{.}}{{end}}", "A=1" },
		{ "{{range .Env}}{{if eq . \"A=1\"}}{{continue}}{{end}}{{.}}{{end}}", "B=2" },
		{ "{{range split \"a:b\" \":\"}}<{{.}}>{{end}}", "<a><b>" },
		{ "{{`}}`}}{{\"{{\"}}", "}}{{" },
		{ "{{print 1 2 \"x\"}}{{println .Id}}", "1 2xabc\n" },
		{ "{{pad .Id 1 2}}|", " abc  |" },
		{ "{{or .Nil .Name}}", "web" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		gives(t[i].in, t[i].out);
}

/* What is not Go's own: its newer range over a number, and what cmd/template.h calls lenient. */
static void test_lenient(void **state)
{
	static const struct {
		const char *in, *out;
	} t[] = {
		{ "{{range 3}}{{.}}{{end}}", "012" },
		{ "{{range $i, $n := 2}}{{$i}}{{$n}} {{end}}", "00 11 " },
		{ "{{range 0}}x{{else}}none{{end}}", "none" },
		{ "{{eq .Size 1536.0}} {{lt .Cpus 1}}", "true true" },
		{ "{{len .State}} {{index .State \"Status\"}}", "2 running" },
		{ "{{range $k, $v := .State.Health}}{{$k}}={{$v}}{{end}}", "Status=healthy" },
		{ "{{.State}} {{.state.status}}", "{running {healthy}} running" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		gives(t[i].in, t[i].out);
}

/* One row of template_go.json: a template and what Go prints, null for an error */
static void check_row(const json_t *row, json_t *data, const char *const *maps_of_data)
{
	const char *in = json_string_value(json_array_get(row, 0));
	const json_t *want = json_array_get(row, 1);
	auto_buf struct buf b = { 0 };
	struct rl_err err = { 0 };
	struct tmpl *t = NULL;
	int r;

	assert_non_null(in);
	r = tmpl_parse(in, &t, &err);
	if (r == 0)
		r = tmpl_run(t, data, maps_of_data, &b, &err);
	tmpl_free(t);
	if (json_is_null(want) ? r != -EINVAL : r < 0)
		fail_msg("%s: %d %s", in, r, err.msg);
	if (json_is_string(want) && strcmp(json_string_value(want), b.data ? b.data : "") != 0)
		fail_msg("%s: '%s' instead of '%s'", in, b.data ? b.data : "",
			 json_string_value(want));
}

static void test_as_go(void **state)
{
	const char *dir = getenv("srcdir");
	auto_free char *path = str_printf("%s/tests/unit/template_go.json", dir ? dir : "..");
	json_auto_t *table = json_load_file(path, 0, NULL);
	json_t *rows = json_object_get(table, "cases"), *names = json_object_get(table, "maps"), *v;
	const char *maps_of_data[32] = { NULL };
	size_t i;

	(void)state;
	assert_non_null(table);
	assert_true(json_array_size(rows) > 600 && json_array_size(names) < 32);
	json_array_foreach (names, i, v)
		maps_of_data[i] = json_string_value(v);
	json_array_foreach (rows, i, v)
		check_row(v, json_object_get(table, "data"), maps_of_data);
}

static void test_bad(void **state)
{
	static const struct {
		const char *in, *why;
	} t[] = {
		{ "{{", "'}}' is missing" },
		{ "{{.Id", "'}}' is missing" },
		{ "{{}}", "a value is missing" },
		{ "{{nope .}}", "function \"nope\" not defined" },
		{ "{{.Id .Name}}", "not a function" },
		{ "{{if .On}}", "end is missing" },
		{ "{{end}}", "unexpected end" },
		{ "{{else}}", "unexpected else" },
		{ "{{if .On}}{{else}}{{else}}{{end}}", "a second else" },
		{ "{{break}}", "outside of range" },
		{ "{{(.Id}}", "')' is missing" },
		{ "{{\"abc}}", "'}}' is missing" },
		{ "{{.Nope}}", "can't evaluate field Nope" },
		{ "{{.Nil.X}}", "nil has no field X" },
		{ "{{$x}}", "undefined variable" },
		{ "{{index .Env 7}}", "out of range" },
		{ "{{index .Env -1}}", "out of range" },
		{ "{{eq .Name .Size}}", "incompatible types" },
		{ "{{range .Name}}{{end}}", "can't range" },
		{ "{{if .Empty}}{{$x}}{{end}}", "undefined variable" },
		{ "{{template \"x\"}}", "\"x\" is not defined" },
		{ "{{define \"x\"}}{{template \"x\"}}{{end}}{{template \"x\"}}",
		  "nested too deeply" },
		{ "{{if .On}}{{define \"x\"}}{{end}}{{end}}", "define inside" },
		{ "{{'ab'}}", "a character does not end" },
		{ "{{\"\\q\"}}", "unknown escape" },
		{ "{{99999999999999999999}}", "too large" },
		{ "{{08}}", "not a number" },
		{ "{{printf \"%9999999d\" 1}}", "too large" },
		{ "{{.Id | .Name}}", "only a function" },
		{ "{{slice .Id 2 1}}", "out of range" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		auto_buf struct buf b = { 0 };
		struct rl_err err = { 0 };

		assert_int_equal(run(t[i].in, &b, &err), -EINVAL);
		if (!strstr(err.msg, t[i].why))
			fail_msg("%s: says '%s', not '%s'", t[i].in, err.msg, t[i].why);
	}
}

/* Nesting and loops inside loops are bounded. */
static void test_limits(void **state)
{
	auto_buf struct buf b = { 0 }, text = { 0 };
	struct rl_err err = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(buf_str(&text, "{{if .On}}"), 0);
	assert_int_equal(run(text.data, &b, &err), -EINVAL);
	buf_done(&text);
	for (int i = 0; i < 40; i++) /* 2^40 turns */
		assert_int_equal(buf_str(&text, "{{range $.Env}}"), 0);
	for (int i = 0; i < 40; i++)
		assert_int_equal(buf_str(&text, "{{end}}"), 0);
	assert_int_equal(run(text.data, &b, &err), -E2BIG);
	buf_done(&text);
	assert_int_equal(buf_str(&text, "{{"), 0);
	for (int i = 0; i < 30000; i++)
		assert_int_equal(buf_str(&text, ".a"), 0);
	assert_int_equal(buf_str(&text, "}}"), 0);
	assert_int_equal(run(text.data, &b, &err), -EINVAL);
	/* a text that doubles, and one that is copied often */
	assert_int_equal(
		run("{{$x := \"abcdefgh\"}}{{range 40}}{{$x = print $x $x}}{{end}}", &b, &err),
		-E2BIG);
	buf_done(&text);
	assert_int_equal(buf_str(&text,
				 "{{$x := \"abcdefgh\"}}{{range 20}}{{$x = print $x $x}}{{end}}"
				 "{{$x = printf \""),
			 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf_str(&text, "%[1]s"), 0);
	assert_int_equal(buf_str(&text, "\" $x}}"), 0);
	assert_int_equal(run(text.data, &b, &err), -EINVAL);
}

static void test_headers(void **state)
{
	auto_buf struct buf b = { 0 };
	json_auto_t *h = json_pack("{s:s, s:s}", "Names", "NAMES", "ID", "CONTAINER ID");
	struct tmpl *t = NULL;
	struct rl_err err;

	(void)state;
	assert_int_equal(tmpl_parse("{{.ID}}\t{{.Names}}\t{{json .Size}}", &t, &err), 0);
	assert_int_equal(tmpl_headers(t, h, &b, &err), 0);
	assert_string_equal(b.data, "CONTAINER ID\tNAMES\tSIZE");
	tmpl_free(t);
	buf_done(&b);
	assert_int_equal(tmpl_parse("{{range $k, $v := .Names}}{{$v}}{{end}}", &t, &err), 0);
	assert_int_equal(tmpl_headers(t, h, &b, &err), 0);
	assert_string_equal(b.data, "NAMES");
	tmpl_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),   cmocka_unit_test(test_lenient),
		cmocka_unit_test(test_as_go),  cmocka_unit_test(test_bad),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_headers),
	};

	return cmocka_run_group_tests_name("cmd/template", tests, NULL, NULL);
}
