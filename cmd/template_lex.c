/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template_lex.c - constants in templates: strings, characters, numbers as Go writes them
 *
 * Source: https://go.dev/ref/spec "Integer literals" to "String literals". Imaginary numbers and
 * hexadecimal floats are not taken.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/template_ast.h"
#include "core/base/cleanup.h"

static int wrong(struct lex *l, const char *what)
{
	l->wrong = what;
	return -EINVAL;
}

static int give(struct lex *l, json_t *v)
{
	l->value = v;
	return v ? 0 : -ENOMEM;
}

const char *lex_skip_quoted(const char *p, const char *end)
{
	char q = *p++;

	for (; p < end && *p != q; p++) {
		if (*p == '\\' && q != '`')
			p++;
		else if (*p == '\n' && q != '`')
			return end;
	}
	return p < end ? p + 1 : end;
}

/* @digits of @base at l->p */
static int by_number(struct lex *l, int digits, unsigned base, uint32_t *ret)
{
	uint32_t v = 0;

	for (int i = 0; i < digits; i++, l->p++) {
		const char *all = "0123456789abcdef", *d;

		d = l->p < l->end && *l->p ? strchr(all, *l->p | (*l->p > '9' ? 0x20 : 0)) : NULL;
		if (!d || (unsigned)(d - all) >= base)
			return wrong(l, "unknown escape in a string");
		v = v * base + (uint32_t)(d - all);
	}
	*ret = v;
	return 0;
}

/* Behind a backslash. @ret_byte: it is a byte by number, no character */
static int escape(struct lex *l, char quote, uint32_t *ret, bool *ret_byte)
{
	static const char from[] = "abfnrtv\\", to[] = "\a\b\f\n\r\t\v\\";
	char c = l->p < l->end ? *l->p : '\0';
	const char *e = c ? strchr(from, c) : NULL;
	int r;

	*ret_byte = false;
	if (e || (c && c == quote)) {
		l->p++;
		*ret = e ? (unsigned char)to[e - from] : (unsigned char)quote;
		return 0;
	}
	if (c >= '0' && c <= '7') {
		*ret_byte = true;
		r = by_number(l, 3, 8, ret);
		return r == 0 && *ret > 255 ? wrong(l, "unknown escape in a string") : r;
	}
	if (c != 'x' && c != 'u' && c != 'U')
		return wrong(l, "unknown escape in a string");
	l->p++;
	*ret_byte = c == 'x';
	r = by_number(l, c == 'x' ? 2 : c == 'u' ? 4 : 8, 16, ret);
	if (r == 0 && c != 'x' && (*ret > 0x10ffff || (*ret >= 0xd800 && *ret < 0xe000)))
		return wrong(l, "unknown escape in a string");
	return r;
}

static int string(struct lex *l)
{
	auto_buf struct buf b = { 0 };
	char q = *l->p++;

	while (l->p < l->end && *l->p != q) {
		char byte = *l->p++;
		bool is_byte = true;
		uint32_t c = 0;
		int r = 0;

		if (byte == '\\' && q == '"') {
			r = escape(l, q, &c, &is_byte);
			byte = (char)c;
		}
		if (r == 0)
			r = is_byte ? buf_add(&b, &byte, 1) : utf8_put(&b, c);
		if (r < 0)
			return r;
	}
	if (l->p >= l->end)
		return wrong(l, "a string does not end");
	l->p++;
	if (memchr(b.data ? b.data : "", 0, b.len))
		return wrong(l, "NUL in a string");
	return give(l, json_stringn_nocheck(b.data ? b.data : "", b.len));
}

static int character(struct lex *l)
{
	size_t len;
	uint32_t c;
	bool byte;
	int r = 0;

	if (++l->p >= l->end || *l->p == '\'')
		return wrong(l, "a character is missing");
	if (*l->p == '\\') {
		l->p++;
		r = escape(l, '\'', &c, &byte);
	} else {
		c = utf8_get(l->p, (size_t)(l->end - l->p), &len);
		l->p += len;
	}
	if (r < 0)
		return r;
	if (l->p >= l->end || *l->p != '\'')
		return wrong(l, "a character does not end");
	l->p++;
	return give(l, json_integer(c));
}

/* Digits of @base with their '_' taken out, in @text. 0 or -EINVAL */
static int whole(const char *text, unsigned base, bool minus, json_int_t *ret)
{
	unsigned long long v = 0, max = (1ULL << 63) - !minus;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		const char *all = "0123456789abcdef";
		const char *d = strchr(all, *text | (*text > '9' ? 0x20 : 0));

		if (!d || (unsigned)(d - all) >= base)
			return -EINVAL;
		if (__builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, (unsigned)(d - all), &v) || v > max)
			return -ERANGE;
	}
	*ret = minus ? (json_int_t)(0 - v) : (json_int_t)v;
	return 0;
}

/* A '_' may stand between digits, and behind the prefix of the base. */
static bool take_underscores(char *text, bool prefixed)
{
	char *to = text;

	for (const char *s = text; *s; s++) {
		if (*s != '_')
			*to++ = *s;
		else if ((s == text && !prefixed) || s[1] == '\0' || s[1] == '_' ||
			 strchr(".eE+-", s[1]) || (s > text && strchr(".eE+-", s[-1])))
			return false;
	}
	*to = '\0';
	return true;
}

static int number(struct lex *l)
{
	char text[48], *digits = text, *stop;
	bool minus = *l->p == '-';
	unsigned base = 10;
	json_int_t v = 0;
	size_t n = 0;
	double d;
	int r;

	if (*l->p == '-' || *l->p == '+')
		l->p++;
	for (; l->p < l->end && n < sizeof(text) - 1; l->p++) {
		bool sign = *l->p == '+' || *l->p == '-';

		if (sign ? !n || (text[n - 1] | 0x20) != 'e' || (text[1] | 0x20) == 'x'
			 : !*l->p || !strchr("0123456789abcdefABCDEFxXoO_.", *l->p))
			break;
		text[n++] = *l->p;
	}
	text[n] = '\0';
	if (text[0] == '0' && n > 1) {
		base = (text[1] | 0x20) == 'x'   ? 16
		       : (text[1] | 0x20) == 'o' ? 8
		       : (text[1] | 0x20) == 'b' ? 2
						 : 10;
		digits += base != 10 ? 2 : 0;
		if (base == 10 && !strpbrk(text, ".eE"))
			base = 8;
	}
	if (!take_underscores(digits, digits != text))
		return wrong(l, "not a number");
	r = base == 10 && strpbrk(digits, ".eE") ? -ENOENT : whole(digits, base, minus, &v);
	if (r == 0)
		return give(l, json_integer(v));
	if (r == -ERANGE)
		return wrong(l, "the number is too large");
	d = r == -ENOENT ? strtod(digits, &stop) : 0;
	if (r != -ENOENT || *stop || d > 1e300)
		return wrong(l, "not a number");
	return give(l, json_real(minus ? -d : d));
}

int lex_constant(struct lex *l)
{
	if (*l->p == '"' || *l->p == '`')
		return string(l);
	return *l->p == '\'' ? character(l) : number(l);
}
