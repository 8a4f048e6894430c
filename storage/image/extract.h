/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extract.h - a tar into a folder that is in use: the receiving end of `rl cp`
 *
 *	name		leading "/" and "." parts are dropped; ".." or an empty name: error. No symlink
 *			is followed in any part of it: where one stands, a folder cannot be
 *	folder		joins one that is there, which stays as it is
 *	file, link	takes the place of a file, link or FIFO; never written through what was
 *			there (but a mount point, which cannot be replaced, gets the content)
 *	folder over file and the reverse: error, unless @overwrite
 *	hard link	to a file that this very archive brought, else error
 *	device		left out, with a warning
 *	xattrs		user.*, see xattrs.h
 *
 * Folders get mode and times at the end. The folder may belong to a running container: it is
 * HOSTILE and changes meanwhile; all access is below @dest_fd by descriptors.
 */
#pragma once

#include <stdbool.h>

#include "core/base/err.h"
#include "storage/image/meta.h"

struct tarin;

struct extract_opts {
	struct meta_who who;
	bool overwrite, set_id;
};

/* Needs umask 0. */
int extract_all(int dest_fd, struct tarin *t, const struct extract_opts *opts,
		struct rl_err *err) RL_MUST_USE;
