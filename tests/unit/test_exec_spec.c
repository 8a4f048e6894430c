/* SPDX-License-Identifier: Apache-2.0 */
/* test_exec_spec.c - core/exec_spec: there and back, and what must be refused */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/exec_spec.h"
#include "tests/unit/unit.h"

static const char *args[] = { "sh", "-c", "", NULL };
static const char *env[] = { "A=1", "B=", NULL };
static const uint32_t groups[] = { 5, 1000, 4294967294 }, keep[] = { 3, 5, 1023 };

static struct exec_spec whole(void)
{
	return (struct exec_spec){ .stdin_on = true,
				   .privileged = true,
				   .has_user = true,
				   .uid = 1,
				   .gid = 2,
				   .groups = groups,
				   .n_groups = 3,
				   .keep = keep,
				   .n_keep = 3,
				   .rows = 24,
				   .cols = 80,
				   .cwd = "/tmp",
				   .args = args,
				   .n_args = 3,
				   .env = env,
				   .n_env = 2 };
}

static void pack(const struct exec_spec *s, struct buf *b)
{
	struct rl_err err = { 0 };

	assert_int_equal(exec_spec_pack(s, b, &err), 0);
}

static void test_there_and_back(void **state)
{
	const struct exec_spec in = whole();
	auto_buf struct buf b = { 0 }, again = { 0 };
	auto_exec_spec struct exec_spec s = { 0 };
	struct rl_err err = { 0 };

	(void)state;
	pack(&in, &b);
	assert_int_equal(exec_spec_parse(b.data, b.len, &s, &err), 0);
	assert_true(s.stdin_on && s.privileged && s.has_user && !s.terminal && !s.detach);
	assert_int_equal(s.uid, 1);
	assert_int_equal(s.gid, 2);
	assert_int_equal(s.n_groups, 3);
	assert_memory_equal(s.groups, groups, sizeof(groups));
	assert_memory_equal(s.keep, keep, sizeof(keep));
	assert_int_equal(s.cols, 80);
	assert_string_equal(s.cwd, "/tmp");
	assert_int_equal(s.n_args, 3);
	assert_string_equal(s.args[1], "-c");
	assert_string_equal(s.args[2], "");
	assert_null(s.args[3]);
	assert_string_equal(s.env[1], "B=");
	assert_null(s.env[2]);
	pack(&s, &again);
	assert_int_equal(again.len, b.len);
	assert_memory_equal(again.data, b.data, b.len);
}

static void test_least(void **state)
{
	const struct exec_spec in = { .args = args, .n_args = 1 };
	auto_buf struct buf b = { 0 };
	auto_exec_spec struct exec_spec s = { 0 };
	struct rl_err err = { 0 };

	(void)state;
	pack(&in, &b);
	assert_int_equal(exec_spec_parse(b.data, b.len, &s, &err), 0);
	assert_null(s.cwd);
	assert_int_equal(s.n_env, 0);
	assert_null(s.env[0]);
}

static void refuse(const struct exec_spec *in)
{
	auto_buf struct buf b = { 0 };
	struct exec_spec s = { .uid = 77 };
	struct rl_err err = { 0 };

	pack(in, &b);
	assert_int_equal(exec_spec_parse(b.data, b.len, &s, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "malformed"));
	assert_int_equal(s.uid, 77); /* nothing written on failure */
}

static void test_values_are_refused(void **state)
{
	static const char *bad_env[] = { "=x", NULL }, *no_env[] = { "x", NULL };
	static const uint32_t none[] = { UINT32_MAX }, low[] = { 2 }, twice[] = { 4, 4 },
			      down[] = { 5, 4 }, high[] = { 1024 };
	struct exec_spec s;

	(void)state;
	s = whole(), s.n_args = 0, refuse(&s);
	s = whole(), s.cwd = "tmp", refuse(&s);
	s = whole(), s.uid = UINT32_MAX, refuse(&s);
	s = whole(), s.gid = UINT32_MAX, refuse(&s);
	s = whole(), s.has_user = false, refuse(&s);
	s = whole(), s.groups = none, s.n_groups = 1, refuse(&s);
	s = whole(), s.env = bad_env, s.n_env = 1, refuse(&s);
	s = whole(), s.env = no_env, s.n_env = 1, refuse(&s);
	s = whole(), s.keep = low, s.n_keep = 1, refuse(&s);
	s = whole(), s.keep = twice, s.n_keep = 2, refuse(&s);
	s = whole(), s.keep = down, s.n_keep = 2, refuse(&s);
	s = whole(), s.keep = high, s.n_keep = 1, refuse(&s);
}

/* Every length but the right one, every bit of the head. */
static void test_damage(void **state)
{
	const struct exec_spec in = whole();
	auto_buf struct buf b = { 0 };
	struct rl_err err = { 0 };

	(void)state;
	pack(&in, &b);
	for (size_t n = 0; n < b.len; n++) {
		auto_exec_spec struct exec_spec s = { 0 };

		assert_int_equal(exec_spec_parse(b.data, n, &s, &err), -EINVAL);
	}
	for (size_t bit = 0; bit < 36 * 8; bit++) {
		auto_exec_spec struct exec_spec s = { 0 };

		b.data[bit / 8] = (char)(b.data[bit / 8] ^ 1 << bit % 8);
		if (exec_spec_parse(b.data, b.len, &s, &err) == 0)
			assert_true(bit / 8 >= 4); /* not with another mark */
		b.data[bit / 8] = (char)(b.data[bit / 8] ^ 1 << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_least),
		cmocka_unit_test(test_values_are_refused),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests_name("core/exec_spec", tests, NULL, NULL);
}
