/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.h - Ethernet frames of the container: what may pass, and UDP datagrams in and out
 *
 * frame_check() is the gate in front of libslirp. Everything in a frame is hostile. libslirp
 * itself only keeps the gateway address from reaching the host's loopback; a frame that a raw
 * socket or a second address sends to 127.0.0.1, 0.0.0.0, ::1 or ::ffff:127.0.0.1 it would
 * connect as it is. The gate also keeps away from libslirp what nobody needs and what its
 * past holes were in: DHCP, TFTP, NC-SI, multicast, foreign ICMPv6; and IPv4 fragments, whose
 * reassembly in libslirp (4.7 at least) can still be made to write out of bounds. The container's
 * kernel makes none below the MTU of 65520 but for UDP datagrams of the last 15 possible sizes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 65536 /* more than MTU + Ethernet header */

/* One UDP datagram; addresses take 4 or 16 bytes, network order. */
struct frame_udp {
	bool is_v6;
	uint8_t mac[6]; /* of the container */
	uint8_t src[16], dst[16];
	uint16_t sport, dport;
	const uint8_t *data; /* into the frame */
	size_t len;
	uint32_t conn; /* 0; or it came over this connection of dns_tcp.h, in no datagram */
};

/* One TCP segment to or from our name server; @window as on the wire, @mss 0: not said */
struct frame_tcp {
	bool is_v6;
	uint8_t mac[6]; /* of the container */
	uint8_t src[16], dst[16];
	uint16_t sport, dport, window, mss;
	uint32_t seq, ack;
	uint8_t flags;
	const uint8_t *data;
	size_t len;
};

#define FRAME_FIN 0x01
#define FRAME_SYN 0x02
#define FRAME_RST 0x04
#define FRAME_PSH 0x08
#define FRAME_ACK 0x10

enum frame_verdict {
	FRAME_DROP,
	FRAME_PASS,    /* to libslirp */
	FRAME_DNS,     /* a query to our name server: @ret_udp is filled in */
	FRAME_DNS_TCP, /* a segment to it: frame_tcp_read() */
	FRAME_REFUSE,  /* to a port of the name server where nobody listens */
};

/**
 * frame_check() - What to do with a frame that the container sent
 * @ipv6:	The network has IPv6; without it every IPv6 frame is dropped
 */
enum frame_verdict frame_check(const uint8_t *frame, size_t len, bool ipv6,
			       struct frame_udp *ret_udp);

/*
 * Is it for the host itself, as libslirp sees it (the network's whole prefix, the name server
 * excepted)? Only for frames that passed. @ret_port: TCP and UDP, else 0.
 */
bool frame_to_host(const uint8_t *frame, size_t len, uint16_t *ret_port);
/* Take a segment apart that passed as FRAME_DNS_TCP; false when it is malformed. */
bool frame_tcp_read(const uint8_t *frame, size_t len, struct frame_tcp *ret);
/* The frame of @s, which goes from its @src (the name server) to @dst. Bytes; 0: no room. */
size_t frame_tcp_write(const struct frame_tcp *s, uint8_t *out, size_t room);
/* The reset that a closed port answers with; 0 when it was no TCP segment, or a reset itself. */
size_t frame_tcp_reset(const uint8_t *frame, size_t len, uint8_t *out, size_t room);

/*
 * Build the frame that carries @data back to the sender of @to, from the address and port that
 * @to was sent to. Return: bytes in @out, or 0 when it does not fit into @room or @mtu.
 */
size_t frame_udp_reply(const struct frame_udp *to, const uint8_t *data, size_t len, unsigned mtu,
		       uint8_t *out, size_t room);

/* Of libslirp's frames: does it acknowledge and nothing else? */
#define FRAME_ACK_MAX 74
bool frame_is_ack(const uint8_t *frame, size_t len);
/*
 * Does @next, the frame after @held, say all that @held says? Both are such ones. A repetition is none:
 * three of them ask for a lost segment.
 */
bool frame_ack_covers(const uint8_t *next, size_t next_len, const uint8_t *held, size_t held_len);

/*
 * Announcements of the container's addresses, so that libslirp need not ask for them: an ARP reply for
 * the fixed one, a neighbour advertisement for @ip.
 */
#define FRAME_ANNOUNCE_LEN 128
size_t frame_announce4(uint8_t out[FRAME_ANNOUNCE_LEN]);
size_t frame_announce6(uint8_t out[FRAME_ANNOUNCE_LEN], const uint8_t ip[16]);
/* The sender's address in a frame that passed, if it is one of IPv6 that can be answered; else NULL. */
const uint8_t *frame_source6(const uint8_t *frame);
