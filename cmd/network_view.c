/* SPDX-License-Identifier: Apache-2.0 */
/* network_view.c - named networks as JSON, and their filters; the header is the manual */
#include "config.h"

#include "cmd/network_view.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/filter.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/when.h"
#include "net/attach.h"
#include "net/endpoint.h"

const char *const network_map_names[] = { "labels",    "options", "ipam_options", "containers",
					  "Labels",    "Options", "Containers",   "IPAMOptions",
					  "ipam_opts", NULL };

static json_t *ip_json(const struct ip *a)
{
	char text[IP_TEXT];

	return json_string(ip_print(a, text));
}

static void add_subnet(json_t *list, const struct cidr *c, const struct ip *gw,
		       const struct ip *first, const struct ip *last, bool has_range)
{
	char text[CIDR_TEXT];
	json_t *j;

	if (!c->ip.af)
		return;
	j = json_pack("{s:s, s:o}", "subnet", cidr_print(c, text), "gateway", ip_json(gw));
	if (j && has_range)
		(void)json_object_set_new(j, "lease_range",
					  json_pack("{s:o, s:o}", "start_ip", ip_json(first),
						    "end_ip", ip_json(last)));
	(void)json_array_append_new(list, j);
}

static json_t *subnets(const struct network *n)
{
	json_t *list = json_array();

	if (list) {
		add_subnet(list, &n->net4, &n->gw4, &n->first4, &n->last4, n->has_range4);
		add_subnet(list, &n->net6, &n->gw6, &n->first6, &n->last6, n->has_range6);
	}
	return list;
}

static json_t *routes(const struct network *n)
{
	json_t *list = n->n_routes ? json_array() : NULL;

	for (size_t i = 0; list && i < n->n_routes; i++) {
		const struct wire_route *r = &n->routes[i];
		char to[CIDR_TEXT];

		(void)json_array_append_new(list,
					    json_pack("{s:s, s:o*, s:I, s:s}", "destination",
						      cidr_print(&r->to, to), "gateway",
						      r->gw.af ? ip_json(&r->gw) : NULL, "metric",
						      (json_int_t)r->metric, "route_type",
						      r->gw.af ? "unicast" : "unreachable"));
	}
	return list;
}

/* "containers": who is on it now. */
static json_t *containers(const struct rl *rl, const struct network *n)
{
	auto_leases struct leases l = { 0 };
	json_t *o = json_object();
	struct rl_err err;

	if (attach_leases(rl, n->name, &l, &err) < 0)
		log_warn("network '%s': %s", n->name, err.msg);
	for (size_t i = 0; o && i < l.n; i++) {
		const struct lease *x = &l.v[i];
		char mac[LEASE_MAC_TEXT], net[CIDR_TEXT];
		json_t *list = json_array();

		if (x->ip4.af)
			(void)json_array_append_new(
				list, json_pack("{s:s}", "ipnet",
						cidr_print(&(struct cidr){ x->ip4, n->net4.prefix },
							   net)));
		if (x->ip6.af)
			(void)json_array_append_new(
				list, json_pack("{s:s}", "ipnet",
						cidr_print(&(struct cidr){ x->ip6, n->net6.prefix },
							   net)));
		(void)json_object_set_new(o, x->id,
					  json_pack("{s:s, s:{s:{s:o, s:s}}}", "name",
						    x->names.n ? x->names.v[0] : "", "interfaces",
						    x->ifname, "subnets", list, "mac_address",
						    mac_print(x->mac, mac)));
	}
	return o;
}

json_t *network_view(const struct rl *rl, const struct network *n)
{
	char created[32];
	json_t *servers = NULL;

	time_rfc3339(created, n->created_ns);
	if (n->servers.n > 0)
		servers = json_array();
	for (size_t i = 0; servers && i < n->servers.n; i++)
		(void)json_array_append_new(servers, json_string(n->servers.v[i]));
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:o, s:o*, s:b, s:b, s:b, s:o*, s:o, s:o, s:{s:s}, s:o}",
		"name", n->name, "id", n->id, "driver", "bridge", "network_interface", n->bridge,
		"created", created, "subnets", subnets(n), "routes", routes(n), "ipv6_enabled",
		n->ipv6, "internal", n->internal, "dns_enabled", n->dns, "network_dns_servers",
		servers, "labels", n->labels ? json_incref(n->labels) : json_object(), "options",
		n->options ? json_incref(n->options) : json_object(), "ipam_options", "driver",
		"host-local", "containers", containers(rl, n));
}

/* --- in Docker's words ----------------------------------------------------------------------- */

static json_t *aux_of(const struct network *n, uint8_t af)
{
	json_t *o = json_object(), *ip;
	const char *name;
	struct ip a;

	json_object_foreach (n->aux, name, ip) {
		if (json_string_value(ip) && ip_parse(json_string_value(ip), &a) && a.af == af)
			(void)json_object_set(o, name, ip);
	}
	if (json_object_size(o) > 0)
		return o;
	json_decref(o);
	return NULL;
}

static void add_ipam(json_t *list, const struct network *n, const struct cidr *c,
		     const struct ip *gw, const struct ip *first, const struct ip *last,
		     bool has_range)
{
	char net[CIDR_TEXT], from[IP_TEXT], to[IP_TEXT], range[2 * IP_TEXT] = "";

	if (!c->ip.af)
		return;
	if (has_range)
		(void)snprintf(range, sizeof(range), "%s-%s", ip_print(first, from),
			       ip_print(last, to));
	(void)json_array_append_new(list, json_pack("{s:s, s:o, s:s*, s:o*}", "Subnet",
						    cidr_print(c, net), "Gateway", ip_json(gw),
						    "IPRange", has_range ? range : NULL,
						    "AuxiliaryAddresses", aux_of(n, c->ip.af)));
}

static json_t *ipam(const struct network *n)
{
	json_t *list = json_array();

	add_ipam(list, n, &n->net4, &n->gw4, &n->first4, &n->last4, n->has_range4);
	add_ipam(list, n, &n->net6, &n->gw6, &n->first6, &n->last6, n->has_range6);
	return json_pack("{s:s, s:{}, s:o}", "Driver", "default", "Options", "Config", list);
}

static json_t *members(const struct rl *rl, const struct network *n)
{
	auto_leases struct leases l = { 0 };
	json_t *o = json_object();
	struct rl_err err;

	if (attach_leases(rl, n->name, &l, &err) < 0)
		log_debug("%s", err.msg);
	for (size_t i = 0; o && i < l.n; i++) {
		const struct lease *x = &l.v[i];
		char mac[LEASE_MAC_TEXT], ip4[CIDR_TEXT] = "", ip6[CIDR_TEXT] = "";

		if (x->ip4.af)
			(void)cidr_print(&(struct cidr){ x->ip4, n->net4.prefix }, ip4);
		if (x->ip6.af)
			(void)cidr_print(&(struct cidr){ x->ip6, n->net6.prefix }, ip6);
		(void)json_object_set_new(o, x->id,
					  json_pack("{s:s, s:s, s:s, s:s, s:s}", "Name",
						    x->names.n ? x->names.v[0] : "", "EndpointID",
						    "", "MacAddress", mac_print(x->mac, mac),
						    "IPv4Address", ip4, "IPv6Address", ip6));
	}
	return o;
}

int network_view_add(json_t *v, const struct rl *rl, const struct network *n, bool whole_id,
		     bool words)
{
	static const char *const same[][2] = {
		{ "ID", "Id" },
		{ "DNSEnabled", "dns_enabled" },
		{ "IPv6Enabled", "ipv6_enabled" },
		{ "NetworkInterface", "network_interface" },
		{ "NetworkDNSServers", "network_dns_servers" },
		{ "IPAMOptions", "ipam_options" },
	};
	const size_t len = whole_id ? NETWORK_ID_LEN : 12;
	json_auto_t *more = json_pack(
		"{s:s, s:o, s:O, s:s, s:s, s:b, s:b, s:b, s:o, s:b, s:b, s:b, s:b, s:o, s:O, s:O}",
		"Name", n->name, "Id", json_stringn(n->id, len), "Created",
		json_object_get(v, "created"), "Scope", "local", "Driver", "bridge", "EnableIPv4",
		n->net4.ip.af != 0, "EnableIPv6", n->ipv6, "IPv6", n->ipv6, "IPAM", ipam(n),
		"Internal", n->internal, "Attachable", 0, "Ingress", 0, "ConfigOnly", 0,
		"Containers", members(rl, n), "Options", json_object_get(v, "options"), "Labels",
		json_object_get(v, "labels"));

	if (!more || json_object_update(v, more) < 0)
		return -ENOMEM;
	if (words && json_object_update_missing_new(
			     v, json_pack("{s:[], s:[]}", "network_dns_servers", "routes")) < 0)
		return -ENOMEM;
	for (size_t i = 0; words && i < ARRAY_LEN(same); i++) {
		json_t *value = json_object_get(v, same[i][1]);

		if (value && json_object_set(v, same[i][0], value) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* --- of a container ------------------------------------------------------------------------ */

static json_t *aliases(const struct endpoint *e, const char *ctr_id)
{
	char id[13];
	json_t *a = json_array();

	(void)snprintf(id, sizeof(id), "%.12s", ctr_id);
	for (size_t i = 0; a && i < e->aliases.n; i++)
		(void)json_array_append_new(a, json_string(e->aliases.v[i]));
	if (a)
		(void)json_array_append_new(a, json_string(id));
	return a;
}

static json_t *place(const struct rl *rl, const struct endpoint *e, const char *ctr_id)
{
	auto_network struct network n = { 0 };
	auto_leases struct leases l = { 0 };
	const struct lease *x = NULL;
	const struct ip none = { 0 };
	char mac[LEASE_MAC_TEXT] = "";
	struct rl_err err;

	if (network_load(rl, e->network, &n, &err) == 0 &&
	    attach_leases(rl, e->network, &l, &err) == 0)
		x = leases_of(&l, ctr_id);
	if (x)
		(void)mac_print(x->mac, mac);
	return json_pack(
		"{s:s, s:o, s:o, s:i, s:o, s:o, s:i, s:s, s:s, s:n, s:o, s:o, s:n}", "EndpointID",
		"", "Gateway", ip_json(x && x->ip4.af ? &n.gw4 : &none), "IPAddress",
		ip_json(x ? &x->ip4 : &none), "IPPrefixLen", x && x->ip4.af ? n.net4.prefix : 0,
		"IPv6Gateway", ip_json(x && x->ip6.af ? &n.gw6 : &none), "GlobalIPv6Address",
		ip_json(x ? &x->ip6 : &none), "GlobalIPv6PrefixLen",
		x && x->ip6.af ? n.net6.prefix : 0, "MacAddress", mac, "NetworkID",
		n.name ? n.id : e->network, "DriverOpts", "IPAMConfig",
		e->ip4.af ? json_pack("{s:o}", "IPv4Address", ip_json(&e->ip4)) : json_null(),
		"Aliases", aliases(e, ctr_id), "Links");
}

json_t *network_view_of(const struct rl *rl, const char *ctr_id, int ctr_fd)
{
	auto_endpoints struct endpoints e = { 0 };
	json_t *o = json_object();
	struct rl_err err;

	if (endpoints_read(ctr_fd, &e, &err) < 0)
		log_debug("%s", err.msg);
	for (size_t i = 0; o && i < e.n; i++)
		(void)json_object_set_new(o, e.v[i].network, place(rl, &e.v[i], ctr_id));
	return o;
}

int network_names_of(int ctr_fd, struct strv *ret)
{
	auto_endpoints struct endpoints e = { 0 };
	struct rl_err err;
	int r = 0;

	if (endpoints_read(ctr_fd, &e, &err) < 0)
		log_debug("%s", err.msg);
	for (size_t i = 0; r == 0 && i < e.n; i++)
		r = strv_add(ret, e.v[i].network);
	return r;
}

/* --- filters ------------------------------------------------------------------------------- */

enum key {
	K_NAME,
	K_ID,
	K_LABEL,
	K_NOT_LABEL,
	K_DRIVER,
	K_DANGLING,
	K_UNTIL,
	K_SCOPE,
	K_TYPE,
	KEYS
};

static const char *const key_names[KEYS + 1] = { "name",     "id",    "label", "label!", "driver",
						 "dangling", "until", "scope", "type" };

static int check_value(const struct filter_kind *k, const struct rl *rl, struct filter *f,
		       struct rl_err *err)
{
	(void)rl;
	if (f->key == K_NAME)
		return filter_regex(k, f, err);
	if (f->key == K_DANGLING)
		return filter_bool(k, f, err);
	return f->key == K_UNTIL ? when_parse(f->value, wall_ns(), &f->ns, err) : 0;
}

static const struct filter_kind kind = { "networks", key_names, 1U << K_LABEL | 1U << K_NOT_LABEL,
					 check_value };

int network_filters_new(const struct rl *rl, const struct strv *words, struct filters *ret,
			struct rl_err *err)
{
	return filters_new(&kind, rl, words, ret, err);
}

struct candidate {
	const struct rl *rl;
	const struct network *n;
};

static bool is_dangling(const struct candidate *c)
{
	auto_strv struct strv users = { 0 };
	struct rl_err err;

	return network_users(c->rl, c->n->name, &users, &err) == 0 && users.n == 0;
}

static bool match(const struct filter *f, const void *arg)
{
	const struct candidate *c = arg;
	const struct network *n = c->n;

	switch ((enum key)f->key) {
	case K_NAME:
		return regexec(&f->re, n->name, 0, NULL, 0) == 0;
	case K_ID:
		return strncmp(n->id, f->value, strlen(f->value)) == 0;
	case K_LABEL:
		return filter_has_pair(n->labels, f->value);
	case K_NOT_LABEL:
		return !filter_has_pair(n->labels, f->value);
	case K_DRIVER:
		return strcmp(f->value, "bridge") == 0;
	case K_DANGLING:
		return f->yes == is_dangling(c);
	case K_UNTIL:
		return n->created_ns < f->ns;
	case K_SCOPE:
		return strcmp(f->value, "local") == 0;
	case K_TYPE:
		return strcmp(f->value, "custom") == 0;
	case KEYS:
		break;
	}
	return true;
}

int network_each(const struct rl *rl, const struct filters *f, network_cb cb, void *arg,
		 struct rl_err *err)
{
	auto_strv struct strv names = { 0 };
	int r = network_list(rl, &names, err);

	for (size_t i = 0; i < names.n && r == 0; i++) {
		auto_network struct network n = { 0 };
		struct candidate c = { rl, &n };
		struct rl_err why = { 0 };

		if (network_load(rl, names.v[i], &n, &why) < 0) {
			if (why.code != ENOENT) /* else it went just now */
				log_warn("network '%s' is left out: %s", names.v[i], why.msg);
		} else if (!f || filters_match(&kind, f, match, &c)) {
			r = cb(arg, &n, err);
		}
	}
	return r;
}
