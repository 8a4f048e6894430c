/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_events.c - any line of the log: no crash, and what is accepted has the promised types */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_auto_t *j = NULL, *again = NULL;
	const json_t *labels;
	const char *key;
	json_t *v;
	char *text;

	if (events_parse((const char *)data, size, &j) < 0) {
		assert(!j);
		return 0;
	}
	assert(json_is_string(json_object_get(j, "Type")));
	assert(json_is_string(json_object_get(j, "Status")));
	assert(json_is_integer(json_object_get(j, "timeNano")));
	labels = json_object_get(j, "Attributes");
	assert(!labels || json_is_object(labels));
	json_object_foreach ((json_t *)(uintptr_t)labels, key, v)
		assert(json_is_string(v));
	text = json_dumps(j, JSON_COMPACT);
	assert(text);
	if (strlen(text) <= EVENTS_LINE_MAX) {
		assert(events_parse(text, strlen(text), &again) == 0);
		assert(json_equal(j, again));
	}
	free(text);
	return 0;
}
