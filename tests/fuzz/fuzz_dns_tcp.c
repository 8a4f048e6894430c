/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_dns_tcp.c - a peer that says whatever it likes to DNS over TCP
 *
 * Input: steps of four bytes and what they announce: port and flags, sequence relative to what is
 * expected, window, length of the data that follows. Queries are answered at once, later or never. Each
 * segment fits into a frame of the network and stays within the peer's largest window; a connection has
 * one query under way; and in the end nothing is left.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/dns.h"
#include "net/dns_tcp.h"

#define MTU   1500
#define PORTS 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct peer {
	uint32_t seq, ack; /* what they expect; their next */
	uint32_t conn;     /* of the query under way, or 0 */
	size_t window;
};

struct fuzz {
	struct dns_tcp *t;
	struct peer peer[PORTS];
	unsigned turn;
};

static void on_query(void *arg, const struct frame_udp *q, int64_t now)
{
	static const uint8_t answer[3000];
	struct fuzz *f = arg;

	assert(q->conn && q->len >= DNS_HEADER && q->len <= DNS_QUERY_MAX);
	if (f->turn++ % 3 == 0) {
		dns_tcp_reply(f->t, q->conn, answer, f->turn % sizeof(answer), now);
		return;
	}
	for (size_t i = 0; i < PORTS; i++) {
		assert(f->peer[i].conn != q->conn);
		if (!f->peer[i].conn) {
			f->peer[i].conn = q->conn;
			return;
		}
	}
}

static void on_segment(void *arg, const struct frame_tcp *s)
{
	struct fuzz *f = arg;
	struct peer *p = &f->peer[s->dport - 1];
	uint8_t frame[FRAME_MAX];
	struct frame_tcp back;
	size_t n = frame_tcp_write(s, frame, sizeof(frame));

	assert(s->dport >= 1 && s->dport <= PORTS);
	assert(n > 0 && n <= MTU + 14);
	assert(frame_tcp_read(frame, n, &back) && back.len == s->len && back.seq == s->seq);
	assert(s->len <= p->window);
	if (s->flags & FRAME_SYN)
		p->ack = s->seq;
	p->seq = s->ack;
	if (s->seq == p->ack)
		p->ack += (uint32_t)s->len + !!(s->flags & (FRAME_SYN | FRAME_FIN));
}

static void step(struct fuzz *f, const uint8_t b[4], const uint8_t *data, size_t len, int64_t now)
{
	const unsigned port = b[0] % PORTS;
	struct peer *p = &f->peer[port];
	struct frame_tcp s = { .is_v6 = b[2] & 1,
			       .sport = (uint16_t)(port + 1),
			       .dport = 53,
			       .window = (uint16_t)(b[2] << 8 | b[2]),
			       .seq = p->seq + (uint32_t)(int8_t)b[1],
			       .ack = p->ack,
			       .flags = FRAME_ACK,
			       .data = data,
			       .len = len };

	if (b[0] >= 240) {
		s.flags = FRAME_SYN;
		s.mss = (uint16_t)(b[2] * 16);
	} else if (b[0] >= 220) {
		s.flags = b[0] & 1 ? FRAME_ACK | FRAME_FIN : FRAME_RST;
	} else if (b[0] >= 210) {
		s.ack -= b[2];
	}
	p->window = s.window > p->window ? s.window : p->window;
	(void)dns_tcp_segment(f->t, &s, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { 0 };
	const struct dns_tcp_ops ops = { on_query, on_segment, &f };
	int64_t now = 1000;
	int timeout = -1;

	f.t = dns_tcp_new(&ops, MTU);
	assert(f.t);
	while (size >= 4) {
		const uint8_t *b = data;
		size_t n = b[3];

		data += 4;
		size -= 4;
		n = n < size ? n : size;
		if (b[0] < 200 && b[0] >= 190) {
			struct peer *p = &f.peer[b[1] % PORTS];

			now += b[2] * 10;
			dns_tcp_handle(f.t, now);
			dns_tcp_reply(f.t, p->conn, data, n, now);
			p->conn = 0;
		} else {
			step(&f, b, data, n, now);
		}
		data += n;
		size -= n;
	}
	for (int i = 0; i < 2 * DNS_TCP_TRIES; i++)
		dns_tcp_handle(f.t, now += DNS_TCP_IDLE_MS);
	dns_tcp_fill(f.t, &timeout, now);
	assert(timeout == -1);
	dns_tcp_free(f.t);
	return 0;
}
