/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template_printf.c - printf of templates, and values as text
 *
 * Source: https://pkg.go.dev/fmt: verbs, flags, widths and precisions (also '*'), argument indexes
 * ("%[2]d"), and the text of mistakes, which is output and no error ("%!d(string=x)").
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cmd/template_ast.h"
#include "cmd/template_value.h"
#include "core/base/cleanup.h"

#define PAD_MAX 1024

/* --- leaves ------------------------------------------------------------------------------- */

/* @zero: zeros may fill, behind nothing but the sign that the text itself has none of */
static int padded(const struct verb *f, const char *s, size_t n, bool zero, struct buf *out)
{
	size_t have = utf8_count(s, n);
	int fill = f->width > 0 && (size_t)f->width > have ? f->width - (int)have : 0;
	int r = 0;

	for (int i = 0; i < fill && !f->minus && r == 0; i++)
		r = buf_str(out, zero && f->zero ? "0" : " ");
	if (r == 0)
		r = buf_add(out, s, n);
	return r < 0 || !f->minus ? r : buf_printf(out, "%*s", fill, "");
}

static const char *type_name(struct kinds *k, const json_t *v);

static int bad_verb(struct kinds *k, const struct verb *f, const json_t *v, struct buf *out)
{
	struct verb plain = *f; /* its flags stay */
	int r = buf_str(out, "%!");

	plain.verb = 'v';

	if (r == 0)
		r = utf8_put(out, f->verb);
	if (r == 0)
		r = v && !json_is_null(v) ? buf_printf(out, "(%s=", type_name(k, v))
					  : buf_str(out, "(");
	if (r == 0)
		r = print_verb(k, &plain, v, 0, out);
	return r < 0 ? r : buf_str(out, ")");
}

/* Digits of @u in @base, without a sign */
static size_t digits_of(unsigned long long u, unsigned base, bool upper, char out[72])
{
	char back[72];
	size_t n = 0;

	do
		back[n++] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[u % base];
	while ((u /= base) != 0);
	for (size_t i = 0; i < n; i++)
		out[i] = back[n - 1 - i];
	return n;
}

static int put_integer(const struct verb *f, long long v, unsigned base, struct buf *out)
{
	auto_buf struct buf text = { 0 };
	struct verb blank = *f;
	unsigned long long u = v < 0 ? 0 - (unsigned long long)v : (unsigned long long)v;
	const char *sign = v < 0 ? "-" : f->plus ? "+" : f->space ? " " : "";
	const char *prefix = "";
	char digits[72];
	size_t n = digits_of(u, base, f->verb == 'X', digits);
	int want = f->precision;
	int r;

	blank.zero = false;
	if (want == 0 && v == 0)
		return padded(&blank, "", 0, false, out);
	if (want < 0 && f->zero && !f->minus && f->width > 0)
		want = f->width - (*sign != '\0');
	if (f->sharp && base != 10)
		prefix = base == 2 ? "0b" : base == 8 ? "0" : f->verb == 'X' ? "0X" : "0x";
	if (f->verb == 'O')
		prefix = "0o";
	if (base == 8 && f->sharp && want > (int)n)
		prefix = ""; /* the filling zeros begin with one */
	r = buf_printf(&text, "%s%s", sign, prefix);
	for (int i = (int)n; i < want && r == 0; i++)
		r = buf_str(&text, "0");
	if (r == 0)
		r = buf_add(&text, digits, n);
	return r < 0 ? r : padded(&blank, text.data, text.len, false, out);
}

static int put_rune(const struct verb *f, long long v, struct buf *out)
{
	uint32_t c = v < 0 || v > 0x10ffff ? UTF8_BAD : (uint32_t)v;
	auto_buf struct buf text = { 0 }, one = { 0 };
	int r = utf8_put(&one, c);

	if (r == 0 && f->verb == 'q')
		r = utf8_quote(one.data, one.len, '\'', f->plus, &text);
	else if (r == 0 && f->verb == 'c')
		r = buf_add(&text, one.data, one.len);
	else if (r == 0)
		r = buf_printf(&text, "U+%04llX", (unsigned long long)v);
	if (r == 0 && f->verb == 'U' && f->sharp && utf8_printable(c) && v >= 0)
		r = buf_printf(&text, " '%s'", one.data);
	return r < 0 ? r : padded(f, text.data, text.len, f->verb != 'U', out);
}

static int integer(struct kinds *k, const struct verb *f, const json_t *v, struct buf *out)
{
	long long i = json_integer_value(v);

	switch (f->verb) {
	case 'v':
	case 'd':
		return put_integer(f, i, 10, out);
	case 'b':
		return put_integer(f, i, 2, out);
	case 'o':
	case 'O':
		return put_integer(f, i, 8, out);
	case 'x':
	case 'X':
		return put_integer(f, i, 16, out);
	case 'c':
	case 'q':
	case 'U':
		return put_rune(f, i, out);
	default:
		return bad_verb(k, f, v, out);
	}
}

static int real(struct kinds *k, const struct verb *f, const json_t *v, struct buf *out)
{
	char verb = f->verb == 'v' ? 'g' : f->verb == 'F' ? 'f' : (char)f->verb;
	const char fmt[] = { '%', '.', '*', verb, '\0' };
	auto_buf struct buf text = { 0 }, all = { 0 };
	double d = json_real_value(v);
	const char *sign = signbit(d) ? "-" : f->plus ? "+" : f->space ? " " : "";
	struct verb rest = *f;
	int r;

	if (f->verb >= 0x80 || !strchr("vgGeEfF", (int)f->verb))
		return bad_verb(k, f, v, out);
	d = fabs(d);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* put together just above */
	if (f->precision < 0 && verb == 'g')
		r = tmpl_real(d, 'g', &text);
	else
		r = buf_printf(&text, fmt, f->precision < 0 ? 6 : f->precision, d);
#pragma GCC diagnostic pop
	if (r < 0 || !*sign)
		return r < 0 ? r : padded(f, text.data, text.len, true, out);
	if (f->zero && !f->minus) { /* the sign goes before the zeros */
		rest.width -= f->width > 0;
		r = buf_str(out, sign);
		return r < 0 ? r : padded(&rest, text.data, text.len, true, out);
	}
	r = buf_printf(&all, "%s%s", sign, text.data);
	return r < 0 ? r : padded(f, all.data, all.len, false, out);
}

static int put_hex(const struct verb *f, const char *s, size_t n, struct buf *out)
{
	auto_buf struct buf text = { 0 };
	size_t max = f->precision >= 0 && (size_t)f->precision < n ? (size_t)f->precision : n;
	const char *prefix = !f->sharp ? "" : f->verb == 'X' ? "0X" : "0x";
	int r = 0;

	for (size_t i = 0; i < max && r == 0; i++) {
		if (i && f->space)
			r = buf_str(&text, " ");
		if (r == 0 && (i == 0 || f->space))
			r = buf_str(&text, prefix);
		if (r == 0)
			r = buf_printf(&text, f->verb == 'X' ? "%02X" : "%02x",
				       (unsigned char)s[i]);
	}
	return r < 0 ? r : padded(f, text.data ? text.data : "", text.len, true, out);
}

/* Fit for Go's raw string: one line without control characters and backquotes */
static bool can_backquote(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)s[i] < ' ' && s[i] != '\t') || s[i] == '`' || s[i] == 0x7f)
			return false;
	return true;
}

static int text(struct kinds *k, const struct verb *f, const json_t *v, struct buf *out)
{
	auto_buf struct buf q = { 0 };
	const char *s = json_string_value(v);
	size_t n = json_string_length(v), cut = 0, len;
	int r;

	if (f->verb == 'x' || f->verb == 'X')
		return put_hex(f, s, n, out);
	for (int i = 0; f->precision >= 0 && i < f->precision && cut < n; i++, cut += len)
		(void)utf8_get(s + cut, n - cut, &len);
	if (f->precision >= 0)
		n = cut;
	if (f->verb == 's' || (f->verb == 'v' && !f->sharp_v))
		return padded(f, s, n, true, out);
	if (f->verb != 'q' && f->verb != 'v')
		return bad_verb(k, f, v, out);
	if (f->sharp && can_backquote(s, n))
		r = buf_printf(&q, "`%.*s`", (int)n, s);
	else
		r = utf8_quote(s, n, '"', f->plus, &q);
	return r < 0 ? r : padded(f, q.data, q.len, true, out);
}

/* --- lists, maps, structs ----------------------------------------------------------------- */

static bool all_of(const json_t *v, json_type type)
{
	const char *key;
	json_t *each;
	size_t i;

	json_object_foreach ((json_t *)(uintptr_t)v, key, each) {
		if (json_typeof(each) != type)
			return false;
	}
	json_array_foreach (v, i, each) {
		if (json_typeof(each) != type)
			return false;
	}
	return true;
}

static const char *type_name(struct kinds *k, const json_t *v)
{
	if (!v || json_is_null(v))
		return "<nil>";
	switch (json_typeof(v)) {
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
		return "int";
	case JSON_REAL:
		return "float64";
	case JSON_OBJECT:
		if (!kinds_is_map(k, v))
			return "struct";
		return all_of(v, JSON_STRING)    ? "map[string]string"
		       : all_of(v, JSON_INTEGER) ? "map[string]int"
						 : "map[string]interface {}";
	case JSON_ARRAY:
		return all_of(v, JSON_STRING)    ? "[]string"
		       : all_of(v, JSON_INTEGER) ? "[]int"
						 : "[]interface {}";
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL:
		break;
	}
	return "bool";
}

static int object(struct kinds *k, const struct verb *f, json_t *o, int depth, struct buf *out)
{
	const struct verb plain = { .width = -1, .precision = -1, .verb = 'v' };
	bool map = kinds_is_map(k, o), goish = f->verb == 'v' && f->sharp_v;
	size_t n;
	auto_free const char **keys = kinds_keys(k, o, &n);
	int r = !keys    ? -ENOMEM
		: !goish ? buf_str(out, map ? "map[" : "{")
			 : buf_printf(out, "%s{", type_name(k, o));

	for (size_t i = 0; i < n && r == 0; i++) {
		json_t *v = json_object_get(o, keys[i]), *name = json_string(keys[i]);

		v = map ? kinds_entry(k, o, v) : kinds_field(k, keys[i], v);
		r = !name ? -ENOMEM : i ? buf_str(out, goish ? ", " : " ") : 0;
		if (r == 0 && (map || goish || f->plus_v)) {
			r = print_verb(k, map ? f : &plain, name, depth + 1, out);
			if (r == 0)
				r = buf_str(out, ":");
		}
		json_decref(name);
		if (r == 0)
			r = print_verb(k, f, v, depth + 1, out);
	}
	return r < 0 ? r : buf_str(out, goish || !map ? "}" : "]");
}

static int array(struct kinds *k, const struct verb *f, const json_t *a, int depth, struct buf *out)
{
	bool goish = f->verb == 'v' && f->sharp_v;
	int r = goish ? buf_printf(out, "%s{", type_name(k, a)) : buf_str(out, "[");

	for (size_t i = 0; i < json_array_size(a) && r == 0; i++) {
		if (i)
			r = buf_str(out, goish ? ", " : " ");
		if (r == 0)
			r = print_verb(k, f, json_array_get(a, i), depth + 1, out);
	}
	return r < 0 ? r : buf_str(out, goish ? "}" : "]");
}

int print_verb(struct kinds *k, const struct verb *f, const json_t *v, int depth, struct buf *out)
{
	const char *type;

	if (f->verb == 'T' && depth == 0) {
		type = type_name(k, v);
		return padded(f, type, strlen(type), true, out);
	}
	if (!v || json_is_null(v) || v == k->nil_struct)
		return depth > 0        ? buf_str(out, "<nil>")
		       : f->verb == 'v' ? padded(f, "<nil>", 5, true, out)
					: bad_verb(k, f, v, out);
	if (f->verb == 'p' && depth == 0)
		return bad_verb(k, f, v, out);
	switch (json_typeof(v)) {
	case JSON_STRING:
		return text(k, f, v, out);
	case JSON_INTEGER:
		return integer(k, f, v, out);
	case JSON_REAL:
		return real(k, f, v, out);
	case JSON_ARRAY:
		return array(k, f, v, depth, out);
	case JSON_OBJECT:
		return object(k, f, (json_t *)(uintptr_t)v, depth, out);
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL:
		break;
	}
	if (f->verb != 'v' && f->verb != 't')
		return bad_verb(k, f, v, out);
	return json_is_true(v) ? padded(f, "true", 4, true, out) : padded(f, "false", 5, true, out);
}

/* --- printf ------------------------------------------------------------------------------- */

struct format_run {
	const struct call_env *c;
	const char *p;
	size_t arg; /* the next one */
	bool reordered, bad_index;
	struct buf *out;
};

static bool to_number(const char **p, int *ret)
{
	long v = 0;
	const char *s = *p;

	for (; *s >= '0' && *s <= '9' && v <= PAD_MAX; s++)
		v = v * 10 + (*s - '0');
	if (s == *p)
		return false;
	*p = s;
	*ret = (int)v;
	return true;
}

/* "[2]" chooses the argument that comes next. True if there was one. */
static bool take_index(struct format_run *x)
{
	const char *s = x->p + 1, *end;
	int n = 0;

	if (*x->p != '[')
		return false;
	x->reordered = true;
	end = strchr(s, ']');
	if (end && to_number(&s, &n) && s == end && n >= 1 && (size_t)n < x->c->n)
		x->arg = (size_t)n;
	else
		x->bad_index = true;
	x->p = end ? end + 1 : x->p + 1;
	return true;
}

/* A width or precision: digits, or '*' for an argument. 1: there was one; 0: none; -E2BIG */
static int take_number(struct format_run *x, int *ret, bool *ret_bad)
{
	const json_t *v;

	if (*x->p != '*') {
		if (!to_number(&x->p, ret))
			return 0;
		return *ret > PAD_MAX ? -E2BIG : 1;
	}
	x->p++;
	v = x->arg < x->c->n ? x->c->args[x->arg++] : NULL;
	*ret_bad = !json_is_integer(v);
	if (*ret_bad)
		return 1;
	if (json_integer_value(v) > PAD_MAX || json_integer_value(v) < -PAD_MAX)
		return -E2BIG;
	*ret = (int)json_integer_value(v);
	return 1;
}

static int take_flags(struct format_run *x, struct verb *f)
{
	bool bad = false, indexed;
	int r;

	for (; *x->p && strchr("-+# 0", *x->p); x->p++) {
		f->minus |= *x->p == '-';
		f->plus |= *x->p == '+';
		f->sharp |= *x->p == '#';
		f->space |= *x->p == ' ';
		f->zero |= *x->p == '0';
	}
	indexed = take_index(x);
	r = take_number(x, &f->width, &bad);
	if (r < 0)
		return r;
	if (r > 0 && bad && buf_str(x->out, "%!(BADWIDTH)") < 0)
		return -ENOMEM;
	if (r > 0 && f->width < -1) { /* from an argument */
		f->minus = true;
		f->width = -f->width;
	}
	if (r > 0 && indexed && x->p[-1] != '*')
		x->bad_index = true; /* "%[3]2d" */
	indexed = r == 0 && indexed;
	if (*x->p == '.') {
		x->p++;
		if (indexed)
			x->bad_index = true;
		indexed = take_index(x);
		bad = false;
		f->precision = 0;
		r = take_number(x, &f->precision, &bad);
		if (r < 0)
			return r;
		if ((bad || f->precision < 0) && buf_str(x->out, "%!(BADPREC)") < 0)
			return -ENOMEM;
		if (bad || f->precision < 0)
			f->precision = -1;
		indexed = r == 0 && indexed;
	}
	if (!indexed)
		(void)take_index(x);
	f->zero &= !f->minus;
	return 0;
}

static int mistake(struct format_run *x, uint32_t verb, const char *what)
{
	int r = buf_str(x->out, "%!");

	if (r == 0)
		r = utf8_put(x->out, verb);
	return r < 0 ? r : buf_printf(x->out, "(%s)", what);
}

/* At the character after a '%'. 0, -ENOMEM, -E2BIG */
static int one_verb(struct format_run *x)
{
	struct verb f = { .width = -1, .precision = -1 };
	size_t len;
	int r;

	x->bad_index = false;
	r = take_flags(x, &f);
	if (r < 0)
		return r;
	if (!*x->p)
		return buf_str(x->out, "%!(NOVERB)");
	f.verb = utf8_get(x->p, strlen(x->p), &len);
	x->p += len;
	if (f.verb == '%')
		return buf_str(x->out, "%");
	if (x->bad_index)
		return mistake(x, f.verb, "BADINDEX");
	if (x->arg >= x->c->n)
		return mistake(x, f.verb, "MISSING");
	if (f.verb == 'v') {
		f.sharp_v = f.sharp;
		f.plus_v = f.plus;
		f.sharp = f.plus = false;
	}
	return print_verb(x->c->kinds, &f, x->c->args[x->arg++], 0, x->out);
}

static int extra(struct format_run *x)
{
	const struct verb plain = { .width = -1, .precision = -1, .verb = 'v' };
	int r = buf_str(x->out, "%!(EXTRA ");

	for (size_t i = x->arg; i < x->c->n && r == 0; i++) {
		const json_t *v = x->c->args[i];

		r = i > x->arg ? buf_str(x->out, ", ") : 0;
		if (r == 0 && v && !json_is_null(v))
			r = buf_printf(x->out, "%s=", type_name(x->c->kinds, v));
		if (r == 0)
			r = print_verb(x->c->kinds, &plain, v, 0, x->out);
	}
	return r < 0 ? r : buf_str(x->out, ")");
}

int tmpl_printf(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	struct format_run x = { .c = c, .arg = 1, .out = &b };
	int r = 0;

	x.p = c->n ? json_string_value(c->args[0]) : NULL;
	if (!x.p)
		return tmpl_wrong(c, "the format is not a text", err);
	while (*x.p && r == 0) {
		size_t plain = strcspn(x.p, "%");

		if (b.len > TMPL_VALUE_MAX)
			return tmpl_wrong(c, "the text is too long", err);
		r = buf_add(&b, x.p, plain);
		x.p += plain;
		if (r == 0 && *x.p++)
			r = one_verb(&x);
		else
			break;
	}
	if (r == -E2BIG)
		return tmpl_wrong(c, "width or precision is too large", err);
	if (r == 0 && !x.reordered && x.arg < c->n)
		r = extra(&x);
	return r < 0 ? rl_oom(err) : tmpl_give(&b, ret, err);
}
