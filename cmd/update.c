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
	OPT_UINT('c', "cpu-shares", U, Q(cpu_shares), "N", "weight against others (1024)"),
	OPT_STR(0, "cpu-quota", U, Q(cpu_quota), "US", "CPU time in each period, -1 = no limit"),
	OPT_UINT(0, "cpu-period", U, Q(cpu_period), "US", "length of a period (100000)"),
	OPT_STR(0, "cpuset-cpus", U, Q(cpuset_cpus), "LIST", "CPUs, such as 0-2"),
	OPT_STR(0, "cpuset-mems", U, Q(cpuset_mems), "LIST", "memory nodes"),
	OPT_STR('m', "memory", U, memory, "SIZE",
		"memory limit; swap as much again; -1 = no limit of both"),
	OPT_STR(0, "memory-swap", U, Q(memory_swap), "SIZE", "memory plus swap, -1 = no limit"),
	OPT_STR(0, "memory-reservation", U, memory_reservation, "SIZE",
		"protected memory, -1 = none"),
	OPT_STR(0, "pids-limit", U, Q(pids_limit), "N", "processes, -1 = no limit"),
	OPT_STR(0, "blkio-weight", U, Q(limit.blkio_weight), "N", "disk weight, 10 to 1000"),
	OPT_LIST(0, "blkio-weight-device", U, Q(limit.weight_device), "DEVICE:N",
		 "disk weight on a block device"),
	OPT_LIST(0, "device-read-bps", U, Q(limit.device[CGROUP_RBPS]), "DEVICE:SIZE",
		 "bytes read from it in a second"),
	OPT_LIST(0, "device-write-bps", U, Q(limit.device[CGROUP_WBPS]), "DEVICE:SIZE",
		 "bytes written to it in a second"),
	OPT_LIST(0, "device-read-iops", U, Q(limit.device[CGROUP_RIOPS]), "DEVICE:N",
		 "reads from it in a second"),
	OPT_LIST(0, "device-write-iops", U, Q(limit.device[CGROUP_WIOPS]), "DEVICE:N",
		 "writes to it in a second"),
	OPT_STR(0, "memory-swappiness", U, Q(limit.swappiness), "N", "no effect with cgroup v2"),
	OPT_STR(0, "cpu-rt-period", U, Q(limit.rt_period), "US", NULL),
	OPT_STR(0, "cpu-rt-runtime", U, Q(limit.rt_runtime), "US", NULL),
	OPT_STR(0, "restart", U, Q(restart), "POLICY",
		"no, on-failure[:N], always, unless-stopped"),
	OPT_LIST('e', "env", U, Q(env), "NAME=VALUE", "environment of the next start"),
	OPT_LIST(0, "unsetenv", U, Q(unsetenv), "NAME", "not in the environment of the next start"),
	OPT_LIST(0, "ulimit", U, Q(ulimit), "NAME=SOFT[:HARD]",
		 "limit of each of its processes; what runs can only have lower hard ones"),
	OPT_STR(0, "health-cmd", U, Q(health_cmd), "CMD", "command that tells whether it is well"),
	OPT_STR(0, "health-interval", U, Q(health_interval), "TIME",
		"from one check to the next; disable: only by healthcheck run"),
	OPT_STR(0, "health-timeout", U, Q(health_timeout), "TIME", "longest check"),
	OPT_STR(0, "health-retries", U, Q(health_retries), "N", "failures to be unhealthy"),
	OPT_STR(0, "health-start-period", U, Q(health_start_period), "TIME",
		"failures do not count so long"),
	OPT_STR(0, "health-start-interval", U, Q(health_start_interval), "TIME",
		"between checks until then"),
	OPT_STR(0, "health-on-failure", U, Q(health_on_failure), "ACTION",
		"none, kill, restart or stop an unhealthy one"),
	OPT_STR(0, "health-startup-cmd", U, Q(startup_cmd), "CMD",
		"command that must be well before the others count"),
	OPT_STR(0, "health-startup-interval", U, Q(startup_interval), "TIME",
		"from one of these to the next (30s)"),
	OPT_STR(0, "health-startup-timeout", U, Q(startup_timeout), "TIME",
		"longest of these (30s)"),
	OPT_STR(0, "health-startup-retries", U, Q(startup_retries), "N",
		"after N failures it is started again (0: never)"),
	OPT_STR(0, "health-startup-success", U, Q(startup_success), "N",
		"times in a row that it must be well (1)"),
	OPT_BOOL(0, "no-healthcheck", U, Q(no_healthcheck), "without a check from now on"),
	SELECT_LATEST(U, which),
	OPT_LATER(0, "health-log-destination"),
	OPT_LATER(0, "health-max-log-count"),
	OPT_LATER(0, "health-max-log-size"),
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
