/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_ref.c - any bytes: no crash, and what we accept survives print + parse and is a safe path */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "storage/ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_ref struct ref a = { 0 }, b = { 0 };
	auto_free char *s1 = NULL, *s2 = NULL;
	struct rl_err err = { 0 };

	if (ref_parse((const char *)data, size, &a, &err) < 0)
		return 0; /* refusing is fine, crashing is not */
	s1 = ref_print(&a);
	assert(s1 && strlen(s1) <= REF_LEN_MAX);
	assert(!strstr(s1, "/../") && !strstr(s1, "//") && *s1 != '.' && *s1 != '/');
	assert(ref_parse(s1, strlen(s1), &b, &err) == 0);
	s2 = ref_print(&b);
	assert(s2 && strcmp(s1, s2) == 0);
	return 0;
}
