/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port.h - what the parts of the forwarder rl-port share
 *
 * rl-port lives in the container's network namespace with S's credentials. The sockets it accepts
 * from are the host's; the ones it connects are the container's. One thread, one epoll.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/base/err.h"

#define PORT_CONTROL_FD 3 /* SOCK_SEQPACKET; struct port_msg in, last words out; its end ends us */
#define PORT_NETNS_FD   4 /* the container's network namespace */
#define PORT_MSG_MAX    8

/* "forward these": entry i belongs to descriptor i of the message */
struct port_msg {
	uint32_t n;
	struct {
		uint16_t ctr_port;
		uint8_t proto, pad;
	} port[PORT_MSG_MAX];
};

#define PORT_MARK       0x726cU /* SO_MARK of connections made for a client, copied by the server's */
#define PORT_TABLE      29292U /* routing table in which everything is local */
#define PORT_CONGESTION "reno" /* every kernel has it, everybody may use it, it does not pace */

struct port;

/* What epoll hands back; embedded in what is watched. */
struct port_watch {
	void (*ready)(struct port *p, struct port_watch *w, uint32_t events);
};

struct port_link {
	struct port_link *next, *prev;
};

struct tcp_conn;
struct udp_flow;

#define PORT_PIPES 64 /* at most so many are kept for reuse */

struct port_pipe {
	int rd, wr;
};

struct port {
	bool ipv6;         /* the container has an IPv6 address */
	bool real4, real6; /* answers to any address find us: clients keep theirs */
	int epoll, route;  /* @route: netlink socket */
	/* tcp.c */
	struct tcp_conn *busy, *dead; /* to be continued; to be freed at the end of the turn */
	unsigned conns, conns_max;
	bool paused; /* nothing is accepted until a connection ends */
	struct port_pipe pipes[PORT_PIPES];
	unsigned n_pipes;
	/* udp.c */
	struct udp_flow **flows, *dead_flows;
	struct port_link flow_age; /* oldest first */
	unsigned n_flows, n_real_flows;
};

union port_addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static inline socklen_t port_addr_len(const union port_addr *a)
{
	return a->sa.sa_family == AF_INET ? sizeof(a->in) : sizeof(a->in6);
}

/* main.c */
int port_watch(struct port *p, int fd, struct port_watch *w, uint32_t events);

/* route.c: make answers to foreign addresses come back to us; sets real4, real6. */
int port_route_open(struct port *p, struct rl_err *err) RL_MUST_USE;
/* The same for one UDP flow: from the container's @ctr_port to @client. 0 or -errno. */
int port_route_flow(struct port *p, bool add, const union port_addr *client, uint16_t ctr_port);

/*
 * source.c: a socket in the container's network for @client, connected (TCP: being connected) to
 * @ctr_port of the container. fd or -errno.
 * @want:	PORT_WANT_*
 * @ret_real:	The client's own address is used
 */
#define PORT_WANT_REAL 1 /* try the client's own address */
#define PORT_WANT_V4   2 /* the container's IPv4 address at any rate */
int port_connect(struct port *p, const union port_addr *client, uint16_t ctr_port, int type,
		 unsigned want, bool *ret_real);
/* A client of IPv6 was refused: is the container's IPv4 worth a try? */
static inline bool port_has_other(const struct port *p, const union port_addr *client)
{
	return p->ipv6 && client->sa.sa_family == AF_INET6;
}

/* tcp.c, udp.c: forward what comes to @fd (owned). 0 or -errno. */
int tcp_listen(struct port *p, int fd, uint16_t ctr_port);
void tcp_run(struct port *p); /* continue busy connections, free dead ones */
int udp_listen(struct port *p, int fd, uint16_t ctr_port);
/* Forget flows that are idle for too long; free what was ended in this turn. Return: ms until the next may be, -1 for none. */
int udp_expire(struct port *p);
