/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h - copy a layer onto a folder: apply its whiteouts, or keep them and shift all owners
 *
 * Both trees are reached by descriptors only; links are copied, never followed. The source is a
 * published layer (immutable), the target is nobody else's while this runs. Files are cloned
 * where the file system can (FICLONE), holes stay holes, hard links within the layer stay links.
 */
#pragma once

#include <stdint.h>

#include "core/base/err.h"
#include "core/idmap.h"

enum tree_mode {
	TREE_APPLY, /* whiteouts and opaque folders take away what the target has */
	TREE_KEEP,  /* the target becomes a layer itself */
};

struct tree_job {
	int from_fd, to_fd; /* folders; O_RDONLY for @to_fd, borrowed */
	enum tree_mode mode;
	const struct idmap *uids, *gids; /* id in the layer (inside) to id in S; NULL: as it is */
	int64_t bytes, files;            /* counted */
};

/* Metadata of the top folder itself is copied as well. */
int tree_copy(struct tree_job *job, struct rl_err *err) RL_MUST_USE;
