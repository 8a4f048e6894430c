/* SPDX-License-Identifier: Apache-2.0 */
/* fsck_image.c - are records and layers whole? fsck.h is the manual */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "storage/elsewhere.h"
#include "storage/image/fsck.h"
#include "storage/image/hash.h"
#include "storage/image/layers.h"
#include "storage/image/manifest.h"
#include "storage/image_store.h"
#include "storage/layer.h"

#define LAYER_RECORD_MAX (64 << 10)

/* --- records ------------------------------------------------------------------------------- */

enum state { GOOD, MISSING, BAD };

static void path_of(char out[128], const char *id, const char *file)
{
	(void)snprintf(out, 128, "images/%.64s/%s", id, file);
}

/* Does images/<id>/<file> hold what @digest says? Its bytes go to @b. */
static int check_file(const struct fsck *f, const char *id, const char *file, const char *digest,
		      struct buf *b, enum state *ret, struct rl_err *err)
{
	struct digest d;
	char path[128];
	int r;

	path_of(path, id, file);
	r = io_read_file(f->rl->data_fd, path, IMAGE_CONFIG_MAX, b, err);
	*ret = r == -ENOENT ? MISSING : BAD;
	if (r == -ENOENT || r == -EINVAL || r == -EFBIG)
		return 0;
	if (r == 0)
		r = hash_bytes(b->data ? b->data : "", b->len, &d, err);
	if (r == 0 && strcmp(d.text, digest) == 0)
		*ret = GOOD;
	return r;
}

/* config.json or manifest.json is not what it should be. */
static int file_damaged(struct fsck *f, const char *id, const char *file, enum state state,
			struct rl_err *err)
{
	char path[128];

	path_of(path, id, "");
	if (!fsck_is_there(f, path))
		return 0; /* removed while we looked */
	path_of(path, id, file);
	if (f->repair && state == BAD && unlinkat(f->rl->data_fd, path, 0) < 0)
		return rl_fail_sys(err, errno, "remove '%s'", path);
	return fsck_tell(f, false, err, "image %.12s: %s %s%s: 'rl pull %s' fetches it", id, file,
			 state == MISSING ? "is missing" : "is damaged",
			 f->repair && state == BAD ? ", removed" : "", fsck_name(f, id));
}

static int read_diff_ids(const struct buf *config, struct image_config *ret, struct rl_err *err)
{
	const char *text = config->data ? config->data : "";
	json_auto_t *j = NULL;
	const json_t *list;
	int r = json_read(text, config->len, IMAGE_CONFIG_MAX, "config", &j, err);

	if (r < 0)
		return r;
	list = json_object_get(json_object_get(j, "rootfs"), "diff_ids");
	return image_config_parse(text, config->len, json_array_size(list), "config", ret, err);
}

/* image.json anew from the config, which is good, and the manifest, which may have been its own. */
static int rewrite_record(const struct fsck *f, const char *id, const struct buf *config,
			  struct rl_err *err)
{
	auto_image_config struct image_config c = { 0 };
	auto_buf struct buf manifest = { 0 };
	auto_manifest struct manifest m = { 0 };
	enum manifest_kind kind;
	json_auto_t *j = NULL;
	struct digest d;
	char path[128];
	struct image_new n = { .id = id, .config = config->data, .config_len = config->len };
	int r = read_diff_ids(config, &c, err);

	if (r < 0)
		return r;
	path_of(path, id, "manifest.json");
	if (io_read_file(f->rl->data_fd, path, IMAGE_MANIFEST_MAX, &manifest, err) == 0 &&
	    manifest_read(manifest.data ? manifest.data : "", manifest.len, NULL, path, &kind, &j,
			  err) == 0 &&
	    kind == MANIFEST_IMAGE && manifest_parse(j, path, &m, err) == 0 &&
	    strcmp(digest_hex(m.config.digest.text), id) == 0 &&
	    hash_bytes(manifest.data, manifest.len, &d, err) == 0) {
		n.manifest = manifest.data;
		n.manifest_len = manifest.len;
		n.digest = d.text;
	}
	n.diff_ids = &c.diff_ids;
	n.size = layers_total(f->rl, &f->req.session, &c.diff_ids);
	return image_record(f->rl, &n, err);
}

static int record_damaged(struct fsck *f, const char *id, const struct buf *config,
			  struct rl_err *err)
{
	struct rl_err why = { 0 };

	if (f->repair && config && rewrite_record(f, id, config, &why) == 0)
		return fsck_tell(f, true, err, "image %.12s: image.json was damaged: written anew",
				 id);
	return fsck_tell(f, false, err,
			 "image %.12s: image.json is damaged: %s'rl pull %s' mends it", id,
			 config && !f->repair ? "'rl fsck --repair' or " : "", fsck_name(f, id));
}

static int add_needed(struct fsck *f, const struct strv *diff_ids, const char *id,
		      struct rl_err *err)
{
	for (size_t i = 0; i < diff_ids->n; i++)
		if (strv_take(&f->needed, str_printf("%s %s", digest_hex(diff_ids->v[i]), id)) < 0)
			return rl_oom(err);
	return 0;
}

static int check_manifest(struct fsck *f, const struct image *img, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	enum state state = GOOD;
	int r = img->digest ? check_file(f, img->id, "manifest.json", img->digest, &b, &state, err)
			    : 0;

	return r < 0 || state == GOOD ? r : file_damaged(f, img->id, "manifest.json", state, err);
}

static int check_image(struct fsck *f, const char *id, struct rl_err *err)
{
	auto_image_config struct image_config c = { 0 };
	auto_image struct image img = { 0 };
	auto_buf struct buf config = { 0 };
	char digest[DIGEST_SIZE];
	struct rl_err why = { 0 };
	enum state state = GOOD;
	int r, parsed = image_record_read(f->rl, id, &img, &why);

	if (parsed == -ENOENT)
		return 0; /* removed while we looked */
	if (parsed < 0 && parsed != -EBADMSG) {
		*err = why; /* a newer rl's, or no memory: nothing can be said about the store */
		return parsed;
	}
	(void)snprintf(digest, sizeof(digest), DIGEST_PREFIX "%.64s", id);
	r = check_file(f, id, "config.json", digest, &config, &state, err);
	if (r == 0 && state != GOOD)
		r = file_damaged(f, id, "config.json", state, err);
	if (r == 0 && parsed < 0)
		r = record_damaged(f, id, state == GOOD ? &config : NULL, err);
	else if (r == 0)
		r = check_manifest(f, &img, err);
	if (r < 0)
		return r;
	if (parsed == 0)
		return add_needed(f, &img.diff_ids, id, err);
	return state == GOOD && read_diff_ids(&config, &c, &why) == 0
		       ? add_needed(f, &c.diff_ids, id, err)
		       : 0;
}

/* Which layers containers stand on */
static int find_users(struct fsck *f, struct rl_err *err)
{
	auto_strv struct strv users = { 0 };
	int r = image_users(f->rl, &users, err);

	for (size_t i = 0; r == 0 && i < users.n; i++) {
		const char *image = users.v[i], *ctr = image + 65;
		size_t before = f->used.n;

		for (size_t k = 0; k < f->needed.n; k++)
			if (strncmp(f->needed.v[k] + 65, image, 64) == 0 &&
			    strv_take(&f->used, str_printf("%.64s %s", f->needed.v[k], ctr)) < 0)
				return rl_oom(err);
		f->use_unknown = f->use_unknown || f->used.n == before;
	}
	return r;
}

int fsck_images(struct fsck *f, struct rl_err *err)
{
	auto_dir DIR *d = NULL;
	const char *id;
	int r = image_dir(f->rl, &d, err);

	while (r == 0 && d && (id = image_next_id(d)))
		r = check_image(f, id, err);
	return r < 0 ? r : find_users(f, err);
}

/* --- layers -------------------------------------------------------------------------------- */

/* What is wrong with layers/<key>, or NULL. */
static const char *layer_damage(const struct fsck *f, const char *key)
{
	char path[320], diff_id[DIGEST_SIZE];
	json_auto_t *j = NULL;
	const char *s = NULL;
	struct rl_err why;
	struct stat st;

	(void)snprintf(path, sizeof(path), "layers/%s/diff", key);
	if (fstatat(f->rl->data_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
		return "its files are missing";
	(void)snprintf(path, sizeof(path), "layers/%s/layer.json", key);
	if (json_read_file(f->rl->data_fd, path, LAYER_RECORD_MAX, &j, &why) < 0)
		return "layer.json is damaged";
	(void)snprintf(diff_id, sizeof(diff_id), DIGEST_PREFIX "%.64s", key);
	if (json_get_str(j, "diff_id", path, &s, &why) < 0 || !s || strcmp(s, diff_id) != 0)
		return "layer.json is of another layer";
	return NULL;
}

static int layer_damaged(struct fsck *f, const char *key, const char *what, struct rl_err *err)
{
	const char *image = fsck_find(&f->needed, key), *ctr = fsck_find(&f->used, key);
	char path[320];

	(void)snprintf(path, sizeof(path), "layers/%s", key);
	if (!fsck_is_there(f, path))
		return 0; /* removed while we looked */
	if (strv_addn(&f->gone, key, 64) < 0)
		return rl_oom(err);
	if (ctr || f->use_unknown)
		return fsck_tell(f, false, err,
				 "layer %.12s: %s: container %.12s uses it: 'rl rm' that first",
				 key, what, ctr ? ctr : "(any)");
	if (f->repair && layer_remove(f->rl, key, err) < 0)
		return -err->code;
	if (!image)
		return fsck_tell(f, f->repair, err, "layer %.12s: %s: no image needs it%s", key,
				 what, f->repair ? ", removed" : ", 'rl fsck --repair' removes it");
	return fsck_tell(f, false, err, "layer %.12s: %s%s: 'rl pull %s' fetches it", key, what,
			 f->repair ? ", removed" : ": after 'rl fsck --repair'",
			 fsck_name(f, image));
}

/* Its files were in another store. */
static bool is_gone(const struct fsck *f, const char *key, struct rl_err *why)
{
	auto_strv struct strv folders = { 0 };

	return elsewhere_of(f->rl, key, &folders, why) == 0 &&
	       elsewhere_check(key, &folders, why) < 0;
}

static int check_folders(struct fsck *f, struct rl_err *err)
{
	int fd = openat(f->rl->data_fd, "layers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	const char *what;
	struct rl_err why;
	int r = 0;

	if (!d) {
		r = errno == ENOENT ? 0 : rl_fail_sys(err, errno, "read folder 'layers'");
		fd_close(fd);
		return r;
	}
	while (r == 0 && (e = readdir(d))) {
		if (!digest_is_hex64(e->d_name, strnlen(e->d_name, 64)) || e->d_name[64] != '-')
			continue; /* locks and work of others; leftovers are looked at elsewhere */
		what = layer_damage(f, e->d_name);
		if (!what && !strchr(e->d_name + 65, '-') && is_gone(f, e->d_name, &why))
			what = why.msg;
		if (what)
			r = layer_damaged(f, e->d_name, what, err);
	}
	return r;
}

/* The layers that images need and nobody has */
static int check_missing(struct fsck *f, struct rl_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->needed.n; i++) {
		const char *hex = f->needed.v[i], *image = hex + 65;
		char key[LAYER_KEY_MAX], diff_id[DIGEST_SIZE], path[128];

		(void)snprintf(diff_id, sizeof(diff_id), DIGEST_PREFIX "%.64s", hex);
		if (layer_key(diff_id, &f->req.session, NULL, NULL, key, err) < 0)
			return -err->code;
		path_of(path, image, "");
		if (layer_exists(f->rl, key) || fsck_find(&f->gone, hex) || !fsck_is_there(f, path))
			continue;
		if (strv_addn(&f->gone, hex, 64) < 0)
			return rl_oom(err);
		r = fsck_tell(f, false, err,
			      "layer %.12s of image %.12s is missing: 'rl pull %s' fetches it", hex,
			      image, fsck_name(f, image));
	}
	return r;
}

int fsck_layers(struct fsck *f, struct rl_err *err)
{
	int r = check_folders(f, err);

	return r < 0 ? r : check_missing(f, err);
}
