/* SPDX-License-Identifier: Apache-2.0 */
/* mlist_push.h - a manifest list to a registry */
#pragma once

#include "storage/fetch_out.h"
#include "storage/mlist.h"

/**
 * mlist_push() - The index, and with @all its images
 * @req:	Where to and how; @id and @list are filled in here
 * @ret_digest:	Of the index as the registry has it now; caller frees
 *
 * Images of another registry are pulled for it, and removed again.
 */
int mlist_push(const struct rl *rl, const struct mlist *l, struct push_req *req, bool all,
	       char **ret_digest, struct rl_err *err) RL_MUST_USE;
