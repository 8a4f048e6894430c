/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_change.c - any line: no crash, and what is accepted is a config that we read ourselves */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/engine/change.h"
#include "core/base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_auto_t *c = json_pack("{s:[s], s:{}}", "Env", "A=1", "Labels"), *back = NULL;
	auto_free char *line = malloc(size + 1), *text = NULL;
	struct rl_err err = { 0 };
	json_error_t why;

	assert(c && line);
	memcpy(line, data, size);
	line[size] = '\0';
	if (change_apply(c, line, &err) < 0) {
		assert(err.code > 0 && err.msg[0]);
		return 0;
	}
	text = json_dumps(c, JSON_COMPACT);
	back = text ? json_loads(text, JSON_REJECT_DUPLICATES, &why) : NULL;
	assert(back && json_equal(c, back));
	return 0;
}
