/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause.c - `rl pause` and `rl unpause`: freeze and thaw containers
 *
 * Theory of operation: the container's monitor writes its cgroup's freezer (core/monitor_policy.c).
 * With --all or --filter those that are in the wanted state already are passed over.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/engine/life.h"
#include "cmd/select.h"

struct pause_opts {
	struct select_opts which;
};

static const struct opt pause_options[] = {
	SELECT_ALL('a', "all", struct pause_opts, which, "every running container"),
	SELECT_CIDFILE(struct pause_opts, which),
	SELECT_FILTER('f', struct pause_opts, which),
	SELECT_LATEST(struct pause_opts, which),
	OPT_END,
};

static const struct opt unpause_options[] = {
	SELECT_ALL('a', "all", struct pause_opts, which, "every paused container"),
	SELECT_CIDFILE(struct pause_opts, which),
	SELECT_FILTER('f', struct pause_opts, which),
	SELECT_LATEST(struct pause_opts, which),
	OPT_END,
};

static int one(struct rl *rl, const char *name, const struct pause_opts *o, bool paused,
	       struct rl_err *err)
{
	bool many = o->which.all || o->which.filter.n > 0;
	struct ctr c;
	int r = ctr_find(rl, name, &c, err);

	if (r < 0)
		return r;
	r = life_pause(rl, &c, paused, err);
	ctr_done(&c);
	if (many && (r == -EALREADY || r == -ESRCH))
		return 0;
	if (r == 0)
		(void)puts(name); /* a closed stdout is seen when it is flushed at exit */
	return r;
}

static int pause_one(struct rl *rl, const char *name, const void *opts, struct rl_err *err)
{
	return one(rl, name, opts, true, err);
}

static int unpause_one(struct rl *rl, const char *name, const void *opts, struct rl_err *err)
{
	return one(rl, name, opts, false, err);
}

static int run_pause(struct rl *rl, const struct cmd_args *args, const void *opts,
		     struct rl_err *err)
{
	const struct pause_opts *o = opts;

	return select_run(rl, "pause", args, &o->which, SELECT_RUNNING, pause_one, o, err);
}

static int run_unpause(struct rl *rl, const struct cmd_args *args, const void *opts,
		       struct rl_err *err)
{
	const struct pause_opts *o = opts;

	return select_run(rl, "unpause", args, &o->which, SELECT_RUNNING, unpause_one, o, err);
}

const struct cmd cmd_pause = {
	.name = "pause",
	.args = "CONTAINER...",
	.summary = "Freeze all processes of containers",
	.about = "The kernel's cgroup freezer stops every process of the container where it is; "
		 "none of them notices. This takes a cgroup of the container's own, which it gets "
		 "with a limit (such as --pids-limit 2048) in a systemd user session or a delegated "
		 "cgroup; without one pause is an error. stop, kill and rm -f work on paused "
		 "containers.",
	.examples = {
		{ "rl pause db",
		  "Freeze 'db', for example to copy its files." },
		{ "rl pause -a", "Freeze all that run." },
	},
	.options = pause_options,
	.opts_size = sizeof(struct pause_opts),
	.max_args = CMD_ANY,
	.run = run_pause,
	.completes = "running",
};

const struct cmd cmd_unpause = {
	.name = "unpause",
	.args = "CONTAINER...",
	.summary = "Let paused containers go on",
	.about = "Thaws what `rl pause` froze. One that is not paused is an error.",
	.examples = {
		{ "rl unpause db", "Let 'db' go on." },
		{ "rl unpause -a", "Let all paused containers go on." },
	},
	.options = unpause_options,
	.opts_size = sizeof(struct pause_opts),
	.max_args = CMD_ANY,
	.run = run_unpause,
	.completes = "running",
};
