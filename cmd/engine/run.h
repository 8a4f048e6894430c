/* SPDX-License-Identifier: Apache-2.0 */
/* run.h - engine: make a container out of a request and run it in the foreground */
#pragma once

#include "cmd/engine/create.h"
#include "core/ctr.h"

/**
 * engine_run() - Find or pull the image, create the container, run it, relay its stdio
 * @ret_exit:	How it ended
 *
 * Return: 0 when the container ran (whatever its exit code); -errno when it could not be started,
 * err->exit_code says 125, 126 or 127; nothing is left then.
 */
int engine_run(const struct rl *rl, const struct create_req *req, struct ctr_exit *ret_exit,
	       struct rl_err *err) RL_MUST_USE;
