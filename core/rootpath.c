/* SPDX-License-Identifier: Apache-2.0 */
/* rootpath.c - the one in-root resolver; the header is the manual */
#include "config.h"

#include "core/rootpath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/cleanup.h"

#define LINKS_MAX 40 /* as the kernel's own walk (path_resolution(7)) */

static int in_root(int root_fd, const char *path, int flags)
{
	const struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	/* EAGAIN: somebody renames in the root right now and the kernel cannot vouch for ".." */
	for (int tries = 0; tries < 128; tries++) {
		fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : (int)fd;
}

static int fail(struct rl_err *err, int code, const char *step, const char *path)
{
	rl_fail_sys(err, code, "%s '%s' in the container", step, path);
	if (code == ENOSYS)
		rl_hint(err, "rl needs Linux 5.6 or newer, and no outer seccomp filter on openat2");
	return -err->code;
}

int rootpath_open(int root_fd, const char *path, int flags, struct rl_err *err)
{
	int fd = in_root(root_fd, path, flags);

	return fd < 0 ? fail(err, -fd, "open", path) : fd;
}

/*
 * @path[0..at) is a dangling symlink called @name in @parent_fd. Put what it says in its place:
 * "/var/run" + "/x" becomes "/run/x" or "/var/../run/x".
 */
static int splice_link(int parent_fd, const char *name, char *path, size_t at)
{
	char link[PATH_MAX], out[PATH_MAX];
	ssize_t n = readlinkat(parent_fd, name, link, sizeof(link) - 1);
	size_t keep = at - strlen(name);
	int len;

	if (n < 0)
		return -errno;
	if (n == 0 || (size_t)n >= sizeof(link) - 1)
		return -ENAMETOOLONG;
	link[n] = '\0';
	if (link[0] == '/')
		keep = 0;
	len = snprintf(out, sizeof(out), "%.*s%s%s", (int)keep, path, link, path + at);
	if (len < 0 || (size_t)len >= sizeof(out))
		return -ENAMETOOLONG;
	memcpy(path, out, (size_t)len + 1);
	return 0;
}

/* Make one missing name. 1: a dangling symlink stands there and @path was rewritten. */
static int make_one(int parent_fd, const char *name, bool dir, char *path, size_t at)
{
	int r;

	if (dir)
		r = mkdirat(parent_fd, name, 0755);
	else
		r = mknodat(parent_fd, name, S_IFREG | 0644, 0);
	if (r == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	r = splice_link(parent_fd, name, path, at);
	if (r == -EINVAL) /* no symlink: made by somebody else just now, look again */
		return 0;
	return r < 0 ? r : 1;
}

/*
 * One walk over @path (absolute, changed when a dangling link is met).
 * Return: O_PATH fd, -EAGAIN: @path was rewritten, walk again; or -errno
 */
static int walk(int root_fd, char *path, bool dir)
{
	auto_fd int parent_fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 3);
	size_t at = 0;

	if (parent_fd < 0)
		return -errno;
	for (;;) {
		size_t from = at + strspn(path + at, "/"), len = strcspn(path + from, "/");
		char name[NAME_MAX + 1], after;
		bool last, want_dir;
		int fd, r;

		at = from + len;
		last = path[at + strspn(path + at, "/")] == '\0';
		want_dir = dir || !last;
		if (len > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, path + from, len);
		name[len] = '\0';
		after = path[at];
		for (int tries = 0;; tries++) {
			path[at] = '\0';
			fd = in_root(root_fd, path, O_PATH | (want_dir ? O_DIRECTORY : 0));
			path[at] = after;
			if (fd != -ENOENT || tries > 2)
				break;
			r = make_one(parent_fd, name, want_dir, path, at);
			if (r != 0)
				return r < 0 ? r : -EAGAIN;
		}
		if (fd < 0 || last)
			return fd;
		fd_close(parent_fd);
		parent_fd = fd;
	}
}

int rootpath_make(int root_fd, const char *path, bool dir, struct rl_err *err)
{
	char work[PATH_MAX];
	struct stat st;
	int fd, n;

	fd = in_root(root_fd, path, O_PATH | (dir ? O_DIRECTORY : 0));
	if (fd == -ENOENT) {
		n = snprintf(work, sizeof(work), "/%s", path);
		if (n < 0 || (size_t)n >= sizeof(work))
			return fail(err, ENAMETOOLONG, "create", path);
		fd = -EAGAIN;
		for (int links = 0; fd == -EAGAIN && links < LINKS_MAX; links++)
			fd = walk(root_fd, work, dir);
		if (fd == -EAGAIN)
			fd = -ELOOP;
	}
	if (fd < 0)
		return fail(err, -fd, "create", path);
	if (!dir && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		fd_close(fd);
		return fail(err, EISDIR, "create", path);
	}
	return fd;
}
