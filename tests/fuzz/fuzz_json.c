/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_json.c - any bytes: no crash, and what json_read() accepts is inside its own limits */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"

#define SIZE_LIMIT 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int depth(const json_t *j)
{
	const char *key;
	json_t *v;
	size_t i;
	int most = 0;

	if (!json_is_array(j) && !json_is_object(j))
		return 0;
	json_array_foreach (j, i, v) {
		int d = depth(v);

		most = d > most ? d : most;
	}
	json_object_foreach ((json_t *)(uintptr_t)j, key, v) {
		int d = depth(v);

		most = d > most ? d : most;
	}
	return most + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_auto_t *a = NULL, *b = NULL;
	struct rl_err err = { 0 };
	char *text;

	if (json_read((const char *)data, size, SIZE_LIMIT, "input", &a, &err) < 0) {
		assert(!a && err.code > 0 && err.msg[0]);
		return 0;
	}
	assert(size <= SIZE_LIMIT);
	assert(depth(a) <= JSON_DEPTH_MAX);
	text = json_dumps(a, JSON_COMPACT | JSON_ENCODE_ANY);
	assert(text);
	/* escapes may make the text longer than what was read */
	assert(json_read(text, strlen(text), SIZE_MAX, "dump", &b, &err) == 0);
	assert(json_equal(a, b));
	free(text);
	return 0;
}
