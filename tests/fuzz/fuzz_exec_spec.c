/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_exec_spec.c - any bytes: no crash, and what is accepted is packed into the same bytes */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/exec_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_exec_spec struct exec_spec s = { 0 };
	auto_buf struct buf b = { 0 };
	struct rl_err err = { 0 };

	if (exec_spec_parse(data, size, &s, &err) < 0)
		return 0;
	assert(exec_spec_pack(&s, &b, &err) == 0);
	assert(b.len == size && memcmp(b.data, data, size) == 0);
	return 0;
}
