/* SPDX-License-Identifier: Apache-2.0 */
/* copy.h - content and metadata of one file to another, sharing blocks where the disk can */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/base/err.h"

/* Content: one clone (FICLONE) where possible, else only the data, holes stay holes. @to is empty. */
int copy_data(int from, int to, int64_t size, struct rl_err *err) RL_MUST_USE;
/* Every user.* xattr and the file capability. */
int copy_xattrs(int from, int to, struct rl_err *err) RL_MUST_USE;
/**
 * copy_meta() - Owner, xattrs, mode, times of a file or folder, in the order that keeps them
 * @st:		What @to becomes; its ids are set unless @one_id
 */
int copy_meta(int from, int to, const struct stat *st, bool one_id, struct rl_err *err) RL_MUST_USE;

/**
 * copy_find_lower() - The file that lower layers show at a path (overlay rules: whiteouts, opaque folders)
 * @fds:	diff folders, bottom first
 * @path:	From place_clean()
 * @ret_st:	Of the file found
 *
 * Symlinks are followed nowhere. Return: descriptor for reading, owned; -ENOENT when no layer
 * shows a regular file there
 */
int copy_find_lower(const int *fds, size_t n, const char *path, struct stat *ret_st);
