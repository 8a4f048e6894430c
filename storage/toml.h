/* SPDX-License-Identifier: Apache-2.0 */
/*
 * toml.h - the part of TOML 1.0 that container configuration files use, as a tree with line numbers
 *
 * Tables, arrays of tables, dotted and quoted keys, all four kinds of string, integers, booleans,
 * arrays and inline tables. Floats and dates are kept as their text (TOML_OTHER). Not checked:
 * calendar dates. Source: https://toml.io/en/v1.0.0. Limits: TOML_* below.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

#define TOML_SIZE_MAX  (1 << 20) /* bytes of text */
#define TOML_NODES_MAX 16384     /* keys and array entries; duplicates are looked for one by one */
#define TOML_DEPTH_MAX 16

enum toml_type { TOML_TABLE, TOML_ARRAY, TOML_STRING, TOML_BOOL, TOML_INT, TOML_OTHER };

/**
 * struct toml - One value
 * @line:	Where it was defined, from 1
 * @key:	Its name in the table around it; NULL in an array and for the root; owned
 * @str:	TOML_STRING: UTF-8 without NUL; TOML_OTHER: the text as written; owned
 * @v, @n:	Children of a table or array, in the order of the file; owned
 */
struct toml {
	enum toml_type type;
	unsigned line;
	char *key, *str;
	bool b;
	int64_t i;
	struct toml **v;
	size_t n;
	unsigned char origin; /* how a table came to be; for the parser's own checks */
};

/**
 * toml_parse() - Text to tree
 * @file:	For messages, "FILE line N: ..."
 * @ret:	The root table; release with toml_free()
 *
 * Return: 0, -EINVAL (syntax, key given twice), -EFBIG (a limit above), -ENOMEM
 */
int toml_parse(const char *text, size_t len, const char *file, struct toml **ret,
	       struct rl_err *err) RL_MUST_USE;

/* Child @key of a table; NULL when there is none or @t is NULL. */
const struct toml *toml_get(const struct toml *t, const char *key);

void toml_free(struct toml *t); /* NULL is fine */
static inline void toml_cleanup(struct toml **t)
{
	toml_free(*t);
}
#define auto_toml __attribute__((cleanup(toml_cleanup)))
