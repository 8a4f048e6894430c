/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_names.c - any bytes as leases, as the question about them, and as what --network and --subnet
 * say: answers stay inside their room, and what we accept survives print + parse unchanged
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "net/endpoint.h"
#include "net/lease.h"
#include "net/names.h"
#include "net/network.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_leases(const char *text, size_t n)
{
	auto_leases struct leases a = { 0 }, b = { 0 };
	auto_buf struct buf one = { 0 }, two = { 0 };

	assert(leases_parse(text, n, &a) == 0);
	assert(leases_print(&a, &one) == 0);
	assert(leases_parse(one.data ? one.data : "", one.len, &b) == 0);
	assert(a.n == b.n && leases_print(&b, &two) == 0);
	assert(one.len == two.len && (one.len == 0 || memcmp(one.data, two.data, one.len) == 0));
}

static void check_words(const char *text)
{
	auto_endpoints struct endpoints e = { 0 };
	char printed[CIDR_TEXT];
	struct cidr a, b;
	struct rl_err err;

	if (cidr_parse(text, &a)) {
		assert(cidr_parse(cidr_print(&a, printed), &b));
		assert(ip_equal(&a.ip, &b.ip) && a.prefix == b.prefix && cidr_overlaps(&a, &b));
	}
	if (network_check_name(text, &err) == 0)
		assert(endpoint_is_named(text) && !strpbrk(text, "/ :,\n"));
	if (endpoints_parse(&e, text, &err) == 0)
		assert(e.n == 1 && e.v[0].ifname[0]);
}

/* The first byte says how many of the next are the question. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t q = size > 0 && data[0] < size ? data[0] : 0;
	uint8_t *out = malloc(NAMES_REPLY); /* exactly: a sanitizer sees one byte too many */
	struct names_reply r = { .out = out, .room = NAMES_REPLY };
	char *text = malloc(size + 1);

	assert(out && text);
	memcpy(text, data + (size > 0) + q, size - (size > 0) - q);
	text[size - (size > 0) - q] = '\0';
	check_words(text);
	check_leases(text, strlen(text));
	(void)names_search(data + (size > 0), q, "back", text, strlen(text), &r);
	assert(r.len <= r.room && r.n_answers <= r.room / 12);
	free(out);
	free(text);
	return 0;
}
