/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changes.h - what differs between two stacks of layers: for `rl diff`
 *
 * Both sides are looked at as an overlay shows them (whiteouts, opaque folders; fuse-overlayfs' ".wh."
 * files in a writable layer). Folders that come from the very same layers on both sides are not
 * read at all, so a container's writable layer costs what is in it.
 *
 *	A	only on the new side; all below a new folder as well
 *	D	only on the old side; nothing below it
 *	C	on both: another file, another kind, or a folder with other owner or mode, or with
 *		something changed in it
 */
#pragma once

#include <stdbool.h>

#include "core/base/strv.h"
#include "core/session.h"

/**
 * struct changes_layer - One folder of a stack
 * @fd:		May be O_PATH, borrowed
 * @id:		Equal for the same layer on both sides (its diff_id)
 * @writable:	A container's own: each file in it counts as changed
 * @wh_files:	fuse-overlayfs wrote it: ".wh." files are whiteouts
 */
struct changes_layer {
	int fd;
	const char *id;
	bool writable, wh_files;
};

struct changes_side {
	const struct changes_layer *v; /* bottom first */
	size_t n;
};

/**
 * changes_find() - Compare, inside S (files may belong to anybody there)
 * @hidden:	Paths that are not told of, such as mount points; or NULL
 * @ret:	"A/path" and kin, sorted by path
 */
int changes_find(const struct session *s, const struct changes_side *new,
		 const struct changes_side *old, const struct strv *hidden, struct strv *ret,
		 struct rl_err *err) RL_MUST_USE;
