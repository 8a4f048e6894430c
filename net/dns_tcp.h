/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_tcp.h - DNS over TCP on the name server of a private network
 *
 * Theory of operation: the other end is the container's own kernel, one hop away over a tap that
 * keeps the order and loses a frame only when its queue is full. So this is the little of TCP that
 * such a cable needs: one message at a time is taken from a connection, answers go out as the peer's
 * window and MSS allow, what is not acknowledged within DNS_TCP_RESEND_MS (doubled each time) is
 * sent again from its start, out-of-order data is not kept. No window scaling, no timestamps, no SACK.
 * A query is handed to the same name server as one in a datagram; it knows the connection by a number
 * that is not used twice, so that an answer that comes too late is for nobody.
 *
 * Limits: DNS_TCP_CONNS connections, the longest idle one makes room for a new one; one that says
 * nothing for DNS_TCP_IDLE_MS is reset. Each holds one answer (64 KiB) at most.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/frame.h"

#define DNS_TCP_CONNS     32
#define DNS_TCP_IDLE_MS   15000
#define DNS_TCP_RESEND_MS 200
#define DNS_TCP_TRIES     6

struct dns_tcp;

struct dns_tcp_ops {
	/* A message of the connection @q->conn; answered by dns_tcp_reply(), also from within */
	void (*query)(void *arg, const struct frame_udp *q, int64_t now_ms);
	void (*send)(void *arg, const struct frame_tcp *segment);
	void *arg;
};

/* @mtu: of the network. NULL: out of memory */
struct dns_tcp *dns_tcp_new(const struct dns_tcp_ops *ops, unsigned mtu);
void dns_tcp_free(struct dns_tcp *t);
/* One segment of the container. False: it belongs to no connection, and is to be refused. */
bool dns_tcp_segment(struct dns_tcp *t, const struct frame_tcp *s, int64_t now_ms);
/* The answer to the query of @conn; nothing happens when that has gone meanwhile. */
void dns_tcp_reply(struct dns_tcp *t, uint32_t conn, const uint8_t *msg, size_t len,
		   int64_t now_ms);
/* Lowers @timeout_ms (-1: none) to the next thing due. */
void dns_tcp_fill(const struct dns_tcp *t, int *timeout_ms, int64_t now_ms);
/* Does what is due. */
void dns_tcp_handle(struct dns_tcp *t, int64_t now_ms);
