/* SPDX-License-Identifier: Apache-2.0 */
/* jsonpick.c - members of a JSON object without a tree; the header is the manual */
#include "config.h"

#include "core/base/jsonpick.h"

#include <errno.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"

#define DIGITS_MAX 18 /* what surely fits an int64_t */

struct cursor {
	const char *p, *end;
};

static void skip_blanks(struct cursor *c)
{
	while (c->p < c->end && *c->p <= ' ' &&
	       (*c->p == ' ' || *c->p == '\n' || *c->p == '\t' || *c->p == '\r'))
		c->p++;
}

/* Skip blanks, then @ch if it is there. */
static bool take(struct cursor *c, char ch)
{
	skip_blanks(c);
	if (c->p == c->end || *c->p != ch)
		return false;
	c->p++;
	return true;
}

/* One value that jansson shall judge. */
static json_t *parse(const char *p, size_t len)
{
	json_error_t ignored;

	return json_loadb(p, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &ignored);
}

static bool is_good(const char *p, size_t len)
{
	json_auto_t *j = parse(p, len);

	return j != NULL;
}

/* The quote at @c->p and all up to its partner */
static bool skip_string(struct cursor *c)
{
	const char *start = c->p, *p = start + 1;
	bool plain = true;

	for (; p < c->end && *p != '"'; p++) {
		if ((unsigned char)*p - 0x20U >= 0x7fU - 0x20U) {
			plain = false;
		} else if (*p == '\\') {
			if (++p == c->end)
				return false;
			plain = plain && *p && strchr("nt\"\\/rbf", *p);
		}
	}
	if (p == c->end)
		return false;
	c->p = p + 1;
	return plain || is_good(start, (size_t)(c->p - start));
}

/* A number or a word: all up to what may follow one */
static bool skip_scalar(struct cursor *c)
{
	const char *start = c->p, *digits;
	size_t n, len;

	while (c->p < c->end && !strchr(",]} \n\t\r", *c->p))
		c->p++;
	len = (size_t)(c->p - start);
	if ((len == 4 && (memcmp(start, "true", 4) == 0 || memcmp(start, "null", 4) == 0)) ||
	    (len == 5 && memcmp(start, "false", 5) == 0))
		return true;
	digits = len > 0 && *start == '-' ? start + 1 : start;
	n = (size_t)(c->p - digits);
	for (size_t i = 0; i < n; i++)
		if (digits[i] < '0' || digits[i] > '9')
			n = 0;
	if (n > 0 && n <= DIGITS_MAX && (n == 1 || *digits != '0'))
		return true;
	return is_good(start, len);
}

static bool skip_value(struct cursor *c, int depth);

/* Key, colon and value of one member */
static bool skip_member(struct cursor *c, int depth, struct json_text *key, struct json_text *v)
{
	skip_blanks(c);
	if (c->p == c->end || *c->p != '"')
		return false;
	key->p = c->p + 1;
	if (!skip_string(c))
		return false;
	key->len = (size_t)(c->p - key->p) - 1;
	if (!take(c, ':'))
		return false;
	skip_blanks(c);
	v->p = c->p;
	if (!skip_value(c, depth))
		return false;
	v->len = (size_t)(c->p - v->p);
	return true;
}

static bool skip_list(struct cursor *c, int depth, char end)
{
	struct json_text key, v;

	if (depth > JSON_DEPTH_MAX)
		return false;
	c->p++;
	if (take(c, end))
		return true;
	do {
		if (end == '}' ? !skip_member(c, depth, &key, &v) : !skip_value(c, depth))
			return false;
	} while (take(c, ','));
	return take(c, end);
}

/* @depth: how many lists it stands in */
static bool skip_value(struct cursor *c, int depth)
{
	skip_blanks(c);
	if (c->p == c->end)
		return false;
	if (*c->p == '{')
		return skip_list(c, depth + 1, '}');
	if (*c->p == '[')
		return skip_list(c, depth + 1, ']');
	return *c->p == '"' ? skip_string(c) : skip_scalar(c);
}

/* False: it is there twice. */
static bool keep(struct json_pick *picks, size_t n, struct json_text key, struct json_text v)
{
	for (size_t i = 0; i < n; i++) {
		if (strncmp(picks[i].key, key.p, key.len) != 0 || picks[i].key[key.len])
			continue;
		if (picks[i].v.p)
			return false;
		picks[i].v = v;
	}
	return true;
}

static bool pick(struct cursor *c, struct json_pick *picks, size_t n)
{
	struct json_text key, v;

	if (!take(c, '{'))
		return false;
	if (!take(c, '}')) {
		do {
			if (!skip_member(c, 1, &key, &v) || !keep(picks, n, key, v))
				return false;
		} while (take(c, ','));
		if (!take(c, '}'))
			return false;
	}
	skip_blanks(c);
	return c->p == c->end;
}

int json_pick(struct json_text text, const char *what, struct json_pick *picks, size_t n,
	      struct rl_err *err)
{
	struct cursor c = { text.p, text.p + text.len };

	for (size_t i = 0; i < n; i++)
		picks[i].v = (struct json_text){ 0 };
	if (!pick(&c, picks, n))
		return rl_fail(err, EINVAL, "%s: not a valid JSON object (byte %zu)", what,
			       (size_t)(c.p - text.p));
	return 0;
}

int json_pick_file(int dir_fd, const char *path, size_t max, struct buf *text,
		   struct json_pick *picks, size_t n, struct rl_err *err)
{
	int r = io_read_file(dir_fd, path, max, text, err);

	if (r < 0)
		return r;
	return json_pick((struct json_text){ text->data ? text->data : "", text->len }, path, picks,
			 n, err);
}

static bool is_kind(struct json_text v, char kind)
{
	size_t sign = *v.p == '-';

	if (kind == 'i')
		return strspn(v.p + sign, "0123456789") >= v.len - sign;
	return *v.p == (kind == 's' ? '"' : '[');
}

int json_pick_kinds(struct json_pick *picks, size_t n, const char *kinds, const char *what,
		    struct rl_err *err)
{
	for (size_t i = 0; i < n; i++) {
		struct json_text *v = &picks[i].v;

		if (v->p && *v->p == 'n') /* null */
			*v = (struct json_text){ 0 };
		if (v->p && !is_kind(*v, kinds[i]))
			return rl_fail(err, EINVAL, "%s: '%s' is not %s", what, picks[i].key,
				       kinds[i] == 's'   ? "a string"
				       : kinds[i] == 'i' ? "an integer"
							 : "an array");
	}
	return 0;
}

int64_t json_text_int(struct json_text v)
{
	const char *p = v.p, *end;
	bool negative;
	int64_t n = 0;

	if (!p)
		return 0;
	end = p + v.len;
	negative = v.len > 0 && *p == '-';
	if (negative)
		p++;
	if (p == end || end - p > DIGITS_MAX) {
		json_auto_t *j = json_text_tree(v);

		return json_integer_value(j);
	}
	for (; p < end; p++) {
		if (*p < '0' || *p > '9')
			return 0;
		n = n * 10 + (*p - '0');
	}
	return negative ? -n : n;
}

bool json_text_is_true(struct json_text v)
{
	return v.len == 4 && memcmp(v.p, "true", 4) == 0;
}

char *json_text_copy(struct json_text v, char *out, size_t room)
{
	json_auto_t *j = NULL;
	const char *s = "";
	size_t n = 0;

	if (v.len >= 2 && *v.p == '"' && !memchr(v.p, '\\', v.len)) {
		s = v.p + 1;
		n = v.len - 2;
	} else if (v.len >= 2 && *v.p == '"') {
		j = json_text_tree(v);
		s = j ? json_string_value(j) : "";
		n = strlen(s);
	}
	n = n < room ? n : room - 1;
	memcpy(out, s, n);
	out[n] = '\0';
	return out;
}

json_t *json_text_tree(struct json_text v)
{
	return v.p ? parse(v.p, v.len) : NULL;
}

bool json_text_next(struct json_text *list, struct json_text *item)
{
	struct cursor c;

	if (!list->p)
		return false;
	c = (struct cursor){ list->p, list->p + list->len };
	if (!take(&c, '[') && !take(&c, ','))
		return false;
	skip_blanks(&c);
	item->p = c.p;
	if (!skip_value(&c, 1)) /* "]" of an empty one */
		return false;
	item->len = (size_t)(c.p - item->p);
	*list = (struct json_text){ c.p, (size_t)(c.end - c.p) };
	return true;
}
