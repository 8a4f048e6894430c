/* SPDX-License-Identifier: Apache-2.0 */
/* volumes_from.h - engine: --volumes-from, the volumes and binds of another container */
#pragma once

#include "core/base/strv.h"
#include "core/rl.h"

/**
 * volumes_from() - The words that -v would have for what other containers mount
 * @words:	"CONTAINER[:ro|:rw|:z|:Z]", in order
 * @own:	The -v words of the new container: what it mounts itself is left out
 * @ret:	Appended to; a later container does not replace what an earlier one gave
 *
 * Volumes and bound paths only: a tmpfs belongs to its container. A volume that the other one has
 * read-only stays so.
 */
int volumes_from(const struct rl *rl, const struct strv *words, const struct strv *own,
		 struct strv *ret, struct rl_err *err) RL_MUST_USE;
