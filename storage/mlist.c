/* SPDX-License-Identifier: Apache-2.0 */
/* mlist.c - manifest lists in the store; the header is the manual */
#include "config.h"

#include "storage/mlist.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/events.h"
#include "storage/image_store.h"

#define FOLDER       "lists"
#define SUFFIX       ".json"
#define INDEX_OCI    "application/vnd.oci.image.index.v1+json"
#define INDEX_DOCKER "application/vnd.docker.distribution.manifest.list.v2+json"

void mlist_done(struct mlist *l)
{
	free(l->name);
	json_decref(l->doc);
	*l = (struct mlist){ 0 };
}

static void path_of(const char id[65], char out[96])
{
	(void)snprintf(out, 96, FOLDER "/%.64s" SUFFIX, id);
}

/* --- reading ----------------------------------------------------------------------------- */

static int check_entry(const json_t *e, const char *what, struct rl_err *err)
{
	const char *image = NULL, *digest = NULL, *text = NULL;
	json_t *d = NULL, *p = NULL;
	int r = json_is_object(e) ? 0 : rl_fail(err, EINVAL, "%s: an entry is no object", what);

	if (r == 0)
		r = json_get_obj(e, "descriptor", what, &d, err);
	if (r == 0)
		r = json_get_str(d, "digest", what, &digest, err);
	if (r == 0)
		r = json_get_obj(d, "platform", what, &p, err);
	if (r == 0)
		r = json_get_str(e, "image", what, &image, err);
	if (r == 0)
		r = json_get_str(e, "source", what, &text, err);
	if (r == 0)
		r = json_get_str(e, "manifest", what, &text, err);
	if (r == 0)
		r = digest_check(digest, what, err);
	if (r == 0 && image && !digest_is_hex64(image, strlen(image)))
		r = rl_fail(err, EINVAL, "%s: an image id is not 64 hex digits", what);
	return r;
}

static int check_doc(const json_t *j, const char *what, struct rl_err *err)
{
	json_t *list = NULL, *notes = NULL, *e;
	int64_t version = 0, created = 0;
	size_t i;
	int r = json_is_object(j) ? 0 : rl_fail(err, EINVAL, "%s: not a JSON object", what);

	if (r == 0)
		r = json_get_int(j, "version", what, &version, err);
	if (r == 0 && version > IMAGE_FORMAT) {
		rl_fail(err, EPROTO, "%s has format %lld, this rl knows %d", what,
			(long long)version, IMAGE_FORMAT);
		return rl_hint(err, "it was written by a newer rl; use that one");
	}
	if (r == 0)
		r = json_get_int(j, "created_ns", what, &created, err);
	if (r == 0)
		r = json_get_obj(j, "annotations", what, &notes, err);
	if (r == 0)
		r = json_get_arr(j, "entries", what, &list, err);
	if (r == 0 &&
	    (version != IMAGE_FORMAT || !list || json_array_size(list) > MLIST_ENTRIES_MAX))
		r = rl_fail(err, EINVAL, "%s: not a manifest list of rl", what);
	json_array_foreach (list, i, e)
		r = r == 0 ? check_entry(e, what, err) : r;
	return r;
}

static int read_list(const struct rl *rl, const char id[65], struct mlist *ret, struct rl_err *err)
{
	json_t *j = NULL;
	char path[96];
	int r;

	path_of(id, path);
	r = json_read_file(rl->data_fd, path, MLIST_MAX, &j, err);
	if (r == -ENOENT)
		return rl_fail(err, ENOENT, "%.64s: manifest list not known", id);
	if (r == 0)
		r = check_doc(j, path, err);
	if (r < 0) {
		json_decref(j);
		if (r == -EPROTO)
			return r;
		rl_wrap(err, "manifest list %.12s is damaged", id);
		return rl_hint(err, "'rl manifest rm %.12s' removes it", id);
	}
	*ret = (struct mlist){ .doc = j };
	memcpy(ret->id, id, sizeof(ret->id));
	return 0;
}

int mlist_find(const struct rl *rl, const char *word, struct mlist *ret, struct rl_err *err)
{
	auto_free char *name = NULL;
	bool is_list = false;
	char id[65];
	int r = image_resolve_any(rl, word, id, &name, &is_list, err);

	if (r == -ENOENT)
		return rl_fail(err, ENOENT, "%s: manifest list not known", word);
	if (r == 0 && !is_list) {
		rl_fail(err, ENOENT, "'%s' is an image, not a manifest list", word);
		return rl_hint(err, "'rl manifest create' makes a list under a name of its own");
	}
	if (r == 0)
		r = read_list(rl, id, ret, err);
	if (r == 0)
		ret->name = TAKE_PTR(name);
	return r;
}

json_t *mlist_entries(const struct mlist *l)
{
	return json_object_get(l->doc, "entries");
}

const char *mlist_digest(const json_t *entry)
{
	const char *s =
		json_string_value(json_object_get(json_object_get(entry, "descriptor"), "digest"));

	return s ? s : "";
}

/* --- writing ----------------------------------------------------------------------------- */

static int write_list(const struct rl *rl, const struct mlist *l, struct rl_err *err)
{
	char path[96];
	int r = io_mkdirs(rl->data_fd, FOLDER, 0700, err);

	path_of(l->id, path);
	return r < 0 ? r : json_write_file(rl->data_fd, path, l->doc, /* sync= */ true, err);
}

static int new_list(const struct rl *rl, const char *name, struct mlist *ret, struct rl_err *err)
{
	auto_mlist struct mlist l = {
		.doc = json_pack("{s:i, s:I, s:{}, s:[]}", "version", IMAGE_FORMAT, "created_ns",
				 (json_int_t)wall_ns(), "annotations", "entries")
	};
	int r;

	rand_hex(l.id, 32);
	l.name = strdup(name);
	if (!l.doc || !l.name)
		return rl_oom(err);
	r = write_list(rl, &l, err);
	if (r == 0)
		r = name_point_list(rl, name, l.id, err);
	if (r < 0)
		return r;
	events_thing(rl, "image", "tag", l.id, name);
	*ret = l;
	l = (struct mlist){ 0 };
	return 0;
}

int mlist_create(const struct rl *rl, const char *name, bool amend, struct mlist *ret,
		 struct rl_err *err)
{
	auto_fd int lock = image_lock(rl, err);
	auto_free char *found = NULL;
	bool is_list = false;
	char id[65];
	int r = lock < 0 ? lock : image_resolve_any(rl, name, id, &found, &is_list, err);

	if (r == -ENOENT)
		return new_list(rl, name, ret, err);
	if (r == 0 && is_list && amend)
		return mlist_find(rl, name, ret, err);
	if (r < 0)
		return r;
	rl_fail(err, EEXIST, "the name '%s' is taken by %s %.12s", name,
		is_list ? "manifest list" : "image", id);
	return rl_hint(err,
		       is_list ? "'--amend' adds to it, 'rl manifest rm %s' removes it"
			       : "choose another name, or 'rl untag %s'",
		       name);
}

int mlist_change(const struct rl *rl, const char id[65],
		 int (*change)(struct mlist *l, void *arg, struct rl_err *err), void *arg,
		 struct rl_err *err)
{
	auto_fd int lock = image_lock(rl, err);
	auto_mlist struct mlist l = { 0 };
	int r = lock < 0 ? lock : read_list(rl, id, &l, err);

	if (r == 0)
		r = change(&l, arg, err);
	if (r == 0 && json_array_size(mlist_entries(&l)) > MLIST_ENTRIES_MAX)
		r = rl_fail(err, E2BIG, "a manifest list holds at most %d images",
			    MLIST_ENTRIES_MAX);
	return r < 0 ? r : write_list(rl, &l, err);
}

int mlist_delete(const struct rl *rl, const char id[65], struct rl_err *err)
{
	char path[96];

	path_of(id, path);
	if (unlinkat(rl->data_fd, path, 0) < 0 && errno != ENOENT)
		return rl_fail_sys(err, errno, "remove '%s'", path);
	return 0;
}

/* --- the document ------------------------------------------------------------------------ */

int mlist_index(const struct mlist *l, bool docker, json_t **ret, struct rl_err *err)
{
	json_auto_t *j = json_pack("{s:i, s:s, s:[]}", "schemaVersion", 2, "mediaType",
				   docker ? INDEX_DOCKER : INDEX_OCI, "manifests");
	json_t *notes = json_object_get(l->doc, "annotations"),
	       *subject = json_object_get(l->doc, "subject"), *e, *d;
	size_t i;

	if (!j)
		return rl_oom(err);
	json_array_foreach (mlist_entries(l), i, e) {
		d = json_deep_copy(json_object_get(e, "descriptor"));
		if (d && docker)
			(void)json_object_del(d, "annotations"); /* fine when there are none */
		if (json_array_append_new(json_object_get(j, "manifests"), d) < 0)
			return rl_oom(err);
	}
	if (!docker && ((subject && json_object_set(j, "subject", subject) < 0) ||
			(json_object_size(notes) && json_object_set(j, "annotations", notes) < 0)))
		return rl_oom(err);
	*ret = json_incref(j);
	return 0;
}

/* --- all of them ------------------------------------------------------------------------- */

bool mlist_exists(const struct rl *rl, const char id[65])
{
	char path[96];

	path_of(id, path);
	return faccessat(rl->data_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool mlist_any(const struct rl *rl)
{
	return faccessat(rl->data_fd, FOLDER, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Called with each id; a negative result ends the walk. */
static int each(const struct rl *rl,
		int (*cb)(const struct rl *rl, const char id[65], void *arg, struct rl_err *err),
		void *arg, struct rl_err *err)
{
	int fd = openat(rl->data_fd, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	int r = 0;

	if (!d && errno != ENOENT)
		r = rl_fail_sys(err, errno, "open folder '" FOLDER "'");
	if (!d)
		fd_close(fd);
	while (d && r == 0 && (e = readdir(d))) {
		char id[65];

		if (strlen(e->d_name) != 64 + strlen(SUFFIX) || !digest_is_hex64(e->d_name, 64) ||
		    strcmp(e->d_name + 64, SUFFIX) != 0)
			continue;
		memcpy(id, e->d_name, 64);
		id[64] = '\0';
		r = cb(rl, id, arg, err);
	}
	return r;
}

struct prefix {
	const char *word;
	char *found;
};

static int match_prefix(const struct rl *rl, const char id[65], void *arg, struct rl_err *err)
{
	const struct prefix *p = arg;

	(void)rl;
	if (strncmp(id, p->word, strlen(p->word)) != 0)
		return 0;
	if (*p->found)
		return rl_fail(err, EEXIST, "'%s' is the beginning of several ids of lists",
			       p->word);
	memcpy(p->found, id, 65);
	return 0;
}

int mlist_prefix(const struct rl *rl, const char *word, char ret_id[65], struct rl_err *err)
{
	char found[65] = "";
	struct prefix p = { digest_is_valid(word) ? digest_hex(word) : word, found };
	int r = digest_is_hex_prefix(p.word, strlen(p.word)) ? each(rl, match_prefix, &p, err) : 0;

	if (r == 0 && !*found)
		r = rl_fail(err, ENOENT, "%s: manifest list not known", word);
	if (r == 0)
		memcpy(ret_id, found, 65);
	return r;
}

int mlist_images(const struct rl *rl, const char id[65], struct name_file *ret, struct rl_err *err)
{
	auto_mlist struct mlist l = { 0 };
	int r = read_list(rl, id, &l, err);
	json_t *e;
	size_t i;

	*ret = (struct name_file){ 0 };
	if (r == -ENOENT)
		return 0;
	json_array_foreach (r == 0 ? mlist_entries(&l) : NULL, i, e) {
		const char *image = json_string_value(json_object_get(e, "image"));
		const json_t *p = json_object_get(json_object_get(e, "descriptor"), "platform");
		struct name_entry *v = &ret->v[ret->n];

		if (!image || ret->n == NAME_ENTRIES_MAX)
			continue;
		memcpy(v->id, image, sizeof(v->id));
		platform_set(&v->platform, json_string_value(json_object_get(p, "os")),
			     json_string_value(json_object_get(p, "architecture")),
			     json_string_value(json_object_get(p, "variant")));
		ret->n++;
	}
	return r;
}

static int add_members(const struct rl *rl, const char id[65], void *arg, struct rl_err *err)
{
	auto_mlist struct mlist l = { 0 };
	struct rl_err why = { 0 };
	struct strv *ret = arg;
	json_t *e;
	size_t i;

	if (read_list(rl, id, &l, &why) < 0) {
		log_warn("%s", why.msg);
		return 0;
	}
	json_array_foreach (mlist_entries(&l), i, e) {
		const char *image = json_string_value(json_object_get(e, "image"));

		if (image && strv_add(ret, image) < 0)
			return rl_oom(err);
	}
	return 0;
}

int mlist_members(const struct rl *rl, struct strv *ret, struct rl_err *err)
{
	return each(rl, add_members, ret, err);
}

struct rows {
	struct image *v;
	size_t n;
};

static int add_row(const struct rl *rl, const char id[65], void *arg, struct rl_err *err)
{
	auto_mlist struct mlist l = { 0 };
	json_auto_t *index = NULL;
	struct rl_err why = { 0 };
	struct rows *rows = arg;
	struct image *v;
	int r;

	if (read_list(rl, id, &l, &why) < 0) {
		log_warn("ignoring a manifest list: %s", why.msg);
		return 0;
	}
	v = reallocarray(rows->v, rows->n + 1, sizeof(*v));
	if (!v)
		return rl_oom(err);
	rows->v = v;
	v += rows->n;
	*v = (struct image){ .is_list = true,
			     .config = json_object(),
			     .created_ns =
				     json_integer_value(json_object_get(l.doc, "created_ns")) };
	rows->n++;
	memcpy(v->id, id, sizeof(v->id));
	r = v->config ? mlist_index(&l, false, &index, err) : rl_oom(err);
	if (r == 0)
		r = names_of(rl, id, &v->names, err);
	if (r == 0)
		v->size = (int64_t)json_dumpb(index, NULL, 0, JSON_COMPACT);
	return r;
}

static int newest_first(const void *a, const void *b)
{
	const struct image *x = a, *y = b;

	if (x->created_ns != y->created_ns)
		return x->created_ns < y->created_ns ? 1 : -1;
	return strcmp(x->id, y->id);
}

int mlist_all(const struct rl *rl, struct image **ret_v, size_t *ret_n, struct rl_err *err)
{
	struct rows rows = { 0 };
	int r = each(rl, add_row, &rows, err);

	if (r < 0) {
		image_list_done(rows.v, rows.n);
		return r;
	}
	if (rows.n > 1)
		qsort(rows.v, rows.n, sizeof(*rows.v), newest_first);
	*ret_v = rows.v;
	*ret_n = rows.n;
	return 0;
}
