/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template_func.c - the functions of templates, and values as text and truth
 *
 * Sources: https://pkg.go.dev/text/template "Functions", fmt's %v for the text of values, Docker's
 * and Podman's extra functions.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/template_ast.h"
#include "core/base/cleanup.h"

#define PAD_MAX 1024

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int print_object(const json_t *o, struct buf *out)
{
	auto_free const char **keys = calloc(json_object_size(o) + 1, sizeof(*keys));
	const char *key;
	json_t *v;
	size_t n = 0;
	int r = keys ? buf_str(out, "map[") : -ENOMEM;

	if (r < 0)
		return r;
	json_object_foreach ((json_t *)(uintptr_t)o, key, v) {
		keys[n++] = key;
	}
	qsort(keys, n, sizeof(*keys), by_name);
	for (size_t i = 0; i < n && r == 0; i++) {
		r = buf_printf(out, "%s%s:", i ? " " : "", keys[i]);
		if (r == 0)
			r = tmpl_print(json_object_get(o, keys[i]), out);
	}
	return r < 0 ? r : buf_str(out, "]");
}

static int print_array(const json_t *a, struct buf *out)
{
	int r = buf_str(out, "[");

	for (size_t i = 0; i < json_array_size(a) && r == 0; i++) {
		if (i)
			r = buf_str(out, " ");
		if (r == 0)
			r = tmpl_print(json_array_get(a, i), out);
	}
	return r < 0 ? r : buf_str(out, "]");
}

/* The shortest text that reads back as the same number, as Go prints it. */
static int print_real(double d, struct buf *out)
{
	char text[40];

	for (int digits = 1; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, d);
		if (fpclassify(strtod(text, NULL) - d) == FP_ZERO)
			break;
	}
	return buf_str(out, text);
}

int tmpl_print(const json_t *v, struct buf *out)
{
	if (!v)
		return buf_str(out, "<no value>");
	switch (json_typeof(v)) {
	case JSON_STRING:
		return buf_add(out, json_string_value(v), json_string_length(v));
	case JSON_INTEGER:
		return buf_printf(out, "%lld", (long long)json_integer_value(v));
	case JSON_REAL:
		return print_real(json_real_value(v), out);
	case JSON_TRUE:
		return buf_str(out, "true");
	case JSON_FALSE:
		return buf_str(out, "false");
	case JSON_NULL:
		return buf_str(out, "<nil>");
	case JSON_ARRAY:
		return print_array(v, out);
	case JSON_OBJECT:
		return print_object(v, out);
	}
	return 0;
}

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

static int give_text(struct buf *b, json_t **ret, struct rl_err *err)
{
	*ret = json_stringn_nocheck(b->data ? b->data : "", b->len);
	return *ret ? 0 : rl_oom(err);
}

static int wrong(const struct call_env *c, const char *what, struct rl_err *err)
{
	return rl_fail(err, EINVAL, "template: error calling %s: %s", c->name, what);
}

/* -1, 0, 1, or 2 when the two cannot be compared */
static int compare(const json_t *a, const json_t *b)
{
	if (json_is_string(a) && json_is_string(b)) {
		int r = strcmp(json_string_value(a), json_string_value(b));

		return (r > 0) - (r < 0);
	}
	if (json_is_integer(a) && json_is_integer(b)) {
		json_int_t x = json_integer_value(a), y = json_integer_value(b);

		return (x > y) - (x < y);
	}
	if (json_is_number(a) && json_is_number(b)) {
		double x = json_number_value(a), y = json_number_value(b);

		return (x > y) - (x < y);
	}
	if (json_is_boolean(a) && json_is_boolean(b))
		return json_is_true(a) - json_is_true(b);
	if ((!a || json_is_null(a)) && (!b || json_is_null(b)))
		return 0;
	return 2;
}

static int f_eq(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	bool same = false;

	if (c->n < 2)
		return wrong(c, "missing argument for comparison", err);
	for (size_t i = 1; i < c->n; i++) {
		int r = compare(c->args[0], c->args[i]);

		if (r == 2 && c->args[0] && c->args[i])
			return wrong(c, "incompatible types for comparison", err);
		same |= r == 0;
	}
	*ret = json_boolean(same);
	return 0;
}

static int f_order(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	int r = c->n == 2 ? compare(c->args[0], c->args[1]) : 2;

	if (c->n != 2)
		return wrong(c, "needs two arguments", err);
	if (r == 2 || json_is_boolean(c->args[0]))
		return wrong(c, "incompatible types for comparison", err);
	*ret = json_boolean(strcmp(c->name, "ne") == 0   ? r != 0
			    : strcmp(c->name, "lt") == 0 ? r < 0
			    : strcmp(c->name, "le") == 0 ? r <= 0
			    : strcmp(c->name, "gt") == 0 ? r > 0
							 : r >= 0);
	return 0;
}

static int f_ne(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	int r = f_eq(c, ret, err);

	if (r == 0)
		*ret = json_boolean(!json_is_true(*ret)); /* true and false are static in jansson */
	return r;
}

static int f_not(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	if (c->n != 1)
		return wrong(c, "needs one argument", err);
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
		return wrong(c, "needs a text, list or map", err);
	return *ret ? 0 : rl_oom(err);
}

static bool has_only_strings(json_t *o)
{
	const char *key;
	json_t *v;

	json_object_foreach (o, key, v) {
		if (!json_is_string(v))
			return false;
	}
	return true;
}

static int f_index(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	json_t *v = c->n ? c->args[0] : NULL;
	bool in_strings = false;

	if (c->n == 0)
		return wrong(c, "needs a list or map", err);
	for (size_t i = 1; i < c->n; i++) {
		const json_t *k = c->args[i];

		if (json_is_array(v) && json_is_integer(k)) {
			json_int_t at = json_integer_value(k);

			if (at < 0 || (size_t)at >= json_array_size(v))
				return wrong(c, "index out of range", err);
			v = json_array_get(v, (size_t)at);
		} else if (json_is_object(v) && json_is_string(k)) {
			in_strings = i + 1 == c->n && has_only_strings(v);
			v = json_object_get(v, json_string_value(k));
		} else if (!v || json_is_null(v)) {
			return wrong(c, "index of untyped nil", err);
		} else {
			return wrong(c, "cannot index that with this key", err);
		}
	}
	/* what a Go map of strings (labels) gives for a key that is not there */
	*ret = v || !in_strings ? json_incref(v) : json_string("");
	return 0;
}

static int f_slice(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	const json_t *v = c->n ? c->args[0] : NULL;
	size_t len = json_is_string(v) ? json_string_length(v) : json_array_size(v);
	json_int_t at[2] = { 0, (json_int_t)len };

	if (c->n == 0 || c->n > 3 || (!json_is_string(v) && !json_is_array(v)))
		return wrong(c, "needs a text or list and at most two numbers", err);
	for (size_t i = 1; i < c->n; i++) {
		if (!json_is_integer(c->args[i]))
			return wrong(c, "the index is not a number", err);
		at[i - 1] = json_integer_value(c->args[i]);
	}
	if (at[0] < 0 || at[1] < at[0] || (size_t)at[1] > len)
		return wrong(c, "index out of range", err);
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
	auto_free char *s = NULL;

	if (c->n != 1)
		return wrong(c, "needs one argument", err);
	s = c->args[0] ? json_dumps(c->args[0], JSON_COMPACT | JSON_ENCODE_ANY) : strdup("null");
	*ret = s ? json_string_nocheck(s) : NULL;
	return *ret ? 0 : rl_oom(err);
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
			r = tmpl_print(c->args[i], &b);
	}
	if (r == 0 && ln)
		r = buf_str(&b, "\n");
	return r < 0 ? rl_oom(err) : give_text(&b, ret, err);
}

/* One verb of printf with its flags, width and precision checked in @spec ("%-10.3s"). */
static int print_verb(const char *spec, char verb, const json_t *v, struct buf *out)
{
	auto_buf struct buf text = { 0 };
	char fmt[40];
	int r = 0;

	(void)snprintf(fmt, sizeof(fmt), "%s%s", spec, strchr("dxXo", verb) ? "ll" : "");
	(void)snprintf(fmt + strlen(fmt), sizeof(fmt) - strlen(fmt), "%c",
		       strchr("dxXoeEfFgG", verb) ? verb : 's');
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the format was put together just above */
	if (strchr("dxXo", verb) && json_is_integer(v))
		return buf_printf(out, fmt, (long long)json_integer_value(v));
	if (strchr("eEfFgG", verb) && json_is_number(v))
		return buf_printf(out, fmt, json_number_value(v));
	if (verb == 'q' && json_is_string(v)) {
		auto_free char *s = json_dumps(v, JSON_ENCODE_ANY);

		r = s ? buf_str(&text, s) : -ENOMEM;
	} else if (strchr("vst", verb) || verb == 'q') {
		r = tmpl_print(v, &text);
	} else {
		r = buf_printf(&text, "%%!%c(", verb);
		if (r == 0)
			r = tmpl_print(v, &text);
		if (r == 0)
			r = buf_str(&text, ")");
	}
	fmt[strlen(fmt) - 1] = 's';
	return r < 0 ? r : buf_printf(out, fmt, text.data ? text.data : "");
#pragma GCC diagnostic pop
}

static int f_printf(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	const char *f = c->n ? json_string_value(c->args[0]) : NULL;
	size_t next = 1;
	int r = 0;

	if (!f)
		return wrong(c, "the format is not a text", err);
	while (*f && r == 0) {
		size_t plain = strcspn(f, "%"), n;
		char spec[24] = "%";

		r = buf_add(&b, f, plain);
		f += plain;
		if (r < 0 || !*f)
			break;
		f++;
		n = strspn(f, "-+# 0123456789.");
		if (n >= 12 || strtod(f + strspn(f, "-+# 0"), NULL) > PAD_MAX)
			return wrong(c, "width or precision is too large", err);
		memcpy(spec + 1, f, n);
		f += n;
		if (*f == '%') {
			r = buf_str(&b, "%");
		} else if (!*f) {
			r = buf_str(&b, "%!(NOVERB)");
			break;
		} else if (next >= c->n) {
			r = buf_printf(&b, "%%!%c(MISSING)", *f);
		} else {
			r = print_verb(spec, *f, c->args[next++], &b);
		}
		f++;
	}
	return r < 0 ? rl_oom(err) : give_text(&b, ret, err);
}

static int f_case(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	bool start = true;

	if (c->n != 1 || !json_is_string(c->args[0]))
		return wrong(c, "needs a text", err);
	if (buf_str(&b, json_string_value(c->args[0])) < 0)
		return rl_oom(err);
	for (size_t i = 0; i < b.len; i++) {
		unsigned char ch = (unsigned char)b.data[i];

		if (ch >= 0x80)
			continue; /* only ASCII has case here */
		if (c->name[0] == 'l')
			b.data[i] = (char)tolower(ch);
		else if (c->name[0] == 'u' || start)
			b.data[i] = (char)toupper(ch);
		start = c->name[0] == 't' && isspace(ch);
	}
	return give_text(&b, ret, err);
}

static int f_join(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	int r = 0;

	if (c->n != 2 || (!json_is_array(c->args[0]) && !json_is_null(c->args[0])) ||
	    !json_is_string(c->args[1]))
		return wrong(c, "needs a list and a text", err);
	for (size_t i = 0; i < json_array_size(c->args[0]) && r == 0; i++) {
		if (i)
			r = buf_str(&b, json_string_value(c->args[1]));
		if (r == 0)
			r = tmpl_print(json_array_get(c->args[0], i), &b);
	}
	return r < 0 ? rl_oom(err) : give_text(&b, ret, err);
}

static int f_split(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	const char *s, *sep, *e;

	if (c->n != 2 || !json_is_string(c->args[0]) || !json_is_string(c->args[1]) ||
	    json_string_length(c->args[1]) == 0)
		return wrong(c, "needs two texts", err);
	s = json_string_value(c->args[0]);
	sep = json_string_value(c->args[1]);
	*ret = json_array();
	while (*ret && (e = strstr(s, sep))) {
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
		return wrong(c, "needs a text and two numbers", err);
	before = json_integer_value(c->args[1]);
	after = json_integer_value(c->args[2]);
	if (before < 0 || before > PAD_MAX || after < 0 || after > PAD_MAX)
		return wrong(c, "padding out of range", err);
	if (json_string_length(c->args[0]) == 0) {
		*ret = json_string("");
		return *ret ? 0 : rl_oom(err);
	}
	if (buf_printf(&b, "%*s%s%*s", (int)before, "", json_string_value(c->args[0]), (int)after,
		       "") < 0)
		return rl_oom(err);
	return give_text(&b, ret, err);
}

static int f_truncate(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	size_t len;

	if (c->n != 2 || !json_is_string(c->args[0]) || !json_is_integer(c->args[1]) ||
	    json_integer_value(c->args[1]) < 0)
		return wrong(c, "needs a text and a number", err);
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
	{ "or", NULL },         { "not", f_not },
	{ "eq", f_eq },         { "ne", f_ne },
	{ "lt", f_order },      { "le", f_order },
	{ "gt", f_order },      { "ge", f_order },
	{ "len", f_len },       { "index", f_index },
	{ "slice", f_slice },   { "json", f_json },
	{ "print", f_print },   { "println", f_print },
	{ "printf", f_printf }, { "lower", f_case },
	{ "upper", f_case },    { "title", f_case },
	{ "join", f_join },     { "split", f_split },
	{ "pad", f_pad },       { "truncate", f_truncate },
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
	return wrong(c, "needs arguments", err);
}
