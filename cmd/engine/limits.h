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
/* limits_more.c: the part of it that is about block devices, --cgroup-conf and the place. */
int limits_apply_more(const struct create_req *q, struct cgroup_limits *l, struct strv *flags,
		      struct rl_err *err) RL_MUST_USE;
/* @text: "--flag value", owned, one more that asks for something; a former one of the flag goes. */
int limits_note(struct strv *flags, char *text, struct rl_err *err) RL_MUST_USE;
void limits_forget(struct strv *flags,
		   const char *flag); /* nothing is asked for with it any more */
/* "blockIO" and "unified" of "resources", where there is something to say. */
int limits_json_more(const struct cgroup_limits *l, json_t *res, struct rl_err *err) RL_MUST_USE;
/* "resources" of the runtime spec. @shares: as typed (0 = none), the limits have a weight only. */
int limits_json(const struct cgroup_limits *l, int64_t shares, json_t **ret,
		struct rl_err *err) RL_MUST_USE;
