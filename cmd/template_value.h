/* SPDX-License-Identifier: Apache-2.0 */
/* template_value.h - values in templates: their kind, text and JSON; characters. For template*.c only */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

/*
 * struct kinds (template_value.c) - What JSON does not tell: which objects are maps, and of which
 * type a null is. The nulls with a type are two objects and an array known by their address.
 */
struct kinds {
	const char *const *names; /* as tmpl_run() takes them */
	const json_t *root;
	struct map_ref *maps; /* found when first asked for, sorted by address */
	size_t n_maps;
	bool looked;
	json_t *nil_map, *nil_list, *nil_struct, *empty;
};
/* The value of key @key in an object that is no map: @v itself, or one of the nulls. Borrowed. */
json_t *kinds_field(struct kinds *k, const char *key, json_t *v);
/* The same for a field of the nil struct: what has no type is an empty text. */
json_t *kinds_of_nil(struct kinds *k, const char *key);
/* The same for an entry of the map @o; @v may be NULL. */
json_t *kinds_entry(struct kinds *k, const json_t *o, json_t *v);
bool kinds_is_map(struct kinds *k, const json_t *o);
bool kinds_is_null(const struct kinds *k, const json_t *v); /* NULL, null, a null with a type */
void kinds_done(struct kinds *k);
/* Keys of @o: of a map sorted, of a struct as they come. Caller frees; NULL: no memory. */
const char **kinds_keys(struct kinds *k, json_t *o, size_t *ret_n);

/* Values (template_value.c): 0 or -ENOMEM where something is written */
bool tmpl_truth(const json_t *v);
int tmpl_json(struct kinds *k, const json_t *v, struct buf *out);
/* What an action prints (print_verb() with %v, a missing value as "<no value>"). */
int tmpl_print(struct kinds *k, const json_t *v, struct buf *out);
/* -1, 0, 1, or 2 when the two cannot be compared */
int tmpl_compare(const struct kinds *k, const json_t *a, const json_t *b);
/* A float as Go prints it: @verb 'g' as %v and %g do, 'j' as its JSON. */
int tmpl_real(double d, char verb, struct buf *out);

/* One verb of printf with its flags, as fmt knows them (template_printf.c). */
struct verb {
	bool minus, plus, sharp, space, zero;
	bool plus_v, sharp_v; /* of %+v and %#v, which mean something else */
	int width, precision; /* -1: not given */
	uint32_t verb;
};
/* @depth: 0 for a value itself, more inside of lists and maps. 0, -ENOMEM */
int print_verb(struct kinds *k, const struct verb *f, const json_t *v, int depth, struct buf *out);

/* UTF-8 (template_text.c) */
#define UTF8_BAD 0xfffdU
/* The character at @s (@n bytes left, at least 1) and its length; UTF8_BAD of 1 byte for a bad one. */
uint32_t utf8_get(const char *s, size_t n, size_t *ret_len);
int utf8_put(struct buf *out, uint32_t c);
size_t utf8_count(const char *s, size_t n);
/* As strconv.Quote; @quote: '"' or '\''. @ascii: all others by number. */
int utf8_quote(const char *s, size_t n, char quote, bool ascii, struct buf *out);
bool utf8_printable(uint32_t c);
