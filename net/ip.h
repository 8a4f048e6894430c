/* SPDX-License-Identifier: Apache-2.0 */
/* ip.h - addresses and subnets of either family as values: text, order, overlap */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define IP_TEXT   INET6_ADDRSTRLEN
#define CIDR_TEXT (INET6_ADDRSTRLEN + 4)

/* af 0: none. Bytes behind those of the family are 0, so that memcmp() compares. */
struct ip {
	uint8_t af; /* AF_INET or AF_INET6 */
	uint8_t b[16];
};

struct cidr {
	struct ip ip; /* in a subnet: the bits behind @prefix are 0 */
	uint8_t prefix;
};

static inline unsigned ip_bits(const struct ip *a)
{
	return a->af == AF_INET ? 32 : 128;
}

static inline unsigned ip_len(const struct ip *a)
{
	return a->af == AF_INET ? 4 : 16;
}

bool ip_parse(const char *s, struct ip *ret);
/* "" for none */
const char *ip_print(const struct ip *a, char text[IP_TEXT]);
bool ip_equal(const struct ip *a, const struct ip *b);
/* -1, 0, 1 within one family */
int ip_compare(const struct ip *a, const struct ip *b);
/* @a + @n; wraps at the end of the family */
struct ip ip_add(const struct ip *a, uint64_t n);

/* "10.1.0.0/16"; bits behind the prefix are cleared. */
bool cidr_parse(const char *s, struct cidr *ret);
const char *cidr_print(const struct cidr *c, char text[CIDR_TEXT]);
bool cidr_contains(const struct cidr *c, const struct ip *a);
bool cidr_overlaps(const struct cidr *a, const struct cidr *b);
/* The last address of the subnet */
struct ip cidr_last(const struct cidr *c);
/* May a container have it: inside, not the subnet's own, not the broadcast address? */
bool cidr_is_usable(const struct cidr *c, const struct ip *a);
