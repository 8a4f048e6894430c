/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_names.c - the names/ tree: one small file per name
 *
 * A repository's folders and its tags share a folder; tags begin with ':' and digests with '@',
 * which no folder can (storage/ref.h). A crash of a writer leaves "<file>.tmp-<16 hex>", which is
 * skipped here and overwritten by nobody.
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
#include "core/base/jsonpick.h"
#include "core/base/log.h"
#include "storage/image_store.h"

#define WALK_DEPTH_MAX 140 /* a repository of 255 bytes has at most 128 parts */

int name_path(const struct ref *ref, char **ret, struct rl_err *err)
{
	*ret = str_printf("names/%s/%s/%s%s", ref->registry, ref->repo, ref->digest ? "@" : ":",
			  ref->digest ? ref->digest : ref->tag);
	return *ret ? 0 : rl_oom(err);
}

/* An optional digest into @out. */
static int get_digest(struct json_text v, const char *what, char out[DIGEST_SIZE],
		      struct rl_err *err)
{
	char s[DIGEST_SIZE + 1]; /* one that is too long is noticed */
	struct digest d;
	int r;

	if (!v.p)
		return 0;
	(void)json_text_copy(v, s, sizeof(s));
	r = digest_parse(s, strlen(s), what, &d, err);
	if (r < 0)
		return r;
	memcpy(out, d.text, DIGEST_SIZE);
	return 0;
}

/* 64 hex digits; false when they are something else */
static bool get_id(struct json_text v, char out[65])
{
	char s[66];

	(void)json_text_copy(v, s, sizeof(s));
	if (!digest_is_hex64(s, strlen(s)))
		return false;
	memcpy(out, s, 65);
	return true;
}

/* "os", "architecture" and "variant" are the first of the picks. */
static void get_platform(const struct json_pick p[3], struct platform *ret)
{
	char os[64], arch[64], variant[64]; /* those that are cut are too long anyway */

	platform_set(ret, json_text_copy(p[0].v, os, sizeof(os)),
		     json_text_copy(p[1].v, arch, sizeof(arch)),
		     json_text_copy(p[2].v, variant, sizeof(variant)));
}

static int parse_entry(struct json_text o, const char *what, struct name_entry *e,
		       struct rl_err *err)
{
	enum { ID = 3, DIGEST, INDEX };
	struct json_pick p[] = { { .key = "os" }, { .key = "architecture" }, { .key = "variant" },
				 { .key = "id" }, { .key = "digest" },       { .key = "index" } };
	int r = json_pick(o, what, p, ARRAY_LEN(p), err);

	*e = (struct name_entry){ 0 };
	if (r == 0)
		r = json_pick_kinds(p, ARRAY_LEN(p), "ssssss", what, err);
	if (r == 0)
		r = get_digest(p[DIGEST].v, what, e->digest, err);
	if (r == 0)
		r = get_digest(p[INDEX].v, what, e->index, err);
	if (r < 0)
		return r;
	if (!get_id(p[ID].v, e->id))
		return rl_fail(err, EINVAL, "%s: the image id is not 64 hex digits", what);
	get_platform(p, &e->platform);
	return 0;
}

static int check_version(struct json_text v, const char *what, struct rl_err *err)
{
	int64_t version = json_text_int(v);

	if (version > IMAGE_FORMAT) {
		rl_fail(err, EPROTO, "%s has format %lld, this rl knows %d", what,
			(long long)version, IMAGE_FORMAT);
		return rl_hint(err, "it was written by a newer rl; use that one");
	}
	return version == IMAGE_FORMAT ? 0
				       : rl_fail(err, EINVAL, "%s: the format is missing", what);
}

/* Members of a whole file, the first of which is the version */
static int pick_record(const char *text, size_t len, size_t max, const char *what,
		       struct json_pick *p, size_t n, const char *kinds, struct rl_err *err)
{
	int r = len > max ? rl_fail(err, EFBIG, "%s: larger than %zu bytes", what, max)
			  : json_pick((struct json_text){ text, len }, what, p, n, err);

	if (r == 0)
		r = json_pick_kinds(p, n, kinds, what, err);
	return r < 0 ? r : check_version(p[0].v, what, err);
}

int name_file_parse(const char *text, size_t len, const char *what, struct name_file *ret,
		    struct rl_err *err)
{
	enum { FORMAT, IMAGES, LIST };
	struct json_pick p[] = { { .key = "version" }, { .key = "images" }, { .key = "list" } };
	struct json_text o;
	int r;

	ret->n = 0; /* entries are cleared one by one: all of them are 20 kB */
	*ret->list = '\0';
	r = pick_record(text, len, NAME_FILE_MAX, what, p, ARRAY_LEN(p), "ias", err);
	if (r < 0)
		return r;
	if (p[LIST].v.p && !get_id(p[LIST].v, ret->list))
		return rl_fail(err, EINVAL, "%s: the list's id is not 64 hex digits", what);
	while (json_text_next(&p[IMAGES].v, &o)) {
		if (ret->n == NAME_ENTRIES_MAX)
			return rl_fail(err, EINVAL, "%s: more than %d platforms", what,
				       NAME_ENTRIES_MAX);
		r = parse_entry(o, what, &ret->v[ret->n], err);
		if (r < 0)
			return r;
		ret->n++;
	}
	return 0;
}

int name_read(const struct rl *rl, const char *path, struct name_file *ret, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	int r = io_read_file(rl->data_fd, path, NAME_FILE_MAX, &b, err);

	if (r < 0)
		return r == -ENOTDIR ? -ENOENT
				     : r; /* a folder of the name is a file: no such name */
	return name_file_parse(b.data ? b.data : "", b.len, path, ret, err);
}

/* @path is gone: remove the folders above it that are empty now, not "names" itself. */
static int prune(const struct rl *rl, const char *path, struct rl_err *err)
{
	auto_free char *dir = strdup(path);
	char *slash;

	if (!dir)
		return rl_oom(err);
	while ((slash = strrchr(dir, '/')) && slash != strchr(dir, '/')) {
		*slash = '\0';
		if (unlinkat(rl->data_fd, dir, AT_REMOVEDIR) < 0)
			break; /* not empty, as a rule */
	}
	return 0;
}

static json_t *entry_json(const struct name_entry *e)
{
	json_t *o = json_pack("{s:s, s:s, s:s}", "os", e->platform.os, "architecture",
			      e->platform.arch, "id", e->id);

	if (o && *e->platform.variant)
		(void)json_object_set_new(o, "variant", json_string(e->platform.variant));
	if (o && *e->digest)
		(void)json_object_set_new(o, "digest", json_string(e->digest));
	if (o && *e->index)
		(void)json_object_set_new(o, "index", json_string(e->index));
	return o;
}

int name_write(const struct rl *rl, const char *path, const struct name_file *f, struct rl_err *err)
{
	json_auto_t *j = json_pack("{s:i, s:[]}", "version", IMAGE_FORMAT, "images");
	auto_free char *dir = strndup(path, (size_t)(strrchr(path, '/') - path));
	int r;

	if (f->n == 0 && !*f->list) {
		if (unlinkat(rl->data_fd, path, 0) < 0 && errno != ENOENT)
			return rl_fail_sys(err, errno, "remove '%s'", path);
		return prune(rl, path, err);
	}
	if (!j || !dir)
		return rl_oom(err);
	for (size_t i = 0; i < f->n; i++)
		if (json_array_append_new(json_object_get(j, "images"), entry_json(&f->v[i])) < 0)
			return rl_oom(err);
	if (*f->list && json_object_set_new(j, "list", json_string(f->list)) < 0)
		return rl_oom(err);
	r = io_mkdirs(rl->data_fd, dir, 0700, err);
	return r < 0 ? r : json_write_file(rl->data_fd, path, j, /* sync= */ true, err);
}

/* "x.tmp-0123456789abcdef", what a dead writer leaves */
bool name_is_leftover(const char *name)
{
	size_t n = strlen(name);

	return n > 21 && memcmp(name + n - 21, ".tmp-", 5) == 0 &&
	       digest_is_hex_prefix(name + n - 16, 16);
}

bool name_of_path(const char *path, char **ret)
{
	auto_ref struct ref ref = { 0 };
	auto_free char *text = strdup(path + strlen("names/"));
	struct rl_err why = { 0 };
	char *slash = text ? strrchr(text, '/') : NULL;

	if (!slash)
		return false;
	memmove(slash, slash + 1, strlen(slash)); /* a/:b to a:b */
	if (ref_parse(text, strlen(text), &ref, &why) < 0)
		return false;
	*ret = ref_print(&ref);
	return *ret && strcmp(*ret, text) == 0;
}

/* --- walking ----------------------------------------------------------------------------- */

struct files {
	const struct rl *rl;
	name_file_cb cb;
	void *arg;
	struct rl_err *err;
};

static int walk_dir(const struct files *w, const char *path, int depth)
{
	auto_fd int fd =
		openat(w->rl->data_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	int r = 0;

	if (!d)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : rl_fail_sys(w->err, errno, "open folder '%s'", path);
	fd = FD_NONE; /* belongs to @d */
	if (depth > WALK_DEPTH_MAX)
		return 0;
	while (r == 0 && (e = readdir(d))) {
		auto_free char *sub = NULL;

		if (e->d_name[0] == '.')
			continue;
		sub = str_printf("%s/%s", path, e->d_name);
		if (!sub)
			return rl_oom(w->err);
		if (e->d_name[0] == ':' || e->d_name[0] == '@' || name_is_leftover(e->d_name))
			r = w->cb(w->arg, sub, w->err);
		else
			r = walk_dir(w, sub, depth + 1);
	}
	return r;
}

int name_files(const struct rl *rl, const char *below, name_file_cb cb, void *arg,
	       struct rl_err *err)
{
	const struct files w = { .rl = rl, .cb = cb, .arg = arg, .err = err };

	return walk_dir(&w, below ? below : "names", 0);
}

struct walk {
	const struct rl *rl;
	name_cb cb;
	void *arg;
	struct name_file f; /* of the name at hand */
};

static int visit(void *arg, const char *path, struct rl_err *err)
{
	struct walk *w = arg;
	auto_free char *name = NULL;
	struct rl_err why;
	int r;

	if (name_is_leftover(path))
		return 0;
	if (!name_of_path(path, &name)) {
		log_warn("'%s/%s' is not an image name, ignoring it", w->rl->data_dir, path);
		return 0;
	}
	r = name_read(w->rl, path, &w->f, &why);
	if (r == -ENOENT)
		return 0; /* removed meanwhile */
	if (r < 0) {
		log_warn("ignoring the image name '%s': %s", name, why.msg);
		return 0;
	}
	return w->cb(w->arg, name, &w->f, err);
}

int name_walk(const struct rl *rl, const char *below, name_cb cb, void *arg, struct rl_err *err)
{
	struct walk w = { .rl = rl, .cb = cb, .arg = arg };

	return name_files(rl, below, visit, &w, err);
}

struct holders {
	const char *id;
	struct strv *names;
};

static int collect_name(void *arg, const char *name, const struct name_file *f, struct rl_err *err)
{
	const struct holders *h = arg;
	bool holds = strcmp(f->list, h->id) == 0;

	for (size_t i = 0; i < f->n && !holds; i++)
		holds = strcmp(f->v[i].id, h->id) == 0;
	return holds && strv_add(h->names, name) < 0 ? rl_oom(err) : 0;
}

int names_of(const struct rl *rl, const char id[65], struct strv *ret, struct rl_err *err)
{
	struct holders h = { id, ret };

	return name_walk(rl, NULL, collect_name, &h, err);
}

static int path_of(const char *name, char **ret, struct rl_err *err)
{
	auto_ref struct ref ref = { 0 };
	int r = ref_parse(name, strlen(name), &ref, err);

	if (r == 0 && ref.is_short)
		r = rl_fail(err, EINVAL, "image name '%s' is not canonical", name);
	return r < 0 ? r : name_path(&ref, ret, err);
}

int name_point_list(const struct rl *rl, const char *name, const char id[65], struct rl_err *err)
{
	auto_free char *path = NULL;
	struct name_file f = { 0 };
	int r = path_of(name, &path, err);

	memcpy(f.list, id, sizeof(f.list));
	return r < 0 ? r : name_write(rl, path, &f, err);
}

int name_drop(const struct rl *rl, const char *name, const char id[65], struct rl_err *err)
{
	auto_free char *path = NULL;
	struct name_file f;
	size_t kept = 0;
	int r = path_of(name, &path, err);

	if (r == 0)
		r = name_read(rl, path, &f, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < f.n; i++)
		if (strcmp(f.v[i].id, id) != 0)
			f.v[kept++] = f.v[i];
	f.n = kept;
	if (strcmp(f.list, id) == 0)
		*f.list = '\0';
	return name_write(rl, path, &f, err);
}

/* --- records ----------------------------------------------------------------------------- */

static int copy_digest(struct json_text v, const char *what, char **ret, struct rl_err *err)
{
	char d[DIGEST_SIZE] = "";
	int r = get_digest(v, what, d, err);

	if (r < 0 || !*d)
		return r;
	*ret = strdup(d);
	return *ret ? 0 : rl_oom(err);
}

static int copy_diff_ids(struct json_text list, const char *what, struct strv *ret,
			 struct rl_err *err)
{
	char d[DIGEST_SIZE + 1]; /* one that is too long is noticed */
	struct json_text v;
	int r;

	while (json_text_next(&list, &v)) {
		if (ret->n == IMAGE_LAYERS_MAX)
			return rl_fail(err, EINVAL, "%s: more than %d layers", what,
				       IMAGE_LAYERS_MAX);
		r = digest_check(json_text_copy(v, d, sizeof(d)), what, err);
		if (r < 0)
			return r;
		if (strv_add(ret, d) < 0)
			return rl_oom(err);
	}
	return 0;
}

int image_record_parse(const char *text, size_t len, const char *what, struct image *ret,
		       struct rl_err *err)
{
	enum { FORMAT, OS, ARCH, VARIANT, SIZE, CREATED, DIGEST, INDEX, LAYERS };
	struct json_pick p[] = { { .key = "version" },      { .key = "os" },
				 { .key = "architecture" }, { .key = "variant" },
				 { .key = "size" },         { .key = "created_ns" },
				 { .key = "digest" },       { .key = "index_digest" },
				 { .key = "diff_ids" } };
	int r = pick_record(text, len, IMAGE_RECORD_MAX, what, p, ARRAY_LEN(p), "isssiissa", err);

	if (r == 0)
		r = copy_digest(p[DIGEST].v, what, &ret->digest, err);
	if (r == 0)
		r = copy_digest(p[INDEX].v, what, &ret->index_digest, err);
	if (r == 0)
		r = copy_diff_ids(p[LAYERS].v, what, &ret->diff_ids, err);
	if (r < 0)
		return r;
	ret->size = json_text_int(p[SIZE].v);
	ret->created_ns = json_text_int(p[CREATED].v);
	if (ret->size < 0)
		return rl_fail(err, EINVAL, "%s: the size is negative", what);
	get_platform(&p[OS], &ret->platform);
	return 0;
}
