/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network_subnet.c - the subnets of a network: as asked for, or ones that nobody uses
 *
 * Free ones are looked for from 10.89.0.0/24 up, as Podman does, and at random below fd00::/8
 * (RFC 4193). Taken is what other networks have, what the host routes anywhere but by default (a
 * VPN's too), and the addresses of private networks (net/addr.h).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "core/base/strv.h"
#include "net/addr.h"
#include "net/network.h"

#define ROUTES_MAX  (8U << 20)
#define FIRST_POOL4 0x0a590000U /* 10.89.0.0 */
#define LAST_POOL4  0x0affff00U
#define TRIES6      64

int network_take(struct network_taken *t, const struct cidr *c, const char *who)
{
	struct cidr *v = reallocarray(t->v, t->n + 1, sizeof(*v));
	char **names;

	if (!v)
		return -ENOMEM;
	t->v = v;
	names = reallocarray(t->who, t->n + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	t->who = names;
	t->v[t->n] = *c;
	t->who[t->n] = strdup(who);
	return t->who[t->n] ? (t->n++, 0) : -ENOMEM;
}

void network_taken_done(struct network_taken *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->who[i]);
	free(t->who);
	free(t->v);
	*t = (struct network_taken){ 0 };
}

/* A line of /proc/net/route: device, destination and mask as hexadecimal words of the machine. */
static bool route4(const char *line, struct cidr *ret, char device[17])
{
	unsigned dest, mask;

	if (sscanf(line, "%16s %8x %*x %*x %*u %*u %*u %8x", device, &dest, &mask) != 3 || !mask)
		return false;
	*ret = (struct cidr){ .ip.af = AF_INET };
	memcpy(ret->ip.b, &dest, 4);
	ret->prefix = (uint8_t)__builtin_popcount(mask);
	return true;
}

/* A line of /proc/net/ipv6_route: 32 digits, prefix in hexadecimal, ..., device. */
static bool route6(const char *line, struct cidr *ret, char device[17])
{
	unsigned prefix;
	char hex[33];

	if (sscanf(line, "%32s %2x %*s %*x %*s %*x %*x %*x %*x %16s", hex, &prefix, device) != 3 ||
	    strlen(hex) != 32 || prefix == 0 || prefix > 128 || strcmp(device, "lo") == 0)
		return false;
	*ret = (struct cidr){ .ip.af = AF_INET6, .prefix = (uint8_t)prefix };
	for (int i = 0; i < 16; i++) {
		unsigned byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return false;
		ret->ip.b[i] = (uint8_t)byte;
	}
	return ret->ip.b[0] < 0xfe; /* link-local and multicast are of no interest */
}

static int take_table(struct network_taken *t, const char *path,
		      bool (*parse)(const char *, struct cidr *, char *))
{
	auto_buf struct buf b = { 0 };
	struct rl_err err;
	int r = 0;

	if (io_read_file(AT_FDCWD, path, ROUTES_MAX, &b, &err) < 0)
		return 0; /* no such family */
	for (const char *line = b.data; r == 0 && line && *line;) {
		char device[17] = "";
		struct cidr c;

		if (parse(line, &c, device))
			r = network_take(t, &c, device);
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return r;
}

int network_take_host(struct network_taken *t)
{
	int r = take_table(t, "/proc/net/route", route4);

	return r == 0 ? take_table(t, "/proc/net/ipv6_route", route6) : r;
}

/* What every container has besides: 10.0.2.0/24, fd00::/64. */
static bool is_reserved(const struct cidr *c)
{
	struct cidr own4, own6;

	return (cidr_parse("10.0.2.0/24", &own4) && cidr_overlaps(c, &own4)) ||
	       (cidr_parse("fd00::/64", &own6) && cidr_overlaps(c, &own6));
}

/* Index of one that meets @c, or the number of them */
static size_t meets(const struct network_taken *t, const struct cidr *c)
{
	size_t i = 0;

	while (i < t->n && !cidr_overlaps(&t->v[i], c))
		i++;
	return i;
}

static int pick4(const struct network_taken *t, struct cidr *ret, struct rl_err *err)
{
	for (uint32_t n = FIRST_POOL4; n <= LAST_POOL4; n += 256) {
		struct cidr c = { .ip = { .af = AF_INET,
					  .b = { (uint8_t)(n >> 24), (uint8_t)(n >> 16),
						 (uint8_t)(n >> 8) } },
				  .prefix = 24 };

		if (meets(t, &c) < t->n)
			continue;
		*ret = c;
		return 0;
	}
	rl_fail(err, ENOSPC, "no free subnet between 10.89.0.0/24 and 10.255.255.0/24");
	return rl_hint(err, "name one with --subnet, or remove networks: rl network prune");
}

static int pick6(const struct network_taken *t, struct cidr *ret, struct rl_err *err)
{
	for (int i = 0; i < TRIES6; i++) {
		char hex[15], text[CIDR_TEXT];
		struct cidr c;

		rand_hex(hex, 7);
		(void)snprintf(text, sizeof(text), "fd%.2s:%.4s:%.4s:%.4s::/64", hex, hex + 2,
			       hex + 6, hex + 10);
		if (!cidr_parse(text, &c) || meets(t, &c) < t->n || is_reserved(&c))
			continue;
		*ret = c;
		return 0;
	}
	return rl_fail(err, ENOSPC, "no free IPv6 subnet below fd00::/8"); /* hardly */
}

static int check_subnet(const struct network_taken *t, const struct cidr *c, const char *word,
			struct rl_err *err)
{
	size_t i = meets(t, c);

	if (c->prefix > ip_bits(&c->ip) - 2)
		return rl_fail(err, EINVAL,
			       "subnet '%s' is too small for a gateway and a container", word);
	if (c->prefix < 8)
		return rl_fail(err, EINVAL, "subnet '%s' is too large", word);
	if (is_reserved(c)) {
		rl_fail(err, EEXIST,
			"subnet '%s' meets the one that each container has for the outside", word);
		return rl_hint(err, "10.0.2.0/24 and fd00::/64 are taken; name another one");
	}
	if (i == t->n)
		return 0;
	rl_fail(err, EEXIST, "subnet '%s' is already used by %s", word, t->who[i]);
	return rl_hint(err, "without --subnet one that is free is taken");
}

static int take_subnets(struct network *n, const struct network_req *q,
			const struct network_taken *t, struct rl_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && q->subnets && i < q->subnets->n; i++) {
		const char *word = q->subnets->v[i];
		struct cidr c, *to;

		if (!cidr_parse(word, &c))
			return rl_fail(err, EINVAL, "'%s' is no subnet such as 10.90.0.0/24", word);
		to = c.ip.af == AF_INET ? &n->net4 : &n->net6;
		if (to->ip.af)
			return rl_fail(err, ENOTSUP,
				       "subnet '%s': one of each family is what a network has",
				       word);
		*to = c;
		r = check_subnet(t, &c, word, err);
	}
	if (r == 0 && !n->net4.ip.af && !n->net6.ip.af)
		r = pick4(t, &n->net4, err);
	if (r == 0 && q->ipv6 && !n->net6.ip.af)
		r = pick6(t, &n->net6, err);
	n->ipv6 = n->net6.ip.af != 0;
	return r;
}

static int take_gateways(struct network *n, const struct network_req *q, struct rl_err *err)
{
	for (size_t i = 0; q->gateways && i < q->gateways->n; i++) {
		const char *word = q->gateways->v[i];
		struct ip a;
		const struct cidr *net;

		if (!ip_parse(word, &a))
			return rl_fail(err, EINVAL, "gateway '%s' is no address", word);
		net = a.af == AF_INET ? &n->net4 : &n->net6;
		if (!net->ip.af || !cidr_is_usable(net, &a))
			return rl_fail(err, EINVAL, "gateway '%s' is in no subnet of the network",
				       word);
		*(a.af == AF_INET ? &n->gw4 : &n->gw6) = a;
	}
	if (n->net4.ip.af && !n->gw4.af)
		n->gw4 = ip_add(&n->net4.ip, 1);
	if (n->net6.ip.af && !n->gw6.af)
		n->gw6 = ip_add(&n->net6.ip, 1);
	return 0;
}

void network_default_range(const struct cidr *net, struct ip *ret_first, struct ip *ret_last)
{
	const unsigned n = ip_len(&net->ip);

	if (!net->ip.af)
		return;
	*ret_first = ip_add(&net->ip, 1);
	*ret_last = cidr_last(net);
	if (net->ip.af == AF_INET) /* not the broadcast address: the last byte is odd */
		ret_last->b[n - 1]--;
}

/* "10.90.0.64/26", or "10.90.0.10-10.90.0.20" */
static int take_range(struct network *n, const char *word, struct rl_err *err)
{
	const char *dash = strchr(word, '-');
	auto_free char *from = dash ? strndup(word, (size_t)(dash - word)) : NULL;
	struct ip first, last;
	const struct cidr *net;
	struct cidr c;

	if (dash ? !from || !ip_parse(from, &first) || !ip_parse(dash + 1, &last)
		 : !cidr_parse(word, &c))
		return rl_fail(err, EINVAL,
			       "range '%s' is neither a subnet nor two addresses with '-'", word);
	if (!dash) {
		first = c.ip;
		last = cidr_last(&c);
	}
	net = first.af == AF_INET ? &n->net4 : &n->net6;
	if (first.af != last.af || !net->ip.af || !cidr_contains(net, &first) ||
	    !cidr_contains(net, &last) || ip_compare(&first, &last) > 0)
		return rl_fail(err, EINVAL, "range '%s' is not inside a subnet of the network",
			       word);
	if (first.af == AF_INET) {
		n->first4 = first;
		n->last4 = last;
		n->has_range4 = true;
	} else {
		n->first6 = first;
		n->last6 = last;
		n->has_range6 = true;
	}
	return 0;
}

/* --- reserved addresses and routes ------------------------------------------------------------ */

int network_reserve(struct network *n, const char *name, const char *ip, struct rl_err *err)
{
	struct ip a, *v;
	const struct cidr *net;

	if (!*name || !ip || !ip_parse(ip, &a)) {
		rl_fail(err, EINVAL, "auxiliary address '%s=%s' is no address", name, ip ? ip : "");
		return rl_hint(err, "NAME=ADDRESS, such as router=10.90.0.5");
	}
	net = a.af == AF_INET ? &n->net4 : &n->net6;
	if (!net->ip.af || !cidr_is_usable(net, &a))
		return rl_fail(err, EINVAL, "auxiliary address '%s' is in no subnet of the network",
			       ip);
	if (n->n_reserved == NETWORK_EXTRAS)
		return rl_fail(err, E2BIG, "at most %d auxiliary addresses", NETWORK_EXTRAS);
	v = reallocarray(n->reserved, n->n_reserved + 1, sizeof(*v));
	if (!v)
		return rl_oom(err);
	n->reserved = v;
	v[n->n_reserved++] = a;
	return 0;
}

static int parse_route(const struct network *n, const struct strv *w, struct wire_route *ret,
		       struct rl_err *err)
{
	const bool no = w->n == 2 && strcmp(w->v[0], "unreachable") == 0;
	struct wire_route r = { .metric = NETWORK_METRIC };
	const struct cidr *net;
	uint64_t metric;

	if (w->n < 2 || w->n > 3 || !cidr_parse(w->v[no], &r.to) || r.to.prefix == 0 ||
	    (!no && (!ip_parse(w->v[1], &r.gw) || r.gw.af != r.to.ip.af)) ||
	    (w->n == 3 && (parse_uint(w->v[2], UINT32_MAX, &metric) < 0 || metric == 0))) {
		rl_fail(err, EINVAL, "it is not SUBNET,GATEWAY[,METRIC]");
		return rl_hint(err,
			       "such as 10.21.0.0/24,10.90.0.250; or unreachable,10.21.0.0/24");
	}
	net = r.to.ip.af == AF_INET ? &n->net4 : &n->net6;
	if (!net->ip.af || (r.gw.af && !cidr_is_usable(net, &r.gw)))
		return rl_fail(err, EINVAL, "its gateway is in no subnet of the network");
	if (w->n == 3)
		r.metric = (uint32_t)metric;
	*ret = r;
	return 0;
}

int network_add_route(struct network *n, const char *word, struct rl_err *err)
{
	auto_strv struct strv w = { 0 };
	struct wire_route one, *v;
	int r = strv_split(&w, word, ',') < 0 ? rl_oom(err) : parse_route(n, &w, &one, err);

	if (r < 0)
		return rl_wrap(err, "route '%s'", word);
	if (n->n_routes == NETWORK_EXTRAS)
		return rl_fail(err, E2BIG, "at most %d routes", NETWORK_EXTRAS);
	v = reallocarray(n->routes, n->n_routes + 1, sizeof(*v));
	if (!v)
		return rl_oom(err);
	n->routes = v;
	v[n->n_routes++] = one;
	return 0;
}

int network_plan(struct network *n, const struct network_req *q, const struct network_taken *taken,
		 struct rl_err *err)
{
	int r = take_subnets(n, q, taken, err);
	const char *name;
	json_t *ip;

	if (r == 0)
		r = take_gateways(n, q, err);
	network_default_range(&n->net4, &n->first4, &n->last4);
	network_default_range(&n->net6, &n->first6, &n->last6);
	for (size_t i = 0; r == 0 && q->ranges && i < q->ranges->n; i++)
		r = take_range(n, q->ranges->v[i], err);
	json_object_foreach (n->aux, name, ip) {
		if (r == 0)
			r = network_reserve(n, name, json_string_value(ip), err);
	}
	for (size_t i = 0; r == 0 && i < n->n_reserved; i++)
		if (ip_equal(&n->reserved[i], &n->gw4) || ip_equal(&n->reserved[i], &n->gw6)) {
			char text[IP_TEXT];

			rl_fail(err, EINVAL, "auxiliary address '%s' is the network's gateway",
				ip_print(&n->reserved[i], text));
			r = rl_hint(err, "--gateway gives that another address");
		}
	for (size_t i = 0; r == 0 && q->routes && i < q->routes->n; i++)
		r = network_add_route(n, q->routes->v[i], err);
	return r;
}
