/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_exit.h - how a run of a container ended: what exit.json holds, and a monitor tells */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Who ended it, when it did not end by itself */
enum ctr_cause {
	CTR_CAUSE_NONE,
	CTR_CAUSE_USER,     /* rl stop, kill, rm -f, restart */
	CTR_CAUSE_CLIENT,   /* the rl run in whose foreground it was has gone */
	CTR_CAUSE_TIMEOUT,  /* --timeout */
	CTR_CAUSE_HEALTH,   /* --health-on-failure */
	CTR_CAUSE_SHUTDOWN, /* the end of a session or of the machine */
	CTR_CAUSE_LOST,     /* its monitor was killed, or the machine went down */
	CTR_CAUSE_MEMORY,   /* the watched limit of memory (core/memwatch.h) */
	CTR_CAUSES,
};

struct ctr_exit {
	int code;   /* what the command ends with: N, or 128 + signal; -1: --timeout */
	int signal; /* 0 = exited by itself */
	bool oom;
	bool by_user;    /* somebody stopped or killed it */
	bool restarting; /* its monitor starts it again after a pause */
	uint32_t restarts;
	int64_t memory_max, memory_peak; /* 0 = no limit, or unknown */
	int64_t started_ns, finished_ns; /* wall clock */
	char error[256];                 /* why a restart failed, or empty */
	enum ctr_cause cause;
	char biggest[48]; /* with oom: who had the most memory, or empty; plain ASCII */
};
