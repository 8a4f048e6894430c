/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint.h - what a container belongs to: its named networks and what it asked for on each
 *
 * containers/<id>/networks (CONTAINER_NETWORKS) has one line for each network:
 *
 *	<network> <interface> <mac or -> <IPv4 or -> <IPv6 or -> <alias>[,<alias>...] or -
 *
 * It is the wish; what came of it while the container runs is in the network's leases. Written when
 * the container is made, by `network connect` and `disconnect`, as a whole by rename; its monitor
 * makes the interfaces agree with it (net/attach.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/base/strv.h"
#include "net/ip.h"
#include "net/lease.h"

#define ENDPOINTS_MAX      32 /* networks of one container */
#define ENDPOINTS_FILE_MAX (1U << 20)

struct endpoint {
	char *network;
	char ifname[LEASE_IF_LEN];
	bool has_mac;
	uint8_t mac[6];
	struct ip ip4, ip6; /* af 0: any */
	struct strv aliases;
};

struct endpoints {
	struct endpoint v[ENDPOINTS_MAX];
	size_t n;
};

/* Is this a word of --network that names a network (not a mode such as "none" or "slirp4netns:...")? */
bool endpoint_is_named(const char *word);
/*
 * Add what one --network says: NET[:ip=A,ip6=A,mac=M,alias=NAME,interface_name=IF]. The interface
 * is ethN, the first that is free, where none is named. -EINVAL, -EEXIST for the same network twice
 */
int endpoints_parse(struct endpoints *e, const char *word, struct rl_err *err) RL_MUST_USE;
/* The parts of it alone; also what --ip and kin say. */
int endpoint_set_ip(struct endpoint *e, const char *text, struct rl_err *err) RL_MUST_USE;
int endpoint_set_mac(struct endpoint *e, const char *text, struct rl_err *err) RL_MUST_USE;
int endpoint_add_alias(struct endpoint *e, const char *text, struct rl_err *err) RL_MUST_USE;

struct endpoint *endpoints_find(struct endpoints *e, const char *network); /* or NULL */
void endpoints_drop(struct endpoints *e, size_t i);
/* Read and write the file; a missing one is an empty list. */
int endpoints_read(int ctr_fd, struct endpoints *ret, struct rl_err *err) RL_MUST_USE;
int endpoints_write(int ctr_fd, const struct endpoints *e, bool sync,
		    struct rl_err *err) RL_MUST_USE;
void endpoints_done(struct endpoints *e);
#define auto_endpoints __attribute__((cleanup(endpoints_done)))
