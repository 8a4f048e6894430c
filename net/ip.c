/* SPDX-License-Identifier: Apache-2.0 */
/* ip.c - addresses and subnets as values */
#include "config.h"

#include "net/ip.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "core/base/parse.h"

bool ip_parse(const char *s, struct ip *ret)
{
	struct ip a = { .af = AF_INET };

	if (inet_pton(AF_INET, s, a.b) != 1) {
		a = (struct ip){ .af = AF_INET6 };
		if (inet_pton(AF_INET6, s, a.b) != 1)
			return false;
	}
	*ret = a;
	return true;
}

const char *ip_print(const struct ip *a, char text[IP_TEXT])
{
	text[0] = '\0';
	if (a->af)
		(void)inet_ntop(a->af, a->b, text, IP_TEXT); /* has room for the longest */
	return text;
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
	return a->af == b->af && memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

int ip_compare(const struct ip *a, const struct ip *b)
{
	int r = memcmp(a->b, b->b, sizeof(a->b));

	return r < 0 ? -1 : r > 0;
}

struct ip ip_add(const struct ip *a, uint64_t n)
{
	struct ip r = *a;
	uint64_t carry = n;

	for (unsigned i = ip_len(a); i-- > 0 && carry;) {
		carry += r.b[i];
		r.b[i] = (uint8_t)carry;
		carry >>= 8;
	}
	return r;
}

/* Set (or clear) the bits behind the prefix. */
static void fill(struct ip *a, unsigned prefix, bool ones)
{
	for (unsigned i = 0; i < ip_len(a); i++) {
		unsigned keep = prefix > 8 * i ? prefix - 8 * i : 0;
		uint8_t host = (uint8_t)(keep >= 8 ? 0 : 0xff >> keep);

		a->b[i] = (uint8_t)(ones ? a->b[i] | host : a->b[i] & ~host);
	}
}

bool cidr_parse(const char *s, struct cidr *ret)
{
	const char *slash = strchr(s, '/');
	char text[IP_TEXT];
	struct cidr c;
	uint64_t prefix;

	if (!slash || (size_t)(slash - s) >= sizeof(text))
		return false;
	memcpy(text, s, (size_t)(slash - s));
	text[slash - s] = '\0';
	if (!ip_parse(text, &c.ip) || parse_uint(slash + 1, ip_bits(&c.ip), &prefix) < 0)
		return false;
	c.prefix = (uint8_t)prefix;
	fill(&c.ip, c.prefix, false);
	*ret = c;
	return true;
}

const char *cidr_print(const struct cidr *c, char text[CIDR_TEXT])
{
	char ip[IP_TEXT];

	text[0] = '\0';
	if (c->ip.af)
		(void)snprintf(text, CIDR_TEXT, "%s/%u", ip_print(&c->ip, ip), c->prefix);
	return text;
}

bool cidr_contains(const struct cidr *c, const struct ip *a)
{
	struct ip net = *a;

	if (a->af != c->ip.af)
		return false;
	fill(&net, c->prefix, false);
	return ip_equal(&net, &c->ip);
}

bool cidr_overlaps(const struct cidr *a, const struct cidr *b)
{
	return a->prefix <= b->prefix ? cidr_contains(a, &b->ip) : cidr_contains(b, &a->ip);
}

struct ip cidr_last(const struct cidr *c)
{
	struct ip a = c->ip;

	fill(&a, c->prefix, true);
	return a;
}

bool cidr_is_usable(const struct cidr *c, const struct ip *a)
{
	const struct ip last = cidr_last(c);

	return cidr_contains(c, a) && !ip_equal(a, &c->ip) &&
	       (a->af == AF_INET6 || !ip_equal(a, &last));
}
