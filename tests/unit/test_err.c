/* SPDX-License-Identifier: Apache-2.0 */
/* test_err.c - core/base/err and log: wording, order, limits, nothing a terminal would obey */
#include "config.h"

#include <errno.h>

#include "core/base/cleanup.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "tests/unit/unit.h"

static void test_wording(void **state)
{
	struct rl_err err = { .hint = "stale", .exit_code = 9 };

	(void)state;
	assert_int_equal(rl_fail_sys(&err, ENOENT, "open '%s'", "x"), -ENOENT);
	assert_string_equal(err.msg, "open 'x': No such file or directory");
	assert_string_equal(err.hint, ""); /* of an older error */
	assert_int_equal(err.exit_code, 0);
	err.exit_code = 127;
	assert_int_equal(rl_wrap(&err, "start '%s'", "web"), -ENOENT);
	assert_string_equal(err.msg, "start 'web': open 'x': No such file or directory");
	assert_int_equal(err.exit_code, 127);
	assert_int_equal(rl_hint(&err, "first"), -ENOENT);
	assert_int_equal(rl_hint(&err, "second"), -ENOENT);
	assert_string_equal(err.hint, "first");
	assert_int_equal(rl_oom(&err), -ENOMEM);
}

static void test_never_success(void **state)
{
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(rl_fail(&err, 0, "no code"), -EINVAL);
	assert_int_equal(rl_fail(&err, -5, "wrong sign"), -EINVAL);
}

static void test_own_text_as_argument(void **state)
{
	struct rl_err err = { 0 };

	(void)state;
	rl_fail(&err, EIO, "inner");
	rl_fail(&err, EINVAL, "outer (%s)", err.msg);
	assert_string_equal(err.msg, "outer (inner)");
	rl_wrap(&err, "again (%s)", err.msg);
	assert_string_equal(err.msg, "again (outer (inner)): outer (inner)");
}

/* However long the names in it, the cause stays. */
static void test_the_cause_survives(void **state)
{
	char path[5000];
	struct rl_err err = { 0 };

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	rl_fail_sys(&err, ENOSPC, "write '%s'", path);
	assert_non_null(strstr(err.msg, ": No space left on device"));
	rl_fail_sys(&err, ENOSPC, "write '%.900s'", path);
	assert_non_null(strstr(err.msg, ": No space left on device"));
	rl_wrap(&err, "unpack '%.500s'", path);
	assert_non_null(strstr(err.msg, ": No space left on device"));
}

static void test_clean(void **state)
{
	static const struct {
		const char *in, *out;
	} t[] = {
		{ "a\x1b[31mb\r\n\t\x7f", "a?[31mb????" },
		{ "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		  "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "\xc2\x9b"
		  "1m",
		  "??1m" }, /* CSI as UTF-8 */
		{ "\x9b"
		  "1m",
		  "?1m" }, /* CSI as one byte */
		{ "\xff\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80", "??????????" },
		{ "cut\xe2\x82", "cut??" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		char s[64];

		(void)snprintf(s, sizeof(s), "%s", t[i].in);
		log_clean(s);
		assert_string_equal(s, t[i].out);
	}
}

/* What log_line() writes to stderr */
static void captured_line(const char *text, char *out, size_t room)
{
	auto_fd int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	int p[2];
	ssize_t n;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_true(dup3(p[1], STDERR_FILENO, O_CLOEXEC) >= 0);
	fd_close(p[1]);
	log_line("Error: ", text);
	assert_true(dup3(saved, STDERR_FILENO, 0) >= 0);
	n = read(p[0], out, room - 1);
	fd_close(p[0]);
	assert_true(n >= 0);
	out[n] = '\0';
}

static void test_one_line(void **state)
{
	char out[8192], text[5000];

	(void)state;
	captured_line("two\nlines", out, sizeof(out));
	assert_string_equal(out, "Error: two?lines\n");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	captured_line(text, out, sizeof(out));
	assert_true(strlen(out) < 2100);
	assert_int_equal(out[strlen(out) - 1], '\n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wording),
		cmocka_unit_test(test_never_success),
		cmocka_unit_test(test_own_text_as_argument),
		cmocka_unit_test(test_the_cause_survives),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_one_line),
	};

	return cmocka_run_group_tests_name("core/base/err", tests, NULL, NULL);
}
