/* SPDX-License-Identifier: Apache-2.0 */
/* test_dns.c - net/dns, net/resolver: messages, resolv.conf, and queries that need no server */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/cleanup.h"
#include "net/dns.h"
#include "net/resolver.h"

/* id 0x1234, RD, one question: a.bc IN A */
static const uint8_t query[] = { 0x12, 0x34, 0x01, 0, 0,   1,   0, 0, 0, 0, 0,
				 0,    1,    'a',  2, 'b', 'c', 0, 0, 1, 0, 1 };

static void test_questions(void **state)
{
	uint8_t q[600] = { 0 };

	(void)state;
	assert_int_equal(dns_question_len(query, sizeof(query)), sizeof(query));
	for (size_t n = 0; n < sizeof(query); n++)
		assert_int_equal(dns_question_len(query, n), 0);
	memcpy(q, query, sizeof(query));
	assert_int_equal(dns_question_len(q, sizeof(q)), sizeof(query)); /* more may follow */
	q[5] = 2;
	assert_int_equal(dns_question_len(q, sizeof(q)), 0);
	q[5] = 1;
	q[12] = 0xc0; /* compressed */
	assert_int_equal(dns_question_len(q, sizeof(q)), 0);
	q[12] = 64; /* label too long */
	assert_int_equal(dns_question_len(q, sizeof(q)), 0);
	memset(q + 12, 1, sizeof(q) - 12); /* name without end */
	assert_int_equal(dns_question_len(q, sizeof(q)), 0);
	memset(q + 12, 0, sizeof(q) - 12); /* the root */
	assert_int_equal(dns_question_len(q, sizeof(q)), 17);
	for (size_t labels = 126; labels <= 127; labels++) {
		for (size_t i = 0; i < labels; i++)
			memcpy(q + 12 + 2 * i, "\1x", 2);
		/* 255 bytes with the root label is the limit */
		assert_int_equal(dns_question_len(q, sizeof(q)), 12 + 2 * labels + 5);
	}
	memcpy(q + 12 + 254, "\1x", 2);
	assert_int_equal(dns_question_len(q, sizeof(q)), 0);
}

static void test_answers(void **state)
{
	uint8_t a[sizeof(query) + 16] = { 0 };

	(void)state;
	memcpy(a, query, sizeof(query));
	assert_false(dns_is_answer(query, sizeof(query), a, sizeof(query))); /* itself a query */
	a[2] |= 0x80;
	assert_true(dns_is_answer(query, sizeof(query), a, sizeof(a)));
	a[13] = 'A'; /* case is the server's */
	assert_true(dns_is_answer(query, sizeof(query), a, sizeof(a)));
	a[13] = 'x';
	assert_false(dns_is_answer(query, sizeof(query), a, sizeof(a)));
	a[13] = 'a';
	a[1] ^= 1;
	assert_false(dns_is_answer(query, sizeof(query), a, sizeof(a)));
	a[1] ^= 1;
	a[sizeof(query) - 3] = 28; /* another type */
	assert_false(dns_is_answer(query, sizeof(query), a, sizeof(a)));
	/* a bare header is believed for errors only */
	memset(a + 4, 0, 8);
	assert_false(dns_is_answer(query, sizeof(query), a, 12));
	a[3] = DNS_REFUSED;
	assert_true(dns_is_answer(query, sizeof(query), a, 12));
	assert_false(dns_is_answer(query, sizeof(query), a, 11));
}

static void test_made_answers(void **state)
{
	uint8_t out[sizeof(query)];

	(void)state;
	assert_int_equal(dns_make_answer(query, sizeof(query), DNS_SERVFAIL, 0, out),
			 sizeof(query));
	assert_memory_equal(out, ((const uint8_t[]){ 0x12, 0x34, 0x81, 0x82, 0, 1, 0, 0, 0, 0 }),
			    10);
	assert_true(dns_is_answer(query, sizeof(query), out, sizeof(out)));
	(void)dns_make_answer(query, sizeof(query), DNS_OK, 1, out);
	assert_int_equal(out[2] & 2, 2);
	/* malformed: header only */
	assert_int_equal(dns_make_answer(query, 14, DNS_FORMERR, 0, out), 12);
	assert_int_equal(out[5], 0);
}

static size_t count(const char *text, struct resolv_servers *s)
{
	resolv_parse(text, strlen(text), s);
	return s->n;
}

static void test_resolv_conf(void **state)
{
	struct resolv_servers s;
	char ip[64];

	(void)state;
	assert_int_equal(count("", &s), 0);
	assert_int_equal(count("# nameserver 1.1.1.1\nsearch a b\noptions edns0\n", &s), 0);
	assert_int_equal(count("nameserver 192.0.2.1", &s), 1);
	assert_int_equal(s.v[0].in.sin_addr.s_addr, htonl(0xc0000201));
	assert_int_equal(s.v[0].in.sin_port, htons(53));
	assert_int_equal(count("nameserver\t 192.0.2.1 # x\r\nnameserver 2001:db8::1\r\n", &s), 2);
	assert_string_equal(inet_ntop(AF_INET6, &s.v[1].in6.sin6_addr, ip, sizeof(ip)),
			    "2001:db8::1");
	assert_int_equal(count("nameserver fe80::1%7\nnameserver fe80::1%lo\n", &s), 2);
	assert_int_equal(s.v[0].in6.sin6_scope_id, 7);
	assert_int_equal(s.v[1].in6.sin6_scope_id, 1);
	assert_int_equal(
		count("nameserver 1.1.1\nnameserver x\nnameserver\nnameserver \n"
		      "nameserver1.1.1.1\nnameserver 1.1.1.1%lo\n nameserver 1.1.1.1\n"
		      "nameserver 1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1\n",
		      &s),
		0);
	assert_int_equal(count("nameserver 1.0.0.1\nnameserver 1.0.0.2\nnameserver 1.0.0.3\n"
			       "nameserver 1.0.0.4\n",
			       &s),
			 3);
}

static void test_search_lists(void **state)
{
	struct resolv_servers s;
	const char *domain;

	(void)state;
	(void)count("search a.b  c.\t.bad\noptions edns0 ndots:3 trust-ad\n", &s);
	assert_string_equal(s.search, "a.b c ");
	assert_int_equal(s.ndots, 3);
	assert_int_equal(resolv_search(&s, 0, &domain), 3);
	assert_int_equal(resolv_search(&s, 1, &domain), 1);
	assert_memory_equal(domain, "c", 1);
	assert_int_equal(resolv_search(&s, 2, &domain), 0);
	assert_int_equal(resolv_search(&s, 9, &domain), 0);
	(void)count("search a\ndomain b\noptions ndots:99", &s);
	assert_string_equal(s.search, "b ");
	assert_int_equal(s.ndots, RESOLV_NDOTS_MAX);
	(void)count("search a\nsearch .\n", &s);
	assert_string_equal(s.search, "");
	assert_int_equal(s.ndots, 1);
}

/* "web" is looked for below "one.corp", and the answer is one about "web". */
static void test_searching(void **state)
{
	static const uint8_t
		records
			[] = {
				0xc0, 12,  0,    5,    0,  1, 0, 0, 0,   9,    0,
				4,    1,   'x',  0xc0, 16, /* CNAME x.one.corp */
				1,    'x', 0xc0, 16,   0,  1, 0, 1, 0,   0,    0,
				9,    0,   4,    192,  0,  2, 7, 1, 'x', 0xc0, 16,
				0,    46,  0,    1,    0,  0, 0, 9, 0,   1,    0, /* a signature */
			};
	uint8_t q[DNS_QUERY_MAX], longer[DNS_QUERY_MAX], msg[DNS_QUERY_MAX], out[512], ip[16];
	size_t n = dns_make_query("web", 1, q, sizeof(q)), added, len;

	(void)state;
	assert_true(dns_is_searched(q, n, 1));
	assert_false(dns_is_searched(q, n, 0));
	memcpy(longer, q, n);
	added = dns_add_domain(longer, n, sizeof(longer), "one.corp", 8);
	assert_int_equal(added, 9);
	assert_true(dns_asks_for(longer, n + added, "web.one.corp"));
	assert_false(dns_is_searched(longer, n + added, 2));
	assert_true(dns_is_searched(longer, n + added, 3));
	assert_int_equal(dns_add_domain(longer, n, n + 8, "one.corp", 8), 0);
	memcpy(msg, longer, n + added);
	memcpy(msg + n + added, records, sizeof(records));
	msg[2] |= 0x80;
	msg[7] = 3;
	len = dns_rename_answer(q, n, msg, n + added + sizeof(records), out, sizeof(out));
	assert_true(dns_is_answer(q, n, out, len));
	assert_int_equal(out[7], 3); /* web CNAME web.one.corp CNAME x.one.corp A */
	assert_int_equal(dns_first_address(out, len, 1, ip), 4);
	assert_memory_equal(ip, "\xc0\0\2\7", 4);
	for (size_t cut = 0; cut < n + added + sizeof(records) - 13; cut++)
		assert_int_equal(dns_rename_answer(q, n, msg, cut, out, sizeof(out)), 0);
	msg[7] = 1; /* the name is there, but has no address */
	len = dns_rename_answer(q, n, msg, n + added + sizeof(records), out, sizeof(out));
	assert_int_equal(len, n);
	assert_int_equal(out[3] & 15, DNS_OK);
	n = dns_make_query("web", 15, q, sizeof(q));
	assert_false(dns_is_searched(q, n, 1)); /* MX */
}

struct sent {
	size_t n, len;
	uint8_t msg[600];
};

static void on_reply(void *arg, const struct frame_udp *to, const uint8_t *msg, size_t len)
{
	struct sent *s = arg;

	(void)to;
	s->n++;
	s->len = len < sizeof(s->msg) ? len : sizeof(s->msg);
	memcpy(s->msg, msg, s->len);
}

static void test_no_resolver(void **state)
{
	struct sent sent = { 0 };
	struct dns *d = dns_new(FD_NONE, 1000, on_reply, &sent);
	struct frame_udp q = { .sport = 4321, .dport = 53, .data = query, .len = sizeof(query) };
	uint8_t bad[sizeof(query)];

	(void)state;
	assert_non_null(d);
	dns_query(d, &q, 1000);
	assert_int_equal(sent.n, 1);
	assert_int_equal(sent.msg[3] & 15, DNS_SERVFAIL);
	assert_memory_equal(sent.msg, query, 2);
	/* an answer is no query, and is not answered */
	memcpy(bad, query, sizeof(bad));
	bad[2] |= 0x80;
	q.data = bad;
	dns_query(d, &q, 1000);
	assert_int_equal(sent.n, 1);
	bad[2] = 0x28; /* UPDATE */
	dns_query(d, &q, 1000);
	assert_int_equal(sent.msg[3] & 15, DNS_NOTIMP);
	bad[2] = 0;
	bad[5] = 7;
	dns_query(d, &q, 1000);
	assert_int_equal(sent.msg[3] & 15, DNS_FORMERR);
	q.len = 11;
	dns_query(d, &q, 1000);
	assert_int_equal(sent.n, 3);
	dns_free(d);
}

/* A reader that is slow or dead, repeated queries, more queries than slots. */
static void test_waiting_for_the_reader(void **state)
{
	struct sent sent = { 0 };
	struct frame_udp q = { .sport = 1, .dport = 53, .data = query, .len = sizeof(query) };
	struct pollset set = { 0 };
	struct dns *d;
	int pair[2], timeout = -1;
	char byte[8];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	d = dns_new(pair[0], 1000, on_reply, &sent);
	assert_non_null(d);
	for (int i = 0; i < DNS_SLOTS; i++) {
		q.sport = (uint16_t)(i + 1);
		dns_query(d, &q, 1000);
		dns_query(d, &q, 1000); /* again: the same one */
	}
	assert_int_equal(sent.n, 0);
	q.sport = 9999;
	dns_query(d, &q, 1000);
	assert_int_equal(sent.n, 1); /* full */
	assert_int_equal(recv(pair[1], byte, sizeof(byte), MSG_DONTWAIT), 1);
	assert_int_equal(recv(pair[1], byte, sizeof(byte), MSG_DONTWAIT), -1); /* asked once */
	dns_fill(d, &set, &timeout, 1000);
	assert_int_equal(set.n, 1);
	assert_int_equal(timeout, DNS_TRY_MS);
	/* the answer: nobody */
	assert_int_equal(send(pair[1], "+", 1, 0), 1);
	assert_int_equal(poll(set.v, set.n, 1000), 1);
	dns_handle(d, &set, 1001);
	assert_int_equal(sent.n, 1 + DNS_SLOTS);
	assert_int_equal(sent.msg[3] & 15, DNS_SERVFAIL);
	/* it dies: what is under way ends, what comes later ends at once */
	dns_query(d, &q, 2000);
	fd_close(pair[1]);
	set.n = 0;
	timeout = -1;
	dns_fill(d, &set, &timeout, 2000);
	assert_int_equal(poll(set.v, set.n, 1000), 1);
	dns_handle(d, &set, 2001);
	assert_int_equal(sent.n, 2 + DNS_SLOTS);
	dns_query(d, &q, 4000);
	assert_int_equal(sent.n, 3 + DNS_SLOTS);
	/* nothing left */
	set.n = 0;
	timeout = -1;
	dns_fill(d, &set, &timeout, 4000);
	assert_int_equal(set.n, 0);
	assert_int_equal(timeout, -1);
	dns_free(d);
	free(set.v);
	fd_close(pair[0]);
}

static void test_made_queries(void **state)
{
	static const char *const bad[] = {
		"a..b", ".a", "a.b..",
		"a123456789b123456789c123456789d123456789e123456789f123456789g123"
	};
	uint8_t out[DNS_QUERY_MAX], want[sizeof(query)];

	(void)state;
	memcpy(want, query, sizeof(query));
	want[0] = want[1] = 0; /* the id is the caller's */
	assert_int_equal(dns_make_query("a.bc", 1, out, sizeof(out)), sizeof(query));
	assert_memory_equal(out, want, sizeof(want));
	assert_int_equal(dns_make_query("a.bc.", 1, out, sizeof(out)), sizeof(query));
	assert_int_equal(dns_make_query(".", 2, out, sizeof(out)), DNS_HEADER + 5);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(dns_make_query(bad[i], 1, out, sizeof(out)), 0);
	assert_int_equal(dns_make_query("a", 1, out, 100), 0);
}

static void test_addresses_are_found(void **state)
{
	static const uint8_t records[] = {
		0xc0, 12,  0, 5, 0, 1, 0, 0, 0, 9, 0, 3, 1, 'x', 0,       /* CNAME x */
		1,    'x', 0, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 7, /* x A 192.0.2.7 */
	};
	uint8_t msg[sizeof(query) + sizeof(records)], out[16];

	(void)state;
	memcpy(msg, query, sizeof(query));
	memcpy(msg + sizeof(query), records, sizeof(records));
	msg[2] |= 0x80;
	msg[7] = 2;
	assert_int_equal(dns_first_address(msg, sizeof(msg), 1, out), 4);
	assert_memory_equal(out, "\xc0\0\2\7", 4);
	assert_int_equal(dns_first_address(msg, sizeof(msg), 28, out), 0);
	for (size_t cut = 0; cut < sizeof(msg); cut++)
		assert_int_equal(dns_first_address(msg, cut, 1, out), 0);
}

static void test_the_host_is_known(void **state)
{
	static const uint8_t ip4[4] = { 10, 0, 2, 2 }, ip6[16] = { 0xfd, [15] = 2 };
	uint8_t q[DNS_QUERY_MAX], out[DNS_QUERY_MAX], found[16];
	size_t n = dns_make_query("Host.Containers.internal", 28, q, sizeof(q)), len;

	(void)state;
	assert_int_equal(dns_question_type(q, n), 28);
	assert_true(dns_asks_for(q, n, "host.containers.internal"));
	assert_false(dns_asks_for(q, n, "host.containers.interna"));
	assert_false(dns_asks_for(q, n, "host.containers"));
	assert_false(dns_asks_for(q, n, "host.containers.internal.x"));
	len = dns_make_address(q, n, ip6, 16, out, sizeof(out));
	assert_true(dns_is_answer(q, n, out, len));
	assert_int_equal(dns_first_address(out, len, 28, found), 16);
	assert_memory_equal(found, ip6, 16);
	assert_int_equal(dns_make_address(q, n, NULL, 0, out, sizeof(out)), n);
	assert_int_equal(out[3] & 15, DNS_OK);
	assert_int_equal(dns_make_address(q, n, ip4, 4, out, n + 15), 0);
	n = dns_make_query("host.docker.internal", 1, q, sizeof(q));
	len = dns_make_address(q, n, ip4, 4, out, n + 16);
	assert_int_equal(dns_first_address(out, len, 1, found), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_made_answers),
		cmocka_unit_test(test_resolv_conf),
		cmocka_unit_test(test_search_lists),
		cmocka_unit_test(test_searching),
		cmocka_unit_test(test_made_queries),
		cmocka_unit_test(test_addresses_are_found),
		cmocka_unit_test(test_the_host_is_known),
		cmocka_unit_test(test_no_resolver),
		cmocka_unit_test(test_waiting_for_the_reader),
	};

	return cmocka_run_group_tests_name("net/dns", tests, NULL, NULL);
}
