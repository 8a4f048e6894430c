/* SPDX-License-Identifier: Apache-2.0 */
/* image_filter.c - which images are shown; the header is the manual */
#include "config.h"

#include "cmd/image_filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "cmd/image_view.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "core/base/when.h"

enum key {
	KEY_REFERENCE,
	KEY_DANGLING,
	KEY_LABEL,
	KEY_NOT_LABEL,
	KEY_BEFORE,
	KEY_SINCE,
	KEY_UNTIL,
	KEY_ID,
	KEY_DIGEST,
	KEY_CONTAINERS,
	KEY_INTERMEDIATE,
	KEY_READONLY,
	KEY_MANIFEST,
	KEYS,
};

static const struct {
	const char *name;
	enum key key;
} key_names[] = {
	{ "reference", KEY_REFERENCE },
	{ "dangling", KEY_DANGLING },
	{ "label", KEY_LABEL },
	{ "label!", KEY_NOT_LABEL },
	{ "before", KEY_BEFORE },
	{ "since", KEY_SINCE },
	{ "after", KEY_SINCE },
	{ "until", KEY_UNTIL },
	{ "id", KEY_ID },
	{ "digest", KEY_DIGEST },
	{ "containers", KEY_CONTAINERS },
	{ "intermediate", KEY_INTERMEDIATE },
	{ "readonly", KEY_READONLY },
	{ "manifest", KEY_MANIFEST },
};

struct filter {
	enum key key;
	char *value; /* owned */
	bool yes;
	int64_t ns;
};

struct image_filters {
	struct filter *v;
	size_t n;
};

void image_filters_free(struct image_filters *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i].value);
	free(f->v);
	free(f);
}

static bool is_bool(enum key key)
{
	return key == KEY_DANGLING || key == KEY_CONTAINERS || key == KEY_INTERMEDIATE ||
	       key == KEY_READONLY || key == KEY_MANIFEST;
}

/* What the value means, once and for all. */
static int resolve(const struct rl *rl, struct filter *f, const char *text, struct rl_err *err)
{
	auto_image struct image img = { 0 };
	int r;

	if (is_bool(f->key) && parse_bool(f->value, &f->yes) < 0)
		return rl_fail(err, EINVAL, "filter '%s': expected true or false", text);
	if (f->key == KEY_UNTIL && when_parse(f->value, wall_ns(), &f->ns, err) < 0)
		return rl_wrap(err, "filter '%s'", text);
	if (f->key != KEY_BEFORE && f->key != KEY_SINCE)
		return 0;
	r = image_find(rl, f->value, NULL, &img, err);
	f->ns = img.created_ns;
	return r < 0 ? rl_wrap(err, "filter '%s'", text) : 0;
}

static int add(const struct rl *rl, struct image_filters *list, const char *text,
	       struct rl_err *err)
{
	/* "label!=x" has its '=' behind the '!' */
	const char *eq = strchr(text, '=');
	struct filter *f = &list->v[list->n];
	size_t len = eq ? (size_t)(eq - text) : 0;

	for (size_t i = 0; i < ARRAY_LEN(key_names) && eq; i++) {
		if (strlen(key_names[i].name) != len || memcmp(key_names[i].name, text, len) != 0)
			continue;
		f->key = key_names[i].key;
		f->value = strdup(eq + 1);
		if (!f->value)
			return rl_oom(err);
		list->n++;
		return resolve(rl, f, text, err);
	}
	rl_fail(err, EINVAL, "unknown filter '%s'", text);
	return rl_hint(err, "KEY=VALUE with reference, dangling, label, before, since, until, id, "
			    "digest, containers");
}

int image_filters_new(const struct rl *rl, const struct strv *texts, const char *reference,
		      struct image_filters **ret, struct rl_err *err)
{
	struct image_filters *f = calloc(1, sizeof(*f));
	auto_free char *word = reference ? str_printf("reference=%s", reference) : NULL;
	int r = 0;

	if (f)
		f->v = calloc(texts->n + 1, sizeof(*f->v));
	if (!f || !f->v || (reference && !word)) {
		image_filters_free(f);
		return rl_oom(err);
	}
	for (size_t i = 0; i < texts->n && r == 0; i++)
		r = add(rl, f, texts->v[i], err);
	if (r == 0 && word)
		r = add(rl, f, word, err);
	if (r < 0) {
		image_filters_free(f);
		return r;
	}
	*ret = f;
	return 0;
}

bool image_filters_need_config(const struct image_filters *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].key == KEY_LABEL || f->v[i].key == KEY_NOT_LABEL)
			return true;
	return false;
}

/* --- matching ---------------------------------------------------------------------------- */

bool image_name_matches(const char *pattern, const char *name)
{
	size_t len = strcspn(name, "@");
	const char *colon = memrchr(name, ':', len), *slash = memrchr(name, '/', len);
	auto_free char *repo = NULL;

	if (colon && (!slash || colon > slash))
		len = (size_t)(colon - name);
	repo = strndup(name, len);
	for (const char *p = name; p && repo; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL) {
		size_t at = (size_t)(p - name);

		if (at > len)
			break; /* '/' can stand in nothing behind the repository */
		if (fnmatch(pattern, p, FNM_PATHNAME) == 0 ||
		    fnmatch(pattern, repo + at, FNM_PATHNAME) == 0)
			return true;
	}
	return false;
}

static bool any_name(const struct image *img, const char *pattern)
{
	for (size_t i = 0; i < img->names.n; i++)
		if (image_name_matches(pattern, img->names.v[i]))
			return true;
	return false;
}

/* "key" or "key=value" */
static bool has_label(const struct image *img, const char *want)
{
	const char *eq = strchr(want, '=');
	auto_free char *key = eq ? strndup(want, (size_t)(eq - want)) : strdup(want);
	const json_t *v = key ? json_object_get(image_labels(img), key) : NULL;

	return v && (!eq || (json_is_string(v) && strcmp(json_string_value(v), eq + 1) == 0));
}

static bool has_prefix(const char *s, const char *prefix)
{
	return s && strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool match(const struct filter *f, const struct image *img, int containers)
{
	switch (f->key) {
	case KEY_REFERENCE:
		return any_name(img, f->value);
	case KEY_DANGLING:
		return f->yes == (img->names.n == 0);
	case KEY_LABEL:
		return has_label(img, f->value);
	case KEY_NOT_LABEL:
		return !has_label(img, f->value);
	case KEY_BEFORE:
	case KEY_UNTIL:
		return img->created_ns < f->ns;
	case KEY_SINCE:
		return img->created_ns > f->ns;
	case KEY_ID:
		return has_prefix(img->id, f->value) || has_prefix(f->value, img->id);
	case KEY_DIGEST:
		return has_prefix(img->digest, f->value) || has_prefix(img->index_digest, f->value);
	case KEY_CONTAINERS:
		return f->yes == (containers > 0);
	case KEY_INTERMEDIATE: /* no such images here: nor read-only ones, nor lists as images */
	case KEY_READONLY:
	case KEY_MANIFEST:
		return !f->yes;
	case KEYS:
		break;
	}
	return false;
}

bool image_filters_match(const struct image_filters *f, const struct image *img, int containers)
{
	bool given[KEYS] = { 0 }, matched[KEYS] = { 0 };

	for (size_t i = 0; i < f->n; i++) {
		enum key k = f->v[i].key;
		bool m = match(&f->v[i], img, containers);

		if ((k == KEY_LABEL || k == KEY_NOT_LABEL) && !m)
			return false;
		given[k] = true;
		matched[k] = matched[k] || m;
	}
	for (int k = 0; k < KEYS; k++)
		if (given[k] && !matched[k])
			return false;
	return true;
}
