/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_skel.c - any bytes: no crash, and what is taken has a word (a property, not just survival) */
#include "config.h"

#include <assert.h>
#include <stdint.h>

#include "contrib/skeleton/skel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_skel struct skel s = { 0 };
	struct rl_err err = { 0 };

	if (skel_parse((const char *)data, size, &s, &err) < 0) {
		assert(err.msg[0]);
		return 0;
	}
	assert(s.word && *s.word);
	return 0;
}
