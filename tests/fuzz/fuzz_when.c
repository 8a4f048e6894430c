/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_when.c - any text as a point in time: no crash, and an RFC 3339 print of the result parses */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/io.h"
#include "core/base/when.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = malloc(size + 1), text[32];
	struct rl_err err = { 0 };
	int64_t a = 0, b = 0;

	assert(s);
	memcpy(s, data, size);
	s[size] = '\0';
	if (when_parse(s, INT64_C(1800000000000000000), &a, &err) < 0) {
		assert(err.code > 0 && err.msg[0]);
	} else {
		time_rfc3339(text, a);
		assert(when_parse(text, 0, &b, &err) == 0 && a == b);
	}
	free(s);
	return 0;
}
