/* SPDX-License-Identifier: Apache-2.0 */
/* test_idmap.c - core/idmap: maps as the kernel takes them, keep-id, nesting, overflow */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/cleanup.h"
#include "core/idmap.h"

static struct idmap map(const char *text)
{
	struct idmap m = { 0 };

	assert_int_equal(idmap_parse(text, &m), 0);
	return m;
}

static void assert_map(const struct idmap *m, const char *text)
{
	char out[IDMAP_TEXT];
	size_t n = idmap_format(m, out);

	assert_int_equal(n, strlen(out));
	assert_string_equal(out, text);
}

static void test_text(void **state)
{
	static const char *const bad[] = {
		"0",
		"0 0",
		"0 0 0",
		"0 0 1 1",
		"0 0 1x",
		"a 0 1",
		"0 0 4294967296",
		"-1 0 1",
		"4294967294 0 2",         /* the last id is 4294967294 */
		"0 4294967290 6",         /* wraps outside */
		"0 0 10\n9 100 1",        /* inside twice */
		"0 0 10\n20 9 1",         /* outside twice */
		"00 0 99999999999999999", /* more than 32 bits */
	};
	struct idmap m =
		map("         0       1001          1\n         1     100000      65536\n");
	struct idmap keep = m;

	(void)state;
	assert_map(&m, "0 1001 1\n1 100000 65536\n");
	m = map("0 0 4294967295\n");
	assert_int_equal(idmap_count(&m), 4294967295U);
	m = map("");
	assert_int_equal(m.n, 0);
	m = keep;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(idmap_parse(bad[i], &m), -EINVAL);
		assert_true(idmap_equal(&m, &keep)); /* untouched on failure */
	}
}

static void test_room(void **state)
{
	struct idmap m = { 0 };
	char out[IDMAP_TEXT], text[1024] = "";
	size_t n = 0;

	(void)state;
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(idmap_add(&m, 4294967200U + i, 4294967100U + i, 1), 0);
	assert_int_equal(idmap_add(&m, 1, 1, 1), -E2BIG);
	assert_true(idmap_format(&m, out) < sizeof(out));
	for (unsigned i = 0; i < 17; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%u %u 1\n", i, i);
	assert_int_equal(idmap_parse(text, &m), -E2BIG);
}

static void test_lookup(void **state)
{
	struct idmap m = map("0 1001 1\n1 100000 65536\n");

	(void)state;
	assert_int_equal(idmap_to_outside(&m, 0), 1001);
	assert_int_equal(idmap_to_outside(&m, 1), 100000);
	assert_int_equal(idmap_to_outside(&m, 65536), 165535);
	assert_int_equal(idmap_to_outside(&m, 65537), -1);
	assert_int_equal(idmap_to_inside(&m, 1001), 0);
	assert_int_equal(idmap_to_inside(&m, 165535), 65536);
	assert_int_equal(idmap_to_inside(&m, 1000), -1);
	assert_int_equal(idmap_count(&m), 65537);
}

/* The kernel refuses a line of C that spans two lines of S: each must fit into one. */
static void assert_nests(const struct idmap *c, const struct idmap *s)
{
	for (size_t i = 0; i < c->n; i++) {
		bool fits = false;

		for (size_t k = 0; k < s->n; k++)
			fits |= c->v[i].outside >= s->v[k].inside &&
				(uint64_t)c->v[i].outside + c->v[i].count <=
					(uint64_t)s->v[k].inside + s->v[k].count;
		assert_true(fits);
	}
}

static void test_identity(void **state)
{
	struct idmap s = map("0 1001 1\n1 100000 65536\n65537 300000 1000\n"), c;
	struct rl_err err;

	(void)state;
	assert_int_equal(idmap_identity(&s, &c, &err), 0);
	assert_map(&c, "0 0 1\n1 1 65536\n65537 65537 1000\n");
	assert_nests(&c, &s);
}

static void test_keep_id(void **state)
{
	static const struct {
		const char *s;
		uint32_t id;
		const char *c;
	} good[] = {
		{ "0 1001 1\n1 100000 65536\n", 1001, "1001 0 1\n0 1 1001\n1002 1002 64535\n" },
		{ "0 1001 1\n1 100000 65536\n", 0, "0 0 1\n1 1 65536\n" },
		{ "0 1001 1\n1 100000 65536\n", 1, "1 0 1\n0 1 1\n2 2 65535\n" },
		{ "0 1001 1\n1 100000 65536\n", 65536, "65536 0 1\n0 1 65536\n" },
		{ "0 1001 1\n1 100000 65536\n", 4294967294U, "4294967294 0 1\n0 1 65536\n" },
		{ "0 1001 1\n", 1001, "1001 0 1\n" },
		/* two ranges, the id within the second and at their border */
		{ "0 5 1\n1 100000 10\n11 300000 10\n", 15, "15 0 1\n0 1 10\n10 11 5\n16 16 5\n" },
		{ "0 5 1\n1 100000 10\n11 300000 10\n", 10, "10 0 1\n0 1 10\n11 11 10\n" },
		/* lines in another order; 0 in the middle of real root's map */
		{ "1 100000 10\n0 5 1\n", 3, "3 0 1\n0 1 3\n4 4 7\n" },
		{ "0 0 4294967295\n", 1000, "1000 0 1\n0 1 1000\n1001 1001 4294966294\n" },
	};
	struct rl_err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct idmap s = map(good[i].s), c;

		assert_int_equal(idmap_keep_id(&s, good[i].id, &c, &err), 0);
		assert_map(&c, good[i].c);
		assert_nests(&c, &s);
		assert_int_equal(idmap_count(&c), idmap_count(&s));
	}
	{
		struct idmap s = map("1 100000 10\n"), c;

		assert_int_equal(idmap_keep_id(&s, 1000, &c, &err), -EINVAL);
	}
}

static void test_put_takes_away(void **state)
{
	struct idmap m = map("0 0 1\n1 1 65536\n");

	(void)state;
	assert_int_equal(idmap_put(&m, 5000, 11, 1), 0);
	assert_map(&m, "0 0 1\n1 1 10\n12 12 4988\n5001 5001 60536\n5000 11 1\n");
	m = map("0 100 10\n");
	assert_int_equal(idmap_put(&m, 0, 100, 10), 0); /* all of it */
	assert_map(&m, "0 100 10\n");
	assert_int_equal(idmap_put(&m, 8, 200, 5), 0); /* over the end */
	assert_map(&m, "0 100 8\n8 200 5\n");
	assert_int_equal(idmap_put(&m, 4294967295U, 0, 1), -EINVAL);
	assert_map(&m, "0 100 8\n8 200 5\n"); /* unchanged */
}

static void test_within(void **state)
{
	struct idmap s = map("0 1001 1\n1 100000 10\n11 300000 5\n"), out = { 0 };
	struct rl_err err = { 0 };

	(void)state;
	{
		struct idmap m = map("7 0 16\n");

		assert_int_equal(idmap_within(&m, &s, &out, &err), 0);
		assert_map(&out, "7 0 1\n8 1 10\n18 11 5\n");
	}
	{
		struct idmap m = map("0 1 16\n");

		assert_int_equal(idmap_within(&m, &s, &out, &err), -EINVAL);
		assert_non_null(strstr(err.msg, "'0:1:16' asks for id 16"));
		assert_map(&out, "7 0 1\n8 1 10\n18 11 5\n");
	}
	idmap_truncate(&out, 18);
	assert_map(&out, "7 0 1\n8 1 10\n");
	idmap_truncate(&out, 9);
	assert_map(&out, "7 0 1\n8 1 1\n");
	assert_false(idmap_is_identity(&out));
	assert_true(idmap_is_identity(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),    cmocka_unit_test(test_room),
		cmocka_unit_test(test_lookup),  cmocka_unit_test(test_identity),
		cmocka_unit_test(test_keep_id), cmocka_unit_test(test_put_takes_away),
		cmocka_unit_test(test_within),
	};

	return cmocka_run_group_tests_name("core/idmap", tests, NULL, NULL);
}
