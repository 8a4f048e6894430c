/* SPDX-License-Identifier: Apache-2.0 */
/* test_opt.c - cmd/opt: every spelling of an option, and what must be refused */
#include "config.h"

#include <errno.h>

#include "cmd/opt.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "tests/unit/unit.h"

struct o {
	bool i, t, rm;
	const char *name;
	struct strv env, cap;
	int64_t memory, cpus, number;
	uint64_t count;
};

static const struct opt table[] = {
	OPT_BOOL('i', "interactive", struct o, i, "keep stdin open"),
	OPT_BOOL('t', "tty", struct o, t, "a terminal"),
	OPT_BOOL(0, "rm", struct o, rm, "remove afterwards"),
	OPT_STR('n', "name", struct o, name, "NAME", "its name"),
	OPT_STR(0, "names", struct o, name, "NAME", NULL),
	OPT_LIST('e', "env", struct o, env, "K=V", "environment"),
	OPT_STRINGS(0, "cap-add", struct o, cap, "CAP", "capabilities"),
	OPT_SIZE('m', "memory", struct o, memory, "SIZE", "limit"),
	OPT_NANO(0, "cpus", struct o, cpus, "N", "limit"),
	OPT_INT(0, "number", struct o, number, "N", "any"),
	OPT_UINT(0, "count", struct o, count, "N", "not negative"),
	OPT_IGNORE("context"),
	OPT_IGNORE_BOOL("compat"),
	OPT_END,
};

#define PARSE(stop_early, opts, rest, err, ...)                                         \
	opt_parse(table, stop_early, (int)ARRAY_LEN(((const char *[]){ __VA_ARGS__ })), \
		  (char **)(uintptr_t)(const char *[]){ __VA_ARGS__ }, opts, rest, err)

static void test_spellings(void **state)
{
	const char *rest[16];
	struct o o = { 0 };
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(PARSE(1, &o, rest, &err, "-itn", "a", "--rm=true", "-e", "A=1,2", "-eB=2",
			       "--env=C=3", "--cap-add", "x,y", "--cap-add=z", "-m=64m",
			       "--cpus=.5", "--number", "-3", "--context", "any", "--compat",
			       "image", "-x", "--rm=false"),
			 3);
	assert_true(o.i && o.t && o.rm);
	assert_string_equal(o.name, "a");
	assert_int_equal(o.env.n, 3);
	assert_string_equal(o.env.v[0], "A=1,2"); /* a list does not split */
	assert_string_equal(o.env.v[1], "B=2");
	assert_string_equal(o.env.v[2], "C=3");
	assert_int_equal(o.cap.n, 3);
	assert_int_equal(o.memory, 64 << 20);
	assert_int_equal(o.cpus, 500000000);
	assert_int_equal(o.number, -3);
	assert_string_equal(rest[0], "image");
	assert_string_equal(rest[1], "-x"); /* belongs to the container */
	opt_done(table, &o);
	assert_int_equal(o.env.n, 0);
}

static void test_order_of_words(void **state)
{
	const char *rest[16];
	struct o o = { .rm = true };
	struct rl_err err = { 0 };

	(void)state;
	/* options anywhere, "-" is a word, "--" ends options, a later value wins */
	assert_int_equal(PARSE(0, &o, rest, &err, "a", "-i", "-", "--rm=0", "--name", "x",
			       "--name=--y", "--", "-t"),
			 3);
	assert_true(o.i && !o.t && !o.rm);
	assert_string_equal(o.name, "--y");
	assert_string_equal(rest[1], "-");
	assert_string_equal(rest[2], "-t");
	/* "--bool false" is a boolean and a word */
	assert_int_equal(PARSE(0, &o, rest, &err, "--rm", "false"), 1);
	assert_true(o.rm);
	assert_int_equal(PARSE(0, &o, rest, &err, "-i=false"), 0);
	assert_false(o.i);
	/* help is asked for by an option, not by a value or what belongs to the container */
	assert_int_equal(PARSE(0, &o, rest, &err, "--rm", "--help"), -ECANCELED);
	assert_int_equal(PARSE(0, &o, rest, &err, "--name", "--help"), 0);
	assert_int_equal(PARSE(1, &o, rest, &err, "x", "--help"), 2);
	/* an empty value is a value; so is one that looks like an option */
	assert_int_equal(PARSE(0, &o, rest, &err, "--name=", "-e", "-i"), 0);
	assert_string_equal(o.name, "");
	assert_string_equal(o.env.v[0], "-i");
	opt_done(table, &o);
}

static void test_refused(void **state)
{
	static const struct {
		const char *word, *next, *why;
	} bad[] = {
		{ "--nope", NULL, "unknown flag: --nope" },
		{ "--nam", "x", "unknown flag: --nam" }, /* no abbreviations */
		{ "--nope=1", NULL, "unknown flag: --nope" },
		{ "--=1", NULL, "unknown flag: --" },
		{ "-ix", NULL, "unknown shorthand flag: 'x' in -ix" },
		{ "--name", NULL, "flag needs an argument: --name" },
		{ "-in", NULL, "flag needs an argument: 'n' in -in" },
		{ "--rm=maybe", NULL, "invalid value 'maybe' for '--rm': expected true or false" },
		{ "--rm=", NULL, "invalid value '' for '--rm'" },
		{ "--memory", "-1", "'--memory': expected a size" },
		{ "-m1q", NULL, "'--memory': expected a size" },
		{ "--cpus", "1,5", "'--cpus': expected a number" },
		{ "--cpus=-1", NULL, "'--cpus': expected a number" },
		{ "--number", "9223372036854775808", "'--number': expected a number" },
		{ "--count", "-1", "'--count': expected a number, 0 or more" },
		{ "--count", "", "'--count': expected a number, 0 or more" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char *argv[] = { (char *)(uintptr_t)bad[i].word, (char *)(uintptr_t)bad[i].next };
		const char *rest[4];
		struct o o = { 0 };
		struct rl_err err = { 0 };

		assert_int_equal(opt_parse(table, 0, bad[i].next ? 2 : 1, argv, &o, rest, &err),
				 -EINVAL);
		assert_non_null(strstr(err.msg, bad[i].why));
		opt_done(table, &o);
	}
}

static void test_help(void **state)
{
	auto_buf struct buf b = { 0 };

	(void)state;
	assert_int_equal(opt_help(table, &b), 0);
	assert_non_null(strstr(b.data, "-i, --interactive "));
	assert_non_null(strstr(b.data, "    --rm "));
	assert_non_null(strstr(b.data, "--name NAME"));
	assert_null(strstr(b.data, "--names")); /* second spellings are not listed */
	assert_null(strstr(b.data, "--context"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_order_of_words),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests_name("cmd/opt", tests, NULL, NULL);
}
