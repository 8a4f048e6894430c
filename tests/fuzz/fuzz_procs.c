/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_procs.c - any bytes for what /proc and a cgroup say: no crash, nothing beyond its bounds */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/procs.h"
#include "core/usage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = strndup((const char *)data, size);
	struct procinfo p = { 0 };
	int64_t in = 0, out = 0;

	if (!text)
		return 0;
	if (procinfo_parse_stat(text, &p) == 0)
		assert(memchr(p.comm, '\0', sizeof(p.comm)));
	if (procinfo_parse_status(text, &p) == 0)
		assert(p.levels > 0);
	assert(p.levels <= PROCS_LEVELS && p.n_groups <= sizeof(p.groups) / sizeof(p.groups[0]));
	usage_parse_net_dev(text, &in, &out);
	assert(in >= 0 && out >= 0);
	usage_parse_io_stat(text, &in, &out);
	assert(in >= 0 && out >= 0);
	return 0;
}
