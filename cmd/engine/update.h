/* SPDX-License-Identifier: Apache-2.0 */
/* update.h - engine: other limits, restart policy and environment for a container that is there */
#pragma once

#include "cmd/engine/container.h"

/**
 * struct update_req - What changes; all borrowed
 * @q:		Only its limits, @restart, @env and @unsetenv count; what is not given stays
 */
struct update_req {
	const struct create_req *q;
};

/*
 * Limits and policy of a running container take effect at once, the environment at its next start.
 * All of it happens, in the kernel and on record, or nothing.
 */
int engine_update(const struct rl *rl, const char *name, const struct update_req *u,
		  char ret_id[65], struct rl_err *err) RL_MUST_USE;
