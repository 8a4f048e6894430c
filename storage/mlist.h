/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mlist.h - manifest lists (image indexes) of the local store, made by hand and pushed later
 *
 * lists/<id>.json holds the whole list; <id> is random and stays while the list changes. Names are
 * those of images: a name file (storage/image_store.h) leads to a list instead. An entry is what an
 * index says of it, and where its parts are:
 *
 *	{ "descriptor": { "mediaType", "digest", "size", "platform", "annotations", ... },
 *	  "image": "<image id>",		an image of this store, or
 *	  "source": "reg.example/app@sha256:...", "manifest": "<its text>"	one of a registry }
 *
 * Writers hold images/.lock; the file is replaced whole.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "storage/image.h"

#define MLIST_MAX         (16 << 20)
#define MLIST_ENTRIES_MAX 1000

struct name_file;

struct mlist {
	char id[65];
	char *name;  /* canonical name it was found by, or NULL */
	json_t *doc; /* "created_ns", "annotations", "subject", "entries"; owned */
};

void mlist_done(struct mlist *l);
#define auto_mlist __attribute__((cleanup(mlist_done)))

/* A list by name, id or prefix of one. -ENOENT also for a word that means an image. */
int mlist_find(const struct rl *rl, const char *word, struct mlist *ret,
	       struct rl_err *err) RL_MUST_USE;
/* A new empty list that the canonical @name leads to; -EEXIST when that leads somewhere already,
 * unless it is a list and @amend: then that one. */
int mlist_create(const struct rl *rl, const char *name, bool amend, struct mlist *ret,
		 struct rl_err *err) RL_MUST_USE;

/**
 * mlist_change() - Read, change and write under the lock
 * @change:	Works on @l->doc; a negative result leaves the list as it was
 */
int mlist_change(const struct rl *rl, const char id[65],
		 int (*change)(struct mlist *l, void *arg, struct rl_err *err), void *arg,
		 struct rl_err *err) RL_MUST_USE;

/* The entries, borrowed; never NULL in a list that was read. */
json_t *mlist_entries(const struct mlist *l);
/* A descriptor's digest, "" for none. */
const char *mlist_digest(const json_t *entry);
/* The index that others see; @docker: as a Docker manifest list. New reference. */
int mlist_index(const struct mlist *l, bool docker, json_t **ret, struct rl_err *err) RL_MUST_USE;

/* All lists as rows for `rl images` (is_list), newest first; image_list_done(). */
int mlist_all(const struct rl *rl, struct image **ret_v, size_t *ret_n,
	      struct rl_err *err) RL_MUST_USE;
/* Ids of images that lists hold, appended. */
int mlist_members(const struct rl *rl, struct strv *ret, struct rl_err *err) RL_MUST_USE;

/* --- for storage/image*.c ------------------------------------------------------------------ */

bool mlist_exists(const struct rl *rl, const char id[65]);
bool mlist_any(const struct rl *rl); /* is there any list at all? */
/* An id or the beginning of one. 0, -ENOENT, -EEXIST when there are several */
int mlist_prefix(const struct rl *rl, const char *word, char ret_id[65],
		 struct rl_err *err) RL_MUST_USE;
/* The list's images of this store, as a name file has them. */
int mlist_images(const struct rl *rl, const char id[65], struct name_file *ret,
		 struct rl_err *err) RL_MUST_USE;
/* The file goes; images/.lock is held, names are gone. */
int mlist_delete(const struct rl *rl, const char id[65], struct rl_err *err) RL_MUST_USE;
