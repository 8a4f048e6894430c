/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_view.c - containers in words; the header is the manual */
#include "config.h"

#include "cmd/ctr_view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/format.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"

void ctr_view_status(char out[VIEW_STATUS_MAX], const struct ctr_state *s, const char *health)
{
	char age[FORMAT_TEXT_MAX];

	switch (s->status) {
	case CTR_CREATED:
		(void)snprintf(out, VIEW_STATUS_MAX, "Created");
		break;
	case CTR_RUNNING:
	case CTR_PAUSED:
		format_age(age, wall_ns() - s->started_ns);
		(void)snprintf(out, VIEW_STATUS_MAX, "Up %s%s%s%s%s%s", age,
			       s->status == CTR_PAUSED ? " (Paused)" : "", *health ? " (" : "",
			       health, *health ? ")" : "",
			       s->network_down ? " (network down)"
			       : s->network[0] ? " (network restarted)"
					       : "");
		break;
	case CTR_RESTARTING:
	case CTR_EXITED:
		format_age(age, wall_ns() - s->exit.finished_ns);
		(void)snprintf(out, VIEW_STATUS_MAX, "%s (%d) %s ago",
			       s->status == CTR_EXITED ? "Exited" : "Restarting", s->exit.code,
			       age);
		break;
	}
}

char *ctr_view_command(const json_t *args, bool whole)
{
	auto_buf struct buf b = { 0 };
	size_t i;
	const json_t *a;

	json_array_foreach (args, i, a) {
		const char *s = json_string_value(a);

		if (buf_printf(&b, "%s%s", i ? " " : "", s ? s : "") < 0)
			return NULL;
	}
	for (char *s = b.data; s && *s; s++)
		if ((unsigned char)*s < ' ')
			*s = ' '; /* would break the row */
	if (!whole && b.len > 17)
		return str_printf("%.17s...", b.data);
	return buf_take(&b);
}

/* --- ports -------------------------------------------------------------------------------- */

static int whole(const json_t *o, const char *key, int otherwise)
{
	const json_t *v = json_object_get(o, key);
	json_int_t n = v ? json_integer_value(v) : otherwise;

	return n < 0 || n > 65535 ? -1 : (int)n;
}

bool ctr_view_port(const json_t *ports, size_t i, struct port_range *ret)
{
	const json_t *o = json_array_get(ports, i);
	const char *ip = json_string_value(json_object_get(o, "host_ip"));
	const char *proto = json_string_value(json_object_get(o, "protocol"));
	struct port_range p = { ip ? ip : "", proto ? proto : "tcp", whole(o, "container_port", 0),
				whole(o, "host_port", 0), whole(o, "range", 1) };

	if (p.container_port < 1 || p.host_port < 1 || p.range < 1 ||
	    p.container_port + p.range > 65536 || p.host_port + p.range > 65536)
		return false;
	*ret = p;
	return true;
}

char *ctr_view_ports(const json_t *ports)
{
	auto_buf struct buf b = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(ports); i++) {
		struct port_range p;
		const char *ip;
		bool v6;

		if (!ctr_view_port(ports, i, &p))
			continue;
		ip = *p.host_ip ? p.host_ip : "0.0.0.0";
		v6 = strchr(ip, ':') != NULL;
		r = buf_printf(&b, "%s%s%s%s:%d", b.len ? ", " : "", v6 ? "[" : "", ip,
			       v6 ? "]" : "", p.host_port);
		if (r == 0 && p.range > 1)
			r = buf_printf(&b, "-%d", p.host_port + p.range - 1);
		if (r == 0)
			r = buf_printf(&b, "->%d", p.container_port);
		if (r == 0 && p.range > 1)
			r = buf_printf(&b, "-%d", p.container_port + p.range - 1);
		if (r == 0)
			r = buf_printf(&b, "/%s", p.protocol);
	}
	return r < 0 ? NULL : buf_take(&b);
}

static int add_binding(json_t *map, const struct port_range *p, int i)
{
	char key[64], host[8];
	json_t *a;

	(void)snprintf(key, sizeof(key), "%d/%.20s", p->container_port + i, p->protocol);
	(void)snprintf(host, sizeof(host), "%d", p->host_port + i);
	a = json_object_get(map, key);
	if (!a) {
		if (json_object_set_new(map, key, json_array()) < 0)
			return -ENOMEM;
		a = json_object_get(map, key);
	}
	return json_array_append_new(a, json_pack("{s:s, s:s}", "HostIp",
						  *p->host_ip ? p->host_ip : "0.0.0.0", "HostPort",
						  host)) < 0
		       ? -ENOMEM
		       : 0;
}

json_t *ctr_view_port_map(const json_t *ports)
{
	json_t *map = json_object();
	struct port_range p;
	int r = map ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < json_array_size(ports); i++) {
		if (!ctr_view_port(ports, i, &p))
			continue;
		for (int k = 0; r == 0 && k < p.range; k++)
			r = add_binding(map, &p, k);
	}
	if (r == 0)
		return map;
	json_decref(map);
	return NULL;
}
