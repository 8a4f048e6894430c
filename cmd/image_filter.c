/* SPDX-License-Identifier: Apache-2.0 */
/* image_filter.c - which images are shown; the header is the manual */
#include "config.h"

#include "cmd/image_filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "cmd/filter.h"
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
	KEY_AFTER,
	KEY_UNTIL,
	KEY_ID,
	KEY_DIGEST,
	KEY_CONTAINERS,
	KEY_INTERMEDIATE,
	KEY_READONLY,
	KEY_MANIFEST,
	KEYS,
};

static const char *const key_names[KEYS + 1] = {
	"reference", "dangling", "label",  "label!",     "before",       "since",    "after",
	"until",     "id",       "digest", "containers", "intermediate", "readonly", "manifest",
};

/* What the value means, once and for all. */
static int check_value(const struct filter_kind *k, const struct rl *rl, struct filter *f,
		       struct rl_err *err)
{
	auto_image struct image img = { 0 };
	int r;

	switch ((enum key)f->key) {
	case KEY_DANGLING:
	case KEY_CONTAINERS:
	case KEY_INTERMEDIATE:
	case KEY_READONLY:
	case KEY_MANIFEST:
		return filter_bool(k, f, err);
	case KEY_UNTIL:
		return when_parse(f->value, wall_ns(), &f->ns, err);
	case KEY_BEFORE:
	case KEY_SINCE:
	case KEY_AFTER:
		r = image_find(rl, f->value, NULL, &img, err);
		f->ns = img.created_ns;
		return r < 0 ? rl_wrap(err, "filter %s", key_names[f->key]) : 0;
	case KEY_REFERENCE:
	case KEY_LABEL:
	case KEY_NOT_LABEL:
	case KEY_ID:
	case KEY_DIGEST:
	case KEYS:
		break;
	}
	return 0;
}

static const struct filter_kind kind = { "images", key_names, 1U << KEY_LABEL | 1U << KEY_NOT_LABEL,
					 check_value };

int image_filters_new(const struct rl *rl, const struct strv *texts, const char *reference,
		      struct filters *ret, struct rl_err *err)
{
	auto_free char *word = reference ? str_printf("reference=%s", reference) : NULL;
	auto_strv struct strv words = { 0 };

	if ((reference && !word) || strv_copy(&words, texts) < 0 ||
	    (word && strv_add(&words, word) < 0))
		return rl_oom(err);
	return filters_new(&kind, rl, &words, ret, err);
}

bool image_filters_need_config(const struct filters *f)
{
	return filters_have(f, KEY_LABEL) || filters_have(f, KEY_NOT_LABEL);
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

static bool has_prefix(const char *s, const char *prefix)
{
	return s && strncmp(s, prefix, strlen(prefix)) == 0;
}

struct candidate {
	const struct image *img;
	int containers;
};

static bool match(const struct filter *f, const void *arg)
{
	const struct candidate *c = arg;
	const struct image *img = c->img;

	switch ((enum key)f->key) {
	case KEY_REFERENCE:
		return any_name(img, f->value);
	case KEY_DANGLING:
		return f->yes == (img->names.n == 0);
	case KEY_LABEL:
		return filter_has_pair(image_labels(img), f->value);
	case KEY_NOT_LABEL:
		return !filter_has_pair(image_labels(img), f->value);
	case KEY_BEFORE:
	case KEY_UNTIL:
		return img->created_ns < f->ns;
	case KEY_SINCE:
	case KEY_AFTER:
		return img->created_ns > f->ns;
	case KEY_ID:
		return has_prefix(img->id, f->value) || has_prefix(f->value, img->id);
	case KEY_DIGEST:
		return has_prefix(img->digest, f->value) || has_prefix(img->index_digest, f->value);
	case KEY_CONTAINERS:
		return f->yes == (c->containers > 0);
	case KEY_MANIFEST:
		return f->yes == img->is_list;
	case KEY_INTERMEDIATE: /* no such images here: nor read-only ones */
	case KEY_READONLY:
		return !f->yes;
	case KEYS:
		break;
	}
	return false;
}

bool image_filters_match(const struct filters *f, const struct image *img, int containers)
{
	return filters_match(&kind, f, match, &(const struct candidate){ img, containers });
}
