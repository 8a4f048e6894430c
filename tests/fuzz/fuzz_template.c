/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_template.c - any template: no crash, bounded work, the same text twice */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/template.h"
#include "core/base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const maps[] = { "M", "P[]", "[]E", NULL };
	auto_free char *text = strndup((const char *)data, size);
	json_auto_t *j = json_loads("{\"A\":\"x\",\"N\":3,\"L\":[1,2,\"s\"],\"M\":{\"k\":\"v\"},"
				    "\"R\":0.25,\"E\":null,\"O\":true,\"U\":\"\u00e4<\u20ac\","
				    "\"P\":{\"80\":null,\"81\":[{\"H\":\"1\"}]}}",
				    0, NULL);
	auto_buf struct buf one = { 0 }, two = { 0 };
	struct tmpl *t = NULL;
	struct rl_err err = { 0 };
	int r;

	assert(text && j);
	if (tmpl_parse(text, &t, &err) < 0) {
		assert(err.msg[0]);
		return 0;
	}
	r = tmpl_run(t, j, maps, &one, &err);
	assert(tmpl_run(t, j, maps, &two, &err) == r);
	assert(one.len == two.len && (one.len == 0 || memcmp(one.data, two.data, one.len) == 0));
	tmpl_free(t);
	return 0;
}
