/* SPDX-License-Identifier: Apache-2.0 */
/* create.c - `rl create`: make a container without starting it; prints its id */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/engine/container.h"
#include "cmd/run_options.h"
#include "core/base/cleanup.h"

static int create(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	struct run_opts o = *(const struct run_opts *)opts;
	struct container c;
	int r = run_opts_finish(&o, args, err);

	if (r == 0 && o.req.need_health)
		r = rl_fail(err, EINVAL, "unknown flag: --wait-healthy");
	if (r == 0 && o.preserve_fds)
		r = rl_fail(err, EINVAL, "unknown flag: --preserve-fds");
	if (r == 0 && o.own_output)
		r = rl_fail(err, EINVAL, "unknown flag: --own-output");
	if (r == 0 && o.detach)
		r = rl_fail(err, EINVAL, "unknown flag: --detach");
	if (r == 0)
		r = engine_create(rl, &o.req, &c, err);
	if (r < 0)
		return r;
	r = ctr_sync(rl, &c.ctr, err);
	(void)puts(c.ctr.id); /* a closed stdout is seen when it is flushed at exit */
	container_done(&c);
	return r;
}

const struct cmd cmd_create = {
	.name = "create",
	.args = "IMAGE [COMMAND [ARG...]]",
	.summary = "Make a container without starting it",
	.about = "Makes a container from an image (pulled when it is not there) and "
		 "prints its id; 'rl start' starts it. All options are those of "
		 "rl-run(1), -d excepted, which has no meaning here.\n\n"
		 "What follows IMAGE replaces the image's command.",
	.examples = {
		{ "rl create --name web -v www:/srv alpine httpd -f -h /srv",
		  "Make a container 'web', to be started later." },
		{ "rl create -it --name work alpine sh", "Make one for 'rl start -ai work'." },
	},
	.options = run_options,
	.defaults = &run_defaults,
	.opts_size = sizeof(struct run_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.stop_early = true,
	.run = create,
};
