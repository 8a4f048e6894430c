/* SPDX-License-Identifier: Apache-2.0 */
/* merge.h - overlays of layers and of stubs, for the parts of rl-image that make such layers */
#pragma once

#include "core/base/strv.h"
#include "core/rl.h"
#include "storage/layer.h"

/* An overlay of the folders @names (topmost first), the last @data of them for data only; an
 * unattached mount in a mount namespace of the caller's own. */
int merge_mount(const struct strv *names, size_t data, struct rl_err *err) RL_MUST_USE;
/* Does this kernel find the data behind a stub? The first file that has some is read. 1: found */
int merge_has_data(int dir_fd, int depth, struct rl_err *err) RL_MUST_USE;
/* Paths of the layers whose keys are in @list, separated by commas, topmost first. */
int merge_paths(const struct rl *rl, const char *list, struct strv *ret,
		struct rl_err *err) RL_MUST_USE;
/* For who opens it: layer_is_from() */
int merge_write_from(const struct rl *rl, const struct layer_stage *st, const char *from,
		     struct rl_err *err) RL_MUST_USE;
