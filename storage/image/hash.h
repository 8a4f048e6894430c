/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - SHA-256 of bytes and files as "sha256:<hex>" (rl-image only: needs libcrypto) */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "storage/digest.h"

int hash_bytes(const void *p, size_t n, struct digest *ret, struct rl_err *err) RL_MUST_USE;
/* From where @fd is to its end; @ret_size may be NULL. -EINTR when @cancel_fd (or FD_NONE) becomes
 * readable meanwhile. */
int hash_fd(int fd, int cancel_fd, struct digest *ret, int64_t *ret_size,
	    struct rl_err *err) RL_MUST_USE;
/* The text of a finished SHA-256. */
void hash_print(const unsigned char md[32], struct digest *ret);
