/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_dns.c - any bytes as DNS message and as resolv.conf: lengths stay inside, what we answer
 * is an answer to what was asked, also when it was found by the search list, and a query is never
 * taken for one
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/dns.h"
#include "net/resolver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes as search list behind a short name, and as what was found there. */
static void search(const struct resolv_servers *s, const uint8_t *data, size_t size)
{
	uint8_t q[DNS_QUERY_MAX], longer[DNS_QUERY_MAX], *out = malloc(512);
	const size_t n = dns_make_query("web", size & 1 ? 1 : 28, q, sizeof(q));
	const char *domain;
	size_t len;

	assert(out && s->ndots <= RESOLV_NDOTS_MAX && strlen(s->search) <= RESOLV_SEARCH_MAX);
	for (size_t i = 0; (len = resolv_search(s, i, &domain)) > 0; i++) {
		size_t added;

		memcpy(longer, q, n);
		added = dns_add_domain(longer, n, sizeof(longer), domain, len);
		assert(added == len + 1 || len > 249);
		assert(dns_question_len(longer, n + added) == n + added);
	}
	len = dns_rename_answer(q, n, data, size, out, 512);
	assert(len <= 512 && (len == 0 || dns_is_answer(q, n, out, len)));
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t q = dns_question_len(data, size), n;
	struct resolv_servers servers;
	uint8_t *out, address[16];
	char name[256] = "";

	resolv_parse((const char *)data, size, &servers);
	assert(servers.n <= RESOLV_SERVERS_MAX);
	for (size_t i = 0; i < servers.n; i++)
		assert(servers.v[i].sa.sa_family == AF_INET ||
		       servers.v[i].sa.sa_family == AF_INET6);
	search(&servers, data, size);
	if (size < DNS_HEADER)
		return 0;
	assert(q == 0 || (q > DNS_HEADER && q <= size && q <= DNS_HEADER + 255 + 4));
	out = malloc(size); /* exactly: a sanitizer sees one byte too many */
	assert(out);
	n = dns_make_answer(data, size, DNS_SERVFAIL, 1, out);
	assert(n == (q ? q : DNS_HEADER) && out[2] & 0x80);
	assert(!q || dns_is_answer(data, size, out, n));
	out[0] ^= 1;
	assert(!dns_is_answer(data, size, out, n));
	assert(!(data[2] & 0x80) ? !dns_is_answer(data, size, data, size) : 1);
	n = dns_first_address(data, size, data[0] & 1 ? 1 : 28, address);
	assert(n == 0 || (q > 0 && n == (data[0] & 1 ? 4U : 16U) && q + 11 + n <= size));
	free(out);
	memcpy(name, data, size < sizeof(name) ? size : sizeof(name) - 1);
	out = malloc(DNS_HEADER + 255 + 4);
	assert(out);
	n = dns_make_query(name, 1, out, DNS_HEADER + 255 + 4);
	assert(n == 0 || dns_question_len(out, n) == n);
	free(out);
	return 0;
}
