/* SPDX-License-Identifier: Apache-2.0 */
/* ports.c - engine: a container's published ports, asked for, bound, recorded; its network's options */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cmd/engine/container.h"
#include "cmd/engine/nets.h"
#include "core/base/json.h"
#include "core/base/log.h"

int ports_net_config(const struct container *c, struct net_config *ret, struct rl_err *err)
{
	int r = 0;

	net_config_default(ret);
	if (c->net_words.n > 0)
		r = net_config_set(ret, c->net_words.v[0], err);
	for (size_t i = 1; r == 0 && i < c->net_words.n; i++) {
		const char *word = c->net_words.v[i];

		if (strcmp(word, "search") == 0)
			ret->search = true;
		else if (strncmp(word, "dns=", 4) == 0)
			r = net_config_server(ret, word + 4, err);
		else
			r = net_config_host_port(ret, word, err);
	}
	return r;
}

/* -P: what the image says it listens on, and --expose. */
static int take_exposed(struct container *c, const struct create_req *req,
			const json_t *image_config, struct rl_err *err)
{
	json_t *exposed = json_object_get(image_config, "ExposedPorts");
	const char *port;
	json_t *none;
	int r = 0;

	json_object_foreach (exposed, port, none)
		if (r == 0)
			r = publish_exposed(&c->ports, port, err);
	for (size_t i = 0; r == 0 && i < req->expose.n; i++)
		r = publish_exposed(&c->ports, req->expose.v[i], err);
	return r;
}

int ports_take(struct container *c, const struct create_req *req, const json_t *image_config,
	       struct rl_err *err)
{
	struct publish checked = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < req->publish.n; i++)
		r = publish_parse(&c->ports, req->publish.v[i], err);
	for (size_t i = 0; r == 0 && !req->publish_all && i < req->expose.n; i++)
		r = publish_exposed(&checked, req->expose.v[i], err);
	publish_done(&checked);
	if (r == 0 && (req->publish.n > 0 || req->publish_all) &&
	    (c->net == CONTAINER_NET_JOINED || c->net == CONTAINER_NET_PATH)) {
		rl_fail(err, EINVAL, "'--publish' and '--network %s' exclude each other",
			c->net_words.v[0]);
		return c->net == CONTAINER_NET_JOINED
			       ? rl_hint(err, "publish them with the container whose network it is")
			       : -EINVAL;
	}
	if (r == 0 && req->publish_all)
		r = take_exposed(c, req, image_config, err);
	if (r == 0 && c->ports.n > 0 && c->net != CONTAINER_NET_PRIVATE) {
		log_warn("published ports mean nothing with --network %s: they are left out",
			 c->net == CONTAINER_NET_HOST ? "host" : "none");
		publish_done(&c->ports);
	}
	if (r == 0)
		r = publish_bind(&c->ports, &c->sockets, err);
	return r;
}

json_t *ports_to_json(const struct container *c)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < c->ports.n; i++) {
		const struct publish_port *p = &c->ports.v[i];

		if (json_array_append_new(a, json_pack("{s:s, s:i, s:i, s:i, s:s}", "host_ip",
						       p->host_ip, "container_port", p->ctr_port,
						       "host_port", p->host_port, "range", p->range,
						       "protocol", publish_proto_name(p->proto))) <
		    0) {
			json_decref(a);
			return NULL;
		}
	}
	return a;
}

int ports_from_json(const json_t *a, struct container *c, struct rl_err *err)
{
	for (size_t i = 0; i < json_array_size(a); i++) {
		const json_t *o = json_array_get(a, i);
		int r = publish_add(&c->ports, json_string_value(json_object_get(o, "host_ip")),
				    json_integer_value(json_object_get(o, "host_port")),
				    json_integer_value(json_object_get(o, "container_port")),
				    json_integer_value(json_object_get(o, "range")),
				    json_string_value(json_object_get(o, "protocol")));

		if (r < 0)
			return rl_fail(err, -r, "'ports' is not a list of ports");
	}
	return 0;
}
