/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udp.c - UDP flows of published ports
 *
 * A flow is what one client sends to one published port: a socket in the container's network,
 * connected to the container's port, that speaks from the client's address while there is
 * room for its routing rule (route.c), else from the container's own. Answers leave by the host's
 * socket, from the address that the client had asked. A flow ends when it was idle: soon when nothing
 * ever came back, later when both sides spoke. When there are too many, the oldest goes.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "net/port/port.h"

#define BUCKETS     1024
#define FLOWS_MAX   4096
#define REAL_MAX    256 /* the kernel walks the rules one by one */
#define IDLE_ONE_MS 30000
#define IDLE_TWO_MS 180000
#define DATAGRAMS   64 /* a turn and socket */
#define DATA_MAX    65535

struct udp_listener {
	struct port_watch w;
	int fd;
	uint16_t ctr_port;
};

struct udp_flow {
	struct port_watch w;
	struct port_link age;
	struct udp_flow *next; /* in its bucket */
	struct udp_listener *l;
	union port_addr client;
	union {
		struct in_pktinfo v4;
		struct in6_pktinfo v6;
	} asked; /* the host's address that the client spoke to */
	int fd;
	bool real, answered, v4;
	int64_t used_ms;
};

static char data[DATA_MAX];

static struct udp_flow *flow_of(struct port_link *age)
{
	return (struct udp_flow *)(void *)((char *)age - offsetof(struct udp_flow, age));
}

static bool is_same(const union port_addr *a, const union port_addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_port == b->in.sin_port &&
		       a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return a->in6.sin6_port == b->in6.sin6_port &&
	       a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
	       memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16) == 0;
}

/* A crowd of clients that collide on purpose slows down UDP of this container, nothing else. */
static struct udp_flow **bucket(struct port *p, const union port_addr *a)
{
	const uint8_t *raw = (const uint8_t *)a;
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < port_addr_len(a); i++)
		h = (h ^ raw[i]) * 16777619U;
	return &p->flows[(h ^ h >> 16) % BUCKETS];
}

static void unlink_age(struct port_link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
}

static void touch(struct port *p, struct udp_flow *f)
{
	f->used_ms = now_ms();
	if (f->age.next)
		unlink_age(&f->age);
	f->age.prev = p->flow_age.prev;
	f->age.next = &p->flow_age;
	f->age.prev->next = &f->age;
	p->flow_age.prev = &f->age;
}

static void end_flow(struct port *p, struct udp_flow *f)
{
	struct udp_flow **at = bucket(p, &f->client);

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	unlink_age(&f->age);
	if (f->real) {
		(void)port_route_flow(p, false, &f->client, f->l->ctr_port);
		p->n_real_flows--;
	}
	p->n_flows--;
	fd_close(TAKE_FD(f->fd));
	f->next = p->dead_flows; /* an event of this turn may still name it */
	p->dead_flows = f;
}

static void answer(struct udp_flow *f, size_t len)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = { 0 };
	const bool v4 = f->client.sa.sa_family == AF_INET;
	const size_t info = v4 ? sizeof(f->asked.v4) : sizeof(f->asked.v6);
	struct iovec iov = { data, len };
	struct msghdr m = { .msg_name = &f->client,
			    .msg_namelen = port_addr_len(&f->client),
			    .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.room,
			    .msg_controllen = CMSG_SPACE(info) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
	c->cmsg_type = v4 ? IP_PKTINFO : IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(info);
	memcpy(CMSG_DATA(c), &f->asked, info);
	(void)sendmsg(f->l->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL); /* lost, as datagrams may be */
}

/* Nobody listens on the container's IPv6 address. Return: whether IPv4 is tried from now on. */
static bool go_to_v4(struct port *p, struct udp_flow *f)
{
	if (f->answered || f->v4 || !port_has_other(p, &f->client))
		return false;
	f->v4 = true;
	fd_close(TAKE_FD(f->fd));
	if (f->real) {
		(void)port_route_flow(p, false, &f->client, f->l->ctr_port);
		p->n_real_flows--;
	}
	f->fd = port_connect(p, &f->client, f->l->ctr_port, SOCK_DGRAM, PORT_WANT_V4, &f->real);
	if (f->fd < 0 || port_watch(p, f->fd, &f->w, EPOLLIN) < 0)
		end_flow(p, f);
	return f->fd >= 0;
}

static void on_answer(struct port *p, struct port_watch *w, uint32_t events)
{
	struct udp_flow *f = (struct udp_flow *)(void *)w;

	(void)events;
	for (int i = 0; i < DATAGRAMS && f->fd >= 0; i++) {
		ssize_t n = recv(f->fd, data, sizeof(data), MSG_DONTWAIT);

		if (n < 0)
			return; /* nothing more, or "nobody listens", which the reading clears */
		f->answered = true;
		touch(p, f);
		answer(f, (size_t)n);
	}
}

/* The client's own address, if a rule can be had for it; the rule before the socket speaks. */
static int open_flow(struct port *p, struct udp_flow *f)
{
	const unsigned want = p->n_real_flows < REAL_MAX ? PORT_WANT_REAL : 0;

	f->fd = port_connect(p, &f->client, f->l->ctr_port, SOCK_DGRAM, want, &f->real);
	if (f->fd < 0 || !f->real)
		return f->fd;
	if (port_route_flow(p, true, &f->client, f->l->ctr_port) == 0) {
		p->n_real_flows++;
		return f->fd;
	}
	fd_close(f->fd);
	f->fd = port_connect(p, &f->client, f->l->ctr_port, SOCK_DGRAM, 0, &f->real);
	return f->fd;
}

static struct udp_flow *get_flow(struct port *p, struct udp_listener *l,
				 const union port_addr *client)
{
	struct udp_flow **at = bucket(p, client), *f;

	for (f = *at; f; f = f->next)
		if (f->l == l && is_same(&f->client, client))
			return f;
	if (p->n_flows >= FLOWS_MAX)
		end_flow(p, flow_of(p->flow_age.next));
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->w.ready = on_answer;
	f->l = l;
	f->client = *client;
	if (open_flow(p, f) < 0) {
		free(f);
		return NULL;
	}
	f->next = *at;
	*at = f;
	p->n_flows++;
	touch(p, f);
	if (port_watch(p, f->fd, &f->w, EPOLLIN) < 0) {
		end_flow(p, f);
		return NULL;
	}
	return f;
}

static void note_asked(struct udp_flow *f, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo i;

			memcpy(&i, CMSG_DATA(c), sizeof(i));
			f->asked.v4 = (struct in_pktinfo){ .ipi_spec_dst = i.ipi_addr };
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&f->asked.v6, CMSG_DATA(c), sizeof(f->asked.v6));
		}
	}
}

/* The first datagram of a flow must not be lost to the wrong family: a refusal comes at once. */
static void deliver(struct port *p, struct udp_flow *f, size_t len)
{
	socklen_t elen = sizeof(int);
	int e = 0;

	/* a refusal of an earlier datagram is told once and clears itself */
	if (send(f->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == ECONNREFUSED)
		(void)send(f->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (!f->answered && !f->v4 && port_has_other(p, &f->client) &&
	    getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &e, &elen) == 0 && e == ECONNREFUSED &&
	    go_to_v4(p, f))
		(void)send(f->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void on_query(struct port *p, struct port_watch *w, uint32_t events)
{
	struct udp_listener *l = (struct udp_listener *)(void *)w;

	(void)events;
	for (int i = 0; i < DATAGRAMS; i++) {
		union {
			struct cmsghdr align;
			char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		} control;
		union port_addr from = { 0 };
		struct iovec iov = { data, sizeof(data) };
		struct msghdr m = { .msg_name = &from,
				    .msg_namelen = sizeof(from),
				    .msg_iov = &iov,
				    .msg_iovlen = 1,
				    .msg_control = control.room,
				    .msg_controllen = sizeof(control.room) };
		ssize_t n = recvmsg(l->fd, &m, MSG_DONTWAIT);
		struct udp_flow *f = n < 0 ? NULL : get_flow(p, l, &from);

		if (n < 0)
			return;
		if (!f)
			continue;
		note_asked(f, &m);
		touch(p, f);
		deliver(p, f, (size_t)n);
	}
}

int udp_listen(struct port *p, int fd, uint16_t ctr_port)
{
	struct udp_listener *l = calloc(1, sizeof(*l));

	if (!p->flows)
		p->flows = calloc(BUCKETS, sizeof(struct udp_flow *));
	if (!l || !p->flows) {
		free(l);
		fd_close(fd);
		return -ENOMEM;
	}
	*l = (struct udp_listener){ { on_query }, fd, ctr_port };
	return port_watch(p, fd, &l->w, EPOLLIN);
}

int udp_expire(struct port *p)
{
	const int64_t now = p->n_flows > 0 ? now_ms() : 0;
	int64_t next = -1;

	for (struct port_link *l = p->flow_age.next, *after; l != &p->flow_age; l = after) {
		struct udp_flow *f = flow_of(l);
		int64_t left = f->used_ms + (f->answered ? IDLE_TWO_MS : IDLE_ONE_MS) - now;

		after = l->next;
		if (left <= 0)
			end_flow(p, f);
		else if (next < 0 || left < next)
			next = left;
		if (now - f->used_ms < IDLE_ONE_MS)
			break; /* nobody behind is older */
	}
	while (p->dead_flows) {
		struct udp_flow *f = p->dead_flows;

		p->dead_flows = f->next;
		free(f);
	}
	return (int)next;
}
