/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_publish.c - the words of -p ('p' first) and --expose
 *
 * What is taken can be written down and read back, and stays within the port numbers.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "net/publish.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct publish p = { 0 }, again = { 0 };
	struct rl_err err = { 0 };
	auto_free char *s = NULL;
	size_t total = 0;
	int r;

	if (size == 0)
		return 0;
	s = strndup((const char *)data + 1, size - 1);
	assert(s);
	r = data[0] == 'p' ? publish_parse(&p, s, &err) : publish_exposed(&p, s, &err);
	assert(r == 0 || (err.code > 0 && err.msg[0]));
	for (size_t i = 0; i < p.n; i++) {
		const struct publish_port *o = &p.v[i];

		total += o->range;
		assert(o->ctr_port > 0 && o->range > 0);
		assert(o->ctr_port + o->range <= 65536 && o->host_port + o->range <= 65536);
		assert(publish_add(&again, o->host_ip, o->host_port, o->ctr_port, o->range,
				   publish_proto_name(o->proto)) == 0);
		assert(memcmp(&again.v[i], o, sizeof(*o)) == 0);
	}
	assert(total <= PUBLISH_MAX);
	publish_done(&p);
	publish_done(&again);
	return 0;
}
