/* SPDX-License-Identifier: Apache-2.0 */
/* network_update.c - `rl network update`: other name servers for a named network */
#include "config.h"

#include <errno.h>

#include "cmd/cmd.h"
#include "cmd/engine/nets.h"
#include "core/base/cleanup.h"
#include "core/events.h"

struct update_opts {
	struct strv add, drop;
};

static const struct opt update_options[] = {
	OPT_STRINGS(0, "dns-add", struct update_opts, add, "IP", "one more name server"),
	OPT_STRINGS(0, "dns-drop", struct update_opts, drop, "IP",
		    "no longer ask this server for names"),
	OPT_END,
};

static int network_update_run(struct rl *rl, const struct cmd_args *args, const void *opts,
			      struct rl_err *err)
{
	const struct update_opts *o = opts;
	auto_network struct network n = { 0 };
	int r;

	if (o->add.n == 0 && o->drop.n == 0) {
		rl_fail(err, EINVAL, "network update: nothing to change");
		return rl_hint(err, "--dns-add and --dns-drop are what it can do");
	}
	r = network_find(rl, args->v[0], &n, err);
	if (r == 0)
		r = network_update(rl, n.name, &o->add, &o->drop, err);
	if (r < 0)
		return rl_wrap(err, "network update '%s'", args->v[0]);
	events_thing(rl, "network", "update", n.id, n.name);
	return nets_updated(rl, n.name, err);
}

const struct cmd cmd_network_update = {
	.name = "network update",
	.args = "NETWORK",
	.summary = "Change the name servers of a named network",
	.about = "Names that are not of containers are asked from these servers in place of the host's. "
		 "Containers that run on the network follow at once and keep their connections; one "
		 "that was made with --dns of its own goes on asking those.",
	.examples = {
		{ "rl network update --dns-add 192.0.2.53 backend",
		  "Containers on 'backend' ask 192.0.2.53." },
		{ "rl network update --dns-drop 192.0.2.53 backend",
		  "No more: with none left, they ask the host's." },
	},
	.options = update_options,
	.opts_size = sizeof(struct update_opts),
	.min_args = 1,
	.max_args = 1,
	.run = network_update_run,
};
