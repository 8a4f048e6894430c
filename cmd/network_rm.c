/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network_rm.c - `rl network rm`: remove named networks
 *
 * Theory of operation: exit status as Podman's: 1 for something unknown, 2 for one in use, 125
 * otherwise. --force removes the containers that belong to it, and an unknown name is then no error.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/engine/life.h"
#include "core/base/cleanup.h"
#include "core/ctr_state.h"
#include "core/events.h"
#include "net/network.h"

#define REMOVE_TRIES 3 /* somebody may start new ones meanwhile */

struct rm_opts {
	bool force;
	int64_t time;
};

static const struct opt rm_options[] = {
	OPT_BOOL('f', "force", struct rm_opts, force,
		 "remove the containers that belong to it first; unknown ones are fine"),
	OPT_INT('t', "time", struct rm_opts, time, "SECONDS",
		"grace time of those containers (default 10)"),
	OPT_INT(0, "timeout", struct rm_opts, time, "SECONDS", NULL),
	OPT_END,
};

static int remove_users(const struct rl *rl, const char *name, int64_t timeout_s,
			struct rl_err *err)
{
	auto_strv struct strv ids = { 0 };
	int r = network_users(rl, name, &ids, err);

	return r < 0 ? r : life_remove_users(rl, &ids, timeout_s, err);
}

static int remove_one(const struct rl *rl, const char *word, const struct rm_opts *o,
		      struct rl_err *err)
{
	auto_network struct network n = { 0 };
	int r = network_find(rl, word, &n, err);

	if (r == 0)
		r = network_remove(rl, n.name, err);
	for (int i = 0; i < REMOVE_TRIES && r == -EBUSY && o->force; i++) {
		r = remove_users(rl, n.name, o->time, err);
		if (r == 0)
			r = network_remove(rl, n.name, err);
	}
	if (r == 0)
		events_thing(rl, "network", "remove", n.id, n.name);
	return r;
}

static int network_rm(struct rl *rl, const struct cmd_args *args, const void *opts,
		      struct rl_err *err)
{
	const struct rm_opts *o = opts;
	int status = 0;

	(void)err;
	for (size_t i = 0; i < args->n; i++) {
		struct rl_err one = { 0 };
		int r = remove_one(rl, args->v[i], o, &one);

		if (r == 0) {
			(void)puts(args->v[i]); /* a closed stdout is seen at exit */
			continue;
		}
		if (r == -ENOENT && o->force)
			continue;
		rl_wrap(&one, "network rm '%s'", args->v[i]);
		rl_report(&one);
		status = one.exit_code ? one.exit_code : EXIT_RL;
	}
	return status;
}

const struct cmd cmd_network_rm = {
	.name = "network rm",
	.args = "NETWORK...",
	.summary = "Remove named networks",
	.about = "Removes networks, and prints their names. One that a container belongs to, running "
		 "or not, stays, unless --force.",
	.examples = {
		{ "rl network rm backend", "Remove 'backend'." },
		{ "rl network rm -f backend", "With the containers that belong to it." },
	},
	.exits = { { "1", "There is no such network." },
		   { "2", "A container belongs to the network." } },
	.options = rm_options,
	.defaults = &(const struct rm_opts){ .time = LIFE_TIMEOUT_OWN },
	.opts_size = sizeof(struct rm_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.run = network_rm,
};
