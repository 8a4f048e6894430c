/* SPDX-License-Identifier: Apache-2.0 */
/* limits.h - engine: --cpus, --memory and kin, for new containers and for `rl update` */
#pragma once

#include "cmd/engine/create.h"

/**
 * limits_apply() - Let the flags of a request change limits
 * @q:		Only the limits in it count; what was not given leaves @l as it is
 * @l:		Zeroed for a new container; changed on success only
 * @flags:	The flags that ask for something ("--cpus 1"); one that is there is replaced
 */
int limits_apply(const struct create_req *q, struct cgroup_limits *l, struct strv *flags,
		 struct rl_err *err) RL_MUST_USE;
/* "resources" of the runtime spec. @shares: as typed (0 = none), the limits have a weight only. */
int limits_json(const struct cgroup_limits *l, int64_t shares, json_t **ret,
		struct rl_err *err) RL_MUST_USE;
