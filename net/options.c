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

static int refuse(const char *program, const char *option, const char *hint, struct rl_err *err)
{
	rl_fail(err, ENOTSUP, "--network %s: option '%s' is not supported", program, option);
	return rl_hint(err, "%s", hint);
}

#define SLIRP_HINT                                                                            \
	"known are mtu, enable_ipv6, allow_host_loopback, outbound_addr, outbound_addr6 and " \
	"port_handler; see rl-network(7)"

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
		return refuse("slirp4netns", word, SLIRP_HINT, err);
	*v++ = '\0';
	if (strcmp(word, "mtu") == 0)
		return set_mtu(c, word, v, err);
	if (strcmp(word, "allow_host_loopback") == 0)
		return set_bool(&c->host_loopback, word, v, err);
	if (strcmp(word, "outbound_addr") == 0 || strcmp(word, "outbound_addr6") == 0)
		return set_outbound(c, v, err);
	if (strcmp(word, "port_handler") == 0) /* there is one, which keeps the client's address */
		return strcmp(v, "rootlesskit") == 0 || strcmp(v, "slirp4netns") == 0
			       ? 0
			       : bad_value(word, v, err);
	if (strcmp(word, "cidr") == 0)
		return strcmp(v, "10.0.2.0/24") == 0
			       ? 0
			       : refuse("slirp4netns", word,
					"a private network is 10.0.2.0/24; a named one has the "
					"subnet that it was made with",
					err);
	if (strcmp(word, "enable_ipv6") != 0)
		return refuse("slirp4netns", word, SLIRP_HINT, err);
	r = set_bool(&on, word, v, err);
	c->ipv6 = on && (c->ipv6 || r < 0); /* without IPv6 on the host there is none to have */
	return r;
}

enum pasta_act { NOTHING, SAME, REFUSE, IPV4, MAP_GW, NO_MAP_GW, MTU, OUTBOUND, MAP_LOOPBACK };

/* Options of pasta(1) and what becomes of them; @same: values that say what is so at any rate */
static const struct pasta_word {
	const char *brief, *name;
	bool has_value;
	enum pasta_act act;
	const char *same, *hint;
} pasta_words[] = {
	{ "-4", "--ipv4-only", false, IPV4, NULL, NULL },
	{ "-6", "--ipv6-only", false, REFUSE, NULL, "IPv4 is always there" },
	{ "-m", "--mtu", true, MTU, NULL, NULL },
	{ "-o", "--outbound", true, OUTBOUND, NULL, NULL },
	{ NULL, "--map-gw", false, MAP_GW, NULL, NULL },
	{ NULL, "--no-map-gw", false, NO_MAP_GW, NULL, NULL },
	{ NULL, "--map-host-loopback", true, MAP_LOOPBACK, "10.0.2.2 fd00::2",
	  "the host's loopback is reached at 10.0.2.2 and fd00::2, or not at all" },
	{ NULL, "--map-guest-addr", true, SAME, "none",
	  "the host is host.containers.internal; --host-port opens a port of it" },
	{ "-a", "--address", true, SAME, "10.0.2.100 10.0.2.0 fd00::100",
	  "a private network is 10.0.2.0/24; a named one has the subnet that it was made with" },
	{ "-n", "--netmask", true, SAME, "24 255.255.255.0",
	  "a private network is 10.0.2.0/24; a named one has the subnet that it was made with" },
	{ "-g", "--gateway", true, SAME, "10.0.2.2 fd00::2",
	  "a private network is 10.0.2.0/24; a named one has the gateway that it was made with" },
	{ NULL, "--dns-forward", true, SAME, "10.0.2.3 fd00::3",
	  "the name server is at 10.0.2.3 and fd00::3" },
	{ NULL, "--dns-host", true, REFUSE, NULL, "--dns says whom to ask" },
	{ "-D", "--dns", true, REFUSE, NULL, "--dns of the command says whom to ask" },
	{ "-S", "--search", true, REFUSE, NULL, "--dns-search says so" },
	{ "-I", "--ns-ifname", true, SAME, "tap0",
	  "the interface is tap0; of a named network it can be chosen: NET:interface_name=NAME" },
	{ "-M", "--mac-addr", true, REFUSE, NULL,
	  "of a named network it can be chosen: NET:mac=MAC" },
	{ NULL, "--ns-mac-addr", true, REFUSE, NULL,
	  "of a named network it can be chosen: NET:mac=MAC" },
	{ "-i", "--interface", true, REFUSE, NULL,
	  "-o ADDRESS chooses where connections come from" },
	{ NULL, "--outbound-if4", true, REFUSE, NULL,
	  "-o ADDRESS chooses where connections come from" },
	{ NULL, "--outbound-if6", true, REFUSE, NULL,
	  "-o ADDRESS chooses where connections come from" },
	{ "-t", "--tcp-ports", true, SAME, "none", "--publish HOSTPORT:PORT opens ports" },
	{ "-u", "--udp-ports", true, SAME, "none", "--publish HOSTPORT:PORT/udp opens ports" },
	{ "-T", "--tcp-ns", true, SAME, "none", "--host-port PORT opens ports of the host" },
	{ "-U", "--udp-ns", true, SAME, "none", "--host-port PORT opens ports of the host" },
	{ NULL, "--host-lo-to-ns-lo", false, REFUSE, NULL,
	  "nobody in the container shall take a connection for one of its own" },
	{ NULL, "--no-tcp", false, REFUSE, NULL, "--network none, or an internal network" },
	{ NULL, "--no-udp", false, REFUSE, NULL, "--network none, or an internal network" },
	{ NULL, "--no-icmp", false, REFUSE, NULL, "--network none, or an internal network" },
	{ "-p", "--pcap", true, REFUSE, NULL,
	  "tcpdump in the container's network sees the packets" },
	{ "-q", "--quiet", false, NOTHING, NULL, NULL },
	{ NULL, "--config-net", false, NOTHING, NULL, NULL },
	{ NULL, "--no-dhcp", false, NOTHING, NULL, NULL },
	{ NULL, "--no-dhcpv6", false, NOTHING, NULL, NULL },
	{ NULL, "--no-dhcp-dns", false, NOTHING, NULL, NULL },
	{ NULL, "--no-dhcp-search", false, NOTHING, NULL, NULL },
	{ NULL, "--no-ndp", false, NOTHING, NULL, NULL },
	{ NULL, "--no-ra", false, NOTHING, NULL, NULL },
	{ NULL, "--no-splice", false, NOTHING, NULL, NULL },
};

static const struct pasta_word *pasta_find(const char *word, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(pasta_words); i++) {
		const struct pasta_word *w = &pasta_words[i];

		if ((w->brief && strlen(w->brief) == n && memcmp(w->brief, word, n) == 0) ||
		    (strlen(w->name) == n && memcmp(w->name, word, n) == 0))
			return w;
	}
	return NULL;
}

/* Is @v one of the words of @list? */
static bool is_one_of(const char *list, const char *v)
{
	const size_t n = strlen(v);

	for (const char *p = list; p && *p;) {
		const size_t len = strcspn(p, " ");

		if (len == n && memcmp(p, v, n) == 0)
			return true;
		p += len + (p[len] == ' ');
	}
	return false;
}

static int pasta_set(struct net_config *c, const struct pasta_word *w, const char *v,
		     struct rl_err *err)
{
	switch (w->act) {
	case NOTHING:
		return 0;
	case SAME:
		return is_one_of(w->same, v)
			       ? 0
			       : refuse("pasta", w->brief ? w->brief : w->name, w->hint, err);
	case REFUSE:
		break;
	case IPV4:
		c->ipv6 = false;
		return 0;
	case MAP_GW:
	case NO_MAP_GW:
		c->host_loopback = w->act == MAP_GW;
		return 0;
	case MTU:
		return set_mtu(c, w->name, v, err);
	case OUTBOUND:
		return set_outbound(c, v, err);
	case MAP_LOOPBACK:
		if (strcmp(v, "none") != 0 && !is_one_of(w->same, v))
			break;
		c->host_loopback = strcmp(v, "none") != 0;
		return 0;
	}
	return refuse("pasta", w->brief ? w->brief : w->name, w->hint, err);
}

/* One of pasta's command line options, "-m" or "--mtu=1500"; @next: a value that is a word of its own */
static int pasta_option(struct net_config *c, const char *word, const char *next, bool *ret_took,
			struct rl_err *err)
{
	const size_t n = strncmp(word, "--", 2) == 0 ? strcspn(word, "=") : strlen(word);
	const struct pasta_word *w = pasta_find(word, n);
	const char *v = word[n] == '=' ? word + n + 1 : next;

	*ret_took = false;
	if (!w || (!w->has_value && word[n] == '='))
		return refuse("pasta", word,
			      "-4, --mtu, --map-gw and --outbound are known; see rl-network(7)",
			      err);
	if (w->has_value && !v)
		return rl_fail(err, EINVAL, "--network pasta: option '%s' needs a value", word);
	*ret_took = w->has_value && word[n] != '=';
	return pasta_set(c, w, v, err);
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
