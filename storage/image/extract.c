/* SPDX-License-Identifier: Apache-2.0 */
/* extract.c - a tar into a folder that is in use; the header is the manual */
#include "config.h"

#include "storage/image/extract.h"

#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "storage/image/place.h"
#include "storage/image/tarin.h"

#define TRIES_MAX 100 /* somebody puts things where we just made room */

/* A folder that we made: what it becomes at the end, if it is still the same one */
struct made {
	char *path;
	ino_t ino;
	mode_t mode;
	struct timespec mtime;
};

struct extract {
	const struct extract_opts *opts;
	struct place place; /* for its resolver; its cache is not used */
	int dir_fd;         /* on @dir, the folder of the last entry */
	char dir[PLACE_PATH_MAX + 1];
	struct made *made;
	size_t n_made, cap_made;
	void *ours; /* tsearch(3) tree of inode numbers of files that we made */
};

static void *as_key(ino_t ino)
{
	return (void *)(uintptr_t)ino;
}

static int compare_keys(const void *a, const void *b)
{
	return (uintptr_t)a < (uintptr_t)b ? -1 : (uintptr_t)a > (uintptr_t)b;
}

static void forget_nothing(void *key)
{
	(void)key; /* a number */
}

static int remember_file(struct extract *x, int fd, struct rl_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return rl_fail_sys(err, errno, "stat");
	return tsearch(as_key(st.st_ino), &x->ours, compare_keys) ? 0 : rl_oom(err);
}

/* --- folders ------------------------------------------------------------------------------- */

static int remember_dir(struct extract *x, const char *path, int fd, mode_t mode,
			const struct timespec *mtime, struct rl_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return rl_fail_sys(err, errno, "stat");
	if (x->n_made == x->cap_made) {
		size_t cap = x->cap_made ? 2 * x->cap_made : 64;
		struct made *m = reallocarray(x->made, cap, sizeof(*m));

		if (!m)
			return rl_oom(err);
		x->made = m;
		x->cap_made = cap;
	}
	x->made[x->n_made] = (struct made){ strdup(path), st.st_ino, mode, *mtime };
	return x->made[x->n_made++].path ? 0 : rl_oom(err);
}

/* Last made first: a folder's times change no more once its own folders are done. */
static void finish_dirs(struct extract *x)
{
	while (x->n_made > 0) {
		struct made *m = &x->made[--x->n_made];
		auto_fd int fd = place_open_dir(&x->place, m->path);
		const struct timespec ts[2] = { m->mtime, m->mtime };
		struct stat st;

		if (fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == m->ino &&
		    (fchmod(fd, m->mode) < 0 || futimens(fd, ts) < 0))
			log_debug("mode and times of '%s': %s", m->path, strerror(errno));
		free(m->path);
	}
	free(x->made);
}

static int in_the_way(const char *what, const char *name, struct rl_err *err)
{
	rl_fail(err, EEXIST, "%s '%.255s' is in the way", what, name);
	return rl_hint(err, "--overwrite replaces it");
}

/* mkdir and open, 0700 for now: it is filled first. -EEXIST without a message. */
static int make_dir(int at, const char *base, struct rl_err *err)
{
	int fd;

	if (mkdirat(at, base, 0700) < 0)
		return errno == EEXIST ? -EEXIST
				       : rl_fail_sys(err, errno, "create folder '%.255s'", base);
	fd = openat(at, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? rl_fail_sys(err, errno, "open folder '%.255s'", base) : fd;
}

/* The folder @base of @at: made, or there already. @ret_made tells which. */
static int get_dir(struct extract *x, int at, const char *base, bool *ret_made, struct rl_err *err)
{
	for (int i = 0; i < TRIES_MAX; i++) {
		int fd = make_dir(at, base, err);

		*ret_made = fd >= 0;
		if (fd != -EEXIST)
			return fd;
		fd = openat(at, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (errno != ENOTDIR && errno != ELOOP && errno != ENOENT)
			return rl_fail_sys(err, errno, "open folder '%.255s'", base);
		if (errno != ENOENT && !x->opts->overwrite)
			return in_the_way("cannot copy a folder there: the file or link", base,
					  err);
		if (unlinkat(at, base, 0) < 0 && errno != ENOENT && errno != EISDIR)
			return rl_fail_sys(err, errno, "replace '%.255s'", base);
	}
	return rl_fail(err, EBUSY, "folder '%.255s': something keeps replacing it", base);
}

/* A folder of a path that has no entry of its own: root's, unless all is somebody's; 0755 */
static int get_plain_dir(struct extract *x, int at, const char *base, struct rl_err *err)
{
	const struct meta_who *who = &x->opts->who;
	bool made = false;
	auto_fd int fd = get_dir(x, at, base, &made, err);

	if (fd < 0)
		return fd;
	if (made && ((who->owner != META_CALLER && fchown(fd, who->uid, who->gid) < 0) ||
		     fchmod(fd, 0755) < 0))
		return rl_fail_sys(err, errno, "dress folder '%.255s'", base);
	return TAKE_FD(fd);
}

/* Make x->dir_fd the folder @path, made as far as it is missing. */
static int enter(struct extract *x, const char *path, struct rl_err *err)
{
	auto_fd int at = FD_NONE;
	char part[256];

	if (x->dir_fd >= 0 && strcmp(path, x->dir) == 0)
		return 0;
	at = place_open_dir(&x->place, path);
	if (at < 0)
		at = place_open_dir(&x->place, "");
	else
		goto done;
	if (at < 0)
		return rl_fail_sys(err, -at, "open the destination");
	for (const char *s = path; *s;) {
		size_t len = strcspn(s, "/");
		int next;

		memcpy(part, s, len); /* at most 255: place_clean() */
		part[len] = '\0';
		next = get_plain_dir(x, at, part, err);
		if (next < 0)
			return next;
		fd_close(TAKE_FD(at));
		at = next;
		s += len + (s[len] == '/');
	}
done:
	fd_close(TAKE_FD(x->dir_fd));
	x->dir_fd = TAKE_FD(at);
	memcpy(x->dir, path, strlen(path) + 1);
	return 0;
}

static int put_dir(struct extract *x, const char *path, const char *base, struct archive_entry *e,
		   struct rl_err *err)
{
	const struct timespec mtime = meta_mtime(e);
	bool made = false;
	auto_fd int fd = get_dir(x, x->dir_fd, base, &made, err);
	struct stat st;
	int r;

	if (fd < 0 || !made)
		return fd < 0 ? fd : 0;
	r = meta_apply_copy(fd, e, &x->opts->who, x->opts->set_id, err);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0 || fchmod(fd, (st.st_mode & 07777) | 0700) < 0)
		return rl_fail_sys(err, errno, "set its mode");
	return remember_dir(x, path, fd, st.st_mode & 07777, &mtime, err);
}

/* --- files --------------------------------------------------------------------------------- */

/* Remove what is at @base, so that something other than a folder can be made there. */
static int make_room(struct extract *x, const char *base, struct rl_err *err)
{
	struct stat st;

	if (unlinkat(x->dir_fd, base, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return rl_fail_sys(err, errno, "replace '%.255s'", base);
	if (fstatat(x->dir_fd, base, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	if (!x->opts->overwrite)
		return in_the_way("cannot copy a file there: the folder", base, err);
	return io_remove_tree(x->dir_fd, base, err);
}

/* A file that is mounted (/etc/hosts of a container) stays the one it is. */
static int open_mounted(int dir_fd, const char *base, struct rl_err *err)
{
	auto_fd int fd = openat(dir_fd, base, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return rl_fail_sys(err, errno, "open '%.255s', which is mounted", base);
	if (!S_ISREG(st.st_mode))
		return rl_fail(err, EBUSY, "'%.255s' is mounted, and no file", base);
	if (ftruncate(fd, 0) < 0)
		return rl_fail_sys(err, errno, "empty '%.255s', which is mounted", base);
	return TAKE_FD(fd);
}

static int create_file(struct extract *x, const char *base, bool *ret_mounted, struct rl_err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

	*ret_mounted = false;
	for (int i = 0; i < TRIES_MAX; i++) {
		int fd = openat(x->dir_fd, base, flags, 0600), r;

		if (fd >= 0)
			return fd;
		if (errno != EEXIST)
			return rl_fail_sys(err, errno, "create");
		r = make_room(x, base, err);
		if (r == -EBUSY) {
			*ret_mounted = true;
			return open_mounted(x->dir_fd, base, err);
		}
		if (r < 0)
			return r;
	}
	return rl_fail(err, EBUSY, "something keeps putting '%.255s' back", base);
}

static int put_file(struct extract *x, const char *base, struct tarin *t, struct archive_entry *e,
		    struct rl_err *err)
{
	const struct timespec mtime = meta_mtime(e), ts[2] = { mtime, mtime };
	int64_t size = archive_entry_size(e), written;
	bool mounted = false;
	auto_fd int fd = FD_NONE;
	int r;

	if (size < 0)
		return rl_fail(err, EINVAL, "its size is negative");
	fd = create_file(x, base, &mounted, err);
	if (fd < 0)
		return fd;
	r = tarin_write(t, fd, size, &written, err);
	if (r < 0 || mounted)
		return r;
	r = meta_apply_copy(fd, e, &x->opts->who, x->opts->set_id, err);
	if (r == 0)
		r = remember_file(x, fd, err);
	if (r == 0 && futimens(fd, ts) < 0)
		r = rl_fail_sys(err, errno, "set its times");
	return r;
}

/* No descriptor can be had: the name just made, not followed. */
static int put_name_meta(struct extract *x, const char *base, struct archive_entry *e,
			 struct rl_err *err)
{
	const struct timespec mtime = meta_mtime(e), ts[2] = { mtime, mtime };
	const struct meta_who *who = &x->opts->who;
	uint32_t uid = who->uid, gid = who->gid;

	if (who->owner == META_KEEP && meta_owner(e, &uid, &gid, err) < 0)
		return -err->code;
	if (who->owner != META_CALLER &&
	    fchownat(x->dir_fd, base, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return meta_owner_error(errno, uid, gid, err);
	if (utimensat(x->dir_fd, base, ts, AT_SYMLINK_NOFOLLOW) < 0)
		return rl_fail_sys(err, errno, "set its times");
	return 0;
}

static int put_special(struct extract *x, const char *base, struct archive_entry *e,
		       struct rl_err *err)
{
	const char *target = archive_entry_symlink(e);
	const bool link = archive_entry_filetype(e) == AE_IFLNK;

	if (link && (!target || *target == '\0' || strlen(target) > PLACE_PATH_MAX))
		return rl_fail(err, EINVAL, "the target of the link is empty or over %d bytes",
			       PLACE_PATH_MAX);
	for (int i = 0; i < TRIES_MAX; i++) {
		int r = link ? symlinkat(target, x->dir_fd, base)
			     : mknodat(x->dir_fd, base, S_IFIFO | (archive_entry_perm(e) & 0777),
				       0);

		if (r == 0)
			return put_name_meta(x, base, e, err);
		if (errno != EEXIST)
			return rl_fail_sys(err, errno, "create");
		r = make_room(x, base, err);
		if (r < 0)
			return r;
	}
	return rl_fail(err, EBUSY, "something keeps putting '%.255s' back", base);
}

/*
 * Threat: a link to a file that was there before gives it a second name, where whoever wrote the
 * archive may read or change it.
 * Defence: only files that we made are linked, told by their inode.
 */
static int put_hardlink(struct extract *x, const char *base, const char *target, struct rl_err *err)
{
	char clean[PLACE_PATH_MAX + 1], *slash;
	auto_fd int from = FD_NONE;
	const char *name;
	struct stat st, old;
	int r;

	if (place_clean(target, clean, err) < 0)
		return rl_wrap(err, "target '%.300s' of the hard link", target);
	slash = strrchr(clean, '/');
	name = slash ? slash + 1 : clean;
	if (slash)
		*slash = '\0';
	from = place_open_dir(&x->place, slash ? clean : "");
	if (from < 0 || *name == '\0' || fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode) || !tfind(as_key(st.st_ino), &x->ours, compare_keys))
		return rl_fail(err, ENOENT, "hard link to '%.300s', which is not in the archive",
			       target);
	if (fstatat(x->dir_fd, base, &old, AT_SYMLINK_NOFOLLOW) == 0 && old.st_ino == st.st_ino &&
	    old.st_dev == st.st_dev)
		return 0; /* already so */
	r = make_room(x, base, err);
	if (r == 0 && linkat(from, name, x->dir_fd, base, 0) < 0)
		r = rl_fail_sys(err, errno, "hard link to '%.300s'", target);
	return r;
}

/* --- entries ------------------------------------------------------------------------------- */

static int put_at(struct extract *x, const char *path, const char *base, struct tarin *t,
		  struct archive_entry *e, struct rl_err *err)
{
	const char *link = archive_entry_hardlink(e);

	if (link)
		return put_hardlink(x, base, link, err);
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
		return put_file(x, base, t, e, err);
	case AE_IFDIR:
		return put_dir(x, path, base, e, err);
	case AE_IFLNK:
	case AE_IFIFO:
		return put_special(x, base, e, err);
	case AE_IFCHR:
	case AE_IFBLK:
		log_warn("'%s' is a device and is left out", path);
		return 0;
	default:
		return rl_fail(err, EINVAL, "its type is not known");
	}
}

static int put(struct extract *x, struct tarin *t, struct archive_entry *e, struct rl_err *err)
{
	const char *name = archive_entry_pathname(e), *slash;
	char path[PLACE_PATH_MAX + 1], dir[PLACE_PATH_MAX + 1];
	size_t len;
	int r;

	if (!name)
		return rl_fail(err, EINVAL, "an entry has no name");
	r = place_clean(name, path, err);
	if (r == 0 && *path == '\0') /* the destination itself: stays as it is */
		return 0;
	if (r == 0) {
		slash = strrchr(path, '/');
		len = slash ? (size_t)(slash - path) : 0;
		memcpy(dir, path, len);
		dir[len] = '\0';
		r = enter(x, dir, err);
		if (r == 0)
			r = put_at(x, path, slash ? slash + 1 : path, t, e, err);
	}
	return r < 0 ? rl_wrap(err, "'%.300s'", name) : 0;
}

int extract_all(int dest_fd, struct tarin *t, const struct extract_opts *opts, struct rl_err *err)
{
	struct extract x = { .opts = opts, .dir_fd = FD_NONE };
	struct archive_entry *e;
	int r;

	place_init(&x.place, dest_fd, false);
	while ((r = tarin_next(t, &e, err)) > 0) {
		r = put(&x, t, e, err);
		if (r < 0)
			break;
	}
	finish_dirs(&x); /* also after a failure: nothing stays closed to its owner */
	fd_close(x.dir_fd);
	tdestroy(x.ours, forget_nothing);
	place_done(&x.place);
	return r;
}
