/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inflate.h - a descriptor's bytes, uncompressed: gzip, zstd or plain, told by the first bytes
 *
 * gzip goes through ISA-L where the build has it, else zlib. Several gzip members or zstd frames
 * in a row are one stream; bytes after the last one that start no new one are an error, as is an
 * end in the middle or a wrong checksum. xz and bzip2 are recognised only to be refused by name.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "core/base/err.h"

#define INFLATE_BLOCK (256 << 10) /* largest block that inflate_read() hands out */
/* zstd frames that need a larger window are refused: memory is bounded by this */
#define INFLATE_WINDOW_LOG 27

struct inflate;

/**
 * inflate_open() - Start on @fd (borrowed, read from where it is, never sought)
 * @max:	More uncompressed bytes than this is -EFBIG
 *
 * Reads nothing yet. All memory but zstd's window is taken here.
 */
int inflate_open(int fd, int64_t max, struct inflate **ret, struct rl_err *err) RL_MUST_USE;
/**
 * inflate_read() - The next block
 * @ret:	Points into the stream's own memory; valid until the next call
 *
 * Return: bytes in the block, 0 at the end of the stream, or -errno
 */
ssize_t inflate_read(struct inflate *in, const void **ret, struct rl_err *err) RL_MUST_USE;
int64_t inflate_total(const struct inflate *in); /* uncompressed bytes handed out so far */
void inflate_free(struct inflate *in);
