/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fsck_tree.c - do unpacked layers still hold what came? fsck.h is the manual
 *
 * Theory of operation: nothing is recorded at unpack. Where the packed layer is kept, it is
 * unpacked once more beside the other (by the same confined child, which checks its diff_id), and
 * the two trees are compared. With "repair" the good one then takes the place of the damaged one in
 * one rename, without any registry; without a packed layer a pull has to bring it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "storage/blob.h"
#include "storage/elsewhere.h"
#include "storage/image/fsck.h"
#include "storage/image/same.h"
#include "storage/image/unpack.h"
#include "storage/image_store.h"
#include "storage/layer.h"

#define BYTES_MAX   (INT64_C(1) << 40)
#define ENTRIES_MAX 10000000

struct look {
	struct fsck *f;
	struct image img;
	json_t *layers; /* of its manifest, or NULL */
	size_t i;       /* which */
	char key[LAYER_KEY_MAX];
	struct strv folders; /* in other stores that its data are in */
	bool stubs;          /* some still are */
	char why[400];       /* what those are not the same in, or "" */
};

/* Is a container running that stands on the layer? Its mounts hold on to the old folder. */
static bool is_running(const struct fsck *f, const char *hex)
{
	for (size_t i = 0; i < f->used.n; i++) {
		auto_fd int fd = FD_NONE;
		char path[128];

		if (strncmp(f->used.v[i], hex, 64) != 0)
			continue;
		(void)snprintf(path, sizeof(path), "containers/%.64s/lock", f->used.v[i] + 65);
		fd = openat(f->rl->data_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && io_lock_holder(fd) != 0)
			return true;
	}
	return f->use_unknown;
}

/* The packed form, or the plain tar: a descriptor, or -ENOENT. */
static int open_packed(const struct look *l, struct rl_err *err)
{
	const char *digest =
		json_string_value(json_object_get(json_array_get(l->layers, l->i), "digest"));
	int64_t size;
	int fd = digest && digest_is_valid(digest) ? blob_open(l->f->rl, digest, &size, err)
						   : -ENOENT;

	return fd >= 0 ? fd : blob_open(l->f->rl, l->img.diff_ids.v[l->i], &size, err);
}

/* The folder of @l->folders that is this layer, opened; FD_NONE: its data are its own. */
static int open_there(const struct look *l, const char **ret_tail)
{
	for (size_t i = 0; i < l->folders.n; i++) {
		const char *tail = elsewhere_tail(l->folders.v[i]);

		if (!tail || strncmp(tail, l->key, 64) != 0)
			continue;
		*ret_tail = tail;
		return open(l->folders.v[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return FD_NONE;
}

/* What it should hold, into the staging folder; @there: its data where they are in another store. */
static int unpack_again(struct look *l, int in, int diff_fd, bool there, struct rl_err *err)
{
	auto_free int *lower = calloc(l->i + 1, sizeof(*lower));
	auto_fd int there_fd = FD_NONE;
	struct unpack_limits limits = { .max_bytes = BYTES_MAX,
					.max_entries = ENTRIES_MAX,
					.lower_fds = lower };
	struct unpack_result res;
	struct unpack u;
	int r = lower ? 0 : rl_oom(err);

	for (size_t i = 0; r == 0 && i < l->i; i++) {
		char key[LAYER_KEY_MAX];

		r = layer_key(l->img.diff_ids.v[i], &l->f->req.session, NULL, NULL, key, err);
		if (r == 0)
			r = layer_open(l->f->rl, key, err);
		if (r >= 0) {
			lower[limits.n_lower++] = r;
			r = 0;
		}
	}
	if (r == 0 && there)
		limits.there_fd = there_fd = open_there(l, &limits.there);
	if (there_fd < 0)
		limits.there = NULL;
	if (r == 0)
		r = unpack_start(in, diff_fd, l->f->req.session.rung == SESSION_ONE_ID, &limits, &u,
				 err);
	while (limits.n_lower > 0)
		fd_close(lower[--limits.n_lower]);
	if (r == 0)
		r = unpack_finish(&u, &res, err);
	if (r == 0 && strcmp(res.diff_id, l->img.diff_ids.v[l->i]) != 0)
		return rl_fail(err, EBADMSG, "its packed form is damaged, too");
	l->stubs = r == 0 && (res.stubs > 0 || res.lower_stubs);
	return r;
}

static int swap(const struct look *l, const struct layer_stage *st, struct rl_err *err)
{
	char from[80], to[LAYER_KEY_MAX + 16];

	(void)snprintf(from, sizeof(from), "%s/diff", st->name);
	(void)snprintf(to, sizeof(to), "layers/%s/diff", l->key);
	if (syncfs(st->diff_fd) < 0)
		return rl_fail_sys(err, errno, "write the layer to disk");
	if (renameat2(l->f->rl->data_fd, from, l->f->rl->data_fd, to, RENAME_EXCHANGE) < 0)
		return rl_fail_sys(err, errno, "put '%s' in place", to);
	if (l->folders.n > 0 && !l->stubs)
		elsewhere_drop(l->f->rl, l->key);
	return l->folders.n > 0 ? layer_remove_made(l->f->rl, l->key, err) : 0;
}

static int differs(const struct look *l, const struct layer_stage *st, const char *path,
		   struct rl_err *err)
{
	struct fsck *f = l->f;
	const bool busy = is_running(f, l->key);

	if (strv_addn(&f->gone, l->key, 64) < 0)
		return rl_oom(err);
	if (f->repair && !busy && swap(l, st, err) < 0)
		return -err->code;
	return fsck_tell(f, f->repair && !busy, err, "layer %.12s: %s%.300s%s: %s", l->key,
			 *l->why ? "" : "'", *l->why ? l->why : path,
			 *l->why ? "" : "' is not what came",
			 busy        ? "a running container uses it: 'rl stop' that first"
			 : f->repair ? "unpacked anew"
				     : "'rl fsck --repair' unpacks it anew");
}

static int compare(const struct look *l, const struct layer_stage *st, struct rl_err *err)
{
	auto_buf struct buf path = { 0 };
	auto_fd int is = FD_NONE, should = FD_NONE;
	char name[LAYER_KEY_MAX + 16];
	int r;

	(void)snprintf(name, sizeof(name), "layers/%s/diff", l->key);
	is = openat(l->f->rl->data_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	(void)snprintf(name, sizeof(name), "%s/diff", st->name);
	should = openat(l->f->rl->data_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (is < 0 || should < 0)
		return errno == ENOENT ? 0 : rl_fail_sys(err, errno, "open '%s'", name);
	/* files of merged layers have more names */
	r = same_trees(is, should, !elsewhere_any(l->f->rl), l->f->signal_fd, &path, err);
	return r != 0 ? (r < 0 ? r : 0) : differs(l, st, path.len ? path.data : "/", err);
}

static int check_layer(struct look *l, struct rl_err *err)
{
	struct layer_stage st = { .lock_fd = FD_NONE, .diff_fd = FD_NONE };
	auto_fd int in = FD_NONE;
	struct rl_err why = { 0 };
	char key[40] = "fsck-";
	int r;

	in = open_packed(l, &why);
	if (in < 0)
		return 0; /* nothing to compare with */
	rand_hex(key + strlen(key), 8);
	r = layer_begin(l->f->rl, key, false, &st, err);
	if (r < 0)
		return r;
	r = unpack_again(l, in, st.diff_fd, true, &why);
	if (r == -UNPACK_NOT_SAME) {
		(void)snprintf(l->why, sizeof(l->why), "%.399s", why.msg);
		layer_abort(l->f->rl, &st);
		r = layer_begin(l->f->rl, key, false, &st, err);
		if (r < 0)
			return r;
		if (lseek(in, 0, SEEK_SET) < 0)
			r = rl_fail_sys(&why, errno, "seek in a packed layer");
		else
			r = unpack_again(l, in, st.diff_fd, false, &why);
	}
	if (r == 0) {
		r = compare(l, &st, err);
	} else if (r == -EINTR || r == -ENOMEM) {
		*err = why;
	} else { /* no room, or the packed form is damaged, which is told of elsewhere */
		log_debug("layer %.12s is not looked into: %s", l->key, why.msg);
		r = 0;
	}
	layer_abort(l->f->rl, &st);
	return r;
}

static int check_image(struct fsck *f, const char *id, struct strv *seen, struct rl_err *err)
{
	struct look l = { .f = f };
	json_auto_t *manifest = NULL;
	struct rl_err why;
	char path[128];
	int r = 0;

	(void)snprintf(path, sizeof(path), "images/%.64s/manifest.json", id);
	if (image_record_read(f->rl, id, &l.img, &why) < 0)
		return 0; /* told of already */
	if (json_read_file(f->rl->data_fd, path, IMAGE_MANIFEST_MAX, &manifest, &why) == 0)
		l.layers = json_object_get(manifest, "layers");
	for (; r == 0 && l.i < l.img.diff_ids.n; l.i++) {
		const char *hex = digest_hex(l.img.diff_ids.v[l.i]);

		if (fsck_find(&f->gone, hex))
			break; /* those above cannot be unpacked without it */
		if (strv_has(seen, hex))
			continue;
		r = strv_add(seen, hex) < 0 ? rl_oom(err)
					    : layer_key(l.img.diff_ids.v[l.i], &f->req.session,
							NULL, NULL, l.key, err);
		if (r == 0)
			r = elsewhere_of(f->rl, l.key, &l.folders, err);
		if (r == 0 && layer_exists(f->rl, l.key))
			r = check_layer(&l, err);
		strv_done(&l.folders);
		l.why[0] = '\0';
	}
	image_done(&l.img);
	return r;
}

int fsck_trees(struct fsck *f, struct rl_err *err)
{
	auto_strv struct strv seen = { 0 };
	auto_dir DIR *d = NULL;
	const char *id;
	int r = image_dir(f->rl, &d, err);

	while (r == 0 && d && (id = image_next_id(d)))
		r = check_image(f, id, &seen, err);
	return r;
}
