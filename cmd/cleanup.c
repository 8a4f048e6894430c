/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cleanup.c - `rl container cleanup`: see to it that a container that has ended left nothing behind
 *
 * Every monitor cleans up itself, and every command heals what a killed monitor left; so this only asks for
 * the state and waits for the monitor's leave. It is for scripts that call it after a crash.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/engine/container.h"
#include "cmd/engine/life.h"
#include "cmd/mounting.h"
#include "cmd/select.h"
#include "storage/image.h"

struct cleanup_opts {
	struct select_opts which;
	bool rm, rmi;
};

static int drop_image(struct rl *rl, const char *id, struct rl_err *err)
{
	struct image_removed gone = { 0 };
	int r = image_remove(rl, id, true, &gone, err);

	strv_done(&gone.untagged);
	return r < 0 ? r : image_sweep_layers(rl, err);
}

static int clean(struct rl *rl, struct container *c, const struct cleanup_opts *o,
		 struct rl_err *err)
{
	struct ctr_state s;
	int r = life_state(rl, &c->ctr, &s, err);

	if (r == 0 && ctr_is_alive(&s))
		return rl_fail(err, EBUSY, "it is %s: what it uses is needed",
			       ctr_status_name(s.status));
	if (r == 0)
		r = life_settle(rl, &c->ctr, err);
	if (r == 0 && (o->rm || o->rmi))
		r = life_remove(rl, &c->ctr, NULL, err);
	if (r == 0 && (o->rm || o->rmi))
		mounting_forget(rl, c->ctr.id);
	if (r == 0 && o->rmi && c->image_id[0])
		r = drop_image(rl, c->image_id, err);
	return r;
}

static int cleanup_one(struct rl *rl, const char *name, const void *opts, struct rl_err *err)
{
	const struct cleanup_opts *o = opts;
	struct container c;
	int r = engine_load(rl, name, false, &c, err);

	if (r < 0)
		return r;
	r = clean(rl, &c, o, err);
	container_done(&c);
	if (r == 0)
		(void)puts(name); /* a closed stdout is seen when it is flushed at exit */
	return r;
}

static int cleanup_run(struct rl *rl, const struct cmd_args *args, const void *opts,
		       struct rl_err *err)
{
	const struct cleanup_opts *o = opts;

	return select_run(rl, "container cleanup", args, &o->which, SELECT_NOT_RUNNING, cleanup_one,
			  o, err);
}

static const struct opt cleanup_options[] = {
	SELECT_ALL('a', "all", struct cleanup_opts, which, "every container that does not run"),
	SELECT_LATEST(struct cleanup_opts, which),
	OPT_BOOL(0, "rm", struct cleanup_opts, rm, "remove the container as well"),
	OPT_BOOL(0, "rmi", struct cleanup_opts, rmi, "remove the container and its image as well"),
	OPT_END,
};

const struct cmd cmd_container_cleanup = {
	.name = "container cleanup",
	.args = "[CONTAINER...]",
	.summary = "See to it that containers that have ended left nothing behind",
	.about = "Heals what a killed monitor left of a container, and waits until a living one has cleaned up. "
		 "Every other command does the same when it meets the container; nothing needs this one to be "
		 "called. A container that runs is an error.",
	.examples = {
		{ "rl container cleanup web", "After a crash." },
		{ "rl container cleanup --all", "All that do not run." },
	},
	.options = cleanup_options,
	.opts_size = sizeof(struct cleanup_opts),
	.max_args = CMD_ANY,
	.completes = "stopped",
	.run = cleanup_run,
};
