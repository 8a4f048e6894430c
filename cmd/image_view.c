/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_view.c - images as JSON; the header is the manual
 *
 * What comes from the image's config is passed on as it is, when its type is right; a field of a
 * wrong type counts as missing.
 */
#include "config.h"

#include "cmd/image_view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "storage/ref.h"

#define NONE "<none>"

const char *const image_map_names[] = { "Labels", "Annotations",  "Volumes", "ExposedPorts", "Data",
					"[]Cmd",  "[]Entrypoint", "[]Env",   "[]RepoTags",   NULL };

void name_parts_done(struct name_parts *p)
{
	free(p->repo);
	free(p->tag);
	*p = (struct name_parts){ 0 };
}

int name_parts(const char *name, struct name_parts *ret, struct rl_err *err)
{
	auto_ref struct ref ref = { 0 };
	int r;

	*ret = (struct name_parts){ 0 };
	if (!name) {
		ret->repo = strdup(NONE);
		ret->tag = strdup(NONE);
	} else {
		r = ref_parse(name, strlen(name), &ref, err);
		if (r < 0)
			return r;
		ret->repo = ref_print_repo(&ref);
		ret->tag = strdup(ref.tag ? ref.tag : NONE);
	}
	if (ret->repo && ret->tag)
		return 0;
	name_parts_done(ret);
	return rl_oom(err);
}

/* @key of the config's "config", if it is of @type. Borrowed or NULL. */
static json_t *conf(const struct image *img, const char *key, json_type type)
{
	json_t *v = json_object_get(json_object_get(img->config, "config"), key);

	return v && json_typeof(v) == type ? v : NULL;
}

/* The same for the top of the config. */
static json_t *top(const struct image *img, const char *key, json_type type)
{
	json_t *v = json_object_get(img->config, key);

	return v && json_typeof(v) == type ? v : NULL;
}

const json_t *image_labels(const struct image *img)
{
	return conf(img, "Labels", JSON_OBJECT);
}

json_t *image_repo_tags(const struct image *img)
{
	json_t *arr = json_array();

	for (size_t i = 0; arr && i < img->names.n; i++)
		if (!strchr(img->names.v[i], '@') &&
		    json_array_append_new(arr, json_string(img->names.v[i])) < 0) {
			json_decref(arr);
			return NULL;
		}
	return arr;
}

static bool array_has(const json_t *arr, const char *s)
{
	const json_t *v;
	size_t i;

	json_array_foreach (arr, i, v) {
		if (strcmp(json_string_value(v), s) == 0)
			return true;
	}
	return false;
}

static int add_once(json_t *arr, const char *repo, const char *digest)
{
	auto_free char *text = digest ? str_printf("%s@%s", repo, digest) : NULL;

	if (!digest)
		return 0;
	if (!text)
		return -1;
	return array_has(arr, text) ? 0 : json_array_append_new(arr, json_string(text));
}

/* "repo@digest" for each repository and each digest the image is known by. */
static json_t *image_repo_digests(const struct image *img)
{
	json_t *arr = json_array();

	for (size_t i = 0; arr && i < img->names.n; i++) {
		auto_ref struct ref ref = { 0 };
		auto_free char *repo = NULL;
		struct rl_err why = { 0 };
		int r = ref_parse(img->names.v[i], strlen(img->names.v[i]), &ref, &why);

		repo = r < 0 ? NULL : ref_print_repo(&ref);
		if (!repo || add_once(arr, repo, img->digest) < 0 ||
		    add_once(arr, repo, img->index_digest) < 0) {
			json_decref(arr);
			return NULL;
		}
	}
	return arr;
}

static json_t *names_json(const struct image *img)
{
	json_t *arr = json_array();

	for (size_t i = 0; arr && i < img->names.n; i++)
		if (json_array_append_new(arr, json_string(img->names.v[i])) < 0) {
			json_decref(arr);
			return NULL;
		}
	return arr;
}

/* Seconds with nothing behind the point stay without a point, as Go prints them. */
static void created_text(char out[32], int64_t ns)
{
	char *dot, *end;

	time_rfc3339(out, ns);
	dot = strchr(out, '.');
	if (!dot)
		return;
	end = out + strlen(out) - 2; /* the last digit */
	while (end > dot && *end == '0')
		end--;
	if (end > dot)
		end++;
	memcpy(end, "Z", 2);
}

json_t *image_list_json(const struct image *img, int containers)
{
	json_t *labels = conf(img, "Labels", JSON_OBJECT), *tags = image_repo_tags(img);
	char created[32];

	created_text(created, img->created_ns);
	if (tags && json_array_size(tags) == 0) {
		json_decref(tags);
		tags = json_null();
	}
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:s, s:I, s:i, s:I, s:I, s:s, s:o, s:i, s:o, "
			 "s:b, s:s, s:s, s:b}",
			 "Id", img->id, "ParentId", "", "RepoTags", tags, "RepoDigests",
			 image_repo_digests(img), "Names", names_json(img), "Digest",
			 img->digest ? img->digest : "", "Size", (json_int_t)img->size,
			 "SharedSize", 0, "VirtualSize", (json_int_t)img->size, "Created",
			 (json_int_t)(img->created_ns / 1000000000), "CreatedAt", created, "Labels",
			 labels ? json_deep_copy(labels) : json_object(), "Containers", containers,
			 "History", names_json(img), "Dangling", img->names.n == 0, "Arch",
			 img->platform.arch, "Os", img->platform.os, "IsManifestList",
			 img->is_list);
}

/* --- inspect ----------------------------------------------------------------------------- */

/* Keys of a config that users know; all are shown with @full. */
static const struct {
	const char *key;
	json_type type;
} config_keys[] = {
	{ "User", JSON_STRING },       { "ExposedPorts", JSON_OBJECT },
	{ "Env", JSON_ARRAY },         { "Entrypoint", JSON_ARRAY },
	{ "Cmd", JSON_ARRAY },         { "Volumes", JSON_OBJECT },
	{ "WorkingDir", JSON_STRING }, { "Labels", JSON_OBJECT },
	{ "StopSignal", JSON_STRING }, { "Healthcheck", JSON_OBJECT },
	{ "Shell", JSON_ARRAY },       { "OnBuild", JSON_ARRAY },
};

static json_t *empty_value(json_type type)
{
	return type == JSON_STRING  ? json_string("")
	       : type == JSON_ARRAY ? json_array()
				    : json_object();
}

static json_t *config_json(const struct image *img, bool full)
{
	json_t *o = json_object();

	for (size_t i = 0; o && i < ARRAY_LEN(config_keys); i++) {
		json_t *v = conf(img, config_keys[i].key, config_keys[i].type);

		if (v)
			(void)json_object_set(o, config_keys[i].key, v);
		else if (full)
			(void)json_object_set_new(o, config_keys[i].key,
						  empty_value(config_keys[i].type));
	}
	return o;
}

static const char *text_of(const struct image *img, const char *key)
{
	const json_t *v = top(img, key, JSON_STRING);

	return v ? json_string_value(v) : "";
}

static json_t *layers_json(const struct image *img)
{
	json_t *arr = json_array();

	for (size_t i = 0; arr && i < img->diff_ids.n; i++)
		(void)json_array_append_new(arr, json_string(img->diff_ids.v[i]));
	return json_pack("{s:s, s:o}", "Type", "layers", "Layers", arr);
}

/* Media type and annotations come from the manifest; one that is missing or damaged is no error. */
static void from_manifest(const struct rl *rl, const struct image *img, json_t *out)
{
	auto_free char *path = str_printf("images/%s/manifest.json", img->id);
	json_auto_t *m = NULL;
	json_t *annotations = NULL;
	const char *type = NULL;
	struct rl_err why = { 0 };

	if (path && json_read_file(rl->data_fd, path, IMAGE_MANIFEST_MAX, &m, &why) == 0) {
		RL_IGNORE(json_get_str(m, "mediaType", path, &type, &why));
		RL_IGNORE(json_get_obj(m, "annotations", path, &annotations, &why));
	}
	(void)json_object_set_new(out, "Annotations",
				  annotations ? json_incref(annotations) : json_object());
	(void)json_object_set_new(
		out, "ManifestType",
		json_string(type ? type : "application/vnd.oci.image.manifest.v1+json"));
}

/* A reference to @v, or an empty @type. */
static json_t *or_empty(json_t *v, json_type type)
{
	return v ? json_incref(v) : empty_value(type);
}

int image_inspect_json(const struct rl *rl, const struct image *img, bool full, json_t **ret,
		       struct rl_err *err)
{
	json_t *user = conf(img, "User", JSON_STRING),
	       *health = conf(img, "Healthcheck", JSON_OBJECT);
	char created[32];
	json_t *j;

	created_text(created, img->created_ns);
	j = json_pack("{s:s, s:s, s:o, s:o, s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:I, s:I}",
		      "Id", img->id, "Digest", img->digest ? img->digest : "", "RepoTags",
		      image_repo_tags(img), "RepoDigests", image_repo_digests(img), "Parent", "",
		      "Comment", text_of(img, "comment"), "Created", created, "Config",
		      config_json(img, full), "Version", text_of(img, "docker_version"), "Author",
		      text_of(img, "author"), "Architecture", img->platform.arch, "Os",
		      img->platform.os, "Size", (json_int_t)img->size, "VirtualSize",
		      (json_int_t)img->size);
	if (!j)
		return rl_oom(err);
	if (*img->platform.variant || full)
		(void)json_object_set_new(j, "Variant", json_string(img->platform.variant));
	(void)json_object_set_new(j, "GraphDriver",
				  json_pack("{s:s, s:{}}", "Name", "overlay", "Data"));
	(void)json_object_set_new(j, "RootFS", layers_json(img));
	(void)json_object_set_new(j, "Labels",
				  or_empty(conf(img, "Labels", JSON_OBJECT), JSON_OBJECT));
	from_manifest(rl, img, j);
	(void)json_object_set_new(j, "User", or_empty(user, JSON_STRING));
	(void)json_object_set_new(j, "History",
				  or_empty(top(img, "history", JSON_ARRAY), JSON_ARRAY));
	(void)json_object_set_new(j, "NamesHistory", names_json(img));
	if (health)
		(void)json_object_set(j, "Healthcheck", health);
	*ret = j;
	return 0;
}
