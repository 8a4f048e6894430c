/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update.c - `rl update`: other limits and another restart policy for containers
 *
 * Theory of operation: the options are those of `rl run`, in its own request struct, so that both read
 * them alike. The full id of each container is printed, as podman does.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/engine/healthopt.h"
#include "cmd/engine/update.h"
#include "cmd/run_options.h"
#include "cmd/select.h"
#include "core/base/parse.h"

struct update_opts {
	struct create_req q;
	const char *cpus, *memory, *memory_reservation; /* as typed: no limit is an answer, too */
	struct select_opts which;
};

#define U    struct update_opts
#define Q(f) q.f

static const struct opt update_options[] = {
	OPT_STR(0, "cpus", U, cpus, "N", "CPUs it may use, such as 1.5, 0 = no limit"),
	RUN_CPU_OPTIONS(U, q),
	OPT_STR('m', "memory", U, memory, "SIZE",
		"memory limit; swap as much again; -1 = no limit of both"),
	OPT_STR(0, "memory-swap", U, Q(memory_swap), "SIZE", "memory plus swap, -1 = no limit"),
	OPT_STR(0, "memory-reservation", U, memory_reservation, "SIZE",
		"protected memory, -1 = none"),
	OPT_STR(0, "pids-limit", U, Q(pids_limit), "N", "processes, -1 = no limit"),
	RUN_DISK_OPTIONS(U, q),
	OPT_STR(0, "restart", U, Q(restart), "POLICY",
		"no, on-failure[:N], always, unless-stopped"),
	OPT_LIST('e', "env", U, Q(env), "NAME=VALUE", "environment of the next start"),
	OPT_LIST(0, "unsetenv", U, Q(unsetenv), "NAME", "not in the environment of the next start"),
	OPT_LIST(0, "ulimit", U, Q(ulimit), "NAME=SOFT[:HARD]",
		 "limit of each of its processes; what runs can only have lower hard ones"),
	RUN_HEALTH_OPTIONS(U, q),
	OPT_BOOL(0, "no-healthcheck", U, Q(no_healthcheck), "without a check from now on"),
	SELECT_LATEST(U, which),
	OPT_END,
};

static bool asks_more(const struct limit_words *w)
{
	size_t n = w->weight_device.n;

	for (size_t i = 0; i < CGROUP_IO_KINDS; i++)
		n += w->device[i].n;
	return n > 0 || w->blkio_weight || w->swappiness || w->rt_period || w->rt_runtime;
}

static bool asks(const struct create_req *q)
{
	return q->nano_cpus || q->cpu_shares || q->cpu_quota || q->cpu_period || q->cpuset_cpus ||
	       q->cpuset_mems || q->memory || q->memory_swap || q->memory_reservation ||
	       q->pids_limit || q->restart || q->ulimit.n || health_asked(q) || q->env.n ||
	       q->unsetenv.n || asks_more(&q->limit);
}

/* To a number of the request, which says -1 for no limit. @parse: parse_size() or parse_nano() */
static int number(const char *flag, const char *text, int (*parse)(const char *, int64_t *),
		  const char *such_as, int64_t *ret, struct rl_err *err)
{
	if (!text)
		return 0;
	if (strcmp(text, "-1") != 0 && parse(text, ret) < 0)
		return rl_fail(err, EINVAL, "'--%s %.80s' is not a number such as %s", flag, text,
			       such_as);
	if (strcmp(text, "-1") == 0 || *ret == 0)
		*ret = -1;
	return 0;
}

static int update_one(struct rl *rl, const char *name, const void *opts, struct rl_err *err)
{
	const struct update_opts *o = opts;
	const struct update_req req = { &o->q };
	char id[65];
	int r = engine_update(rl, name, &req, id, err);

	if (r == 0)
		(void)puts(id); /* a closed stdout is seen when it is flushed at exit */
	return r;
}

static int update(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	struct update_opts o = *(const struct update_opts *)opts;
	struct create_req *q = &o.q;
	int r = number("cpus", o.cpus, parse_nano, "1.5", &q->nano_cpus, err);

	if (r == 0)
		r = number("memory", o.memory, parse_size, "64m", &q->memory, err);
	if (r == 0)
		r = number("memory-reservation", o.memory_reservation, parse_size, "64m",
			   &q->memory_reservation, err);
	if (r < 0)
		return r;
	if (!asks(q))
		return rl_fail(err, EINVAL,
			       "nothing to update: name a limit, a health option or --restart");
	return select_run(rl, "update", args, &o.which, SELECT_ANY, update_one, &o, err);
}

const struct cmd cmd_update = {
	.name = "update",
	.args = "CONTAINER...",
	.summary = "Change limits, health check and restart policy of containers",
	.about = "What is not named stays as it is. A running container has its new limits at once, or, "
		 "when the kernel refuses one of them, keeps all old ones; memory that it uses cannot "
		 "be taken away from it. A health check begins anew; --ulimit is for what runs, too, and for execs. The environment changes with its next start. The id of each "
		 "container is printed.",
	.examples = {
		{ "rl update --cpus 0.5 --memory 256m web", "Half a CPU and 256 MiB, at once." },
		{ "rl update --cpus 0 --memory -1 --pids-limit -1 web",
		  "All the CPUs, memory and processes that the user may have." },
		{ "rl update --health-interval 5s --health-retries 2 web", "Looked after more closely." },
		{ "rl update --restart on-failure:3 web db", "Two containers get another policy." },
	},
	.options = update_options,
	.opts_size = sizeof(struct update_opts),
	.max_args = CMD_ANY,
	.run = update,
};
