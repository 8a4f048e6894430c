/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.h - the kernel's part of named networks: bridges, veth pairs, addresses, routes
 *
 * A network is a bridge in a network namespace of S. Nothing else is in there, no device leads out
 * of it: networks are isolated because no way between them exists. A container on it has one end
 * of a veth pair, the other is a port of the bridge; packets between containers are the kernel's
 * alone. The namespace lives while somebody holds a descriptor of it (the monitors do) and goes
 * with the last.
 *
 * Every function forks a child that enters S, where the rights over these namespaces are, and then
 * the namespaces; the caller stays where it is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/strv.h"
#include "net/ip.h"
#include "net/lease.h"

struct wire_bridge {
	const char *name;
	unsigned mtu, prefix4, prefix6;
	struct ip gw4, gw6;
};

/* A new network namespace with the bridge. fd or -errno */
int wire_network(int userns_fd, const struct wire_bridge *b, struct rl_err *err) RL_MUST_USE;

/* One more way from the container, through a neighbour on the network */
struct wire_route {
	struct cidr to;
	struct ip gw; /* af 0: unreachable */
	uint32_t metric;
};

struct wire {
	int userns_fd;             /* S */
	int net_fd;                /* the network's namespace */
	int tap;                   /* of the container: its network namespace is found through it */
	const char *bridge;        /* what that is called in there */
	const char *port;          /* and our end of the pair; 15 bytes */
	const struct strv *others; /* ports that have a right to be there, of who has a lease */
	const char *ifname; /* the one in the container, which may rename it or move it away */
	const uint8_t *mac;
	unsigned mtu, prefix4, prefix6;
	struct ip ip4, ip6; /* af 0: none */
	const struct wire_route *routes;
	size_t n_routes;
};

/*
 * Plug the container into the network. What has one of the two names already is replaced, and ports that
 * are nobody's are taken off: the interface of a container whose monitor was killed lives on in a
 * namespace that others share, with an address that is free for a new container.
 */
int wire_plug(const struct wire *w, struct rl_err *err) RL_MUST_USE;
/* Take @port out of the network, and with it the interface; one that is not there is fine. */
int wire_unplug(int userns_fd, int net_fd, const char *port, struct rl_err *err) RL_MUST_USE;
/*
 * The default routes through the container's tap: there, with @src4 and @src6 as the addresses that
 * connections come from (af 0: the tap's own), or not there.
 */
int wire_outbound(int userns_fd, int tap, bool on, const struct ip *src4, const struct ip *src6,
		  bool ipv6, struct rl_err *err) RL_MUST_USE;
