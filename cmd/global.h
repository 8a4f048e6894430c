/* SPDX-License-Identifier: Apache-2.0 */
/* global.h - the options in front of the command (their table: cmd_global_options in cmd.h) */
#pragma once

#include <stdbool.h>

#include "core/base/err.h"

struct global_opts {
	bool version, help, debug, noout;
	const char *root, *runroot, *log_level, *out, *config, *runtime, *storage_driver,
		*cgroup_manager, *events_backend;
};

/*
 * Check them, and do what concerns the whole process: log level, stdout (--out, --noout), and the
 * environment variables that mean the same (--config, --storage-driver, --runroot).
 * Return: 0, -EINVAL, -ENOTSUP, or -errno of --out
 */
int global_apply(const struct global_opts *g, struct rl_err *err) RL_MUST_USE;

/*
 * --runtime, of rl itself and of run: rl runs containers itself. Names of runtimes that do the
 * same (crun, runc) are taken; one that isolates in another way is refused. NULL is fine.
 */
int global_check_runtime(const char *name, struct rl_err *err) RL_MUST_USE;
