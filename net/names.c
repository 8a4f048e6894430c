/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - names of containers; the header is the manual. Source: RFC 1035, RFC 3596 */
#include "config.h"

#include "net/names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/proc.h"
#include "net/dns.h"
#include "net/lease.h"
#include "net/network.h"
#include "net/resolver.h"

#define TYPE_A    1
#define TYPE_PTR  12
#define TYPE_AAAA 28
#define TYPE_ANY  255
#define CLASS_IN  1
#define SUFFIX    "." NETWORK_SEARCH
#define SHORT_ID  12
#define WAIT_MS   100 /* the reader is local and answers in a fraction of 1 ms */

struct names {
	int reader_fd;
	char *text; /* the leases of one network */
	size_t room;
	char msg[RESOLV_MESSAGE_MAX + 1];
};

struct question {
	char name[NAMES_MAX + 1]; /* lower case, without the last dot */
	uint16_t type;
	bool is_ours;  /* it ended in rl.internal, which @name does no more */
	struct ip ptr; /* af 0: no PTR of an address */
};

struct names *names_new(int reader_fd)
{
	struct names *n = calloc(1, sizeof(*n));

	if (n)
		n->reader_fd = reader_fd;
	return n;
}

void names_free(struct names *n)
{
	if (n)
		free(n->text);
	free(n);
}

/* --- the question --------------------------------------------------------------------------- */

/* "4.3.2.1.in-addr.arpa", or 32 nibbles and ip6.arpa */
static void parse_ptr(struct question *q)
{
	unsigned b[4];
	char end[16];

	if (sscanf(q->name, "%3u.%3u.%3u.%3u.%15s", &b[3], &b[2], &b[1], &b[0], end) == 5 &&
	    strcmp(end, "in-addr.arpa") == 0) {
		for (int i = 0; i < 4; i++)
			q->ptr.b[i] = (uint8_t)b[i];
		q->ptr.af = b[0] < 256 && b[1] < 256 && b[2] < 256 && b[3] < 256 ? AF_INET : 0;
	} else if (strlen(q->name) == 72 && strcmp(q->name + 64, "ip6.arpa") == 0) {
		for (int i = 0; i < 32; i++) {
			static const char digits[] = "0123456789abcdef";
			const char *d = strchr(digits, q->name[62 - 2 * i]);

			if (!d || !*d || q->name[63 - 2 * i] != '.')
				return;
			q->ptr.b[i / 2] = (uint8_t)(q->ptr.b[i / 2] << 4 | (d - digits));
		}
		q->ptr.af = AF_INET6;
	}
}

/* Containers that the question is about, by their leases; who has ended may be among them. */
#define HITS_MAX 64
struct hits {
	struct lease v[HITS_MAX];
	size_t n;
};

static bool parse_question(const uint8_t *m, size_t len, struct question *ret)
{
	const size_t q = dns_question_len(m, len), n_suffix = sizeof(SUFFIX) - 1;
	struct question x = { 0 };
	size_t at = DNS_HEADER, n = 0;

	if (q == 0)
		return false;
	while (m[at]) {
		for (size_t k = m[at++]; k > 0; k--, at++) {
			uint8_t c = m[at];

			if (c <= ' ' || c == '.' || c >= 127 || c == ',')
				return false; /* none of ours has such */
			x.name[n++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
		}
		x.name[n++] = '.';
	}
	if (n == 0)
		return false;
	x.name[--n] = '\0';
	x.type = (uint16_t)(m[q - 4] << 8 | m[q - 3]);
	if ((m[q - 2] << 8 | m[q - 1]) != CLASS_IN)
		return false;
	if (n > n_suffix && strcmp(x.name + n - n_suffix, SUFFIX) == 0) {
		x.is_ours = true;
		x.name[n - n_suffix] = '\0';
	}
	if (x.type == TYPE_PTR)
		parse_ptr(&x);
	*ret = x;
	return true;
}

/* --- the answer ----------------------------------------------------------------------------- */

static void put16(struct names_reply *r, unsigned v)
{
	r->out[r->len++] = (uint8_t)(v >> 8);
	r->out[r->len++] = (uint8_t)v;
}

static void add_answer(struct names_reply *r, unsigned type, const void *data, size_t n)
{
	if (r->room - r->len < 12 + n)
		return;                /* enough to choose from */
	put16(r, 0xc000 | DNS_HEADER); /* the name: as asked for */
	put16(r, type);
	put16(r, CLASS_IN);
	put16(r, 0);
	put16(r, NAMES_TTL);
	put16(r, (unsigned)n);
	memcpy(r->out + r->len, data, n);
	r->len += n;
	r->n_answers++;
}

/* A name as labels. Bytes, 0 when it cannot be one. */
static size_t to_labels(const char *name, uint8_t out[NAMES_MAX + 2])
{
	size_t at = 0;

	if (strlen(name) > NAMES_MAX - 1)
		return 0;
	for (const char *p = name; *p;) {
		size_t n = strcspn(p, ".");

		if (n == 0 || n > 63)
			return 0;
		out[at++] = (uint8_t)n;
		memcpy(out + at, p, n);
		at += n;
		p += n + (p[n] == '.');
	}
	out[at++] = 0;
	return at;
}

static void add_ptr(struct names_reply *r, const struct lease *l)
{
	uint8_t labels[NAMES_MAX + 2];
	char name[NAMES_MAX + sizeof(SUFFIX)];
	size_t n;

	if (l->names.n == 0 || strlen(l->names.v[0]) > NAMES_MAX - sizeof(SUFFIX))
		return;
	(void)snprintf(name, sizeof(name), "%s" SUFFIX, l->names.v[0]);
	n = to_labels(name, labels);
	if (n > 0)
		add_answer(r, TYPE_PTR, labels, n);
}

/* Is @name one of the container's, alone or with the network behind it? */
static bool is_called(const struct lease *l, const char *name, const char *network)
{
	const size_t len = strlen(name), n_net = strlen(network);
	size_t own = len;

	if (len > n_net + 1 && name[len - n_net - 1] == '.' &&
	    strcasecmp(name + len - n_net, network) == 0)
		own = len - n_net - 1;
	for (size_t i = 0; i <= l->names.n; i++) {
		char id[SHORT_ID + 1];
		const char *s = i < l->names.n ? l->names.v[i] : id;

		(void)snprintf(id, sizeof(id), "%.*s", SHORT_ID, l->id);
		if (strcasecmp(s, name) == 0 ||
		    (own < len && strlen(s) == own && strncasecmp(s, name, own) == 0))
			return true;
	}
	return false;
}

/* A line that may matter, before it is taken apart. */
static bool may_match(const struct question *q, const char *line)
{
	char first[NAMES_MAX + 1], text[IP_TEXT];

	if (q->ptr.af)
		return strstr(line, ip_print(&q->ptr, text)) != NULL;
	(void)snprintf(first, sizeof(first), "%.*s", (int)strcspn(q->name, "."), q->name);
	return strcasestr(line, first) != NULL;
}

static bool is_match(const struct question *q, const char *network, const struct lease *l)
{
	if (q->ptr.af)
		return ip_equal(&q->ptr, &l->ip4) || ip_equal(&q->ptr, &l->ip6);
	return q->type != TYPE_PTR && is_called(l, q->name, network);
}

static void add_lease(const struct question *q, const struct lease *l, struct names_reply *r)
{
	if (q->ptr.af)
		add_ptr(r, l);
	if (l->ip4.af && (q->type == TYPE_A || q->type == TYPE_ANY))
		add_answer(r, TYPE_A, l->ip4.b, 4);
	if (l->ip6.af && (q->type == TYPE_AAAA || q->type == TYPE_ANY))
		add_answer(r, TYPE_AAAA, l->ip6.b, 16);
}

static void search(const struct question *q, const char *network, char *leases, struct hits *hits)
{
	for (char *line = leases, *next; line && *line && hits->n < HITS_MAX; line = next) {
		struct lease l;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!may_match(q, line) || lease_parse(line, strlen(line), &l) < 0)
			continue;
		if (is_match(q, network, &l)) {
			hits->v[hits->n++] = l;
			l = (struct lease){ 0 };
		}
		lease_done(&l);
	}
}

static void hits_done(struct hits *h)
{
	while (h->n > 0)
		lease_done(&h->v[--h->n]);
}

int names_search(const uint8_t *query, size_t len, const char *network, char *leases, size_t n,
		 struct names_reply *r)
{
	struct question q;
	struct hits hits = { .n = 0 };
	int found;

	(void)n; /* it ends in NUL */
	if (!parse_question(query, len, &q))
		return 0;
	search(&q, network, leases, &hits);
	found = hits.n > 0;
	for (size_t i = 0; i < hits.n; i++)
		add_lease(&q, &hits.v[i], r);
	hits_done(&hits);
	return found;
}

/* --- the source ----------------------------------------------------------------------------- */

/* All of @fd into n->text. False: not to be had. */
static bool load(struct names *n, int fd)
{
	size_t len = 0;

	for (;;) {
		ssize_t got;

		if (n->room - len < 2) {
			size_t room = n->room ? 2 * n->room : 8192;
			char *text = room <= 2 * LEASE_FILE_MAX ? realloc(n->text, room) : NULL;

			if (!text)
				return false;
			n->text = text;
			n->room = room;
		}
		got = read(fd, n->text + len, n->room - len - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	n->text[len] = '\0';
	return true;
}

/* One message of the reader: networks' names, a line each, and their leases. */
static void take(struct names *n, const struct question *q, char *names, const int *fds,
		 struct hits *hits)
{
	for (size_t i = 0; i < PROC_FDS_MAX && fds[i] >= 0; i++) {
		char *end = strchr(names, '\n');

		if (end)
			*end = '\0';
		if (load(n, fds[i]))
			search(q, names, n->text, hits);
		names = end ? end + 1 : names + strlen(names);
	}
}

struct deferred {
	void (*run)(void *arg, const char *text, size_t len);
	void *arg;
};

/*
 * The next message of the reader into n->msg; those of another kind are handed on. Bytes, 0: it does
 * not answer
 */
static size_t receive(struct names *n, int fds[PROC_FDS_MAX], const struct deferred *d)
{
	struct pollfd p = { .fd = n->reader_fd, .events = POLLIN };

	for (;;) {
		ssize_t got;

		if (poll(&p, 1, WAIT_MS) <= 0)
			return 0;
		got = fd_recv(n->reader_fd, n->msg, RESOLV_MESSAGE_MAX, fds, PROC_FDS_MAX);
		if (got == -EINTR || got == -EAGAIN)
			continue;
		if (got <= 0)
			return 0;
		n->msg[got] = '\0';
		if (n->msg[0] != '+')
			return (size_t)got;
		d->run(d->arg, n->msg, (size_t)got);
	}
}

static void ask(struct names *n, const struct question *q, struct hits *hits,
		const struct deferred *d)
{
	int fds[PROC_FDS_MAX];
	char kind = RESOLV_MORE;

	if (send(n->reader_fd, RESOLV_ASK_NAMES, 1, MSG_NOSIGNAL) != 1)
		return;
	while (kind != RESOLV_LAST && receive(n, fds, d) > 0) {
		kind = n->msg[0];
		take(n, q, n->msg + 1, fds, hits);
		for (size_t i = 0; i < PROC_FDS_MAX; i++)
			fd_close(fds[i]);
	}
}

/* The lease of who was killed stays until somebody changes the list. No answer: no. */
static bool runs(struct names *n, const struct lease *l, const struct deferred *d)
{
	char msg[1 + LEASE_ID_LEN + 1];
	int fds[PROC_FDS_MAX];

	(void)snprintf(msg, sizeof(msg), "%c%s", RESOLV_ASK_RUNS, l->id);
	if (send(n->reader_fd, msg, 1 + LEASE_ID_LEN, MSG_NOSIGNAL) != 1 + LEASE_ID_LEN)
		return false;
	while (receive(n, fds, d) > 0) {
		for (size_t i = 0; i < PROC_FDS_MAX; i++)
			fd_close(fds[i]); /* of an answer that came too late */
		if (n->msg[0] == RESOLV_ASK_RUNS)
			return strcmp(n->msg, RESOLV_RUNS) == 0;
	}
	return false;
}

size_t names_answer(struct names *n, const uint8_t *query, size_t len, uint8_t out[NAMES_REPLY],
		    void (*deferred)(void *arg, const char *text, size_t len), void *arg)
{
	const struct deferred d = { deferred, arg };
	struct names_reply r = { .out = out, .room = NAMES_REPLY };
	struct hits hits = { .n = 0 };
	struct question q;
	bool found = false;

	if (!parse_question(query, len, &q) || dns_question_len(query, len) > NAMES_REPLY)
		return 0;
	r.len = dns_make_answer(query, len, DNS_OK, false, out);
	ask(n, &q, &hits, &d);
	for (size_t i = 0; i < hits.n; i++) {
		if (!runs(n, &hits.v[i], &d))
			continue;
		add_lease(&q, &hits.v[i], &r);
		found = true;
	}
	hits_done(&hits);
	if (!found && !q.is_ours)
		return 0;
	if (!found)
		return dns_make_answer(query, len, DNS_NXDOMAIN, false, out);
	out[2] |= 0x04; /* authoritative */
	out[7] = (uint8_t)r.n_answers;
	return r.len;
}
