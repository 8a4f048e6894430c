/* SPDX-License-Identifier: Apache-2.0 */
/* kill.c - `rl kill`: send a signal to containers' first process */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/engine/life.h"
#include "cmd/select.h"

struct kill_opts {
	struct select_opts which;
	const char *signal;
};

static const struct opt kill_options[] = {
	SELECT_ALL('a', "all", struct kill_opts, which, "every running container"),
	SELECT_CIDFILE(struct kill_opts, which),
	SELECT_LATEST(struct kill_opts, which),
	OPT_STR('s', "signal", struct kill_opts, signal, "SIGNAL", "name or number (default KILL)"),
	OPT_END,
};

static int kill_one(struct rl *rl, const char *name, const void *opts, struct rl_err *err)
{
	const struct kill_opts *o = opts;
	struct ctr c;
	int signo, r;

	r = life_parse_signal(o->signal, &signo, err);
	if (r == 0)
		r = ctr_find(rl, name, &c, err);
	if (r < 0)
		return r;
	r = life_signal(rl, &c, signo, err);
	ctr_done(&c);
	if (r == -ESRCH && o->which.all)
		return 0; /* it ended just now */
	if (r == 0)
		(void)puts(name); /* a closed stdout is seen when it is flushed at exit */
	return r;
}

static int run(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct kill_opts *o = opts;

	return select_run(rl, "kill", args, &o->which, SELECT_RUNNING, kill_one, o, err);
}

const struct cmd cmd_kill = {
	.name = "kill",
	.args = "CONTAINER...",
	.summary = "Send a signal to containers",
	.about = "Sends a signal, KILL unless --signal says otherwise, to the first "
		 "process of running containers. A container that does not run is an "
		 "error. A container is named by its name, its id, or the beginning of "
		 "its id as long as no other begins with it.",
	.examples = {
		{ "rl kill web",
		  "End 'web' at once." },
		{ "rl kill -s HUP web",
		  "Tell its first process to read its configuration again." },
		{ "rl kill -a",
		  "End all running containers." },
	},
	.options = kill_options,
	.defaults = &(const struct kill_opts){ .signal = "KILL" },
	.opts_size = sizeof(struct kill_opts),
	.max_args = CMD_ANY,
	.run = run,
	.completes = "running",
};
