/* SPDX-License-Identifier: Apache-2.0 */
/*
 * autoids.c - engine: ranges of ids that no other container has; the header is the manual
 *
 * Theory of operation: under one lock, which is held for the few milliseconds of this function
 * only, the files of all containers are read (also of those just being made) and the first gap
 * that is large enough is written down. Containers being removed still hold theirs.
 */
#include "config.h"

#include "cmd/engine/autoids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"

#define FILE_NAME "auto-ids" /* "first size" */
#define LOCK_MS   20000

struct span {
	uint32_t first, count;
};

struct spans {
	struct span *v;
	size_t n, cap;
};

static int add(struct spans *s, struct span new)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 16;
		struct span *p = realloc(s->v, cap * sizeof(*p));

		if (!p)
			return -ENOMEM;
		s->v = p;
		s->cap = cap;
	}
	s->v[s->n++] = new;
	return 0;
}

/* Most containers have no such file. One that is damaged holds nothing: its map stands elsewhere. */
static int add_container(int dir_fd, const char *name, struct spans *s)
{
	auto_free char *path = str_printf("%s/" FILE_NAME, name);
	auto_buf struct buf b = { 0 };
	uint64_t first, count;
	struct rl_err ignored;
	char *blank;

	if (!path)
		return -ENOMEM;
	if (faccessat(dir_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ||
	    io_read_file(dir_fd, path, 64, &b, &ignored) < 0 || !b.data)
		return 0;
	b.data[strcspn(b.data, "\n")] = '\0';
	blank = strchr(b.data, ' ');
	if (!blank)
		return 0;
	*blank = '\0';
	if (parse_uint(b.data, UINT32_MAX, &first) < 0 ||
	    parse_uint(blank + 1, UINT32_MAX, &count) < 0)
		return 0;
	return add(s, (struct span){ (uint32_t)first, (uint32_t)count });
}

static int by_first(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static int collect(const struct rl *rl, struct spans *s, struct rl_err *err)
{
	int fd = openat(rl->data_fd, "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;

	if (!d)
		return rl_fail_sys(err, errno, "read '%s/containers'", rl->data_dir);
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    add_container(dirfd(d), e->d_name, s) < 0)
			return rl_oom(err);
	if (s->n > 1)
		qsort(s->v, s->n, sizeof(*s->v), by_first);
	return 0;
}

/* 0 = there is none */
static uint32_t first_gap(const struct spans *s, uint32_t size, uint32_t last)
{
	uint64_t next = 1;

	for (size_t i = 0; i < s->n; i++) {
		uint64_t end = (uint64_t)s->v[i].first + s->v[i].count;

		if (s->v[i].first >= next + size)
			break;
		next = end > next ? end : next;
	}
	return next + size - 1 <= last ? (uint32_t)next : 0;
}

int autoids_take(const struct rl *rl, uint32_t size, uint32_t last, int ctr_fd, uint32_t *ret,
		 struct rl_err *err)
{
	auto_fd int lock = io_flock_wait(rl->data_fd, "auto-ids.lock", LOCK_MS, err);
	struct spans s = { 0 };
	uint32_t first = 0;
	char text[32];
	int r = lock < 0 ? lock : collect(rl, &s, err);

	if (r == 0)
		first = first_gap(&s, size, last);
	free(s.v);
	if (r == 0 && first == 0) {
		r = rl_fail(err, ENOSPC, "no %u ids in a row are free: %zu containers share %u",
			    size, s.n, last);
		rl_hint(err, "--userns auto:size=N with a smaller N, remove containers, or give "
			     "yourself more ids in /etc/subuid and /etc/subgid");
	}
	if (r < 0)
		return r;
	(void)snprintf(text, sizeof(text), "%u %u\n", first, size);
	r = io_replace_file(ctr_fd, FILE_NAME, text, strlen(text), 0600, IO_NOSYNC, err);
	if (r == 0)
		*ret = first;
	return r;
}
