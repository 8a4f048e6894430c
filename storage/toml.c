/* SPDX-License-Identifier: Apache-2.0 */
/*
 * toml.c - a TOML subset; the header is the manual
 *
 * Theory of operation: one pass over the text with a cursor (struct in), no look-back. A header
 * line "[a.b]" moves @table, key lines add below it. Every table remembers how it came to be
 * (enum origin), which is all that is needed for TOML's rules on what may be extended or opened
 * twice. The text may hold NUL and any other byte; strings must be UTF-8 without control bytes.
 */
#include "config.h"

#include "storage/toml.h"

#include <errno.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/parse.h"

enum origin {
	IMPLIED, /* middle part of a header such as [a.b] */
	HEADER,  /* its own [header] */
	DOTTED,  /* middle part of a dotted key */
	CLOSED,  /* inline table or plain array: complete */
	TABLES,  /* array made by [[header]] */
};

struct in {
	const char *p, *end;
	unsigned line;
	size_t nodes;
	const char *file;
	struct rl_err *err;
};

static int bad(struct in *in, const char *what)
{
	return rl_fail(in->err, EINVAL, "%s line %u: %s", in->file, in->line, what);
}

static int too_much(struct in *in, const char *what)
{
	return rl_fail(in->err, EFBIG, "%s line %u: %s", in->file, in->line, what);
}

void toml_free(struct toml *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		toml_free(t->v[i]);
	free(t->v);
	free(t->key);
	free(t->str);
	free(t);
}

const struct toml *toml_get(const struct toml *t, const char *key)
{
	if (!t || t->type != TOML_TABLE)
		return NULL;
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->v[i]->key, key) == 0)
			return t->v[i];
	return NULL;
}

/* The child of @t named @key, for the parser, which may change it. */
static struct toml *child(const struct toml *t, const char *key)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->v[i]->key, key) == 0)
			return t->v[i];
	return NULL;
}

/* Add an empty node to @parent; @key (NULL in arrays) is owned even on failure. */
static struct toml *add_take(struct in *in, struct toml *parent, char *key, enum toml_type type,
			     enum origin origin)
{
	auto_free char *own = key;
	auto_toml struct toml *t = NULL;
	struct toml **v;

	if (++in->nodes > TOML_NODES_MAX) {
		too_much(in, "more keys and values than rl reads");
		return NULL;
	}
	t = calloc(1, sizeof(*t));
	if (t && (parent->n & (parent->n - 1)) == 0) { /* capacity: the power of two above n */
		v = reallocarray(parent->v, parent->n ? parent->n * 2 : 1, sizeof(struct toml *));
		if (v)
			parent->v = v;
		else
			toml_free(TAKE_PTR(t));
	}
	if (!t) {
		rl_oom(in->err);
		return NULL;
	}
	t->type = type;
	t->origin = (unsigned char)origin;
	t->line = in->line;
	t->key = TAKE_PTR(own);
	parent->v[parent->n++] = t;
	return TAKE_PTR(t);
}

/* --- blanks, comments, line ends --------------------------------------------------------- */

static bool at(const struct in *in, char c)
{
	return in->p < in->end && *in->p == c;
}

static bool take(struct in *in, char c)
{
	if (!at(in, c))
		return false;
	in->p++;
	return true;
}

static bool starts(const struct in *in, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(in->end - in->p) >= n && memcmp(in->p, s, n) == 0;
}

static void skip_blanks(struct in *in)
{
	while (at(in, ' ') || at(in, '\t'))
		in->p++;
}

static bool take_newline(struct in *in)
{
	if (starts(in, "\r\n"))
		in->p++;
	if (!take(in, '\n'))
		return false;
	in->line++;
	return true;
}

/* Control bytes other than tab are not allowed anywhere in a TOML text. */
static bool is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

static int skip_comment(struct in *in)
{
	if (!take(in, '#'))
		return 0;
	while (in->p < in->end && !at(in, '\n') && !starts(in, "\r\n")) {
		if (is_control(*in->p))
			return bad(in, "control byte in a comment");
		in->p++;
	}
	return 0;
}

/* Blanks, comments and line ends, as between the entries of an array. */
static int skip_lines(struct in *in)
{
	do {
		skip_blanks(in);
		if (skip_comment(in) < 0)
			return -EINVAL;
	} while (take_newline(in));
	return 0;
}

static int end_of_line(struct in *in)
{
	skip_blanks(in);
	if (skip_comment(in) < 0)
		return -EINVAL;
	if (in->p == in->end || take_newline(in))
		return 0;
	return bad(in, "more text where the line should end");
}

/* --- strings ----------------------------------------------------------------------------- */

static int add_byte(struct in *in, struct buf *b, char c)
{
	return buf_add(b, &c, 1) < 0 ? rl_oom(in->err) : 0;
}

static int add_utf8(struct in *in, struct buf *b, uint32_t u)
{
	char c[4];
	size_t n;

	if (u == 0 || u > 0x10ffff || (u >= 0xd800 && u <= 0xdfff))
		return bad(in, "escape is no Unicode character, or NUL");
	if (u < 0x80) {
		c[0] = (char)u;
		n = 1;
	} else if (u < 0x800) {
		c[0] = (char)(0xc0 | u >> 6);
		n = 2;
	} else if (u < 0x10000) {
		c[0] = (char)(0xe0 | u >> 12);
		n = 3;
	} else {
		c[0] = (char)(0xf0 | u >> 18);
		n = 4;
	}
	for (size_t i = 1; i < n; i++)
		c[i] = (char)(0x80 | (u >> 6 * (n - 1 - i) & 0x3f));
	return buf_add(b, c, n) < 0 ? rl_oom(in->err) : 0;
}

static int unicode_escape(struct in *in, struct buf *b, size_t digits)
{
	uint32_t u = 0;

	for (size_t i = 0; i < digits; i++) {
		char c = in->p < in->end ? *in->p : 0;

		if (c >= '0' && c <= '9')
			u = u << 4 | (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			u = u << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
		else
			return bad(in, "escape with too few hex digits");
		in->p++;
	}
	return add_utf8(in, b, u);
}

/* After the backslash. */
static int escape(struct in *in, struct buf *b, bool multi)
{
	static const char from[] = "btnfre\"\\", to[] = "\b\t\n\f\r\033\"\\";
	const char *k = in->p < in->end && *in->p ? strchr(from, *in->p) : NULL;

	if (k) {
		in->p++;
		return add_byte(in, b, to[k - from]);
	}
	if (take(in, 'u'))
		return unicode_escape(in, b, 4);
	if (take(in, 'U'))
		return unicode_escape(in, b, 8);
	if (multi) { /* a backslash at the end of a line joins it with the next text */
		skip_blanks(in);
		if (take_newline(in)) {
			do
				skip_blanks(in);
			while (take_newline(in));
			return 0;
		}
	}
	return bad(in, "unknown escape in a string");
}

/* Bytes of the UTF-8 character at @p, or 0 when it is none (RFC 3629 table). */
static size_t utf8_len(const char *p, const char *end)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t n = u[0] < 0x80 ? 1 : u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;

	if (n == 0 || u[0] > 0xf4 || (size_t)(end - p) < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return n;
}

/* Printable ASCII but quotes and backslashes: most of most strings, taken at once. */
static size_t plain_run(const struct in *in)
{
	const char *p = in->p;

	while (p < in->end && *p >= ' ' && *p < 0x7f && *p != '"' && *p != '\'' && *p != '\\')
		p++;
	return (size_t)(p - in->p);
}

static int plain_char(struct in *in, struct buf *b, bool multi)
{
	size_t n = plain_run(in);

	if (n > 0) {
		if (buf_add(b, in->p, n) < 0)
			return rl_oom(in->err);
		in->p += n;
		return 0;
	}

	if (multi && (at(in, '\n') || starts(in, "\r\n"))) {
		(void)take_newline(in); /* just seen */
		return add_byte(in, b, '\n');
	}
	if (is_control(*in->p))
		return bad(in, at(in, '\n') ? "string without end" : "control byte in a string");
	n = utf8_len(in->p, in->end);
	if (n == 0)
		return bad(in, "string is not UTF-8");
	if (buf_add(b, in->p, n) < 0)
		return rl_oom(in->err);
	in->p += n;
	return 0;
}

/* The closing quotes of a multi-line string; up to two more quotes before them are content. */
static int close_multi(struct in *in, struct buf *b, char q)
{
	in->p += 3;
	for (int i = 0; i < 2 && take(in, q); i++)
		if (add_byte(in, b, q) < 0)
			return -ENOMEM;
	return 0;
}

/* At a quote: either kind, one line or (@allow_multi) several. */
static int string(struct in *in, bool allow_multi, char **ret)
{
	auto_buf struct buf b = { 0 };
	char q = *in->p, three[] = { q, q, q, 0 };
	bool multi = allow_multi && starts(in, three);
	int r = 0;

	in->p += multi ? 3 : 1;
	if (multi)
		(void)take_newline(in); /* one right after the quotes does not count */
	while (r == 0) {
		if (in->p == in->end)
			return bad(in, "string without end");
		if (multi ? starts(in, three) : at(in, q)) {
			if (!multi)
				in->p++;
			else if (close_multi(in, &b, q) < 0)
				return rl_oom(in->err);
			break;
		}
		if (q == '"' && take(in, '\\'))
			r = escape(in, &b, multi);
		else
			r = plain_char(in, &b, multi);
	}
	if (r < 0)
		return r;
	*ret = buf_take(&b);
	return *ret ? 0 : rl_oom(in->err);
}

/* --- keys -------------------------------------------------------------------------------- */

static bool is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

static int key_part(struct in *in, char **ret)
{
	const char *start = in->p;

	if (at(in, '"') || at(in, '\''))
		return string(in, false, ret);
	while (in->p < in->end && is_bare(*in->p))
		in->p++;
	if (in->p == start)
		return bad(in, "expected a key");
	*ret = strndup(start, (size_t)(in->p - start));
	return *ret ? 0 : rl_oom(in->err);
}

/* Step into table @key of @t on the way to a dotted name, making it if need be; owns @key. */
static struct toml *descend_take(struct in *in, struct toml *t, char *key, enum origin origin)
{
	auto_free char *own = key;
	struct toml *c = child(t, own);

	if (!c)
		return add_take(in, t, TAKE_PTR(own), TOML_TABLE, origin);
	if (c->type == TOML_ARRAY && c->origin == TABLES && origin == IMPLIED)
		return c->v[c->n - 1];
	/* a dotted key may only go on where dotted keys began; a header not into what is complete */
	if (c->type == TOML_TABLE && (origin == DOTTED ? c->origin == DOTTED : c->origin != CLOSED))
		return c;
	rl_fail(in->err, EINVAL, "%s line %u: '%s' was defined on line %u and cannot be extended",
		in->file, in->line, own, c->line);
	return NULL;
}

/* A dotted name; @t moves to the table that the last part belongs to. */
static int dotted(struct in *in, struct toml **t, enum origin origin, char **ret_last)
{
	auto_free char *part = NULL;
	int r;

	for (int depth = 0;; depth++) {
		if (depth > TOML_DEPTH_MAX)
			return too_much(in, "key with too many parts");
		skip_blanks(in);
		r = key_part(in, &part);
		if (r < 0)
			return r;
		skip_blanks(in);
		if (!take(in, '.')) {
			*ret_last = TAKE_PTR(part);
			return 0;
		}
		*t = descend_take(in, *t, TAKE_PTR(part), origin);
		if (!*t)
			return -in->err->code;
	}
}

static int twice(struct in *in, const struct toml *first)
{
	return rl_fail(in->err, EINVAL, "%s line %u: '%s' is already defined on line %u", in->file,
		       in->line, first->key, first->line);
}

/* --- values ------------------------------------------------------------------------------ */

static int value(struct in *in, struct toml *parent, char *key, int depth);

static int array(struct in *in, struct toml *t, int depth)
{
	int r;

	for (;;) {
		if (skip_lines(in) < 0)
			return -EINVAL;
		if (take(in, ']'))
			return 0;
		r = value(in, t, NULL, depth);
		if (r < 0)
			return r;
		if (skip_lines(in) < 0)
			return -EINVAL;
		if (!take(in, ',') && !at(in, ']'))
			return bad(in, "array: expected ',' or ']'");
	}
}

static int key_value(struct in *in, struct toml *table, int depth)
{
	auto_free char *key = NULL;
	const struct toml *first;
	int r = dotted(in, &table, DOTTED, &key);

	if (r < 0)
		return r;
	first = child(table, key);
	if (first)
		return twice(in, first);
	if (!take(in, '='))
		return bad(in, "expected '=' after a key");
	skip_blanks(in);
	return value(in, table, TAKE_PTR(key), depth);
}

static int inline_table(struct in *in, struct toml *t, int depth)
{
	int r;

	t->origin = DOTTED; /* open for its own keys, closed when done */
	skip_blanks(in);
	while (!take(in, '}')) {
		if (t->n > 0 && !take(in, ','))
			return bad(in, "inline table: expected ',' or '}'");
		r = key_value(in, t, depth);
		if (r < 0)
			return r;
		skip_blanks(in);
	}
	t->origin = CLOSED;
	return 0;
}

static bool is_word(char c)
{
	return is_bare(c) || c == '+' || c == '.' || c == ':';
}

/* Decimal with optional '_' between digits; what does not fit stays TOML_OTHER. */
static bool as_int(const char *s, int64_t *ret)
{
	char digits[24];
	size_t n = 0;

	if (*s == '+')
		s++;
	for (const char *p = s; *p; p++) {
		if (*p == '_')
			continue;
		if (n + 1 == sizeof(digits))
			return false;
		digits[n++] = *p;
	}
	digits[n] = '\0';
	return parse_int(digits, INT64_MIN + 1, INT64_MAX, ret) == 0;
}

/* true, false, numbers, dates */
static int word(struct in *in, struct toml *t)
{
	const char *start = in->p;

	while (in->p < in->end && is_word(*in->p))
		in->p++;
	if (in->p == start)
		return bad(in, "expected a value");
	t->str = strndup(start, (size_t)(in->p - start));
	if (!t->str)
		return rl_oom(in->err);
	if (strcmp(t->str, "true") == 0 || strcmp(t->str, "false") == 0) {
		t->type = TOML_BOOL;
		t->b = *t->str == 't';
		return 0;
	}
	if (as_int(t->str, &t->i)) {
		t->type = TOML_INT;
		return 0;
	}
	t->type = TOML_OTHER;
	if ((*start >= '0' && *start <= '9') || *start == '+' || *start == '-' ||
	    strcmp(t->str, "inf") == 0 || strcmp(t->str, "nan") == 0)
		return 0;
	return bad(in, "expected a value (text needs quotes)");
}

/* Adds one value to @parent; @key (NULL in an array) is owned even on failure. */
static int value(struct in *in, struct toml *parent, char *key, int depth)
{
	struct toml *t = add_take(in, parent, key, TOML_OTHER, CLOSED);

	if (!t)
		return -in->err->code;
	if (depth >= TOML_DEPTH_MAX)
		return too_much(in, "values nested too deep");
	if (at(in, '"') || at(in, '\'')) {
		t->type = TOML_STRING;
		return string(in, true, &t->str);
	}
	if (take(in, '[')) {
		t->type = TOML_ARRAY;
		return array(in, t, depth + 1);
	}
	if (take(in, '{')) {
		t->type = TOML_TABLE;
		return inline_table(in, t, depth + 1);
	}
	return word(in, t);
}

/* --- lines ------------------------------------------------------------------------------- */

/* "[[a.b]]": one more table in the array of that name */
static struct toml *open_tables(struct in *in, struct toml *t, char *key)
{
	auto_free char *own = key;
	struct toml *a = child(t, own);

	if (a && (a->type != TOML_ARRAY || a->origin != TABLES)) {
		twice(in, a);
		return NULL;
	}
	if (!a)
		a = add_take(in, t, TAKE_PTR(own), TOML_ARRAY, TABLES);
	return a ? add_take(in, a, NULL, TOML_TABLE, HEADER) : NULL;
}

/* "[a.b]" */
static struct toml *open_table(struct in *in, struct toml *t, char *key)
{
	auto_free char *own = key;
	struct toml *c = child(t, own);

	if (!c)
		return add_take(in, t, TAKE_PTR(own), TOML_TABLE, HEADER);
	if (c->type != TOML_TABLE || c->origin != IMPLIED) {
		twice(in, c);
		return NULL;
	}
	c->origin = HEADER;
	c->line = in->line;
	return c;
}

static int header(struct in *in, struct toml *root, struct toml **table)
{
	auto_free char *key = NULL;
	struct toml *t = root;
	bool many;
	int r;

	in->p++; /* '[' */
	many = take(in, '[');
	r = dotted(in, &t, IMPLIED, &key);
	if (r < 0)
		return r;
	if (!take(in, ']') || (many && !take(in, ']')))
		return bad(in, "expected ']' after a table's name");
	*table = many ? open_tables(in, t, TAKE_PTR(key)) : open_table(in, t, TAKE_PTR(key));
	return *table ? end_of_line(in) : -in->err->code;
}

static int lines(struct in *in, struct toml *root)
{
	struct toml *table = root;
	int r;

	for (;;) {
		if (skip_lines(in) < 0)
			return -EINVAL;
		if (in->p == in->end)
			return 0;
		if (at(in, '[')) {
			r = header(in, root, &table);
		} else {
			r = key_value(in, table, 0);
			if (r == 0)
				r = end_of_line(in);
		}
		if (r < 0)
			return r;
	}
}

int toml_parse(const char *text, size_t len, const char *file, struct toml **ret,
	       struct rl_err *err)
{
	struct in in = { .p = text, .end = text + len, .line = 1, .file = file, .err = err };
	auto_toml struct toml *root = NULL;
	int r;

	if (len > TOML_SIZE_MAX)
		return rl_fail(err, EFBIG, "%s is larger than %d bytes", file, TOML_SIZE_MAX);
	root = calloc(1, sizeof(*root));
	if (!root)
		return rl_oom(err);
	root->line = 1;
	root->origin = HEADER;
	if (starts(&in, "\xef\xbb\xbf")) /* byte order mark */
		in.p += 3;
	r = lines(&in, root);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(root);
	return 0;
}
