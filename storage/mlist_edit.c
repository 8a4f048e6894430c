/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mlist_edit.c - entries of manifest lists; the header is the manual
 *
 * Entries are made first, which may need a registry, and put into the list under its lock then.
 */
#include "config.h"

#include "storage/mlist_edit.h"

#include <errno.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "storage/fetch_remote.h"
#include "storage/image_store.h"

#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"

/* --- what is said of an entry ------------------------------------------------------------ */

static int set_text(json_t *o, const char *key, const char *v, struct rl_err *err)
{
	json_t *s;

	if (!v)
		return 0;
	if (!*v) {
		(void)json_object_del(o, key); /* fine when it is not there */
		return 0;
	}
	s = json_string(v);
	if (!s)
		return rl_fail(err, EINVAL, "'%s' is not UTF-8", key);
	return json_object_set_new(o, key, s) < 0 ? rl_oom(err) : 0;
}

static int set_list(json_t *o, const char *key, const struct strv *v, struct rl_err *err)
{
	json_t *list = v && v->n ? json_array() : NULL;

	for (size_t i = 0; list && i < v->n; i++)
		if (json_array_append_new(list, json_string(v->v[i])) < 0) {
			json_decref(list);
			return rl_fail(err, EINVAL, "'%s' is not UTF-8", key);
		}
	return list && json_object_set_new(o, key, list) < 0 ? rl_oom(err) : 0;
}

/* The object @key of @o, made when it is missing. */
static json_t *object_of(json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	if (json_is_object(v))
		return v;
	v = json_object();
	return json_object_set_new(o, key, v) < 0 ? NULL : v;
}

static int set_notes(json_t *o, const struct strv *v, struct rl_err *err)
{
	json_t *notes = v && v->n ? object_of(o, "annotations") : NULL;

	if (v && v->n && !notes)
		return rl_oom(err);
	for (size_t i = 0; v && i < v->n; i++) {
		const char *eq = strchr(v->v[i], '=');
		auto_free char *key = eq ? strndup(v->v[i], (size_t)(eq - v->v[i])) : NULL;

		if (!eq || eq == v->v[i])
			return rl_fail(err, EINVAL, "annotation '%s': expected KEY=VALUE", v->v[i]);
		if (!key || json_object_set_new(notes, key, json_string(eq + 1)) < 0)
			return rl_fail(err, EINVAL, "annotation '%s' is not UTF-8", v->v[i]);
	}
	return 0;
}

static int edit_entry(json_t *entry, const struct mlist_edit *e, struct rl_err *err)
{
	json_t *d = json_object_get(entry, "descriptor"), *p = object_of(d, "platform");
	int r = p ? set_text(p, "os", e->os, err) : rl_oom(err);

	if (r == 0)
		r = set_text(p, "architecture", e->arch, err);
	if (r == 0)
		r = set_text(p, "variant", e->variant, err);
	if (r == 0)
		r = set_text(p, "os.version", e->os_version, err);
	if (r == 0)
		r = set_list(p, "features", e->features, err);
	if (r == 0)
		r = set_list(p, "os.features", e->os_features, err);
	if (r == 0)
		r = set_notes(d, e->annotations, err);
	return r;
}

/* --- entries ----------------------------------------------------------------------------- */

/* What an image config says it runs on. */
static json_t *platform_of(const json_t *config)
{
	static const char *const keys[] = { "architecture", "os", "variant", "os.version",
					    "os.features" };
	json_t *p = json_object();

	for (size_t i = 0; p && i < ARRAY_LEN(keys); i++) {
		json_t *v = json_object_get(config, keys[i]);

		if (v && (!json_is_string(v) || *json_string_value(v)))
			(void)json_object_set(p, keys[i], v); /* seen by who looks for it */
	}
	return p;
}

/* @take_descriptor, with @rest (image, source, ...) as strings; added to @list. */
static int add_entry(json_t *list, json_t *take_descriptor, const char *const *rest,
		     struct rl_err *err)
{
	json_t *e = json_pack("{s:o}", "descriptor", take_descriptor);

	for (size_t i = 0; e && rest[i]; i += 2)
		if (rest[i + 1] && json_object_set_new(e, rest[i], json_string(rest[i + 1])) < 0) {
			json_decref(e);
			return rl_oom(err);
		}
	return json_array_append_new(list, e) < 0 ? rl_oom(err) : 0;
}

static const char *type_of(const json_t *manifest)
{
	const char *s = json_string_value(json_object_get(manifest, "mediaType"));

	return s ? s : OCI_MANIFEST;
}

static int add_local(const struct rl *rl, const char id[65], const char *name, json_t *list,
		     struct rl_err *err)
{
	auto_image struct image img = { 0 };
	auto_buf struct buf text = { 0 };
	json_auto_t *m = NULL;
	char path[128];
	int r = image_record_read(rl, id, &img, err);

	if (r == 0)
		r = image_load_config(rl, &img, err);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "images/%.64s/manifest.json", id);
	r = io_read_file(rl->data_fd, path, IMAGE_MANIFEST_MAX, &text, err);
	if (r == 0)
		r = json_read(text.data ? text.data : "", text.len, IMAGE_MANIFEST_MAX, path, &m,
			      err);
	if (r == 0 && !img.digest)
		r = rl_fail(err, ENOENT, "image %.12s has no manifest of its own", id);
	if (r < 0)
		return rl_hint(err, "'rl pull' or 'rl load' fetches the image with its manifest");
	return add_entry(list,
			 json_pack("{s:s, s:s, s:I, s:o}", "mediaType", type_of(m), "digest",
				   img.digest, "size", (json_int_t)text.len, "platform",
				   platform_of(img.config)),
			 (const char *const[]){ "image", id, "name", name, NULL }, err);
}

/* All images of the store that @name leads to, one a platform. */
static int add_locals(const struct rl *rl, const char *name, const char id[65], json_t *list,
		      struct rl_err *err)
{
	auto_ref struct ref ref = { 0 };
	auto_free char *path = NULL;
	struct name_file f = { 0 };
	struct rl_err ignored;
	int r = name ? ref_parse(name, strlen(name), &ref, err) : -ENOENT;

	if (r == 0)
		r = name_path(&ref, &path, err);
	if (r == 0)
		r = name_read(rl, path, &f, &ignored);
	if (r < 0 || f.n == 0)
		return add_local(rl, id, name, list, err);
	for (size_t i = 0; r == 0 && i < f.n; i++)
		r = add_local(rl, f.v[i].id, name, list, err);
	return r;
}

/* The index's own word on @digest; new reference or NULL. */
static json_t *find_descriptor(const json_t *index, const char *digest)
{
	json_t *d;
	size_t i;

	json_array_foreach (json_object_get(index, "manifests"), i, d) {
		const char *s = json_string_value(json_object_get(d, "digest"));

		if (s && strcmp(s, digest) == 0)
			return json_deep_copy(d);
	}
	return NULL;
}

static int add_doc(const json_t *doc, const json_t *index, const char *name, json_t *list,
		   struct rl_err *err)
{
	const char *text = json_string_value(json_object_get(doc, "text"));
	const char *digest = json_string_value(json_object_get(doc, "digest"));
	const json_t *config = json_object_get(doc, "config");
	json_auto_t *m = NULL, *c = NULL;
	auto_ref struct ref ref = { 0 };
	auto_free char *repo = NULL, *source = NULL;
	json_t *d = index && digest ? find_descriptor(index, digest) : NULL;
	int r = text && digest_is_valid(digest) ? 0 : rl_fail(err, EPROTO, "rl-image: no manifest");

	if (r == 0)
		r = json_read(text, strlen(text), IMAGE_MANIFEST_MAX, "manifest", &m, err);
	if (r == 0 && config)
		r = json_read(json_string_value(config), json_string_length(config),
			      IMAGE_CONFIG_MAX, "config", &c, err);
	if (r == 0)
		r = ref_parse(name, strlen(name), &ref, err);
	repo = r == 0 ? ref_print_repo(&ref) : NULL;
	source = repo ? str_printf("%s@%s", repo, digest) : NULL;
	if (r == 0 && !source)
		r = rl_oom(err);
	if (r < 0) {
		json_decref(d);
		return r;
	}
	if (!d)
		d = json_pack("{s:s, s:s, s:I, s:o}", "mediaType", type_of(m), "digest", digest,
			      "size", (json_int_t)strlen(text), "platform", platform_of(c));
	return add_entry(
		list, d,
		(const char *const[]){ "source", source, "name", name, "manifest", text, NULL },
		err);
}

static int add_remote(const struct rl *rl, const struct mlist_add *req, json_t *list,
		      struct rl_err *err)
{
	struct pull_req from = req->from;
	json_auto_t *docs = NULL, *index = NULL;
	auto_free char *name = NULL;
	const char *top;
	int r;

	from.name = req->name;
	r = fetch_remote(rl, &from, req->all ? REMOTE_ALL : REMOTE_ONE, &docs, &name, err);
	if (r < 0)
		return r;
	if (json_array_size(docs) == 1 && json_object_get(json_array_get(docs, 0), "config"))
		return add_doc(json_array_get(docs, 0), NULL, name, list, err);
	top = json_string_value(json_object_get(json_array_get(docs, 0), "text"));
	r = json_read(top ? top : "", top ? strlen(top) : 0, IMAGE_MANIFEST_MAX, "index", &index,
		      err);
	for (size_t i = 1; r == 0 && i < json_array_size(docs); i++)
		r = add_doc(json_array_get(docs, i), index, name, list, err);
	return r;
}

/* Entries for @req->name, appended to @list. */
static int find_entries(const struct rl *rl, const struct mlist_add *req, json_t *list,
			struct rl_err *err)
{
	static const char local[] = "containers-storage:";
	const char *word = req->name;
	auto_free char *name = NULL;
	auto_mlist struct mlist other = { 0 };
	struct rl_err why = { 0 };
	bool is_list = false;
	char id[65];
	int r;

	if (strncmp(word, "docker://", 9) == 0)
		return add_remote(rl, req, list, err);
	if (strncmp(word, local, strlen(local)) == 0)
		word += strlen(local);
	r = image_resolve_any(rl, word, id, &name, &is_list, &why);
	if (r == -ENOENT)
		return word == req->name ? add_remote(rl, req, list, err) : (*err = why, r);
	if (r < 0) {
		*err = why;
		return r;
	}
	if (is_list && req->all) {
		r = mlist_find(rl, word, &other, err);
		if (r == 0 && json_array_extend(list, mlist_entries(&other)) < 0)
			r = rl_oom(err);
		return r;
	}
	free(TAKE_PTR(name));
	r = image_resolve(rl, word, NULL, id, &name, err);
	if (r < 0)
		return r;
	return req->all ? add_locals(rl, name, id, list, err) : add_local(rl, id, name, list, err);
}

/* --- changes ----------------------------------------------------------------------------- */

static int put_entries(struct mlist *l, void *arg, struct rl_err *err)
{
	json_t *list = mlist_entries(l), *e;
	size_t i;

	json_array_foreach ((json_t *)arg, i, e) {
		size_t k = 0;

		while (k < json_array_size(list) &&
		       strcmp(mlist_digest(json_array_get(list, k)), mlist_digest(e)) != 0)
			k++;
		if ((k < json_array_size(list) ? json_array_set(list, k, e)
					       : json_array_append(list, e)) < 0)
			return rl_oom(err);
	}
	return 0;
}

int mlist_add(const struct rl *rl, const char id[65], const struct mlist_add *req,
	      struct rl_err *err)
{
	json_auto_t *list = json_array();
	json_t *e;
	size_t i;
	int r = list ? find_entries(rl, req, list, err) : rl_oom(err);

	json_array_foreach (list, i, e)
		r = r == 0 ? edit_entry(e, &req->edit, err) : r;
	return r < 0 ? r : mlist_change(rl, id, put_entries, list, err);
}

/* "repo:tag" or "repo@digest" as its canonical text; NULL when it is no name. */
static char *canonical(const char *word)
{
	auto_ref struct ref ref = { 0 };
	struct rl_err ignored;

	if (strncmp(word, "docker://", 9) == 0)
		word += 9;
	return ref_parse(word, strlen(word), &ref, &ignored) == 0 ? ref_print(&ref) : NULL;
}

static bool has_text(const json_t *entry, const char *key, const char *text)
{
	const char *s = json_string_value(json_object_get(entry, key));

	return s && text && strcmp(s, text) == 0;
}

int mlist_entry(const struct rl *rl, const struct mlist *l, const char *word, json_t **ret,
		struct rl_err *err)
{
	auto_free char *name = canonical(word), *local = NULL;
	struct rl_err ignored;
	char id[65] = "";
	json_t *e;
	size_t i;

	if (image_resolve(rl, word, NULL, id, &local, &ignored) < 0)
		*id = '\0';
	json_array_foreach (mlist_entries(l), i, e) {
		if (strcmp(mlist_digest(e), word) != 0 && !has_text(e, "name", name) &&
		    !has_text(e, "name", local) && !has_text(e, "source", name) &&
		    !(*id && has_text(e, "image", id)))
			continue;
		*ret = e;
		return 0;
	}
	rl_fail(err, ENOENT, "'%s' is not in the list", word);
	return rl_hint(err, "'rl manifest inspect %s' shows the digests in it",
		       l->name ? l->name : l->id);
}

struct change {
	const struct rl *rl;
	const char *word;
	const struct mlist_edit *edit; /* NULL: take it out */
};

static int change_entry(struct mlist *l, void *arg, struct rl_err *err)
{
	const struct change *c = arg;
	json_t *e = NULL, *v;
	size_t i;
	int r = mlist_entry(c->rl, l, c->word, &e, err);

	if (r < 0 || c->edit)
		return r < 0 ? r : edit_entry(e, c->edit, err);
	json_array_foreach (mlist_entries(l), i, v)
		if (v == e)
			return json_array_remove(mlist_entries(l), i) < 0 ? rl_oom(err) : 0;
	return 0;
}

int mlist_annotate(const struct rl *rl, const char id[65], const char *word,
		   const struct mlist_edit *edit, struct rl_err *err)
{
	struct change c = { rl, word, edit };

	return mlist_change(rl, id, change_entry, &c, err);
}

int mlist_take_out(const struct rl *rl, const char id[65], const char *word, struct rl_err *err)
{
	struct change c = { rl, word, NULL };

	return mlist_change(rl, id, change_entry, &c, err);
}

struct about {
	const struct strv *annotations;
	json_t *subject; /* or NULL */
};

static int change_index(struct mlist *l, void *arg, struct rl_err *err)
{
	const struct about *a = arg;

	if (a->subject && json_object_set(l->doc, "subject", a->subject) < 0)
		return rl_oom(err);
	return set_notes(l->doc, a->annotations, err);
}

int mlist_annotate_index(const struct rl *rl, const char id[65], const struct strv *annotations,
			 const char *subject, struct rl_err *err)
{
	const struct mlist_add req = { .name = subject };
	json_auto_t *list = json_array();
	struct about a = { .annotations = annotations };
	int r = list ? 0 : rl_oom(err);

	if (r == 0 && subject)
		r = find_entries(rl, &req, list, err);
	if (r == 0 && subject) {
		a.subject = json_object_get(json_array_get(list, 0), "descriptor");
		(void)json_object_del(a.subject, "platform"); /* says nothing here */
	}
	return r < 0 ? r : mlist_change(rl, id, change_index, &a, err);
}
