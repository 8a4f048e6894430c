/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.c - what --network says behind the colon, in the words of slirp4netns and pasta
 *
 * Both programs are names for the private network here. An option that would mean something we do
 * not do is refused: silence would change what the user gets.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/parse.h"
#include "core/base/strv.h"
#include "net/addr.h"
#include "net/net.h"

static int bad_value(const char *option, const char *v, struct rl_err *err)
{
	return rl_fail(err, EINVAL, "--network: '%s' is no value for '%s'", v, option);
}

static int refuse(const char *program, const char *option, struct rl_err *err)
{
	rl_fail(err, ENOTSUP, "--network %s: option '%s' is not supported", program, option);
	return rl_hint(err, "known are mtu, enable_ipv6, allow_host_loopback, outbound_addr; see "
			    "rl-run(1)");
}

static int set_mtu(struct net_config *c, const char *option, const char *v, struct rl_err *err)
{
	uint64_t n;

	if (parse_uint(v, NET_MTU, &n) < 0 || n < NET_MTU_MIN)
		return bad_value(option, v, err);
	c->mtu = (unsigned)n;
	return 0;
}

static int set_outbound(struct net_config *c, const char *v, struct rl_err *err)
{
	uint8_t raw[16];

	if (inet_pton(AF_INET, v, raw) == 1)
		(void)snprintf(c->outbound4, sizeof(c->outbound4), "%s", v);
	else if (inet_pton(AF_INET6, v, raw) == 1)
		(void)snprintf(c->outbound6, sizeof(c->outbound6), "%s", v);
	else
		return bad_value("outbound_addr", v, err);
	return 0;
}

static int set_bool(bool *b, const char *option, const char *v, struct rl_err *err)
{
	return parse_bool(v, b) < 0 ? bad_value(option, v, err) : 0;
}

/* One "name=value" of slirp4netns, as Podman takes them. */
static int slirp_option(struct net_config *c, char *word, struct rl_err *err)
{
	char *v = strchr(word, '=');
	bool on = c->ipv6;
	int r;

	if (!v)
		return refuse("slirp4netns", word, err);
	*v++ = '\0';
	if (strcmp(word, "mtu") == 0)
		return set_mtu(c, word, v, err);
	if (strcmp(word, "allow_host_loopback") == 0)
		return set_bool(&c->host_loopback, word, v, err);
	if (strcmp(word, "outbound_addr") == 0 || strcmp(word, "outbound_addr6") == 0)
		return set_outbound(c, v, err);
	if (strcmp(word, "port_handler") == 0)
		return 0; /* there is one, which keeps the client's address and is fast */
	if (strcmp(word, "cidr") == 0 && strcmp(v, "10.0.2.0/24") == 0)
		return 0;
	if (strcmp(word, "enable_ipv6") != 0)
		return refuse("slirp4netns", word, err);
	r = set_bool(&on, word, v, err);
	c->ipv6 = on && (c->ipv6 || r < 0); /* without IPv6 on the host there is none to have */
	return r;
}

/* One of pasta's command line options; @next is its value where it takes one. */
static int pasta_option(struct net_config *c, const char *word, const char *next, bool *ret_took,
			struct rl_err *err)
{
	*ret_took = false;
	if (strcmp(word, "-4") == 0 || strcmp(word, "--ipv4-only") == 0)
		c->ipv6 = false;
	else if (strcmp(word, "--map-gw") == 0)
		c->host_loopback = true;
	else if (strcmp(word, "--no-map-gw") == 0)
		c->host_loopback = false;
	else if ((strcmp(word, "-m") == 0 || strcmp(word, "--mtu") == 0) && next)
		*ret_took = true;
	else
		return refuse("pasta", word, err);
	return *ret_took ? set_mtu(c, word, next, err) : 0;
}

int net_config_set(struct net_config *c, const char *mode, struct rl_err *err)
{
	const char *colon = strchr(mode, ':');
	auto_strv struct strv words = { 0 };
	const bool pasta = strncmp(mode, "pasta:", 6) == 0;
	int r = 0;

	if (!colon || !colon[1] || (!pasta && strncmp(mode, "slirp4netns:", 12) != 0))
		return 0;
	if (strv_split(&words, colon + 1, ',') < 0)
		return rl_oom(err);
	for (size_t i = 0; r == 0 && i < words.n; i++) {
		bool took = false;

		r = pasta ? pasta_option(c, words.v[i], words.v[i + 1], &took, err)
			  : slirp_option(c, words.v[i], err);
		i += took;
	}
	return r;
}

int net_config_host_port(struct net_config *c, const char *text, struct rl_err *err)
{
	uint64_t n;

	if (parse_uint(text, 65535, &n) < 0 || n == 0)
		return rl_fail(err, EINVAL, "--host-port '%s' is not a port", text);
	if (c->n_host_ports == NET_HOST_PORTS_MAX)
		return rl_fail(err, E2BIG, "--host-port '%s': at most %d ports can be opened", text,
			       NET_HOST_PORTS_MAX);
	c->host_ports[c->n_host_ports++] = (uint16_t)n;
	return 0;
}

int net_config_server(struct net_config *c, const char *text, struct rl_err *err)
{
	uint8_t raw[16];

	if (inet_pton(AF_INET, text, raw) != 1 && inet_pton(AF_INET6, text, raw) != 1)
		return rl_fail(err, EINVAL, "name server '%s' is no address", text);
	if (c->n_servers == NET_SERVERS_MAX)
		return rl_fail(err, E2BIG, "name server '%s': at most %d", text, NET_SERVERS_MAX);
	(void)snprintf(c->servers[c->n_servers++], sizeof(c->servers[0]), "%s", text);
	c->n_own_servers = c->n_servers;
	return 0;
}
