/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stop.c - `rl stop`: end containers, politely first
 *
 * Theory of operation: stop signal, grace time, SIGKILL, all through the container's monitor; for
 * several containers the grace times run side by side.
 * "Already gone" is success: it is what the user wanted.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/engine/life.h"
#include "cmd/select.h"
#include "core/base/cleanup.h"

struct stop_opts {
	struct select_opts which;
	const char *signal;
	int64_t time;
};

static const struct opt stop_options[] = {
	SELECT_ALL('a', "all", struct stop_opts, which, "every running container"),
	SELECT_CIDFILE(struct stop_opts, which),
	SELECT_FILTER('f', struct stop_opts, which),
	OPT_BOOL('i', "ignore", struct stop_opts, which.ignore, "an unknown container is no error"),
	SELECT_LATEST(struct stop_opts, which),
	OPT_STR('s', "signal", struct stop_opts, signal, "SIGNAL", "instead of its stop signal"),
	OPT_INT('t', "time", struct stop_opts, time, "SECONDS",
		"grace time (default 10, -1 = for ever)"),
	OPT_INT(0, "timeout", struct stop_opts, time, "SECONDS", NULL),
	OPT_END,
};

struct stop_run {
	const struct stop_opts *o;
	struct life_grace grace;
};

static int stop_one(struct rl *rl, const char *name, const void *opts, struct rl_err *err)
{
	const struct stop_run *run = opts;
	struct ctr c;
	int r = ctr_find(rl, name, &c, err);

	if (r == -ENOENT && life_has_gone(rl, name, &run->grace)) {
		r = 0; /* --rm */
	} else if (r < 0) {
		return r == -ENOENT && run->o->which.ignore ? 0 : r;
	} else {
		r = life_stop(rl, &c, &run->grace, err);
		ctr_done(&c);
	}
	if (r == 0)
		(void)puts(name); /* a closed stdout is seen when it is flushed at exit */
	return r;
}

static int stop(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct stop_opts *o = opts;
	struct stop_run run = { .o = o, .grace.timeout_s = o->time };
	auto_strv struct strv names = { 0 };
	int r = o->signal ? life_parse_signal(o->signal, &run.grace.signo, err) : 0;

	if (r == 0)
		r = select_containers(rl, "stop", args, &o->which, SELECT_RUNNING, &names, err);
	if (r < 0)
		return r;
	life_begin(rl, &names, false, &run.grace);
	r = select_each(rl, "stop", &names, stop_one, &run);
	life_grace_done(&run.grace);
	return r;
}

const struct cmd cmd_stop = {
	.name = "stop",
	.args = "CONTAINER...",
	.summary = "Stop running containers",
	.about = "Sends the container's stop signal (its --stop-signal, the image's, "
		 "else TERM), waits at most --time seconds, then sends KILL, with a "
		 "warning. One that does not run is fine. The names are printed.",
	.examples = {
		{ "rl stop web",
		  "Stop 'web'; it has 10 seconds to end by itself." },
		{ "rl stop -t 0 web",
		  "Kill it at once." },
	},
	.options = stop_options,
	.defaults = &(const struct stop_opts){ .time = LIFE_TIMEOUT_OWN },
	.opts_size = sizeof(struct stop_opts),
	.max_args = CMD_ANY,
	.run = stop,
	.completes = "running",
};
