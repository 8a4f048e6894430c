/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.h - where an entry of a layer goes: from a hostile name to a folder descriptor and a name
 *
 * Names are cleaned as text (no "..", no empty or overlong component) and then resolved by the
 * kernel below the staging root: a symlink of the same layer in the middle of a path is followed
 * inside the root, as every engine does; one that leads nowhere is an error. The last component
 * is never followed. The folder of the last entry stays open, since neighbours come together.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/err.h"

#define PLACE_PATH_MAX  4095
#define PLACE_DEPTH_MAX 1000
#define PLACE_BARE_MAX  (8 << 20) /* bytes of paths of folders without an entry */

struct place {
	int root_fd;           /* borrowed */
	int dir_fd;            /* on @dir, owned; FD_NONE when nothing is cached */
	char dir[4096];        /* path of @dir_fd below the root */
	bool no_openat2;       /* refused by an outer filter: no symlink is followed at all then */
	bool one_id;           /* no owners are set */
	bool marking;          /* folders made now are remembered as made for whiteouts only */
	void *implied;         /* tsearch(3) tree of their inode numbers */
	void *bare;            /* the same of all folders that no entry described */
	struct buf bare_paths; /* of these, each with its NUL, parents first */
};

void place_init(struct place *p, int root_fd, bool one_id);
void place_done(struct place *p);

/**
 * place_clean() - The canonical text of an entry's name
 * @name:	HOSTILE
 * @out:	Relative path without "." components; "" is the root itself
 *
 * Return: 0, -EINVAL (empty, ".."), -ENAMETOOLONG
 */
int place_clean(const char *name, char out[PLACE_PATH_MAX + 1], struct rl_err *err) RL_MUST_USE;

/**
 * place_find() - The folder that holds the last component of @path
 * @path:	From place_clean(), not ""
 * @make:	Create missing folders (0755, root's); a whiteout in the way becomes an opaque folder
 * @ret_base:	Points into @path
 *
 * Return: descriptor borrowed until the next call, or -errno
 */
int place_find(struct place *p, const char *path, bool make, const char **ret_base,
	       struct rl_err *err) RL_MUST_USE;

/* Does this layer have something else than a folder where a part of @dir should be one? */
bool place_is_hidden(struct place *p, const char *dir);

/* A folder by its whole path, without following any symlink. Owned descriptor or -errno. */
int place_open_dir(struct place *p, const char *path);

enum place_was { PLACE_FREE, PLACE_DIR, PLACE_WHITEOUT, PLACE_OTHER };

/* What is at @base; with PLACE_FREE @ret_st is untouched. */
int place_look(int dir_fd, const char *base, enum place_was *ret, struct stat *ret_st,
	       struct rl_err *err) RL_MUST_USE;
/* Make room: remove whatever is at @base, a folder with all its content. */
int place_clear(struct place *p, int dir_fd, const char *base, struct rl_err *err) RL_MUST_USE;
/*
 * Is the folder @base there only because whiteouts below it needed a place: made for them, no
 * entry for it, nothing but whiteouts in it? "No" is remembered: asking again costs nothing.
 */
bool place_is_hollow(struct place *p, int dir_fd, const char *base, ino_t ino);
/* An entry describes this folder: it is no longer one made for whiteouts only, nor bare. */
void place_is_real(struct place *p, ino_t ino);
/*
 * The folder @path (of @bare_paths) when it is still there, no entry has described it, and nothing
 * above it hides what is below this layer. Owned descriptor or -errno.
 */
int place_open_bare(struct place *p, const char *path);
/* mkdir and open; @opaque: hides the same folder of lower layers. Owned descriptor or -errno. */
int place_mkdir(int dir_fd, const char *base, bool opaque, struct rl_err *err) RL_MUST_USE;
/* Mark a folder so that the overlay shows nothing of lower layers in it. */
int place_set_opaque(int fd, struct rl_err *err) RL_MUST_USE;
bool place_is_whiteout(const struct stat *st);
