/* SPDX-License-Identifier: Apache-2.0 */
/* dns.c - queries in flight; dns.h tells how it works, dnsmsg.c knows the messages */
#include "config.h"

#include "net/dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "net/names.h"
#include "net/resolver.h"

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
	int fd[RESOLV_SERVERS_MAX];
	int poll[RESOLV_SERVERS_MAX];
};

struct dns {
	int reader_fd, conf_fd, reader_poll;
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
	unsigned conf_turn;

	size_t n_used, top; /* slots in use; all used ones are below top */
	struct slot slot[DNS_SLOTS];
	uint8_t query[DNS_SLOTS][DNS_QUERY_MAX];
	uint8_t answer[FRAME_MAX];
};

struct dns *dns_new(int reader_fd, int conf_fd, size_t reply_max, dns_reply_fn reply, void *arg)
{
	struct dns *d = calloc(1, sizeof(*d)); /* big, but only what is used becomes memory */

	if (!d)
		return NULL;
	d->reader_fd = reader_fd;
	d->conf_fd = conf_fd;
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

static void release(struct dns *d, struct slot *s)
{
	for (size_t i = 0; i < s->n_asked; i++)
		fd_close(s->fd[i]);
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

/* Nobody can answer: say so and forget the query. */
static void fail(struct dns *d, struct slot *s)
{
	uint8_t *q = query_of(d, s);

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

/*
 * For libslirp's share, DNS over TCP. It reads the file anew when its size changes (or inode or
 * time, in seconds, too coarse here), hence the varying number of newlines at the end.
 */
static void write_conf(struct dns *d, int64_t now)
{
	uint8_t by[RESOLV_SERVERS_MAX];
	char text[512], ip[INET6_ADDRSTRLEN];
	size_t len = 0, n = order(d, now, by);

	if (d->conf_fd < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		const union resolv_addr *a = &d->list.v[by[i]];

		if (a->sa.sa_family == AF_INET)
			(void)inet_ntop(AF_INET, &a->in.sin_addr, ip, sizeof(ip));
		else
			(void)inet_ntop(AF_INET6, &a->in6.sin6_addr, ip, sizeof(ip));
		len += (size_t)snprintf(text + len, sizeof(text) - len, "nameserver %s\n", ip);
	}
	d->conf_turn = (d->conf_turn + 1) % 16;
	for (unsigned i = 0; i <= d->conf_turn; i++)
		text[len++] = '\n';
	if (pwrite(d->conf_fd, text, len, 0) != (ssize_t)len ||
	    ftruncate(d->conf_fd, (off_t)len) < 0)
		d->conf_fd = FD_NONE; /* the jail is full or broken: no DNS over TCP from here on */
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
	if (!changed)
		return;
	d->list = fresh;
	memcpy(d->bad_until, bad, sizeof(bad));
	d->list_serial++;
	write_conf(d, now);
}

static bool is_fresh(const struct dns *d, int64_t now)
{
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

/* A socket that speaks with @a only, and the query in it. fd, or -1 when that fails at once. */
static int ask(struct dns *d, const struct slot *s, const union resolv_addr *a)
{
	const bool v4 = a->sa.sa_family == AF_INET;
	auto_fd int fd = socket(a->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || connect(fd, &a->sa, v4 ? sizeof(a->in) : sizeof(a->in6)) < 0 ||
	    send(fd, query_of(d, s), s->len, MSG_NOSIGNAL) != s->len)
		return -1;
	return TAKE_FD(fd);
}

/* Ask the next servers until one takes the query. False when nobody is left who could answer. */
static bool ask_next(struct dns *d, struct slot *s, int64_t now)
{
	if (s->list_serial != d->list_serial)
		s->n_servers = s->n_asked; /* the servers changed meanwhile: no others to ask */
	while (s->n_asked < s->n_servers) {
		int fd = ask(d, s, &d->list.v[s->server[s->n_asked]]);

		s->poll[s->n_asked] = -1;
		s->fd[s->n_asked++] = fd;
		if (fd >= 0) {
			s->n_open++;
			s->next = s->n_asked < s->n_servers ? now + DNS_TRY_MS : s->give_up;
			return true;
		}
	}
	s->next = s->give_up;
	return s->n_open > 0;
}

static void start(struct dns *d, struct slot *s, int64_t now)
{
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
	take_list(d, text, strlen(text), INT64_MAX / 2); /* for ever */
}

/* The client asks again from the same port with the same id: the first is still on its way. */
static bool is_repeat(struct dns *d, const struct frame_udp *q)
{
	for (size_t i = 0; i < d->top; i++) {
		const struct slot *s = &d->slot[i];

		if (s->used && s->client.sport == q->sport && s->client.is_v6 == q->is_v6 &&
		    memcmp(s->id, q->data, 2) == 0 && s->len == q->len &&
		    memcmp(query_of(d, s) + 2, q->data + 2, q->len - 2) == 0)
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
	if (about_host(d, q) || is_name(d, q, now) || is_repeat(d, q))
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
	bool changed = false;

	if (s->list_serial != d->list_serial)
		return;
	for (size_t i = 0; i < s->n_asked; i++)
		if (i != answered && s->fd[i] >= 0 && d->list.n > 1) {
			d->bad_until[s->server[i]] = now + DNS_PENALTY_MS;
			changed = true;
		}
	if (changed)
		write_conf(d, now);
}

static void deliver(struct dns *d, struct slot *s, size_t which, size_t len, int64_t now)
{
	/* asked only after others were silent: they shall wait behind this one from now on */
	if (which > 0)
		punish_silent(d, s, which, now);
	if (len > d->reply_max)
		len = dns_make_answer(query_of(d, s), s->len, d->answer[3] & 15, true, d->answer);
	memcpy(d->answer, s->id, 2);
	d->reply(d->arg, &s->client, d->answer, len);
	release(d, s);
}

/* Give up on one server of the slot; true when the slot is gone. */
static bool lost(struct dns *d, struct slot *s, size_t which, int64_t now)
{
	fd_close(s->fd[which]);
	s->fd[which] = FD_NONE;
	s->n_open--;
	if (ask_next(d, s, now))
		return false;
	fail(d, s);
	return true;
}

/* True when the slot is gone. */
static bool receive(struct dns *d, struct slot *s, size_t which, int64_t now)
{
	ssize_t n = recv(s->fd[which], d->answer, sizeof(d->answer), MSG_DONTWAIT);
	uint8_t rcode;

	if (n < 0)
		return errno != EAGAIN && errno != EINTR && lost(d, s, which, now);
	if (!dns_is_answer(query_of(d, s), s->len, d->answer, (size_t)n))
		return false; /* forged or late: the right one may follow */
	rcode = d->answer[3] & 15;
	if ((rcode == DNS_SERVFAIL || rcode == DNS_REFUSED || rcode == DNS_NOTIMP) &&
	    (s->n_asked < s->n_servers || s->n_open > 1))
		return lost(d, s, which, now);
	deliver(d, s, which, (size_t)n, now);
	return true;
}

void dns_refresh(struct dns *d, int64_t now)
{
	struct pollfd p = { .events = POLLIN };

	if (is_fresh(d, now))
		return;
	ask_reader(d);
	p.fd = d->reader_fd;
	if (d->asking && poll(&p, 1, DNS_REFRESH_MS) > 0)
		receive_list(d, now);
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
			s->poll[k] = s->fd[k] >= 0 ? pollset_add(set, s->fd[k], POLLIN) : -1;
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
			if (s->fd[k] >= 0 && pollset_events(set, s->poll[k]))
				gone = receive(d, s, k, now);
		if (!gone)
			(void)tick(d, s, now);
	}
	if (pollset_events(set, d->reader_poll))
		receive_list(d, now);
}
