/* SPDX-License-Identifier: Apache-2.0 */
/* chtree.h - change the owners of a tree that others may be changing at the same time */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/err.h"

#define CHTREE_DEPTH_MAX 512 /* two descriptors each are open on the way */

/* Which entries: true = this one. NULL in its place: all. */
typedef bool (*chtree_pick)(uid_t uid, gid_t gid);

/**
 * chtree_give() - Give a file, or a folder with all below it, to one owner
 * @fd:		The top, may be O_PATH
 * @pick:	Which of them; those that may not be changed are passed over. NULL: all, or an error.
 *		Entries that have the owner already are left alone
 *
 * Threat: a container that has the tree mounted puts a symlink to a file of the host in the place of
 * what was just looked at, renames folders, or puts a mount there.
 * Defence: each entry is opened first, by one name below a descriptor, never through a link nor into
 * another mount, and its owner is changed through that descriptor.
 * Must not: use a path of two names, or look at one thing and change another.
 *
 * Return: the number of entries changed (INT_MAX for more), or -errno naming the entry
 */
int chtree_give(int fd, uid_t uid, gid_t gid, chtree_pick pick, struct rl_err *err) RL_MUST_USE;
