/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stub.h - files whose data are taken from another store's unpacked layer (storage/elsewhere.h)
 *
 * Such a file must be regular, of the right size, readable by all and writable by its owner only, and
 * not be small: a stub takes a block for its attributes. What is below etc/ is ours always, because rl
 * reads accounts there. Nothing is followed on the way to it, as overlay does not later.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

#define STUB_BYTES_MIN 4097 /* smaller ones are copied */

/**
 * stub_find() - A file of the other layer that may stand for an entry's data
 * @dir_fd:	Its diff folder
 * @path:	From place_clean()
 *
 * Return: fd to compare with, or -errno
 */
int stub_find(int dir_fd, const char *path, int64_t size) RL_MUST_USE;
/* Make the new, empty file @fd a stub of @path in the layer @folder ("<key>/diff"). 0 or -errno. */
int stub_make(int fd, const char *folder, const char *path, int64_t size) RL_MUST_USE;
/* Is the open file one? */
bool stub_is(int fd);
