/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_write.c - recording images and names; the header storage/image.h is the manual
 *
 * Theory of operation: under images/.lock the record is written whole into images/.tmp-<random>,
 * synced, and renamed to its id; only then do names point at it. A crash leaves at worst a folder
 * with a temporary name, which image_remove.c sweeps, or an image without a name.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/events.h"
#include "storage/image_store.h"
#include "storage/mlist.h"
#include "storage/registries.h"

int image_lock(const struct rl *rl, struct rl_err *err)
{
	int r = io_mkdirs(rl->data_fd, "images", 0700, err);

	return r < 0 ? r : io_flock(rl->data_fd, "images/.lock", true, true, err);
}

int image_hold_layers(const struct rl *rl, struct rl_err *err)
{
	int r = io_mkdirs(rl->data_fd, "layers", 0700, err);

	return r < 0 ? r : io_flock(rl->data_fd, "layers/.gc", false, true, err);
}

/* --- the record -------------------------------------------------------------------------- */

static int check_ids(const struct image_new *n, struct rl_err *err)
{
	int r = 0;

	if (!digest_is_hex64(n->id, strlen(n->id)))
		return rl_fail(err, EINVAL, "image id '%.80s' is not 64 hex digits", n->id);
	if (n->config_len > IMAGE_CONFIG_MAX || n->manifest_len > IMAGE_MANIFEST_MAX)
		return rl_fail(err, EFBIG, "config or manifest of image %.12s is too large", n->id);
	if (n->diff_ids->n > IMAGE_LAYERS_MAX)
		return rl_fail(err, EINVAL, "image %.12s has %zu layers, more than %d", n->id,
			       n->diff_ids->n, IMAGE_LAYERS_MAX);
	if (n->digest)
		r = digest_check(n->digest, "manifest", err);
	if (r == 0 && n->index_digest)
		r = digest_check(n->index_digest, "index", err);
	for (size_t i = 0; i < n->diff_ids->n && r == 0; i++)
		r = digest_check(n->diff_ids->v[i], "layer", err);
	return r;
}

/* The config's own list of layers must be the one that was unpacked. */
static int check_layers(const json_t *config, const struct image_new *n, struct rl_err *err)
{
	json_t *rootfs = NULL, *arr = NULL;
	const json_t *v;
	size_t i;
	int r = json_get_obj(config, "rootfs", "image config", &rootfs, err);

	if (r == 0)
		r = json_get_arr(rootfs, "diff_ids", "image config", &arr, err);
	if (r < 0)
		return r;
	if (json_array_size(arr) != n->diff_ids->n)
		return rl_fail(err, EINVAL, "image config lists %zu layers, the image has %zu",
			       json_array_size(arr), n->diff_ids->n);
	json_array_foreach (arr, i, v) {
		const char *s = json_string_value(v);

		if (!s || strcmp(s, n->diff_ids->v[i]) != 0)
			return rl_fail(err, EINVAL,
				       "layer %zu of the image is not the one its config lists", i);
	}
	return 0;
}

static int64_t created_ns(const json_t *config)
{
	const char *s = json_string_value(json_object_get(config, "created"));
	int64_t ns = 0;

	return s && time_parse_rfc3339(s, &ns) == 0 ? ns : 0; /* optional, and not ours to judge */
}

static json_t *record_json(const struct image_new *n, const struct platform *p, int64_t created)
{
	json_t *j =
		json_pack("{s:i, s:s, s:s, s:I, s:I, s:I, s:[]}", "version", IMAGE_FORMAT, "os",
			  p->os, "architecture", p->arch, "size", (json_int_t)n->size, "created_ns",
			  (json_int_t)created, "recorded_ns", (json_int_t)wall_ns(), "diff_ids");

	if (!j)
		return NULL;
	if (*p->variant)
		(void)json_object_set_new(j, "variant", json_string(p->variant));
	if (n->digest)
		(void)json_object_set_new(j, "digest", json_string(n->digest));
	if (n->index_digest)
		(void)json_object_set_new(j, "index_digest", json_string(n->index_digest));
	for (size_t i = 0; i < n->diff_ids->n; i++)
		if (json_array_append_new(json_object_get(j, "diff_ids"),
					  json_string(n->diff_ids->v[i])) < 0) {
			json_decref(j);
			return NULL;
		}
	return j;
}

static int write_files(int dir_fd, const struct image_new *n, const json_t *record,
		       struct rl_err *err)
{
	auto_free char *text = json_dumps(record, JSON_COMPACT);
	int r = text ? 0 : rl_oom(err);

	if (r == 0)
		r = io_replace_file(dir_fd, "config.json", n->config, n->config_len, 0600, IO_SYNC,
				    err);
	if (r == 0 && n->manifest)
		r = io_replace_file(dir_fd, "manifest.json", n->manifest, n->manifest_len, 0600,
				    IO_SYNC, err);
	if (r == 0) /* last: with it the record counts as whole */
		r = io_replace_file(dir_fd, "image.json", text, strlen(text), 0600, IO_SYNC, err);
	return r;
}

static int sync_images(const struct rl *rl, struct rl_err *err)
{
	auto_fd int fd = io_open_dir(rl->data_fd, "images", err);

	if (fd < 0)
		return fd;
	return fsync(fd) < 0 ? rl_fail_sys(err, errno, "sync folder 'images'") : 0;
}

/*
 * Rename @tmp to @path; a damaged or different record that is there trades places with it and is
 * removed, so that readers find one or the other at any moment.
 */
static int put_in_place(const struct rl *rl, const char *tmp, const char *path, struct rl_err *err)
{
	if (renameat(rl->data_fd, tmp, rl->data_fd, path) == 0)
		return 0;
	if ((errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR) ||
	    renameat2(rl->data_fd, tmp, rl->data_fd, path, RENAME_EXCHANGE) < 0)
		return rl_fail_sys(err, errno, "rename '%s' to '%s'", tmp, path);
	return io_remove_tree(rl->data_fd, tmp, err);
}

static int publish(const struct rl *rl, const struct image_new *n, const json_t *record,
		   struct rl_err *err)
{
	auto_fd int fd = FD_NONE;
	char tmp[64] = "images/.tmp-", path[128];
	int r;

	rand_hex(tmp + strlen(tmp), 8);
	(void)snprintf(path, sizeof(path), "images/%s", n->id); /* 64 digits, checked */
	if (mkdirat(rl->data_fd, tmp, 0700) < 0)
		return rl_fail_sys(err, errno, "create folder '%s'", tmp);
	fd = io_open_dir(rl->data_fd, tmp, err);
	r = fd < 0 ? fd : write_files(fd, n, record, err);
	if (r == 0)
		r = put_in_place(rl, tmp, path, err);
	if (r < 0) {
		struct rl_err why = { 0 };

		RL_IGNORE(io_remove_tree(rl->data_fd, tmp, &why)); /* the cause is in err */
		return r;
	}
	return sync_images(rl, err);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool holds(const struct rl *rl, const char *id, const char *file, const char *text, size_t n)
{
	auto_buf struct buf b = { 0 };
	struct rl_err why;
	char path[128];

	(void)snprintf(path, sizeof(path), "images/%.64s/%s", id, file);
	return io_read_file(rl->data_fd, path, n, &b, &why) == 0 && b.len == n &&
	       (n == 0 || memcmp(b.data, text, n) == 0);
}

/* True when the same record is there already and whole, to the byte: a pull mends what is not. */
static bool is_recorded(const struct rl *rl, const struct image_new *n)
{
	auto_image struct image old = { 0 };
	struct rl_err why = { 0 };
	char path[128];

	if (image_record_read(rl, n->id, &old, &why) < 0)
		return false;
	(void)snprintf(path, sizeof(path), "images/%.64s/manifest.json", n->id);
	if (n->made_up && old.digest && old.diff_ids.n == n->diff_ids->n &&
	    faccessat(rl->data_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return holds(rl, n->id, "config.json", n->config, n->config_len);
	return holds(rl, n->id, "config.json", n->config, n->config_len) &&
	       (!n->manifest || holds(rl, n->id, "manifest.json", n->manifest, n->manifest_len)) &&
	       same_text(old.digest, n->digest) &&
	       (!n->index_digest || same_text(old.index_digest, n->index_digest)) &&
	       old.size == n->size && old.diff_ids.n == n->diff_ids->n;
}

/* --- names ------------------------------------------------------------------------------- */

/* Make @f hold @e, in the place of an entry for the same platform if there is one. */
static int put_entry(struct name_file *f, const struct name_entry *e, const char *name,
		     struct rl_err *err)
{
	*f->list = '\0'; /* from now on it stands for images */
	for (size_t i = 0; i < f->n; i++) {
		const struct platform *p = &f->v[i].platform;

		if (strcmp(p->os, e->platform.os) == 0 && strcmp(p->arch, e->platform.arch) == 0 &&
		    strcmp(p->variant, e->platform.variant) == 0) {
			f->v[i] = *e;
			return 0;
		}
	}
	if (f->n == NAME_ENTRIES_MAX)
		return rl_fail(err, EMFILE, "'%s' has images for %d platforms already", name,
			       NAME_ENTRIES_MAX);
	f->v[f->n++] = *e;
	return 0;
}

static int point_name(const struct rl *rl, const char *name, const struct name_entry *e,
		      struct rl_err *err)
{
	auto_ref struct ref ref = { 0 };
	auto_free char *path = NULL;
	struct name_file f = { 0 }, was;
	struct rl_err why = { 0 };
	int r;

	r = ref_parse(name, strlen(name), &ref, err);
	if (r == 0 && ref.is_short)
		r = rl_fail(err, EINVAL, "image name '%s' is not canonical", name);
	if (r == 0)
		r = name_path(&ref, &path, err);
	if (r < 0)
		return r;
	r = name_read(rl, path, &f, &why);
	if (r == -EPROTO) {
		*err = why;
		return r;
	}
	if (r < 0 && r != -ENOENT)
		log_warn("replacing the damaged image name '%s': %s", name, why.msg);
	if (r < 0)
		f = (struct name_file){ 0 };
	was = f;
	r = put_entry(&f, e, name, err);
	if (r == 0 && memcmp(&was, &f, sizeof(f)) == 0)
		return 0; /* nothing new, nothing to sync */
	return r < 0 ? r : name_write(rl, path, &f, err);
}

static void fill_entry(struct name_entry *e, const char *id, const struct platform *p,
		       const char *digest, const char *index)
{
	*e = (struct name_entry){ .platform = *p };
	memcpy(e->id, id, sizeof(e->id));
	if (digest)
		memcpy(e->digest, digest, DIGEST_SIZE);
	if (index)
		memcpy(e->index, index, DIGEST_SIZE);
}

int image_record(const struct rl *rl, const struct image_new *n, struct rl_err *err)
{
	json_auto_t *config = NULL, *record = NULL;
	auto_image struct image now = { 0 };
	auto_fd int lock = FD_NONE;
	struct platform p;
	struct name_entry e;
	int r = check_ids(n, err);

	if (r == 0)
		r = json_read(n->config, n->config_len, IMAGE_CONFIG_MAX, "image config", &config,
			      err);
	if (r == 0)
		r = check_layers(config, n, err);
	if (r < 0)
		return r;
	platform_set(&p, json_string_value(json_object_get(config, "os")),
		     json_string_value(json_object_get(config, "architecture")),
		     json_string_value(json_object_get(config, "variant")));
	record = record_json(n, &p, created_ns(config));
	if (!record)
		return rl_oom(err);
	lock = image_lock(rl, err);
	if (lock < 0)
		return lock;
	r = is_recorded(rl, n) ? 0 : publish(rl, n, record, err);
	if (r == 0)
		r = image_record_read(rl, n->id, &now, err);
	fill_entry(&e, n->id, &p, now.digest, n->index_digest);
	for (size_t i = 0; n->names && i < n->names->n && r == 0; i++)
		r = point_name(rl, n->names->v[i], &e, err);
	return r < 0 ? rl_wrap(err, "record image %.12s", n->id) : 0;
}

int image_tag(const struct rl *rl, const char id[65], const char *name, struct rl_err *err)
{
	auto_image struct image img = { 0 };
	auto_fd int lock = image_lock(rl, err);
	struct name_entry e;
	int r;

	if (lock < 0)
		return lock;
	r = image_record_read(rl, id, &img, err);
	if (r == -ENOENT && mlist_exists(rl, id)) {
		r = name_point_list(rl, name, id, err);
	} else if (r == 0) {
		fill_entry(&e, id, &img.platform, img.digest, img.index_digest);
		r = point_name(rl, name, &e, err);
	}
	if (r == 0)
		events_thing(rl, "image", "tag", id, name);
	return r;
}

int image_new_name(const char *typed, char **ret, struct rl_err *err)
{
	auto_strv struct strv local = { 0 };
	auto_ref struct ref ref = { 0 };
	char *name;
	int r = ref_parse(typed, strlen(typed), &ref, err);

	if (r == 0 && ref.digest)
		r = rl_fail(err, EINVAL, "'%s': a digest cannot be given, only a name", typed);
	if (r == 0 && ref.is_short)
		r = registries_localhost(typed, &local, err);
	if (r < 0)
		return r;
	name = ref.is_short && local.n ? strdup(local.v[0]) : ref_print(&ref);
	if (!name)
		return rl_oom(err);
	*ret = name;
	return 0;
}
