/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach.h - a running container's places on its networks
 *
 * Theory of operation
 *
 * There is no process for a network. Each monitor holds a descriptor of the network namespaces that
 * its container is plugged into (net/wire.h) and hands it to whoever asks: a container that joins
 * finds the namespace through any other one that the leases name, and makes a new one when there
 * is none. Both happen under the network's lock, so that there are never two. The last monitor
 * that ends takes bridge and namespace along, however it ends; kill -9 of one of them costs the
 * others nothing.
 *
 * The way out is the container's own tap, as on a private network (net/net.h): one packet loop each,
 * started at the first frame, which costs no NAT, is cut off by nobody else's crash, and keeps
 * published ports, --host-port and the rest as they are. Connections leave with the address that
 * the container has on its first network. With internal networks only, the default route goes
 * and rl-net answers nothing but names.
 *
 * Order: a container takes the locks of its networks one at a time, by name, and while it waits, for
 * a lock or for an answer, it goes on answering who asks it for a namespace.
 */
#pragma once

#include "core/rl.h"
#include "net/endpoint.h"
#include "net/lease.h"
#include "net/network.h"

struct attached {
	char *network;
	char id[NETWORK_ID_LEN + 1];
	char ifname[LEASE_IF_LEN];
	int net_fd; /* its namespace */
	struct ip ip4, ip6;
	bool internal;
	struct strv servers; /* to ask for other names */
};

struct attach {
	const struct rl *rl;
	int userns_fd, ctr_fd;           /* S; the container's folder; borrowed */
	const char *ctr_id;              /* borrowed */
	const struct control_idle *idle; /* while others are waited for; or NULL; borrowed */
	bool always_out; /* it has a way out whatever it is on (made with --network private) */
	bool ipv6;       /* its tap has IPv6 */
	bool out;        /* it has one now */
	struct attached v[ENDPOINTS_MAX]; /* in the order of the wish */
	size_t n;
};

/**
 * attach_sync() - Make the container's interfaces agree with its file of networks
 * @tap:	Its tap, which leads to its network namespace
 * @names:	What it is called on all of them; its own name first
 * @fresh:	It was just started: nothing is plugged in yet
 *
 * Also what follows a change of its name. On failure what could be joined stays.
 * Return: 0; 1 when its way out has come or gone; -errno
 */
int attach_sync(struct attach *a, int tap, const struct strv *names, bool fresh,
		struct rl_err *err) RL_MUST_USE;
/* It has ended: give the leases back, let the namespaces go. */
void attach_end(struct attach *a);
/* The namespace of the network with the id @id, borrowed; or -ENOENT */
int attach_netns(const struct attach *a, const char *id);
/* For a container whose monitor died: what attach_end() would have done. */
void attach_drop_leases(const struct rl *rl, const char *ctr_id, int ctr_fd);

/* The leases of a network, without those of containers that run no more. Takes no lock. */
int attach_leases(const struct rl *rl, const char *network, struct leases *ret,
		  struct rl_err *err) RL_MUST_USE;
