/* SPDX-License-Identifier: Apache-2.0 */
/* test_dns_tcp.c - net/dns_tcp: a peer that behaves, one that loses frames, one that does not behave */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h> /* needs the headers above */

#include "net/dns.h"
#include "net/dns_tcp.h"

#define MTU 1500

struct peer {
	struct dns_tcp *t;
	struct frame_tcp last; /* of them; data is not used */
	uint8_t got[70000], query[DNS_QUERY_MAX];
	size_t n_got, n_segments, n_queries, lose; /* @lose: so many frames of data */
	uint32_t seq, ack, conn;
	bool fin;
};

static void on_query(void *arg, const struct frame_udp *q, int64_t now)
{
	struct peer *p = arg;

	(void)now;
	assert_true(q->conn != 0 && q->len <= sizeof(p->query));
	p->conn = q->conn;
	p->n_queries++;
	memcpy(p->query, q->data, q->len);
}

static void on_segment(void *arg, const struct frame_tcp *s)
{
	struct peer *p = arg;
	uint8_t frame[FRAME_MAX];
	struct frame_tcp back;

	p->n_segments++;
	assert_true(frame_tcp_write(s, frame, sizeof(frame)) <= MTU + 14);
	assert_true(frame_tcp_read(frame, sizeof(frame), &back));
	assert_int_equal(back.seq, s->seq);
	assert_int_equal(back.len, s->len);
	p->last = back;
	if (s->flags & FRAME_SYN)
		p->ack = s->seq + 1;
	if (s->len > 0 && p->lose > 0) {
		p->lose--;
		return;
	}
	if (s->seq != p->ack)
		return;
	if (s->len > 0)
		memcpy(p->got + p->n_got, s->data, s->len);
	p->n_got += s->len;
	p->ack += (uint32_t)s->len + !!(s->flags & FRAME_FIN);
	p->fin = p->fin || s->flags & FRAME_FIN;
}

static bool say(struct peer *p, uint8_t flags, const void *data, size_t len, uint16_t window)
{
	const struct frame_tcp s = { .sport = 40000,
				     .dport = 53,
				     .window = window,
				     .mss = flags & FRAME_SYN ? 1000 : 0,
				     .seq = p->seq,
				     .ack = p->ack,
				     .flags = flags,
				     .data = data,
				     .len = len };

	p->seq += (uint32_t)len + !!(flags & (FRAME_SYN | FRAME_FIN));
	return dns_tcp_segment(p->t, &s, 1000);
}

static void connect_peer(struct peer *p)
{
	const struct dns_tcp_ops ops = { on_query, on_segment, p };

	memset(p, 0, sizeof(*p));
	p->t = dns_tcp_new(&ops, MTU);
	assert_non_null(p->t);
	p->seq = UINT32_MAX - 5; /* it wraps soon */
	assert_true(say(p, FRAME_SYN, NULL, 0, 65535));
	assert_int_equal(p->last.flags, FRAME_SYN | FRAME_ACK);
	assert_int_equal(p->last.mss, MTU - 40);
	assert_true(say(p, FRAME_ACK, NULL, 0, 65535));
}

static const uint8_t message[] = { 0, 14, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 };

/* In pieces, several at once, the end right behind them. */
static void test_queries(void **state)
{
	struct peer p;
	uint8_t two[2 * sizeof(message)];

	(void)state;
	connect_peer(&p);
	assert_true(say(&p, FRAME_ACK, message, 1, 65535));
	assert_true(say(&p, FRAME_ACK, message + 1, 5, 65535));
	assert_int_equal(p.n_queries, 0);
	p.seq -= 6; /* all of it again, and more */
	assert_true(say(&p, FRAME_ACK, message, sizeof(message), 65535));
	assert_int_equal(p.n_queries, 1);
	assert_memory_equal(p.query, message + 2, 14);
	dns_tcp_reply(p.t, p.conn, (const uint8_t *)"answer", 6, 1000);
	assert_int_equal(p.n_got, 8);
	assert_memory_equal(p.got, "\0\6answer", 8);
	memcpy(two, message, sizeof(message));
	memcpy(two + sizeof(message), message, sizeof(message));
	assert_true(say(&p, FRAME_ACK | FRAME_FIN, two, sizeof(two), 65535));
	assert_int_equal(p.n_queries, 2);
	assert_false(p.fin);
	dns_tcp_reply(p.t, p.conn, (const uint8_t *)"second", 6, 1000);
	assert_false(p.fin); /* there is one more */
	assert_true(say(&p, FRAME_ACK, NULL, 0, 65535));
	assert_int_equal(p.n_queries, 3);
	dns_tcp_reply(p.t, p.conn, (const uint8_t *)"third", 5, 1000);
	assert_int_equal(p.n_got, 23);
	assert_true(p.fin);
	assert_true(say(&p, FRAME_ACK, NULL, 0, 65535));
	assert_false(say(&p, FRAME_ACK, NULL, 0, 65535)); /* it is gone */
	dns_tcp_reply(p.t, p.conn, (const uint8_t *)"late", 4, 1000);
	assert_int_equal(p.n_got, 23);
	dns_tcp_free(p.t);
}

/* The longest answer, through a small window, with frames that get lost. */
static void test_long_answer(void **state)
{
	static uint8_t answer[65535];
	struct peer p;
	int64_t now = 1000;

	(void)state;
	for (size_t i = 0; i < sizeof(answer); i++)
		answer[i] = (uint8_t)(i * 7);
	connect_peer(&p);
	p.lose = 5;
	assert_true(say(&p, FRAME_ACK, message, sizeof(message), 3000));
	dns_tcp_reply(p.t, p.conn, answer, sizeof(answer), now);
	for (int i = 0; i < 200 && p.n_got < sizeof(answer) + 2; i++) {
		int timeout = -1;

		assert_true(say(&p, FRAME_ACK, NULL, 0, 3000));
		dns_tcp_fill(p.t, &timeout, now);
		assert_true(timeout >= 0);
		if (p.lose > 0 || i % 10 == 0) {
			now += DNS_TCP_RESEND_MS << 3;
			dns_tcp_handle(p.t, now);
		}
	}
	assert_int_equal(p.n_got, sizeof(answer) + 2);
	assert_memory_equal(p.got + 2, answer, sizeof(answer));
	dns_tcp_free(p.t);
}

static void test_bad_peers(void **state)
{
	struct peer p;
	int timeout = -1;

	(void)state;
	connect_peer(&p);
	assert_true(say(&p, FRAME_ACK, "\xff\xff", 2, 65535)); /* longer than any query */
	assert_true(p.last.flags & FRAME_RST);
	dns_tcp_free(p.t);
	connect_peer(&p);
	p.seq += 1000; /* a hole */
	assert_true(say(&p, FRAME_ACK, message, sizeof(message), 65535));
	assert_int_equal(p.n_queries, 0);
	p.seq = p.last.ack;
	assert_true(say(&p, FRAME_ACK, message, sizeof(message), 65535));
	assert_int_equal(p.n_queries, 1);
	dns_tcp_free(p.t);
	connect_peer(&p); /* silent */
	dns_tcp_fill(p.t, &timeout, 1000);
	assert_int_equal(timeout, DNS_TCP_IDLE_MS);
	dns_tcp_handle(p.t, 1000 + DNS_TCP_IDLE_MS);
	assert_true(p.last.flags & FRAME_RST);
	timeout = -1;
	dns_tcp_fill(p.t, &timeout, 1000);
	assert_int_equal(timeout, -1);
	dns_tcp_free(p.t);
	connect_peer(&p); /* takes nothing of an answer */
	assert_true(say(&p, FRAME_ACK, message, sizeof(message), 65535));
	p.lose = SIZE_MAX;
	dns_tcp_reply(p.t, p.conn, message, sizeof(message), 1000);
	for (int64_t now = 1000; now < 1000 + DNS_TCP_IDLE_MS; now += 100)
		dns_tcp_handle(p.t, now);
	assert_true(p.n_segments < 20);
	dns_tcp_free(p.t);
}

/* More than there are places: the idle ones go, the busy ones stay. */
static void test_many(void **state)
{
	struct peer p;
	struct frame_tcp s = { .dport = 53, .window = 65535, .mss = 1000 };
	size_t refused = 0;

	(void)state;
	connect_peer(&p);
	for (unsigned i = 0; i < 3 * DNS_TCP_CONNS; i++) {
		s.sport = (uint16_t)(1000 + i);
		s.seq = 7;
		s.flags = FRAME_SYN;
		s.data = NULL;
		s.len = 0;
		if (!dns_tcp_segment(p.t, &s, 1000 + i)) {
			refused++;
			continue;
		}
		s.seq = 8;
		s.ack = p.ack;
		s.flags = FRAME_ACK;
		s.data = message;
		s.len = sizeof(message);
		assert_true(dns_tcp_segment(p.t, &s, 1000 + i));
	}
	assert_int_equal(p.n_queries, DNS_TCP_CONNS);
	assert_int_equal(refused, 2 * DNS_TCP_CONNS);
	dns_tcp_free(p.t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_long_answer),
		cmocka_unit_test(test_bad_peers),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("net/dns_tcp", tests, NULL, NULL);
}
