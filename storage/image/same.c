/* SPDX-License-Identifier: Apache-2.0 */
/* same.c - two trees compared; the header is the manual */
#include "config.h"

#include "storage/image/same.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/strv.h"

#define BLOCK     (256U << 10)
#define XATTR_MAX (64 << 10)

struct same {
	bool links;
	int cancel_fd;
	struct buf *path;
	char *a, *b; /* BLOCK bytes each */
	struct rl_err *err;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_names(const struct same *s, int fd, struct strv *ret)
{
	int dup = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = dup < 0 ? NULL : fdopendir(dup);
	const struct dirent *e;

	if (!d) {
		fd_close(dup);
		return rl_fail_sys(s->err, errno, "read a folder of a layer");
	}
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    strv_add(ret, e->d_name) < 0)
			return rl_oom(s->err);
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_text);
	return 0;
}

/* --- one object: 1 = the same, 0 = not ---------------------------------------------------- */

static int same_content(const struct same *s, int a_dir, int b_dir, const char *name)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	auto_fd int a = openat(a_dir, name, flags), b = openat(b_dir, name, flags);
	struct pollfd stop = { .fd = s->cancel_fd, .events = POLLIN };

	if (a < 0 || b < 0)
		return rl_fail_sys(s->err, errno, "open '%s' of a layer", name);
	for (;;) {
		ssize_t n = io_read_full(a, s->a, BLOCK), m = io_read_full(b, s->b, BLOCK);

		if (poll(&stop, 1, 0) > 0)
			return rl_fail(s->err, EINTR, "interrupted");
		if (n < 0) /* a disk that cannot read it is what is looked for */
			return 0;
		if (m < 0)
			return rl_fail_sys(s->err, (int)-m, "read '%s' of a layer", name);
		if (n != m || memcmp(s->a, s->b, (size_t)n) != 0)
			return 0;
		if (n == 0)
			return 1;
	}
}

static int same_target(const struct same *s, int a_dir, int b_dir, const char *name)
{
	ssize_t n = readlinkat(a_dir, name, s->a, BLOCK), m = readlinkat(b_dir, name, s->b, BLOCK);

	return n >= 0 && n == m && memcmp(s->a, s->b, (size_t)n) == 0;
}

static ssize_t list_xattrs(int dir, const char *name, char path[300], char *out)
{
	ssize_t n;

	(void)snprintf(path, 300, "/proc/self/fd/%d/%s", dir, name);
	n = llistxattr(path, out, XATTR_MAX);
	return n < 0 && (errno == ENOTSUP || errno == EPERM) ? 0 : n;
}

/* Each attribute of the one is the other's, and they have equally many. */
static int same_xattrs(const struct same *s, int a_dir, int b_dir, const char *name)
{
	char a_path[300], b_path[300];
	ssize_t n, m, len;

	n = list_xattrs(a_dir, name, a_path, s->a);
	m = list_xattrs(b_dir, name, b_path, s->b);
	if (n < 0 || n != m)
		return 0;
	for (const char *key = s->a; key < s->a + n; key += strlen(key) + 1) {
		char *va = s->a + XATTR_MAX;

		len = lgetxattr(a_path, key, va, XATTR_MAX);
		if (len != lgetxattr(b_path, key, s->b, XATTR_MAX) ||
		    (len > 0 && memcmp(va, s->b, (size_t)len) != 0))
			return 0;
	}
	return 1;
}

static bool same_inode(const struct same *s, const struct stat *a, const struct stat *b)
{
	if (a->st_mode != b->st_mode || a->st_uid != b->st_uid || a->st_gid != b->st_gid)
		return false;
	if (S_ISDIR(a->st_mode))
		return true;
	if (S_ISCHR(a->st_mode) && a->st_rdev == 0 && b->st_rdev == 0)
		return true; /* whiteouts have the time of the unpacking, and may be links of one */
	return a->st_size == b->st_size && a->st_rdev == b->st_rdev &&
	       (a->st_nlink == b->st_nlink || !s->links) &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int same_dirs(const struct same *s, int a_fd, int b_fd, int depth);

static int same_object(const struct same *s, int a_dir, int b_dir, const char *name, int depth)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	auto_fd int a = FD_NONE, b = FD_NONE;
	struct stat x, y;

	if (fstatat(a_dir, name, &x, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fstatat(b_dir, name, &y, AT_SYMLINK_NOFOLLOW) < 0 || !same_inode(s, &x, &y))
		return 0;
	if (S_ISLNK(x.st_mode) && !same_target(s, a_dir, b_dir, name))
		return 0;
	if (!same_xattrs(s, a_dir, b_dir, name))
		return 0;
	if (S_ISREG(x.st_mode))
		return same_content(s, a_dir, b_dir, name);
	if (!S_ISDIR(x.st_mode) || depth >= SAME_DEPTH_MAX)
		return 1;
	a = openat(a_dir, name, flags);
	b = openat(b_dir, name, flags);
	if (a < 0 || b < 0)
		return rl_fail_sys(s->err, errno, "open folder '%s' of a layer", name);
	return same_dirs(s, a, b, depth + 1);
}

static int same_dirs(const struct same *s, int a_fd, int b_fd, int depth)
{
	auto_strv struct strv a = { 0 }, b = { 0 };
	int r = read_names(s, a_fd, &a);

	if (r == 0)
		r = read_names(s, b_fd, &b);
	if (r < 0)
		return r;
	for (size_t i = 0; i < a.n || i < b.n; i++) {
		const char *name = i < a.n ? a.v[i] : b.v[i];
		size_t len = s->path->len;

		if (buf_printf(s->path, "%s%s", len ? "/" : "", name) < 0)
			return rl_oom(s->err);
		r = i < a.n && i < b.n && strcmp(a.v[i], b.v[i]) == 0
			    ? same_object(s, a_fd, b_fd, name, depth)
			    : 0;
		if (r != 1)
			return r;
		s->path->len = len;
		s->path->data[len] = '\0';
	}
	return 1;
}

int same_trees(int a_fd, int b_fd, bool links, int cancel_fd, struct buf *ret_path,
	       struct rl_err *err)
{
	auto_free char *a = malloc(BLOCK), *b = malloc(BLOCK);
	const struct same s = {
		.links = links, .cancel_fd = cancel_fd, .path = ret_path, .a = a, .b = b, .err = err
	};
	struct stat x, y;

	if (!a || !b)
		return rl_oom(err);
	if (fstat(a_fd, &x) < 0 || fstat(b_fd, &y) < 0)
		return rl_fail_sys(err, errno, "look at a layer");
	if (!same_inode(&s, &x, &y))
		return 0;
	return same_dirs(&s, a_fd, b_fd, 0);
}
