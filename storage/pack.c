/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack.c - a tree as a tar; the header is the manual
 *
 * Theory of operation: depth first, a folder's names sorted. Each entry is opened once (pack_open)
 * and described by that descriptor only, so that what is written belongs together whatever
 * happens to the name meanwhile. The first name of a file with several is remembered, the others
 * become hard links to it.
 *
 * Source for whiteouts: OCI image-spec layer.md "Whiteouts"; kernel
 * Documentation/filesystems/overlayfs.rst; fuse-overlayfs makes ".wh." files where it cannot make
 * devices, which pass as they are.
 */
#include "config.h"

#include "storage/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/parse.h"
#include "core/base/strv.h"
#include "core/idmap.h"
#include "storage/image/xattrs.h"

#define CHUNK       (128 << 10)
#define XATTR_LIST  (64 << 10) /* XATTR_LIST_MAX of the kernel */
#define XATTR_VALUE (64 << 10)
#define HOLES_MIN   (64 << 10) /* fewer bytes in holes are written as zeros */
#define EXTENTS_MAX 100000
#define WH          ".wh."
#define WH_OPAQUE   ".wh..wh..opq"

struct link {
	dev_t dev;
	ino_t ino;
	char path[];
};

struct packer {
	const struct pack_opts *opts;
	struct tarout *out;
	struct pack_result *res;
	struct buf path;
	void *links; /* tsearch tree of struct link */
	char *chunk; /* CHUNK bytes */
	struct rl_err *err;
};

/* What goes into the header besides stat, owned */
struct extra {
	struct buf values;
	struct tarout_xattr *xattrs;
	size_t n_xattrs;
	struct tarout_extent *extents;
	size_t n_extents;
	bool opaque;
};

static void extra_done(struct extra *x)
{
	buf_done(&x->values);
	free(x->xattrs);
	free(x->extents);
}
#define auto_extra __attribute__((cleanup(extra_done)))

static const char *where(const struct packer *p)
{
	return p->path.len ? p->path.data : ".";
}

static int fail(struct packer *p, int code, const char *step)
{
	return rl_fail_sys(p->err, code, "%s '%.300s'", step, where(p));
}

int pack_open(int dir_fd, const char *name, bool one_mount)
{
	struct open_how how = { .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
				.resolve = one_mount ? RESOLVE_NO_XDEV : 0 };
	auto_fd int path_fd = (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
	auto_fd int fd = FD_NONE;
	struct stat a, b;

	if (path_fd < 0 || fstat(path_fd, &a) < 0)
		return -errno;
	if (!S_ISREG(a.st_mode) && !S_ISDIR(a.st_mode))
		return TAKE_FD(path_fd);
	how.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	fd = (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
	if (fd < 0 || fstat(fd, &b) < 0)
		return -errno;
	/* swapped in between, perhaps for a FIFO that is now open: whoever did it gets an error */
	if ((a.st_mode & S_IFMT) != (b.st_mode & S_IFMT))
		return -ESTALE;
	return TAKE_FD(fd);
}

/* --- metadata ------------------------------------------------------------------------------ */

/* "uid:gid:mode[...]" of a store with one id only (storage/image/apply.h) */
static void stored_owner(int fd, struct tarout_entry *e)
{
	char text[96], *colon;
	ssize_t n = fgetxattr(fd, "user.rl.owner", text, sizeof(text) - 1);
	uint64_t uid, gid;
	char *gid_text;

	if (n <= 0)
		return;
	text[n] = '\0';
	colon = strchr(text, ':');
	if (!colon)
		return;
	*colon = '\0';
	gid_text = colon + 1;
	gid_text[strcspn(gid_text, ":")] = '\0';
	if (parse_uint(text, UINT32_MAX - 1, &uid) < 0 ||
	    parse_uint(gid_text, UINT32_MAX - 1, &gid) < 0)
		return;
	e->uid = (uint32_t)uid;
	e->gid = (uint32_t)gid;
}

static int set_owner(struct packer *p, const struct stat *st, struct tarout_entry *e)
{
	const struct pack_opts *o = p->opts;
	int64_t uid = o->uids ? idmap_to_inside(o->uids, st->st_uid) : st->st_uid;
	int64_t gid = o->gids ? idmap_to_inside(o->gids, st->st_gid) : st->st_gid;

	if (uid < 0 || gid < 0)
		return rl_fail(p->err, EINVAL, "owner %u:%u of '%.300s' is none of the container's",
			       st->st_uid, st->st_gid, where(p));
	e->uid = (uint32_t)uid;
	e->gid = (uint32_t)gid;
	return 0;
}

static void set_time(const struct packer *p, const struct stat *st, struct tarout_entry *e)
{
	e->mtime = st->st_mtim;
	if (p->opts->whole_seconds)
		e->mtime.tv_nsec = 0;
	if (p->opts->newest >= 0 && e->mtime.tv_sec >= p->opts->newest)
		e->mtime = (struct timespec){ .tv_sec = p->opts->newest };
}

/* One attribute into @x; what has gone meanwhile is left out. */
static int add_xattr(struct packer *p, int fd, const char *name, struct extra *x)
{
	struct tarout_xattr *v;
	ssize_t n = fgetxattr(fd, name, p->chunk, XATTR_VALUE);
	size_t len;

	if (n < 0)
		return 0;
	len = (size_t)xattrs_fix_capability(name, p->chunk, (size_t)n);
	v = reallocarray(x->xattrs, x->n_xattrs + 1, sizeof(*v));
	if (!v)
		return rl_oom(p->err);
	x->xattrs = v;
	/* offsets for now: the buffer moves while it grows */
	v[x->n_xattrs++] = (struct tarout_xattr){ .name = name,
						  .value = (const void *)(uintptr_t)x->values.len,
						  .len = len };
	return buf_add(&x->values, p->chunk, len) < 0 ? rl_oom(p->err) : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tarout_xattr *)a)->name,
		      ((const struct tarout_xattr *)b)->name);
}

/* @names receives the list, which @x points into. */
static int get_xattrs(struct packer *p, int fd, char **names, struct extra *x)
{
	ssize_t n = flistxattr(fd, NULL, 0);
	int r = 0;

	if (n <= 0 || n > XATTR_LIST)
		return 0;
	*names = malloc((size_t)n + 1);
	if (!*names)
		return rl_oom(p->err);
	n = flistxattr(fd, *names, (size_t)n);
	if (n <= 0)
		return 0;
	(*names)[n] = '\0';
	for (const char *s = *names; r == 0 && s < *names + n; s += strlen(s) + 1) {
		if (strcmp(s, "user.overlay.opaque") == 0)
			x->opaque = true;
		if (xattrs_may_pass(s) || strcmp(s, XATTRS_CAPABILITY) == 0)
			r = add_xattr(p, fd, s, x);
	}
	for (size_t i = 0; i < x->n_xattrs; i++)
		x->xattrs[i].value = x->values.data + (uintptr_t)x->xattrs[i].value;
	if (x->n_xattrs)
		qsort(x->xattrs, x->n_xattrs, sizeof(*x->xattrs), by_name);
	return r;
}

/* --- files --------------------------------------------------------------------------------- */

/* Where the data is. Leaves @x alone when there is little to gain. */
static int get_extents(struct packer *p, int fd, const struct stat *st, struct extra *x)
{
	size_t cap = 0;
	int64_t sum = 0;

	if (st->st_size - (int64_t)st->st_blocks * 512 < HOLES_MIN)
		return 0;
	for (off_t at = 0; at < st->st_size;) {
		off_t from = lseek(fd, at, SEEK_DATA);
		off_t to = from < 0 ? -1 : lseek(fd, from, SEEK_HOLE);

		if (from < 0 && errno == ENXIO)
			break; /* nothing but a hole up to the end */
		if (from < 0 || to <= from || x->n_extents >= EXTENTS_MAX)
			goto plain;
		if (to > st->st_size)
			to = st->st_size;
		if (from >= to)
			break;
		if (x->n_extents + 2 > cap) {
			struct tarout_extent *v;

			cap = cap ? 2 * cap : 64;
			v = reallocarray(x->extents, cap, sizeof(*v));
			if (!v)
				return rl_oom(p->err);
			x->extents = v;
		}
		x->extents[x->n_extents++] = (struct tarout_extent){ from, to - from };
		sum += to - from;
		at = to;
	}
	if (!x->extents)
		x->extents = calloc(2, sizeof(*x->extents));
	if (!x->extents)
		return rl_oom(p->err);
	if (st->st_size - sum >= HOLES_MIN) {
		/* the format wants the end told: an empty piece there */
		if (x->n_extents == 0 ||
		    x->extents[x->n_extents - 1].off + x->extents[x->n_extents - 1].len <
			    st->st_size)
			x->extents[x->n_extents++] = (struct tarout_extent){ st->st_size, 0 };
		return 0;
	}
plain:
	free(x->extents);
	x->extents = NULL;
	x->n_extents = 0;
	return 0;
}

/* Exactly @len bytes from @off; past the end of the file there are zeros. */
static int put_bytes(struct packer *p, int fd, int64_t off, int64_t len)
{
	while (len > 0) {
		size_t want = len < CHUNK ? (size_t)len : CHUNK;
		ssize_t n = pread(fd, p->chunk, want, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(p, errno, "read");
		if (n == 0) {
			memset(p->chunk, 0, want);
			n = (ssize_t)want;
		}
		if (tarout_data(p->out, p->chunk, (size_t)n, p->err) < 0)
			return -p->err->code;
		off += n;
		len -= n;
	}
	return 0;
}

static int compare_links(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->dev < y->dev ? -1 : x->dev > y->dev;
}

/* The first name of this file in @ret, or NULL: it is this one, now remembered. */
static int find_link(struct packer *p, const struct stat *st, const char **ret)
{
	const struct link key = { .ino = st->st_ino, .dev = st->st_dev };
	struct link **found = tfind(&key, &p->links, compare_links), *new;

	*ret = NULL;
	if (found) {
		*ret = (*found)->path;
		return 0;
	}
	new = malloc(sizeof(*new) + p->path.len + 1);
	if (!new)
		return rl_oom(p->err);
	*new = key;
	memcpy(new->path, p->path.data, p->path.len + 1);
	if (!tsearch(new, &p->links, compare_links)) {
		free(new);
		return rl_oom(p->err);
	}
	return 0;
}

static int put_file(struct packer *p, int fd, const struct stat *st, struct tarout_entry *e,
		    struct extra *x)
{
	/* where holes are depends on the disk: a layer is the same bytes everywhere */
	int r = p->opts->layer ? 0 : get_extents(p, fd, st, x);

	e->type = TAROUT_FILE;
	e->size = st->st_size;
	e->extents = x->extents;
	e->n_extents = x->n_extents;
	if (r == 0)
		r = tarout_entry(p->out, e, p->err);
	if (r == 0 && !x->extents)
		r = put_bytes(p, fd, 0, st->st_size);
	for (size_t i = 0; i < x->n_extents && r == 0; i++)
		r = put_bytes(p, fd, x->extents[i].off, x->extents[i].len);
	return r;
}

/* --- entries ------------------------------------------------------------------------------- */

static int put_marker(struct packer *p, const char *dir, size_t dir_len, const char *name)
{
	auto_free char *path = str_printf("%.*s%s%s%s", (int)dir_len, dir, dir_len ? "/" : "",
					  strcmp(name, WH_OPAQUE) == 0 ? "" : WH, name);
	/* no time: a whiteout in the store has none of its own */
	const struct tarout_entry e = { .type = TAROUT_FILE, .path = path, .mode = 0600 };

	if (!path)
		return rl_oom(p->err);
	return tarout_entry(p->out, &e, p->err);
}

static int put_special(struct packer *p, int fd, const struct stat *st, struct tarout_entry *e)
{
	char target[4096];
	ssize_t n;

	switch (st->st_mode & S_IFMT) {
	case S_IFLNK:
		n = readlinkat(fd, "", target, sizeof(target) - 1);
		if (n < 0)
			return fail(p, errno, "read the link");
		target[n] = '\0';
		e->type = TAROUT_SYMLINK;
		e->link = target;
		e->mode = 0777;
		break;
	case S_IFIFO:
		e->type = TAROUT_FIFO;
		break;
	case S_IFCHR:
	case S_IFBLK:
		e->type = S_ISCHR(st->st_mode) ? TAROUT_CHAR : TAROUT_BLOCK;
		e->major = major(st->st_rdev);
		e->minor = minor(st->st_rdev);
		break;
	default: /* a socket: a tar has no word for it */
		p->res->skipped++;
		return 0;
	}
	return tarout_entry(p->out, e, p->err);
}

static int put_children(struct packer *p, int fd, int depth);

static int put_dir(struct packer *p, int fd, struct tarout_entry *e, const struct extra *x,
		   int depth)
{
	int r = 0;

	e->type = TAROUT_DIR;
	if (p->path.len)
		r = tarout_entry(p->out, e, p->err);
	if (r == 0 && p->opts->layer && x->opaque)
		r = put_marker(p, p->path.data ? p->path.data : "", p->path.len, WH_OPAQUE);
	return r < 0 ? r : put_children(p, fd, depth);
}

/* The whiteout that @name in the folder at p->path stands for, if it is one: 1 */
static int put_whiteout(struct packer *p, const struct stat *st)
{
	const char *slash = strrchr(p->path.data, '/');

	if (!p->opts->layer || !S_ISCHR(st->st_mode) || st->st_rdev != makedev(0, 0))
		return 0;
	if (put_marker(p, p->path.data, slash ? (size_t)(slash - p->path.data) : 0,
		       slash ? slash + 1 : p->path.data) < 0)
		return -p->err->code;
	return 1;
}

static int put_entry(struct packer *p, int fd, int depth)
{
	auto_extra struct extra x = { 0 };
	auto_free char *names = NULL;
	struct tarout_entry e = { .path = p->path.len ? p->path.data : "" };
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return fail(p, errno, "stat");
	p->res->entries++;
	if (p->path.len && (r = put_whiteout(p, &st)) != 0)
		return r < 0 ? r : 0;
	e.mode = st.st_mode & 07777;
	set_time(p, &st, &e);
	r = set_owner(p, &st, &e);
	if (r == 0 && !S_ISDIR(st.st_mode) && st.st_nlink > 1)
		r = find_link(p, &st, &e.link);
	if (r == 0 && e.link) {
		e.type = TAROUT_HARDLINK;
		return tarout_entry(p->out, &e, p->err);
	}
	if (r == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) {
		r = get_xattrs(p, fd, &names, &x);
		e.xattrs = x.xattrs;
		e.n_xattrs = x.n_xattrs;
		if (p->opts->one_id)
			stored_owner(fd, &e);
	}
	if (r < 0)
		return r;
	if (S_ISREG(st.st_mode))
		return put_file(p, fd, &st, &e, &x);
	if (S_ISDIR(st.st_mode))
		return put_dir(p, fd, &e, &x, depth);
	return put_special(p, fd, &st, &e);
}

/* What lies at a mount point: the kernel does not let us in, its name and kind are all we say. */
static int put_mount_point(struct packer *p, int dir_fd, const char *name)
{
	struct tarout_entry e = { .type = TAROUT_FILE, .path = p->path.data, .mode = 0644 };
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(p, errno, "stat");
	if (S_ISDIR(st.st_mode)) {
		e.type = TAROUT_DIR;
		e.mode = 0755;
	}
	p->res->entries++;
	return tarout_entry(p->out, &e, p->err);
}

static int put_child(struct packer *p, int dir_fd, const char *name, int depth)
{
	auto_fd int fd = FD_NONE;

	if (p->opts->skip && strv_has(p->opts->skip, p->path.data))
		return 0;
	fd = pack_open(dir_fd, name, p->opts->one_mount);

	if (fd == -EXDEV && p->opts->one_mount)
		return put_mount_point(p, dir_fd, name);
	if (fd == -ENOENT || fd == -ESTALE)
		return 0; /* gone since the folder was read */
	if (fd < 0)
		return fail(p, -fd, "open");
	return put_entry(p, fd, depth);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_names(struct packer *p, int fd, struct strv *names)
{
	int dup = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	auto_dir DIR *d = dup < 0 ? NULL : fdopendir(dup);
	const struct dirent *e;

	if (!d) {
		fd_close(dup);
		return fail(p, errno, "list");
	}
	for (errno = 0; (e = readdir(d)); errno = 0)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    strv_add(names, e->d_name) < 0)
			return rl_oom(p->err);
	if (errno)
		return fail(p, errno, "list");
	if (names->n)
		qsort(names->v, names->n, sizeof(*names->v), compare_names);
	return 0;
}

static int put_children(struct packer *p, int fd, int depth)
{
	auto_strv struct strv names = { 0 };
	const size_t was = p->path.len;
	int r = read_names(p, fd, &names);

	if (r == 0 && depth >= PACK_DEPTH_MAX)
		return fail(p, ELOOP, "folders nested too deep:");
	for (size_t i = 0; i < names.n && r == 0; i++) {
		if (buf_printf(&p->path, "%s%s", was ? "/" : "", names.v[i]) < 0)
			return rl_oom(p->err);
		r = put_child(p, fd, names.v[i], depth + 1);
		p->path.len = was;
		p->path.data[was] = '\0';
	}
	return r;
}

int pack_tree(struct tarout *t, int fd, const struct pack_opts *opts, struct pack_result *ret,
	      struct rl_err *err)
{
	struct packer p = { .opts = opts, .out = t, .res = ret, .err = err };
	int r = 0;

	*ret = (struct pack_result){ 0 };
	p.chunk = malloc(CHUNK);
	if (!p.chunk || buf_str(&p.path, opts->as) < 0)
		r = rl_oom(err);
	if (r == 0)
		r = put_entry(&p, fd, 0);
	free(p.chunk);
	buf_done(&p.path);
	tdestroy(p.links, free);
	return r;
}
