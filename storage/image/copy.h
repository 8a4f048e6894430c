/* SPDX-License-Identifier: Apache-2.0 */
/* copy.h - content and metadata of one file to another, sharing blocks where the disk can */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/base/err.h"

/* Content: one clone (FICLONE) where possible, else only the data, holes stay holes. @to is empty. */
int copy_data(int from, int to, int64_t size, struct rl_err *err) RL_MUST_USE;
/**
 * copy_meta() - Owner, xattrs, mode, times of a file or folder, in the order that keeps them
 * @st:		What @to becomes; its ids are set unless @one_id
 */
int copy_meta(int from, int to, const struct stat *st, bool one_id, struct rl_err *err) RL_MUST_USE;

/* Of a folder of a lower layer; what the overlay obeys stays with its layer. */
int copy_dir_meta(int from, int to, const struct stat *st, bool one_id,
		  struct rl_err *err) RL_MUST_USE;

/**
 * copy_find_lower() - What lower layers show at a path (overlay rules: whiteouts, opaque folders)
 * @fds:	diff folders, bottom first
 * @type:	S_IFREG or S_IFDIR: nothing else is looked for
 * @path:	From place_clean()
 * @ret_st:	Of what was found
 *
 * Symlinks are followed nowhere. Return: descriptor for reading, owned; -ENOENT when no layer
 * shows such a thing there
 */
int copy_find_lower(const int *fds, size_t n, const char *path, mode_t type, struct stat *ret_st);
