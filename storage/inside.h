/* SPDX-License-Identifier: Apache-2.0 */
/* inside.h - run one function in a child that is root of the session S, and get its error back */
#pragma once

#include "core/session.h"

typedef int (*inside_fn)(void *arg, struct rl_err *err);

/**
 * inside_run() - Fork, enter S, call, wait
 * @fn:		Runs in the child; what it changes in memory is lost, only its result comes back
 * @timeout_ms:	Then the child is killed; -1: no limit
 *
 * The child dies with its parent. Return: what @fn returned (0 or -errno with @err), -ETIMEDOUT
 */
int inside_run(const struct session *s, inside_fn fn, void *arg, int timeout_ms,
	       struct rl_err *err) RL_MUST_USE;
