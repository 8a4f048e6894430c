/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob.h - layers as they came, packed: what push and save hand on byte for byte
 *
 * blobs/sha256/<hex> is named by the digest that manifests use. Written by pull and load beside the
 * unpacked layer, read by push and save, removed with the last image whose manifest lists it. A
 * blob is a convenience: running containers never needs it, and a file system without O_TMPFILE
 * keeps none. It is not synced, so whoever reads it checks the digest. A link instead of a file refers
 * to the packed layer of another store (storage/elsewhere.h).
 */
#pragma once

#include <stdint.h>

#include "core/rl.h"

#define BLOB_NOTES \
	"cache/packed" /* push: "<hex of a plain layer>-..." says what it was packed to */

/* Open for reading; -ENOENT when it is not kept. fd or -errno. */
int blob_open(const struct rl *rl, const char *digest, int64_t *ret_size,
	      struct rl_err *err) RL_MUST_USE;
bool blob_exists(const struct rl *rl, const char *digest);
void blob_drop(const struct rl *rl, const char *digest); /* it is not what its name says */
/* Another store has it at the absolute path @target. 0 or -errno. */
int blob_refer(const struct rl *rl, const char *digest, const char *target) RL_MUST_USE;
/* A nameless file to fill; nothing stays when it is closed. fd, or -errno when none can be kept. */
int blob_new(const struct rl *rl);
/* Give it the name that its content was checked to have. Fine when that is there already. */
int blob_keep(const struct rl *rl, int fd, const char *digest, struct rl_err *err) RL_MUST_USE;
/**
 * blob_part() - A file for the bytes of @digest while they come
 * @ret_have:	Bytes that an earlier try has left in it, unchecked; the file stands behind them
 *
 * It has a name until blob_part_keep() or blob_part_drop(), so that what a killed pull had is not
 * fetched again; a lock on it keeps others away. fd; -EAGAIN: somebody else is at it; or -errno
 */
int blob_part(const struct rl *rl, const char *digest, int64_t *ret_have) RL_MUST_USE;
/* The content was checked: it gets the blob's name. */
int blob_part_keep(const struct rl *rl, const char *digest, struct rl_err *err) RL_MUST_USE;
void blob_part_drop(const struct rl *rl, const char *digest); /* while its lock is held */
/* Remove parts that nobody came back for within a day. */
void blob_part_sweep(const struct rl *rl);
/* Remove what no image's manifest lists; the caller keeps pulls and loads out (layers/.gc). */
int blob_sweep(const struct rl *rl, struct rl_err *err) RL_MUST_USE;
