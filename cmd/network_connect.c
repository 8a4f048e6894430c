/* SPDX-License-Identifier: Apache-2.0 */
/* network_connect.c - `rl network connect`, `disconnect` and `reload` */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/engine/nets.h"
#include "cmd/select.h"
#include "core/base/cleanup.h"
#include "core/ctr_state.h"

struct connect_opts {
	const char *ip, *ip6, *mac;
	struct strv aliases;
};

static const struct opt connect_options[] = {
	OPT_STRINGS(0, "alias", struct connect_opts, aliases, "NAME",
		    "one more name under which others on the network find it"),
	OPT_STR(0, "ip", struct connect_opts, ip, "IP", "IPv4 address that it gets there"),
	OPT_STR(0, "ip6", struct connect_opts, ip6, "IP", "IPv6 address that it gets there"),
	OPT_STR(0, "mac-address", struct connect_opts, mac, "MAC",
		"MAC address that it gets there"),
	OPT_LATER(0, "driver-opt"),
	OPT_LATER(0, "link"),
	OPT_LATER(0, "link-local-ip"),
	OPT_END,
};

static int take(const struct connect_opts *o, struct endpoint *e, struct rl_err *err)
{
	int r = o->ip ? endpoint_set_ip(e, o->ip, err) : 0;

	if (r == 0 && o->ip6)
		r = endpoint_set_ip(e, o->ip6, err);
	if (r == 0 && o->mac)
		r = endpoint_set_mac(e, o->mac, err);
	for (size_t i = 0; r == 0 && i < o->aliases.n; i++)
		r = endpoint_add_alias(e, o->aliases.v[i], err);
	return r;
}

static int network_connect(struct rl *rl, const struct cmd_args *args, const void *opts,
			   struct rl_err *err)
{
	struct endpoint more = { 0 };
	struct ctr c = { .dir_fd = FD_NONE, .lock_fd = FD_NONE };
	int r = take(opts, &more, err);

	if (r == 0 && !endpoint_is_named(args->v[0]))
		r = rl_fail(err, EINVAL, "'%s' is no named network", args->v[0]);
	if (r == 0)
		r = ctr_find(rl, args->v[1], &c, err);
	if (r == 0)
		r = nets_connect(rl, &c, args->v[0], &more, err);
	strv_done(&more.aliases);
	ctr_done(&c);
	return r < 0 ? rl_wrap(err, "connect '%s'", args->v[1]) : 0;
}

const struct cmd cmd_network_connect = {
	.name = "network connect",
	.args = "NETWORK CONTAINER",
	.summary = "Put a container on one more network",
	.about = "The container may run: it gets the interface, an address and its names at once. "
		 "Options of --network can follow the network's name "
		 "('backend:ip=10.89.0.7,alias=db').",
	.examples = {
		{ "rl network connect backend web", "'web' is on 'backend' as well." },
		{ "rl network connect --alias db --ip 10.89.0.7 backend web",
		  "With an address and one more name." },
	},
	.options = connect_options,
	.opts_size = sizeof(struct connect_opts),
	.min_args = 2,
	.max_args = 2,
	.run = network_connect,
};

struct disconnect_opts {
	bool force;
};

static const struct opt disconnect_options[] = {
	OPT_BOOL('f', "force", struct disconnect_opts, force, "a container that is gone is fine"),
	OPT_END,
};

static int network_disconnect(struct rl *rl, const struct cmd_args *args, const void *opts,
			      struct rl_err *err)
{
	const struct disconnect_opts *o = opts;
	struct ctr c;
	int r = ctr_find(rl, args->v[1], &c, err);

	if (r < 0)
		return r == -ENOENT && o->force ? 0 : r;
	r = nets_disconnect(rl, &c, args->v[0], err);
	ctr_done(&c);
	return r < 0 ? rl_wrap(err, "disconnect '%s'", args->v[1]) : 0;
}

const struct cmd cmd_network_disconnect = {
	.name = "network disconnect",
	.args = "NETWORK CONTAINER",
	.summary = "Take a container off a network",
	.about = "The interface goes at once when the container runs, and with it all connections over "
		 "it. Who is on no network any more has no way out either.",
	.examples = {
		{ "rl network disconnect backend web", "'web' leaves 'backend'." },
		{ "rl network disconnect -f backend web", "The same where 'web' may be gone." },
	},
	.options = disconnect_options,
	.opts_size = sizeof(struct disconnect_opts),
	.min_args = 2,
	.max_args = 2,
	.run = network_disconnect,
};

struct reload_opts {
	struct select_opts select;
};

static const struct opt reload_options[] = {
	OPT_BOOL('a', "all", struct reload_opts, select.all, "all containers"),
	SELECT_LATEST(struct reload_opts, select),
	OPT_END,
};

static int network_reload(struct rl *rl, const struct cmd_args *args, const void *opts,
			  struct rl_err *err)
{
	const struct reload_opts *o = opts;
	auto_strv struct strv ids = { 0 };
	int r = select_containers(rl, "network reload", args, &o->select, SELECT_ANY, &ids, err);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		struct ctr c;

		r = ctr_find(rl, ids.v[i], &c, err);
		if (r < 0)
			break;
		(void)puts(c.id); /* a closed stdout is seen when it is flushed at exit */
		ctr_done(&c);
	}
	return r;
}

const struct cmd cmd_network_reload = {
	.name = "network reload",
	.args = "[CONTAINER...]",
	.summary = "Nothing: for scripts that mend a firewall's rules",
	.about = "Prints the ids; there are no rules of a firewall that somebody could have removed.",
	.examples = {
		{ "rl network reload web", "For the sake of a script." },
		{ "rl network reload --all", "The same for all." },
	},
	.options = reload_options,
	.opts_size = sizeof(struct reload_opts),
	.max_args = CMD_ANY,
	.run = network_reload,
};
