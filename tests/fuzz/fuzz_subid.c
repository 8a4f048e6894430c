/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_subid.c - any file: no crash, and what is granted is nobody else's */
#include "config.h"

#include <assert.h>
#include <stdint.h>

#include "core/base/cleanup.h"
#include "core/subid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct subid_who who = { .name = "anna", .uid = 70000, .own_id = 70000 };
	struct subids s = { 0 };
	struct rl_err err = { 0 };

	if (subid_parse((const char *)data, size, "/etc/subuid", &who, &s, &err) < 0) {
		assert(err.code > 0 && err.msg[0]);
		return 0;
	}
	assert(s.n <= ARRAY_LEN(s.v));
	for (size_t i = 0; i < s.n; i++) {
		uint64_t start = s.v[i].start, end = start + s.v[i].count;

		assert(s.v[i].count > 0 && start >= 65536 && end <= UINT32_MAX);
		assert(end <= who.own_id || start > who.own_id);
		for (size_t k = 0; k < i; k++)
			assert(end <= s.v[k].start ||
			       start >= (uint64_t)s.v[k].start + s.v[k].count);
	}
	return 0;
}
