/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_store.h - the files behind storage/image.h; for image*.c, blob.c and image/fsck*.c only
 *
 * A name file lists one image per platform. Records and name files are written by rl, but read as
 * if a stranger had: every id and digest is checked before it becomes part of a path.
 */
#pragma once

#include <dirent.h>
#include <stdbool.h>

#include "storage/digest.h"
#include "storage/image.h"
#include "storage/ref.h"

#define IMAGE_FORMAT     1           /* "version" in both kinds of file */
#define IMAGE_RECORD_MAX (256 << 10) /* 1024 layers of 75 bytes and the rest */
#define NAME_FILE_MAX    (64 << 10)

struct name_entry {
	struct platform platform;
	char id[65];
	char digest[DIGEST_SIZE]; /* of the manifest, or "" */
	char index[DIGEST_SIZE];  /* of the index, or "" */
};

#define NAME_ENTRIES_MAX 64

struct name_file {
	struct name_entry v[NAME_ENTRIES_MAX];
	size_t n;
	char list[65]; /* the manifest list (storage/mlist.h) that it stands for instead, or "" */
};

/* Text of a name file to entries. -EINVAL, -EPROTO (newer format). @what names it in messages. */
int name_file_parse(const char *text, size_t len, const char *what, struct name_file *ret,
		    struct rl_err *err) RL_MUST_USE;
/* "names/docker.io/library/alpine/:latest" */
int name_path(const struct ref *ref, char **ret, struct rl_err *err) RL_MUST_USE;
/* -ENOENT when there is none. */
int name_read(const struct rl *rl, const char *path, struct name_file *ret,
	      struct rl_err *err) RL_MUST_USE;
/* With nothing left in it the file goes, and folders that are empty then. images/.lock is held. */
int name_write(const struct rl *rl, const char *path, const struct name_file *f,
	       struct rl_err *err) RL_MUST_USE;

/* Called for each name; a negative result ends the walk. @name is canonical. */
typedef int (*name_cb)(void *arg, const char *name, const struct name_file *f, struct rl_err *err);
/* All names; a damaged file is told as a warning and skipped. @below: NULL, or "names/..." */
int name_walk(const struct rl *rl, const char *below, name_cb cb, void *arg,
	      struct rl_err *err) RL_MUST_USE;

/* Called for each file of names/, also for what a dead writer left (name_is_leftover()). */
typedef int (*name_file_cb)(void *arg, const char *path, struct rl_err *err);
int name_files(const struct rl *rl, const char *below, name_file_cb cb, void *arg,
	       struct rl_err *err) RL_MUST_USE;
bool name_is_leftover(const char *path);
/* "names/r.io/a/b/:tag" to "r.io/a/b:tag"; false when no such name can have been recorded. */
bool name_of_path(const char *path, char **ret);

/* Text of an image.json to the fields it holds (not names, not config); @ret must be zeroed and
 * is released by the caller also after a failure. -EINVAL, -EPROTO. */
int image_record_parse(const char *text, size_t len, const char *what, struct image *ret,
		       struct rl_err *err) RL_MUST_USE;
/* images/<id>/image.json. -ENOENT when the image is not there, -EBADMSG when it is damaged. */
int image_record_read(const struct rl *rl, const char id[65], struct image *ret,
		      struct rl_err *err) RL_MUST_USE;

/* Next entry of images/ that is an id, or NULL. */
const char *image_next_id(DIR *d);
/* Open images/ for that; NULL with 0 when it does not exist yet. */
int image_dir(const struct rl *rl, DIR **ret, struct rl_err *err) RL_MUST_USE;

int image_lock(const struct rl *rl, struct rl_err *err) RL_MUST_USE; /* fd or -errno */

/* Point a canonical name at the list @id and at nothing else. images/.lock is held. */
int name_point_list(const struct rl *rl, const char *name, const char id[65],
		    struct rl_err *err) RL_MUST_USE;
/* Take @id, an image or a list, out of what @name stands for; -ENOENT when there is no such name.
 * images/.lock is held. */
int name_drop(const struct rl *rl, const char *name, const char id[65],
	      struct rl_err *err) RL_MUST_USE;
/* All names of an image or list, appended. */
int names_of(const struct rl *rl, const char id[65], struct strv *ret,
	     struct rl_err *err) RL_MUST_USE;
