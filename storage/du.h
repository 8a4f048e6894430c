/* SPDX-License-Identifier: Apache-2.0 */
/* du.h - how many bytes trees of ours hold: writable layers of containers, volumes */
#pragma once

#include <stdint.h>

#include "core/rl.h"
#include "core/session.h"

/**
 * du_trees() - Sum up the sizes of the files below some folders, as ls shows them
 * @paths:	Relative to data_dir, or absolute; one that is not there holds nothing
 * @ret:	Bytes per path; room for @n
 *
 * Runs in S, because files may belong to subordinate owners with closed folders. Nothing is followed,
 * other mounts are left out, a file with n links counts 1/n at each.
 */
int du_trees(const struct rl *rl, const struct session *s, const char *const *paths, size_t n,
	     int64_t *ret, struct rl_err *err) RL_MUST_USE;
