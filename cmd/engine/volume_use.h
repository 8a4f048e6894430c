/* SPDX-License-Identifier: Apache-2.0 */
/* volume_use.h - engine: removing volumes, and the containers that are in the way */
#pragma once

#include <stdbool.h>

#include "core/session.h"
#include "storage/volume.h"

/**
 * engine_volume_remove() - Remove a volume that no container uses
 * @s:		S, or NULL when it could not be had
 * @force:	Remove the containers that use it first; @timeout_s: their grace time (cmd/engine/life.h)
 *
 * Return: 0; -ENOENT with exit_code 1; -EBUSY with exit_code 2 names the containers; -errno
 */
int engine_volume_remove(const struct rl *rl, const struct session *s, const char *name, bool force,
			 int64_t timeout_s, struct rl_err *err) RL_MUST_USE;
