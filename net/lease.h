/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lease.h - who is on a network: addresses and names of its running containers
 *
 * networks/<name>/leases has one line for each container:
 *
 *	<container id> <interface> <mac> <IPv4 or -> <IPv6 or -> <name>[,<name>...]
 *
 * It is the one source for the next free address and for the names that containers ask for, and is
 * replaced as a whole by rename under the network's lock; readers take no lock. The first name is
 * the container's own. A line whose container runs no more is passed over by who looks, and goes
 * with the next change.
 */
#pragma once

#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/strv.h"
#include "net/ip.h"

#define LEASE_FILE     "leases"
#define LEASE_FILE_MAX (4U << 20)
#define LEASE_ID_LEN   64
#define LEASE_IF_LEN   16 /* IFNAMSIZ */
#define LEASE_MAC_TEXT 18

struct lease {
	char id[LEASE_ID_LEN + 1];
	char ifname[LEASE_IF_LEN];
	uint8_t mac[6];
	struct ip ip4, ip6; /* af 0: none */
	struct strv names;
};

struct leases {
	struct lease *v; /* owned */
	size_t n;
};

/* One line without its end; what is malformed is refused. Release with lease_done(). */
int lease_parse(const char *line, size_t len, struct lease *ret) RL_MUST_USE;
void lease_done(struct lease *l);

/* All lines of @text; malformed ones are passed over. 0 or -ENOMEM */
int leases_parse(const char *text, size_t len, struct leases *ret) RL_MUST_USE;
/* Append the text of all. 0 or -ENOMEM */
int leases_print(const struct leases *l, struct buf *out) RL_MUST_USE;
/* Append @one, whose contents move. 0 or -ENOMEM (@one is unchanged then) */
int leases_add(struct leases *l, struct lease *one) RL_MUST_USE;
void leases_drop(struct leases *l, size_t i);
struct lease *leases_of(const struct leases *l, const char *id); /* or NULL */
void leases_done(struct leases *l);
#define auto_leases __attribute__((cleanup(leases_done)))

bool mac_parse(const char *s, uint8_t ret[6]);
const char *mac_print(const uint8_t mac[6], char text[LEASE_MAC_TEXT]);
