/* SPDX-License-Identifier: Apache-2.0 */
/* opt.c - option tables; the header is the manual */
#include "config.h"

#include "cmd/opt.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/help.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/parse.h"

bool opt_takes_value(const struct opt *o)
{
	/* one that is refused is refused before a missing value could be the news */
	return o->type != OPT_T_BOOL && o->type != OPT_T_TRI && o->type != OPT_T_IGNORE_BOOL &&
	       o->type != OPT_T_LATER;
}

static const struct opt *find_long(const struct opt *table, const char *name, size_t len)
{
	for (const struct opt *o = table; o->type != OPT_T_END; o++)
		if (strlen(o->name) == len && strncmp(o->name, name, len) == 0)
			return o;
	return NULL;
}

static const struct opt *find_short(const struct opt *table, char c)
{
	for (const struct opt *o = table; o->type != OPT_T_END; o++)
		if (o->short_name == c)
			return o;
	return NULL;
}

static int bad_value(const struct opt *o, const char *value, const char *want, struct rl_err *err)
{
	return rl_fail(err, EINVAL, "invalid value '%s' for '--%s': expected %s", value, o->name,
		       want);
}

static int store_list(const struct opt *o, struct strv *l, const char *value)
{
	return o->type == OPT_T_STRINGS ? strv_split(l, value, ',') : strv_add(l, value);
}

static int store_tri(const struct opt *o, int *at, const char *value, struct rl_err *err)
{
	bool on = true;

	if (value && parse_bool(value, &on) < 0)
		return bad_value(o, value, "true or false", err);
	*at = on;
	return 0;
}

static int store(const struct opt *o, void *opts, const char *value, struct rl_err *err)
{
	void *at = (char *)opts + o->offset;

	switch (o->type) {
	case OPT_T_BOOL:
		if (!value)
			*(bool *)at = true;
		else if (parse_bool(value, at) < 0)
			return bad_value(o, value, "true or false", err);
		return 0;
	case OPT_T_TRI:
		return store_tri(o, at, value, err);
	case OPT_T_UINT:
		return parse_uint(value, INT64_MAX, at) < 0
			       ? bad_value(o, value, "a number, 0 or more", err)
			       : 0;
	case OPT_T_INT:
		return parse_int(value, INT64_MIN + 1, INT64_MAX, at) < 0
			       ? bad_value(o, value, "a number", err)
			       : 0;
	case OPT_T_SIZE:
		return parse_size(value, at) < 0
			       ? bad_value(o, value, "a size such as 64m or 1.5g", err)
			       : 0;
	case OPT_T_NANO:
		return parse_nano(value, at) < 0
			       ? bad_value(o, value, "a number such as 1 or 0.5", err)
			       : 0;
	case OPT_T_STR:
		*(const char **)at = value;
		return 0;
	case OPT_T_LIST:
	case OPT_T_STRINGS:
		return store_list(o, at, value) < 0 ? rl_oom(err) : 0;
	case OPT_T_LATER:
		return rl_fail(err, ENOTSUP, "not supported yet: --%s", o->name);
	case OPT_T_IGNORE:
	case OPT_T_IGNORE_BOOL:
	case OPT_T_END:
		return 0;
	}
	return 0;
}

/* @word: "name=x", as it was typed behind its dashes. Return: -EINVAL */
static int unknown(const struct opt *table, const char *word, struct rl_err *err)
{
	auto_free char *name = strndup(word, strcspn(word, "="));
	auto_buf struct buf near = { 0 };

	if (name && help_suggest_option(name, table, &near) > 0)
		rl_hint(err, "did you mean %s?", near.data);
	return -EINVAL;
}

/* One that @table does not know. */
static const struct opt *find_also(struct opt_also *also, const char *name, size_t len, void **ret)
{
	const struct opt *o = also ? find_long(also->table, name, len) : NULL;

	if (!o || strcmp(o->name, "help") == 0 || strcmp(o->name, "version") == 0)
		return NULL;
	also->used = true;
	*ret = also->opts;
	return o;
}

static int parse_long(const struct opt *table, struct opt_also *also, int argc, char *const *argv,
		      int i, void *opts, struct rl_err *err)
{
	const char *word = argv[i] + 2, *eq = strchr(word, '=');
	size_t len = eq ? (size_t)(eq - word) : strlen(word);
	const struct opt *o = find_long(table, word, len);
	const char *value = eq ? eq + 1 : NULL;
	int r;

	if (!o && strcmp(word, "help") == 0)
		return -ECANCELED;
	if (!o)
		o = find_also(also, word, len, &opts);
	if (!o) {
		rl_fail(err, EINVAL, "unknown flag: --%.*s", (int)len, word);
		return unknown(table, word, err);
	}
	if (opt_takes_value(o) && !value) {
		if (++i >= argc)
			return rl_fail(err, EINVAL, "flag needs an argument: --%s", o->name);
		value = argv[i];
	}
	r = store(o, opts, value, err);
	return r < 0 ? r : i;
}

static int parse_short(const struct opt *table, int argc, char *const *argv, int i, void *opts,
		       struct rl_err *err)
{
	int r;

	for (const char *c = argv[i] + 1; *c; c++) {
		const struct opt *o = find_short(table, *c);
		const char *value = NULL;

		if (!o) {
			rl_fail(err, EINVAL, "unknown shorthand flag: '%c' in %s", *c, argv[i]);
			return find_long(table, argv[i] + 1, strcspn(argv[i] + 1, "="))
				       ? unknown(table, argv[i] + 1, err) /* "-name" */
				       : -EINVAL;
		}
		if (!opt_takes_value(o)) {
			if (c[1] == '=') { /* "-i=false" */
				r = store(o, opts, c + 2, err);
				return r < 0 ? r : i;
			}
			r = store(o, opts, NULL, err);
			if (r < 0)
				return r;
			continue;
		}
		if (c[1])
			value = c[1] == '=' ? c + 2 : c + 1;
		else if (++i < argc)
			value = argv[i];
		else
			return rl_fail(err, EINVAL, "flag needs an argument: '%c' in %s", *c,
				       argv[i - 1]);
		r = store(o, opts, value, err);
		return r < 0 ? r : i;
	}
	return i;
}

int opt_parse(const struct opt *table, int stop_early, int argc, char *const *argv, void *opts,
	      const char **rest, struct rl_err *err)
{
	return opt_parse_also(table, NULL, stop_early, argc, argv, opts, rest, err);
}

int opt_parse_also(const struct opt *table, struct opt_also *also, int stop_early, int argc,
		   char *const *argv, void *opts, const char **rest, struct rl_err *err)
{
	int n = 0;

	for (int i = 0; i < argc; i++) {
		const char *w = argv[i];

		if (w[0] != '-' || w[1] == '\0') {
			rest[n++] = w;
			if (!stop_early)
				continue;
			while (++i < argc)
				rest[n++] = argv[i];
			break;
		}
		if (strcmp(w, "--") == 0) {
			while (++i < argc)
				rest[n++] = argv[i];
			break;
		}
		i = w[1] == '-' ? parse_long(table, also, argc, argv, i, opts, err)
				: parse_short(table, argc, argv, i, opts, err);
		if (i < 0)
			return i;
	}
	return n;
}

void opt_done(const struct opt *table, void *opts)
{
	for (const struct opt *o = table; o->type != OPT_T_END; o++)
		if (o->type == OPT_T_LIST || o->type == OPT_T_STRINGS)
			strv_done((struct strv *)(void *)((char *)opts + o->offset));
}

int opt_help(const struct opt *table, struct buf *out)
{
	for (const struct opt *o = table; o->type != OPT_T_END; o++) {
		char left[96];
		char s[5] = "    ";

		if (!o->help)
			continue;
		if (o->short_name)
			(void)snprintf(s, sizeof(s), "-%c, ", o->short_name);
		(void)snprintf(left, sizeof(left), "%s--%s%s%s", s, o->name, o->arg ? " " : "",
			       o->arg ? o->arg : "");
		if (buf_printf(out, "  %-32s %s\n", left, o->help) < 0)
			return -ENOMEM;
	}
	return 0;
}
