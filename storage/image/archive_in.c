/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_in.c - members of an outer tar as numbered files; the header is the manual
 *
 * Theory of operation: the child writes the files and collects a list of
 * "NUMBER SIZE NAME\0LINK\0" records, which is its answer; the parent cleans every name again.
 */
#include "config.h"

#include "storage/image/archive_in.h"

#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/image/calls.h"
#include "storage/image/child.h"
#include "storage/image/inflate.h"
#include "storage/image/place.h"
#include "storage/image/tarin.h"

#define READER      "the archive reader"
#define LIST_MAX    (64 << 20) /* bytes of the whole list of members */
#define LINKS_MAX   16         /* links followed one after the other */
#define READ_MEMORY ((size_t)(1 << INFLATE_WINDOW_LOG) + (size_t)(128 << 20))

struct record {
	int64_t number, size;
	uint32_t name_len, link_len; /* without NUL; the texts follow */
	uint32_t has_link;
};

/* --- in the child -------------------------------------------------------------------------- */

static int store_file(struct tarin *t, int stage_fd, int64_t number, int64_t *ret_size,
		      struct rl_err *err)
{
	auto_fd int fd = FD_NONE;
	int64_t at = 0, off = 0;
	const void *p;
	char name[32];
	size_t n;
	int r;

	(void)snprintf(name, sizeof(name), "%lld", (long long)number);
	fd = openat(stage_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return rl_fail_sys(err, errno, "create file '%s'", name);
	while ((r = tarin_data(t, &p, &n, &off, err)) > 0) {
		if (off != at)
			return rl_fail(err, EINVAL, "it is a sparse file");
		r = io_write_all(fd, p, n);
		if (r < 0)
			return rl_fail_sys(err, -r, "write");
		at += (int64_t)n;
	}
	*ret_size = at;
	return r;
}

static int add_record(struct buf *list, int64_t number, int64_t size, const char *name,
		      const char *link, struct rl_err *err)
{
	const struct record rec = { .number = number,
				    .size = size,
				    .name_len = (uint32_t)strlen(name),
				    .link_len = link ? (uint32_t)strlen(link) : 0,
				    .has_link = link != NULL };

	if (list->len > LIST_MAX - sizeof(rec) - 2 * (PLACE_PATH_MAX + 1))
		return rl_fail(err, E2BIG, "the names of the members are too many");
	if (buf_add(list, &rec, sizeof(rec)) < 0 || buf_str(list, name) < 0 ||
	    (link && buf_str(list, link) < 0))
		return rl_oom(err);
	return 0;
}

static int read_member(struct tarin *t, int stage_fd, struct archive_entry *e, int64_t *files,
		       struct buf *list, struct rl_err *err)
{
	const char *link = archive_entry_hardlink(e);
	const unsigned type = archive_entry_filetype(e);
	char name[PLACE_PATH_MAX + 1];
	int64_t size = 0;
	int r;

	r = place_clean(archive_entry_pathname(e), name, err);
	if (r < 0)
		return r;
	if (!link && type == AE_IFDIR)
		return 0;
	if (!link && type == AE_IFLNK)
		link = archive_entry_symlink(e);
	if (link && strlen(link) <= PLACE_PATH_MAX)
		return add_record(list, -1, 0, name, link, err);
	if (link || type != AE_IFREG || *name == '\0')
		return rl_fail(err, EINVAL, "it is neither file, folder nor link");
	r = store_file(t, stage_fd, *files, &size, err);
	if (r < 0)
		return r;
	return add_record(list, (*files)++, size, name, NULL, err);
}

static int read_all(struct tarin *t, int stage_fd, const struct archive_limits *limits,
		    struct buf *list, struct rl_err *err)
{
	char digest[TARIN_DIGEST_SIZE];
	int64_t files = 0, members = 0, bytes;
	struct archive_entry *e;
	int r;

	while ((r = tarin_next(t, &e, err)) > 0) {
		const char *name = archive_entry_pathname(e);

		if (++members > limits->max_members)
			return rl_fail(err, E2BIG, "more than %lld members",
				       (long long)limits->max_members);
		if (!name)
			return rl_fail(err, EINVAL, "a member has no name");
		r = read_member(t, stage_fd, e, &files, list, err);
		if (r < 0)
			return rl_wrap(err, "member '%.300s'", name);
	}
	/* the rest is read so that a writer on a pipe does not get SIGPIPE, and for checksums */
	return r < 0 ? r : tarin_end(t, digest, &bytes, err);
}

static _Noreturn void child(int in_fd, int stage_fd, const struct archive_limits *limits,
			    int result_fd)
{
	const int fds[] = { in_fd, result_fd };
	const struct sandbox_dir dir = { .fd = stage_fd, .access = SANDBOX_WRITE };
	const struct sandbox c = { .calls = { calls_base, calls_open },
				   .other = CALLS_OTHER,
				   .files = CALLS_FILES,
				   .dirs = &dir,
				   .n_dirs = 1,
				   .memory = READ_MEMORY,
				   .fds = fds,
				   .n_fds = 2 };
	struct rl_err err = { 0 };
	struct tarin *t = NULL;
	struct buf list = { 0 };
	int r = tarin_open(in_fd, limits->max_bytes, &t, &err);

	if (r == 0)
		r = sandbox_enter(&c, &err);
	if (r == 0)
		r = read_all(t, stage_fd, limits, &list, &err);
	child_answer(result_fd, r < 0 ? &err : NULL, list.data, list.len);
}

/* --- in the parent ------------------------------------------------------------------------- */

void archive_members_done(struct archive_members *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].name);
		free(m->v[i].link);
	}
	free(m->v);
	*m = (struct archive_members){ 0 };
}

static int take_record(const struct record *rec, const char *text, struct archive_members *m,
		       struct rl_err *err)
{
	auto_free char *raw = strndup(text, rec->name_len);
	auto_free char *link = rec->has_link ? strndup(text + rec->name_len, rec->link_len) : NULL;
	char name[PLACE_PATH_MAX + 1];
	struct archive_member *v;

	if (!raw || (rec->has_link && !link))
		return rl_oom(err);
	if (place_clean(raw, name, err) < 0)
		return -err->code;
	if (rec->size < 0 || rec->number < (rec->has_link ? -1 : 0))
		return rl_fail(err, EPROTO, "the answer of " READER " makes no sense");
	if ((m->n & (m->n - 1)) == 0) { /* full at every power of two */
		v = reallocarray(m->v, m->n ? 2 * m->n : 1, sizeof(*v));
		if (!v)
			return rl_oom(err);
		m->v = v;
	}
	m->v[m->n] = (struct archive_member){ .name = strdup(name),
					      .link = TAKE_PTR(link),
					      .size = rec->size,
					      .number = rec->has_link ? -1 : rec->number };
	return m->v[m->n++].name ? 0 : rl_oom(err);
}

static int take_list(const struct buf *b, struct archive_members *ret, struct rl_err *err)
{
	struct archive_members m = { 0 };
	struct record rec;
	int r = 0;

	for (size_t at = 0; at < b->len && r == 0;) {
		if (b->len - at < sizeof(rec)) {
			r = rl_fail(err, EPROTO, "the answer of " READER " is cut short");
			break;
		}
		memcpy(&rec, b->data + at, sizeof(rec));
		at += sizeof(rec);
		if (rec.name_len > PLACE_PATH_MAX || rec.link_len > PLACE_PATH_MAX ||
		    b->len - at < (size_t)rec.name_len + rec.link_len) {
			r = rl_fail(err, EPROTO, "the answer of " READER " makes no sense");
			break;
		}
		r = take_record(&rec, b->data + at, &m, err);
		at += (size_t)rec.name_len + rec.link_len;
	}
	if (r < 0)
		archive_members_done(&m);
	else
		*ret = m;
	return r;
}

/* Wait for the child's answer. True: the other descriptor was readable first. */
static bool cancelled(int result_fd, int cancel_fd)
{
	struct pollfd p[2] = { { .fd = result_fd, .events = POLLIN },
			       { .fd = cancel_fd, .events = POLLIN } };

	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	return p[1].revents != 0;
}

int archive_in_read(int in_fd, int stage_fd, const struct archive_limits *limits,
		    struct archive_members *ret, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	struct child c;
	int result_fd, r = child_fork(READER, &c, &result_fd, err);

	if (r == 0)
		child(in_fd, stage_fd, limits, result_fd);
	if (r < 0)
		return r;
	if (limits->cancel_fd && cancelled(c.result_fd, *limits->cancel_fd)) {
		child_kill(&c);
		return rl_fail(err, EINTR, "interrupted");
	}
	r = child_result(&c, READER, LIST_MAX, &b, err);
	return r < 0 ? r : take_list(&b, ret, err);
}

/* --- look-up ------------------------------------------------------------------------------- */

static const struct archive_member *find_exact(const struct archive_members *m, const char *name)
{
	for (size_t i = m->n; i-- > 0;)
		if (strcmp(m->v[i].name, name) == 0)
			return &m->v[i];
	return NULL;
}

/*
 * Where the link @from points, as text: ".." takes a part away, at most all of them. A leading
 * "/" is the archive's top, and what is no link relative to its folder (a hard link's target) is
 * tried from the top by the caller.
 */
static int resolve(const char *from, const char *target, char out[PLACE_PATH_MAX + 1])
{
	const char *slash = *target == '/' ? NULL : strrchr(from, '/');
	size_t n = slash ? (size_t)(slash - from) : 0;

	memcpy(out, from, n);
	while (*target) {
		size_t len = strcspn(target, "/");

		if (len == 2 && memcmp(target, "..", 2) == 0) {
			while (n > 0 && out[--n] != '/')
				;
		} else if (len > 0 && !(len == 1 && *target == '.')) {
			if (n + len + 1 > PLACE_PATH_MAX)
				return -ENAMETOOLONG;
			if (n > 0)
				out[n++] = '/';
			memcpy(out + n, target, len);
			n += len;
		}
		target += len + (target[len] == '/');
	}
	out[n] = '\0';
	return 0;
}

const struct archive_member *archive_find(const struct archive_members *m, const char *name)
{
	const struct archive_member *f, *next;
	char path[PLACE_PATH_MAX + 1];
	struct rl_err err;

	if (place_clean(name, path, &err) < 0)
		return NULL;
	f = find_exact(m, path);
	for (int i = 0; f && f->link && i < LINKS_MAX; i++) {
		next = resolve(f->name, f->link, path) == 0 ? find_exact(m, path) : NULL;
		if (!next && place_clean(f->link, path, &err) == 0)
			next = find_exact(m, path); /* a hard link: named from the top */
		f = next;
	}
	return f && !f->link ? f : NULL;
}
