/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack.h - a file or a tree as a tar: for cp, export and commit
 *
 * The tree may be HOSTILE and change meanwhile. Everything is reached by one name below a
 * descriptor and never through a link; a file is what its open descriptor says; FIFOs, sockets
 * and devices are not opened. A file that grows is cut and one that shrinks is filled up with
 * zeros: the header said its size. Folders are read whole and sorted: the same tree gives the same
 * bytes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "storage/tarout.h"

struct idmap;
struct strv;

#define PACK_DEPTH_MAX 1000

/**
 * struct pack_opts - How
 * @as:		Name of the top entry; "": a folder's content without the folder itself
 * @one_mount:	What is mounted somewhere below shows as an empty folder or file
 * @layer:	The tree is the upper folder of an overlay: whiteouts become ".wh." entries
 * @whole_seconds: Drop fractions of times
 * @one_id:	Owners stand in user.rl.owner (storage/image/apply.h): the store has one id only
 * @skip:	Paths in the archive that are left out, with all below; or NULL
 * @newest:	Later times become this one (SOURCE_DATE_EPOCH); -1: none
 * @uids, @gids: Ids on disk to ids in the archive, idmap_to_inside(); or NULL
 */
struct pack_opts {
	const char *as;
	bool one_mount, layer, whole_seconds, one_id;
	int64_t newest;
	const struct idmap *uids, *gids;
	const struct strv *skip;
};

struct pack_result {
	int64_t entries, skipped; /* skipped: sockets */
};

/**
 * pack_open() - Open an entry of a folder as pack_tree() wants it
 *
 * A regular file or folder for reading, anything else O_PATH. Never follows a link, never blocks.
 * Return: fd, or -errno without a message
 */
int pack_open(int dir_fd, const char *name, bool one_mount);

/* @fd: from pack_open(), borrowed. The archive's end is left to the caller. */
int pack_tree(struct tarout *t, int fd, const struct pack_opts *opts, struct pack_result *ret,
	      struct rl_err *err) RL_MUST_USE;
