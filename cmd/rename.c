/* SPDX-License-Identifier: Apache-2.0 */
/* rename.c - `rl rename`: give a container another name */
#include "config.h"

#include "cmd/cmd.h"
#include "cmd/engine/life.h"
#include "cmd/engine/nets.h"
#include "core/base/log.h"
#include "core/ctr_edit.h"
#include "core/ctr_state.h"
#include "core/events.h"
#include "core/monitor.h"

static int rename_run(struct rl *rl, const struct cmd_args *args, const void *opts,
		      struct rl_err *err)
{
	const struct monitor_msg record = { .type = MONITOR_RECORD };
	struct rl_err why;
	struct ctr c;
	int r = ctr_find(rl, args->v[0], &c, err);

	(void)opts;
	if (r < 0)
		return r;
	r = life_gone(rl, &c, ctr_rename(rl, &c, ctr_name_bare(args->v[1]), err), err);
	if (r == 0) {
		events_ctr(rl, &c, "rename", NULL);
		if (life_tell(rl, &c, &record, &why) < 0)
			log_warn("its events bear its old name until it is started again: %s",
				 why.msg);
		nets_renamed(rl, &c);
	}
	ctr_done(&c);
	return r < 0 ? rl_wrap(err, "rename '%s'", args->v[0]) : 0;
}

const struct cmd cmd_rename = {
	.name = "rename",
	.args = "CONTAINER NAME",
	.summary = "Give a container another name",
	.about = "The container may run, and the old name is free at once. Its host name and its "
		 "/etc/hosts stay as they are.",
	.examples = {
		{ "rl rename keen_lovelace web", "It is 'web' from now on." },
		{ "rl rename 4bcff63911fc db", "A container given by its id." },
	},
	.min_args = 2,
	.max_args = 2,
	.run = rename_run,
};
