/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume_rm.c - `rl volume rm`: remove volumes
 *
 * Theory of operation: exit status as Podman's: 1 for something unknown, 2 for one in use, 125
 * otherwise. --force removes the containers that use it, and an unknown name is then no error.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/engine/life.h"
#include "cmd/engine/volume_use.h"
#include "core/base/cleanup.h"
#include "core/base/log.h"

struct rm_opts {
	bool all, force;
	int64_t time;
};

static const struct opt rm_options[] = {
	OPT_BOOL('a', "all", struct rm_opts, all, "remove every volume"),
	OPT_BOOL('f', "force", struct rm_opts, force,
		 "remove the containers that use it first; unknown ones are fine"),
	OPT_INT('t', "time", struct rm_opts, time, "SECONDS",
		"grace time of those containers (default 10)"),
	OPT_INT(0, "timeout", struct rm_opts, time, "SECONDS", NULL),
	OPT_END,
};

static int volume_rm(struct rl *rl, const struct cmd_args *args, const void *opts,
		     struct rl_err *err)
{
	struct session s = { .userns_fd = FD_NONE };
	const struct rm_opts *o = opts;
	auto_strv struct strv names = { 0 };
	struct rl_err no_session;
	bool has_session;
	int status = 0, r = 0;

	if (o->all)
		r = args->n ? rl_fail(err, EINVAL, "--all takes no names")
			    : volume_list(rl, &names, err);
	else if (args->n == 0)
		r = rl_fail(err, EINVAL, "volume rm needs the name of a volume, or --all");
	for (size_t i = 0; r == 0 && i < args->n; i++)
		r = strv_add(&names, args->v[i]) < 0 ? rl_oom(err) : 0;
	if (r < 0)
		return r;
	has_session = session_open(rl, &s, &no_session) == 0;
	for (size_t i = 0; i < names.n; i++) {
		struct rl_err one = { 0 };

		r = engine_volume_remove(rl, has_session ? &s : NULL, names.v[i], o->force, o->time,
					 &one);
		if (r == 0) {
			(void)puts(names.v[i]); /* a closed stdout is seen at exit */
			continue;
		}
		if (r == -ENOENT && o->force)
			continue;
		rl_wrap(&one, "volume rm '%s'", names.v[i]);
		cmd_report(rl, &one);
		status = one.exit_code ? one.exit_code : EXIT_RL;
	}
	volume_sweep(rl, has_session ? &s : NULL);
	session_close(&s);
	return status;
}

const struct cmd cmd_volume_rm = {
	.name = "volume rm",
	.args = "VOLUME...",
	.summary = "Remove volumes",
	.about = "Removes volumes and all that is in them, and prints their names. A volume that a "
		 "container mounts, running or not, stays, unless --force.",
	.examples = {
		{ "rl volume rm data cache", "Remove two." },
		{ "rl volume rm -f -t 0 data", "Kill and remove the containers that use it first." },
		{ "rl volume rm -a", "Remove all that no container uses; the others are told." },
	},
	.exits = {
		{ "1", "A volume is unknown; with --force that is fine." },
		{ "2", "A container uses the volume." },
	},
	.options = rm_options,
	.defaults = &(const struct rm_opts){ .time = LIFE_TIMEOUT_OWN },
	.opts_size = sizeof(struct rm_opts),
	.max_args = CMD_ANY,
	.run = volume_rm,
};
