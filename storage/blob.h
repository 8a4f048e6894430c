/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob.h - layers as they came, packed: what push and save hand on byte for byte
 *
 * blobs/sha256/<hex> is named by the digest that manifests use. Written by pull and load beside the
 * unpacked layer, read by push and save, removed with the last image whose manifest lists it. A
 * blob is a convenience: running containers never needs it, and a file system without O_TMPFILE
 * keeps none. It is not synced, so whoever reads it checks the digest.
 */
#pragma once

#include <stdint.h>

#include "core/rl.h"

/* Open for reading; -ENOENT when it is not kept. fd or -errno. */
int blob_open(const struct rl *rl, const char *digest, int64_t *ret_size,
	      struct rl_err *err) RL_MUST_USE;
bool blob_exists(const struct rl *rl, const char *digest);
/* A nameless file to fill; nothing stays when it is closed. fd, or -errno when none can be kept. */
int blob_new(const struct rl *rl);
/* Give it the name that its content was checked to have. Fine when that is there already. */
int blob_keep(const struct rl *rl, int fd, const char *digest, struct rl_err *err) RL_MUST_USE;
/* Remove what no image's manifest lists; the caller keeps pulls and loads out (layers/.gc). */
int blob_sweep(const struct rl *rl, struct rl_err *err) RL_MUST_USE;
