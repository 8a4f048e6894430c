/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strv.h - a growing list of strings, NULL-terminated so that it can be an argv or environ
 *
 * A zeroed struct is an empty list; @v is NULL only while nothing was added. The list owns its
 * strings.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

struct strv {
	char **v;
	size_t n;
};

int strv_add(struct strv *l, const char *s) RL_MUST_USE; /* copies; 0 or -ENOMEM */
int strv_addn(struct strv *l, const char *s, size_t len) RL_MUST_USE;
int strv_take(struct strv *l, char *s) RL_MUST_USE; /* owns @s even on failure; NULL = -ENOMEM */
/* Add the pieces of @s between @sep; empty pieces are kept. */
int strv_split(struct strv *l, const char *s, char sep) RL_MUST_USE;
int strv_copy(struct strv *to, const struct strv *from) RL_MUST_USE; /* appends */
bool strv_has(const struct strv *l, const char *s);
/* For "KEY=VALUE" lists: replace the entry with the same KEY in place, or append. Copies. */
int strv_setenv(struct strv *l, const char *entry) RL_MUST_USE;
const char *strv_getenv(const struct strv *l, const char *key); /* borrowed value or NULL */
void strv_done(struct strv *l);
#define auto_strv __attribute__((cleanup(strv_done)))
