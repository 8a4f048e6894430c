/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr.h - the addresses of a private network, known to both of its ends
 *
 * The container's end (tap.c) writes them into the kernel, rl-net answers for them. The hardware
 * addresses of gateway and DNS are the ones that libslirp derives from the IP addresses; that of
 * the container is ours. Every private network looks the same from inside, which is what lets
 * /etc/resolv.conf and the neighbour entries be written before the packet loop runs.
 */
#pragma once

#include <stdint.h>

#define NET_TAP_NAME "tap0"
#define NET_MTU      65520 /* the most that libslirp takes (IF_MTU_MAX) */
#define NET_MTU_MIN  1280  /* RFC 8200: the least for IPv6 */

/* IPv4, host byte order: 10.0.2.0/24 */
#define NET_PREFIX4    24
#define NET_NETWORK4   0x0a000200U
#define NET_GATEWAY4   0x0a000202U
#define NET_DNS4       0x0a000203U
#define NET_CONTAINER4 0x0a000264U
#define NET_DNS4_TEXT  "10.0.2.3"
#define NET_DNS6_TEXT  "fd00::3"
#define NET_PREFIX6    64
#define NET_MAC_LEN    6

/* IPv6 fd00::/64: only the last byte differs */
#define NET_HOST6_GATEWAY 0x02
#define NET_HOST6_DNS     0x03
static const uint8_t net_container6[16] = { 0xfd, [14] = 0x01, 0x00 }; /* fd00::100 */
static const uint8_t net_gateway6[16] = { 0xfd, [15] = NET_HOST6_GATEWAY };
static const uint8_t net_dns6[16] = { 0xfd, [15] = NET_HOST6_DNS };

/* locally administered, unicast */
static const uint8_t net_container_mac[6] = { 0x02, 0x72, 0x6c, 0x00, 0x02, 0x64 };
static const uint8_t net_gateway4_mac[6] = { 0x52, 0x55, 0x0a, 0x00, 0x02, 0x02 };
static const uint8_t net_dns4_mac[6] = { 0x52, 0x55, 0x0a, 0x00, 0x02, 0x03 };
static const uint8_t net_gateway6_mac[6] = { 0x52, 0x56, 0x00, 0x00, 0x00, 0x02 };
static const uint8_t net_dns6_mac[6] = { 0x52, 0x56, 0x00, 0x00, 0x00, 0x03 };
