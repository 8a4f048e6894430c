/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template_text.c - characters and the functions of templates that change or escape them
 *
 * Case and printability of letters beyond ASCII come from the C library's C.UTF-8, whatever the
 * user's locale is; without it only ASCII has case.
 */
#include "config.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <wctype.h>

#include "cmd/template_ast.h"
#include "cmd/template_value.h"

/* --- UTF-8 -------------------------------------------------------------------------------- */

uint32_t utf8_get(const char *s, size_t n, size_t *ret_len)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t len = *p < 0x80 ? 1 : *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
	uint32_t c = len == 1 ? *p : *p & (0xffU >> (len + 1));
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

	*ret_len = 1;
	if (len == 1)
		return c;
	if (*p < 0xc2 || *p > 0xf4 || len > n)
		return UTF8_BAD;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return UTF8_BAD;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return UTF8_BAD;
	*ret_len = len;
	return c;
}

int utf8_put(struct buf *out, uint32_t c)
{
	char b[4];
	size_t n = 0;

	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		c = UTF8_BAD;
	if (c < 0x80) {
		b[n++] = (char)c;
	} else {
		int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;

		b[n++] = (char)((0xf0U << (3 - more) & 0xff) | c >> (6 * more));
		while (more-- > 0)
			b[n++] = (char)(0x80 | (c >> (6 * more) & 0x3f));
	}
	return buf_add(out, b, n);
}

size_t utf8_count(const char *s, size_t n)
{
	size_t count = 0;

	for (size_t i = 0, len; i < n; i += len, count++)
		(void)utf8_get(s + i, n - i, &len);
	return count;
}

static locale_t letters(void)
{
	return newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

bool utf8_printable(uint32_t c)
{
	locale_t l;
	bool yes;

	if (c < 0x7f)
		return c >= ' ';
	/* blanks other than ' ' and what is never drawn */
	if (c < 0xa1 || c == 0xad || (c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) ||
	    (c >= 0x205f && c <= 0x206f) || c == 0x3000 || c == 0xfeff ||
	    (c >= 0xe000 && c < 0xf900) || c >= 0xf0000)
		return false;
	l = letters();
	if (!l)
		return true;
	yes = iswprint_l((wint_t)c, l) != 0;
	freelocale(l);
	return yes;
}

static int quote_char(uint32_t c, char quote, bool ascii, struct buf *out)
{
	static const char from[] = "\a\b\f\n\r\t\v\\", to[] = "abfnrtv\\";
	const char *e = c && c < 0x80 ? strchr(from, (int)c) : NULL;

	if (e)
		return buf_printf(out, "\\%c", to[e - from]);
	if (c == (unsigned char)quote)
		return buf_printf(out, "\\%c", quote);
	if (c < 0x80 ? utf8_printable(c) : !ascii && utf8_printable(c))
		return utf8_put(out, c);
	if (c < 0x80)
		return buf_printf(out, "\\x%02x", (unsigned)c);
	return buf_printf(out, c < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)c);
}

int utf8_quote(const char *s, size_t n, char quote, bool ascii, struct buf *out)
{
	int r = buf_add(out, &quote, 1);

	for (size_t i = 0, len; i < n && r == 0; i += len) {
		uint32_t c = utf8_get(s + i, n - i, &len);

		if (c == UTF8_BAD && len == 1)
			r = buf_printf(out, "\\x%02x", (unsigned char)s[i]);
		else
			r = quote_char(c, quote, ascii, out);
	}
	return r < 0 ? r : buf_add(out, &quote, 1);
}

/* --- html, js, urlquery ------------------------------------------------------------------- */

static int html(uint32_t c, const char *s, size_t len, struct buf *out)
{
	switch (c) {
	case '&':
		return buf_str(out, "&amp;");
	case '<':
		return buf_str(out, "&lt;");
	case '>':
		return buf_str(out, "&gt;");
	case '"':
	case '\'':
		return buf_printf(out, "&#%u;", (unsigned)c);
	default:
		return buf_add(out, s, len);
	}
}

static int js(uint32_t c, const char *s, size_t len, struct buf *out)
{
	if (c < 0x80 && strchr("\\'\"", (int)c))
		return buf_printf(out, "\\%c", (char)c);
	if (c < ' ' || (c < 0x80 && strchr("<>&=", (int)c)) || !utf8_printable(c))
		return buf_printf(out, "\\u%04X", (unsigned)c);
	return buf_add(out, s, len);
}

static int urlquery(uint32_t c, const char *s, size_t len, struct buf *out)
{
	int r = 0;

	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c && c < 0x80 && strchr("-_.~", (int)c)))
		return buf_add(out, s, len);
	if (c == ' ')
		return buf_str(out, "+");
	for (size_t i = 0; i < len && r == 0; i++)
		r = buf_printf(out, "%%%02X", (unsigned char)s[i]);
	return r;
}

/* The text of all arguments as print has it, but a missing or empty value is "<no value>". */
static int sprint(const struct call_env *c, struct buf *b)
{
	int r = 0;

	for (size_t i = 0; i < c->n && r == 0; i++) {
		const json_t *v = json_is_null(c->args[i]) ? NULL : c->args[i];

		if (i && !json_is_string(v) && !json_is_string(c->args[i - 1]))
			r = buf_str(b, " ");
		if (r == 0)
			r = tmpl_print(c->kinds, v, b);
	}
	return r;
}

int tmpl_escape(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	auto_buf struct buf text = { 0 }, out = { 0 };
	int r = sprint(c, &text);

	for (size_t i = 0, len; i < text.len && r == 0; i += len) {
		const char *s = text.data + i;
		uint32_t ch = utf8_get(s, text.len - i, &len);

		r = c->name[0] == 'h'   ? html(ch, s, len, &out)
		    : c->name[0] == 'j' ? js(ch, s, len, &out)
					: urlquery(ch, s, len, &out);
	}
	return r < 0 ? rl_oom(err) : tmpl_give(&out, ret, err);
}

/* --- lower, upper, title ------------------------------------------------------------------ */

/* What strings.Title takes for the end of a word */
static bool ends_word(uint32_t c, locale_t l)
{
	if (c < 0x80)
		return !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			 (c >= 'A' && c <= 'Z') || c == '_');
	return l && !iswalnum_l((wint_t)c, l) && iswspace_l((wint_t)c, l);
}

static uint32_t to_case(uint32_t c, bool up, locale_t l)
{
	if (c < 0x80)
		return up && c >= 'a' && c <= 'z'    ? c - 32
		       : !up && c >= 'A' && c <= 'Z' ? c + 32
						     : c;
	if (!l)
		return c;
	return (uint32_t)(up ? towupper_l((wint_t)c, l) : towlower_l((wint_t)c, l));
}

int tmpl_case(const struct call_env *c, json_t **ret, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	bool start = true, beyond = false;
	locale_t l = (locale_t)0;
	const char *s;
	size_t n;
	int r = 0;

	if (c->n != 1 || !json_is_string(c->args[0]))
		return tmpl_wrong(c, "needs a text", err);
	s = json_string_value(c->args[0]);
	n = json_string_length(c->args[0]);
	for (size_t i = 0; i < n; i++)
		beyond |= (unsigned char)s[i] >= 0x80;
	if (beyond)
		l = letters();
	for (size_t i = 0, len; i < n && r == 0; i += len) {
		uint32_t ch = utf8_get(s + i, n - i, &len);

		r = c->name[0] == 't' && !start ? buf_add(&b, s + i, len)
						: utf8_put(&b, to_case(ch, c->name[0] != 'l', l));
		start = ends_word(ch, l);
	}
	if (l)
		freelocale(l);
	return r < 0 ? rl_oom(err) : tmpl_give(&b, ret, err);
}
