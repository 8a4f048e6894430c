/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fsck.h - `rl-image fsck [repair] [quick]`: is the store whole?
 *
 * Every damage is a result line, its "id" is FSCK_LEFT or FSCK_MENDED and its "name" the text for
 * the user, with what helps. What changes while we look (no lock is held without "repair") is
 * looked at twice before it is called a damage. With "repair" pulls and loads are held off.
 *
 * Removed are: layers with an unreadable record, unless a container uses them; packed layers and
 * files of records with other content than their name says; names that lead nowhere; temporary
 * files. A layer whose files are not those of its packed form is unpacked anew. An unreadable image.json is written anew from the config. An image is never removed.
 */
#pragma once

#include <stdbool.h>

#include "core/base/strv.h"
#include "storage/image/progress.h"
#include "storage/image/request.h"

#define FSCK_LEFT   "damaged"
#define FSCK_MENDED "mended"

#define FSCK_TEMP_SECONDS 60 /* a temporary file this young may belong to somebody alive */

struct fsck {
	const struct rl *rl;
	struct request req; /* maps of S, quiet */
	struct progress progress;
	bool repair, quick;
	int signal_fd;
	size_t told;
	struct strv names;  /* "<image id> <name>" */
	struct strv needed; /* "<layer's 64 hex> <image id>" */
	struct strv used;   /* "<layer's 64 hex> <container id>" */
	struct strv gone;   /* layers (64 hex) that were told of already */
	bool use_unknown;   /* a container's image cannot be read: it may use any layer */
};

/* One damage. @mended: it is no more. */
int fsck_tell(struct fsck *f, bool mended, struct rl_err *err, const char *fmt, ...)
	RL_PRINTF(4, 5) RL_MUST_USE;
/* The rest of the entry of @l that begins with @key (64 hex), or NULL. */
const char *fsck_find(const struct strv *l, const char *key);
/* What to pull to get image @id: a name, or words that stand for one. */
const char *fsck_name(const struct fsck *f, const char *id);
/* Is @path (below the data folder) still there? */
bool fsck_is_there(const struct fsck *f, const char *path);

/* fsck_image.c: records of images, then layers; after the names were read */
int fsck_images(struct fsck *f, struct rl_err *err) RL_MUST_USE;
int fsck_layers(struct fsck *f, struct rl_err *err) RL_MUST_USE;
/* fsck_tree.c: the files of layers; not with "quick" */
int fsck_trees(struct fsck *f, struct rl_err *err) RL_MUST_USE;
