/* SPDX-License-Identifier: Apache-2.0 */
/* chtree.c - change the owners of a tree; the header is the manual */
#include "config.h"

#include "core/chtree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/cleanup.h"

struct giver {
	uid_t uid;
	gid_t gid;
	chtree_pick pick;
	int64_t n;
};

static int open_entry(int dir_fd, const char *name, int flags)
{
	const struct open_how how = {
		.flags = (unsigned)(flags | O_NOFOLLOW | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static int give_one(struct giver *g, int fd, struct stat *st, const char *name, struct rl_err *err)
{
	if (fstatat(fd, "", st, AT_EMPTY_PATH) < 0)
		return rl_fail_sys(err, errno, "stat '%s'", name);
	if ((st->st_uid == g->uid && st->st_gid == g->gid) ||
	    (g->pick && !g->pick(st->st_uid, st->st_gid)))
		return 0;
	if (fchownat(fd, "", g->uid, g->gid, AT_EMPTY_PATH) < 0) {
		if (errno == EPERM && g->pick)
			return 0;
		rl_fail_sys(err, errno, "change the owner of '%s'", name);
		if (err->code == EPERM)
			rl_hint(err,
				"it belongs neither to you nor to one of your subordinate ids");
		return -err->code;
	}
	g->n++;
	return 0;
}

static int give_folder(struct giver *g, int fd, int depth, struct rl_err *err);

/* What is gone again, or is a mount point by now, is not ours to change. */
static int give_entry(struct giver *g, int dir_fd, const char *name, int depth, struct rl_err *err)
{
	auto_fd int fd = open_entry(dir_fd, name, O_PATH);
	struct stat st;
	int r;

	if (fd == -ENOENT || fd == -EXDEV)
		return 0;
	if (fd < 0)
		return rl_fail_sys(err, -fd, "open '%s'", name);
	r = give_one(g, fd, &st, name, err);
	if (r < 0 || !S_ISDIR(st.st_mode))
		return r;
	return give_folder(g, fd, depth + 1, err);
}

static int give_folder(struct giver *g, int dir_fd, int depth, struct rl_err *err)
{
	int fd = open_entry(dir_fd, ".", O_RDONLY | O_DIRECTORY), r = 0;
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!d) {
		r = rl_fail_sys(err, fd < 0 ? -fd : errno, "read the folder");
		fd_close(fd);
		return r;
	}
	if (depth > CHTREE_DEPTH_MAX)
		return rl_fail(err, ELOOP, "folders are nested deeper than %d", CHTREE_DEPTH_MAX);
	for (errno = 0; r == 0 && (e = readdir(d)); errno = 0)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = give_entry(g, fd, e->d_name, depth, err);
	if (r == 0 && errno)
		return rl_fail_sys(err, errno, "read the folder");
	return r;
}

int chtree_give(int fd, uid_t uid, gid_t gid, chtree_pick pick, struct rl_err *err)
{
	struct giver g = { .uid = uid, .gid = gid, .pick = pick };
	struct stat st;
	int r = give_one(&g, fd, &st, ".", err);

	if (r == 0 && S_ISDIR(st.st_mode))
		r = give_folder(&g, fd, 0, err);
	return r < 0 ? r : g.n > INT_MAX ? INT_MAX : (int)g.n;
}
