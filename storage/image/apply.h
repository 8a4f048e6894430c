/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply.h - entries of one layer to files below a staging folder, as the overlay wants them
 *
 * What becomes of each kind of entry (SECURITY S28 to S31; tests/integration has the table):
 *
 *	name		leading "/" and "." parts are dropped; ".." or an empty name: error
 *	folder		made or, when there is one, given the new metadata
 *	parent only	a folder that is but a part of names looks as in the layers below, else
 *			root's and 0755
 *	other over any	replaces what the same layer put there before
 *	hard link	to a file of this layer; of a lower layer (lower_fds): a copy of it.
 *			Its metadata is the target's: nothing is set through a link
 *	.wh.NAME	char 0:0 at NAME, unless this layer has NAME itself: a folder then
 *			becomes opaque, a file stays. Before or after makes no difference.
 *			Below what this layer removed or replaced by a file: nothing
 *	.wh..wh..opq	user.overlay.opaque=y on its folder; other .wh..wh.* are skipped
 *	device		skipped, as every rootless engine does: a container gets its own /dev;
 *			with one_id an empty file whose record says what it was
 *	FIFO, socket	made
 *	xattrs		user.* and security.capability; overlay's and our own names never
 *	owner		set as is; an id outside the user's map is an error that names it
 *
 * With one_id no owner is set. Where it is not 0:0 (and for devices) user.rl.owner holds
 * "uid:gid:mode" or "uid:gid:mode:major:minor", mode in octal with the file type; symlinks, FIFOs
 * and sockets cannot carry it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "storage/image/unpack.h"

struct apply;
struct tarin;

/* @diff_fd is borrowed. Needs umask 0. */
int apply_new(int diff_fd, bool one_id, const struct unpack_limits *limits, struct apply **ret,
	      struct rl_err *err) RL_MUST_USE;
/* Apply every entry of @t, then the folders' times. Counts and bare folders go to @ret. */
int apply_all(struct apply *a, struct tarin *t, struct unpack_result *ret,
	      struct rl_err *err) RL_MUST_USE;
/* The folders @bare (see unpack_dress_start()) look as in the layers below. */
int apply_dress(struct apply *a, const struct buf *bare, struct rl_err *err) RL_MUST_USE;
void apply_free(struct apply *a);
