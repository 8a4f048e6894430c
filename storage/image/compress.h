/* SPDX-License-Identifier: Apache-2.0 */
/* compress.h - a plain layer to gzip or zstd, on all processors; the same bytes each time */
#pragma once

#include <stdint.h>

#include "storage/digest.h"

enum compress_kind { COMPRESS_GZIP, COMPRESS_ZSTD };

/**
 * compress_fd() - From where @in, a regular file, is to its end
 * @level:	-1: the usual one
 * @cancel_fd:	Readable: give up with -EINTR
 * @ret, @ret_size: Of what was written to @out
 */
int compress_fd(int in, int out, enum compress_kind kind, int level, int cancel_fd,
		struct digest *ret, int64_t *ret_size, struct rl_err *err) RL_MUST_USE;
