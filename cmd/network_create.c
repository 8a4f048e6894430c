/* SPDX-License-Identifier: Apache-2.0 */
/* network_create.c - `rl network create`: make a named network */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "core/base/cleanup.h"
#include "core/events.h"
#include "net/network.h"

struct create_opts {
	bool ignore, ipv6, internal, no_dns;
	const char *driver, *ipam_driver, *interface;
	struct strv subnets, gateways, ranges, labels, options, dns, aux, routes;
};

static const struct opt create_options[] = {
	OPT_STR('d', "driver", struct create_opts, driver, "bridge", "the only one there is"),
	OPT_LIST(0, "subnet", struct create_opts, subnets, "SUBNET",
		 "such as 10.90.0.0/24; one of each family (one that is free)"),
	OPT_STRINGS(0, "gateway", struct create_opts, gateways, "IP",
		    "address of the bridge (the first of the subnet)"),
	OPT_LIST(0, "ip-range", struct create_opts, ranges, "RANGE",
		 "where addresses come from: a subnet, or FIRST-LAST"),
	OPT_BOOL(0, "ipv6", struct create_opts, ipv6, "give it an IPv6 subnet as well"),
	OPT_BOOL(0, "internal", struct create_opts, internal,
		 "without a way out: its containers reach each other only"),
	OPT_BOOL(0, "disable-dns", struct create_opts, no_dns, "containers have no names on it"),
	OPT_STRINGS(0, "dns", struct create_opts, dns, "IP",
		    "name server for other names (those of the host)"),
	OPT_LIST(0, "label", struct create_opts, labels, "KEY=VALUE", "label of the network"),
	OPT_LIST('o', "opt", struct create_opts, options, "NAME=VALUE", "mtu=N, isolate=BOOL"),
	OPT_BOOL(0, "ignore", struct create_opts, ignore, "one of that name is fine"),
	OPT_STR(0, "ipam-driver", struct create_opts, ipam_driver, "host-local", NULL),
	OPT_STR(0, "interface-name", struct create_opts, interface, "NAME",
		"what its bridge is called, in a namespace of its own (br0)"),
	OPT_LIST(0, "aux-address", struct create_opts, aux, "NAME=IP",
		 "an address that no container gets"),
	OPT_LIST(0, "route", struct create_opts, routes, "SUBNET,IP[,METRIC]",
		 "a way through a container on it, for all others"),
	OPT_IGNORE_BOOL("attachable"),
	OPT_IGNORE("scope"),
	OPT_LATER(0, "config-from"),
	OPT_LATER(0, "config-only"),
	OPT_LATER(0, "ingress"),
	OPT_LATER(0, "ipam-opt"),
	OPT_END,
};

static int check_drivers(const struct create_opts *o, struct rl_err *err)
{
	if (o->driver && strcmp(o->driver, "bridge") != 0) {
		rl_fail(err, ENOTSUP, "there is no network driver '%s', only 'bridge'", o->driver);
		return rl_hint(err, "macvlan and ipvlan take rights over the host's devices that "
				    "only root has");
	}
	if (o->ipam_driver && strcmp(o->ipam_driver, "host-local") != 0 &&
	    strcmp(o->ipam_driver, "default") != 0)
		return rl_fail(err, ENOTSUP, "there is no address driver '%s', only 'host-local'",
			       o->ipam_driver);
	return 0;
}

static int network_create_run(struct rl *rl, const struct cmd_args *args, const void *opts,
			      struct rl_err *err)
{
	const struct create_opts *o = opts;
	const struct network_req q = { .name = args->n ? args->v[0] : NULL,
				       .subnets = &o->subnets,
				       .gateways = &o->gateways,
				       .ranges = &o->ranges,
				       .labels = &o->labels,
				       .options = &o->options,
				       .servers = &o->dns,
				       .aux = &o->aux,
				       .routes = &o->routes,
				       .bridge = o->interface,
				       .ipv6 = o->ipv6,
				       .internal = o->internal,
				       .no_dns = o->no_dns };
	auto_network struct network n = { 0 };
	struct rl_err none;
	int r = check_drivers(o, err);

	if (r < 0)
		return r;
	if (o->ignore && q.name && network_load(rl, q.name, &n, &none) == 0) {
		(void)puts(n.name); /* a closed stdout is seen when it is flushed at exit */
		return 0;
	}
	r = network_create(rl, &q, &n, err);
	if (r < 0)
		return r;
	events_thing(rl, "network", "create", n.id, n.name);
	(void)puts(n.name); /* as above */
	return 0;
}

const struct cmd cmd_network_create = {
	.name = "network create",
	.args = "[NAME]",
	.summary = "Make a named network",
	.about = "Makes a network that containers can share, and prints its name. Containers on it "
		 "reach each other at full speed, by address and by name; those of other networks "
		 "they do not. Without --subnet the network gets one that no other network and no "
		 "route of the host uses. No process and no device is there before a container "
		 "is. rl-network(7) explains the picture.",
	.examples = {
		{ "rl network create backend",
		  "A network 'backend'." },
		{ "rl network create --ipv6 --subnet 10.90.0.0/24 --ip-range 10.90.0.128/25 web",
		  "With IPv6, and addresses from the upper half of a subnet." },
		{ "rl network create --internal db",
		  "One from which nothing leads out." },
	},
	.options = create_options,
	.opts_size = sizeof(struct create_opts),
	.max_args = 1,
	.run = network_create_run,
};
