/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rm.c - `rl rm`: remove containers
 *
 * Theory of operation: exit status as Podman's: 1 for something unknown, 2 for something that
 * runs, 125 otherwise. --force ends it first, and an unknown name is then no error.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/engine/life.h"
#include "cmd/engine/nsjoin.h"
#include "cmd/mounting.h"
#include "cmd/select.h"
#include "core/base/cleanup.h"
#include "core/ctr_state.h"

struct rm_opts {
	struct select_opts which;
	bool force, volumes, depend;
	int64_t time;
};

static const struct opt rm_options[] = {
	SELECT_ALL('a', "all", struct rm_opts, which, "every container"),
	SELECT_CIDFILE(struct rm_opts, which),
	OPT_BOOL(0, "depend", struct rm_opts, depend,
		 "first those that share its namespaces (--network container:NAME and kin)"),
	SELECT_FILTER(0, struct rm_opts, which),
	OPT_BOOL('f', "force", struct rm_opts, force,
		 "end running ones first; unknown ones are fine"),
	OPT_BOOL('i', "ignore", struct rm_opts, which.ignore, "an unknown container is no error"),
	SELECT_LATEST(struct rm_opts, which),
	OPT_BOOL('v', "volumes", struct rm_opts, volumes, "remove its anonymous volumes as well"),
	OPT_INT('t', "time", struct rm_opts, time, "SECONDS",
		"grace time with --force (default 10)"),
	OPT_INT(0, "timeout", struct rm_opts, time, "SECONDS", NULL),
	OPT_END,
};

struct rm_run {
	const struct rm_opts *o;
	struct life_grace grace;
};

static int rm_one(struct rl *rl, const char *name, const void *opts, struct rl_err *err)
{
	const struct rm_run *run = opts;
	const struct rm_opts *o = run->o;
	struct ctr c;
	int r = ctr_find(rl, name, &c, err);

	if (r == -ENOENT) {
		if (o->which.ignore)
			return 0;
		err->exit_code = 1;
	}
	if (r < 0)
		return r;
	c.is_whole = o->volumes;
	r = life_remove(rl, &c, o->force ? &run->grace : NULL, err);
	if (r == 0)
		mounting_forget(rl, c.id);
	ctr_done(&c);
	if (r == 0)
		(void)puts(name); /* a closed stdout is seen when it is flushed at exit */
	return r;
}

/* The containers that join one of @id, added to @found. */
static int find_joined(const struct rl *rl, const char *name, const struct strv *all,
		       struct strv *found, struct rl_err *err)
{
	struct rl_err ignored;
	struct ctr of, c;
	int r = 0;

	if (ctr_find(rl, name, &of, &ignored) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < all->n; i++) {
		if (strv_has(found, all->v[i]) || ctr_open(rl, all->v[i], &c, &ignored) < 0)
			continue;
		if (nsjoin_joins(rl, &c, of.id) && strv_add(found, c.id) < 0)
			r = rl_oom(err);
		ctr_done(&c);
	}
	ctr_done(&of);
	return r;
}

/* --depend: who joins a container of @names, and who joins that one, goes first. */
static int add_dependents(const struct rl *rl, struct strv *names, struct rl_err *err)
{
	auto_strv struct strv all = { 0 }, found = { 0 }, order = { 0 };
	struct rl_err ignored;
	int r = ctr_list(rl, &all, err);

	for (size_t i = 0; r == 0 && i < names->n; i++)
		r = find_joined(rl, names->v[i], &all, &found, err);
	for (size_t i = 0; r == 0 && i < found.n; i++)
		r = find_joined(rl, found.v[i], &all, &found, err);
	for (size_t i = found.n; r == 0 && i > 0; i--)
		r = strv_add(&order, found.v[i - 1]) < 0 ? rl_oom(err) : 0;
	for (size_t i = 0; r == 0 && i < names->n; i++) {
		bool twice = false;
		struct ctr c;

		if (ctr_find(rl, names->v[i], &c, &ignored) == 0) {
			twice = strv_has(&found, c.id);
			ctr_done(&c);
		}
		if (!twice)
			r = strv_add(&order, names->v[i]) < 0 ? rl_oom(err) : 0;
	}
	if (r == 0) {
		struct strv old = *names;

		*names = order;
		order = old;
	}
	return r;
}

static int rm(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	struct rm_opts asked = *(const struct rm_opts *)opts, *o = &asked;
	struct rm_run run = { .o = o, .grace.timeout_s = o->time };
	auto_strv struct strv names = { 0 };
	int r;

	asked.which.ignore |= o->force; /* a cidfile goes with its container */
	r = select_containers(rl, "rm", args, &o->which, SELECT_ANY, &names, err);
	if (r == 0 && o->depend)
		r = add_dependents(rl, &names, err);
	if (r < 0)
		return r;
	if (o->force)
		life_begin(rl, &names, true, &run.grace);
	r = select_each(rl, "rm", &names, rm_one, &run);
	life_grace_done(&run.grace);
	life_sweep(rl, true);
	return r;
}

const struct cmd cmd_rm = {
	.name = "rm",
	.args = "CONTAINER...",
	.summary = "Remove containers",
	.about = "Removes containers that do not run, with their files; with --force "
		 "running ones are ended first, all at the same time: each gets its stop signal and "
		 "--time seconds, one that would not see the signal is killed at once. A container is named by its name, its "
		 "id, or the beginning of its id as long as no other begins with it. "
		 "Their names are printed.",
	.examples = {
		{ "rl rm web",
		  "Remove 'web', which has ended." },
		{ "rl rm -f -v web",
		  "End it, remove it, and its anonymous volumes." },
		{ "rl rm -af",
		  "End and remove all containers." },
	},
	.exits = {
		{ "1", "A container is unknown; with --force or --ignore that is fine." },
		{ "2", "A container runs, and --force was not given." },
	},
	.options = rm_options,
	.defaults = &(const struct rm_opts){ .time = LIFE_TIMEOUT_OWN },
	.opts_size = sizeof(struct rm_opts),
	.max_args = CMD_ANY,
	.run = rm,
};
