/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.c - names of layer entries, resolved below the staging root; the header is the manual
 *
 * Sources: openat2(2), OCI image-spec layer.md "Whiteouts", kernel
 * Documentation/filesystems/overlayfs.rst "whiteouts and opaque directories", "User xattr".
 */
#include "config.h"

#include "storage/image/place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <search.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"

static void forget_nothing(void *key)
{
	(void)key; /* a number */
}

void place_init(struct place *p, int root_fd, bool one_id)
{
	*p = (struct place){ .root_fd = root_fd, .dir_fd = FD_NONE, .one_id = one_id };
}

void place_done(struct place *p)
{
	fd_close(TAKE_FD(p->dir_fd));
	tdestroy(p->implied, forget_nothing);
	tdestroy(p->bare, forget_nothing);
	p->implied = p->bare = NULL;
	buf_done(&p->bare_paths);
}

/* --- folders made for whiteouts only ------------------------------------------------------- */

/* The keys are the numbers themselves, as pointers: no memory of their own. */
static void *as_key(ino_t ino)
{
	return (void *)(uintptr_t)ino;
}

static int compare_keys(const void *a, const void *b)
{
	return (uintptr_t)a < (uintptr_t)b ? -1 : (uintptr_t)a > (uintptr_t)b;
}

void place_is_real(struct place *p, ino_t ino)
{
	(void)tdelete(as_key(ino), &p->implied, compare_keys); /* mostly it is not in there */
	(void)tdelete(as_key(ino), &p->bare, compare_keys);
}

static int remember_bare(struct place *p, int fd, const char *path, struct rl_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return rl_fail_sys(err, errno, "stat");
	if (p->bare_paths.len + strlen(path) >= PLACE_BARE_MAX)
		return rl_fail(err, E2BIG, "too many folders without an entry of their own");
	if (buf_add(&p->bare_paths, path, strlen(path) + 1) < 0 ||
	    !tsearch(as_key(st.st_ino), &p->bare, compare_keys) ||
	    (p->marking && !tsearch(as_key(st.st_ino), &p->implied, compare_keys)))
		return rl_oom(err);
	return 0;
}

int place_open_bare(struct place *p, const char *path)
{
	auto_fd int fd = openat(p->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char part[256], y;
	struct stat st;

	while (fd >= 0 && *path) {
		size_t len = strcspn(path, "/");
		int next;

		if (fgetxattr(fd, "user.overlay.opaque", &y, 1) == 1 && y == 'y')
			return -ENOENT;
		memcpy(part, path, len); /* place_clean() has seen to its length */
		part[len] = '\0';
		next = openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		fd_close(TAKE_FD(fd));
		fd = next;
		path += len + (path[len] == '/');
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return tfind(as_key(st.st_ino), &p->bare, compare_keys) ? TAKE_FD(fd) : -ENOENT;
}

bool place_is_hollow(struct place *p, int dir_fd, const char *base, ino_t ino)
{
	auto_dir DIR *d = NULL;
	struct dirent *e;
	bool hollow = true;
	int fd;

	if (!tfind(as_key(ino), &p->implied, compare_keys))
		return false;
	fd = openat(dir_fd, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		fd_close(fd);
		return false;
	}
	while (hollow && (e = readdir(d))) {
		struct stat st;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		hollow = fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			 (place_is_whiteout(&st) ||
			  (S_ISDIR(st.st_mode) && place_is_hollow(p, fd, e->d_name, st.st_ino)));
	}
	if (!hollow)
		(void)tdelete(as_key(ino), &p->implied, compare_keys);
	return hollow;
}

/* --- names --------------------------------------------------------------------------------- */

int place_clean(const char *name, char out[PLACE_PATH_MAX + 1], struct rl_err *err)
{
	size_t n = 0;
	int depth = 0;

	if (*name == '\0')
		return rl_fail(err, EINVAL, "its name is empty");
	while (*name) {
		size_t len = strcspn(name, "/");

		if (len == 2 && memcmp(name, "..", 2) == 0)
			return rl_fail(err, EINVAL, "'..' in its name");
		if (len > 255)
			return rl_fail(err, ENAMETOOLONG, "a part of its name is over 255 bytes");
		if (len > 0 && !(len == 1 && *name == '.')) {
			if (n + len + 1 > PLACE_PATH_MAX)
				return rl_fail(err, ENAMETOOLONG, "its name is over %d bytes",
					       PLACE_PATH_MAX);
			if (++depth > PLACE_DEPTH_MAX)
				return rl_fail(err, ENAMETOOLONG, "over %d folders deep",
					       PLACE_DEPTH_MAX);
			if (n > 0)
				out[n++] = '/';
			memcpy(out + n, name, len);
			n += len;
		}
		name += len;
		while (*name == '/')
			name++;
	}
	out[n] = '\0';
	return 0;
}

/* Component by component, following nothing; for where openat2 is refused. */
static int walk(int root_fd, const char *path)
{
	auto_fd int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && *path) {
		size_t len = strcspn(path, "/");
		char part[256];
		int next;

		if (len >= sizeof(part))
			return -ENAMETOOLONG;
		memcpy(part, path, len);
		part[len] = '\0';
		next = openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		fd_close(TAKE_FD(fd));
		fd = next;
		path += len + (path[len] == '/');
	}
	return fd < 0 ? -errno : TAKE_FD(fd);
}

static int open_dir(struct place *p, const char *path, uint64_t resolve)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = resolve | RESOLVE_NO_MAGICLINKS,
	};

	if (*path == '\0')
		path = ".";
	for (int tries = 0; !p->no_openat2; tries++) {
		long fd = syscall(SYS_openat2, p->root_fd, path, &how, sizeof(how));

		if (fd >= 0)
			return (int)fd;
		if (errno == EAGAIN && tries < 100)
			continue; /* a rename somewhere on the system; openat2(2) says retry */
		if (errno != ENOSYS && errno != EPERM)
			return -errno;
		p->no_openat2 = true;
	}
	return walk(p->root_fd, strcmp(path, ".") == 0 ? "" : path);
}

int place_open_dir(struct place *p, const char *path)
{
	return open_dir(p, path, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

bool place_is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

int place_look(int dir_fd, const char *base, enum place_was *ret, struct stat *ret_st,
	       struct rl_err *err)
{
	struct stat st;

	if (fstatat(dir_fd, base, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return rl_fail_sys(err, errno, "stat");
		*ret = PLACE_FREE;
		return 0;
	}
	*ret_st = st;
	*ret = S_ISDIR(st.st_mode)      ? PLACE_DIR
	       : place_is_whiteout(&st) ? PLACE_WHITEOUT
					: PLACE_OTHER;
	return 0;
}

int place_clear(struct place *p, int dir_fd, const char *base, struct rl_err *err)
{
	p->dir[0] = '\0'; /* a link or folder that the cached path went through may go */
	if (unlinkat(dir_fd, base, 0) == 0 || errno == ENOENT)
		return 0;
	return io_remove_tree(dir_fd, base, err);
}

int place_set_opaque(int fd, struct rl_err *err)
{
	if (fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) == 0)
		return 0;
	rl_fail_sys(err, errno, "mark the folder as opaque");
	if (err->code == EOPNOTSUPP)
		rl_hint(err, "keep the store on a file system with user extended attributes");
	return -err->code;
}

int place_mkdir(int dir_fd, const char *base, bool opaque, struct rl_err *err)
{
	auto_fd int fd = FD_NONE;

	if (mkdirat(dir_fd, base, 0755) < 0)
		return rl_fail_sys(err, errno, "create folder '%.255s'", base);
	fd = openat(dir_fd, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return rl_fail_sys(err, errno, "open folder '%.255s'", base);
	if (opaque && place_set_opaque(fd, err) < 0)
		return -err->code;
	return TAKE_FD(fd);
}

/* A folder that no entry described: root's, 0755, whatever set-gid folder it is in. @path: whole */
static int make_plain(struct place *p, int dir_fd, const char *path, const char *base, bool opaque,
		      struct rl_err *err)
{
	auto_fd int fd = place_mkdir(dir_fd, base, opaque, err);

	if (fd < 0)
		return fd;
	if (!p->one_id && fchown(fd, 0, 0) < 0)
		return rl_fail_sys(err, errno, "give folder '%.255s' to root", base);
	if (fchmod(fd, 0755) < 0)
		return rl_fail_sys(err, errno, "chmod folder '%.255s'", base);
	if (!opaque && remember_bare(p, fd, path, err) < 0)
		return -err->code;
	return TAKE_FD(fd);
}

/* Make the component @base of @at, the last of @path, which could not be opened as a folder. */
static int make_part(struct place *p, int at, const char *path, const char *base, int why,
		     struct rl_err *err)
{
	enum place_was was = PLACE_FREE;
	struct stat st = { 0 };

	if (place_look(at, base, &was, &st, err) < 0)
		return -err->code;
	if (was == PLACE_FREE)
		return make_plain(p, at, path, base, false, err);
	if (was == PLACE_WHITEOUT) {
		if (unlinkat(at, base, 0) < 0)
			return rl_fail_sys(err, errno, "remove the whiteout of '%.255s'", base);
		return make_plain(p, at, path, base, true, err);
	}
	if (was == PLACE_OTHER && S_ISLNK(st.st_mode))
		return rl_fail(err, why, "'%.255s' in its path is a link that leads to no folder",
			       base);
	return rl_fail_sys(err, why, "'%.255s' in its path", base);
}

/* Open @path, creating what is missing; every prefix is resolved from the root. */
static int make_dirs(struct place *p, const char *path, struct rl_err *err)
{
	auto_fd int at = open_dir(p, "", RESOLVE_IN_ROOT);
	char part[PLACE_PATH_MAX + 1];
	size_t start = 0;

	if (at < 0)
		return rl_fail_sys(err, -at, "open the staging folder");
	while (path[start]) {
		size_t end = start + strcspn(path + start, "/");
		int next;

		memcpy(part, path, end);
		part[end] = '\0';
		next = open_dir(p, part, RESOLVE_IN_ROOT);
		if (next < 0)
			next = make_part(p, at, part, part + start, -next, err);
		if (next < 0)
			return next;
		fd_close(TAKE_FD(at));
		at = next;
		start = end + (path[end] == '/');
	}
	return TAKE_FD(at);
}

bool place_is_hidden(struct place *p, const char *dir)
{
	const size_t len = strlen(dir), cached = p->dir_fd >= 0 ? strlen(p->dir) : 0;
	auto_fd int at = FD_NONE;
	char part[PLACE_PATH_MAX + 1];

	/* the folder of the last entry ("/" may follow), or the root: there it is */
	if (len == 0 || (cached > 0 && len - cached <= 1 && strncmp(dir, p->dir, cached) == 0 &&
			 (len == cached || dir[cached] == '/')))
		return false;
	at = open_dir(p, "", RESOLVE_IN_ROOT);
	for (size_t start = 0; at >= 0 && dir[start];) {
		size_t end = start + strcspn(dir + start, "/");
		enum place_was was = PLACE_FREE;
		struct stat st = { 0 };
		struct rl_err err;
		int next;

		memcpy(part, dir, end);
		part[end] = '\0';
		next = open_dir(p, part, RESOLVE_IN_ROOT);
		if (next < 0)
			return place_look(at, part + start, &was, &st, &err) == 0 &&
			       (was == PLACE_WHITEOUT ||
				(was == PLACE_OTHER && !S_ISLNK(st.st_mode)));
		fd_close(TAKE_FD(at));
		at = next;
		start = end + (dir[end] == '/');
	}
	return false;
}

int place_find(struct place *p, const char *path, bool make, const char **ret_base,
	       struct rl_err *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	char dir[PLACE_PATH_MAX + 1];
	int fd;

	*ret_base = slash ? slash + 1 : path;
	memcpy(dir, path, len);
	dir[len] = '\0';
	if (p->dir_fd >= 0 && len > 0 && strcmp(dir, p->dir) == 0)
		return p->dir_fd;
	fd = open_dir(p, dir, RESOLVE_IN_ROOT);
	if (fd < 0 && make && (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP))
		fd = make_dirs(p, dir, err);
	else if (fd < 0)
		rl_fail_sys(err, -fd, "open its folder");
	if (fd < 0)
		return fd;
	fd_close(TAKE_FD(p->dir_fd));
	p->dir_fd = fd;
	memcpy(p->dir, dir, len + 1);
	return fd;
}
