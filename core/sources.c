/* SPDX-License-Identifier: Apache-2.0 */
/* sources.c - the host's side of bind mounts; the header is the manual */
#include "config.h"

#include "core/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/chtree.h"
#include "core/copyup.h"
#include "core/mnt.h"
#include "core/spec.h"

/* Threat: a container had the folder around the source, too, and put a link to elsewhere in its place. */
static int open_real(const char *source)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
	struct stat st;
	long fd;

	(void)stat(source, &st); /* mounts what autofs has there */
	fd = syscall(SYS_openat2, AT_FDCWD, source, &how, sizeof(how));
	return (int)fd;
}

int sources_open_path(const char *source, const char *subpath, bool is_real)
{
	const struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	auto_fd int top = is_real ? open_real(source) : open(source, O_PATH | O_CLOEXEC);
	long fd;

	if (top < 0)
		return -errno;
	if (!subpath)
		return TAKE_FD(top);
	fd = syscall(SYS_openat2, top, subpath, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

int sources_clone(const char *source, const char *subpath, bool is_real, bool recursive)
{
	const bool by_fd = subpath || is_real;
	auto_fd int top = by_fd ? sources_open_path(source, subpath, is_real) : AT_FDCWD;
	const char *path = by_fd ? "" : source;
	int fd = by_fd && top < 0 ? top : mnt_clone(top, path, recursive);

	/* EINVAL: mounts below it are locked to it; leaving them out would uncover what they hide */
	return fd == -EINVAL && !recursive ? mnt_clone(top, path, true) : fd;
}

int sources_fail(const struct spec_mount *m, int code, struct rl_err *err)
{
	if (code == ELOOP && m->is_real)
		return rl_fail(err, code, "mount '%s': there is a link in the source '%s' now",
			       m->dest, m->source);
	if (!m->subpath)
		return rl_fail_sys(err, code, "mount '%s': open source '%s'", m->dest, m->source);
	if (code == EXDEV)
		return rl_fail(err, code, "mount '%s': the subpath '%s' leads out of '%s'", m->dest,
			       m->subpath, m->source);
	return rl_fail_sys(err, code, "mount '%s': open '%s' in '%s'", m->dest, m->subpath,
			   m->source);
}

/* Of somebody whom C does not know: nobody could ever write there. A folder only while it is empty. */
static int give_volume(const struct launch *l, int fd, const struct spec_mount *m,
		       struct rl_err *err)
{
	int64_t uid = idmap_to_outside(&l->uids, 0), gid = idmap_to_outside(&l->gids, 0);
	struct stat st;

	if (fstatat(fd, "", &st, AT_EMPTY_PATH) < 0)
		return rl_fail_sys(err, errno, "stat '%s'", m->source);
	if (uid < 0 || gid < 0 ||
	    (idmap_to_inside(&l->uids, st.st_uid) >= 0 &&
	     idmap_to_inside(&l->gids, st.st_gid) >= 0) ||
	    (S_ISDIR(st.st_mode) ? copyup_is_empty(fd) != 1 : !S_ISREG(st.st_mode)))
		return 0;
	if (fchownat(fd, "", (uid_t)uid, (gid_t)gid, AT_EMPTY_PATH) < 0)
		return rl_fail_sys(err, errno, "give '%s' to the container's root", m->source);
	return 0;
}

int sources_overlay(const struct spec_mount *m, struct rl_err *err)
{
	auto_free struct mnt_opt *opts = calloc(m->n_opts + 1, sizeof(*opts));
	auto_fd int lower = FD_NONE;
	char path[32];
	int r;

	if (!opts)
		return rl_oom(err);
	for (size_t i = 0; i < m->n_opts; i++) {
		opts[i] = m->opts[i];
		if (!m->is_real || strcmp(opts[i].key, "lowerdir+") != 0 || lower >= 0)
			continue;
		lower = open_real(opts[i].val);
		if (lower < 0 && errno == ELOOP)
			return rl_fail(err, ELOOP,
				       "mount '%s': there is a link in the source '%s' now",
				       m->dest, opts[i].val);
		if (lower < 0)
			return rl_fail_sys(err, errno, "mount '%s': open source '%s'", m->dest,
					   opts[i].val);
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", lower);
		opts[i].val = path;
	}
	r = mnt_new("overlay", "rl", opts, m->n_opts, m->set, err);
	return r < 0 ? rl_wrap(err, "mount '%s'", m->dest) : r;
}

static int open_all(const struct launch *l, int *fds, struct rl_err *err)
{
	for (size_t i = 0; i < l->spec->n_mounts; i++) {
		const struct spec_mount *m = &l->spec->mounts[i];
		int r = 0;

		if (strcmp(m->type, "overlay") == 0) {
			fds[i] = sources_overlay(m, err);
			if (fds[i] < 0)
				return fds[i];
		}
		if (!m->is_bind)
			continue;
		fds[i] = sources_clone(m->source, m->subpath, m->is_real, m->recursive);
		if (fds[i] < 0)
			return sources_fail(m, -fds[i], err);
		if (m->copyup)
			r = give_volume(l, fds[i], m, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* After a failure the descriptors go with the joiner. */
int sources_open(const struct launch *l, int **ret, struct rl_err *err)
{
	int *fds = calloc(l->spec->n_mounts + 1, sizeof(*fds)), r;

	if (!fds)
		return rl_oom(err);
	for (size_t i = 0; i < l->spec->n_mounts; i++)
		fds[i] = FD_NONE;
	r = open_all(l, fds, err);
	if (r < 0) {
		free(fds);
		return r;
	}
	*ret = fds;
	return 0;
}

int sources_chown(const struct launch *l, struct rl_err *err)
{
	for (size_t i = 0; i < l->spec->n_mounts; i++) {
		const struct spec_mount *m = &l->spec->mounts[i];
		int64_t uid = idmap_to_outside(&l->uids, l->spec->uid);
		int64_t gid = idmap_to_outside(&l->gids, l->spec->gid);
		auto_fd int fd = FD_NONE;
		int r;

		if (!m->is_bind || !m->chown)
			continue;
		if (uid < 0 || gid < 0)
			return rl_fail(err, EINVAL, "mount '%s': its user %u:%u is not mapped",
				       m->dest, l->spec->uid, l->spec->gid);
		fd = sources_open_path(m->source, m->subpath, m->is_real);
		if (fd < 0)
			return sources_fail(m, -fd, err);
		r = chtree_give(fd, (uid_t)uid, (gid_t)gid, NULL, err);
		if (r < 0)
			return rl_wrap(err, "mount '%s': option U: '%s'", m->dest, m->source);
	}
	return 0;
}
