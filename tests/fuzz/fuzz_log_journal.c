/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_log_journal.c - any line as journalctl's JSON: no crash; one that is no entry shows nothing */
#include "config.h"

#include <assert.h>
#include <stdint.h>

#include "cmd/log_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* every entry counts as one that --tail leaves out, so nothing is printed */
	struct log_view v = { .until_ns = INT64_MAX, .skip = 2 };

	assert(log_journal_line(&v, (const char *)data, size) == 0);
	assert(v.skip == 1 || v.skip == 2);
	return 0;
}
