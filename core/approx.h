/* SPDX-License-Identifier: Apache-2.0 */
/*
 * approx.h - limits without a cgroup: what comes near them, and is told to be no more than that
 *
 *	--cpus, --cpu-quota	affinity: as many whole processors, rounded up; a process may change it
 *	--cpuset-cpus		affinity to these
 *	--pids-limit		RLIMIT_NPROC, which Linux 5.14 and newer counts per user and user
 *				namespace: per user of the container
 *	--memory		the monitor looks what its processes use, and ends it (core/memwatch.h)
 *
 * The first three are inherited, so they are set before the container's first instruction.
 */
#pragma once

#include <sched.h>
#include <stdbool.h>

#include "core/cgroup.h"

#define APPROX_TEXT 80

struct approx {
	cpu_set_t own; /* the processors that the monitor itself was given */
	bool has_own;
	bool memory;   /* --memory is watched */
	int64_t nproc; /* of every process of the container, can only be lowered; 0 = none */
};

/* Whether there is something for the flag ("--cpus", or "--cpus 1") here. */
bool approx_can(const char *flag);

/**
 * approx_cpus() - Let the container have only some processors, as --cpus and --cpuset-cpus say
 * @init:	Its first process, which has no child or thread yet
 * @how:	Receives "on processor 1"
 *
 * The caller itself gets the same, for what it starts later.
 * Return: 0, -EINVAL when none of the processors is there, -errno
 */
int approx_cpus(struct approx *a, const struct cgroup_limits *l, pid_t init, char how[APPROX_TEXT],
		struct rl_err *err) RL_MUST_USE;
/* The same for a container that runs already, and its limit of processes. */
int approx_change(struct approx *a, const struct cgroup_limits *l, pid_t init,
		  struct rl_err *err) RL_MUST_USE;
/* At most @max processes and threads for each user in @init's user namespace. 0, -ENOTSUP, -errno. */
int approx_pids(struct approx *a, int64_t max, pid_t init, struct rl_err *err) RL_MUST_USE;
