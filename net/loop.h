/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.h - the packet loop: frames of one tap through libslirp and the DNS forwarder
 *
 * loop_new() makes the libslirp instance; loop_frame() puts one frame through the gate (frame.h) to
 * libslirp, dns.h or dns_tcp.h, also used alone by the fuzzer; loop_run() serves until the control socket
 * closes. Frames for the container leave through the tap, or the callback given in its place.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "net/net.h"

struct loop;

struct loop_config {
	bool ipv6, host_loopback;
	bool internal;     /* nothing leads out: only names are answered */
	bool names;        /* the reader knows the container's networks (names.h) */
	bool search;       /* short names are looked for in the host's search list (dns.h) */
	char servers[256]; /* "nameserver" lines in place of the host's, or empty */
	uint16_t host_ports[NET_HOST_PORTS_MAX]; /* without host_loopback: open all the same */
	size_t n_host_ports;
	struct sockaddr_in outbound4; /* sin_family 0: none */
	struct sockaddr_in6 outbound6;
	unsigned mtu;
	int tap_fd, control_fd; /* borrowed */
	int reader_fd;          /* for dns_new(), borrowed */
	/* in place of the tap, for tests; NULL: the tap */
	void (*output)(void *arg, const uint8_t *frame, size_t len);
	void *output_arg;
};

int loop_new(const struct loop_config *c, struct loop **ret, struct rl_err *err) RL_MUST_USE;
void loop_free(struct loop *l);
void loop_frame(struct loop *l, const uint8_t *frame, size_t len);
/* One turn: wait at most @timeout_ms (-1: no limit). 1 = go on, 0 = the control socket closed. */
int loop_turn(struct loop *l, int timeout_ms, struct rl_err *err) RL_MUST_USE;
/* Until the control socket closes: 0, or -errno when the tap broke. */
int loop_run(struct loop *l, struct rl_err *err) RL_MUST_USE;
