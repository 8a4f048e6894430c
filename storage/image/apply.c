/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply.c - entries of one layer to files; the header has the rules
 *
 * Theory of operation: a place is found (place.h), made free, and the object is created there new
 * (O_EXCL, mkdirat, ...), so nothing is ever written through what was there before. Metadata goes
 * to the new object's descriptor, or with AT_SYMLINK_NOFOLLOW to the name just made. The order
 * matters: content, owner (clears set-id bits and file capabilities), xattrs, mode, capability,
 * times. Folders get their times at the end, because filling a folder changes them.
 */
#include "config.h"

#include "storage/image/apply.h"

#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "storage/image/copy.h"
#include "storage/image/meta.h"
#include "storage/image/place.h"
#include "storage/image/stub.h"
#include "storage/image/tarin.h"

#define WH        ".wh."
#define WH_LEN    4
#define WH_OPAQUE ".wh..wh..opq"
#define WH_AUFS   ".wh..wh."

/* A folder whose times are set at the end, if it is still the same one */
struct dir_time {
	size_t path; /* offset in apply.paths */
	ino_t ino;
	struct timespec mtime;
};

struct apply {
	struct place place;
	struct unpack_limits limits;
	struct buf paths;
	struct dir_time *times;
	size_t n_times, cap_times;
	int64_t entries, files, bytes, stubs;
	bool lower_stubs;
};

int apply_new(int diff_fd, bool one_id, const struct unpack_limits *limits, struct apply **ret,
	      struct rl_err *err)
{
	struct apply *a = calloc(1, sizeof(*a));

	if (!a)
		return rl_oom(err);
	place_init(&a->place, diff_fd, one_id);
	a->limits = *limits;
	*ret = a;
	return 0;
}

void apply_free(struct apply *a)
{
	if (!a)
		return;
	place_done(&a->place);
	buf_done(&a->paths);
	free(a->times);
	free(a);
}

/* --- folders ------------------------------------------------------------------------------- */

static int remember_times(struct apply *a, const char *path, int fd, const struct timespec *mtime,
			  struct rl_err *err)
{
	size_t off = a->paths.len;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return rl_fail_sys(err, errno, "stat");
	place_is_real(&a->place, st.st_ino); /* a number may also have been another folder's */
	if (a->n_times == a->cap_times) {
		size_t cap = a->cap_times ? 2 * a->cap_times : 256;
		struct dir_time *t = reallocarray(a->times, cap, sizeof(*t));

		if (!t)
			return rl_oom(err);
		a->times = t;
		a->cap_times = cap;
	}
	if (buf_add(&a->paths, path, strlen(path) + 1) < 0)
		return rl_oom(err);
	a->times[a->n_times++] = (struct dir_time){ off, st.st_ino, *mtime };
	return 0;
}

/* The last entry for a folder wins, as its metadata did; one that was replaced is left alone. */
static void set_dir_times(struct apply *a)
{
	for (size_t i = 0; i < a->n_times; i++) {
		const struct dir_time *t = &a->times[i];
		auto_fd int fd = place_open_dir(&a->place, a->paths.data + t->path);
		const struct timespec ts[2] = { t->mtime, t->mtime };
		struct stat st;

		if (fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == t->ino && futimens(fd, ts) < 0)
			log_debug("times of '%s': %s", a->paths.data + t->path, strerror(errno));
	}
}

static int dress(struct apply *a, const char *path, int fd, struct rl_err *err)
{
	struct stat st;
	auto_fd int from =
		copy_find_lower(a->limits.lower_fds, a->limits.n_lower, path, S_IFDIR, &st);

	if (from >= 0 && copy_dir_meta(from, fd, &st, a->place.one_id, err) < 0)
		return rl_wrap(err, "folder '%.300s'", path);
	return 0;
}

/*
 * A folder that is only a part of other entries' paths is not described by this layer: it looks as
 * it does below, where it is there. Afterwards nothing is put into any folder.
 */
static int dress_bare(struct apply *a, struct unpack_result *ret, struct rl_err *err)
{
	const struct buf *paths = &a->place.bare_paths;

	for (size_t i = 0; i < paths->len; i += strlen(paths->data + i) + 1) {
		const char *path = paths->data + i;
		auto_fd int fd = place_open_bare(&a->place, path);

		if (fd < 0)
			continue;
		if (!a->limits.lower_later && dress(a, path, fd, err) < 0)
			return -err->code;
		if (a->limits.lower_later && buf_add(&ret->bare, path, strlen(path) + 1) < 0)
			return rl_oom(err);
	}
	return 0;
}

/* The list comes from a process that has read a hostile layer. */
int apply_dress(struct apply *a, const struct buf *bare, struct rl_err *err)
{
	for (size_t i = 0; i < bare->len; i += strlen(bare->data + i) + 1) {
		char path[PLACE_PATH_MAX + 1];
		auto_fd int fd = FD_NONE;

		if (place_clean(bare->data + i, path, err) < 0)
			return rl_wrap(err, "folder '%.300s'", bare->data + i);
		fd = place_open_dir(&a->place, path);
		if (fd < 0)
			return rl_fail_sys(err, -fd, "open folder '%.300s'", path);
		if (*path && dress(a, path, fd, err) < 0)
			return -err->code;
	}
	return 0;
}

static int put_dir(struct apply *a, const char *path, int dir_fd, const char *base,
		   struct archive_entry *e, struct rl_err *err)
{
	const struct timespec mtime = meta_mtime(e);
	enum place_was was = PLACE_FREE;
	auto_fd int fd = FD_NONE;
	struct stat st;
	int r;

	r = place_look(dir_fd, base, &was, &st, err);
	if (r < 0)
		return r;
	if (was == PLACE_DIR) {
		fd = openat(dir_fd, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return rl_fail_sys(err, errno, "open the folder");
	} else {
		if (was != PLACE_FREE && place_clear(&a->place, dir_fd, base, err) < 0)
			return -err->code;
		/* over this layer's own whiteout: the lower folder must not shine through */
		fd = place_mkdir(dir_fd, base, was == PLACE_WHITEOUT, err);
		if (fd < 0)
			return fd;
	}
	r = meta_apply(fd, e, a->place.one_id, err);
	if (r < 0)
		return r;
	return remember_times(a, path, fd, &mtime, err);
}

/* "." and "/": the root of the layer, which can only be a folder. */
static int put_root(struct apply *a, struct archive_entry *e, struct rl_err *err)
{
	const struct timespec mtime = meta_mtime(e);
	auto_fd int fd = FD_NONE;
	int r;

	if (archive_entry_filetype(e) != AE_IFDIR || archive_entry_hardlink(e))
		return rl_fail(err, EINVAL, "the root of a layer can only be a folder");
	fd = openat(a->place.root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return rl_fail_sys(err, errno, "open the staging folder");
	r = meta_apply(fd, e, a->place.one_id, err);
	if (r < 0)
		return r;
	return remember_times(a, "", fd, &mtime, err);
}

/* --- files --------------------------------------------------------------------------------- */

/* Create anew; what this layer put there before goes. Set-id bits come with the owner, later. */
static int create_file(struct apply *a, int dir_fd, const char *base, mode_t mode,
		       struct rl_err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir_fd, base, flags, mode & 0777);

	if (fd < 0 && errno == EEXIST) {
		if (place_clear(&a->place, dir_fd, base, err) < 0)
			return -err->code;
		fd = openat(dir_fd, base, flags, mode & 0777);
	}
	if (fd < 0)
		return rl_fail_sys(err, errno, "create");
	return fd;
}

/* The entry's data, which may stay in the file @there of another store. */
static int put_data(struct apply *a, struct tarin *t, int fd, int there, const char *path,
		    int64_t size, struct rl_err *err)
{
	int64_t written = 0;
	int r;

	if (there < 0) {
		r = tarin_write(t, fd, size, &written, err);
		a->bytes += written;
		return r;
	}
	r = tarin_same(t, there, size, err);
	if (r == 0 || (r > 0 && stub_make(fd, a->limits.there, path, size) < 0))
		return rl_fail(err, UNPACK_NOT_SAME,
			       "the store that has it unpacked has something else there");
	a->bytes += size;
	a->stubs++;
	return r < 0 ? r : 0;
}

static int put_file(struct apply *a, const char *path, int dir_fd, const char *base,
		    struct tarin *t, struct archive_entry *e, struct rl_err *err)
{
	const struct timespec mtime = meta_mtime(e), ts[2] = { mtime, mtime };
	int64_t size = archive_entry_size(e);
	auto_fd int fd = FD_NONE, there = FD_NONE;
	int r;

	if (size < 0)
		return rl_fail(err, EINVAL, "its size is negative");
	if (size > a->limits.max_bytes && archive_entry_sparse_count(e) == 0)
		return rl_fail(err, EFBIG, "its size, %lld bytes, is over the layer's limit",
			       (long long)size);
	fd = create_file(a, dir_fd, base, archive_entry_perm(e), err);
	if (fd < 0)
		return fd;
	if (a->limits.there && archive_entry_sparse_count(e) == 0)
		there = stub_find(a->limits.there_fd, path, size);
	r = put_data(a, t, fd, there, path, size, err);
	if (r == 0)
		r = meta_apply(fd, e, a->place.one_id, err);
	if (r < 0)
		return r;
	if (futimens(fd, ts) < 0)
		return rl_fail_sys(err, errno, "set its times");
	return 0;
}

/* Symlinks and special files: no descriptor can be had, the name just made is not followed. */
static int put_name_meta(struct apply *a, int dir_fd, const char *base, struct archive_entry *e,
			 struct rl_err *err)
{
	const struct timespec mtime = meta_mtime(e), ts[2] = { mtime, mtime };
	uint32_t uid, gid;

	if (meta_owner(e, &uid, &gid, err) < 0)
		return -err->code;
	if (!a->place.one_id && fchownat(dir_fd, base, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return meta_owner_error(errno, uid, gid, err);
	if (utimensat(dir_fd, base, ts, AT_SYMLINK_NOFOLLOW) < 0)
		return rl_fail_sys(err, errno, "set its times");
	return 0;
}

static int put_symlink(struct apply *a, int dir_fd, const char *base, struct archive_entry *e,
		       struct rl_err *err)
{
	const char *target = archive_entry_symlink(e);
	int r;

	if (!target || *target == '\0' || strlen(target) > PLACE_PATH_MAX)
		return rl_fail(err, EINVAL, "the target of the link is empty or over %d bytes",
			       PLACE_PATH_MAX);
	r = symlinkat(target, dir_fd, base);
	if (r < 0 && errno == EEXIST) {
		if (place_clear(&a->place, dir_fd, base, err) < 0)
			return -err->code;
		r = symlinkat(target, dir_fd, base);
	}
	if (r < 0)
		return rl_fail_sys(err, errno, "create the link");
	return put_name_meta(a, dir_fd, base, e, err);
}

static int put_special(struct apply *a, int dir_fd, const char *base, struct archive_entry *e,
		       struct rl_err *err)
{
	mode_t mode = archive_entry_mode(e);

	if (place_clear(&a->place, dir_fd, base, err) < 0)
		return -err->code;
	if (mknodat(dir_fd, base, mode & (S_IFMT | 07777), 0) < 0)
		return rl_fail_sys(err, errno, "create");
	return put_name_meta(a, dir_fd, base, e, err);
}

static int put_device(struct apply *a, int dir_fd, const char *base, struct archive_entry *e,
		      struct rl_err *err)
{
	auto_fd int fd = FD_NONE;

	if (!a->place.one_id)
		return 0;
	fd = create_file(a, dir_fd, base, 0600, err);
	if (fd < 0)
		return fd;
	return meta_apply(fd, e, true, err);
}

/* --- hard links ---------------------------------------------------------------------------- */

static bool has_whiteout_part(const char *path)
{
	while (strncmp(path, WH, WH_LEN) != 0) {
		path = strchr(path, '/');
		if (!path)
			return false;
		path++;
	}
	return true;
}

/*
 * A hard link to a file of a lower layer: what the overlay shows there is copied up, and the new
 * name is one for the copy. (The old name still shows the lower file; writing tools put both names
 * into a layer.)
 */
static int put_lower_file(struct apply *a, const char *path, const char *target, struct rl_err *err)
{
	auto_fd int from = FD_NONE, to = FD_NONE;
	struct stat st;
	const char *base;
	int fd;

	from = copy_find_lower(a->limits.lower_fds, a->limits.n_lower, target, S_IFREG, &st);
	if (from < 0) {
		if (a->limits.n_lower == 0)
			return rl_fail(err, UNPACK_NEEDS_LOWER,
				       "hard link to '%.300s', which is not in this layer", target);
		return rl_fail(err, ENOENT,
			       "hard link to '%.300s', which is not in this layer nor below",
			       target);
	}
	fd = place_find(&a->place, path, true, &base, err);
	if (fd < 0)
		return fd;
	to = create_file(a, fd, base, 0600, err);
	if (to < 0)
		return to;
	if (copy_data(from, to, st.st_size, err) < 0)
		return -err->code;
	a->bytes += st.st_size;
	a->lower_stubs = a->lower_stubs || stub_is(from); /* then this is one, too */
	return copy_meta(from, to, &st, a->place.one_id, err);
}

/*
 * Threat: a link to a host file, to a lower layer's file (shared with other images), or through a
 * symlink, followed by an entry that changes mode or content.
 * Defence: the target is found like any entry, below the staging root, its last component not
 * followed; the link's own metadata is not applied.
 * Must not: link to what this layer does not hold.
 */
static int put_hardlink(struct apply *a, const char *path, const char *target, struct rl_err *err)
{
	char clean[PLACE_PATH_MAX + 1];
	auto_fd int from_fd = FD_NONE;
	enum place_was was = PLACE_FREE, old = PLACE_FREE;
	struct stat st = { 0 }, old_st = { 0 };
	const char *from, *base;
	int fd;

	if (place_clean(target, clean, err) < 0)
		return rl_wrap(err, "target '%.300s' of the hard link", target);
	fd = *clean && !has_whiteout_part(clean) ? place_find(&a->place, clean, false, &from, err)
						 : -ENOENT;
	if (fd >= 0) {
		if (place_look(fd, from, &was, &st, err) < 0)
			return -err->code;
		from_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (from_fd < 0)
			return rl_fail_sys(err, errno, "keep a folder open");
	}
	if (was == PLACE_DIR)
		return rl_fail(err, EPERM, "hard link to '%.300s', which is a folder", target);
	if (was == PLACE_FREE && *clean && !has_whiteout_part(clean))
		return put_lower_file(a, path, clean, err);
	if (was != PLACE_OTHER)
		return rl_fail(err, ENOENT, "hard link to '%.300s', which is not in this layer",
			       target);
	fd = place_find(&a->place, path, true, &base, err);
	if (fd < 0)
		return fd;
	if (place_look(fd, base, &old, &old_st, err) < 0)
		return -err->code;
	if (old == PLACE_OTHER && old_st.st_ino == st.st_ino && old_st.st_dev == st.st_dev)
		return 0; /* already so; a link to itself too */
	if (old != PLACE_FREE && place_clear(&a->place, fd, base, err) < 0)
		return -err->code;
	if (linkat(from_fd, from, fd, base, 0) < 0)
		return rl_fail_sys(err, errno, "hard link to '%.300s'", target);
	return 0;
}

/* --- whiteouts ----------------------------------------------------------------------------- */

static int put_whiteout(struct apply *a, int dir_fd, const char *name, struct rl_err *err)
{
	enum place_was was = PLACE_FREE;
	auto_fd int fd = FD_NONE;
	struct stat st;

	if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return rl_fail(err, EINVAL, "a whiteout of no name");
	if (place_look(dir_fd, name, &was, &st, err) < 0)
		return -err->code;
	/* whiteouts below it came first: there is no such folder in this layer */
	if (was == PLACE_DIR && place_is_hollow(&a->place, dir_fd, name, st.st_ino)) {
		if (place_clear(&a->place, dir_fd, name, err) < 0)
			return -err->code;
		was = PLACE_FREE;
	}
	if (was == PLACE_FREE) {
		if (mknodat(dir_fd, name, S_IFCHR, makedev(0, 0)) < 0)
			return rl_fail_sys(err, errno, "create the whiteout");
		return 0;
	}
	if (was != PLACE_DIR) /* our own file, or deleted already */
		return 0;
	place_is_real(&a->place, st.st_ino); /* a new folder in the place of the lower one */
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return rl_fail_sys(err, errno, "open the folder");
	return place_set_opaque(fd, err);
}

/* --- entries ------------------------------------------------------------------------------- */

static int put_new(struct apply *a, const char *path, struct tarin *t, struct archive_entry *e,
		   struct rl_err *err)
{
	const char *base;
	int fd = place_find(&a->place, path, true, &base, err);

	if (fd < 0)
		return fd;
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
		a->files++;
		return put_file(a, path, fd, base, t, e, err);
	case AE_IFDIR:
		return put_dir(a, path, fd, base, e, err);
	case AE_IFLNK:
		return put_symlink(a, fd, base, e, err);
	case AE_IFIFO:
	case AE_IFSOCK:
		return put_special(a, fd, base, e, err);
	case AE_IFCHR:
	case AE_IFBLK:
		return put_device(a, fd, base, e, err);
	default:
		return rl_fail(err, EINVAL, "its type is not known");
	}
}

static int put_marker(struct apply *a, const char *path, struct rl_err *err)
{
	const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path, *base;
	char dir[PLACE_PATH_MAX + 1];
	int fd;

	if (strncmp(path, WH_AUFS, sizeof(WH_AUFS) - 1) == 0 && strcmp(path, WH_OPAQUE) != 0)
		return 0; /* bookkeeping of aufs at the root, no part of the image */
	memcpy(dir, path, (size_t)(last - path));
	dir[last - path] = '\0';
	if (has_whiteout_part(dir))
		return rl_fail(err, EINVAL, "its path goes through a whiteout");
	if (strncmp(last, WH_AUFS, sizeof(WH_AUFS) - 1) == 0 && strcmp(last, WH_OPAQUE) != 0)
		return 0;
	/* umoci also lists what was below a folder that this layer removed or replaced by a file */
	if (strcmp(last, WH_OPAQUE) != 0 && place_is_hidden(&a->place, dir))
		return 0;
	a->place.marking = strcmp(last, WH_OPAQUE) != 0;
	fd = place_find(&a->place, path, true, &base, err);
	a->place.marking = false;
	if (fd < 0)
		return fd;
	if (strcmp(base, WH_OPAQUE) == 0)
		return place_set_opaque(fd, err);
	return put_whiteout(a, fd, base + WH_LEN, err);
}

static int put(struct apply *a, struct tarin *t, struct archive_entry *e, struct rl_err *err)
{
	const char *name = archive_entry_pathname(e), *link = archive_entry_hardlink(e);
	char path[PLACE_PATH_MAX + 1];
	int r;

	if (!name)
		return rl_fail(err, EINVAL, "an entry has no name");
	r = place_clean(name, path, err);
	if (r == 0 && *path == '\0')
		r = put_root(a, e, err);
	else if (r == 0 && has_whiteout_part(path))
		r = put_marker(a, path, err);
	else if (r == 0 && link)
		r = put_hardlink(a, path, link, err);
	else if (r == 0)
		r = put_new(a, path, t, e, err);
	return r < 0 ? rl_wrap(err, "entry '%.300s'", name) : 0;
}

int apply_all(struct apply *a, struct tarin *t, struct unpack_result *ret, struct rl_err *err)
{
	struct archive_entry *e;
	int r;

	while ((r = tarin_next(t, &e, err)) > 0) {
		if (++a->entries > a->limits.max_entries)
			return rl_fail(err, E2BIG, "more than %lld entries",
				       (long long)a->limits.max_entries);
		r = put(a, t, e, err);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	set_dir_times(a);
	if (dress_bare(a, ret, err) < 0)
		return -err->code;
	ret->files = a->entries;
	ret->disk_bytes = a->bytes;
	ret->stubs = a->stubs;
	ret->lower_stubs = a->lower_stubs;
	return 0;
}
