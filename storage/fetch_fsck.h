/* SPDX-License-Identifier: Apache-2.0 */
/* fetch_fsck.h - is the store whole? Looked at by rl-image (storage/image/fsck.h) */
#pragma once

#include <stdbool.h>

#include "core/base/strv.h"
#include "core/rl.h"

struct fsck_req {
	bool repair; /* remove what is damaged and not used, so that a pull brings just that */
	bool quick;  /* packed layers are not read */
	bool quiet;  /* no progress */
};

/**
 * fetch_fsck() - Look through images, layers, packed layers, names and containers
 * @ret_lines:	One line for each damage, appended
 * @ret_left:	How many of them are still there
 *
 * Return: 0 also with damages, -EBUSY when @repair meets a pull or load, -errno
 */
int fetch_fsck(const struct rl *rl, const struct fsck_req *req, struct strv *ret_lines,
	       size_t *ret_left, struct rl_err *err) RL_MUST_USE;
