/* SPDX-License-Identifier: Apache-2.0 */
/*
 * autoids.h - engine: ranges of ids that no other container has (--userns auto)
 *
 * The range of a container stands in a file of its folder, so that it is free again when the
 * folder goes, however that happens.
 */
#pragma once

#include <stdint.h>

#include "core/rl.h"

/**
 * autoids_take() - The lowest free run of S's ids, noted in the new container's folder
 * @size:	So many ids
 * @last:	Highest id of S that there is; 0, the caller, is never taken
 * @ctr_fd:	Folder of the container
 *
 * Return: 0 with the first id; -ENOSPC when the others leave no such run
 */
int autoids_take(const struct rl *rl, uint32_t size, uint32_t last, int ctr_fd, uint32_t *ret,
		 struct rl_err *err) RL_MUST_USE;
