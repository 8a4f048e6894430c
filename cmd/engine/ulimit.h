/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ulimit.h - --ulimit "name=soft[:hard]" and the limits that a container gets by default
 *
 * Sources: getrlimit(2), docker-run(1). A rootless caller cannot raise a hard limit: values above
 * it are clamped, with a warning (SECURITY F13).
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/err.h"
#include "core/base/strv.h"

struct ulimit {
	int resource;        /* RLIMIT_X */
	uint64_t soft, hard; /* UINT64_MAX = unlimited */
};

/* "nofile=1024:4096"; -1 and "unlimited" mean no limit. */
int ulimit_parse(const char *s, struct ulimit *ret, struct rl_err *err) RL_MUST_USE;
/*
 * The "rlimits" array of the runtime spec: soft nofile at most 1048576, soft core 0 (the host's
 * core_pattern may start a host program), then @words over them. "host" keeps all of the caller's.
 */
int ulimit_json(const struct strv *words, json_t **ret, struct rl_err *err) RL_MUST_USE;
/* Put @words in place of what a "rlimits" array says about the same limits. */
int ulimit_change(const struct strv *words, json_t *arr, struct rl_err *err) RL_MUST_USE;
/* Set @words for a process that runs; @only_try: could that be done? 0, -EPERM above its hard limit, -errno */
int ulimit_set(const struct strv *words, pid_t pid, bool only_try, struct rl_err *err) RL_MUST_USE;
