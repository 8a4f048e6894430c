/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootfs.c - one root file system from layers: opening, the launch hooks
 *
 * Which rung is taken is decided in rootfs_pick.c; each rung has a file of its own.
 */
#include "config.h"

#include "storage/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/mnt.h"
#include "storage/fetch.h"
#include "storage/layer.h"
#include "storage/rootfs_parts.h"
#include "storage/stack.h"

#define NO_FLAT "cache/no-flat" /* release of the kernel that cannot do it */

const char *rootfs_rung_name(enum rootfs_rung rung)
{
	static const char *const names[] = {
		[ROOTFS_OVERLAY] = "overlay",
		[ROOTFS_FUSE] = "fuse-overlayfs",
		[ROOTFS_COPY] = "copy",
		[ROOTFS_DIR] = "folder",
	};

	return names[rung];
}

int rootfs_reopen(int fd, struct rl_err *err)
{
	auto_fd int here = FD_NONE;
	char link[32], path[PATH_MAX];
	struct stat a, b;
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return rl_fail_sys(err, errno, "read '%s'", link);
	path[n] = '\0';
	here = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (here < 0)
		return rl_fail_sys(err, errno, "open '%s' again", path);
	if (fstat(fd, &a) < 0 || fstat(here, &b) < 0)
		return rl_fail_sys(err, errno, "stat '%s'", path);
	if (a.st_dev != b.st_dev || a.st_ino != b.st_ino)
		return rl_fail(err, ESTALE, "'%s' is not the folder that it was", path);
	return TAKE_FD(here);
}

/* --- opening ----------------------------------------------------------------------------- */

static int make_folder(int dir_fd, const char *name, mode_t mode, struct rl_err *err)
{
	if (mkdirat(dir_fd, name, mode) < 0 && errno != EEXIST)
		return rl_fail_sys(err, errno, "create the container's folder '%s'", name);
	return 0;
}

/* An image without layers still needs one: an empty folder. */
static int empty_layer(int ctr_fd, struct rl_err *err)
{
	int r = make_folder(ctr_fd, "lower", 0755, err), fd;

	if (r < 0)
		return r;
	fd = openat(ctr_fd, "lower", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? rl_fail_sys(err, errno, "open the container's folder 'lower'") : fd;
}

/* "no": the kernel of this release cannot do it. A newer one is asked again. */
static bool flat_was_refused(const struct rl *rl, const char *release)
{
	auto_buf struct buf b = { 0 };
	struct rl_err ignored;

	return io_read_file(rl->data_fd, NO_FLAT, 256, &b, &ignored) == 0 && b.data &&
	       strcmp(b.data, release) == 0;
}

/*
 * The plain layers that show, topmost first: their keys, separated by commas, in @ret. An overlay does not
 * see that a layer hides all below it: those are left out.
 */
static int flat_sources(const struct rl *rl, const struct session *s, const struct strv *diff_ids,
			struct buf *ret, struct rl_err *err)
{
	for (size_t i = diff_ids->n; i > 0; i--) {
		char plain[LAYER_KEY_MAX];
		auto_fd int fd = FD_NONE;

		if (layer_key(diff_ids->v[i - 1], s, NULL, NULL, plain, err) < 0)
			return -err->code;
		if (buf_printf(ret, "%s%s", ret->len ? "," : "", plain) < 0)
			return rl_oom(err);
		fd = layer_open(rl, plain, err);
		if (fd < 0)
			return fd;
		if (layer_is_opaque(fd))
			break;
	}
	return 0;
}

/* The layer that stands for all of @from. */
static int make_flat(const struct rl *rl, const struct session *s, const char *diff_id,
		     const char *from, const struct idmap *uids, const struct idmap *gids,
		     const char *key, struct rl_err *err)
{
	struct utsname u = { 0 };
	struct rl_err lost;
	int r;

	(void)uname(&u); /* cannot fail */
	if (flat_was_refused(rl, u.release))
		return -EOPNOTSUPP;
	r = fetch_flatten(rl, s, diff_id, from, key, uids, gids, err);
	if (r == -EOPNOTSUPP) {
		log_debug("%s", err->msg);
		if (io_replace_file(rl->data_fd, NO_FLAT, u.release, strlen(u.release), 0600,
				    IO_NOSYNC, &lost) < 0)
			log_debug("%s", lost.msg); /* then it is tried again */
	}
	return r;
}

/* The keys of what @r is opened from, topmost first, in @from, and folders that only have data. */
static int flat_parts(const struct rl *rl, const struct session *s, const struct strv *diff_ids,
		      struct buf *from, struct strv *data, struct rl_err *err)
{
	char whole[LAYER_KEY_MAX];
	int r = stack_whole(rl, s, diff_ids, whole, data, err);

	if (r > 0)
		return buf_str(from, whole) < 0 ? rl_oom(err) : 0;
	return r < 0 ? r : flat_sources(rl, s, diff_ids, from, err);
}

/* @data, then the layers of @from from the bottom, then @key; all but the last for their data. */
static int open_parts(const struct rl *rl, const struct strv *data, const char *from,
		      const char *key, struct rootfs *r, struct rl_err *err)
{
	auto_strv struct strv keys = { 0 };
	int rc = 0;

	if (strv_split(&keys, from, ',') < 0)
		return rl_oom(err);
	free(r->layer_fds);
	r->layer_fds = calloc(data->n + keys.n + 1, sizeof(*r->layer_fds));
	if (!r->layer_fds)
		return rl_oom(err);
	for (size_t i = 0; i < data->n + keys.n + 1; i++) {
		if (i < data->n)
			rc = open(data->v[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		else if (i < data->n + keys.n)
			rc = layer_open(rl, keys.v[keys.n - 1 - (i - data->n)], err);
		else
			rc = layer_open(rl, key, err);
		if (rc < 0)
			return i < data->n ? rl_fail_sys(err, errno, "open '%s'", data->v[i]) : rc;
		r->layer_fds[r->n_layers++] = rc;
	}
	r->n_data = r->n_layers - 1;
	return 0;
}

/*
 * With other owners than the layers have: one layer of names and owners over the plain ones, which are
 * read for their data only. 1: not here, a copy of each layer will have to do.
 */
static int open_flat(const struct rl *rl, const struct session *s, const struct strv *diff_ids,
		     const struct idmap *uids, const struct idmap *gids, struct rootfs *r,
		     struct rl_err *err)
{
	char key[LAYER_KEY_MAX];
	auto_buf struct buf from = { 0 };
	auto_strv struct strv data = { 0 };
	size_t n = diff_ids->n;
	int rc;

	if (r->rung != ROOTFS_OVERLAY || n == 0 || n >= ROOTFS_OVERLAY_LAYERS_MAX)
		return 1;
	rc = layer_flat_key(diff_ids, s, uids, gids, key, err);
	if (rc == 0)
		rc = flat_parts(rl, s, diff_ids, &from, &data, err);
	if (rc == 0 && !layer_exists(rl, key))
		rc = make_flat(rl, s, diff_ids->v[n - 1], from.data, uids, gids, key, err);
	if (rc < 0)
		return rc == -EOPNOTSUPP ? 1 : rc;
	if (!layer_is_from(rl, key, from.data))
		return 1;
	return open_parts(rl, &data, from.data, key, r, err);
}

/* With the owners that the layers have */
static int open_plain(const struct rl *rl, const struct session *s, const struct strv *diff_ids,
		      struct rootfs *r, struct rl_err *err)
{
	struct stack st = { 0 };
	int rc = stack_open(rl, s, diff_ids, &st, err);

	if (rc < 0)
		return rc;
	r->layer_fds = st.fds;
	r->n_layers = st.n;
	r->n_data = st.n_data;
	if (st.n_data == 0 || r->rung == ROOTFS_OVERLAY)
		return 0;
	rl_fail(err, ENOTSUP, "files of this image are in another store, which %s cannot show",
		rootfs_rung_name(r->rung));
	return rl_hint(err,
		       "the kernel's overlay can: rl doctor; or remove the image and the store "
		       "from storage.conf, and pull it again");
}

/* The layers with the owners that fit the maps, made from the plain ones where they are not there. */
static int make_shifted(const struct rl *rl, const struct session *s, const struct strv *diff_ids,
			const struct idmap *uids, const struct idmap *gids, struct rl_err *err)
{
	char key[LAYER_KEY_MAX], plain[LAYER_KEY_MAX];
	auto_buf struct buf missing = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < diff_ids->n; i++) {
		r = layer_key(diff_ids->v[i], s, uids, gids, key, err);
		if (r == 0)
			r = layer_key(diff_ids->v[i], s, NULL, NULL, plain, err);
		/* an image may have a layer twice */
		if (r < 0 || layer_exists(rl, key) ||
		    (missing.data && strstr(missing.data, diff_ids->v[i])))
			continue;
		if (buf_printf(&missing, "%s%s %s %s", missing.len ? "," : "", diff_ids->v[i],
			       plain, key) < 0)
			return rl_oom(err);
	}
	return r < 0 || missing.len == 0 ? r
					 : fetch_shift_layers(rl, s, missing.data, uids, gids, err);
}

/* With other owners, a copy of each layer */
static int open_shifted(const struct rl *rl, const struct session *s, const struct strv *diff_ids,
			const struct idmap *uids, const struct idmap *gids, struct rootfs *r,
			struct rl_err *err)
{
	int rc = make_shifted(rl, s, diff_ids, uids, gids, err);

	for (size_t i = 0; rc >= 0 && i < diff_ids->n; i++) {
		char key[LAYER_KEY_MAX];

		rc = layer_key(diff_ids->v[i], s, uids, gids, key, err);
		if (rc == 0)
			rc = layer_open(rl, key, err);
		if (rc < 0)
			return rl_wrap(err, "layer %zu of %zu", i + 1, diff_ids->n);
		while (r->n_layers > 0 && layer_is_opaque(rc))
			fd_close(r->layer_fds[--r->n_layers]);
		r->layer_fds[r->n_layers++] = rc;
	}
	return rc < 0 ? rc : 0;
}

static int open_layers(const struct rl *rl, const struct session *s, const struct strv *diff_ids,
		       const struct idmap *uids, const struct idmap *gids, struct rootfs *r,
		       struct rl_err *err)
{
	const bool plain =
		s->rung == SESSION_ONE_ID || (idmap_is_identity(uids) && idmap_is_identity(gids));
	int rc;

	if (plain) {
		rc = open_plain(rl, s, diff_ids, r, err);
	} else {
		r->layer_fds = calloc(diff_ids->n + 2, sizeof(*r->layer_fds));
		rc = r->layer_fds ? open_flat(rl, s, diff_ids, uids, gids, r, err) : rl_oom(err);
		if (rc > 0)
			rc = open_shifted(rl, s, diff_ids, uids, gids, r, err);
	}
	if (rc < 0 || r->n_layers > 0)
		return rc;
	rc = empty_layer(r->ctr_fd, err);
	if (rc < 0)
		return rc;
	r->layer_fds[r->n_layers++] = rc;
	return 0;
}

/* With its layers open: upper and work, where the rung has them; @r is released on failure. */
static int finish_take(struct rootfs *r, int rc, struct rootfs *ret, struct rl_err *err)
{
	if (r->rung == ROOTFS_OVERLAY && r->n_layers > ROOTFS_OVERLAY_LAYERS_MAX)
		r->rung = ROOTFS_COPY;
	if (rc == 0 && r->rung != ROOTFS_COPY) {
		rc = make_folder(r->ctr_fd, "upper", 0755, err);
		if (rc == 0)
			rc = make_folder(r->ctr_fd, "work", 0700, err);
	}
	if (rc < 0) {
		rootfs_close(r);
		return rc;
	}
	*ret = *r;
	return 0;
}

int rootfs_open(const struct rl *rl, const struct session *s, const struct strv *diff_ids,
		const struct idmap *uids, const struct idmap *gids, int ctr_fd, struct rootfs *ret,
		struct rl_err *err)
{
	struct rootfs r = { .ctr_fd = ctr_fd };
	int rc = rootfs_pick(rl, s, &r.rung, NULL, err);

	if (rc == 0)
		rc = open_layers(rl, s, diff_ids, uids, gids, &r, err);
	return finish_take(&r, rc, ret, err);
}

int rootfs_open_over(const struct rl *rl, const struct session *s, const char *dir, int ctr_fd,
		     struct rootfs *ret, struct rl_err *err)
{
	struct rootfs r = { .ctr_fd = ctr_fd };
	int rc = rootfs_pick(rl, s, &r.rung, NULL, err);

	if (rc < 0)
		return rc;
	r.layer_fds = calloc(1, sizeof(*r.layer_fds));
	if (!r.layer_fds)
		return rl_oom(err);
	r.layer_fds[0] = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r.layer_fds[0] < 0)
		rc = rl_fail_sys(err, errno, "use folder '%s' as root", dir);
	else
		r.n_layers = 1;
	return finish_take(&r, rc, ret, err);
}

void rootfs_close(struct rootfs *r)
{
	for (size_t i = 0; i < r->n_layers; i++)
		fd_close(r->layer_fds[i]);
	free(r->layer_fds);
	*r = (struct rootfs){ .ctr_fd = FD_NONE };
}

/* --- hooks ------------------------------------------------------------------------------- */

/*
 * The top folder of a merged tree is that of upper/, so it gets the owner and mode that the
 * topmost layer's has. Only root of S can do that for owners other than the caller.
 */
static int dress(const struct rootfs *r, const char *name, bool with_mode, struct rl_err *err)
{
	struct stat want, have;

	if (fstatat(r->layer_fds[r->n_layers - 1], "", &want, AT_EMPTY_PATH) < 0 ||
	    fstatat(r->ctr_fd, name, &have, AT_SYMLINK_NOFOLLOW) < 0)
		return rl_fail_sys(err, errno, "stat the container's folder '%s'", name);
	if ((want.st_uid != have.st_uid || want.st_gid != have.st_gid) &&
	    fchownat(r->ctr_fd, name, want.st_uid, want.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return rl_fail_sys(err, errno, "set the owner of the container's folder '%s'",
				   name);
	if (with_mode && ((want.st_mode ^ have.st_mode) & 07777) &&
	    fchmodat(r->ctr_fd, name, want.st_mode & 07777, 0) < 0)
		return rl_fail_sys(err, errno, "set the mode of the container's folder '%s'", name);
	return 0;
}

static int dir_mount(const struct rootfs *r, struct rl_err *err)
{
	/* with the mounts below it: the kernel does not uncover what they hide */
	auto_fd int fd = mnt_clone(AT_FDCWD, r->dir, true);
	struct stat st;

	if (fd < 0)
		return rl_fail_sys(err, -fd, "use folder '%s' as root", r->dir);
	if (fstatat(fd, "", &st, AT_EMPTY_PATH) < 0 || !S_ISDIR(st.st_mode))
		return rl_fail(err, ENOTDIR, "'%s' is not a folder", r->dir);
	return TAKE_FD(fd);
}

static int mount_it(const struct rootfs *r, int prepared_fd, struct rl_err *err)
{
	switch (r->rung) {
	case ROOTFS_OVERLAY:
		return overlay_mount(r, err);
	case ROOTFS_FUSE:
		return fuse_mount(r, prepared_fd, err);
	case ROOTFS_COPY:
		return copy_mount(r, err);
	case ROOTFS_DIR:
		return dir_mount(r, err);
	}
	return rl_fail(err, EINVAL, "no way to mount it");
}

/*
 * Init of a container that does not know the caller's id can neither walk to the layers nor read what
 * only the caller may: it gets the finished mount. FUSE's daemon has walked there before.
 */
static int prepare_mount(const struct rootfs *r, int *ret_fd, struct rl_err *err)
{
	int fd = r->in_session ? mount_it(r, FD_NONE, err) : FD_NONE;

	if (fd < 0 && fd != FD_NONE)
		return rl_wrap(err, "root file system");
	*ret_fd = fd;
	return 0;
}

int rootfs_prepare_hook(void *arg, int *ret_fd, struct rl_err *err)
{
	const struct rootfs *r = arg;
	int rc = 0;

	*ret_fd = FD_NONE;
	if (r->rung == ROOTFS_DIR)
		return prepare_mount(r, ret_fd, err);
	if (r->rung == ROOTFS_COPY) {
		rc = copy_prepare(r, err);
		return rc < 0 ? rc : prepare_mount(r, ret_fd, err);
	}
	/* overlay's mark of a volatile mount, there when the container is started again: the host
	 * cannot have crashed meanwhile, or whoever starts it would not be there either */
	if (r->ephemeral) {
		(void)unlinkat(r->ctr_fd, "work/work/incompat/volatile/dirty", 0);
		(void)unlinkat(r->ctr_fd, "work/work/incompat/volatile", AT_REMOVEDIR);
	}
	rc = dress(r, "upper", true, err);
	if (rc == 0)
		rc = dress(r, "work", false, err);
	if (rc < 0)
		return rc;
	return r->rung == ROOTFS_FUSE ? fuse_prepare(r, ret_fd, err)
				      : prepare_mount(r, ret_fd, err);
}

int rootfs_root_hook(void *arg, int prepared_fd, int *ret_mount_fd, struct rl_err *err)
{
	const struct rootfs *r = arg;
	auto_fd int fd = FD_NONE;
	int rc;

	if (r->in_session && r->rung != ROOTFS_FUSE)
		rc = fcntl(prepared_fd, F_DUPFD_CLOEXEC, 3);
	else
		rc = mount_it(r, prepared_fd, err);
	if (rc < 0)
		return rl_wrap(err, "root file system");
	fd = rc;
	if (r->read_only) {
		rc = mnt_set(fd, MOUNT_ATTR_RDONLY, 0, 0, r->rung == ROOTFS_DIR);
		if (rc < 0)
			return rl_fail_sys(err, -rc, "make the root file system read-only");
	}
	*ret_mount_fd = TAKE_FD(fd);
	return 0;
}
