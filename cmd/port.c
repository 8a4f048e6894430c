/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port.c - `rl port`: published ports of containers, from their records (cmd/ctr_view.h)
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/ctr_view.h"
#include "cmd/format.h"
#include "cmd/select.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/parse.h"

struct port_opts {
	struct select_opts select; /* --all, --latest */
};

static const struct opt port_options[] = {
	OPT_BOOL('a', "all", struct port_opts, select.all, "the ports of all containers"),
	SELECT_LATEST(struct port_opts, select),
	OPT_END,
};

/* "80", "80/tcp": which one is asked for; number 0 = all */
struct wanted {
	int number;
	char protocol[8];
};

static int get_wanted(const char *word, struct wanted *ret, struct rl_err *err)
{
	const char *slash = strchr(word, '/'), *protocol = slash ? slash + 1 : "tcp";
	auto_free char *digits = strndup(word, slash ? (size_t)(slash - word) : strlen(word));
	uint64_t n;

	if (!digits)
		return rl_oom(err);
	if (parse_uint(digits, 65535, &n) < 0 || n == 0)
		return rl_fail(err, EINVAL, "'%s' is no port such as 80 or 53/udp", word);
	if (strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0 &&
	    strcmp(protocol, "sctp") != 0)
		return rl_fail(err, EINVAL, "'%s': the protocol is tcp, udp or sctp", word);
	ret->number = (int)n;
	(void)snprintf(ret->protocol, sizeof(ret->protocol), "%s", protocol);
	return 0;
}

static int put(const struct port_range *p, int i, const struct wanted *w, const char *prefix,
	       struct buf *out)
{
	const char *ip = *p->host_ip ? p->host_ip : "0.0.0.0";
	bool v6 = strchr(ip, ':') != NULL;
	int r = buf_str(out, prefix);

	if (r == 0 && w->number == 0)
		r = buf_printf(out, "%d/%s -> ", p->container_port + i, p->protocol);
	return r < 0 ? r : buf_printf(out, v6 ? "[%s]:%d\n" : "%s:%d\n", ip, p->host_port + i);
}

static int show(const struct rl *rl, const char *name, const struct wanted *w, bool with_id,
		struct buf *out, struct rl_err *err)
{
	const json_t *ports;
	struct port_range p;
	char prefix[16] = "";
	size_t before = out->len;
	struct ctr c;
	int r = ctr_find(rl, name, &c, err);

	if (r < 0)
		return r;
	if (with_id)
		(void)snprintf(prefix, sizeof(prefix), "%.12s\t", c.id);
	ports = json_object_get(c.record, "ports");
	for (size_t i = 0; r == 0 && i < json_array_size(ports); i++)
		for (int k = 0; ctr_view_port(ports, i, &p) && r == 0 && k < p.range; k++)
			if (w->number == 0 || (w->number == p.container_port + k &&
					       strcmp(w->protocol, p.protocol) == 0))
				r = put(&p, k, w, prefix, out);
	if (r < 0)
		r = rl_oom(err);
	else if (w->number && out->len == before)
		r = rl_fail(err, ENOENT, "no public port '%d/%s' published for '%s'", w->number,
			    w->protocol, c.name);
	ctr_done(&c);
	return r;
}

static int port(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct port_opts *o = opts;
	size_t words = o->select.latest ? 0 : 1; /* the container's; the next is the port's */
	const struct cmd_args name = { .v = args->v, .n = args->n < words ? args->n : words };
	auto_strv struct strv names = { 0 };
	auto_buf struct buf out = { 0 };
	struct wanted w = { 0 };
	int r;

	if (o->select.all && args->n > 0)
		return rl_fail(err, EINVAL, "port: --all and names exclude each other");
	if (args->n > words + 1)
		return rl_fail(err, EINVAL, "port: '%s' is one word too many", args->v[words + 1]);
	r = args->n > words ? get_wanted(args->v[words], &w, err) : 0;
	if (r == 0)
		r = select_containers(rl, "port", &name, &o->select, SELECT_ANY, &names, err);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		r = show(rl, names.v[i], &w, o->select.all, &out, err);
		if (r == -ENOENT && o->select.all)
			r = 0; /* removed while we list */
	}
	return r < 0 ? r : format_print(&out, err);
}

const struct cmd cmd_port = {
	.name = "port",
	.args = "CONTAINER [PORT[/PROTOCOL]]",
	.summary = "List the published ports of a container",
	.about = "Prints 'CONTAINER_PORT/PROTOCOL -> ADDRESS:PORT' for each published port; with a "
		 "port only where it is found on the host. With --all each line starts with the "
		 "container's id.",
	.examples = {
		{ "rl port web",
		  "All published ports of 'web'." },
		{ "rl port web 80",
		  "Address and port on the host that lead to port 80 of 'web'." },
	},
	.options = port_options,
	.opts_size = sizeof(struct port_opts),
	.max_args = 2,
	.run = port,
};
