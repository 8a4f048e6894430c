/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - does the network of a container work: addresses, routes, name servers, reachability
 *
 * A child enters the container's network, looks what is configured there and tries it: an echo from
 * each gateway, an answer of each name server of the container's /etc/resolv.conf, a connection to
 * a place that the user names. Nothing is changed; at most CHECK_WAIT_MS are spent on each.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

#define CHECK_ITEMS   8
#define CHECK_WAIT_MS 2000
#define CHECK_TEXT    128

struct net_probe {
	char what[CHECK_TEXT]; /* address, or "address:port" */
	int code;              /* 0: it answered; else errno */
	uint32_t micros;       /* after so long */
};

struct net_report {
	uint32_t n_addresses, n_routes, n_gateways, n_resolvers;
	char addresses[CHECK_ITEMS][CHECK_TEXT]; /* "10.0.2.100/24 tap0" */
	char routes[CHECK_ITEMS][CHECK_TEXT];    /* "default via 10.0.2.2 dev tap0" */
	struct net_probe gateways[CHECK_ITEMS], resolvers[CHECK_ITEMS];
	bool has_target;
	struct net_probe target;
	int failed; /* errno of a step that made the rest impossible, or 0 */
};

/**
 * net_check() - Look into the network of the process that @pidfd is
 * @own_net:	It has a network namespace of its own (else it is in ours)
 * @target:	Address or name to connect to, or NULL
 * @port:	TCP
 */
int net_check(int pidfd, bool own_net, const char *target, uint16_t port, struct net_report *ret,
	      struct rl_err *err) RL_MUST_USE;
