/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarin.h - entries of a tar stream from outside, inflated and hashed on the way
 *
 * libarchive reads the headers (tar formats only), inflate.h feeds it. Damage that libarchive
 * would step over is an error here; the rest of the stream after the archive's end is read and
 * hashed as well, because the digest is over every byte.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "core/base/err.h"

struct archive_entry;
struct tarin;

#define TARIN_DIGEST_SIZE 72 /* "sha256:<64 hex>" and NUL */

/**
 * tarin_open() - Start on a compressed or plain tar
 * @fd:		Borrowed
 * @max_bytes:	Of the uncompressed stream
 *
 * Sets LC_CTYPE of the process to C.UTF-8 where there is one: libarchive then hands names through
 * as the bytes they are. Reads nothing yet.
 */
int tarin_open(int fd, int64_t max_bytes, struct tarin **ret, struct rl_err *err) RL_MUST_USE;
/* The next entry, owned by the reader until the next call. 1, 0 at the archive's end, -errno. */
int tarin_next(struct tarin *t, struct archive_entry **ret, struct rl_err *err) RL_MUST_USE;
/* A piece of the entry's data and where in the file it belongs; what lies between is a hole.
 * 1, 0 at the entry's end, -errno. */
int tarin_data(struct tarin *t, const void **ret, size_t *ret_len, int64_t *ret_off,
	       struct rl_err *err) RL_MUST_USE;
/* All of the entry's data into a new file of @size bytes; holes stay holes. @ret_written: bytes that
 * are no holes, also after a failure. */
int tarin_write(struct tarin *t, int fd, int64_t size, int64_t *ret_written,
		struct rl_err *err) RL_MUST_USE;
/* Does the file @fd hold the entry's data, which have no holes? 1, 0 (part of the entry is read then) or
 * -errno. */
int tarin_same(struct tarin *t, int fd, int64_t size, struct rl_err *err) RL_MUST_USE;
/* Read to the end of the stream: digest and size of all of it. */
int tarin_end(struct tarin *t, char ret_digest[TARIN_DIGEST_SIZE], int64_t *ret_bytes,
	      struct rl_err *err) RL_MUST_USE;
void tarin_free(struct tarin *t);
