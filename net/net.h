/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net.h - the door of net/: a private network for a container
 *
 * Three parts: net_tap_setup() runs inside the container's network namespace (init's netns hook)
 * and returns the tap; the monitor polls the tap and, at the first frame, calls net_start(), which
 * runs the helper rl-net with the tap; rl-net is the libslirp loop, sandboxed, and ends when its
 * control socket closes. Addresses: 10.0.2.0/24, container .100, gateway .2, DNS .3; fd00::/64
 * with ::100, ::2, ::3 when the host has IPv6. MTU 65520.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/err.h"

#define NET_HOST_PORTS_MAX 16
#define NET_SERVERS_MAX    3
#define NET_TELL_SERVERS   'S' /* on the control socket, and "nameserver" lines */
#define NET_TELL_MAX       256

struct net_config {
	bool ipv6;          /* the host has a usable IPv6 address (net_config_default) */
	unsigned mtu;       /* 1280..65520 */
	bool host_loopback; /* gateway address reaches the host's 127.0.0.1; default false */
	/* without it: these ports of it alone, TCP and UDP */
	uint16_t host_ports[NET_HOST_PORTS_MAX];
	size_t n_host_ports;
	/* source addresses on the host, numeric; "" = as the host routes */
	char outbound4[INET_ADDRSTRLEN], outbound6[INET6_ADDRSTRLEN];
	/* named networks (net/attach.h) */
	bool internal; /* all of them are: nothing leads out */
	bool search;   /* rl-net looks for short names in the host's search list, as it is then */
	char servers[NET_SERVERS_MAX][INET6_ADDRSTRLEN]; /* in place of the host's resolvers */
	size_t n_servers, n_own_servers; /* the latter: of --dns, which come first */
	/* the container's folder, that of all networks; borrowed; FD_NONE: no names are answered */
	int ctr_fd, networks_fd;
};

void net_config_default(struct net_config *c);
/*
 * What --network says: "slirp4netns:mtu=1500,...", "pasta:-4,..."; other modes change nothing. Options
 * that cannot be honoured are -ENOTSUP. Source: podman-run(1) --network, slirp4netns(1), pasta(1).
 */
int net_config_set(struct net_config *c, const char *mode, struct rl_err *err) RL_MUST_USE;
/* --dns on named networks: who is asked for names that are not of containers */
int net_config_server(struct net_config *c, const char *text, struct rl_err *err) RL_MUST_USE;
/* --host-port: one more port of the host's loopback, reached at the gateway's address */
int net_config_host_port(struct net_config *c, const char *text, struct rl_err *err) RL_MUST_USE;

/**
 * net_tap_setup() - Inside the new network namespace: lo up, tap0 made, addressed, routed
 * @ret_tap:	The tap, non-blocking, owned by the caller
 *
 * IPv6 static and nodad, accept_ra 0, permanent neighbour entries for gateway and DNS, a socket
 * filter on the tap that drops multicast, so that the first readable frame is real traffic.
 * ping_group_range and ip_unprivileged_port_start are opened by the runtime spec's sysctls, not here.
 *
 * Return: 0; -ENOENT, -EACCES... with a hint when /dev/net/tun cannot be had
 */
int net_tap_setup(const struct net_config *c, int *ret_tap, struct rl_err *err) RL_MUST_USE;
int net_loopback_up(struct rl_err *err) RL_MUST_USE;
/* Can a private network be had? In a child with namespaces of its own. 0 or as net_tap_setup(). */
int net_try(struct rl_err *err) RL_MUST_USE;

struct net_helper {
	pid_t pid;
	int pidfd;       /* readable: it ended by itself; see net_why(), then net_stop() */
	int control_fd;  /* closing it ends the helper */
	unsigned status; /* what the forwarder has said of itself: PUBLISH_* */
};

/*
 * From the host's namespaces: start rl-net on @tap (borrowed; the helper has its own copy).
 * Returns when the program runs; frames that wait in the tap are answered. @ret is written on
 * success only. When the helper dies, call net_stop() and net_start() again with the same tap.
 */
int net_start(const struct net_config *c, int tap, struct net_helper *ret,
	      struct rl_err *err) RL_MUST_USE;
/* The servers in @c are others now: a helper that runs asks them from the next query on. */
void net_tell_servers(const struct net_helper *h, const struct net_config *c);
/* What a helper that ended said last, one line without newline; 0, or -ENODATA for nothing. */
int net_why(struct net_helper *h, char *text, size_t room);
/* End it, wait at most 1 s, then SIGKILL; reap: the wait status (waitpid(2)). Fine on a zeroed struct. */
int net_stop(struct net_helper *h);

/*
 * Text of /etc/resolv.conf for a container on this network, with the host's options, and its search list
 * where rl-net does not look at that itself; caller frees. NULL: out of memory.
 */
char *net_resolv_conf(const struct net_config *c);
