/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template_value.c - values of templates: what kind they are, their truth, order, JSON and text
 *
 * Theory of operation: the data is JSON, Go's data has types. What a template shows of them is
 * whether an object is a map ("map[a:1]", keys sorted, a missing key is no error) or a struct
 * ("{1 2}", fields in their order), and whether a null is an empty list or map ("[]", "map[]",
 * length 0) or a pointer ("<nil>"). Both follow from the key that a value stands under. So the
 * objects under such keys are looked for once, when a template first needs to know.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd/template_value.h"
#include "core/base/cleanup.h"

struct map_ref {
	const json_t *o;
	bool of_lists;
};

/* --- kinds -------------------------------------------------------------------------------- */

enum kind { KIND_OTHER, KIND_MAP, KIND_MAP_OF_LISTS, KIND_LIST, KIND_STRUCT };

static enum kind kind_of(const struct kinds *k, const char *key)
{
	size_t len = strlen(key);

	for (const char *const *m = k->names; m && *m; m++) {
		const char *name = *m + (**m == '[' || **m == '{' ? 2 : 0);

		if (strncasecmp(name, key, len) != 0)
			continue;
		if (strcmp(name + len, "[]") == 0)
			return KIND_MAP_OF_LISTS;
		if (name[len] == '\0')
			return name == *m ? KIND_MAP : **m == '[' ? KIND_LIST : KIND_STRUCT;
	}
	return KIND_OTHER;
}

static int by_address(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct map_ref *)a)->o;
	uintptr_t y = (uintptr_t)((const struct map_ref *)b)->o;

	return (x > y) - (x < y);
}

static int note_map(struct kinds *k, const json_t *o, enum kind kind)
{
	struct map_ref *more = realloc(k->maps, (k->n_maps + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	k->maps = more;
	more[k->n_maps++] = (struct map_ref){ o, kind == KIND_MAP_OF_LISTS };
	return 0;
}

/* Depth is bounded by who made the data: our own code, or json_read(). */
static int look(struct kinds *k, const json_t *v, enum kind kind)
{
	const char *key;
	json_t *each;
	size_t i;
	int r = 0;

	if (json_is_object(v)) {
		if (kind == KIND_MAP || kind == KIND_MAP_OF_LISTS)
			r = note_map(k, v, kind);
		json_object_foreach ((json_t *)(uintptr_t)v, key, each) {
			if (r == 0 && (json_is_object(each) || json_is_array(each)))
				r = look(k, each, kind_of(k, key));
		}
	}
	json_array_foreach (v, i, each) {
		if (r == 0)
			r = look(k, each, kind);
	}
	return r;
}

static const struct map_ref *find_map(struct kinds *k, const json_t *o)
{
	const struct map_ref want = { .o = o };

	if (!k->looked) {
		k->looked = true;
		if (look(k, k->root, KIND_OTHER) < 0)
			k->n_maps = 0; /* without memory the output fails, too */
		if (k->n_maps)
			qsort(k->maps, k->n_maps, sizeof(*k->maps), by_address);
	}
	return k->n_maps ? bsearch(&want, k->maps, k->n_maps, sizeof(*k->maps), by_address) : NULL;
}

bool kinds_is_map(struct kinds *k, const json_t *o)
{
	return o == k->nil_map || find_map(k, o);
}

static json_t *nil_of(json_t **which, json_t *made)
{
	if (*which)
		json_decref(made);
	else
		*which = made;
	return *which ? *which : json_null();
}

static json_t *nil_list(struct kinds *k)
{
	return nil_of(&k->nil_list, k->nil_list ? NULL : json_array());
}

json_t *kinds_field(struct kinds *k, const char *key, json_t *v)
{
	if (!json_is_null(v))
		return v;
	switch (kind_of(k, key)) {
	case KIND_MAP:
	case KIND_MAP_OF_LISTS:
		return nil_of(&k->nil_map, k->nil_map ? NULL : json_object());
	case KIND_LIST:
		return nil_list(k);
	case KIND_STRUCT:
		return nil_of(&k->nil_struct, k->nil_struct ? NULL : json_object());
	case KIND_OTHER:
		break;
	}
	return v;
}

json_t *kinds_of_nil(struct kinds *k, const char *key)
{
	json_t *v = kinds_field(k, key, json_null());

	return json_is_null(v) ? nil_of(&k->empty, k->empty ? NULL : json_string("")) : v;
}

json_t *kinds_entry(struct kinds *k, const json_t *o, json_t *v)
{
	const struct map_ref *m = json_is_null(v) ? find_map(k, o) : NULL;

	return m && m->of_lists ? nil_list(k) : v;
}

bool kinds_is_null(const struct kinds *k, const json_t *v)
{
	return !v || json_is_null(v) || v == k->nil_map || v == k->nil_list || v == k->nil_struct;
}

void kinds_done(struct kinds *k)
{
	json_decref(k->nil_map);
	json_decref(k->nil_list);
	json_decref(k->nil_struct);
	json_decref(k->empty);
	free(k->maps);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **kinds_keys(struct kinds *k, json_t *o, size_t *ret_n)
{
	const char **keys = calloc(json_object_size(o) + 1, sizeof(*keys)), *key;
	size_t n = 0;
	json_t *v;

	json_object_foreach (o, key, v) {
		if (keys)
			keys[n++] = key;
	}
	if (keys && kinds_is_map(k, o))
		qsort(keys, n, sizeof(*keys), by_name);
	*ret_n = n;
	return keys;
}

/* --- truth and order ---------------------------------------------------------------------- */

bool tmpl_truth(const json_t *v)
{
	if (!v)
		return false;
	switch (json_typeof(v)) {
	case JSON_STRING:
		return json_string_length(v) > 0;
	case JSON_INTEGER:
		return json_integer_value(v) != 0;
	case JSON_REAL:
		return fpclassify(json_real_value(v)) != FP_ZERO;
	case JSON_TRUE:
		return true;
	case JSON_ARRAY:
		return json_array_size(v) > 0;
	case JSON_OBJECT:
		return json_object_size(v) > 0;
	case JSON_FALSE:
	case JSON_NULL:
		return false;
	}
	return false;
}

int tmpl_compare(const struct kinds *k, const json_t *a, const json_t *b)
{
	if (json_is_string(a) && json_is_string(b)) {
		int r = strcmp(json_string_value(a), json_string_value(b));

		return (r > 0) - (r < 0);
	}
	if (json_is_integer(a) && json_is_integer(b)) {
		json_int_t x = json_integer_value(a), y = json_integer_value(b);

		return (x > y) - (x < y);
	}
	/* Go refuses a float beside an int; here the two may be one type of Go's (0 and 0.5) */
	if (json_is_number(a) && json_is_number(b)) {
		double x = json_number_value(a), y = json_number_value(b);

		return (x > y) - (x < y);
	}
	if (json_is_boolean(a) && json_is_boolean(b))
		return json_is_true(a) - json_is_true(b);
	if (kinds_is_null(k, a) && kinds_is_null(k, b))
		return 0;
	return 2;
}

/* --- numbers ------------------------------------------------------------------------------ */

int tmpl_real(double d, char verb, struct buf *out)
{
	char text[48], *e;
	int digits = 0, exp, low = verb == 'j' ? -6 : -4, high = verb == 'j' ? 21 : 6;

	/* the shortest digits that read back as the same number */
	do
		(void)snprintf(text, sizeof(text), "%.*e", digits, d);
	while (++digits < 18 && fpclassify(strtod(text, NULL) - d) != FP_ZERO);
	e = strchr(text, 'e');
	if (!e) /* infinite */
		return buf_str(out, text);
	exp = (int)strtod(e + 1, NULL);
	if (fpclassify(d) != FP_ZERO && (exp < low || exp >= high)) {
		if (verb == 'j' && e[2] == '0') /* JSON has e-7 and 1e+21 */
			memmove(e + 2, e + 3, strlen(e + 3) + 1);
		return buf_str(out, text);
	}
	return buf_printf(out, "%.*f", digits - 1 > exp ? digits - 1 - exp : 0, d);
}

/* --- JSON --------------------------------------------------------------------------------- */

/* As encoding/json writes a string with SetEscapeHTML(false). */
static int json_text(const char *s, size_t n, struct buf *out)
{
	static const char from[] = "\n\r\t\"\\", to[] = "nrt\"\\";
	int r = buf_str(out, "\"");

	for (size_t i = 0, len; i < n && r == 0; i += len) {
		uint32_t c = utf8_get(s + i, n - i, &len);
		const char *e = c && c < 0x80 ? strchr(from, (int)c) : NULL;

		if (e)
			r = buf_printf(out, "\\%c", to[e - from]);
		else if (c < ' ' || c == 0x2028 || c == 0x2029 || (c == UTF8_BAD && len == 1))
			r = buf_printf(out, "\\u%04x", (unsigned)c);
		else
			r = buf_add(out, s + i, len);
	}
	return r < 0 ? r : buf_str(out, "\"");
}

static int json_object_text(struct kinds *k, json_t *o, struct buf *out)
{
	size_t n;
	auto_free const char **keys = kinds_keys(k, o, &n);
	int r = keys ? buf_str(out, "{") : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++) {
		if (i)
			r = buf_str(out, ",");
		if (r == 0)
			r = json_text(keys[i], strlen(keys[i]), out);
		if (r == 0)
			r = buf_str(out, ":");
		if (r == 0)
			r = tmpl_json(k, json_object_get(o, keys[i]), out);
	}
	return r < 0 ? r : buf_str(out, "}");
}

int tmpl_json(struct kinds *k, const json_t *v, struct buf *out)
{
	int r = 0;

	if (kinds_is_null(k, v))
		return buf_str(out, "null");
	switch (json_typeof(v)) {
	case JSON_STRING:
		return json_text(json_string_value(v), json_string_length(v), out);
	case JSON_REAL:
		return tmpl_real(json_real_value(v), 'j', out);
	case JSON_OBJECT:
		return json_object_text(k, (json_t *)(uintptr_t)v, out);
	case JSON_ARRAY:
		r = buf_str(out, "[");
		for (size_t i = 0; i < json_array_size(v) && r == 0; i++) {
			r = i ? buf_str(out, ",") : 0;
			if (r == 0)
				r = tmpl_json(k, json_array_get(v, i), out);
		}
		return r < 0 ? r : buf_str(out, "]");
	case JSON_INTEGER:
		return buf_printf(out, "%lld", (long long)json_integer_value(v));
	case JSON_TRUE:
		return buf_str(out, "true");
	case JSON_FALSE:
	case JSON_NULL:
		break;
	}
	return buf_str(out, "false");
}

int tmpl_print(struct kinds *k, const json_t *v, struct buf *out)
{
	static const struct verb plain = { .width = -1, .precision = -1, .verb = 'v' };

	return v ? print_verb(k, &plain, v, 0, out) : buf_str(out, "<no value>");
}
