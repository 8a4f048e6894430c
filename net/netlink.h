/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netlink.h - many rtnetlink requests in one exchange
 *
 * A batch is filled by nl_begin(), nl_attr() and kin, and sent by nl_exchange(): one sendmsg(),
 * then reading until the kernel's word on the last request. The kernel works through a batch in
 * order and does not stop at an error; an error of a request begun as NL_OPTIONAL is noted and
 * passed over, any other fails the exchange. Overflow of the fixed buffer makes nl_exchange()
 * fail with -ENOBUFS, so the filling calls return nothing. Source: rtnetlink(7), netlink(7).
 */
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

#define NL_REQUESTS_MAX 32
#define NL_ROOM         4096

enum nl_need { NL_REQUIRED, NL_OPTIONAL };

struct nl_batch {
	_Alignas(NLMSG_ALIGNTO) uint8_t buf[NL_ROOM];
	size_t len;   /* bytes of whole requests and the one being filled */
	size_t start; /* offset of the one being filled */
	size_t n;     /* requests begun; sequence numbers are 1..n */
	bool overflow;
	const char *what[NL_REQUESTS_MAX]; /* for messages, borrowed */
	enum nl_need need[NL_REQUESTS_MAX];
};

/* Begin a request: @type RTM_*, @flags NLM_F_CREATE and kin, @hdr the fixed part (ifinfomsg...) */
void nl_begin(struct nl_batch *b, const char *what, enum nl_need need, uint16_t type,
	      uint16_t flags, const void *hdr, size_t hdr_len);
void nl_attr(struct nl_batch *b, uint16_t type, const void *data, size_t len);
void nl_attr_u32(struct nl_batch *b, uint16_t type, uint32_t v);
void nl_attr_u8(struct nl_batch *b, uint16_t type, uint8_t v);
/* @len zero bytes inside a nest: the fixed part of a nested message */
void nl_zeros(struct nl_batch *b, size_t len);
/* Nested attributes: nl_nest() ... nl_nest_end(). */
size_t nl_nest(struct nl_batch *b, uint16_t type);
void nl_nest_end(struct nl_batch *b, size_t nest);

/* Send all, wait for all. @sock: AF_NETLINK, NETLINK_ROUTE. 0 or the first required error. */
int nl_exchange(struct nl_batch *b, int sock, struct rl_err *err) RL_MUST_USE;
