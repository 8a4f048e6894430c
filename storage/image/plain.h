/* SPDX-License-Identifier: Apache-2.0 */
/* plain.h - a layer of the store as the plain tar that its diff_id names */
#pragma once

#include <stdint.h>

#include "core/rl.h"

/**
 * plain_open() - The tar as a file to read from its start
 * @packed:	Digest of the packed form, which is unpacked by a confined child into a nameless file
 *		when the plain one is not kept
 *
 * What is read must have the digest @diff_id: whoever hands it on checks that.
 * Return: fd, -ENOENT when neither form is there, -errno
 */
int plain_open(const struct rl *rl, const char *diff_id, const char *packed, int64_t *ret_size,
	       struct rl_err *err) RL_MUST_USE;
/* The message for a layer of which no form is there. Return: -ENOENT */
int plain_missing(const char *digest, struct rl_err *err);
