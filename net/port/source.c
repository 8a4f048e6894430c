/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.c - speaking to the container in a client's name
 *
 * The server in the container sees the address and port that a socket here is bound to. Tried in
 * this order: the client's own (IP_TRANSPARENT); the gateway's, for clients on the host's loopback
 * and for what has no address that could be used inside (ip(7), ipv6(7)); plainly the container's
 * own address. Clients of IPv6 reach a container without IPv6, or a server that listens on IPv4
 * only, over IPv4: "localhost" is ::1 first for most programs.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "net/addr.h"
#include "net/port/port.h"

static bool is_usable4(uint32_t ip)
{
	return (ip >> 24) != 127 && (ip >> 24) != 0 && (ip >> 16) != 0xa9fe && (ip >> 28) < 14 &&
	       (ip >> (32 - NET_PREFIX4)) != (NET_NETWORK4 >> (32 - NET_PREFIX4));
}

static bool is_usable6(const struct in6_addr *ip)
{
	return !IN6_IS_ADDR_LOOPBACK(ip) && !IN6_IS_ADDR_LINKLOCAL(ip) &&
	       !IN6_IS_ADDR_MULTICAST(ip) && !IN6_IS_ADDR_UNSPECIFIED(ip) &&
	       !IN6_IS_ADDR_V4MAPPED(ip) && memcmp(ip, net_container6, NET_PREFIX6 / 8) != 0;
}

static bool is_usable(const union port_addr *a)
{
	return a->sa.sa_family == AF_INET ? is_usable4(ntohl(a->in.sin_addr.s_addr))
					  : is_usable6(&a->in6.sin6_addr);
}

static union port_addr address4(uint32_t ip, uint16_t port)
{
	return (union port_addr){ .in = { .sin_family = AF_INET,
					  .sin_port = htons(port),
					  .sin_addr.s_addr = htonl(ip) } };
}

static union port_addr address6(const uint8_t ip[16], uint16_t port)
{
	union port_addr a = { .in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) } };

	memcpy(&a.in6.sin6_addr, ip, 16);
	return a;
}

/* Bind to an address that is not ours. */
static int bind_foreign(int fd, const union port_addr *a)
{
	static const int on = 1;
	static const uint32_t mark = PORT_MARK;
	const bool v4 = a->sa.sa_family == AF_INET;
	const bool any_port = v4 ? a->in.sin_port == 0 : a->in6.sin6_port == 0;
	int r = v4 ? setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on))
		   : setsockopt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &on, sizeof(on));

	if (r == 0)
		r = setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
	/* one client port may speak to two published ports: connect() tells those apart */
	if (r == 0)
		r = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (r == 0 && any_port)
		r = setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (r == 0)
		r = bind(fd, &a->sa, port_addr_len(a));
	return r < 0 ? -errno : 0;
}

/* @from: NULL for the container's own address. fd or -errno. */
static int try(const union port_addr *to, const union port_addr *from, int type)
{
	auto_fd int fd = socket(to->sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? -errno : 0;

	if (r == 0 && from)
		r = bind_foreign(fd, from);
	if (r == 0 && connect(fd, &to->sa, port_addr_len(to)) < 0 && errno != EINPROGRESS)
		r = -errno;
	return r < 0 ? r : TAKE_FD(fd);
}

/* What another source address could mend. */
static bool is_about_source(int r)
{
	return r == -EADDRINUSE || r == -EADDRNOTAVAIL || r == -EPERM || r == -EACCES ||
	       r == -EINVAL || r == -EHOSTUNREACH || r == -ENETUNREACH;
}

int port_connect(struct port *p, const union port_addr *client, uint16_t ctr_port, int type,
		 unsigned want, bool *ret_real)
{
	const bool v6 = port_has_other(p, client) && !(want & PORT_WANT_V4);
	const bool can = v6 ? p->real6 : p->real4;
	const union port_addr to =
		v6 ? address6(net_container6, ctr_port) : address4(NET_CONTAINER4, ctr_port);
	const union port_addr gateway = v6 ? address6(net_gateway6, 0) : address4(NET_GATEWAY4, 0);
	int r = -EADDRNOTAVAIL;

	*ret_real = (want & PORT_WANT_REAL) && can && to.sa.sa_family == client->sa.sa_family &&
		    is_usable(client);
	if (*ret_real)
		r = try(&to, client, type);
	if (r >= 0 || !is_about_source(r))
		return r;
	*ret_real = false;
	if (can && type == SOCK_STREAM) /* answers of UDP carry no mark */
		r = try(&to, &gateway, type);
	if (r >= 0 || !is_about_source(r))
		return r;
	return try(&to, NULL, type);
}
