/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shift.c - `rl-image shift DIFF_ID FROM_KEY TO_KEY UIDS GIDS`: a layer for another owner map
 *
 * The layer FROM_KEY holds owners as an identity container shows them. For a container with maps
 * UIDS and GIDS (text as in /proc/PID/uid_map, container to S) every object gets the owner that
 * the container will show as the same id. An overlay cannot translate owners for a user, so this
 * is a copy, unless "flatten" works: blocks are shared where the file system can (FICLONE), hard links, holes, xattrs and
 * times are kept. It is made once per layer and map, and published like any layer.
 *
 * `rl-image flatten DIFF_ID TO_KEY UIDS GIDS KEY,...`: the same for all layers of an image at once,
 * without their data (Linux 6.16): one layer of stubs, as the layers together look. Overlay finds the data
 * of a stub by its path in the plain layers ("data-only lower layers" in the kernel's
 * overlayfs.rst), the topmost first; that is the right one, for what lies below it is hidden. A
 * file with several names has the path of the first that is visible. Overlay follows a stub only from the
 * lowest layer, hence one for all.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <search.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/strv.h"
#include "core/idmap.h"
#include "core/mnt.h"
#include "storage/digest.h"
#include "storage/elsewhere.h"
#include "storage/image/cmds.h"
#include "storage/image/copy.h"
#include "storage/image/merge.h"
#include "storage/image/place.h"
#include "storage/layer.h"

/* The first name of a file with several */
struct link {
	ino_t ino;
	char path[];
};

struct shift {
	struct idmap uids, gids; /* container to S; without lines: as it is */
	bool stubs;              /* files are only named: their data is found in the plain layers */
	int to_root;
	void *links; /* tsearch tree of struct link */
	char path[PLACE_PATH_MAX + 1];
	int64_t files, size;
};

static int compare_links(const void *a, const void *b)
{
	const ino_t x = ((const struct link *)a)->ino, y = ((const struct link *)b)->ino;

	return x < y ? -1 : x > y;
}

static int map_owner(const struct shift *s, struct stat *st, struct rl_err *err)
{
	int64_t uid = s->uids.n ? idmap_to_outside(&s->uids, st->st_uid) : st->st_uid;
	int64_t gid = s->gids.n ? idmap_to_outside(&s->gids, st->st_gid) : st->st_gid;

	/* nobody's in the container, where it does not know the caller */
	if (uid < 0 && idmap_to_inside(&s->uids, 0) < 0)
		uid = 0;
	if (gid < 0 && idmap_to_inside(&s->gids, 0) < 0)
		gid = 0;
	if (uid < 0 || gid < 0) {
		rl_fail(err, EINVAL, "owner %u:%u is outside the container's ids", st->st_uid,
			st->st_gid);
		return rl_hint(err, "choose another --userns, or widen the ranges in /etc/subuid "
				    "and /etc/subgid");
	}
	st->st_uid = (uid_t)uid;
	st->st_gid = (gid_t)gid;
	return 0;
}

/* 1: linked to the first name, 0: this is the first one (now remembered), or -errno */
static int link_again(struct shift *s, int to, const char *name, const struct stat *st,
		      struct rl_err *err)
{
	const struct link key = { .ino = st->st_ino };
	struct link **found = tfind(&key, &s->links, compare_links), *new;
	size_t len = strlen(s->path) + 1;

	if (found) {
		if (linkat(s->to_root, (*found)->path, to, name, 0) < 0)
			return rl_fail_sys(err, errno, "link");
		return 1;
	}
	new = malloc(sizeof(*new) + len);
	if (!new)
		return rl_oom(err);
	new->ino = st->st_ino;
	memcpy(new->path, s->path, len);
	if (!tsearch(new, &s->links, compare_links)) {
		free(new);
		return rl_oom(err);
	}
	return 0;
}

/* What overlay calls a metacopy: it has all but the data, and says where below the data layers that is. */
static int make_stub(const struct shift *s, int in, int out, const struct stat *st,
		     struct rl_err *err)
{
	char redirect[PLACE_PATH_MAX + 2];
	int n = snprintf(redirect, sizeof(redirect), "/%s", s->path);

	/* one already, of data in another store: its marks are copied with the other attributes */
	if (st->st_size > 0 && fgetxattr(in, "user.overlay.redirect", NULL, 0) > 0)
		n = 0;
	if (n == 0 && ftruncate(out, st->st_size) < 0)
		return rl_fail_sys(err, errno, "create");
	if (st->st_size > 0 && n > 0 &&
	    (ftruncate(out, st->st_size) < 0 ||
	     fsetxattr(out, "user.overlay.metacopy", "", 0, 0) < 0 ||
	     fsetxattr(out, "user.overlay.redirect", redirect, (size_t)n, 0) < 0))
		return rl_fail_sys(err, errno, "create");
	return copy_meta(in, out, st, false, err);
}

static int shift_file(struct shift *s, int from, int to, const char *name, struct stat *st,
		      struct rl_err *err)
{
	auto_fd int in = FD_NONE, out = FD_NONE;
	int r = st->st_nlink > 1 ? link_again(s, to, name, st, err) : 0;

	if (r != 0)
		return r < 0 ? r : 0;
	in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (in < 0)
		return rl_fail_sys(err, errno, "open");
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return rl_fail_sys(err, errno, "create");
	if (s->stubs)
		return make_stub(s, in, out, st, err);
	s->size += st->st_size;
	r = copy_data(in, out, st->st_size, err);
	return r < 0 ? r : copy_meta(in, out, st, false, err);
}

/* Symlinks, whiteouts, FIFOs, sockets */
static int shift_special(int from, int to, const char *name, const struct stat *st,
			 struct rl_err *err)
{
	const struct timespec ts[2] = { st->st_mtim, st->st_mtim };
	char target[PLACE_PATH_MAX + 1];
	ssize_t n;

	if (S_ISLNK(st->st_mode)) {
		n = readlinkat(from, name, target, sizeof(target));
		if (n < 0 || n == (ssize_t)sizeof(target))
			return rl_fail_sys(err, n < 0 ? errno : ENAMETOOLONG, "read the link");
		target[n] = '\0';
		if (symlinkat(target, to, name) < 0)
			return rl_fail_sys(err, errno, "create the link");
	} else if (S_ISFIFO(st->st_mode) || S_ISSOCK(st->st_mode) || place_is_whiteout(st)) {
		if (mknodat(to, name, st->st_mode, st->st_rdev) < 0)
			return rl_fail_sys(err, errno, "create");
	} else {
		return rl_fail(err, EINVAL, "its type has no place in a layer");
	}
	if (fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    utimensat(to, name, ts, AT_SYMLINK_NOFOLLOW) < 0)
		return rl_fail_sys(err, errno, "set owner %u:%u", st->st_uid, st->st_gid);
	return 0;
}

static int shift_children(struct shift *s, int from, int to, struct rl_err *err);

static int shift_dir(struct shift *s, int from, int to, const char *name, const struct stat *st,
		     struct rl_err *err)
{
	auto_fd int in = FD_NONE, out = FD_NONE;
	int r;

	in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (in < 0)
		return rl_fail_sys(err, errno, "open");
	out = place_mkdir(to, name, false, err);
	if (out < 0)
		return out;
	r = shift_children(s, in, out, err);
	if (r < 0)
		return r;
	/* last: filling changes the times */
	return s->stubs ? copy_dir_meta(in, out, st, false, err)
			: copy_meta(in, out, st, false, err);
}

static int shift_entry(struct shift *s, int from, int to, const char *name, struct rl_err *err)
{
	struct stat st;
	int r;

	s->files++;
	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return rl_fail_sys(err, errno, "stat '%s'", s->path);
	if (s->stubs && place_is_whiteout(&st))
		return 0; /* of a single layer: nothing is below it */
	r = map_owner(s, &st, err);
	if (r < 0)
		return rl_wrap(err, "'%.300s'", s->path);
	if (S_ISDIR(st.st_mode)) {
		r = shift_dir(s, from, to, name, &st, err);
		return r; /* the deepest path is in the message */
	}
	r = S_ISREG(st.st_mode) ? shift_file(s, from, to, name, &st, err)
				: shift_special(from, to, name, &st, err);
	return r < 0 ? rl_wrap(err, "copy '%.300s'", s->path) : 0;
}

static int shift_children(struct shift *s, int from, int to, struct rl_err *err)
{
	const size_t len = strlen(s->path);
	int dup = fcntl(from, F_DUPFD_CLOEXEC, 3), r = 0;
	auto_dir DIR *d = dup < 0 ? NULL : fdopendir(dup);
	struct dirent *e;

	if (!d) {
		fd_close(dup);
		return rl_fail_sys(err, errno, "list '%s'", s->path);
	}
	for (errno = 0; r == 0 && (e = readdir(d)); errno = 0) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (len + 1 + strlen(e->d_name) > PLACE_PATH_MAX)
			return rl_fail(err, ENAMETOOLONG, "a name below '%.300s' is too long",
				       s->path);
		(void)snprintf(s->path + len, sizeof(s->path) - len, "%s%s", len ? "/" : "",
			       e->d_name);
		r = shift_entry(s, from, to, e->d_name, err);
		s->path[len] = '\0';
	}
	if (r == 0 && errno != 0)
		return rl_fail_sys(err, errno, "list '%s'", s->path);
	return r;
}

static int shift_layer(struct shift *s, int from, const struct layer_stage *st, struct rl_err *err)
{
	auto_fd int in = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat top;
	int r;

	if (in < 0 || fstat(in, &top) < 0)
		return rl_fail_sys(err, errno, "open the layer");
	s->to_root = st->diff_fd;
	r = map_owner(s, &top, err);
	if (r == 0)
		r = shift_children(s, in, st->diff_fd, err);
	if (r == 0)
		r = s->stubs ? copy_dir_meta(in, st->diff_fd, &top, false, err)
			     : copy_meta(in, st->diff_fd, &top, false, err);
	tdestroy(s->links, free);
	return r;
}

/* Three descriptors per level of a deep tree: take as many as the hard limit gives. */
static void raise_files(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < lim.rlim_max) {
		lim.rlim_cur = lim.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &lim); /* a deep tree fails by name otherwise */
	}
}

int cmd_shift(const struct rl *rl, int argc, char **argv, struct rl_err *err)
{
	auto_strv struct strv folders = { 0 };
	struct shift s = { 0 };
	struct layer_stage st;
	auto_fd int from = FD_NONE;
	int r;

	if (argc != 6)
		return rl_fail(err, EINVAL, "usage: shift DIFF_ID FROM_KEY TO_KEY UIDS GIDS");
	if (digest_check(argv[1], "layer", err) < 0)
		return -err->code;
	if (idmap_parse(argv[4], &s.uids) < 0 || idmap_parse(argv[5], &s.gids) < 0)
		return rl_fail(err, EINVAL, "the maps are not understood");
	from = layer_open(rl, argv[2], err);
	if (from < 0)
		return from;
	r = elsewhere_of(rl, argv[2], &folders, err);
	if (r == 0 && folders.n)
		r = rl_fail(err, ENOTSUP, "its files are in another store: '%s'", folders.v[0]);
	if (r < 0)
		return rl_wrap(err, "owners of layer '%.12s'", argv[2]);
	r = layer_begin(rl, argv[3], true, &st, err);
	if (r != 0)
		return r < 0 ? r : 0; /* 1: somebody else made it meanwhile */
	raise_files();
	(void)umask(0);
	r = shift_layer(&s, from, &st, err);
	if (r == 0)
		r = layer_publish(rl, &st, argv[1], s.size, s.files, err);
	if (r < 0)
		layer_abort(rl, &st);
	return r < 0 ? rl_wrap(err, "owners of layer '%.12s'", argv[2]) : 0;
}

/* --- flatten ------------------------------------------------------------------------------- */

/* @data: folders where the data of what are stubs already is */
static int flatten(struct shift *s, const struct rl *rl, struct strv *names,
		   const struct strv *data, const struct layer_stage *st, struct rl_err *err)
{
	auto_strv struct strv both = { 0 };
	auto_fd int from = FD_NONE, check = FD_NONE;
	int r;

	/* an overlay shows only what is mounted where it is made */
	if (unshare(CLONE_NEWNS) < 0)
		return rl_fail_sys(err, errno, "make a mount namespace");
	from = names->n > 1 ? merge_mount(names, 0, err)
			    : open(names->v[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (from < 0)
		return names->n > 1 ? from : rl_fail_sys(err, errno, "open '%s'", names->v[0]);
	s->stubs = true;
	r = shift_layer(s, from, st, err);
	if (r == 0 && (strv_take(&both, str_printf("%s/%s/diff", rl->data_dir, st->name)) < 0 ||
		       strv_copy(&both, names) < 0 || strv_copy(&both, data) < 0))
		r = rl_oom(err);
	if (r < 0)
		return r;
	check = merge_mount(&both, names->n + data->n, err);
	r = check < 0 ? check : merge_has_data(check, 0, err);
	if (r < 0) { /* the caller has another way */
		err->code = EOPNOTSUPP;
		return -EOPNOTSUPP;
	}
	return 0;
}

int cmd_flatten(const struct rl *rl, int argc, char **argv, struct rl_err *err)
{
	auto_strv struct strv names = { 0 }, folders = { 0 }, data = { 0 };
	struct shift s = { 0 };
	struct layer_stage st;
	int r;

	if (argc != 6)
		return rl_fail(err, EINVAL, "usage: flatten DIFF_ID TO_KEY UIDS GIDS KEY,...");
	if (digest_check(argv[1], "layer", err) < 0)
		return -err->code;
	if (idmap_parse(argv[3], &s.uids) < 0 || idmap_parse(argv[4], &s.gids) < 0)
		return rl_fail(err, EINVAL, "the maps are not understood");
	r = merge_paths(rl, argv[5], &names, err);
	if (r == 0 && names.n == 1)
		r = elsewhere_of(rl, argv[5], &folders, err);
	if (r == 0)
		r = elsewhere_roots(&folders, &data, err);
	if (r < 0)
		return r;
	r = layer_begin(rl, argv[2], true, &st, err);
	if (r != 0)
		return r < 0 ? r : 0; /* 1: somebody else made it meanwhile */
	raise_files();
	(void)umask(0);
	r = flatten(&s, rl, &names, &data, &st, err);
	if (r == 0)
		r = merge_write_from(rl, &st, argv[5], err);
	if (r == 0)
		r = layer_publish(rl, &st, argv[1], 0, s.files, err);
	if (r < 0)
		layer_abort(rl, &st);
	return r < 0 ? rl_wrap(err, "owners of image layer '%.12s'", argv[2]) : 0;
}
