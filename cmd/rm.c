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
#include "cmd/engine/container.h"
#include "cmd/engine/life.h"
#include "core/base/cleanup.h"
#include "core/base/log.h"

struct rm_opts {
	bool all, force, ignore, volumes;
	int64_t time;
};

static const struct opt rm_options[] = {
	OPT_BOOL('a', "all", struct rm_opts, all, "remove every container"),
	OPT_BOOL('f', "force", struct rm_opts, force,
		 "end running ones first; unknown ones are fine"),
	OPT_BOOL('i', "ignore", struct rm_opts, ignore, "an unknown container is no error"),
	OPT_BOOL('v', "volumes", struct rm_opts, volumes, "remove its anonymous volumes as well"),
	OPT_INT('t', "time", struct rm_opts, time, "SECONDS",
		"grace time with --force (default 10)"),
	OPT_END,
};

static int rm_one(struct rl *rl, const char *name, const struct rm_opts *o, struct rl_err *err)
{
	struct container whole = { .ctr = { .dir_fd = FD_NONE, .lock_fd = FD_NONE },
				   .session = { .userns_fd = FD_NONE } };
	struct rl_err damaged;
	struct ctr c;
	int r = ctr_find(rl, name, &c, err);

	if (r == -ENOENT) {
		if (o->force || o->ignore)
			return 0;
		err->exit_code = 1;
	}
	if (r < 0)
		return r;
	/* a damaged record must not keep the container: then only its volumes stay */
	if (o->volumes && engine_load(rl, c.id, true, &whole, &damaged) < 0)
		log_warn("the volumes of '%s' stay: %s", name, damaged.msg);
	r = life_remove(rl, &c, o->force, o->time, err);
	if (r == 0)
		container_drop_volumes(&whole);
	container_done(&whole);
	ctr_done(&c);
	if (r == 0)
		(void)puts(name); /* a closed stdout is seen when it is flushed at exit */
	return r;
}

static int rm(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct rm_opts *o = opts;
	auto_strv struct strv ids = { 0 };
	int status = 0, r = 0;

	if (o->all)
		r = args->n ? rl_fail(err, EINVAL, "--all takes no names")
			    : ctr_list(rl, &ids, err);
	else if (args->n == 0)
		r = rl_fail(err, EINVAL, "rm needs the name of a container, or --all");
	for (size_t i = 0; r == 0 && i < args->n; i++)
		r = strv_add(&ids, args->v[i]) < 0 ? rl_oom(err) : 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < ids.n; i++) {
		struct rl_err one = { 0 };

		if (rm_one(rl, ids.v[i], o, &one) == 0)
			continue;
		rl_report(&one);
		status = one.exit_code ? one.exit_code : EXIT_RL;
	}
	ctr_sweep(rl, FD_NONE);
	return status;
}

const struct cmd cmd_rm = {
	.name = "rm",
	.args = "CONTAINER...",
	.summary = "Remove containers",
	.about = "Removes containers that do not run, with their files; with --force "
		 "running ones are ended first. A container is named by its name, its "
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
