/* SPDX-License-Identifier: Apache-2.0 */
/* test_detach.c - core/detach: keys as text, and what is passed on while they are typed */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/detach.h"
#include "tests/unit/unit.h"

static void test_good_texts(void **state)
{
	static const struct {
		const char *text, *keys;
		size_t n;
	} good[] = {
		{ "", "", 0 },
		{ "ctrl-p,ctrl-q", "\x10\x11", 2 },
		{ "a", "a", 1 },
		{ "ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", "\0\x1b\x1c\x1d\x1e\x1f", 6 },
		{ "x,ctrl-a,Z,~", "x\x01Z~", 4 },
		{ "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", "aaaaaaaaaaaaaaaa", 16 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct rl_err err = { 0 };
		struct detach d;

		assert_int_equal(detach_parse(good[i].text, &d, &err), 0);
		assert_int_equal(d.n, good[i].n);
		assert_memory_equal(d.keys, good[i].keys, d.n);
	}
}

static void test_bad_texts(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ ",", "''" },          { "a,", "''" },
		{ "a,,b", "''" },       { "ab", "'ab'" },
		{ "ctrl-", "'ctrl-'" }, { "ctrl-A", "'ctrl-A'" },
		{ "ctrl-1", "ctrl-1" }, { "ctrl-ab", "ctrl-ab" },
		{ " ", "' '" },         { "\xc3\xa9", "invalid" },
		{ "\x7f", "invalid" },  { "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", "more than 16" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct rl_err err = { 0 };
		struct detach d = { .n = 77 };

		assert_int_equal(detach_parse(bad[i].text, &d, &err), -EINVAL);
		assert_non_null(strstr(err.msg, bad[i].why));
		assert_int_equal(d.n, 77);
	}
}

/* Type @in in pieces of @step bytes; what came out, and where the sequence was complete. */
static bool type(const char *keys, const char *in, size_t step, char *out)
{
	char piece[64 + DETACH_KEYS_MAX];
	struct rl_err err = { 0 };
	struct detach d;
	size_t k = 0, n;

	assert_int_equal(detach_parse(keys, &d, &err), 0);
	for (size_t i = 0, len = strlen(in); i < len; i += step) {
		bool done = detach_feed(&d, in + i, len - i < step ? len - i : step, piece, &n);

		memcpy(out + k, piece, n);
		k += n;
		out[k] = '\0';
		if (done)
			return true;
	}
	return false;
}

static void test_typing(void **state)
{
	static const struct {
		const char *keys, *in, *out;
		bool done;
	} cases[] = {
		{ "", "anything\x10\x11", "anything\x10\x11", false },
		{ "ctrl-p,ctrl-q", "ab\x10\x11zz", "ab", true },
		{ "ctrl-p,ctrl-q", "\x10x\x11", "\x10x\x11", false },
		{ "ctrl-p,ctrl-q", "\x10\x10\x10\x11", "\x10\x10", true },
		{ "ctrl-p,ctrl-q", "\x11\x10", "\x11", false }, /* held back */
		{ "a", "bba", "bb", true },
		{ "a,a,b", "aaaab", "aa", true },
		{ "a,b,a,b,c", "ababababc", "abab", true },
		{ "a,b,a,b,c", "abababx", "abababx", false },
		{ "a,b,a,c", "ababac", "ab", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t step = 1; step < 10; step++) {
			char out[128] = "";

			assert_int_equal(type(cases[i].keys, cases[i].in, step, out),
					 cases[i].done);
			assert_string_equal(out, cases[i].out);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_texts),
		cmocka_unit_test(test_bad_texts),
		cmocka_unit_test(test_typing),
	};

	return cmocka_run_group_tests_name("core/detach", tests, NULL, NULL);
}
