/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network.h - named networks on disk
 *
 *	networks/lock			made, removed and counted on one at a time
 *	networks/<name>/network.json	what `rl network create` was asked for; only `update` changes it,
 *					under a flock of the folder
 *	networks/<name>/leases		who is on it now (net/lease.h); changed under a flock of the folder
 *	containers/<id>/networks	what a container belongs to (net/endpoint.h)
 *
 * A network is built under a temporary name and claimed by one rename. It is nothing but these
 * files while no container runs: bridge and network namespace live as long as the monitors of
 * its containers (net/attach.h).
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/strv.h"
#include "core/rl.h"
#include "net/ip.h"
#include "net/wire.h"

#define NETWORKS_DIR       "networks"
#define NETWORK_NAME_MAX   128
#define NETWORK_ID_LEN     64
#define NETWORK_BRIDGE     "br0"
#define NETWORK_SEARCH     "rl.internal"
#define NETWORK_SERVERS    3
#define NETWORK_METRIC     100        /* of a route that says nothing */
#define NETWORK_EXTRAS     64         /* routes, reserved addresses */
#define NETWORK_NO_DNS     "no-dns"   /* in its folder: its containers have no names */
#define CONTAINER_NETWORKS "networks" /* in a container's folder */

struct network {
	char *name;
	char id[NETWORK_ID_LEN + 1];
	int64_t created_ns;
	struct cidr net4, net6; /* ip.af 0: none */
	struct ip gw4, gw6;
	struct ip first4, last4, first6, last6; /* for containers without a static address */
	bool has_range4, has_range6;            /* asked for; else the whole subnet */
	bool ipv6, internal, dns;
	unsigned mtu;
	char *bridge;        /* of --interface-name */
	struct strv servers; /* of --dns */
	struct ip *reserved; /* of --aux-address: no container gets these; owned */
	size_t n_reserved;
	struct wire_route *routes; /* of --route; owned */
	size_t n_routes;
	json_t *record; /* owned; those below point into it, objects of strings or NULL */
	json_t *labels, *options, *aux;
};

/* As typed; lists borrowed. */
struct network_req {
	const char *name; /* NULL: a random one */
	const struct strv *subnets, *gateways, *ranges, *labels, *options, *servers, *aux, *routes;
	const char *bridge; /* NULL: the usual one */
	bool ipv6, internal, no_dns;
};

/* 0, or -EINVAL: [a-zA-Z0-9][a-zA-Z0-9_.-]*, and no word that --network has a meaning for. */
int network_check_name(const char *name, struct rl_err *err) RL_MUST_USE;

/**
 * network_create() - Make one
 *
 * A subnet that was not given is one that meets no other network, no address and no route of the
 * host. Return: 0; -EEXIST (also for a subnet that is taken), -EINVAL names the bad word, -errno
 */
int network_create(const struct rl *rl, const struct network_req *req, struct network *ret,
		   struct rl_err *err) RL_MUST_USE;
/* Other name servers: first @drop (-ENOENT for one it does not have), then @add. */
int network_update(const struct rl *rl, const char *name, const struct strv *add,
		   const struct strv *drop, struct rl_err *err) RL_MUST_USE;
/* By name, id, or unique beginning of an id. -ENOENT "no such network" with exit_code 1 */
int network_find(const struct rl *rl, const char *word, struct network *ret,
		 struct rl_err *err) RL_MUST_USE;
/* By name alone */
int network_load(const struct rl *rl, const char *name, struct network *ret,
		 struct rl_err *err) RL_MUST_USE;
/* The names of all, sorted; appended. */
int network_list(const struct rl *rl, struct strv *ret, struct rl_err *err) RL_MUST_USE;
/* -ENOENT; -EBUSY with exit_code 2 names the containers that belong to it, running or not. */
int network_remove(const struct rl *rl, const char *name, struct rl_err *err) RL_MUST_USE;
/* The ids of containers that belong to @name, also ones being made; appended. */
int network_users(const struct rl *rl, const char *name, struct strv *ret,
		  struct rl_err *err) RL_MUST_USE;
/*
 * Hold off removals until the record of a container that is being made says what it belongs to.
 * A descriptor to close, or -errno.
 */
int network_hold(const struct rl *rl, struct rl_err *err) RL_MUST_USE;
/* Drop what writers that died have left in the folders of networks that nobody works on. */
void network_sweep(const struct rl *rl);
/* The folder of @name, locked (exclusively; at most @timeout_ms). fd or -errno; -ENOENT: no such network */
int network_lock(const struct rl *rl, const char *name, int timeout_ms,
		 struct rl_err *err) RL_MUST_USE;
void network_done(struct network *n);
#define auto_network __attribute__((cleanup(network_done)))

/* --- network_subnet.c: what --subnet and kin say, and what is free --- */

/*
 * Fill net4 to last6 of @n from @req. @others: subnets that are taken, of other networks.
 * Host routes are looked up here.
 */
struct network_taken {
	struct cidr *v; /* owned */
	char **who;     /* whose, owned */
	size_t n;
};
int network_take(struct network_taken *t, const struct cidr *c, const char *who) RL_MUST_USE;
void network_taken_done(struct network_taken *t);
/* Routes and addresses of the host, appended. Never fails for more than memory. */
int network_take_host(struct network_taken *t) RL_MUST_USE;
int network_plan(struct network *n, const struct network_req *req,
		 const struct network_taken *taken, struct rl_err *err) RL_MUST_USE;
/* What --aux-address ("NAME=IP") and --route ("SUBNET,GATEWAY[,METRIC]", "unreachable,SUBNET") say */
int network_reserve(struct network *n, const char *name, const char *ip,
		    struct rl_err *err) RL_MUST_USE;
int network_add_route(struct network *n, const char *word, struct rl_err *err) RL_MUST_USE;
/* The range that containers get addresses from, out of subnet and gateway. */
void network_default_range(const struct cidr *net, struct ip *ret_first, struct ip *ret_last);
