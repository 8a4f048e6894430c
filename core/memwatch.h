/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memwatch.h - what the processes of a container use of memory, looked at again and again
 *
 * For a --memory that no cgroup keeps, and, where one does, to know who had the most when it was
 * full. The numbers are those of /proc: resident pages of each process (cheap, shared ones counted
 * twice), and only when these come to the limit the exact shares (smaps_rollup, Pss). Files in
 * memory that no process has mapped are not seen. What a process calls itself is HOSTILE.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define MEMWATCH_NAME 48

struct memwatch {
	int64_t max;  /* bytes; 0 = nothing is watched */
	int64_t peak; /* bytes, as far as was seen */
	int64_t last; /* bytes, at the last look */
	int calm;     /* looks without a change */
	int proc_fd;  /* the container's own /proc, or FD_NONE: that of the host is gone through */
	bool is_over; /* it was above the limit */
	char biggest[MEMWATCH_NAME]; /* "node (31.2 MiB)": who had the most then; plain ASCII */
};
#define MEMWATCH_INIT              \
	{                          \
		.proc_fd = FD_NONE \
	}

/* Whether the container's processes may be looked up in its /proc is asked of the kernel, not of it. */
void memwatch_start(struct memwatch *w, int64_t max, pid_t init);
/*
 * Look. Return: milliseconds until the next one: the time in which the fastest process could fill
 * what is left, longer while nothing moves; @w.is_over tells that it is over.
 */
int memwatch_look(struct memwatch *w, pid_t init);
/* Note in @w.biggest who has the most; @cgroup: folder of its cgroup, or "". */
void memwatch_blame(struct memwatch *w, pid_t init, const char *cgroup);
void memwatch_stop(struct memwatch *w);
