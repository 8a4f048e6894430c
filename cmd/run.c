/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.c - `rl run`: make a container and start it
 *
 * Theory of operation: the options become a struct create_req (cmd/run_options.c), the engine makes
 * the container and starts it. The exit status is the container's; 125, 126 and 127 are ours
 * (CLI.md "Exit codes").
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/engine/container.h"
#include "cmd/run_options.h"
#include "core/base/io.h"

static int run(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	struct run_opts o = *(const struct run_opts *)opts;
	struct container c = { .ctr = { .dir_fd = -1, .lock_fd = -1 },
			       .session = { .userns_fd = -1 } };
	struct start_req start = { .attach = !o.detach, .interactive = !o.detach };
	struct ctr_exit end = { 0 };
	int r = run_opts_finish(&o, args, err);

	if (r == 0 && !o.detach && o.req.tty && o.req.interactive && !isatty(STDIN_FILENO)) {
		rl_fail(err, EINVAL, "the input device is not a terminal");
		return rl_hint(err, "leave out -t: rl run -i ...");
	}
	if (r == 0)
		r = engine_create(rl, &o.req, &c, err);
	if (r == 0)
		r = engine_start(&c, &start, &end, err);
	if (r == 0 && o.detach)
		(void)puts(c.ctr.id); /* a closed stdout is seen when it is flushed at exit */
	container_done(&c);
	return r < 0 ? r : end.code;
}

const struct cmd cmd_run = {
	.name = "run",
	.args = "IMAGE [COMMAND [ARG...]]",
	.summary = "Run a command in a new container",
	.options = run_options,
	.defaults = &run_defaults,
	.opts_size = sizeof(struct run_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.stop_early = true,
	.run = run,
	.completes = "image",
};
