/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h - put a layer onto a folder, its whiteouts and opaque folders applied
 *
 * Both trees are reached by descriptors only; links are copied, never followed. The source is a
 * published layer (immutable), the target is nobody else's while this runs. Files are cloned
 * where the file system can (FICLONE), holes stay holes, hard links within the layer stay links.
 */
#pragma once

#include "core/base/err.h"

/* @to_fd: open for reading. The top folder gets the layer's owner, mode and times as well. */
int tree_apply(int layer_fd, int to_fd, struct rl_err *err) RL_MUST_USE;
/* The same, but files become further names of the layer's own: both are on one file system. */
int tree_link(int layer_fd, int to_fd, struct rl_err *err) RL_MUST_USE;
