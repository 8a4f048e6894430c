/* SPDX-License-Identifier: Apache-2.0 */
/* mntlist.c - mounts while they are collected; the header is the manual */
#include "config.h"

#include "cmd/engine/mntlist.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/engine/spec_text.h"
#include "core/base/cleanup.h"

static unsigned depth_of(const char *path)
{
	unsigned n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

static struct mntlist_entry *find(const struct mntlist *l, const char *dest)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].dest, dest) == 0)
			return &l->v[i];
	return NULL;
}

static json_t *make(const char *dest, const char *type, const char *source,
		    const char *const *options)
{
	json_t *o = json_array();

	for (; o && *options; options++) {
		if (**options && json_array_append_new(o, json_string(*options)) < 0) {
			json_decref(o);
			return NULL;
		}
	}
	return json_pack("{s:s, s:s, s:s, s:o}", "destination", dest, "type", type, "source",
			 source, "options", o);
}

static int grow(struct mntlist *l, struct rl_err *err)
{
	size_t cap = l->cap ? l->cap * 2 : 32;
	void *p;

	if (l->n < l->cap)
		return 0;
	if (l->n >= MNTLIST_MAX)
		return rl_fail(err, E2BIG, "more than %d mounts", MNTLIST_MAX);
	p = realloc(l->v, cap * sizeof(*l->v));
	if (!p)
		return rl_oom(err);
	l->v = p;
	l->cap = cap;
	return 0;
}

int mntlist_add(struct mntlist *l, enum mnt_rank rank, const char *dest, const char *type,
		const char *source, const char *const *options, struct rl_err *err)
{
	struct mntlist_entry *e = find(l, dest);
	bool both_asked = e && rank == MNT_USER && e->rank == MNT_USER;
	json_auto_t *j = NULL;
	int r;

	if (e && e->rank >= rank && !both_asked)
		return 1;
	r = e ? 0 : grow(l, err);
	if (r < 0)
		return r;
	j = make(dest, type, source, options);
	if (!j)
		return rl_fail(err, EINVAL, "mount at '%.200s': not valid UTF-8, or out of memory",
			       dest);
	if (both_asked && json_equal(e->j, j))
		return 1; /* scripts put their options together from parts */
	if (both_asked) {
		rl_fail(err, EEXIST, "'%s': duplicate mount destination", dest);
		return rl_hint(err, "leave one of them out");
	}
	if (e) {
		json_decref(e->j);
		e->j = json_incref(j);
		e->rank = rank;
		return 0;
	}
	e = &l->v[l->n];
	*e = (struct mntlist_entry){ strdup(dest), j, rank, depth_of(dest) };
	if (!e->dest)
		return rl_oom(err);
	json_incref(j);
	l->n++;
	return 0;
}

int mntlist_set(struct mntlist *l, const char *dest, const char *source, const char *const *options,
		struct rl_err *err)
{
	struct mntlist_entry *e = find(l, dest);
	json_t *j = e ? make(dest, "bind", source, options) : NULL;

	if (!j)
		return rl_fail(err, EINVAL, "mount at '%.200s': not valid UTF-8, or out of memory",
			       dest);
	json_decref(e->j);
	e->j = j;
	return 0;
}

void mntlist_forget(struct mntlist *l, const char *dest)
{
	struct mntlist_entry *e = find(l, dest);

	if (!e)
		return;
	json_decref(e->j);
	free(e->dest);
	l->n--;
	memmove(e, e + 1, (size_t)(l->v + l->n - e) * sizeof(*e));
}

bool mntlist_has(const struct mntlist *l, const char *dest)
{
	return find(l, dest) != NULL;
}

bool mntlist_covers(const struct mntlist *l, const char *dest)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct mntlist_entry *e = &l->v[i];
		const char *type = json_string_value(json_object_get(e->j, "type"));

		if (e->rank == MNT_DEFAULT || !text_path_below(dest, e->dest))
			continue;
		/* a tmpfs is empty and the container's own: things may be made in it */
		if (strcmp(e->dest, dest) == 0 || strcmp(type ? type : "", "tmpfs") != 0)
			return true;
	}
	return false;
}

/* Parents first; at one depth the defaults first. */
static bool before(const struct mntlist_entry *a, const struct mntlist_entry *b)
{
	if (a->depth != b->depth)
		return a->depth < b->depth;
	return a->rank == MNT_DEFAULT && b->rank != MNT_DEFAULT;
}

int mntlist_finish(struct mntlist *l, json_t *to, struct rl_err *err)
{
	/* insertion sort: stable, and the list is short and nearly sorted */
	for (size_t i = 1; i < l->n; i++) {
		struct mntlist_entry e = l->v[i];
		size_t k = i;

		for (; k > 0 && before(&e, &l->v[k - 1]); k--)
			l->v[k] = l->v[k - 1];
		l->v[k] = e;
	}
	for (size_t i = 0; i < l->n; i++)
		if (json_array_append(to, l->v[i].j) < 0)
			return rl_oom(err);
	return 0;
}

void mntlist_done(struct mntlist *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].dest);
		json_decref(l->v[i].j);
	}
	free(l->v);
	*l = (struct mntlist){ 0 };
}
