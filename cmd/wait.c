/* SPDX-License-Identifier: Apache-2.0 */
/* wait.c - `rl wait`: block until containers have ended, print one exit code a line */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/engine/life.h"

struct wait_opts {
	bool ignore;
};

static const struct opt wait_options[] = {
	OPT_BOOL(0, "ignore", struct wait_opts, ignore, "an unknown container counts as ended, -1"),
	OPT_END,
};

static int wait_one(struct rl *rl, const char *name, const void *opts, struct rl_err *err)
{
	const struct wait_opts *o = opts;
	struct ctr_exit end = { .code = -1 };
	struct ctr c;
	int r = ctr_find(rl, name, &c, err);

	if (r == -ENOENT && o->ignore) {
		(void)printf("-1\n");
		return 0;
	}
	if (r < 0)
		return r;
	r = life_wait(rl, &c, -1, &end, err);
	ctr_done(&c);
	if (r == 0) {
		(void)printf("%d\n", end.code);
		(void)fflush(stdout); /* the next one may take long */
	}
	return r;
}

const struct cmd cmd_wait = {
	.name = "wait",
	.args = "CONTAINER...",
	.summary = "Wait until containers have ended and print their exit codes",
	.about = "Waits until each container has ended and prints its exit code, one a "
		 "line, in the order of the names. One that has ended already counts.",
	.examples = {
		{ "rl wait web",
		  "Wait for 'web' and print its exit code." },
		{ "rl wait --ignore a b",
		  "Wait for two; one that is unknown prints -1." },
	},
	.options = wait_options,
	.opts_size = sizeof(struct wait_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.each = wait_one,
};
