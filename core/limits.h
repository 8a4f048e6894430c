/* SPDX-License-Identifier: Apache-2.0 */
/* limits.h - what a container may use, and where its cgroup is; plain data, for core/cgroup.h */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CGROUP_DEVICES 8
#define CGROUP_CONFS   8
#define CGROUP_PARENT  256 /* bytes of a path */

enum cgroup_io { CGROUP_RBPS, CGROUP_WBPS, CGROUP_RIOPS, CGROUP_WIOPS, CGROUP_IO_KINDS };

/* Limits of one block device; 0 = none */
struct cgroup_device {
	uint32_t major, minor;
	uint64_t weight; /* 1 to 10000 */
	uint64_t max[CGROUP_IO_KINDS];
};

/* Which processes get a group, and where (--cgroups) */
enum cgroup_mode {
	CGROUP_MODE_DEFAULT,
	CGROUP_MODE_DISABLED,  /* the container stays in the caller's */
	CGROUP_MODE_NO_CONMON, /* the monitor stays in the caller's */
	CGROUP_MODE_SPLIT,     /* below the caller's own group, which is delegated */
};

struct cgroup_limits {
	int64_t cpu_quota_us, cpu_period_us; /* quota 0 = no limit; period 0 = 100000 */
	uint64_t cpu_weight;                 /* 1 to 10000, 0 = default */
	int64_t memory_max;                  /* bytes, 0 = no limit */
	int64_t memory_swap_max;             /* bytes of swap alone; -1 = no limit, see has_swap */
	bool has_swap;
	int64_t memory_low, memory_high;
	int64_t pids_max; /* 0 = no limit */
	char cpuset_cpus[256], cpuset_mems[256];
	uint64_t io_weight; /* 1 to 10000, 0 = default */
	struct cgroup_device devices[CGROUP_DEVICES];
	size_t n_devices;
	char conf[CGROUP_CONFS][128]; /* "file value", as --cgroup-conf says */
	size_t n_confs;
	/* the place: a slice of systemd's ("x.slice") or a group that may be written; or empty */
	char parent[CGROUP_PARENT];
	enum cgroup_mode mode;
};
