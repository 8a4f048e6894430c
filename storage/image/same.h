/* SPDX-License-Identifier: Apache-2.0 */
/* same.h - are two trees the same? For fsck: what a layer holds beside what it should hold */
#pragma once

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/err.h"

#define SAME_DEPTH_MAX 256 /* what lies deeper is taken as the same */

/**
 * same_trees() - Names, kinds, owners, modes, sizes, times, links, attributes and content
 * @links:	Compare the numbers of names, too
 * @cancel_fd:	Readable: -EINTR
 * @ret_path:	Appended to: the first path that differs
 *
 * Times of folders say nothing: those that an archive does not name are as old as their unpacking.
 * Return: 1 = the same, 0 = not, -errno (-EIO also for what cannot be read)
 */
int same_trees(int a_fd, int b_fd, bool links, int cancel_fd, struct buf *ret_path,
	       struct rl_err *err) RL_MUST_USE;
