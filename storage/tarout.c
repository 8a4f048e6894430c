/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarout.c - the tar writer; the header is the manual
 *
 * Theory of operation: an entry is up to three things: a pax header (a pseudo file of records), the
 * ustar header, the data padded to 512 bytes. A sparse file's data begins with its map, which
 * belongs to the size that the ustar header names. Everything passes through one buffer.
 */
#include "config.h"

#include "storage/tarout.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"

#define BLOCK     512
#define NAME_ROOM 100
#define SIZE_MAX8 ((INT64_C(1) << 33) - 1) /* eleven octal digits */
#define ID_MAX    07777777u                /* seven */

/* As on the medium; all text, numbers in octal */
struct ustar {
	char name[NAME_ROOM];
	char mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type;
	char link[NAME_ROOM];
	char magic[6], version[2], uname[32], gname[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct ustar) == BLOCK, "one block");

static const char zeros[BLOCK];

void tarout_init(struct tarout *t, tarout_sink sink, void *arg)
{
	t->sink = sink;
	t->arg = arg;
	t->left = t->total = 0;
	t->n = 0;
}

int tarout_to_fd(void *arg, const void *p, size_t n, struct rl_err *err)
{
	const int *fd = arg;
	int r = io_write_all(*fd, p, n);

	return r < 0 ? rl_fail_sys(err, -r, "write the archive") : 0;
}

static int flush(struct tarout *t, struct rl_err *err)
{
	int r = t->n ? t->sink(t->arg, t->buf, t->n, err) : 0;

	t->n = 0;
	return r;
}

static int put(struct tarout *t, const void *p, size_t n, struct rl_err *err)
{
	t->total += (int64_t)n;
	while (n > 0) {
		size_t part = sizeof(t->buf) - t->n < n ? sizeof(t->buf) - t->n : n;

		memcpy(t->buf + t->n, p, part);
		t->n += part;
		p = (const char *)p + part;
		n -= part;
		if (t->n == sizeof(t->buf) && flush(t, err) < 0)
			return -err->code;
	}
	return 0;
}

static int pad(struct tarout *t, struct rl_err *err)
{
	size_t rest = (size_t)(t->total % BLOCK);

	return rest ? put(t, zeros, BLOCK - rest, err) : 0;
}

/* --- headers ------------------------------------------------------------------------------- */

/* @room - 1 octal digits and NUL; what does not fit is in the pax header */
static void octal(char *to, size_t room, uint64_t v)
{
	to[--room] = '\0';
	while (room > 0) {
		to[--room] = (char)('0' + (v & 7));
		v >>= 3;
	}
}

/* A field that need not end in NUL */
static void field(char *to, size_t room, const char *s)
{
	memcpy(to, s, strnlen(s, room));
}

static int put_header(struct tarout *t, struct ustar *h, struct rl_err *err)
{
	const unsigned char *b = (const unsigned char *)h;
	unsigned sum = 0;

	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	memset(h->sum, ' ', sizeof(h->sum));
	for (size_t i = 0; i < BLOCK; i++)
		sum += b[i];
	octal(h->sum, 7, sum);
	return put(t, h, BLOCK, err);
}

/* "LEN KEY=VALUE\n", where LEN counts its own digits as well */
static int record(struct buf *b, const char *key, const char *name, const void *value, size_t n)
{
	size_t rest = strlen(key) + strlen(name) + n + 3, len = rest + 1, digits = 1;

	for (size_t v = len; v >= 10; v /= 10)
		digits++;
	len = rest + digits;
	if (snprintf(NULL, 0, "%zu", len) != (int)digits)
		len++;
	if (buf_printf(b, "%zu %s%s=", len, key, name) < 0 || buf_add(b, value, n) < 0 ||
	    buf_add(b, "\n", 1) < 0)
		return -ENOMEM;
	return 0;
}

static int record_text(struct buf *b, const char *key, const char *value)
{
	return record(b, key, "", value, strlen(value));
}

static int record_number(struct buf *b, const char *key, int64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lld", (long long)v);
	return record_text(b, key, text);
}

/* Before 1970 whole seconds only: readers disagree what the fraction of a negative time means. */
static int record_time(struct buf *b, const struct timespec *ts)
{
	const long long s = ts->tv_sec;
	const long ns = s < 0 ? 0 : ts->tv_nsec;
	char text[40];

	if (s >= 0 && s <= SIZE_MAX8 && ns == 0)
		return 0;
	if (ns > 0)
		(void)snprintf(text, sizeof(text), "%lld.%09ld", s, ns);
	else
		(void)snprintf(text, sizeof(text), "%lld", s);
	return record_text(b, "mtime", text);
}

/* Sequences that are no UTF-8 are told, for readers that would convert them. */
static bool is_utf8(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	while (*p) {
		int more = *p < 0x80                 ? 0
			   : *p >= 0xc2 && *p < 0xe0 ? 1
			   : *p >= 0xe0 && *p < 0xf0 ? 2
						     : 3;

		if (*p >= 0xf5 || (*p >= 0x80 && *p < 0xc2))
			return false;
		for (p++; more > 0; more--, p++)
			if ((*p & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static int64_t data_size(const struct tarout_entry *e)
{
	int64_t sum = 0;

	if (e->type != TAROUT_FILE)
		return 0;
	if (!e->extents)
		return e->size;
	for (size_t i = 0; i < e->n_extents; i++)
		sum += e->extents[i].len;
	return sum;
}

/* The map of a sparse file: numbers of one line each, padded to a block */
static int make_map(const struct tarout_entry *e, struct buf *map)
{
	int r;

	if (!e->extents)
		return 0;
	r = buf_printf(map, "%zu\n", e->n_extents);
	for (size_t i = 0; i < e->n_extents && r == 0; i++)
		r = buf_printf(map, "%lld\n%lld\n", (long long)e->extents[i].off,
			       (long long)e->extents[i].len);
	if (r == 0 && map->len % BLOCK)
		r = buf_add(map, zeros, BLOCK - map->len % BLOCK);
	return r;
}

/* @path: with the slash of a folder */
static int make_records(const struct tarout_entry *e, const char *path, int64_t size, struct buf *b)
{
	const bool long_name = strlen(path) > NAME_ROOM;
	const bool long_link = e->link && strlen(e->link) > NAME_ROOM;
	int r = 0;

	if ((long_name && !is_utf8(path)) || (long_link && !is_utf8(e->link)))
		r = record_text(b, "hdrcharset", "BINARY");
	if (r == 0 && e->extents) {
		r = record_text(b, "GNU.sparse.major", "1");
		if (r == 0)
			r = record_text(b, "GNU.sparse.minor", "0");
		if (r == 0)
			r = record_text(b, "GNU.sparse.name", path);
		if (r == 0)
			r = record_number(b, "GNU.sparse.realsize", e->size);
	} else if (r == 0 && long_name) {
		r = record_text(b, "path", path);
	}
	if (r == 0 && long_link)
		r = record_text(b, "linkpath", e->link);
	if (r == 0 && size > SIZE_MAX8)
		r = record_number(b, "size", size);
	if (r == 0 && e->uid > ID_MAX)
		r = record_number(b, "uid", e->uid);
	if (r == 0 && e->gid > ID_MAX)
		r = record_number(b, "gid", e->gid);
	if (r == 0)
		r = record_time(b, &e->mtime);
	for (size_t i = 0; i < e->n_xattrs && r == 0; i++)
		if (!strchr(e->xattrs[i].name, '='))
			r = record(b, "SCHILY.xattr.", e->xattrs[i].name, e->xattrs[i].value,
				   e->xattrs[i].len);
	return r;
}

static int put_records(struct tarout *t, const struct buf *b, const char *path, struct rl_err *err)
{
	struct ustar h = { .type = 'x' };
	const char *base = strrchr(path, '/');
	char name[NAME_ROOM];
	int r;

	base = base && base[1] ? base + 1 : path;
	(void)snprintf(name, sizeof(name), "PaxHeaders/%.80s", base);
	field(h.name, sizeof(h.name), name);
	octal(h.mode, sizeof(h.mode), 0644);
	octal(h.uid, sizeof(h.uid), 0);
	octal(h.gid, sizeof(h.gid), 0);
	octal(h.size, sizeof(h.size), b->len);
	octal(h.mtime, sizeof(h.mtime), 0);
	r = put_header(t, &h, err);
	if (r == 0)
		r = put(t, b->data, b->len, err);
	return r == 0 ? pad(t, err) : r;
}

static void fill_header(struct ustar *h, const struct tarout_entry *e, const char *path,
			int64_t size)
{
	*h = (struct ustar){ .type = (char)e->type };
	if (e->extents) /* what a reader that knows no sparse files sees */
		(void)snprintf(h->name, sizeof(h->name), "GNUSparseFile.0/%.80s", path);
	else
		field(h->name, sizeof(h->name), path);
	if (e->link)
		field(h->link, sizeof(h->link), e->link);
	octal(h->mode, sizeof(h->mode), e->mode & 07777);
	octal(h->uid, sizeof(h->uid), e->uid <= ID_MAX ? e->uid : 0);
	octal(h->gid, sizeof(h->gid), e->gid <= ID_MAX ? e->gid : 0);
	octal(h->size, sizeof(h->size), size <= SIZE_MAX8 ? (uint64_t)size : 0);
	octal(h->mtime, sizeof(h->mtime),
	      e->mtime.tv_sec >= 0 && e->mtime.tv_sec <= SIZE_MAX8 ? (uint64_t)e->mtime.tv_sec : 0);
	if (e->type == TAROUT_CHAR || e->type == TAROUT_BLOCK) {
		octal(h->major, sizeof(h->major), e->major);
		octal(h->minor, sizeof(h->minor), e->minor);
	}
}

int tarout_entry(struct tarout *t, const struct tarout_entry *e, struct rl_err *err)
{
	auto_buf struct buf records = { 0 }, map = { 0 };
	auto_free char *path = str_printf("%s%s", e->path, e->type == TAROUT_DIR ? "/" : "");
	const int64_t data = data_size(e);
	struct ustar h;
	int r;

	assert(t->left == 0);
	if (!path || make_map(e, &map) < 0 ||
	    make_records(e, path, data + (int64_t)map.len, &records) < 0)
		return rl_oom(err);
	r = pad(t, err); /* of the last entry's data */
	if (r == 0 && records.len)
		r = put_records(t, &records, path, err);
	if (r < 0)
		return r;
	fill_header(&h, e, path, data + (int64_t)map.len);
	r = put_header(t, &h, err);
	if (r == 0 && map.len)
		r = put(t, map.data, map.len, err);
	t->left = data;
	return r;
}

int tarout_data(struct tarout *t, const void *p, size_t n, struct rl_err *err)
{
	assert(t->left >= (int64_t)n);
	t->left -= (int64_t)n;
	return put(t, p, n, err);
}

int tarout_end(struct tarout *t, struct rl_err *err)
{
	int r = pad(t, err);

	assert(t->left == 0);
	for (int i = 0; i < 2 && r == 0; i++)
		r = put(t, zeros, BLOCK, err);
	return r == 0 ? flush(t, err) : r;
}
