/* SPDX-License-Identifier: Apache-2.0 */
/* subid.c - subordinate ids of a user from files and libsubid; the header is the manual */
#include "config.h"

#include "core/subid.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#ifdef HAVE_LIBSUBID
#include <shadow/subid.h>
#endif

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"

#define ID_LAST   (UINT32_MAX - 1) /* (uid_t)-1 is no id */
#define LOW_IDS   65536            /* distributions keep logins and services below it */
#define FREE_FROM 100000           /* SUB_UID_MIN of login.defs(5) */

/* One line "owner:start:count"; the owner is borrowed and not NUL-terminated. */
struct line {
	const char *owner;
	size_t owner_len;
	uint64_t start, count;
	unsigned number;
	bool bad; /* not of that form */
};

/* Next line of the text at *@at; false at its end. Empty lines and comments are bad lines of nobody. */
static bool next_line(const char **at, const char *end, struct line *l)
{
	const char *s = *at, *eol, *p;
	uint64_t v[2] = { 0 };

	if (s >= end)
		return false;
	eol = memchr(s, '\n', (size_t)(end - s));
	if (!eol)
		eol = end;
	*at = eol < end ? eol + 1 : end;
	p = memchr(s, ':', (size_t)(eol - s));
	*l = (struct line){ .owner = s,
			    .owner_len = (size_t)((p ? p : eol) - s),
			    .number = l->number + 1,
			    .bad = !p };
	for (int i = 0; i < 2 && !l->bad; i++) {
		const char *first = ++p;

		for (; p < eol && *p >= '0' && *p <= '9' && v[i] <= UINT32_MAX; p++)
			v[i] = v[i] * 10 + (uint64_t)(*p - '0');
		l->bad = p == first || (i == 0 ? p >= eol || *p != ':' : p != eol);
	}
	l->start = v[0];
	l->count = v[1];
	return true;
}

static bool is_owner(const struct line *l, const struct subid_who *who)
{
	char digits[16];
	size_t n = (size_t)snprintf(digits, sizeof(digits), "%u", who->uid);

	if (who->name && l->owner_len == strlen(who->name) &&
	    memcmp(l->owner, who->name, l->owner_len) == 0)
		return true;
	return l->owner_len == n && memcmp(l->owner, digits, n) == 0;
}

static bool overlap(const struct subid_span *a, uint64_t start, uint64_t count)
{
	return a->start < start + count && start < (uint64_t)a->start + a->count;
}

static int refuse(const struct line *l, const char *file, const char *why, struct rl_err *err)
{
	rl_fail(err, EINVAL, "'%s' line %u: the range '%.*s' %s", file, l->number,
		(int)(l->owner_len > 64 ? 64 : l->owner_len), l->owner, why);
	return rl_hint(err,
		       "have the administrator give that user a range of its own in '%s', 65536 "
		       "ids from 100000 up that no other line holds",
		       file);
}

/*
 * Threat: a range that holds ids of real users makes the containers' files and processes theirs,
 * and the other way round. newuidmap obeys the file; so the file is checked here.
 */
static int check_own(const struct line *l, const char *file, const struct subid_who *who,
		     const struct subids *have, struct rl_err *err)
{
	char why[96];

	if (l->bad)
		return refuse(l, file, "is not of the form user:start:count", err);
	if (l->start > ID_LAST || l->count > ID_LAST - l->start + 1)
		return refuse(l, file, "goes beyond the last id 4294967294", err);
	if (l->count == 0)
		return 0;
	if (who->own_id >= l->start && who->own_id - l->start < l->count) {
		(void)snprintf(why, sizeof(why), "holds your own id %u", who->own_id);
		return refuse(l, file, why, err);
	}
	if (l->start < LOW_IDS && !who->low_ok)
		return refuse(l, file, "holds ids below 65536, which are those of real users", err);
	for (size_t i = 0; i < have->n; i++) {
		if (have->v[i].start == l->start && have->v[i].count == l->count)
			continue; /* the same grant by name and by uid */
		if (overlap(&have->v[i], l->start, l->count))
			return refuse(l, file, "overlaps another range of yours", err);
	}
	return 0;
}

static void add(struct subids *s, uint64_t start, uint64_t count)
{
	if (count == 0)
		return;
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].start == start && s->v[i].count == count)
			return;
	if (s->n == ARRAY_LEN(s->v)) {
		log_debug("subordinate ids: more than %zu ranges, %llu is left out",
			  ARRAY_LEN(s->v), (unsigned long long)start);
		return;
	}
	s->v[s->n++] = (struct subid_span){ (uint32_t)start, (uint32_t)count };
}

/* The user's ranges must be nobody else's. */
static int check_others(const char *text, size_t len, const char *file, const struct subid_who *who,
			const struct subids *own, struct rl_err *err)
{
	struct line l = { 0 };

	for (const char *at = text; next_line(&at, text + len, &l);) {
		if (l.bad || is_owner(&l, who))
			continue;
		for (size_t i = 0; i < own->n; i++)
			if (overlap(&own->v[i], l.start, l.count))
				return refuse(&l, file, "overlaps the range granted to you", err);
	}
	return 0;
}

int subid_parse(const char *text, size_t len, const char *file, const struct subid_who *who,
		struct subids *ret, struct rl_err *err)
{
	struct subids own = { 0 };
	struct line l = { 0 };
	int r;

	for (const char *at = text; next_line(&at, text + len, &l);) {
		if (l.number > SUBID_LINES_MAX)
			return rl_fail(err, E2BIG, "'%s' line %u: more lines than rl reads (%d)",
				       file, l.number, SUBID_LINES_MAX);
		if (!is_owner(&l, who))
			continue;
		r = check_own(&l, file, who, &own, err);
		if (r < 0)
			return r;
		add(&own, l.start, l.count);
	}
	if (own.n > 0) {
		r = check_others(text, len, file, who, &own, err);
		if (r < 0)
			return r;
	}
	*ret = own;
	return 0;
}

static const char *file_of(enum subid_kind kind)
{
	return kind == SUBID_UID ? "/etc/subuid" : "/etc/subgid";
}

#ifdef HAVE_LIBSUBID
/*
 * The answer of a directory service is checked as a file is, by way of the same text: libsubid
 * has no line numbers, so these are those of its answer.
 */
static int check_answer(const struct subid_range *v, int n, const struct subid_who *who,
			struct subids *ret, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };

	for (int i = 0; i < n && i < 64; i++)
		if (buf_printf(&b, "%u:%lu:%lu\n", who->uid, v[i].start, v[i].count) < 0)
			return rl_oom(err);
	if (b.len == 0) {
		*ret = (struct subids){ 0 };
		return 0;
	}
	return subid_parse(b.data, b.len, "the answer of libsubid", who, ret, err);
}

/* Opened at run time: few systems have it, and only users without a line in the files need it. */
static int ask_libsubid(enum subid_kind kind, const struct subid_who *who, struct subids *ret,
			struct rl_err *err)
{
	static const char *const libs[] = { "libsubid.so.5", "libsubid.so.4", "libsubid.so.3" };
	static const char *const names[2][2] = {
		{ "subid_get_uid_ranges", "get_subuid_ranges" }, /* the second: shadow 4.9 */
		{ "subid_get_gid_ranges", "get_subgid_ranges" },
	};
	int (*get)(const char *owner, struct subid_range **ranges) = NULL;
	bool (*init)(const char *progname, FILE *logfd);
	FILE *null;
	struct subid_range *v = NULL;
	void *lib = NULL;
	int n, r;

	*ret = (struct subids){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(libs) && !lib; i++)
		lib = dlopen(libs[i], RTLD_NOW | RTLD_LOCAL);
	if (!lib || !who->name)
		return 0;
	for (size_t i = 0; i < 2 && !get; i++)
		*(void **)&get = dlsym(lib, names[kind][i]);
	*(void **)&init = dlsym(lib, "subid_init");
	/* it would write to stderr otherwise; once, because it keeps what it is given */
	null = init && kind == SUBID_UID ? fopen("/dev/null", "we") : NULL;
	if (null)
		(void)init("rl", null);
	n = get ? get(who->name, &v) : 0;
	r = n > 0 ? check_answer(v, n, who, ret, err) : 0;
	free(v);
	/* never unloaded: nss modules that it pulled in do not survive that */
	if (r == 0 && ret->n > 0) {
		ret->from = "libsubid";
		log_debug("subordinate %s: answered by libsubid",
			  kind == SUBID_UID ? "uids" : "gids");
	}
	return r;
}
#else
static int ask_libsubid(enum subid_kind kind, const struct subid_who *who, struct subids *ret,
			struct rl_err *err)
{
	(void)kind, (void)who, (void)err;
	*ret = (struct subids){ 0 };
	return 0;
}
#endif

int subid_find(enum subid_kind kind, const struct subid_who *who, struct subids *ret,
	       struct rl_err *err)
{
	const char *file = file_of(kind);
	auto_buf struct buf b = { 0 };
	int r;

	r = io_read_file(AT_FDCWD, file, SUBID_FILE_MAX, &b, err);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && b.len > 0) {
		r = subid_parse(b.data, b.len, file, who, ret, err);
		if (r < 0)
			return r;
		if (ret->n > 0) {
			log_debug("subordinate %s: answered by %s",
				  kind == SUBID_UID ? "uids" : "gids", file);
			ret->from = file;
			return 0;
		}
	}
	return ask_libsubid(kind, who, ret, err);
}

uint32_t subid_free_start(void)
{
	uint64_t start = FREE_FROM;

	for (int kind = SUBID_UID; kind <= SUBID_GID; kind++) {
		auto_buf struct buf b = { 0 };
		struct line l = { 0 };
		struct rl_err err;

		if (io_read_file(AT_FDCWD, file_of(kind), SUBID_FILE_MAX, &b, &err) < 0 || !b.data)
			continue; /* only advice: an unreadable file grants nothing */
		for (const char *at = b.data; next_line(&at, b.data + b.len, &l);)
			if (!l.bad && l.start <= ID_LAST && l.start + l.count > start)
				start = l.start + l.count;
	}
	return start + 65536 <= ID_LAST ? (uint32_t)start : 0;
}
