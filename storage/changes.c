/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changes.c - two stacks of layers compared; the header is the manual
 *
 * Theory of operation: a level is a path's folder in each layer of one side that contributes to it,
 * topmost first. Both sides go down together, name by name; where their levels consist of the same
 * layers they are alike. The child that does this inside S writes to a memfd, which is read when
 * it is done.
 */
#include "config.h"

#include "storage/changes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/inside.h"

#define DEPTH_MAX 1000
#define TEXT_MAX  (256 << 20)
#define WH        ".wh."
#define WH_OPAQUE ".wh..wh..opq"

struct part {
	const struct changes_layer *layer;
	int fd; /* owned */
};

struct level {
	struct part *v;
	size_t n;
};

struct finder {
	const struct changes_side *new, *old;
	const struct strv *hidden;
	int out_fd;
	struct buf path, out;
	struct rl_err *err;
};

static int fail(struct finder *f, const char *step)
{
	return rl_fail_sys(f->err, errno, "%s '/%.300s'", step, f->path.len ? f->path.data : "");
}

static void level_done(struct level *l)
{
	for (size_t i = 0; i < l->n; i++)
		fd_close(l->v[i].fd);
	free(l->v);
}
#define auto_level __attribute__((cleanup(level_done)))

static int level_add(struct finder *f, struct level *l, const struct changes_layer *layer, int fd)
{
	struct part *v = reallocarray(l->v, l->n + 1, sizeof(*v));

	if (!v) {
		fd_close(fd);
		return rl_oom(f->err);
	}
	l->v = v;
	v[l->n++] = (struct part){ layer, fd };
	return 0;
}

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

/* fuse-overlayfs where it cannot make devices */
static bool has_wh_file(const struct part *p, const char *name)
{
	char wh[NAME_MAX + sizeof(WH)];

	if (!p->layer->wh_files || strlen(name) > NAME_MAX - strlen(WH))
		return false;
	(void)snprintf(wh, sizeof(wh), WH "%s", name);
	return io_exists(p->fd, wh);
}

static bool is_opaque(const struct part *p)
{
	char v = 0;

	if (fgetxattr(p->fd, "user.overlay.opaque", &v, 1) == 1 && v == 'y')
		return true;
	return p->layer->wh_files && io_exists(p->fd, WH_OPAQUE);
}

/* The part of @l that shows @name, in @ret (NULL: none does). */
static int look(struct finder *f, const struct level *l, const char *name, const struct part **ret,
		struct stat *st)
{
	*ret = NULL;
	for (size_t i = 0; i < l->n; i++) {
		if (fstatat(l->v[i].fd, name, st, AT_SYMLINK_NOFOLLOW) == 0) {
			if (!is_whiteout(st))
				*ret = &l->v[i];
			return 0;
		}
		if (errno != ENOENT)
			return fail(f, "stat a name in");
		if (has_wh_file(&l->v[i], name))
			return 0;
	}
	return 0;
}

/* The level of the folder @name, whose parts end at the first that hides those below. */
static int descend(struct finder *f, const struct level *l, const char *name, struct level *ret)
{
	for (size_t i = 0; i < l->n; i++) {
		struct stat st;
		int fd;

		if (fstatat(l->v[i].fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno != ENOENT)
				return fail(f, "stat");
			if (has_wh_file(&l->v[i], name))
				return 0;
			continue;
		}
		if (!S_ISDIR(st.st_mode))
			return 0;
		fd = openat(l->v[i].fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return fail(f, "open");
		if (level_add(f, ret, l->v[i].layer, fd) < 0)
			return -f->err->code;
		if (is_opaque(&ret->v[ret->n - 1]))
			return 0;
	}
	return 0;
}

static bool same_layer(const struct part *a, const struct part *b)
{
	return strcmp(a->layer->id, b->layer->id) == 0;
}

static bool same_level(const struct level *a, const struct level *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!same_layer(&a->v[i], &b->v[i]))
			return false;
	return true;
}

static int read_names(struct finder *f, const struct part *p, struct strv *names)
{
	int dup = fcntl(p->fd, F_DUPFD_CLOEXEC, 3);
	auto_dir DIR *d = dup < 0 ? NULL : fdopendir(dup);
	const struct dirent *e;

	if (!d) {
		fd_close(dup);
		return fail(f, "list");
	}
	rewinddir(d); /* the position is shared with p->fd */
	for (errno = 0; (e = readdir(d)); errno = 0) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    (p->layer->wh_files && strncmp(e->d_name, WH, strlen(WH)) == 0))
			continue;
		if (strv_add(names, e->d_name) < 0)
			return rl_oom(f->err);
	}
	return errno ? fail(f, "list") : 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int tell(struct finder *f, char kind)
{
	auto_free char *line = str_printf("%c/%s", kind, f->path.data);

	if (!line)
		return rl_oom(f->err);
	if (f->hidden && strv_has(f->hidden, line + 1))
		return 0;
	if (f->out.len > TEXT_MAX)
		return rl_fail(f->err, EFBIG, "more differences than rl takes");
	return buf_add(&f->out, line, strlen(line) + 1) < 0 ? rl_oom(f->err) : 0;
}

static bool differs(const struct part *pa, const struct stat *a, const struct stat *b)
{
	if (pa->layer->writable)
		return true;
	return a->st_size != b->st_size || a->st_mode != b->st_mode || a->st_uid != b->st_uid ||
	       a->st_gid != b->st_gid || a->st_mtim.tv_sec != b->st_mtim.tv_sec ||
	       a->st_mtim.tv_nsec != b->st_mtim.tv_nsec || a->st_rdev != b->st_rdev;
}

static int compare(struct finder *f, const struct level *a, const struct level *b, int depth);

/* The folder @name of both sides, or of the new one alone (@b NULL). */
static int compare_below(struct finder *f, const struct level *a, const struct level *b,
			 const char *name, int depth)
{
	auto_level struct level la = { 0 }, lb = { 0 };
	int r = descend(f, a, name, &la);

	if (r == 0 && b)
		r = descend(f, b, name, &lb);
	if (r == 0 && depth >= DEPTH_MAX)
		return rl_fail(f->err, ELOOP, "folders nested too deep");
	return r < 0 || (b && same_level(&la, &lb)) ? r : compare(f, &la, &lb, depth + 1);
}

/* Both sides have it. */
static int compare_both(struct finder *f, const struct level *a, const struct level *b,
			const char *name, int depth)
{
	const struct part *pa, *pb;
	struct stat sa, sb;
	size_t was = f->out.len;
	int r = look(f, a, name, &pa, &sa);

	if (r == 0)
		r = look(f, b, name, &pb, &sb);
	if (r < 0)
		return r;
	if (!pa || !pb) {
		if (pb)
			return tell(f, 'D');
		r = pa ? tell(f, 'A') : 0;
		return r == 0 && pa && S_ISDIR(sa.st_mode) ? compare_below(f, a, NULL, name, depth)
							   : r;
	}
	if (S_ISDIR(sa.st_mode)) {
		const bool both = S_ISDIR(sb.st_mode);

		r = compare_below(f, a, both ? b : NULL, name, depth);
		if (r == 0 && (!both || f->out.len > was || sa.st_mode != sb.st_mode ||
			       sa.st_uid != sb.st_uid || sa.st_gid != sb.st_gid))
			r = tell(f, 'C');
		return r;
	}
	if (same_layer(pa, pb) || !differs(pa, &sa, &sb))
		return 0;
	return tell(f, 'C');
}

static int compare(struct finder *f, const struct level *a, const struct level *b, int depth)
{
	auto_strv struct strv names = { 0 };
	const size_t was = f->path.len;
	int r = 0;

	for (size_t i = 0; i < a->n && r == 0; i++)
		r = read_names(f, &a->v[i], &names);
	for (size_t i = 0; i < b->n && r == 0; i++)
		r = read_names(f, &b->v[i], &names);
	if (names.n)
		qsort(names.v, names.n, sizeof(*names.v), compare_names);
	for (size_t i = 0; i < names.n && r == 0; i++) {
		if (i > 0 && strcmp(names.v[i], names.v[i - 1]) == 0)
			continue;
		if (buf_printf(&f->path, "%s%s", was ? "/" : "", names.v[i]) < 0)
			return rl_oom(f->err);
		r = compare_both(f, a, b, names.v[i], depth);
		f->path.len = was;
		f->path.data[was] = '\0';
	}
	return r;
}

static int top_level(struct finder *f, const struct changes_side *s, struct level *ret)
{
	for (size_t i = s->n; i > 0; i--) {
		int fd = openat(s->v[i - 1].fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			return fail(f, "open a layer's");
		if (level_add(f, ret, &s->v[i - 1], fd) < 0)
			return -f->err->code;
		if (is_opaque(&ret->v[ret->n - 1]))
			break;
	}
	return 0;
}

/* Inside S */
static int work(void *arg, struct rl_err *err)
{
	struct finder *f = arg;
	auto_level struct level a = { 0 }, b = { 0 };
	struct rlimit lim;
	int r;

	f->err = err;
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) { /* deep trees of many layers fail by name */
		lim.rlim_cur = lim.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &lim);
	}
	r = top_level(f, f->new, &a);
	if (r == 0)
		r = top_level(f, f->old, &b);
	if (r == 0 && !same_level(&a, &b))
		r = compare(f, &a, &b, 0);
	if (r == 0 && f->out.len)
		r = io_write_all(f->out_fd, f->out.data, f->out.len);
	return r < 0 && err->code == 0 ? rl_fail_sys(err, -r, "hand over the differences") : r;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a + 1, *(char *const *)b + 1);
}

int changes_find(const struct session *s, const struct changes_side *new,
		 const struct changes_side *old, const struct strv *hidden, struct strv *ret,
		 struct rl_err *err)
{
	auto_fd int fd = memfd_create("rl-changes", MFD_CLOEXEC);
	struct finder f = { .new = new, .old = old, .hidden = hidden, .out_fd = fd };
	auto_buf struct buf text = { 0 };
	int r;

	if (fd < 0)
		return rl_fail_sys(err, errno, "memfd");
	r = inside_run(s, work, &f, -1, err);
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0 || io_read_all(fd, 2U * TEXT_MAX, &text) < 0)
		return rl_fail_sys(err, EIO, "read the differences");
	for (size_t at = 0; at < text.len; at += strlen(text.data + at) + 1)
		if (strv_add(ret, text.data + at) < 0)
			return rl_oom(err);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_paths);
	return 0;
}
