/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c - "--filter KEY=VALUE" of lists; the header is the manual */
#include "config.h"

#include "cmd/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/parse.h"

void filters_done(struct filters *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].value);
		if (f->v[i].has_re)
			regfree(&f->v[i].re);
	}
	free(f->v);
	*f = (struct filters){ 0 };
}

static int refuse(const struct filter_kind *k, const char *word, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	int r = rl_fail(err, EINVAL, "'%s' is no filter for %s", word, k->what);

	for (size_t i = 0; k->keys[i]; i++)
		if (buf_printf(&b, "%s%s",
			       i == 0           ? ""
			       : k->keys[i + 1] ? ", "
						: " or ",
			       k->keys[i]) < 0)
			return r; /* the message is there */
	return rl_hint(err, "KEY=VALUE with %s", b.data);
}

static int add(const struct filter_kind *k, const struct rl *rl, struct filters *f,
	       const char *word, struct rl_err *err)
{
	/* "label!=x" has its '=' behind the '!' */
	const char *eq = strchr(word, '=');
	struct filter *x = &f->v[f->n];
	size_t len = eq ? (size_t)(eq - word) : 0;
	int i = 0;

	while (k->keys[i] && (strlen(k->keys[i]) != len || strncmp(k->keys[i], word, len) != 0))
		i++;
	if (!eq || !k->keys[i])
		return refuse(k, word, err);
	*x = (struct filter){ .key = i, .value = strdup(eq + 1) };
	if (!x->value)
		return rl_oom(err);
	f->n++;
	return k->check(k, rl, x, err);
}

int filters_new(const struct filter_kind *k, const struct rl *rl, const struct strv *words,
		struct filters *ret, struct rl_err *err)
{
	int r = 0;

	*ret = (struct filters){ .v = calloc(words->n + 1, sizeof(*ret->v)) };
	if (!ret->v)
		return rl_oom(err);
	for (size_t i = 0; r == 0 && i < words->n; i++)
		r = add(k, rl, ret, words->v[i], err);
	if (r < 0)
		filters_done(ret);
	return r;
}

bool filters_match(const struct filter_kind *k, const struct filters *f, filter_cb one,
		   const void *arg)
{
	uint32_t given = 0, matched = 0;

	for (size_t i = 0; i < f->n; i++) {
		const uint32_t bit = 1U << f->v[i].key;
		const bool m = one(&f->v[i], arg);

		if ((k->each & bit) && !m)
			return false;
		given |= bit;
		matched |= m ? bit : 0;
	}
	return given == matched;
}

bool filters_have(const struct filters *f, int key)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].key == key)
			return true;
	return false;
}

int filter_bool(const struct filter_kind *k, struct filter *f, struct rl_err *err)
{
	return parse_bool(f->value, &f->yes) < 0
		       ? rl_fail(err, EINVAL, "filter %s: '%s' is neither true nor false",
				 k->keys[f->key], f->value)
		       : 0;
}

int filter_regex(const struct filter_kind *k, struct filter *f, struct rl_err *err)
{
	if (regcomp(&f->re, f->value, REG_EXTENDED | REG_NOSUB) != 0)
		return rl_fail(err, EINVAL, "filter %s: '%s' is no regular expression",
			       k->keys[f->key], f->value);
	f->has_re = true;
	return 0;
}

int filter_word(const struct filter_kind *k, const struct filter *f, const char *const *words,
		size_t n, const char *what, struct rl_err *err)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(f->value, words[i]) == 0)
			return 0;
	return rl_fail(err, EINVAL, "filter %s: '%s' is no %s", k->keys[f->key], f->value, what);
}

bool filter_has_pair(const json_t *o, const char *want)
{
	const char *eq = strchr(want, '=');
	auto_free char *key = eq ? strndup(want, (size_t)(eq - want)) : strdup(want);
	const char *v = key ? json_string_value(json_object_get(o, key)) : NULL;

	return v && (!eq || strcmp(v, eq + 1) == 0);
}
