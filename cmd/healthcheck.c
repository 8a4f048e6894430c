/* SPDX-License-Identifier: Apache-2.0 */
/*
 * healthcheck.c - `rl healthcheck run`: check a container's health now
 *
 * Theory of operation: the container's monitor does the check, one at a time, and tells how it
 * ended; it counts like those that the monitor does by itself.
 */
#include "config.h"

#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/engine/life.h"

struct healthcheck_opts {
	bool ignore_result;
};

static const struct opt healthcheck_options[] = {
	OPT_BOOL(0, "ignore-result", struct healthcheck_opts, ignore_result,
		 "exit with 0 whatever the check says"),
	OPT_END,
};

static int run(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct healthcheck_opts *o = opts;
	struct ctr c;
	int code = 0, r = ctr_find(rl, args->v[0], &c, err);

	if (r < 0)
		return r;
	r = life_check(rl, &c, &code, err);
	ctr_done(&c);
	if (r < 0)
		return rl_wrap(err, "check '%s'", args->v[0]);
	if (code != 0)
		(void)puts("unhealthy"); /* as Podman; a closed stdout is seen at exit */
	return code != 0 && !o->ignore_result;
}

const struct cmd cmd_healthcheck = {
	.name = "healthcheck run",
	.args = "CONTAINER",
	.summary = "Check a container's health now",
	.about = "Runs the container's health check (--health-cmd, or the image's HEALTHCHECK) once "
		 "and says 'unhealthy' when it fails. The result counts like that of a check that "
		 "was due.",
	.examples = {
		{ "rl healthcheck run web",
		  "Is 'web' well?" },
		{ "rl healthcheck run web || rl restart web",
		  "Restart it when it is not." },
	},
	.exits = {
		{ "1", "the check failed" },
	},
	.options = healthcheck_options,
	.opts_size = sizeof(struct healthcheck_opts),
	.min_args = 1,
	.max_args = 1,
	.run = run,
	.completes = "running",
};
