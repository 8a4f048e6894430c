/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.c - layer onto folder; the header is the manual
 *
 * Theory of operation: depth first. A folder is made 0700, filled, and only then given its owner,
 * mode, attributes and times, so that what happens inside does not change them again. An entry
 * that is not a folder replaces whatever has its name; a folder joins a folder.
 */
#include "config.h"

#include "storage/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "storage/image/copy.h"

#define DEPTH_MAX 1000 /* PATH_MAX allows 2048 and three descriptors each are open on the way */
#define OPAQUE    "user.overlay.opaque"

struct link {
	ino_t ino;
	char *path; /* below the target */
};

struct copier {
	int to_fd;          /* top of the target */
	bool share;         /* files are linked, not copied */
	struct link *links; /* open addressing; capacity is a power of two */
	size_t n_links, cap_links;
	struct buf path; /* where we are, "a/b", for messages and links */
	struct rl_err *err;
};

static int fail(struct copier *c, int code, const char *step)
{
	return rl_fail_sys(c->err, code, "%s '%s'", step, c->path.data ? c->path.data : "/");
}

static int copy_meta_at(struct copier *c, int to_dir, const char *name, const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(c, errno, "change the owner of");
	if (!S_ISLNK(st->st_mode) && fchmodat(to_dir, name, st->st_mode & 07777, 0) < 0)
		return fail(c, errno, "change the mode of");
	if (utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(c, errno, "set the times of");
	return 0;
}

/* --- files ------------------------------------------------------------------------------- */

/* The place for @ino in the table: its entry, or the empty one where it belongs. */
static struct link *find_link(const struct copier *c, ino_t ino)
{
	size_t i = (size_t)ino * UINT64_C(0x9e3779b97f4a7c15) & (c->cap_links - 1);

	while (c->links[i].path && c->links[i].ino != ino)
		i = (i + 1) & (c->cap_links - 1);
	return &c->links[i];
}

static int grow_links(struct copier *c)
{
	struct copier bigger = { .cap_links = c->cap_links ? c->cap_links * 2 : 64 };

	bigger.links = calloc(bigger.cap_links, sizeof(*bigger.links));
	if (!bigger.links)
		return rl_oom(c->err);
	for (size_t i = 0; i < c->cap_links; i++)
		if (c->links[i].path)
			*find_link(&bigger, c->links[i].ino) = c->links[i];
	free(c->links);
	c->links = bigger.links;
	c->cap_links = bigger.cap_links;
	return 0;
}

/* 1 = @name is now another name of an earlier copy, 0 = it must be copied and is remembered */
static int try_link(struct copier *c, int to_dir, const char *name, const struct stat *st)
{
	struct link *l;

	if (st->st_nlink < 2)
		return 0;
	if (c->n_links * 2 >= c->cap_links && grow_links(c) < 0)
		return -ENOMEM;
	l = find_link(c, st->st_ino);
	if (l->path) {
		if (linkat(c->to_fd, l->path, to_dir, name, 0) == 0)
			return 1;
		/* too many links, or a path longer than PATH_MAX: a file of its own will do */
		return errno == EMLINK || errno == ENAMETOOLONG ? 0 : fail(c, errno, "link");
	}
	l->path = strdup(c->path.data);
	if (!l->path)
		return rl_oom(c->err);
	l->ino = st->st_ino;
	c->n_links++;
	return 0;
}

static int copy_file(struct copier *c, int from_dir, int to_dir, const char *name)
{
	auto_fd int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	auto_fd int to = FD_NONE;
	struct stat st;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return fail(c, errno, "open");
	to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return fail(c, errno, "create");
	r = copy_data(from, to, st.st_size, c->err);
	if (r == 0)
		r = copy_meta(from, to, &st, false, c->err);
	return r < 0 ? rl_wrap(c->err, "copy '%s'", c->path.data) : 0;
}

static int copy_symlink(struct copier *c, int from_dir, int to_dir, const char *name,
			const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);

	if (n < 0)
		return fail(c, errno, "read the link");
	target[n] = '\0';
	if (symlinkat(target, to_dir, name) < 0)
		return fail(c, errno, "create the link");
	return copy_meta_at(c, to_dir, name, st);
}

/* Fifos and sockets; real devices need rights nobody has here. */
static int copy_special(struct copier *c, int to_dir, const char *name, const struct stat *st)
{
	if (mknodat(to_dir, name, st->st_mode, st->st_rdev) < 0) {
		if (errno != EPERM)
			return fail(c, errno, "create");
		log_debug("not copied: device '%s'", c->path.data);
		return 0;
	}
	return copy_meta_at(c, to_dir, name, st);
}

/* --- folders ----------------------------------------------------------------------------- */

static int copy_children(struct copier *c, int from, int to, int depth);

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

static bool is_opaque(int fd)
{
	char v = 0;

	return fgetxattr(fd, OPAQUE, &v, 1) == 1 && v == 'y';
}

static int remove_target(struct copier *c, int to_dir, const char *name)
{
	int r = io_remove_tree(to_dir, name, c->err);

	return r < 0 ? rl_wrap(c->err, "replace '%s'", c->path.data) : 0;
}

/* Owner, mode, times, attributes, but not overlay's mark, which only a layer has. */
static int dress_folder(struct copier *c, int from, int to, const struct stat *st)
{
	int r = copy_meta(from, to, st, false, c->err);

	if (r < 0)
		return rl_wrap(c->err, "copy folder '%s'", c->path.data ? c->path.data : "/");
	if (fremovexattr(to, OPAQUE) < 0 && errno != ENODATA && errno != EOPNOTSUPP)
		return fail(c, errno, "remove an attribute of");
	return 0;
}

static int copy_folder(struct copier *c, int from_dir, int to_dir, const char *name, int depth)
{
	auto_fd int from = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_fd int to = FD_NONE;
	struct stat st, there;
	int r = 0;

	if (from < 0 || fstat(from, &st) < 0)
		return fail(c, errno, "open folder");
	if (fstatat(to_dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (!S_ISDIR(there.st_mode) || is_opaque(from)))
		r = remove_target(c, to_dir, name);
	if (r < 0)
		return r;
	if (mkdirat(to_dir, name, 0700) < 0 && errno != EEXIST)
		return fail(c, errno, "create folder");
	to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return fail(c, errno, "open folder");
	r = copy_children(c, from, to, depth + 1);
	return r < 0 ? r : dress_folder(c, from, to, &st);
}

static int copy_entry(struct copier *c, int from, int to, const char *name, int depth)
{
	struct stat st;
	int r;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(c, errno, "stat");
	if (S_ISDIR(st.st_mode))
		return copy_folder(c, from, to, name, depth);
	r = remove_target(c, to, name);
	if (r < 0 || is_whiteout(&st))
		return r;
	/* too many names already: a copy of its own */
	if (c->share && S_ISREG(st.st_mode) && linkat(from, name, to, name, 0) == 0)
		return 0;
	r = try_link(c, to, name, &st);
	if (r != 0)
		return r < 0 ? r : 0;
	if (S_ISREG(st.st_mode))
		return copy_file(c, from, to, name);
	if (S_ISLNK(st.st_mode))
		return copy_symlink(c, from, to, name, &st);
	return copy_special(c, to, name, &st);
}

/* One entry with its name at the end of the path. */
static int with_path(struct copier *c, int from, int to, const char *name, int depth)
{
	size_t was = c->path.len;
	int r;

	if (buf_printf(&c->path, "%s%s", was ? "/" : "", name) < 0)
		return rl_oom(c->err);
	r = copy_entry(c, from, to, name, depth);
	c->path.len = was;
	c->path.data[was] = '\0';
	return r;
}

static int copy_children(struct copier *c, int from, int to, int depth)
{
	int dup = fcntl(from, F_DUPFD_CLOEXEC, 3);
	auto_dir DIR *d = dup < 0 ? NULL : fdopendir(dup);
	const struct dirent *e;
	int r = 0;

	if (!d) {
		fd_close(dup);
		return fail(c, errno, "read folder");
	}
	if (depth > DEPTH_MAX)
		return fail(c, ELOOP, "folders nested too deep:");
	rewinddir(d); /* the descriptor's position is shared with @from */
	for (errno = 0; r == 0 && (e = readdir(d)); errno = 0)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = with_path(c, from, to, e->d_name, depth);
	if (r == 0 && errno)
		return fail(c, errno, "read folder");
	return r;
}

static int apply(int layer_fd, int to_fd, bool share, struct rl_err *err)
{
	struct copier c = { .to_fd = to_fd, .share = share, .err = err };
	auto_fd int from = openat(layer_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return rl_fail_sys(err, errno, "open the layer");
	r = copy_children(&c, from, to_fd, 0);
	if (r == 0)
		r = dress_folder(&c, from, to_fd, &st);
	for (size_t i = 0; i < c.cap_links; i++)
		free(c.links[i].path);
	free(c.links);
	buf_done(&c.path);
	return r;
}

int tree_apply(int layer_fd, int to_fd, struct rl_err *err)
{
	return apply(layer_fd, to_fd, false, err);
}

int tree_link(int layer_fd, int to_fd, struct rl_err *err)
{
	return apply(layer_fd, to_fd, true, err);
}
