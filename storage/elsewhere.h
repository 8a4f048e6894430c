/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elsewhere.h - layers whose file data stay in another user's store
 *
 * Beside diff/ such a layer has a file "elsewhere": one line for each folder (a layer's diff/ of an
 * additional store, stores.h) that its data are in. Large files of diff/ are stubs then: owner, mode, times,
 * size and xattrs, and for overlay (metacopy, redirect) the path below the other store's layers/,
 * which goes into the mount as a data-only layer. Linux 6.16 follows a stub of the lowest layer only,
 * so several layers are merged into one folder by hard links where needed (stack.h).
 *
 * Trust: all but the data comes from the packed layer, whose digest is checked, and the data were compared
 * with it when the layer was pulled. Later changes by the other store's owner are not noticed: a
 * user who names a store in storage.conf trusts its owner as he trusts an image. `rl fsck` compares again.
 */
#pragma once

#include <stdbool.h>

#include "core/base/strv.h"
#include "core/rl.h"
#include "storage/layer.h"

/* Is there any such layer in this store? One look, for those that have none. */
bool elsewhere_any(const struct rl *rl);
/* The folders that the data of layer @key are in, appended; none for an ordinary one. */
int elsewhere_of(const struct rl *rl, const char *key, struct strv *ret,
		 struct rl_err *err) RL_MUST_USE;
/* For a layer that is about to be published. */
int elsewhere_write(const struct rl *rl, const struct layer_stage *st, const struct strv *folders,
		    struct rl_err *err) RL_MUST_USE;
/* The layer has all its files itself from now on. */
void elsewhere_drop(const struct rl *rl, const char *key);
/* Are they all there? -ESTALE with the store's name when not. */
int elsewhere_check(const char *key, const struct strv *folders, struct rl_err *err) RL_MUST_USE;
/* "<store>/layers" of a "<store>/layers/<key>/diff", for all @folders, each once; appended. */
int elsewhere_roots(const struct strv *folders, struct strv *ret, struct rl_err *err) RL_MUST_USE;
/* Where "<key>/diff" begins in such a path, or NULL when it is none. */
const char *elsewhere_tail(const char *folder);
