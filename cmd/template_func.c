/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template_func.c - the functions of templates
 *
 * Sources: https://pkg.go.dev/text/template "Functions", Docker's and Podman's extra functions.
 */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/template_ast.h"
#include "core/base/cleanup.h"

#define PAD_MAX 1024

int tmpl_give(const struct buf *b, json_t **ret, struct rl_err *err)
{
	*ret = json_stringn_nocheck(b->data ? b->data : "", b->len);
	return *ret ? 0 : rl_oom(err);
}

int tmpl_wrong(const struct call_env *c, const char *what, struct rl_err *err)
{
	return rl_fail(err, EINVAL, "template: error calling %s: %s", c->name, what);
}

static int f_eq(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	bool same = false;

	if (c->n < 2)
		return tmpl_wrong(c, "missing argument for comparison", err);
	for (size_t i = 1; i < c->n && !same; i++) {
		int r = tmpl_compare(c->kinds, c->args[0], c->args[i]);

		if (r == 2 && !kinds_is_null(c->kinds, c->args[0]) &&
		    !kinds_is_null(c->kinds, c->args[i]))
			return tmpl_wrong(c, "incompatible types for comparison", err);
		same = r == 0;
	}
	*ret = json_boolean(same);
	return 0;
}

static int f_order(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	int r = c->n == 2 ? tmpl_compare(c->kinds, c->args[0], c->args[1]) : 2;

	if (c->n != 2)
		return tmpl_wrong(c, "needs two arguments", err);
	if (r == 2 || json_is_boolean(c->args[0]))
		return tmpl_wrong(c, "incompatible types for comparison", err);
	*ret = json_boolean(strcmp(c->name, "ne") == 0   ? r != 0
			    : strcmp(c->name, "lt") == 0 ? r < 0
			    : strcmp(c->name, "le") == 0 ? r <= 0
			    : strcmp(c->name, "gt") == 0 ? r > 0
							 : r >= 0);
	return 0;
}

static int f_ne(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	int r = c->n == 2 ? f_eq(c, ret, err) : tmpl_wrong(c, "needs two arguments", err);

	if (r == 0)
		*ret = json_boolean(!json_is_true(*ret)); /* true and false are static in jansson */
	return r;
}

static int f_not(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	if (c->n != 1)
		return tmpl_wrong(c, "needs one argument", err);
	*ret = json_boolean(!tmpl_truth(c->args[0]));
	return 0;
}

static int f_len(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	const json_t *v = c->n == 1 ? c->args[0] : NULL;

	if (json_is_string(v))
		*ret = json_integer((json_int_t)json_string_length(v));
	else if (json_is_array(v) || json_is_object(v))
		*ret = json_integer((json_int_t)(json_array_size(v) + json_object_size(v)));
	else
		return tmpl_wrong(c, "needs a text, list or map", err);
	return *ret ? 0 : rl_oom(err);
}

/* What Go gives for a key that a map does not have: the zero of the type that its values have. */
static json_t *zero_of(struct kinds *k, const json_t *map)
{
	size_t texts = 0, numbers = 0, n = json_object_size(map);
	const char *key;
	json_t *v;

	if (!kinds_is_map(k, map))
		return NULL;
	json_object_foreach ((json_t *)(uintptr_t)map, key, v) {
		texts += json_is_string(v);
		numbers += json_is_integer(v);
	}
	if (kinds_entry(k, map, json_null()) != json_null())
		return json_incref(kinds_entry(k, map, json_null()));
	return texts == n ? json_string("") : numbers == n ? json_integer(0) : NULL;
}

/* One step of index. @ret: new reference or NULL */
static int step(const struct call_env *c, json_t *v, const json_t *key, json_t **ret,
		struct rl_err *err)
{
	json_int_t at = json_integer_value(key);

	if (json_is_object(v) && json_is_string(key)) {
		*ret = json_incref(json_object_get(v, json_string_value(key)));
		if (!*ret)
			*ret = zero_of(c->kinds, v);
		else if (json_is_null(*ret))
			*ret = json_incref(kinds_entry(c->kinds, v, *ret));
		return 0;
	}
	if (!v || json_is_null(v))
		return tmpl_wrong(c, "index of untyped nil", err);
	if (!json_is_integer(key) || (!json_is_array(v) && !json_is_string(v)))
		return tmpl_wrong(c, "cannot index that with this key", err);
	if (at < 0 || (size_t)at >= (json_is_array(v) ? json_array_size(v) : json_string_length(v)))
		return tmpl_wrong(c, "index out of range", err);
	*ret = json_is_array(v) ? json_incref(json_array_get(v, (size_t)at))
				: json_integer((unsigned char)json_string_value(v)[at]);
	return 0;
}

static int f_index(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	json_t *v = json_incref(c->n ? c->args[0] : NULL);
	int r = c->n ? 0 : tmpl_wrong(c, "needs a list or map", err);

	for (size_t i = 1; i < c->n && r == 0; i++) {
		json_t *next = NULL;

		r = step(c, v, c->args[i], &next, err);
		json_decref(v);
		v = next;
	}
	if (r == 0)
		*ret = v;
	return r;
}

static int f_slice(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	const json_t *v = c->n ? c->args[0] : NULL;
	size_t len = json_is_string(v) ? json_string_length(v) : json_array_size(v);
	json_int_t at[3] = { 0, (json_int_t)len, (json_int_t)len };

	if (c->n == 0 || c->n > 4 || (c->n == 4 && json_is_string(v)) ||
	    (!json_is_string(v) && !json_is_array(v)))
		return tmpl_wrong(
			c, "needs a text and up to two numbers, or a list and up to three", err);
	for (size_t i = 1; i < c->n; i++) {
		if (!json_is_integer(c->args[i]))
			return tmpl_wrong(c, "the index is not a number", err);
		at[i - 1] = json_integer_value(c->args[i]);
	}
	if (at[0] < 0 || at[1] < at[0] || at[2] < at[1] || (size_t)at[2] > len)
		return tmpl_wrong(c, "index out of range", err);
	if (json_is_string(v)) {
		*ret = json_stringn_nocheck(json_string_value(v) + at[0], (size_t)(at[1] - at[0]));
		return *ret ? 0 : rl_oom(err);
	}
	*ret = json_array();
	for (json_int_t i = at[0]; *ret && i < at[1]; i++)
		if (json_array_append(*ret, json_array_get(v, (size_t)i)) < 0)
			return rl_oom(err);
	return *ret ? 0 : rl_oom(err);
}

static int f_json(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };

	if (c->n != 1)
		return tmpl_wrong(c, "needs one argument", err);
	return tmpl_json(c->kinds, c->args[0], &b) < 0 ? rl_oom(err) : tmpl_give(&b, ret, err);
}

/* print puts blanks between operands when neither is a string; println always. */
static int f_print(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	bool ln = strcmp(c->name, "println") == 0;
	int r = 0;

	for (size_t i = 0; i < c->n && r == 0; i++) {
		if (i && (ln || (!json_is_string(c->args[i]) && !json_is_string(c->args[i - 1]))))
			r = buf_str(&b, " ");
		if (r == 0)
			r = c->args[i] ? tmpl_print(c->kinds, c->args[i], &b)
				       : buf_str(&b, "<nil>");
	}
	if (r == 0 && ln)
		r = buf_str(&b, "\n");
	return r < 0 ? rl_oom(err) : tmpl_give(&b, ret, err);
}

static int f_join(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	int r = 0;

	if (c->n != 2 || (!json_is_array(c->args[0]) && !kinds_is_null(c->kinds, c->args[0])) ||
	    !json_is_string(c->args[1]))
		return tmpl_wrong(c, "needs a list and a text", err);
	for (size_t i = 0; i < json_array_size(c->args[0]) && r == 0; i++) {
		if (b.len > TMPL_VALUE_MAX)
			return tmpl_wrong(c, "the text is too long", err);
		if (i)
			r = buf_str(&b, json_string_value(c->args[1]));
		if (r == 0)
			r = tmpl_print(c->kinds, json_array_get(c->args[0], i), &b);
	}
	return r < 0 ? rl_oom(err) : tmpl_give(&b, ret, err);
}

/* The bytes up to the next @sep; an empty one separates the characters. NULL: @s is the last part */
static const char *next_part(const char *s, const char *sep)
{
	size_t len;

	if (*sep)
		return strstr(s, sep);
	if (!*s)
		return NULL;
	(void)utf8_get(s, strlen(s), &len);
	return s[len] ? s + len : NULL;
}

static int f_split(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	const char *s, *sep, *e;

	if (c->n != 2 || !json_is_string(c->args[0]) || !json_is_string(c->args[1]))
		return tmpl_wrong(c, "needs two texts", err);
	s = json_string_value(c->args[0]);
	sep = json_string_value(c->args[1]);
	*ret = json_array();
	if (*ret && !*s && !*sep)
		return 0;
	while (*ret && (e = next_part(s, sep))) {
		if (json_array_append_new(*ret, json_stringn_nocheck(s, (size_t)(e - s))) < 0)
			return rl_oom(err);
		s = e + strlen(sep);
	}
	if (!*ret || json_array_append_new(*ret, json_string_nocheck(s)) < 0)
		return rl_oom(err);
	return 0;
}

static int f_pad(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	json_int_t before, after;

	if (c->n != 3 || !json_is_string(c->args[0]) || !json_is_integer(c->args[1]) ||
	    !json_is_integer(c->args[2]))
		return tmpl_wrong(c, "needs a text and two numbers", err);
	before = json_integer_value(c->args[1]);
	after = json_integer_value(c->args[2]);
	if (before < 0 || before > PAD_MAX || after < 0 || after > PAD_MAX)
		return tmpl_wrong(c, "padding out of range", err);
	if (json_string_length(c->args[0]) == 0) {
		*ret = json_string("");
		return *ret ? 0 : rl_oom(err);
	}
	if (buf_printf(&b, "%*s%s%*s", (int)before, "", json_string_value(c->args[0]), (int)after,
		       "") < 0)
		return rl_oom(err);
	return tmpl_give(&b, ret, err);
}

static int f_truncate(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	size_t len;

	if (c->n != 2 || !json_is_string(c->args[0]) || !json_is_integer(c->args[1]) ||
	    json_integer_value(c->args[1]) < 0)
		return tmpl_wrong(c, "needs a text and a number", err);
	len = json_string_length(c->args[0]);
	if ((size_t)json_integer_value(c->args[1]) < len)
		len = (size_t)json_integer_value(c->args[1]);
	*ret = json_stringn_nocheck(json_string_value(c->args[0]), len);
	return *ret ? 0 : rl_oom(err);
}

static const struct {
	const char *name;
	int (*call)(const struct call_env *c, json_t **ret, struct rl_err *err);
} funcs[] = {
	{ "and", NULL }, /* and, or: evaluated by template_exec.c, argument by argument */
	{ "or", NULL },
	{ "not", f_not },
	{ "eq", f_eq },
	{ "ne", f_ne },
	{ "lt", f_order },
	{ "le", f_order },
	{ "gt", f_order },
	{ "ge", f_order },
	{ "len", f_len },
	{ "index", f_index },
	{ "slice", f_slice },
	{ "json", f_json },
	{ "print", f_print },
	{ "println", f_print },
	{ "printf", tmpl_printf },
	{ "lower", tmpl_case },
	{ "upper", tmpl_case },
	{ "title", tmpl_case },
	{ "join", f_join },
	{ "split", f_split },
	{ "pad", f_pad },
	{ "truncate", f_truncate },
	{ "html", tmpl_escape },
	{ "js", tmpl_escape },
	{ "urlquery", tmpl_escape },
};

bool tmpl_is_func(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(funcs); i++)
		if (strcmp(funcs[i].name, name) == 0)
			return true;
	return false;
}

int tmpl_call(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(funcs); i++)
		if (strcmp(funcs[i].name, c->name) == 0 && funcs[i].call)
			return funcs[i].call(c, ret, err);
	return tmpl_wrong(c, "needs arguments", err);
}
