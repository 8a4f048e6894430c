/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup.h - a place for a container in the cgroup v2 tree, its limits, and its end
 *
 * Ladder: a transient scope "rl-<id>.scope" of the user's systemd manager (Delegate=yes, sd-bus,
 * libsystemd by dlopen) > a writable delegated cgroup we already live in > none. Below the scope
 * (or below "rl-<id>" in a delegated cgroup) are two children: "supervisor" (monitor, pump) and
 * "container" (init), because processes may only live in leaves. Source: cgroups(7), kernel
 * Documentation/admin-guide/cgroup-v2.rst, systemd.resource-control(5),
 * https://systemd.io/CGROUP_DELEGATION.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/err.h"
#include "core/base/strv.h"
#include "core/limits.h"

enum cgroup_rung { CGROUP_NONE, CGROUP_DELEGATED, CGROUP_SCOPE };

/* What a container started now would get, as far as that can be told without asking for it. */
struct cgroup_probe {
	bool is_v2;
	enum cgroup_rung rung;
	struct strv controllers; /* those of our own group; release with strv_done() */
};
int cgroup_probe(struct cgroup_probe *ret, struct rl_err *err) RL_MUST_USE;

/**
 * struct cgroup_trial - The same by trial, for rl doctor
 * @has_v2:	There is a cgroup2 tree that shows our own group
 * @has_v1:	Controllers are still in hierarchies of version 1
 * @controllers: Those of the place that a container would get; release with strv_done()
 * @why:	Why there is no scope; code 0 = there is
 */
struct cgroup_trial {
	bool has_v2, has_v1;
	enum cgroup_rung rung;
	struct strv controllers;
	struct rl_err why;
};
void cgroup_try(struct cgroup_trial *ret);
bool cgroup_lingers(void); /* the user's manager lives on after the last logout */

struct cgroup_request; /* the talk with systemd, while it goes on */

struct cgroup {
	enum cgroup_rung rung;
	char *path;       /* of the "container" child, absolute, owned; NULL with NONE */
	char *scope_path; /* parent of it that is removed at the end, owned */
	char *why;        /* with NONE: why there is no cgroup, and what would change that */
	char *base;       /* group that it is to be made in, NULL: our own; owned */
	bool alone;       /* the monitor stays where it is */
	int dir_fd;       /* on "container", or FD_NONE */
	struct cgroup_request *request;
};
#define CGROUP_INIT               \
	{                         \
		.dir_fd = FD_NONE \
	}

/*
 * Ask for a place; does not wait. @id names the scope, @supervisor (the monitor) and @init go in,
 * where and whether both is in @limits.
 * Never fails because cgroups are missing: rung NONE says so in @ret->why. The rung is final only
 * after cgroup_place(). A child process of the caller does the asking; it is waited for here.
 */
int cgroup_request(const char *id, const char *description, const struct cgroup_limits *limits,
		   pid_t supervisor, pid_t init, struct cgroup *ret,
		   struct rl_err *err) RL_MUST_USE;
/*
 * Wait for the place (bounded, 10 s), make the children, write @limits, move @supervisor and
 * @init. Each limit that cannot be applied is appended to @ret_lost as "--memory: why; what to do".
 * A value that the kernel refuses (a CPU that does not exist) is an error.
 */
int cgroup_place(struct cgroup *c, const struct cgroup_limits *limits, pid_t supervisor, pid_t init,
		 struct strv *ret_lost, struct rl_err *err) RL_MUST_USE;

/*
 * Put another init into the group whose own has ended, limits stay as they are: what is left of the
 * last one's processes is killed. Nothing to do with rung NONE. 0 or -errno.
 */
int cgroup_reuse(struct cgroup *c, pid_t init, struct rl_err *err) RL_MUST_USE;

/*
 * Change the limits of a running group (struct ctr_state names its folder) from @old to @new: all of
 * them or, when the kernel refuses one, none. Memory that is in use cannot be cut off: -EBUSY.
 */
int cgroup_update(const char *path, const struct cgroup_limits *old,
		  const struct cgroup_limits *new, struct rl_err *err) RL_MUST_USE;

/* The flag of the first limit that differs and that @can is false of, or NULL; @swap: that one, too */
const char *cgroup_changed(const struct cgroup_limits *old, const struct cgroup_limits *new,
			   bool (*can)(const char *flag), bool swap);

/*
 * May a container that nobody limited be put into one? Not where the last logout would end it: the
 * user's manager goes then, unless the user lingers, and takes its scopes along.
 */
bool cgroup_outlives_login(void);

struct cgroup_usage {
	uint64_t oom_kills; /* memory.events oom_kill */
	int64_t memory_peak, memory_max, memory_current;
	uint64_t cpu_usec;
	int64_t pids;
};
/* Missing files leave zeros; memory_max 0 = no limit. 0 or -errno. */
int cgroup_read(const struct cgroup *c, struct cgroup_usage *ret);
/* Kill what is left, remove the children; the scope goes by itself when it is empty. Bounded. */
void cgroup_remove(struct cgroup *c);
/* The same for the container @id whose monitor is gone; @path as struct cgroup had it. */
void cgroup_heal(const char *path, const char *id);
void cgroup_done(struct cgroup *c); /* only frees, and gives up a request; fine on a zeroed one */
