/* SPDX-License-Identifier: Apache-2.0 */
/* idmap.c - uid and gid maps; the header is the manual */
#include "config.h"

#include "core/idmap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/cleanup.h"

#define ID_LAST (UINT32_MAX - 1)

static bool has(uint32_t first, uint32_t count, uint32_t id)
{
	return id >= first && id - first < count;
}

static bool touch(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count)
{
	return has(a, a_count, b) || has(b, b_count, a);
}

int64_t idmap_to_outside(const struct idmap *m, uint32_t inside)
{
	for (size_t i = 0; i < m->n; i++)
		if (has(m->v[i].inside, m->v[i].count, inside))
			return (int64_t)m->v[i].outside + (inside - m->v[i].inside);
	return -1;
}

int64_t idmap_to_inside(const struct idmap *m, uint32_t outside)
{
	for (size_t i = 0; i < m->n; i++)
		if (has(m->v[i].outside, m->v[i].count, outside))
			return (int64_t)m->v[i].inside + (outside - m->v[i].outside);
	return -1;
}

uint64_t idmap_count(const struct idmap *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += m->v[i].count;
	return n;
}

bool idmap_equal(const struct idmap *a, const struct idmap *b)
{
	/* three uint32_t: no padding that memcmp could trip over */
	return a->n == b->n && memcmp(a->v, b->v, a->n * sizeof(a->v[0])) == 0;
}

int idmap_add(struct idmap *m, uint32_t inside, uint32_t outside, uint32_t count)
{
	if (count == 0)
		return 0;
	if (inside > ID_LAST || outside > ID_LAST || count - 1 > ID_LAST - inside ||
	    count - 1 > ID_LAST - outside)
		return -EINVAL;
	for (size_t i = 0; i < m->n; i++)
		if (touch(m->v[i].inside, m->v[i].count, inside, count) ||
		    touch(m->v[i].outside, m->v[i].count, outside, count))
			return -EINVAL;
	if (m->n == ARRAY_LEN(m->v))
		return -E2BIG;
	m->v[m->n++] = (struct idrange){ inside, outside, count };
	return 0;
}

static int cannot_add(int r, const char *what, struct rl_err *err)
{
	if (r == -E2BIG)
		return rl_fail(err, E2BIG, "%s: more than %zu lines", what,
			       ARRAY_LEN(((struct idmap *)NULL)->v));
	return rl_fail(err, -r, "%s: an id is mapped twice or out of range", what);
}

int idmap_identity(const struct idmap *s, struct idmap *ret, struct rl_err *err)
{
	struct idmap m = { 0 };

	for (size_t i = 0; i < s->n; i++) {
		int r = idmap_add(&m, s->v[i].inside, s->v[i].inside, s->v[i].count);

		if (r < 0)
			return cannot_add(r, "identity id map", err);
	}
	*ret = m;
	return 0;
}

/* A few lines at most: insertion sort by inside id. */
static void sort_inside(struct idmap *m)
{
	for (size_t i = 1; i < m->n; i++)
		for (size_t k = i; k > 0 && m->v[k].inside < m->v[k - 1].inside; k--) {
			struct idrange t = m->v[k];

			m->v[k] = m->v[k - 1];
			m->v[k - 1] = t;
		}
}

int idmap_keep_id(const struct idmap *s, uint32_t id, struct idmap *ret, struct rl_err *err)
{
	struct idmap sorted = *s, m = { 0 };
	uint32_t next = id == 0; /* lowest id of C that has no partner yet */
	int r;

	if (idmap_to_outside(s, 0) < 0 || id > ID_LAST)
		return rl_fail(err, EINVAL, "keep-id map: id %u cannot be the caller", id);
	sort_inside(&sorted);
	r = idmap_add(&m, id, 0, 1);
	for (size_t i = 0; i < sorted.n && r == 0; i++) {
		uint32_t from = sorted.v[i].inside, left = sorted.v[i].count;

		if (from == 0) { /* 0 is taken by @id */
			from++;
			left--;
		}
		while (left > 0 && r == 0) {
			uint32_t n = next < id && id - next < left ? id - next : left;

			r = idmap_add(&m, next, from, n);
			from += n;
			left -= n;
			next += n;
			if (next == id)
				next++;
		}
	}
	if (r < 0)
		return cannot_add(r, "keep-id map", err);
	*ret = m;
	return 0;
}

/* @from without [first, first + count), of its inside or outside ids. */
static int carve(const struct idmap *from, bool inside, uint32_t first, uint32_t count,
		 struct idmap *ret)
{
	struct idmap m = { 0 };
	uint64_t end = (uint64_t)first + count;

	for (size_t i = 0; i < from->n; i++) {
		struct idrange v = from->v[i];
		uint64_t at = inside ? v.inside : v.outside, v_end = at + v.count;
		uint64_t lo = first > at ? first : at, hi = end < v_end ? end : v_end;
		uint32_t before = lo < hi ? (uint32_t)(lo - at) : v.count;
		uint32_t after = lo < hi ? (uint32_t)(v_end - hi) : 0;
		int r = idmap_add(&m, v.inside, v.outside, before);

		if (r == 0)
			r = idmap_add(&m, v.inside + (v.count - after),
				      v.outside + (v.count - after), after);
		if (r < 0)
			return r;
	}
	*ret = m;
	return 0;
}

int idmap_put(struct idmap *m, uint32_t inside, uint32_t outside, uint32_t count)
{
	struct idmap t, u;
	int r = carve(m, true, inside, count, &t);

	if (r == 0)
		r = carve(&t, false, outside, count, &u);
	if (r == 0)
		r = idmap_add(&u, inside, outside, count);
	if (r == 0)
		*m = u;
	return r;
}

int idmap_within(const struct idmap *m, const struct idmap *s, struct idmap *ret,
		 struct rl_err *err)
{
	struct idmap cut = { 0 };

	for (size_t i = 0; i < m->n; i++) {
		struct idrange v = m->v[i];

		while (v.count > 0) {
			uint32_t n = 0;
			int r;

			for (size_t k = 0; k < s->n && n == 0; k++)
				if (has(s->v[k].inside, s->v[k].count, v.outside))
					n = s->v[k].count - (v.outside - s->v[k].inside);
			if (n == 0)
				return rl_fail(err, EINVAL,
					       "'%u:%u:%u' asks for id %u, which is not among the "
					       "%llu that you have",
					       m->v[i].inside, m->v[i].outside, m->v[i].count,
					       v.outside, (unsigned long long)idmap_count(s));
			n = n < v.count ? n : v.count;
			r = idmap_add(&cut, v.inside, v.outside, n);
			if (r < 0)
				return cannot_add(r, "id map", err);
			v.inside += n;
			v.outside += n;
			v.count -= n;
		}
	}
	*ret = cut;
	return 0;
}

void idmap_truncate(struct idmap *m, uint32_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		struct idrange v = m->v[i];

		if (v.inside >= size)
			continue;
		v.count = v.count < size - v.inside ? v.count : size - v.inside;
		m->v[n++] = v;
	}
	m->n = n;
}

bool idmap_is_identity(const struct idmap *m)
{
	for (size_t i = 0; m && i < m->n; i++)
		if (m->v[i].inside != m->v[i].outside)
			return false;
	return true;
}

size_t idmap_format(const struct idmap *m, char out[IDMAP_TEXT])
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < m->n; i++)
		n += (size_t)snprintf(out + n, IDMAP_TEXT - n, "%u %u %u\n", m->v[i].inside,
				      m->v[i].outside, m->v[i].count);
	return n;
}

/* One number and the blanks before it; NULL when there is none. */
static const char *number(const char *s, uint32_t *ret)
{
	uint64_t v = 0;

	while (*s == ' ' || *s == '\t')
		s++;
	if (*s < '0' || *s > '9')
		return NULL;
	for (; *s >= '0' && *s <= '9'; s++) {
		v = v * 10 + (uint64_t)(*s - '0');
		if (v > UINT32_MAX)
			return NULL;
	}
	*ret = (uint32_t)v;
	return s;
}

int idmap_parse(const char *text, struct idmap *ret)
{
	struct idmap m = { 0 };

	while (*text) {
		uint32_t v[3];
		int r;

		for (int i = 0; i < 3; i++) {
			text = number(text, &v[i]);
			if (!text || (i < 2 && *text != ' ' && *text != '\t'))
				return -EINVAL;
		}
		if (v[2] == 0 || (*text && *text != '\n'))
			return -EINVAL;
		r = idmap_add(&m, v[0], v[1], v[2]);
		if (r < 0)
			return r;
		text += *text == '\n';
	}
	*ret = m;
	return 0;
}
