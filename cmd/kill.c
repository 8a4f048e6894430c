/* SPDX-License-Identifier: Apache-2.0 */
/* kill.c - `rl kill`: send a signal to containers' first process */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/engine/life.h"
#include "core/base/parse.h"

struct kill_opts {
	bool all;
	const char *signal;
};

static const struct opt kill_options[] = {
	OPT_BOOL('a', "all", struct kill_opts, all, "all running containers"),
	OPT_STR('s', "signal", struct kill_opts, signal, "SIGNAL", "name or number (default KILL)"),
	OPT_END,
};

static int kill_one(struct rl *rl, const char *name, int signo, bool skip_ended, struct rl_err *err)
{
	struct ctr c;
	int r = ctr_find(rl, name, &c, err);

	if (r < 0)
		return r;
	r = life_signal(rl, &c, signo, err);
	ctr_done(&c);
	if (r == -ESRCH && skip_ended)
		return 0;
	if (r == 0)
		(void)puts(name); /* a closed stdout is seen when it is flushed at exit */
	return r;
}

static int run(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct kill_opts *o = opts;
	auto_strv struct strv ids = { 0 };
	int signo, status = 0, r = 0;

	if (parse_signal(o->signal, &signo) < 0)
		return rl_fail(err, EINVAL, "invalid signal: '%s'", o->signal);
	if (o->all)
		r = ctr_list(rl, &ids, err);
	else if (args->n == 0)
		r = rl_fail(err, EINVAL, "kill needs the name of a container, or --all");
	for (size_t i = 0; r == 0 && i < args->n; i++)
		r = strv_add(&ids, args->v[i]) < 0 ? rl_oom(err) : 0;
	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		struct rl_err one = { 0 };

		if (kill_one(rl, ids.v[i], signo, o->all, &one) == 0)
			continue;
		rl_wrap(&one, "kill '%s'", ids.v[i]);
		rl_report(&one);
		status = one.exit_code ? one.exit_code : EXIT_RL;
	}
	return r < 0 ? r : status;
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
