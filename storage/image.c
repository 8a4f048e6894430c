/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.c - reading the store: resolve a word, load a record, list; the header is the manual
 *
 * A word is tried as a full id, as a name (one open per candidate, the first that exists wins),
 * and only then as the beginning of an id, which needs a look into images/.
 */
#include "config.h"

#include "storage/image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "storage/image_store.h"
#include "storage/mlist.h"
#include "storage/registries.h"

void image_done(struct image *img)
{
	free(img->name);
	free(img->digest);
	free(img->index_digest);
	json_decref(img->config);
	strv_done(&img->names);
	strv_done(&img->diff_ids);
	*img = (struct image){ 0 };
}

void image_list_done(struct image *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		image_done(&v[i]);
	free(v);
}

/* --- one record -------------------------------------------------------------------------- */

static void id_path(char out[128], const char id[65], const char *file)
{
	(void)snprintf(out, 128, "images/%.64s/%s", id, file); /* our own short names */
}

static bool is_there(const struct rl *rl, const char id[65])
{
	char path[128];

	id_path(path, id, "");
	return io_exists(rl->data_fd, path);
}

static int damaged(const struct rl *rl, const char id[65], struct rl_err *err)
{
	rl_wrap(err, "the record of image %.12s is damaged", id);
	rl_hint(err, "'rl rmi %.12s' removes it, pulling it again mends it (%s/images/%s)", id,
		rl->data_dir, id);
	err->code = EBADMSG;
	return -EBADMSG;
}

int image_record_read(const struct rl *rl, const char id[65], struct image *ret, struct rl_err *err)
{
	auto_image struct image img = { 0 };
	auto_buf struct buf b = { 0 };
	char path[128];
	int r;

	id_path(path, id, "image.json");
	r = io_read_file(rl->data_fd, path, IMAGE_RECORD_MAX, &b, err);
	if (r == -ENOENT && !is_there(rl, id))
		return rl_fail(err, ENOENT, "%.64s: image not known", id);
	if (r == 0)
		r = image_record_parse(b.data ? b.data : "", b.len, path, &img, err);
	if (r == -EINVAL || r == -ENOENT || r == -EFBIG)
		return damaged(rl, id, err);
	if (r < 0)
		return r;
	memcpy(img.id, id, sizeof(img.id));
	*ret = img;
	img = (struct image){ 0 };
	return 0;
}

int image_load_config(const struct rl *rl, struct image *img, struct rl_err *err)
{
	char path[128];
	json_t *j = NULL;
	int r;

	if (img->config)
		return 0;
	id_path(path, img->id, "config.json");
	r = json_read_file(rl->data_fd, path, IMAGE_CONFIG_MAX, &j, err);
	if (r == 0 && !json_is_object(j)) {
		json_decref(j);
		r = rl_fail(err, EINVAL, "%s: not a JSON object", path);
	}
	if (r == -EINVAL || r == -ENOENT || r == -EFBIG)
		return damaged(rl, img->id, err);
	if (r < 0)
		return r;
	img->config = j;
	return 0;
}

/* --- a word to an id --------------------------------------------------------------------- */

struct choice {
	const char *digest; /* only entries with this digest, or NULL */
	struct name_file f;
};

static int collect_digest(void *arg, const char *name, const struct name_file *f,
			  struct rl_err *err)
{
	struct choice *c = arg;

	(void)name;
	(void)err;
	for (size_t i = 0; i < f->n && c->f.n < NAME_ENTRIES_MAX; i++)
		if (strcmp(f->v[i].digest, c->digest) == 0 || strcmp(f->v[i].index, c->digest) == 0)
			c->f.v[c->f.n++] = f->v[i];
	return 0;
}

/* What "repo@digest" was pulled by tag as: look through the names of the repository. */
static int find_digest(const struct rl *rl, const struct ref *ref, struct choice *c,
		       struct rl_err *err)
{
	auto_free char *below = str_printf("names/%s/%s", ref->registry, ref->repo);

	if (!below)
		return rl_oom(err);
	c->digest = ref->digest;
	return name_walk(rl, below, collect_digest, c, err);
}

/* The entry for @want, or for the host, or any; NULL when none fits. */
static const struct name_entry *choose(const struct name_file *f, const struct platform *want)
{
	struct platform v[NAME_ENTRIES_MAX], host;
	int i;

	for (size_t k = 0; k < f->n; k++)
		v[k] = f->v[k].platform;
	platform_host(&host);
	i = platform_best(v, f->n, want ? want : &host);
	if (i >= 0)
		return &f->v[i];
	return want || f->n == 0 ? NULL : &f->v[0];
}

/* What is looked for, and what was found */
struct seek {
	const struct platform *platform;
	bool list; /* a manifest list, not the image in it */
	char *ret_id;
};

/* 1 = found, 0 = no such name here */
static int try_name(const struct rl *rl, const char *name, const struct seek *seek,
		    struct rl_err *err)
{
	auto_ref struct ref ref = { 0 };
	auto_free char *path = NULL;
	struct choice c = { 0 };
	const struct name_entry *e;
	int r;

	r = ref_parse(name, strlen(name), &ref, err);
	if (r == 0)
		r = name_path(&ref, &path, err);
	if (r < 0)
		return r;
	r = name_read(rl, path, &c.f, err);
	if (r == -ENOENT)
		r = ref.digest ? find_digest(rl, &ref, &c, err) : 0;
	else if (r == 0 && *c.f.list && !seek->list)
		r = mlist_images(rl, c.f.list, &c.f, err);
	if (r < 0)
		return rl_wrap(err, "look up image '%s'", name);
	if (seek->list) {
		memcpy(seek->ret_id, c.f.list, sizeof(c.f.list));
		return *c.f.list && mlist_exists(rl, c.f.list);
	}
	e = choose(&c.f, seek->platform);
	if (!e || !is_there(rl, e->id))
		return 0;
	memcpy(seek->ret_id, e->id, sizeof(e->id));
	return 1;
}

/* All that a short name may mean beside localhost/NAME; a full name means itself. */
static int other_candidates(const char *name, bool is_short, struct strv *ret, struct rl_err *err)
{
	auto_registries struct registries *reg = NULL;

	if (is_short && registries_exist()) {
		int r = registries_load(&reg, err);

		if (r < 0)
			return r;
	}
	return registries_local_candidates(reg, name, ret, err);
}

/* 1 = one of @names is there */
static int try_list(const struct rl *rl, const struct strv *names, const struct seek *seek,
		    char **ret_name, struct rl_err *err)
{
	for (size_t i = 0; i < names->n; i++) {
		int r = try_name(rl, names->v[i], seek, err);

		if (r == 0)
			continue;
		if (r < 0)
			return r;
		*ret_name = strdup(names->v[i]);
		return *ret_name ? 1 : rl_oom(err);
	}
	return 0;
}

/* 1 = found, 0 = unknown. localhost/NAME comes first, so that is tried before files are read. */
static int try_names(const struct rl *rl, const char *name, const struct seek *seek,
		     char **ret_name, struct rl_err *err)
{
	auto_strv struct strv first = { 0 }, names = { 0 };
	bool is_short = false;
	int r = ref_check(name, strlen(name), &is_short, err);

	if (r == 0 && is_short) {
		r = registries_localhost(name, &first, err);
		if (r == 0)
			r = try_list(rl, &first, seek, ret_name, err);
	}
	if (r != 0)
		return r;
	r = other_candidates(name, is_short, &names, err);
	return r < 0 ? r : try_list(rl, &names, seek, ret_name, err);
}

const char *image_next_id(DIR *d)
{
	const struct dirent *e;

	while ((e = readdir(d)))
		if (digest_is_hex64(e->d_name, strlen(e->d_name)))
			return e->d_name;
	return NULL;
}

int image_dir(const struct rl *rl, DIR **ret, struct rl_err *err)
{
	auto_fd int fd =
		openat(rl->data_fd, "images", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	*ret = NULL;
	if (fd < 0)
		return errno == ENOENT ? 0 : rl_fail_sys(err, errno, "open folder 'images'");
	*ret = fdopendir(fd);
	if (!*ret)
		return rl_fail_sys(err, errno, "open folder 'images'");
	fd = FD_NONE; /* belongs to *ret */
	return 0;
}

/* 1 = found, 0 = none, -EEXIST = several */
static int try_prefix(const struct rl *rl, const char *prefix, char ret_id[65], struct rl_err *err)
{
	auto_dir DIR *d = NULL;
	const char *id;
	char found[65] = "";
	int r = image_dir(rl, &d, err);

	if (r < 0 || !d)
		return r;
	while ((id = image_next_id(d))) {
		if (strncmp(id, prefix, strlen(prefix)) != 0)
			continue;
		if (*found) {
			rl_fail(err, EEXIST,
				"'%s' is the beginning of several image ids: %.20s, %.20s", prefix,
				found, id);
			return rl_hint(err, "write more of the id, see 'rl images --no-trunc'");
		}
		memcpy(found, id, sizeof(found));
	}
	if (!*found)
		return 0;
	memcpy(ret_id, found, sizeof(found));
	return 1;
}

int image_resolve(const struct rl *rl, const char *name, const struct platform *platform,
		  char ret_id[65], char **ret_name, struct rl_err *err)
{
	const struct seek seek = { .platform = platform, .ret_id = ret_id };
	const char *hex = digest_is_valid(name) ? digest_hex(name) : name;
	int r;

	*ret_name = NULL;
	if (digest_is_hex64(hex, strlen(hex))) {
		r = is_there(rl, hex);
		if (r)
			memcpy(ret_id, hex, 65);
	} else {
		r = try_names(rl, name, &seek, ret_name, err);
		if (r == 0 && digest_is_hex_prefix(name, strlen(name)))
			r = try_prefix(rl, name, ret_id, err);
	}
	if (r < 0)
		return r;
	return r ? 0 : rl_fail(err, ENOENT, "%s: image not known", name);
}

int image_resolve_any(const struct rl *rl, const char *word, char ret_id[65], char **ret_name,
		      bool *ret_is_list, struct rl_err *err)
{
	const struct seek seek = { .list = true, .ret_id = ret_id };
	struct rl_err ignored;
	int r = 0;

	*ret_name = NULL;
	if (mlist_any(rl) && ref_check(word, strlen(word), NULL, &ignored) == 0)
		r = try_names(rl, word, &seek, ret_name, err);
	*ret_is_list = r == 1;
	if (r != 0)
		return r < 0 ? r : 0;
	r = image_resolve(rl, word, NULL, ret_id, ret_name, err);
	if (r == -ENOENT && mlist_prefix(rl, word, ret_id, &ignored) == 0) {
		*ret_is_list = true;
		r = 0;
	}
	return r;
}

int image_find(const struct rl *rl, const char *name, const struct platform *platform,
	       struct image *ret, struct rl_err *err)
{
	auto_image struct image img = { 0 };
	auto_free char *canonical = NULL;
	char id[65];
	int r;

	r = image_resolve(rl, name, platform, id, &canonical, err);
	if (r == 0)
		r = image_record_read(rl, id, &img, err);
	if (r == 0)
		r = image_load_config(rl, &img, err);
	if (r < 0)
		return r;
	img.name = TAKE_PTR(canonical);
	*ret = img;
	img = (struct image){ 0 };
	return 0;
}

/* --- all of them ------------------------------------------------------------------------- */

struct list {
	struct image *v;
	size_t n;
};

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct image *)a)->id, ((const struct image *)b)->id);
}

static int newest_first(const void *a, const void *b)
{
	const struct image *x = a, *y = b;

	if (x->created_ns != y->created_ns)
		return x->created_ns < y->created_ns ? 1 : -1;
	return by_id(a, b);
}

/* Names are added in @l->v, which is sorted by id. */
static int attach_name(void *arg, const char *name, const struct name_file *f, struct rl_err *err)
{
	struct list *l = arg;

	for (size_t i = 0; i < f->n; i++) {
		struct image key = { 0 }, *img;

		memcpy(key.id, f->v[i].id, sizeof(key.id));
		img = l->n ? bsearch(&key, l->v, l->n, sizeof(*l->v), by_id) : NULL;
		if (img && !strv_has(&img->names, name) && strv_add(&img->names, name) < 0)
			return rl_oom(err);
	}
	return 0;
}

static int text_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* readdir has no order of its own; users and tests want one. */
static void sort_names(struct image *img)
{
	if (img->names.n > 1)
		qsort(img->names.v, img->names.n, sizeof(*img->names.v), text_order);
}

int image_load(const struct rl *rl, const char id[65], struct image *ret, struct rl_err *err)
{
	auto_image struct image img = { 0 };
	struct list l = { .v = &img, .n = 1 };
	int r;

	r = image_record_read(rl, id, &img, err);
	if (r == 0)
		r = image_load_config(rl, &img, err);
	if (r == 0)
		r = name_walk(rl, NULL, attach_name, &l, err);
	if (r < 0)
		return r;
	sort_names(&img);
	*ret = img;
	img = (struct image){ 0 };
	return 0;
}

/* Add one image to @l; a damaged or just removed one is left out. */
static int add_image(const struct rl *rl, const char id[65], struct list *l, struct rl_err *err)
{
	struct rl_err why = { 0 };
	struct image *v;
	int r;

	if ((l->n & (l->n - 1)) == 0) { /* capacity: the power of two at or above n */
		v = reallocarray(l->v, l->n ? l->n * 2 : 1, sizeof(*v));
		if (!v)
			return rl_oom(err);
		l->v = v;
	}
	l->v[l->n] = (struct image){ 0 };
	r = image_record_read(rl, id, &l->v[l->n], &why);
	if (r == 0)
		l->n++;
	else if (r != -ENOENT)
		log_warn("ignoring an image: %s", why.msg);
	return 0;
}

int image_list(const struct rl *rl, struct image **ret_v, size_t *ret_n, struct rl_err *err)
{
	auto_dir DIR *d = NULL;
	struct list l = { 0 };
	const char *id;
	int r = image_dir(rl, &d, err);

	while (r == 0 && d && (id = image_next_id(d)))
		r = add_image(rl, id, &l, err);
	if (r == 0 && l.n > 0) {
		qsort(l.v, l.n, sizeof(*l.v), by_id);
		r = name_walk(rl, NULL, attach_name, &l, err);
	}
	if (r < 0) {
		image_list_done(l.v, l.n);
		return r;
	}
	for (size_t i = 0; i < l.n; i++)
		sort_names(&l.v[i]);
	if (l.n > 0)
		qsort(l.v, l.n, sizeof(*l.v), newest_first);
	*ret_v = l.v;
	*ret_n = l.n;
	return 0;
}
