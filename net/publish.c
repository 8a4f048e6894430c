/* SPDX-License-Identifier: Apache-2.0 */
/* publish.c - what -p and --expose say; the header is the manual */
#include "config.h"

#include "net/publish.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/parse.h"

struct span {
	uint16_t first, n;
};

const char *publish_proto_name(uint8_t proto)
{
	return proto == IPPROTO_UDP ? "udp" : "tcp";
}

static int proto_parse(const char *s, uint8_t *ret)
{
	if (strcasecmp(s, "tcp") == 0)
		*ret = IPPROTO_TCP;
	else if (strcasecmp(s, "udp") == 0)
		*ret = IPPROTO_UDP;
	else
		return strcasecmp(s, "sctp") == 0 ? -ENOTSUP : -EINVAL;
	return 0;
}

/* "80" or "80-82" */
static int span_parse(char *s, struct span *ret)
{
	char *dash = strchr(s, '-');
	uint64_t first, last;

	if (dash)
		*dash = '\0';
	if (parse_uint(s, 65535, &first) < 0 || first == 0)
		return -EINVAL;
	last = first;
	if (dash && (parse_uint(dash + 1, 65535, &last) < 0 || last < first))
		return -EINVAL;
	*ret = (struct span){ (uint16_t)first, (uint16_t)(last - first + 1) };
	return 0;
}

static bool ip_is_valid(const char *ip)
{
	uint8_t raw[16];

	return inet_pton(strchr(ip, ':') ? AF_INET6 : AF_INET, ip, raw) == 1;
}

/* Ports that all entries take together. */
static size_t total(const struct publish *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->v[i].range;
	return n;
}

static int add(struct publish *p, const struct publish_port *port)
{
	struct publish_port *v;

	if (total(p) + port->range > PUBLISH_MAX)
		return -E2BIG;
	v = reallocarray(p->v, p->n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	p->v = v;
	p->v[p->n++] = *port;
	return 0;
}

int publish_add(struct publish *p, const char *host_ip, int64_t host_port, int64_t ctr_port,
		int64_t range, const char *proto)
{
	struct publish_port port = { .host_port = (uint16_t)host_port,
				     .ctr_port = (uint16_t)ctr_port,
				     .range = (uint16_t)range };

	if (host_port < 0 || ctr_port < 1 || range < 1 || range > 65535 ||
	    host_port + range > 65536 || ctr_port + range > 65536 ||
	    proto_parse(proto ? proto : "", &port.proto) < 0)
		return -EINVAL;
	if (host_ip && host_ip[0]) {
		if (strlen(host_ip) >= sizeof(port.host_ip) || !ip_is_valid(host_ip))
			return -EINVAL;
		memcpy(port.host_ip, host_ip, strlen(host_ip) + 1);
	}
	return add(p, &port);
}

/* Cut "IP:" off the front of @s, which has brackets for IPv6. Return: what follows, or NULL. */
static char *take_ip(char *s, char **ret_ip)
{
	char *end;

	if (*s == '[') {
		end = strchr(s, ']');
		if (!end || end[1] != ':')
			return NULL;
		*end = '\0';
		*ret_ip = s + 1;
		return end + 2;
	}
	end = strchr(s, ':');
	if (!end)
		return NULL;
	*end = '\0';
	*ret_ip = s;
	return end + 1;
}

/* @s is cut up. 0 with *ret_host.n == 0 for a random port, or -EINVAL. */
static int split(char *s, char **ret_ip, struct span *ret_host, struct span *ret_ctr)
{
	char *colon = strrchr(s, ':'), *host = NULL;

	*ret_ip = NULL;
	*ret_host = (struct span){ 0 };
	if (span_parse(colon ? colon + 1 : s, ret_ctr) < 0)
		return -EINVAL;
	if (!colon)
		return 0;
	*colon = '\0';
	host = s;
	if (*s == '[' || strchr(s, ':'))
		host = take_ip(s, ret_ip);
	if (!host)
		return -EINVAL;
	if (*ret_ip && !ip_is_valid(*ret_ip))
		return -EADDRNOTAVAIL;
	return *host == '\0' || strcmp(host, "0") == 0 ? 0 : span_parse(host, ret_host);
}

static int refuse(const char *option, const char *text, int r, struct rl_err *err)
{
	switch (r) {
	case -ENOTSUP:
		rl_fail(err, ENOTSUP, "%s '%s': SCTP cannot be published", option, text);
		return rl_hint(err, "tcp and udp can");
	case -E2BIG:
		return rl_fail(err, E2BIG, "%s '%s': more than %d ports", option, text,
			       PUBLISH_MAX);
	case -ENOMEM:
		return rl_oom(err);
	case -EADDRNOTAVAIL:
		rl_fail(err, EINVAL, "%s '%s': the host part is not an IP address", option, text);
		return rl_hint(err, "IPv6 goes in brackets: [::1]:8080:80");
	case -ERANGE:
		return rl_fail(err, EINVAL, "%s '%s': the two ranges differ in length", option,
			       text);
	default:
		rl_fail(err, EINVAL, "%s '%s' is not a port", option, text);
		return rl_hint(err, "write [[IP:]HOSTPORT:]PORT[/tcp|udp], for example 8080:80");
	}
}

/* Random ports stand alone: each finds a free one for itself. */
static int add_spans(struct publish *p, const char *ip, const struct span *host,
		     const struct span *ctr, uint8_t proto)
{
	const char *name = publish_proto_name(proto);
	int r = 0;

	if (host->n > 0)
		return publish_add(p, ip, host->first, ctr->first, ctr->n, name);
	for (unsigned i = 0; r == 0 && i < ctr->n; i++)
		r = publish_add(p, ip, 0, ctr->first + (int64_t)i, 1, name);
	return r;
}

int publish_parse(struct publish *p, const char *text, struct rl_err *err)
{
	auto_free char *s = strdup(text);
	uint8_t proto = IPPROTO_TCP;
	struct span host, ctr;
	char *slash, *ip;
	int r = 0;

	if (!s)
		return rl_oom(err);
	slash = strrchr(s, '/');
	if (slash) {
		*slash = '\0';
		r = proto_parse(slash + 1, &proto);
	}
	if (r == 0)
		r = split(s, &ip, &host, &ctr);
	if (r == 0 && host.n > 0 && host.n != ctr.n)
		r = -ERANGE;
	if (r == 0)
		r = add_spans(p, ip, &host, &ctr, proto);
	return r < 0 ? refuse("--publish", text, r, err) : 0;
}

static bool has(const struct publish *p, uint16_t ctr_port, uint8_t proto)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].proto == proto && ctr_port >= p->v[i].ctr_port &&
		    ctr_port - p->v[i].ctr_port < p->v[i].range)
			return true;
	return false;
}

int publish_exposed(struct publish *p, const char *text, struct rl_err *err)
{
	auto_free char *s = strdup(text);
	uint8_t proto = IPPROTO_TCP;
	struct span ctr = { 0 };
	char *slash;
	int r = 0;

	if (!s)
		return rl_oom(err);
	slash = strrchr(s, '/');
	if (slash) {
		*slash = '\0';
		r = proto_parse(slash + 1, &proto);
	}
	if (r == 0)
		r = span_parse(s, &ctr);
	for (unsigned i = 0; r == 0 && i < ctr.n; i++)
		if (!has(p, (uint16_t)(ctr.first + i), proto))
			r = publish_add(p, NULL, 0, ctr.first + (int64_t)i, 1,
					publish_proto_name(proto));
	return r < 0 ? refuse("--expose", text, r, err) : 0;
}

void publish_done(struct publish *p)
{
	free(p->v);
	*p = (struct publish){ 0 };
}
