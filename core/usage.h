/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage.h - what a running container uses right now
 *
 * Each number comes from the container's cgroup v2 where its file is there; without it, the
 * processes' own numbers in /proc are added up (core/procs.h): their CPU time with that of children
 * they have waited for, their share of memory (Pss), bytes they read and wrote on disks. What
 * cannot be known is -1. The network's numbers are those of the container's own network namespace.
 * Source: cgroup-v2.rst, proc(5).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/ctr_state.h"

struct usage {
	int64_t cpu_ns;
	int64_t memory, memory_limit; /* bytes; without a limit the machine's memory */
	int64_t net_in, net_out;      /* bytes, all interfaces but the loopback */
	int64_t disk_in, disk_out;    /* bytes read and written */
	int64_t pids;                 /* processes and threads */
	int64_t at_ns;                /* when: monotonic clock */
};

/**
 * usage_read() - All of it for one container
 * @own_net:	It has a network namespace of its own
 *
 * Return: 0; -ESRCH when it has just ended
 */
int usage_read(const struct ctr_state *s, bool own_net, struct usage *ret,
	       struct rl_err *err) RL_MUST_USE;

/* Sums over the lines of /proc/PID/net/dev and io.stat, for any text. */
void usage_parse_net_dev(const char *text, int64_t *in, int64_t *out);
void usage_parse_io_stat(const char *text, int64_t *in, int64_t *out);
