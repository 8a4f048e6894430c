/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer.c - unpacked layers: key, look-up, staging, publishing; the header is the manual
 *
 * Theory of operation: the lock of a key keeps a second writer waiting, no more: two that slip
 * past each other (the lock's file is removed after use) stage in folders of their own, and the
 * second rename finds the name taken and is content. A staging folder is alive while somebody
 * holds a flock on its diff/ folder; the descriptor is passed to the unpacker, so the lock lasts
 * until the last of both is gone. Sweeping removes what it can lock.
 */
#include "config.h"

#include "storage/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "storage/digest.h"

#define LAYERS       "layers"
#define STAGE_PREFIX ".tmp-"
#define LOCK_PREFIX  ".lock-"
#define FROM_MAX     (1 << 20)
#define NEW_SECONDS  60 /* a staging folder this young may not have its lock yet */

/* --- key ----------------------------------------------------------------------------------- */

/* FNV-1a: the key must tell this user's own maps apart, nobody gains by a collision. */
static uint64_t hash_map(uint64_t h, const struct idmap *m)
{
	char text[IDMAP_TEXT];
	size_t n = idmap_format(m, text);

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	return (h ^ '/') * UINT64_C(0x100000001b3);
}

static uint64_t hash_maps(const struct idmap *uids, const struct idmap *gids)
{
	return hash_map(hash_map(UINT64_C(0xcbf29ce484222325), uids), gids);
}

/* The usual map of S: 0 = the caller, 1.. = one subordinate range, the same for both kinds */
static bool is_plain(const struct session *s)
{
	return s->uids.n == 2 && s->gids.n == 2 && s->uids.v[0].count == 1 &&
	       s->gids.v[0].count == 1 && s->uids.v[1].outside == s->gids.v[1].outside &&
	       s->uids.v[1].count == s->gids.v[1].count && s->uids.v[1].inside == 1 &&
	       s->gids.v[1].inside == 1;
}

int layer_key(const char *diff_id, const struct session *s, const struct idmap *uids,
	      const struct idmap *gids, char ret[LAYER_KEY_MAX], struct rl_err *err)
{
	char map[64], shift[32] = "";
	int r = digest_check(diff_id, "layer", err);

	if (r < 0)
		return r;
	if (s->rung == SESSION_ONE_ID)
		(void)snprintf(map, sizeof(map), "one");
	else if (is_plain(s))
		(void)snprintf(map, sizeof(map), "%u.%u", s->uids.v[1].outside, s->uids.v[1].count);
	else
		(void)snprintf(map, sizeof(map), "m%016llx",
			       (unsigned long long)hash_maps(&s->uids, &s->gids));
	/* with one id all files are that id's, whatever the container calls it: nothing to shift */
	if (s->rung != SESSION_ONE_ID && (!idmap_is_identity(uids) || !idmap_is_identity(gids))) {
		static const struct idmap none = { .n = 0 };

		(void)snprintf(
			shift, sizeof(shift), "-s%016llx",
			(unsigned long long)hash_maps(uids ? uids : &none, gids ? gids : &none));
	}
	(void)snprintf(ret, LAYER_KEY_MAX, "%s-%s%s", digest_hex(diff_id), map, shift);
	return 0;
}

int layer_flat_key(const struct strv *diff_ids, const struct session *s, const struct idmap *uids,
		   const struct idmap *gids, char ret[LAYER_KEY_MAX], struct rl_err *err)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t n;
	int r = layer_key(diff_ids->v[diff_ids->n - 1], s, uids, gids, ret, err);

	for (size_t i = 0; i < diff_ids->n; i++)
		for (const char *p = diff_ids->v[i]; *p; p++)
			h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	n = strlen(ret);
	if (r == 0)
		(void)snprintf(ret + n, LAYER_KEY_MAX - n, "-f%016llx", (unsigned long long)h);
	return r;
}

/* --- look-up ------------------------------------------------------------------------------- */

static int layer_path(const char *key, const char *file, char out[256])
{
	int n = snprintf(out, 256, LAYERS "/%s%s", key, file);

	return n < 0 || n >= 256 || strchr(key, '/') || *key == '.' ? -EINVAL : 0;
}

bool layer_exists(const struct rl *rl, const char *key)
{
	char path[256];

	return layer_path(key, "/diff", path) == 0 && io_exists(rl->data_fd, path);
}

int layer_open(const struct rl *rl, const char *key, struct rl_err *err)
{
	char path[256];
	int fd;

	if (layer_path(key, "/diff", path) < 0)
		return rl_fail(err, EINVAL, "'%s' is no layer's name", key);
	fd = openat(rl->data_fd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return rl_fail_sys(err, errno, "open layer '%.12s'", key);
	return fd;
}

bool layer_is_opaque(int fd)
{
	char path[64], y = 0;

	/* the descriptor is O_PATH, which fgetxattr() refuses */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return getxattr(path, "user.overlay.opaque", &y, 1) == 1 && y == 'y';
}

bool layer_is_from(const struct rl *rl, const char *key, const char *from)
{
	auto_free char *path = str_printf(LAYERS "/%s/" LAYER_FROM, key);
	auto_buf struct buf b = { 0 };
	struct rl_err ignored;

	return path && io_read_file(rl->data_fd, path, FROM_MAX, &b, &ignored) == 0 && b.data &&
	       strcmp(b.data, from) == 0;
}

/* --- staging ------------------------------------------------------------------------------- */

/* The key's lock on a file that is still there: whoever used it last may have removed it. */
static int lock_key(const struct rl *rl, const char *key, bool wait, struct rl_err *err)
{
	char path[300];

	(void)snprintf(path, sizeof(path), LAYERS "/" LOCK_PREFIX "%s", key);
	for (;;) {
		auto_fd int fd = io_flock(rl->data_fd, path, true, wait, err);
		struct stat a, b;

		if (fd < 0)
			return fd;
		if (fstat(fd, &a) == 0 &&
		    fstatat(rl->data_fd, path, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
		    a.st_ino == b.st_ino && a.st_dev == b.st_dev)
			return TAKE_FD(fd);
	}
}

/* While we hold it, so that nobody new waits for a name that goes. */
static void unlock_key(const struct rl *rl, struct layer_stage *st)
{
	char path[300];

	(void)snprintf(path, sizeof(path), LAYERS "/" LOCK_PREFIX "%s", st->key);
	if (st->lock_fd >= 0)
		(void)unlinkat(rl->data_fd, path, 0); /* an empty file more does no harm */
	fd_close(TAKE_FD(st->lock_fd));
	fd_close(TAKE_FD(st->diff_fd));
}

/* A program that runs as its owner, or what others may write */
static bool is_risky(const struct stat *st)
{
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return false;
	return (S_ISREG(st->st_mode) && (st->st_mode & (S_ISUID | S_ISGID))) ||
	       (st->st_mode & S_IWOTH) || ((st->st_mode & S_IWGRP) && st->st_gid == getegid());
}

/* What cannot be looked at counts as risky. */
static bool has_risky(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	struct stat st;

	if (!d) {
		fd_close(fd);
		return true;
	}
	while ((e = readdir(d))) {
		auto_fd int at = FD_NONE;

		if (strcmp(e->d_name, "..") == 0)
			continue;
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || is_risky(&st))
			return true;
		if (!S_ISDIR(st.st_mode) || strcmp(e->d_name, ".") == 0)
			continue;
		at = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (at < 0 || has_risky(at))
			return true;
	}
	return false;
}

/*
 * Who lets others read his layers (chmod of layers/) means those to come as well.
 *
 * Threat: whoever can enter a layer runs its set-id programs as the store's owner (0 in an image is
 * the caller), and changes what its modes let everybody write, outside of any container.
 * Defence: a layer with such files stays closed; its owner may open it himself.
 */
static mode_t folder_mode(const struct rl *rl, const struct layer_stage *layer)
{
	struct stat st;

	if (fstatat(rl->data_fd, LAYERS, &st, AT_SYMLINK_NOFOLLOW) < 0 || !(st.st_mode & 055))
		return 0700;
	if (!has_risky(layer->diff_fd))
		return 0700 | (st.st_mode & 055);
	log_warn("layer %.12s stays closed to others: it has set-id programs, or files that all "
		 "may write",
		 layer->key);
	return 0700;
}

static int make_stage(const struct rl *rl, struct layer_stage *st, struct rl_err *err)
{
	char tag[17], diff[80];

	rand_hex(tag, 8);
	(void)snprintf(st->name, sizeof(st->name), LAYERS "/" STAGE_PREFIX "%s", tag);
	(void)snprintf(diff, sizeof(diff), "%s/diff", st->name);
	if (mkdirat(rl->data_fd, st->name, 0700) < 0 || mkdirat(rl->data_fd, diff, 0700) < 0)
		return rl_fail_sys(err, errno, "create folder '%s'", diff);
	st->diff_fd = io_open_dir(rl->data_fd, diff, err);
	if (st->diff_fd < 0)
		return st->diff_fd;
	/* what a layer without an entry for its root gets, whatever the umask */
	if (fchmod(st->diff_fd, 0755) < 0)
		return rl_fail_sys(err, errno, "chmod '%s'", diff);
	if (flock(st->diff_fd, LOCK_EX | LOCK_NB) < 0)
		return rl_fail_sys(err, errno, "lock '%s'", diff);
	return 0;
}

int layer_begin(const struct rl *rl, const char *key, bool wait, struct layer_stage *ret,
		struct rl_err *err)
{
	struct layer_stage st = { .lock_fd = FD_NONE, .diff_fd = FD_NONE };
	char path[256];
	int r;

	if (layer_path(key, "/diff", path) < 0 || strlen(key) >= sizeof(st.key))
		return rl_fail(err, EINVAL, "'%s' is no layer's name", key);
	(void)snprintf(st.key, sizeof(st.key), "%s", key);
	if (mkdirat(rl->data_fd, LAYERS, 0700) < 0 && errno != EEXIST)
		return rl_fail_sys(err, errno, "create folder '" LAYERS "'");
	st.lock_fd = lock_key(rl, key, wait, err);
	if (st.lock_fd < 0)
		return st.lock_fd;
	if (layer_exists(rl, key)) {
		unlock_key(rl, &st);
		return 1;
	}
	r = make_stage(rl, &st, err);
	if (r < 0) {
		layer_abort(rl, &st);
		return r;
	}
	*ret = st;
	return 0;
}

static int write_record(const struct rl *rl, const struct layer_stage *st, const char *diff_id,
			int64_t size, int64_t files, struct rl_err *err)
{
	char path[96], when[32];
	json_auto_t *j = NULL;

	time_rfc3339(when, wall_ns());
	j = json_pack("{s:i, s:s, s:I, s:I, s:s}", "version", 1, "diff_id", diff_id, "size",
		      (json_int_t)size, "files", (json_int_t)files, "created", when);
	if (!j)
		return rl_oom(err);
	(void)snprintf(path, sizeof(path), "%s/layer.json", st->name);
	return json_write_file(rl->data_fd, path, j, false, err);
}

int layer_publish(const struct rl *rl, struct layer_stage *st, const char *diff_id, int64_t size,
		  int64_t files, struct rl_err *err)
{
	auto_fd int dir = FD_NONE;
	char path[256];
	int r;

	if (layer_path(st->key, "", path) < 0)
		return rl_fail(err, EINVAL, "'%s' is no layer's name", st->key);
	r = write_record(rl, st, diff_id, size, files, err);
	if (r < 0)
		return r;
	/* one sync for all files of the layer, before the name says that it is whole */
	if (syncfs(st->diff_fd) < 0)
		return rl_fail_sys(err, errno, "write the layer to disk");
	if (fchmodat(rl->data_fd, st->name, folder_mode(rl, st), 0) < 0)
		return rl_fail_sys(err, errno, "chmod layer '%.12s'", st->key);
	if (renameat(rl->data_fd, st->name, rl->data_fd, path) < 0) {
		if (errno != EEXIST && errno != ENOTEMPTY)
			return rl_fail_sys(err, errno, "publish layer '%.12s'", st->key);
		layer_abort(rl, st); /* somebody else has published the same */
		return 0;
	}
	dir = io_open_dir(rl->data_fd, LAYERS, err);
	if (dir < 0)
		return dir;
	if (fsync(dir) < 0)
		return rl_fail_sys(err, errno, "sync folder '" LAYERS "'");
	unlock_key(rl, st);
	return 0;
}

void layer_abort(const struct rl *rl, struct layer_stage *st)
{
	struct rl_err err;

	if (st->name[0] && io_remove_tree(rl->data_fd, st->name, &err) < 0)
		log_debug("left behind for the next sweep: %s", err.msg);
	st->name[0] = '\0';
	unlock_key(rl, st);
}

/* Is @key one of those that layer @other was made from? */
static bool made_from(const struct rl *rl, const char *other, const char *key)
{
	auto_free char *path = str_printf(LAYERS "/%s/" LAYER_FROM, other);
	auto_strv struct strv keys = { 0 };
	auto_buf struct buf b = { 0 };
	struct rl_err ignored;

	return path && io_read_file(rl->data_fd, path, FROM_MAX, &b, &ignored) == 0 && b.data &&
	       strv_split(&keys, b.data, ',') == 0 && strv_has(&keys, key);
}

int layer_remove_made(const struct rl *rl, const char *key, struct rl_err *err)
{
	auto_strv struct strv made = { 0 };
	int fd = openat(rl->data_fd, LAYERS, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!d) {
		fd_close(fd);
		return rl_fail_sys(err, errno, "read folder '" LAYERS "'");
	}
	while ((e = readdir(d)))
		if (e->d_name[0] != '.' && made_from(rl, e->d_name, key) &&
		    strv_add(&made, e->d_name) < 0)
			return rl_oom(err);
	for (size_t i = 0; r == 0 && i < made.n; i++)
		r = layer_remove(rl, made.v[i], err);
	return r;
}

int layer_remove(const struct rl *rl, const char *key, struct rl_err *err)
{
	int r;

	char path[256], trash[64] = LAYERS "/.trash-";

	if (layer_path(key, "", path) < 0)
		return rl_fail(err, EINVAL, "'%s' is no layer's name", key);
	rand_hex(trash + strlen(trash), 8);
	if (renameat(rl->data_fd, path, rl->data_fd, trash) < 0)
		return rl_fail_sys(err, errno, "move '%s' away", path);
	r = io_remove_tree(rl->data_fd, trash, err);
	return r < 0 ? r : layer_remove_made(rl, key, err);
}

/* --- sweeping ------------------------------------------------------------------------------ */

bool layer_stage_is_dead(int layers_fd, const char *name)
{
	auto_fd int fd = FD_NONE;
	struct stat st;
	char diff[300];

	if (fstatat(layers_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
		return false;
	if (time(NULL) - st.st_mtime < NEW_SECONDS)
		return false;
	(void)snprintf(diff, sizeof(diff), "%s/diff", name);
	fd = openat(layers_fd, diff, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT;
	return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* The lock's file of somebody who was killed; who waits for it looks again (lock_key()). */
static void drop_lock(int layers_fd, const char *name)
{
	auto_fd int fd = FD_NONE;

	if (strncmp(name, LOCK_PREFIX, sizeof(LOCK_PREFIX) - 1) != 0)
		return;
	fd = openat(layers_fd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)unlinkat(layers_fd, name, 0); /* an empty file more does no harm */
}

void layer_sweep(const struct rl *rl)
{
	auto_fd int fd = openat(rl->data_fd, LAYERS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = NULL;
	struct dirent *e;
	struct rl_err err;
	int dup;

	if (fd < 0)
		return;
	dup = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	d = dup < 0 ? NULL : fdopendir(dup);
	if (!d) {
		fd_close(dup);
		return;
	}
	while ((e = readdir(d))) {
		drop_lock(fd, e->d_name);
		if (strncmp(e->d_name, STAGE_PREFIX, sizeof(STAGE_PREFIX) - 1) == 0 &&
		    layer_stage_is_dead(fd, e->d_name) && io_remove_tree(fd, e->d_name, &err) < 0)
			log_debug("sweep: %s", err.msg);
	}
}
