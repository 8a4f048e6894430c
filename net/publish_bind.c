/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish_bind.c - take the ports of a container on the host
 *
 * Without an address a port is taken for IPv4 and for IPv6, by two sockets (no mapped addresses:
 * the client's family says which address of the container it goes to). A host without IPv6 has
 * the IPv4 one alone. A random port must be free in both; the kernel proposes it for the first.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "net/publish.h"

#define BACKLOG      4096 /* the kernel cuts it to net.core.somaxconn */
#define RANDOM_TRIES 32
#define FREE_TRIES   200

static int set_options(int fd, int family, uint8_t proto)
{
	static const int on = 1;
	int r = 0;

	if (family == AF_INET6)
		r |= setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (proto == IPPROTO_TCP) {
		/* ports of a container that has just ended are free again at once */
		r |= setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	} else if (family == AF_INET) {
		/* answers leave from the address that was asked (net/port/udp.c) */
		r |= setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	} else {
		r |= setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	}
	return r < 0 ? -errno : 0;
}

/* fd or -errno */
static int bind_one(const char *ip, uint16_t port, uint8_t proto)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	const bool is6 = inet_pton(AF_INET, ip, &a4.sin_addr) != 1;
	const struct sockaddr *a = is6 ? (struct sockaddr *)&a6 : (struct sockaddr *)&a4;
	auto_fd int fd = FD_NONE;
	int r;

	if (is6 && inet_pton(AF_INET6, ip, &a6.sin6_addr) != 1)
		return -EINVAL;
	fd = socket(a->sa_family,
		    (proto == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC |
			    SOCK_NONBLOCK,
		    0);
	if (fd < 0)
		return -errno;
	r = set_options(fd, a->sa_family, proto);
	if (r < 0)
		return r;
	if (bind(fd, a, is6 ? sizeof(a6) : sizeof(a4)) < 0 ||
	    (proto == IPPROTO_TCP && listen(fd, BACKLOG) < 0))
		return -errno;
	return TAKE_FD(fd);
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 a = { 0 }; /* sin_port and sin6_port lie at the same place */
	socklen_t len = sizeof(a);

	return getsockname(fd, (struct sockaddr *)&a, &len) == 0 ? ntohs(a.sin6_port) : 0;
}

/* One port on @ip, or on both families. Return: number of descriptors in @fds, or -errno. */
static int bind_port(const char *ip, uint16_t *port, uint8_t proto, int fds[2])
{
	const bool any = *port == 0;
	int r = -EADDRINUSE;

	for (int i = 0; i < (any ? RANDOM_TRIES : 1) && r == -EADDRINUSE; i++) {
		uint16_t p = any ? 0 : *port;

		r = bind_one(ip[0] ? ip : "0.0.0.0", p, proto);
		if (r < 0)
			return r;
		fds[0] = r;
		p = port_of(fds[0]);
		if (ip[0]) {
			*port = p;
			return 1;
		}
		r = bind_one("::", p, proto);
		if (r >= 0) {
			fds[1] = r;
			*port = p;
			return 2;
		}
		if (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL) {
			*port = p;
			return 1;
		}
		fd_close(fds[0]);
	}
	return r;
}

/* A port near @port that could be taken now, or 0. */
static uint16_t find_free(const char *ip, uint16_t port, uint8_t proto)
{
	for (unsigned i = port < 1024 ? 8000U + port : port + 1U, n = 0;
	     i < 65536 && n < FREE_TRIES; i++, n++) {
		uint16_t p = (uint16_t)i;
		int fds[2];
		int r = bind_port(ip, &p, proto, fds);

		for (int k = 0; k < r; k++)
			fd_close(fds[k]);
		if (r > 0)
			return p;
		if (r != -EADDRINUSE)
			break;
	}
	return 0;
}

static int refuse(const struct publish_port *p, uint16_t port, uint16_t ctr_port, int e,
		  struct rl_err *err)
{
	const char *proto = publish_proto_name(p->proto);
	uint16_t other = e == EADDRINUSE || e == EACCES ? find_free(p->host_ip, port, p->proto) : 0;
	char instead[64] = "", holder[160] = "";

	if (other)
		(void)snprintf(instead, sizeof(instead), "-p %u:%u is free", other, ctr_port);
	if (e == EADDRINUSE) {
		publish_holder(p->proto, port, holder, sizeof(holder));
		rl_fail(err, e, "publish port %u/%s: in use on the host%s%s", port, proto,
			holder[0] ? " by " : "", holder);
		return instead[0] ? rl_hint(err, "%s", instead) : -e;
	}
	if (e == EACCES) {
		rl_fail_sys(err, e, "publish port %u/%s", port, proto);
		return rl_hint(err,
			       "ports below net.ipv4.ip_unprivileged_port_start are for root; as "
			       "root: sysctl net.ipv4.ip_unprivileged_port_start=%u%s%s",
			       port, instead[0] ? "; or " : "", instead);
	}
	rl_fail_sys(err, e, "publish port %u/%s on '%s'", port, proto,
		    p->host_ip[0] ? p->host_ip : "0.0.0.0");
	if (e == EADDRNOTAVAIL)
		return rl_hint(err, "the host has no such address: ip addr");
	return -e;
}

static int bind_entry(struct publish_port *p, struct publish_sockets *s, struct rl_err *err)
{
	for (uint16_t i = 0; i < p->range; i++) {
		uint16_t port = p->host_port ? (uint16_t)(p->host_port + i) : 0;
		const uint16_t ctr_port = (uint16_t)(p->ctr_port + i);
		int fds[2];
		int n = bind_port(p->host_ip, &port, p->proto, fds);

		if (n < 0)
			return refuse(p, port, ctr_port, -n, err);
		for (int k = 0; k < n; k++)
			s->v[s->n++] = (struct publish_socket){ fds[k], ctr_port, p->proto };
		if (p->host_port == 0)
			p->host_port = port;
	}
	return 0;
}

int publish_bind(struct publish *p, struct publish_sockets *ret, struct rl_err *err)
{
	struct publish_sockets s = { 0 };
	size_t room = 0;
	int r = 0;

	*ret = s;
	for (size_t i = 0; i < p->n; i++)
		room += 2U * p->v[i].range;
	if (room == 0)
		return 0;
	s.v = calloc(room, sizeof(*s.v));
	if (!s.v)
		return rl_oom(err);
	for (size_t i = 0; r == 0 && i < p->n; i++)
		r = bind_entry(&p->v[i], &s, err);
	if (r < 0)
		publish_close(&s);
	*ret = s;
	return r;
}

void publish_close(struct publish_sockets *s)
{
	for (size_t i = 0; i < s->n; i++)
		fd_close(s->v[i].fd);
	free(s->v);
	*s = (struct publish_sockets){ 0 };
}
