/* SPDX-License-Identifier: Apache-2.0 */
/* dns.c - queries in flight; dns.h tells how it works, dnsmsg.c knows the messages */
#include "config.h"

#include "net/dns.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "net/dns_ask.h"
#include "net/names.h"
#include "net/resolver.h"

#define RENAMED_MAX 4096

/* One query of the container on its way through the host's servers. */
struct slot {
	bool used;
	bool listed;                /* the servers to ask are known */
	uint8_t n_servers, n_asked; /* of server[] */
	uint8_t n_open;             /* asked, and may still answer */
	uint16_t len;               /* of the query */
	struct frame_udp client;    /* where the answer goes; its data pointer is not used */
	uint8_t id[2];              /* the client's */
	int64_t give_up, next;      /* next: ask another server (or list_due) */
	uint8_t server[RESOLV_SERVERS_MAX]; /* indices into list.v in the order to ask */
	uint32_t list_serial;               /* indices are of this list */
	struct dns_ask ask[RESOLV_SERVERS_MAX];
	bool tcp;                 /* the answer was cut: ask over TCP */
	bool has_failed;          /* a server, for one of the domains */
	uint8_t domain;           /* of the search list, the next one */
	uint16_t name_end, added; /* the domain that stands in the query: where, how long */
};

struct dns {
	int reader_fd, reader_poll;
	size_t reply_max;
	dns_reply_fn reply;
	void *arg;
	bool has_host, has_host6; /* dns_host() */
	uint8_t host4[4], host6[16];

	struct resolv_servers list;
	int64_t bad_until[RESOLV_SERVERS_MAX]; /* of list.v */
	int64_t listed_at;                     /* when list was read; INT64_MIN = never */
	uint32_t list_serial;
	bool asking; /* the reader owes us a list */
	struct names *names;
	bool names_only;
	bool has_own; /* servers: those of dns_use_servers() */
	bool searches;

	size_t n_used, top; /* slots in use; all used ones are below top */
	struct slot slot[DNS_SLOTS];
	uint8_t query[DNS_SLOTS][DNS_QUERY_MAX];
	uint8_t answer[FRAME_MAX];
};

struct dns *dns_new(int reader_fd, size_t reply_max, dns_reply_fn reply, void *arg)
{
	struct dns *d = calloc(1, sizeof(*d)); /* big, but only what is used becomes memory */

	if (!d)
		return NULL;
	d->reader_fd = reader_fd;
	d->reply_max = reply_max;
	d->reply = reply;
	d->arg = arg;
	d->listed_at = INT64_MIN;
	return d;
}

int dns_serve_names(struct dns *d, bool only)
{
	d->names = names_new(d->reader_fd);
	d->names_only = only;
	return d->names ? 0 : -ENOMEM;
}

static void stop_asking(struct slot *s)
{
	for (size_t i = 0; i < s->n_asked; i++)
		dns_ask_close(&s->ask[i]);
	s->n_asked = s->n_open = 0;
}

static void release(struct dns *d, struct slot *s)
{
	stop_asking(s);
	s->used = false;
	d->n_used--;
	while (d->top > 0 && !d->slot[d->top - 1].used)
		d->top--;
}

void dns_free(struct dns *d)
{
	for (size_t i = 0; d && i < d->top; i++)
		if (d->slot[i].used)
			release(d, &d->slot[i]);
	if (d)
		names_free(d->names);
	free(d);
}

void dns_host(struct dns *d, const uint8_t ip4[4], const uint8_t *ip6)
{
	d->has_host = true;
	memcpy(d->host4, ip4, 4);
	d->has_host6 = ip6 != NULL;
	if (ip6)
		memcpy(d->host6, ip6, 16);
}

/* True when it was about the host itself, and is answered. */
static bool about_host(struct dns *d, const struct frame_udp *q)
{
	static const char *const names[] = { "host.containers.internal", "host.docker.internal" };
	const uint16_t type = dns_question_type(q->data, q->len);
	const bool v6 = type == 28 && d->has_host6; /* AAAA; 1: A */
	const size_t len = v6 ? 16 : type == 1 ? 4 : 0;
	uint8_t out[DNS_QUERY_MAX + 32];

	if (!d->has_host ||
	    (!dns_asks_for(q->data, q->len, names[0]) && !dns_asks_for(q->data, q->len, names[1])))
		return false;
	d->reply(
		d->arg, q, out,
		dns_make_address(q->data, q->len, v6 ? d->host6 : d->host4, len, out, sizeof(out)));
	return true;
}

static uint8_t *query_of(struct dns *d, const struct slot *s)
{
	return d->query[s - d->slot];
}

static void refuse(struct dns *d, const struct frame_udp *q, enum dns_rcode rcode)
{
	uint8_t out[DNS_QUERY_MAX];
	size_t len = q->len < sizeof(out) ? q->len : sizeof(out);

	d->reply(d->arg, q, out, dns_make_answer(q->data, len, rcode, false, out));
}

/* Take the domain of the search list out of the query again. */
static void drop_domain(struct dns *d, struct slot *s)
{
	uint8_t *q = query_of(d, s) + s->name_end;

	memmove(q, q + s->added, (size_t)s->len - s->name_end - s->added);
	s->len = (uint16_t)(s->len - s->added);
	s->added = 0;
}

/* Nobody can answer: say so and forget the query. */
static void fail(struct dns *d, struct slot *s)
{
	uint8_t *q = query_of(d, s);

	drop_domain(d, s);
	memcpy(q, s->id, 2);
	s->client.data = q;
	s->client.len = s->len;
	refuse(d, &s->client, DNS_SERVFAIL);
	release(d, s);
}

/* --- the list of servers -------------------------------------------------------------------- */

static bool same_addr(const union resolv_addr *a, const union resolv_addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16) == 0 &&
	       a->in6.sin6_scope_id == b->in6.sin6_scope_id;
}

/* Indices of the servers, those that were silent lately behind the others. */
static size_t order(const struct dns *d, int64_t now, uint8_t out[RESOLV_SERVERS_MAX])
{
	size_t n = 0;

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < d->list.n; i++)
			if ((d->bad_until[i] > now) == (pass == 1))
				out[n++] = (uint8_t)i;
	return n;
}

static void take_list(struct dns *d, const char *text, size_t len, int64_t now)
{
	struct resolv_servers fresh;
	int64_t bad[RESOLV_SERVERS_MAX] = { 0 };
	bool changed;

	resolv_parse(text, len, &fresh);
	changed = fresh.n != d->list.n;
	for (size_t i = 0; i < fresh.n; i++) {
		changed = changed || !same_addr(&fresh.v[i], &d->list.v[i]);
		for (size_t j = 0; j < d->list.n; j++)
			if (same_addr(&fresh.v[i], &d->list.v[j]))
				bad[i] = d->bad_until[j];
	}
	d->listed_at = now;
	d->list.ndots = fresh.ndots;
	memcpy(d->list.search, fresh.search, sizeof(fresh.search));
	if (!changed || d->has_own)
		return;
	d->list = fresh;
	memcpy(d->bad_until, bad, sizeof(bad));
	d->list_serial++;
}

static bool is_fresh(const struct dns *d, int64_t now)
{
	if (d->has_own && !d->searches)
		return true;
	return d->listed_at != INT64_MIN && now - d->listed_at < DNS_LIST_MS;
}

static void ask_reader(struct dns *d)
{
	if (d->asking || d->reader_fd < 0)
		return;
	/* full: it has not answered for long; the give-up time of each query holds */
	d->asking = send(d->reader_fd, RESOLV_ASK, 1, MSG_NOSIGNAL) == 1;
	if (!d->asking && errno != EAGAIN)
		d->reader_fd = FD_NONE; /* it died: go on with the list we have */
}

/* --- asking servers --------------------------------------------------------------------------- */

/* Ask the next servers until one takes the query. False when nobody is left who could answer. */
static bool ask_next(struct dns *d, struct slot *s, int64_t now)
{
	if (s->list_serial != d->list_serial)
		s->n_servers = s->n_asked; /* the servers changed meanwhile: no others to ask */
	while (s->n_asked < s->n_servers) {
		struct dns_ask *a = &s->ask[s->n_asked];

		if (dns_ask_open(a, &d->list.v[s->server[s->n_asked++]], s->tcp, query_of(d, s),
				 s->len)) {
			s->n_open++;
			s->next = s->n_asked < s->n_servers ? now + DNS_TRY_MS : s->give_up;
			return true;
		}
	}
	s->next = s->give_up;
	return s->n_open > 0;
}

/* The next domain of the search list behind the name, or none behind the last. */
static void next_domain(struct dns *d, struct slot *s)
{
	size_t n = 1;

	drop_domain(d, s);
	while (n > 0 && s->added == 0 && d->searches && s->domain < UINT8_MAX) {
		const char *domain;

		n = resolv_search(&d->list, s->domain, &domain);
		if (n == 0 || !dns_is_searched(query_of(d, s), s->len, d->list.ndots))
			break;
		s->domain++;
		s->name_end = (uint16_t)(dns_question_len(query_of(d, s), s->len) - 5);
		s->added =
			(uint16_t)dns_add_domain(query_of(d, s), s->len, DNS_QUERY_MAX, domain, n);
	}
	s->len = (uint16_t)(s->len + s->added);
}

static void start(struct dns *d, struct slot *s, int64_t now)
{
	if (!s->listed)
		next_domain(d, s);
	s->listed = true;
	s->n_servers = (uint8_t)order(d, now, s->server);
	s->list_serial = d->list_serial;
	if (!ask_next(d, s, now))
		fail(d, s);
}

/* The reader's answer is there; @n <= 0: it is not and never will. */
static void got_list(struct dns *d, const char *text, ssize_t n, int64_t now)
{
	d->asking = false;
	if (n <= 0)
		d->reader_fd = FD_NONE;
	else
		take_list(d, text + 1, (size_t)n - 1, now);
	for (size_t i = 0; i < d->top; i++)
		if (d->slot[i].used && !d->slot[i].listed)
			start(d, &d->slot[i], now);
}

static void receive_list(struct dns *d, int64_t now)
{
	char text[1 + RESOLV_TEXT_MAX];
	ssize_t n = recv(d->reader_fd, text, sizeof(text), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && text[0] != '+')
		return; /* names that came too late */
	got_list(d, text, n, now);
}

/* The list of servers, met while names were waited for */
struct late {
	struct dns *d;
	int64_t now;
};

static void take_late(void *arg, const char *text, size_t len)
{
	const struct late *l = arg;

	got_list(l->d, text, (ssize_t)len, l->now);
}

void dns_use_servers(struct dns *d, const char *text)
{
	d->has_own = false;
	take_list(d, text, strlen(text), INT64_MIN); /* as if never: of the rest we know nothing */
	d->has_own = d->list.n > 0;
}

void dns_use_search(struct dns *d)
{
	d->searches = true;
}

/* The client asks again from the same port with the same id: the first is still on its way. */
static bool is_repeat(struct dns *d, const struct frame_udp *q)
{
	for (size_t i = 0; i < d->top; i++) {
		const struct slot *s = &d->slot[i];
		const size_t end = s->added ? s->name_end : s->len;
		const uint8_t *own = query_of(d, s);

		if (s->used && s->client.conn == 0 && s->client.sport == q->sport &&
		    s->client.is_v6 == q->is_v6 && memcmp(s->id, q->data, 2) == 0 &&
		    (size_t)s->len - s->added == q->len &&
		    memcmp(own + 2, q->data + 2, end - 2) == 0 &&
		    memcmp(own + end + s->added, q->data + end, q->len - end) == 0)
			return true;
	}
	return false;
}

static struct slot *free_slot(struct dns *d)
{
	size_t i = 0;

	while (i < DNS_SLOTS && d->slot[i].used)
		i++;
	if (i == DNS_SLOTS)
		return NULL;
	if (i >= d->top)
		d->top = i + 1;
	d->n_used++;
	d->slot[i] = (struct slot){ .used = true };
	return &d->slot[i];
}

/* Answered from the names of containers, or to be answered by nobody. */
static bool is_name(struct dns *d, const struct frame_udp *q, int64_t now)
{
	uint8_t out[NAMES_REPLY];
	struct late late = { d, now };
	size_t n = d->names && d->reader_fd >= 0
			   ? names_answer(d->names, q->data, q->len, out, take_late, &late)
			   : 0;

	if (n > 0)
		d->reply(d->arg, q, out, n);
	else if (d->names_only)
		refuse(d, q, DNS_NXDOMAIN);
	return n > 0 || d->names_only;
}

void dns_query(struct dns *d, const struct frame_udp *q, int64_t now)
{
	struct slot *s;
	uint8_t *copy;

	if (q->len < DNS_HEADER || q->data[2] & 0x80)
		return; /* not a query: no answer, or two servers could be set on each other */
	if (q->data[2] & 0x78) {
		refuse(d, q, DNS_NOTIMP);
		return;
	}
	if (q->len > DNS_QUERY_MAX || dns_question_len(q->data, q->len) == 0) {
		refuse(d, q, DNS_FORMERR);
		return;
	}
	if (about_host(d, q) || is_name(d, q, now) || (q->conn == 0 && is_repeat(d, q)))
		return;
	s = free_slot(d);
	if (!s) {
		refuse(d, q, DNS_SERVFAIL);
		return;
	}
	copy = query_of(d, s);
	s->client = *q;
	s->len = (uint16_t)q->len;
	s->give_up = now + DNS_GIVE_UP_MS;
	s->next = now + DNS_TRY_MS; /* the reader is local; then the old list must do */
	memcpy(s->id, q->data, 2);
	memcpy(copy, q->data, q->len);
	if (getrandom(copy, 2, 0) != 2)
		memcpy(copy, s->id, 2); /* cannot fail once the pool is initialised */
	if (is_fresh(d, now)) {
		start(d, s, now);
		return;
	}
	ask_reader(d);
	if (!d->asking)
		start(d, s, now);
}

/* --- answers ------------------------------------------------------------------------------- */

static void punish_silent(struct dns *d, const struct slot *s, size_t answered, int64_t now)
{
	if (s->list_serial != d->list_serial)
		return;
	for (size_t i = 0; i < s->n_asked; i++)
		if (i != answered && s->ask[i].fd >= 0 && d->list.n > 1)
			d->bad_until[s->server[i]] = now + DNS_PENALTY_MS;
}

/* What was found below a domain of the search list, as an answer to what was asked. */
static size_t rename_answer(struct dns *d, struct slot *s, size_t len)
{
	const bool cut = d->answer[2] & 0x02;
	uint8_t *q = query_of(d, s), out[RENAMED_MAX];
	size_t n;

	drop_domain(d, s);
	n = dns_rename_answer(q, s->len, d->answer, len, out,
			      s->client.conn ? sizeof(out) : NAMES_REPLY);
	if (n == 0 || cut)
		n = dns_make_answer(q, s->len, cut ? DNS_OK : DNS_SERVFAIL, cut, out);
	memcpy(d->answer, out, n);
	return n;
}

static void deliver(struct dns *d, struct slot *s, size_t which, size_t len, int64_t now)
{
	/* asked only after others were silent: they shall wait behind this one from now on */
	if (which > 0)
		punish_silent(d, s, which, now);
	if (s->added)
		len = rename_answer(d, s, len);
	if (s->client.conn == 0 && len > d->reply_max)
		len = dns_make_answer(query_of(d, s), s->len, d->answer[3] & 15, true, d->answer);
	memcpy(d->answer, s->id, 2);
	d->reply(d->arg, &s->client, d->answer, len);
	release(d, s);
}

/* Give up on one server of the slot; true when the slot is gone. */
static bool lost(struct dns *d, struct slot *s, size_t which, int64_t now)
{
	dns_ask_close(&s->ask[which]);
	s->n_open--;
	if (ask_next(d, s, now))
		return false;
	fail(d, s);
	return true;
}

/* Ask all of them again, for something else or in another way. True when the slot is gone. */
static bool again(struct dns *d, struct slot *s, int64_t now)
{
	stop_asking(s);
	start(d, s, now);
	return !s->used;
}

/* An answer has come, the last word of that server. True when the slot is gone. */
static bool take_answer(struct dns *d, struct slot *s, size_t which, size_t len, int64_t now)
{
	const uint8_t rcode = d->answer[3] & 15;

	if ((rcode == DNS_SERVFAIL || rcode == DNS_REFUSED || rcode == DNS_NOTIMP) &&
	    (s->n_asked < s->n_servers || s->n_open > 1))
		return lost(d, s, which, now);
	if (s->client.conn && !s->tcp && d->answer[2] & 0x02) {
		s->tcp = true;
		return again(d, s, now);
	}
	if (s->added && rcode != DNS_OK) {
		s->has_failed = s->has_failed || rcode != DNS_NXDOMAIN;
		next_domain(d, s);
		return again(d, s, now);
	}
	if (rcode == DNS_NXDOMAIN &&
	    s->has_failed) /* it may be in the domain that nobody told us of */
		fail(d, s);
	else
		deliver(d, s, which, len, now);
	return true;
}

/* True when the slot is gone. */
static bool receive(struct dns *d, struct slot *s, size_t which, int64_t now)
{
	ssize_t n = dns_ask_receive(&s->ask[which], query_of(d, s), s->len, d->answer,
				    sizeof(d->answer));

	if (n < 0)
		return n != -EAGAIN && lost(d, s, which, now);
	if (!dns_is_answer(query_of(d, s), s->len, d->answer, (size_t)n))
		return s->tcp &&
		       lost(d, s, which, now); /* forged or late: the right one may follow */
	return take_answer(d, s, which, (size_t)n, now);
}

void dns_fill(struct dns *d, struct pollset *set, int *timeout_ms, int64_t now)
{
	int64_t due = INT64_MAX;

	d->reader_poll = d->asking ? pollset_add(set, d->reader_fd, POLLIN) : -1;
	for (size_t i = 0; d->n_used > 0 && i < d->top; i++) {
		struct slot *s = &d->slot[i];

		if (!s->used)
			continue;
		due = s->next < due ? s->next : due;
		for (size_t k = 0; k < s->n_asked; k++)
			s->ask[k].poll = s->ask[k].fd >= 0 ? pollset_add(set, s->ask[k].fd,
									 dns_ask_events(&s->ask[k]))
							   : -1;
	}
	if (due == INT64_MAX)
		return;
	due = due > now ? due - now : 0;
	if (*timeout_ms < 0 || due < *timeout_ms)
		*timeout_ms = (int)due;
}

/* What is due by the clock; true when the slot is gone. */
static bool tick(struct dns *d, struct slot *s, int64_t now)
{
	if (now >= s->give_up) {
		punish_silent(d, s, SIZE_MAX, now);
		fail(d, s);
		return true;
	}
	if (now < s->next)
		return false;
	if (!s->listed) {
		start(d, s, now);
		return !s->used;
	}
	if (ask_next(d, s, now))
		return false;
	fail(d, s);
	return true;
}

void dns_handle(struct dns *d, const struct pollset *set, int64_t now)
{
	for (size_t i = 0; d->n_used > 0 && i < d->top; i++) {
		struct slot *s = &d->slot[i];
		bool gone = !s->used;

		/* a server asked in this turn has no place in @set yet: its index is -1 */
		for (size_t k = 0; !gone && k < s->n_asked; k++)
			if (s->ask[k].fd >= 0 && pollset_events(set, s->ask[k].poll))
				gone = receive(d, s, k, now);
		if (!gone)
			(void)tick(d, s, now);
	}
	if (pollset_events(set, d->reader_poll))
		receive_list(d, now);
}
