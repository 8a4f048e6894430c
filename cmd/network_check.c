/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network_check.c - `rl network check`: route, resolver and reachability of a running container
 *
 * net/check.h does the looking; here is what people read. The exit status is 1 when something does
 * not answer, so that scripts can ask.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/engine/life.h"
#include "cmd/format.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/parse.h"
#include "core/spec.h"
#include "net/check.h"

struct check_opts {
	bool json;
};

static const struct opt check_options[] = {
	OPT_BOOL(0, "json", struct check_opts, json, "print one JSON object"),
	OPT_END,
};

/* "HOST", "HOST:PORT", "V6", "[V6]:PORT" */
static int split_target(const char *word, char **ret_host, uint16_t *ret_port, struct rl_err *err)
{
	const char *colon = strrchr(word, ':'), *end = word + strlen(word);
	struct in6_addr whole;
	uint64_t port = 443;

	if (*word == '[') {
		const char *close = strchr(word, ']');

		if (!close || (close[1] && close[1] != ':'))
			return rl_fail(err, EINVAL, "'%s' is not HOST:PORT", word);
		colon = close[1] ? close + 1 : NULL;
		end = close;
		word++;
	} else if (inet_pton(AF_INET6, word, &whole) == 1) {
		colon = NULL;
	} else if (colon) {
		end = colon;
	}
	if (end == word || (end == colon && strchr(word, ':') != colon) ||
	    (colon && (parse_uint(colon + 1, 65535, &port) < 0 || port == 0)))
		return rl_fail(err, EINVAL, "'%s' is not HOST:PORT", word);
	*ret_host = strndup(word, (size_t)(end - word));
	*ret_port = (uint16_t)port;
	return *ret_host ? 0 : rl_oom(err);
}

static bool has_own_net(const struct ctr *c)
{
	const char *net = json_string_value(json_object_get(c->record, "net"));

	return !net || strcmp(net, "host") != 0;
}

static int look(struct rl *rl, const char *name, const char *host, uint16_t port,
		struct net_report *ret, struct rl_err *err)
{
	auto_fd int pidfd = FD_NONE;
	struct ctr_state s;
	struct ctr c;
	int r = ctr_find(rl, name, &c, err);

	if (r < 0)
		return r;
	r = life_state(rl, &c, &s, err);
	if (r == 0 && s.status != CTR_RUNNING) {
		rl_fail(err, ESRCH, "container '%s' is %s", c.name, ctr_status_name(s.status));
		r = rl_hint(err, "only the network of a running container can be looked at");
	}
	if (r == 0) {
		pidfd = ctr_open_init(&c, s.pid);
		r = pidfd < 0 ? rl_fail_sys(err, -pidfd, "reach the first process of '%s'", c.name)
			      : 0;
	}
	if (r == 0)
		r = net_check(pidfd, has_own_net(&c), host, port, ret, err);
	ctr_done(&c);
	return r;
}

static int put_texts(struct buf *out, const char *title, char (*v)[CHECK_TEXT], size_t n)
{
	int r = n > 0 ? 0 : buf_printf(out, "%-10snone\n", title);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = buf_printf(out, "%-10s%s\n", i ? "" : title, v[i]);
	return r;
}

static const char *reason(const struct net_probe *p)
{
	return p->code == 0 ? "" : p->code == ENOENT ? "no such name" : strerror(p->code);
}

static int put_probe(struct buf *out, const char *title, const struct net_probe *p)
{
	if (p->code)
		return buf_printf(out, "%-10s%s: %s\n", title, p->what, reason(p));
	return buf_printf(out, "%-10s%s answers in %u.%u ms\n", title, p->what, p->micros / 1000,
			  p->micros / 100 % 10);
}

static int put_probes(struct buf *out, const char *title, const struct net_probe *p, size_t n)
{
	int r = n > 0 ? 0 : buf_printf(out, "%-10snone\n", title);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = put_probe(out, i ? "" : title, &p[i]);
	return r;
}

static int put_text(const struct net_report *n, struct buf *out)
{
	struct net_report copy = *n;
	int r = put_texts(out, "address", copy.addresses, n->n_addresses);

	if (r == 0)
		r = put_texts(out, "route", copy.routes, n->n_routes);
	if (r == 0)
		r = put_probes(out, "gateway", n->gateways, n->n_gateways);
	if (r == 0)
		r = put_probes(out, "resolver", n->resolvers, n->n_resolvers);
	if (r == 0 && n->has_target)
		r = put_probe(out, "target", &n->target);
	return r;
}

static json_t *texts_json(const char (*v)[CHECK_TEXT], size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(a, json_string(v[i]));
	return a;
}

static json_t *probe_json(const struct net_probe *p)
{
	return json_pack("{s:s, s:b, s:s, s:i}", "Address", p->what, "Ok", p->code == 0, "Error",
			 reason(p), "Microseconds", (int)p->micros);
}

static json_t *probes_json(const struct net_probe *p, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(a, probe_json(&p[i]));
	return a;
}

static int put_json(const struct net_report *n, bool ok, struct buf *out, struct rl_err *err)
{
	json_auto_t *j =
		json_pack("{s:b, s:o, s:o, s:o, s:o, s:o*}", "Ok", ok, "Addresses",
			  texts_json((const char(*)[CHECK_TEXT])n->addresses, n->n_addresses),
			  "Routes", texts_json((const char(*)[CHECK_TEXT])n->routes, n->n_routes),
			  "Gateways", probes_json(n->gateways, n->n_gateways), "Resolvers",
			  probes_json(n->resolvers, n->n_resolvers), "Target",
			  n->has_target ? probe_json(&n->target) : NULL);

	return j ? format_json(j, out, err) : rl_oom(err);
}

static bool all_well(const struct net_report *n)
{
	bool ok = n->n_addresses > 0 && n->n_routes > 0 && n->n_resolvers > 0 &&
		  (!n->has_target || n->target.code == 0);
	bool answer = false; /* the other servers are there for when one does not */

	/* not every gateway answers pings, least of all those of a host's network: no failure */
	for (size_t i = 0; i < n->n_resolvers; i++)
		answer = answer || n->resolvers[i].code == 0;
	return ok && answer;
}

static int check(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct check_opts *o = opts;
	auto_buf struct buf out = { 0 };
	auto_free char *host = NULL;
	struct net_report report;
	uint16_t port = 0;
	bool ok;
	int r = args->n > 1 ? split_target(args->v[1], &host, &port, err) : 0;

	if (r == 0)
		r = look(rl, args->v[0], host, port, &report, err);
	if (r < 0)
		return r;
	if (report.has_target && !report.target.what[0])
		(void)snprintf(report.target.what, CHECK_TEXT, "%s", host);
	ok = all_well(&report);
	if (o->json)
		r = put_json(&report, ok, &out, err);
	else if (put_text(&report, &out) < 0)
		r = rl_oom(err);
	if (r == 0)
		r = format_print(&out, err);
	return r < 0 ? r : !ok;
}

const struct cmd cmd_network_check = {
	.name = "network check",
	.args = "CONTAINER [HOST[:PORT]]",
	.summary = "Look whether the network of a running container works",
	.about = "Prints the container's addresses and default routes, and whether its gateways and "
		 "the name servers of its /etc/resolv.conf answer, seen from inside. With HOST also "
		 "whether a TCP connection to it can be made (port 443 where none is given); a name is "
		 "looked up with the container's name servers. The image needs no tools for it.",
	.examples = {
		{ "rl network check web", "Addresses, routes, name servers." },
		{ "rl network check web registry.example:5000", "Can it reach that port?" },
		{ "rl network check --json web | jq .Ok", "The same for a script." },
	},
	.exits = { { "1", "there is no address, route or answering name server, or HOST cannot be "
			  "reached" } },
	.options = check_options,
	.opts_size = sizeof(struct check_opts),
	.min_args = 1,
	.max_args = 2,
	.run = check,
	.completes = "running",
};
