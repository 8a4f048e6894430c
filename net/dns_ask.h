/* SPDX-License-Identifier: Apache-2.0 */
/* dns_ask.h - one query to one of the host's servers, as a datagram or over TCP; never blocks */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/resolver.h"

struct dns_ask {
	int fd;   /* FD_NONE: given up */
	int poll; /* its place in the set of this turn, or -1 */
	bool tcp;
	bool is_sent;
	size_t n;     /* of @buf */
	uint8_t *buf; /* TCP: what has come of the answer */
};

/* A socket that speaks with @to only, and the query on its way. False when that fails at once. */
bool dns_ask_open(struct dns_ask *a, const union resolv_addr *to, bool tcp, const uint8_t *query,
		  size_t len);
/* What poll() is to wait for. */
short dns_ask_events(const struct dns_ask *a);
/* It is ready. Bytes of a whole message in @out, -EAGAIN, or -errno: nothing will come. */
ssize_t dns_ask_receive(struct dns_ask *a, const uint8_t *query, size_t len, uint8_t *out,
			size_t room);
void dns_ask_close(struct dns_ask *a); /* fine on a closed one */
