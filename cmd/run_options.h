/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_options.h - the options that run and create share, and how they become a request
 *
 * Every flag of Docker and Podman is either done, or refused with "not supported yet": none that
 * changes what runs is taken and ignored.
 */
#pragma once

#include "cmd/cmd.h"
#include "cmd/engine/create.h"
#include "cmd/opt.h"

struct run_opts {
	struct create_req req; /* filled by the table; the words are added by run_opts_finish() */
	bool detach;           /* -d, run only */
	bool sig_proxy;        /* --sig-proxy, run only */
	const char *detach_keys;
	bool read_only_tmpfs, http_proxy, tls_verify,
		passwd; /* default true, turned round in @req */
	const char *systemd, *runtime, *arch, *os;
	int64_t stop_timeout; /* seconds, -1 = for ever; kept for stop */
	uint64_t retry;
	uint64_t preserve_fds; /* run only */
	bool own_output;       /* run only */
	struct strv attach;    /* run: -a stdin, stdout, stderr; none given: all */
};

/* Rows that run, create and update have in common; @f: the struct create_req in @st. */
#define RUN_HEALTH_OPTIONS(st, f)                                                                  \
	OPT_STR(0, "health-cmd", st, f.health_cmd, "CMD",                                          \
		"command that tells whether it is well"),                                          \
		OPT_STR(0, "health-interval", st, f.health_interval, "TIME",                       \
			"from one check to the next (30s); disable: only by healthcheck run"),     \
		OPT_STR(0, "health-timeout", st, f.health_timeout, "TIME", "longest check (30s)"), \
		OPT_STR(0, "health-retries", st, f.health_retries, "N",                            \
			"failures in a row to be unhealthy (3)"),                                  \
		OPT_STR(0, "health-start-period", st, f.health_start_period, "TIME",               \
			"time after a start in which failures do not count (0s)"),                 \
		OPT_STR(0, "health-start-interval", st, f.health_start_interval, "TIME",           \
			"between checks in that period (5s)"),                                     \
		OPT_STR(0, "health-log-destination", st, f.health_log_to, "local", NULL),          \
		OPT_STR(0, "health-max-log-count", st, f.health_log_count, "N",                    \
			"results that are kept (5, the most)"),                                    \
		OPT_STR(0, "health-max-log-size", st, f.health_log_bytes, "BYTES",                 \
			"of each result (500, the most)"),                                         \
		OPT_STR(0, "health-on-failure", st, f.health_on_failure, "ACTION",                 \
			"none (default), kill, restart or stop an unhealthy one"),                 \
		OPT_STR(0, "health-startup-cmd", st, f.startup_cmd, "CMD",                         \
			"command that must be well before the others count"),                      \
		OPT_STR(0, "health-startup-interval", st, f.startup_interval, "TIME",              \
			"from one of these to the next (30s)"),                                    \
		OPT_STR(0, "health-startup-timeout", st, f.startup_timeout, "TIME",                \
			"longest of these (30s)"),                                                 \
		OPT_STR(0, "health-startup-retries", st, f.startup_retries, "N",                   \
			"after N failures it is started again (0: never)"),                        \
		OPT_STR(0, "health-startup-success", st, f.startup_success, "N",                   \
			"times in a row that it must be well (1)")
#define RUN_CPU_OPTIONS(st, f)                                                              \
	OPT_UINT('c', "cpu-shares", st, f.cpu_shares, "N", "weight against others (1024)"), \
		OPT_STR(0, "cpu-quota", st, f.cpu_quota, "US",                              \
			"CPU time in each period, in microseconds; -1 = no limit"),         \
		OPT_UINT(0, "cpu-period", st, f.cpu_period, "US",                           \
			 "length of a period in microseconds (100000)"),                    \
		OPT_STR(0, "cpuset-cpus", st, f.cpuset_cpus, "LIST", "CPUs, such as 0-2"),  \
		OPT_STR(0, "cpuset-mems", st, f.cpuset_mems, "LIST", "memory nodes, such as 0")
#define RUN_DISK_OPTIONS(st, f)                                                                 \
	OPT_STR(0, "blkio-weight", st, f.limit.blkio_weight, "N", "disk weight, 10 to 1000"),   \
		OPT_LIST(0, "blkio-weight-device", st, f.limit.weight_device, "DEVICE:N",       \
			 "disk weight on a block device"),                                      \
		OPT_LIST(0, "device-read-bps", st, f.limit.device[CGROUP_RBPS], "DEVICE:SIZE",  \
			 "bytes read from it in a second"),                                     \
		OPT_LIST(0, "device-write-bps", st, f.limit.device[CGROUP_WBPS], "DEVICE:SIZE", \
			 "bytes written to it in a second"),                                    \
		OPT_LIST(0, "device-read-iops", st, f.limit.device[CGROUP_RIOPS], "DEVICE:N",   \
			 "reads from it in a second"),                                          \
		OPT_LIST(0, "device-write-iops", st, f.limit.device[CGROUP_WIOPS], "DEVICE:N",  \
			 "writes to it in a second"),                                           \
		OPT_STR(0, "memory-swappiness", st, f.limit.swappiness, "N",                    \
			"no effect with cgroup v2"),                                            \
		OPT_STR(0, "cpu-rt-period", st, f.limit.rt_period, "US", NULL),                 \
		OPT_STR(0, "cpu-rt-runtime", st, f.limit.rt_runtime, "US", NULL)

extern const struct opt run_options[];
extern const struct run_opts run_defaults;

/**
 * run_opts_finish() - Complete @o->req after the table was parsed
 * @args:	Words after the options: the image (or folder) and the command; borrowed
 *
 * Return: 0, or -errno for a value that asks for what is not there yet
 */
int run_opts_finish(struct run_opts *o, const struct cmd_args *args,
		    struct rl_err *err) RL_MUST_USE;
/* Is "stdin", "stdout" or "stderr" to be attached (-a)? */
bool run_opts_attached(const struct run_opts *o, const char *stream);
