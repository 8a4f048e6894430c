/* SPDX-License-Identifier: Apache-2.0 */
/* dns_tcp.c - DNS over TCP; the header is the manual. Source: RFC 9293, RFC 7766 */
#include "config.h"

#include "net/dns_tcp.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/parse.h"
#include "net/dns.h"

#define IN_MAX  4096 /* more than one message: some clients send several at once */
#define OUT_MAX (2 + UINT16_MAX)
#define MSS_ANY 536 /* what a peer that says nothing takes, RFC 9293 section 3.7.1 */
#define MSS_MIN 48  /* as Linux has it; less would only be a way to make us work */

struct conn {
	uint32_t serial; /* 0: free */
	bool is_open;    /* our SYN was acknowledged */
	bool is_closing; /* the peer has said its last */
	bool is_waiting; /* a query is with the name server */
	bool fin_sent;
	bool ack_due;
	struct frame_tcp head; /* addresses and ports from us to the peer; the rest is not used */
	uint16_t mss, window;  /* of the peer */
	uint32_t rcv_nxt, snd_una, snd_nxt;
	int64_t resend_at, dead_at; /* the former: 0 = nothing is under way */
	unsigned tries;
	size_t n_in, n_out;
	uint8_t *out; /* from snd_una on */
	uint8_t in[IN_MAX];
};

struct dns_tcp {
	struct dns_tcp_ops ops;
	unsigned mtu;
	uint32_t serial;
	size_t n_used;
	struct conn conn[DNS_TCP_CONNS];
};

struct dns_tcp *dns_tcp_new(const struct dns_tcp_ops *ops, unsigned mtu)
{
	struct dns_tcp *t = calloc(1, sizeof(*t)); /* big, but only what is used becomes memory */

	if (!t)
		return NULL;
	t->ops = *ops;
	t->mtu = mtu;
	return t;
}

static void release(struct dns_tcp *t, struct conn *c)
{
	free(c->out);
	c->out = NULL;
	c->serial = 0;
	t->n_used--;
}

void dns_tcp_free(struct dns_tcp *t)
{
	for (size_t i = 0; t && i < DNS_TCP_CONNS; i++)
		free(t->conn[i].out);
	free(t);
}

/* --- sending -------------------------------------------------------------------------------- */

static void put(struct dns_tcp *t, struct conn *c, uint8_t flags, uint32_t seq, const uint8_t *data,
		size_t len)
{
	struct frame_tcp s = c->head;

	s.flags = flags;
	s.seq = seq;
	s.ack = c->rcv_nxt;
	s.window = (uint16_t)(IN_MAX - c->n_in);
	s.mss = flags & FRAME_SYN ? (uint16_t)(t->mtu - (s.is_v6 ? 60 : 40)) : 0;
	s.data = data;
	s.len = len;
	c->ack_due = false;
	t->ops.send(t->ops.arg, &s);
}

static void give_up(struct dns_tcp *t, struct conn *c)
{
	put(t, c, FRAME_RST | FRAME_ACK, c->snd_nxt, NULL, 0);
	release(t, c);
}

static bool has_message(const struct conn *c)
{
	return c->n_in >= 2 && c->n_in >= 2 + ((size_t)c->in[0] << 8 | c->in[1]);
}

/* Nothing will follow what is in @out. */
static bool is_done(const struct conn *c)
{
	return c->is_closing && !c->is_waiting && !has_message(c);
}

/* Send what the peer can take, and the end behind it. */
static void push(struct dns_tcp *t, struct conn *c, int64_t now)
{
	for (;;) {
		const size_t off = c->snd_nxt - c->snd_una;
		size_t n = off < c->n_out ? c->n_out - off : 0;
		bool last;

		if (off + n > c->window)
			n = c->window > off ? c->window - off : 0;
		n = n < c->mss ? n : c->mss;
		last = is_done(c) && off <= c->n_out && off + n == c->n_out;
		if (n == 0 && !last)
			break;
		put(t, c, (uint8_t)(FRAME_ACK | (n ? FRAME_PSH : 0) | (last ? FRAME_FIN : 0)),
		    c->snd_nxt, c->out + off, n);
		c->snd_nxt += (uint32_t)(n + last);
		c->fin_sent = c->fin_sent || last;
	}
	if (c->snd_nxt != c->snd_una && c->resend_at == 0)
		c->resend_at = now + ((int64_t)DNS_TCP_RESEND_MS << c->tries);
	if (c->ack_due)
		put(t, c, FRAME_ACK, c->snd_nxt, NULL, 0);
}

/* --- receiving ------------------------------------------------------------------------------ */

/* The next whole message goes to the name server, once the answer before it is through. */
static bool next_query(struct dns_tcp *t, struct conn *c, int64_t now)
{
	uint8_t msg[DNS_QUERY_MAX];
	struct frame_udp q = { .is_v6 = c->head.is_v6, .data = msg, .conn = c->serial };
	size_t n;

	if (c->is_waiting || c->n_out > 0 || c->n_in < 2)
		return false;
	n = (size_t)c->in[0] << 8 | c->in[1];
	if (n < DNS_HEADER || n > DNS_QUERY_MAX) {
		give_up(t, c);
		return false;
	}
	if (!has_message(c))
		return false;
	memcpy(msg, c->in + 2, n);
	memmove(c->in, c->in + 2 + n, c->n_in - 2 - n);
	c->n_in -= 2 + n;
	c->is_waiting = true;
	q.len = n;
	t->ops.query(t->ops.arg, &q, now);
	return c->serial == q.conn;
}

static void serve(struct dns_tcp *t, struct conn *c, int64_t now)
{
	const uint32_t serial = c->serial;

	while (next_query(t, c, now))
		;
	if (c->serial == serial)
		push(t, c, now);
}

static void take_ack(struct conn *c, const struct frame_tcp *s, int64_t now)
{
	const uint32_t n = s->ack - c->snd_una;
	const size_t data = n < c->n_out ? n : c->n_out;

	c->window = s->window;
	if (n == 0 || n > c->snd_nxt - c->snd_una)
		return;
	c->snd_una += n;
	c->n_out -= data;
	if (c->n_out > 0)
		memmove(c->out, c->out + data, c->n_out);
	c->tries = 0;
	c->resend_at = c->snd_una != c->snd_nxt ? now + DNS_TCP_RESEND_MS : 0;
}

static void take_data(struct conn *c, const struct frame_tcp *s, int64_t now)
{
	const uint32_t old = c->rcv_nxt - s->seq; /* of it, what we have already */
	const bool fin = s->flags & FRAME_FIN;
	size_t n, room = IN_MAX - c->n_in;

	if (s->len == 0 && !fin)
		return;
	c->ack_due = true;
	if (old > s->len || c->is_closing)
		return; /* something before it was lost, or all of it is known */
	n = s->len - old < room ? s->len - old : room;
	if (n > 0)
		memcpy(c->in + c->n_in, s->data + old, n);
	c->n_in += n;
	c->rcv_nxt += (uint32_t)n;
	if (n > 0)
		c->dead_at = now + DNS_TCP_IDLE_MS;
	if (fin && old + n == s->len) {
		c->rcv_nxt++;
		c->is_closing = true;
	}
}

/* A free place, or that of who has been silent for the longest; NULL: all are busy. */
static struct conn *place(struct dns_tcp *t)
{
	struct conn *idle = NULL;

	for (size_t i = 0; i < DNS_TCP_CONNS; i++) {
		struct conn *c = &t->conn[i];

		if (c->serial == 0)
			return c;
		if (!c->is_waiting && c->n_out == 0 && (!idle || c->dead_at < idle->dead_at))
			idle = c;
	}
	if (idle)
		give_up(t, idle);
	return idle;
}

static bool open_conn(struct dns_tcp *t, const struct frame_tcp *s, int64_t now)
{
	const size_t mss = t->mtu - (s->is_v6 ? 60U : 40U);
	struct conn *c = place(t);
	uint32_t iss = 0;

	if (!c)
		return false;
	if (getrandom(&iss, sizeof(iss), 0) != sizeof(iss))
		iss = (uint32_t)now; /* cannot fail once the pool is initialised */
	*c = (struct conn){ .head = { .is_v6 = s->is_v6, .sport = s->dport, .dport = s->sport },
			    .mss = s->mss ? s->mss : MSS_ANY,
			    .window = s->window,
			    .rcv_nxt = s->seq + 1,
			    .snd_una = iss,
			    .snd_nxt = iss + 1,
			    .resend_at = now + DNS_TCP_RESEND_MS,
			    .dead_at = now + DNS_TCP_IDLE_MS };
	c->mss = c->mss < mss ? c->mss : (uint16_t)mss;
	c->mss = c->mss < MSS_MIN ? MSS_MIN : c->mss;
	memcpy(c->head.mac, s->mac, sizeof(s->mac));
	memcpy(c->head.src, s->dst, sizeof(s->dst));
	memcpy(c->head.dst, s->src, sizeof(s->src));
	t->serial += t->serial == UINT32_MAX ? 2 : 1;
	c->serial = t->serial;
	t->n_used++;
	put(t, c, FRAME_SYN | FRAME_ACK, iss, NULL, 0);
	return true;
}

static struct conn *find(struct dns_tcp *t, const struct frame_tcp *s)
{
	for (size_t i = 0; t->n_used > 0 && i < DNS_TCP_CONNS; i++) {
		struct conn *c = &t->conn[i];

		if (c->serial && c->head.dport == s->sport && c->head.is_v6 == s->is_v6 &&
		    memcmp(c->head.dst, s->src, sizeof(s->src)) == 0)
			return c;
	}
	return NULL;
}

bool dns_tcp_segment(struct dns_tcp *t, const struct frame_tcp *s, int64_t now)
{
	struct conn *c = find(t, s);

	if ((s->flags & (FRAME_SYN | FRAME_ACK | FRAME_RST)) == FRAME_SYN) {
		if (c) /* its first answer was lost, or the port is used again */
			release(t, c);
		return open_conn(t, s, now);
	}
	if (!c)
		return false;
	if (s->flags & FRAME_RST) {
		if (s->seq == c->rcv_nxt)
			release(t, c);
		return true;
	}
	if (!(s->flags & FRAME_ACK) || s->flags & FRAME_SYN)
		return true;
	if (!c->is_open && s->ack != c->snd_nxt)
		return false;
	c->is_open = true;
	take_ack(c, s, now);
	if (c->fin_sent && c->snd_una == c->snd_nxt) {
		release(t, c);
		return true;
	}
	take_data(c, s, now);
	serve(t, c, now);
	return true;
}

void dns_tcp_reply(struct dns_tcp *t, uint32_t conn, const uint8_t *msg, size_t len, int64_t now)
{
	struct conn *c = NULL;

	for (size_t i = 0; i < DNS_TCP_CONNS; i++)
		if (t->conn[i].serial == conn)
			c = &t->conn[i];
	if (!c || !c->is_waiting || len > UINT16_MAX)
		return;
	free(c->out);
	c->out = malloc(2 + len);
	if (!c->out) {
		give_up(t, c);
		return;
	}
	c->out[0] = (uint8_t)(len >> 8);
	c->out[1] = (uint8_t)len;
	memcpy(c->out + 2, msg, len);
	c->n_out = 2 + len;
	c->is_waiting = false;
	c->dead_at = now + DNS_TCP_IDLE_MS;
	push(t, c, now);
}

/* --- time ----------------------------------------------------------------------------------- */

void dns_tcp_fill(const struct dns_tcp *t, int *timeout_ms, int64_t now)
{
	for (size_t i = 0; t->n_used > 0 && i < DNS_TCP_CONNS; i++) {
		const struct conn *c = &t->conn[i];
		int64_t due = c->resend_at && c->resend_at < c->dead_at ? c->resend_at : c->dead_at;

		if (!c->serial)
			continue;
		due = due > now ? due - now : 0;
		if (*timeout_ms < 0 || due < *timeout_ms)
			*timeout_ms = (int)due;
	}
}

static void resend(struct dns_tcp *t, struct conn *c, int64_t now)
{
	if (++c->tries > DNS_TCP_TRIES) {
		release(t, c);
		return;
	}
	c->resend_at = 0;
	if (c->is_open) {
		c->snd_nxt = c->snd_una;
		c->fin_sent = false; /* a closed window may keep it from going out again */
		push(t, c, now);
		return;
	}
	put(t, c, FRAME_SYN | FRAME_ACK, c->snd_una, NULL, 0);
	c->resend_at = now + ((int64_t)DNS_TCP_RESEND_MS << c->tries);
}

void dns_tcp_handle(struct dns_tcp *t, int64_t now)
{
	for (size_t i = 0; t->n_used > 0 && i < DNS_TCP_CONNS; i++) {
		struct conn *c = &t->conn[i];

		if (c->serial && now >= c->dead_at)
			give_up(t, c);
		else if (c->serial && c->resend_at && now >= c->resend_at)
			resend(t, c, now);
	}
}
