/* SPDX-License-Identifier: Apache-2.0 */
/*
 * procs.h - the processes of a running container, as the host's /proc shows them
 *
 * Which they are: what stands in the container's cgroup and below it; without a cgroup whatever
 * lives in its user namespace or in one nested there (every container has a user namespace of its
 * own), so that processes of exec and of inner containers belong too. Nothing is asked of the
 * container. What a process calls itself (name, arguments) is HOSTILE text. Source: proc(5).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/buf.h"
#include "core/base/err.h"

#define PROCS_MAX (1 << 20)

struct procs {
	pid_t *v; /* host pids, ascending; owned */
	size_t n;
};

/**
 * procs_list() - All processes of a container
 * @init:	Its first process
 * @cgroup:	Folder of its cgroup, or "" when it has none
 *
 * Return: 0; -ESRCH when @init is gone
 */
int procs_list(pid_t init, const char *cgroup, struct procs *ret, struct rl_err *err) RL_MUST_USE;
void procs_done(struct procs *p);
#define auto_procs __attribute__((cleanup(procs_done)))

#define PROCS_LEVELS 32 /* pid namespaces can be nested this deep (pid_namespaces(7)) */

enum procs_cap { PROCS_INH, PROCS_PRM, PROCS_EFF, PROCS_BND, PROCS_AMB, PROCS_CAPS };

/* One process; ids are the host's. Times in clock ticks. */
struct procinfo {
	/* /proc/PID/stat */
	char comm[64];
	char state; /* 'R', 'S', 'D', ... */
	pid_t ppid, pgrp, session;
	unsigned tty;
	int64_t utime, stime, cutime, cstime, start, nice, threads;
	/* the kernel's control terminal foreground group, priority flags: for ps's STAT */
	pid_t tpgid;
	int64_t vsz; /* bytes */
	int64_t rss; /* KiB */
	/* /proc/PID/status */
	uint32_t uid, euid, gid, egid;
	uint32_t groups[64];
	size_t n_groups;
	pid_t nspid[PROCS_LEVELS]; /* pid per namespace, outermost first */
	pid_t nspgid[PROCS_LEVELS];
	size_t levels;
	uint64_t caps[PROCS_CAPS];
	int seccomp; /* 0 disabled, 1 strict, 2 filter */
};

/* 0, or -ESRCH when the process has gone. */
int procinfo_read(pid_t pid, struct procinfo *ret) RL_MUST_USE;
/* The two halves, for any text. 0 or -EINVAL. */
int procinfo_parse_stat(const char *text, struct procinfo *ret) RL_MUST_USE;
int procinfo_parse_status(const char *text, struct procinfo *ret) RL_MUST_USE;
/* Arguments, blanks between; "[name]" where there are none. 0, -ESRCH, -ENOMEM. */
int procinfo_args(pid_t pid, const struct procinfo *p, struct buf *out) RL_MUST_USE;

/* Seconds since boot with fractions, in clock ticks of procinfo; ticks per second. */
int64_t procs_uptime_ticks(void);
int64_t procs_hz(void);
