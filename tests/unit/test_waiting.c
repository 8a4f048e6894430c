/* SPDX-License-Identifier: Apache-2.0 */
/* test_waiting.c - core/base/waiting: SIGQUIT says what is waited for, inside of a wait only */
#include "config.h"

#include "tests/unit/unit.h"

#include <signal.h>

#include "core/base/cleanup.h"
#include "core/base/waiting.h"

/* What stderr gets when SIGQUIT comes. */
static void quit(char *out, size_t room)
{
	int p[2], err = dup(2);
	ssize_t n;

	assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	assert_true(err >= 0 && dup2(p[1], 2) == 2);
	assert_int_equal(raise(SIGQUIT), 0);
	assert_int_equal(dup2(err, 2), 2);
	n = read(p[0], out, room - 1);
	out[n > 0 ? n : 0] = '\0';
	fd_close(p[0]);
	fd_close(p[1]);
	fd_close(err);
}

static void test_nested(void **state)
{
	struct waiting a = { 0 }, b = { 0 };
	struct sigaction now;
	char out[512];

	(void)state;
	/* a shell's background jobs begin with it ignored */
	assert_int_equal(sigaction(SIGQUIT, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL), 0);
	waiting_begin(&a, "'%s' to end", "we\nb");
	quit(out, sizeof(out));
	assert_string_equal(out, "rl waits for: 'we?b' to end\n");
	waiting_begin(&b, "a lock");
	quit(out, sizeof(out));
	assert_string_equal(out, "rl waits for: a lock\n");
	waiting_end(&b);
	quit(out, sizeof(out));
	assert_string_equal(out, "rl waits for: 'we?b' to end\n");
	waiting_end(&a);
	waiting_end(&a);
	assert_int_equal(sigaction(SIGQUIT, NULL, &now), 0);
	assert_true(now.sa_handler == SIG_DFL);
}

static void test_ignored_stays_ignored(void **state)
{
	auto_waiting struct waiting a = { 0 };
	char out[512];

	(void)state;
	assert_int_equal(sigaction(SIGQUIT, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL), 0);
	waiting_begin(&a, "x");
	quit(out, sizeof(out));
	assert_string_equal(out, "");
	assert_int_equal(sigaction(SIGQUIT, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_ignored_stays_ignored),
	};

	return cmocka_run_group_tests_name("core/base/waiting", tests, NULL, NULL);
}
