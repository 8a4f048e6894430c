/* SPDX-License-Identifier: Apache-2.0 */
/* test_siphash.c - core/base/siphash: the vectors of the paper */
#include "config.h"

#include "tests/unit/unit.h"

#include "core/base/siphash.h"

static void test_vectors(void **state)
{
	/* key 00 01 .. 0f, message 00 01 .. (n-1); appendix A has n = 15 */
	static const struct {
		size_t n;
		uint64_t want;
	} v[] = {
		{ 0, UINT64_C(0x726fdb47dd0e0e31) },
		{ 1, UINT64_C(0x74f839c593dc67fd) },
		{ 8, UINT64_C(0x93f5f5799a932462) },
		{ 15, UINT64_C(0xa129ca6149be45e5) },
	};
	static const uint64_t key[2] = { UINT64_C(0x0706050403020100),
					 UINT64_C(0x0f0e0d0c0b0a0908) };
	unsigned char msg[16];

	(void)state;
	for (size_t i = 0; i < sizeof(msg); i++)
		msg[i] = (unsigned char)i;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		assert_true(siphash(msg, v[i].n, key) == v[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
	};

	return cmocka_run_group_tests_name("core/base/siphash", tests, NULL, NULL);
}
