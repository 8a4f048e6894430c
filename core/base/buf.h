/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.h - a growing byte string
 *
 * A zeroed struct is an empty buffer. @data always ends in a NUL that is not counted in @len
 * (NULL only while nothing was added). After a failed call the buffer is unchanged.
 */
#pragma once

#include <stddef.h>

#include "core/base/err.h"

struct buf {
	char *data;
	size_t len, cap;
};

int buf_add(struct buf *b, const void *p, size_t n) RL_MUST_USE; /* 0 or -ENOMEM */
int buf_str(struct buf *b, const char *s) RL_MUST_USE;
int buf_printf(struct buf *b, const char *fmt, ...) RL_PRINTF(2, 3) RL_MUST_USE;
/* Room for @n bytes at the end, to be written by the caller, who then says how many; or NULL. */
char *buf_room(struct buf *b, size_t n) RL_MUST_USE;
void buf_filled(struct buf *b, size_t n);
char *buf_take(struct buf *b); /* the string ("" if empty), caller frees; NULL when out of memory */
void buf_done(struct buf *b);
#define auto_buf __attribute__((cleanup(buf_done)))

/* str_printf() - A new string, caller frees; NULL when out of memory. */
char *str_printf(const char *fmt, ...) RL_PRINTF(1, 2) RL_MUST_USE;
