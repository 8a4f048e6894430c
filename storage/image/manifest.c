/* SPDX-License-Identifier: Apache-2.0 */
/* manifest.c - manifests, indexes and configs; the header is the manual */
#include "config.h"

#include "storage/image/manifest.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"

#define OCI_TYPE    "application/vnd.oci.image."
#define DOCKER_TYPE "application/vnd.docker."

static const struct {
	const char *type;
	enum manifest_kind kind;
} manifest_types[] = {
	{ OCI_TYPE "manifest.v1+json", MANIFEST_IMAGE },
	{ OCI_TYPE "index.v1+json", MANIFEST_INDEX },
	{ DOCKER_TYPE "distribution.manifest.v2+json", MANIFEST_IMAGE },
	{ DOCKER_TYPE "distribution.manifest.list.v2+json", MANIFEST_INDEX },
};

/* Served by plain file servers and old registries: says nothing either way. */
static bool is_vague(const char *type)
{
	static const char *const vague[] = {
		"application/json",
		"application/octet-stream",
		"binary/octet-stream",
		"text/plain",
	};

	for (size_t i = 0; i < ARRAY_LEN(vague); i++)
		if (strcasecmp(type, vague[i]) == 0)
			return true;
	return false;
}

/* "type; charset=utf-8" without its parameters. */
static void bare_type(const char *s, char out[128])
{
	size_t n = strcspn(s, "; \t");

	if (n > 127)
		n = 127;
	memcpy(out, s, n);
	out[n] = '\0';
}

static int kind_of(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(manifest_types); i++)
		if (strcasecmp(type, manifest_types[i].type) == 0)
			return (int)manifest_types[i].kind;
	return -1;
}

static int unknown_type(const char *what, const char *type, struct rl_err *err)
{
	if (strcasecmp(type, "text/html") == 0) {
		rl_fail(err, EPROTO,
			"%s: the server answered with a web page, it is not a registry", what);
		return rl_hint(err, "check the name, or whether a proxy or a login page of this "
				    "network stands in between");
	}
	if (strstr(type, "manifest.v1+prettyjws") || strstr(type, "distribution.manifest.v1"))
		return rl_fail(
			err, EPROTONOSUPPORT,
			"%s: Docker schema 1 manifests are too old to be checked, and refused",
			what);
	return rl_fail(err, EPROTONOSUPPORT, "%s: unknown media type '%.100s'", what, type);
}

/*
 * The kind by the document's own look. The two kinds must exclude each other: a document that has
 * the parts of both means different images to different tools.
 */
static int kind_by_shape(const json_t *j, const char *what, struct rl_err *err)
{
	bool list = json_object_get(j, "manifests");
	bool image = json_object_get(j, "layers") || json_object_get(j, "config");

	if (list && image)
		return rl_fail(err, EINVAL,
			       "%s: ambiguous: it holds both 'manifests' and 'layers' or 'config'",
			       what);
	if (json_object_get(j, "fsLayers"))
		return unknown_type(what, "application/vnd.docker.distribution.manifest.v1", err);
	if (!list && !image)
		return rl_fail(err, EINVAL, "%s: neither an image manifest nor an index", what);
	return list ? MANIFEST_INDEX : MANIFEST_IMAGE;
}

/* -1 = says nothing, else a kind; unknown types are errors. */
static int kind_by_type(const char *type, const char *what, struct rl_err *err, int *ret)
{
	char bare[128];

	*ret = -1;
	if (!type || !*type)
		return 0;
	bare_type(type, bare);
	if (is_vague(bare))
		return 0;
	*ret = kind_of(bare);
	return *ret < 0 ? unknown_type(what, bare, err) : 0;
}

static int check_kinds(const json_t *j, const char *content_type, const char *what,
		       enum manifest_kind *ret, struct rl_err *err)
{
	const char *media;
	int64_t version;
	char bare[128];
	int served, own, shape;

	if (json_get_int(j, "schemaVersion", what, &version, err) < 0 ||
	    json_get_str(j, "mediaType", what, &media, err) < 0)
		return -err->code;
	if (kind_by_type(content_type, what, err, &served) < 0 ||
	    kind_by_type(media, what, err, &own) < 0)
		return -err->code;
	shape = kind_by_shape(j, what, err);
	if (shape < 0)
		return shape;
	if (version != 2)
		return rl_fail(err, EPROTONOSUPPORT, "%s: schema version %lld, expected 2", what,
			       (long long)version);
	if (content_type)
		bare_type(content_type, bare);
	if (served >= 0 && media && strcasecmp(media, bare) != 0)
		return rl_fail(err, EINVAL, "%s: served as '%s', but its mediaType says '%.100s'",
			       what, bare, media);
	if ((served >= 0 && served != shape) || (own >= 0 && own != shape))
		return rl_fail(err, EINVAL, "%s: its content is not what its media type says",
			       what);
	*ret = (enum manifest_kind)shape;
	return 0;
}

int manifest_read(const char *data, size_t len, const char *content_type, const char *what,
		  enum manifest_kind *ret_kind, json_t **ret, struct rl_err *err)
{
	json_auto_t *j = NULL;
	char bare[128] = "";
	int r;

	if (content_type)
		bare_type(content_type, bare);
	if (strcasecmp(bare, "text/html") == 0)
		return unknown_type(what, bare, err);
	r = json_read(data, len, MANIFEST_MAX, what, &j, err);
	if (r < 0)
		return r;
	if (!json_is_object(j))
		return rl_fail(err, EINVAL, "%s: not a JSON object", what);
	r = check_kinds(j, content_type, what, ret_kind, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(j);
	return 0;
}

static int read_descriptor(const json_t *j, const char *what, struct descriptor *ret,
			   struct rl_err *err)
{
	const char *digest, *type;
	int64_t size;

	if (!json_is_object(j))
		return rl_fail(err, EINVAL, "%s is not an object", what);
	if (json_get_str(j, "digest", what, &digest, err) < 0 ||
	    json_get_str(j, "mediaType", what, &type, err) < 0 ||
	    json_get_int(j, "size", what, &size, err) < 0)
		return -err->code;
	if (!type || !*type || strlen(type) >= sizeof(ret->media_type))
		return rl_fail(err, EINVAL, "%s: no usable mediaType", what);
	if (!json_object_get(j, "size") || size < 0)
		return rl_fail(err, EINVAL, "%s: no usable size", what);
	if (digest_parse(digest ? digest : "", digest ? strlen(digest) : 0, what, &ret->digest,
			 err) < 0)
		return -err->code;
	ret->size = size;
	memcpy(ret->media_type, type, strlen(type) + 1);
	return 0;
}

/* Whether it can be unpacked is decided by its first bytes; the name only has to be a layer's. */
static int check_layer_type(const struct descriptor *d, const char *what, struct rl_err *err)
{
	static const char *const types[] = {
		OCI_TYPE "layer.v1.tar",
		OCI_TYPE "layer.v1.tar+gzip",
		OCI_TYPE "layer.v1.tar+zstd",
		OCI_TYPE "layer.nondistributable.v1.tar",
		OCI_TYPE "layer.nondistributable.v1.tar+gzip",
		OCI_TYPE "layer.nondistributable.v1.tar+zstd",
		DOCKER_TYPE "image.rootfs.diff.tar",
		DOCKER_TYPE "image.rootfs.diff.tar.gzip",
		DOCKER_TYPE "image.rootfs.diff.tar.zstd",
		DOCKER_TYPE "image.rootfs.foreign.diff.tar",
		DOCKER_TYPE "image.rootfs.foreign.diff.tar.gzip",
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(d->media_type, types[i]) == 0)
			return 0;
	rl_fail(err, EPROTONOSUPPORT, "%s: unknown layer type '%s'", what, d->media_type);
	if (strstr(d->media_type, "encrypted"))
		rl_hint(err, "encrypted images are not supported");
	return -err->code;
}

static int check_config_type(const struct descriptor *d, const char *what, struct rl_err *err)
{
	if (strcmp(d->media_type, OCI_TYPE "config.v1+json") == 0 ||
	    strcmp(d->media_type, DOCKER_TYPE "container.image.v1+json") == 0)
		return 0;
	rl_fail(err, EPROTONOSUPPORT, "%s: not a container image, its config is of type '%s'", what,
		d->media_type);
	return rl_hint(err, "it is some other kind of artifact");
}

static int read_layers(const json_t *list, const char *what, struct manifest *m, struct rl_err *err)
{
	size_t n = json_array_size(list);
	char name[600];

	m->layers = calloc(n ? n : 1, sizeof(*m->layers));
	if (!m->layers)
		return rl_oom(err);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "%s: layer %zu", what, i + 1);
		if (read_descriptor(json_array_get(list, i), name, &m->layers[i], err) < 0 ||
		    check_layer_type(&m->layers[i], name, err) < 0)
			return -err->code;
	}
	m->n_layers = n;
	return 0;
}

int manifest_parse(const json_t *j, const char *what, struct manifest *ret, struct rl_err *err)
{
	auto_manifest struct manifest m = { 0 };
	json_t *config, *layers;
	char name[600];
	size_t n;
	int r;

	if (json_get_obj(j, "config", what, &config, err) < 0 ||
	    json_get_arr(j, "layers", what, &layers, err) < 0)
		return -err->code;
	if (!config)
		return rl_fail(err, EINVAL, "%s: it has no config", what);
	n = layers ? json_array_size(layers) : 0;
	if (n > LAYERS_MAX)
		return rl_fail(err, EFBIG, "%s: %zu layers, more than the limit of %d", what, n,
			       LAYERS_MAX);
	(void)snprintf(name, sizeof(name), "%s: config", what);
	if (read_descriptor(config, name, &m.config, err) < 0 ||
	    check_config_type(&m.config, what, err) < 0)
		return -err->code;
	if (m.config.size > CONFIG_MAX)
		return rl_fail(err, EFBIG, "%s: config of %lld bytes, more than the limit of %d",
			       what, (long long)m.config.size, CONFIG_MAX);
	r = read_layers(layers, what, &m, err);
	if (r < 0)
		return r;
	*ret = m;
	m = (struct manifest){ 0 };
	return 0;
}

void manifest_done(struct manifest *m)
{
	free(m->layers);
	*m = (struct manifest){ 0 };
}

/* --- indexes --- */

static int read_platform(const json_t *o, const char *what, struct platform *p, struct rl_err *err)
{
	const char *os, *arch, *variant;

	if (json_get_str(o, "os", what, &os, err) < 0 ||
	    json_get_str(o, "architecture", what, &arch, err) < 0 ||
	    json_get_str(o, "variant", what, &variant, err) < 0)
		return -err->code;
	platform_set(p, os, arch, variant);
	return 0;
}

static int list_platform(struct buf *b, const struct platform *p)
{
	char text[PLATFORM_TEXT_MAX];

	if (!p->os[0] || strcmp(p->os, "unknown") == 0)
		return 0; /* attestations and the like */
	platform_print(p, text);
	if (b->data && strstr(b->data, text))
		return 0;
	if (b->len > 500)
		return 0; /* enough for one line */
	return buf_printf(b, "%s%s", b->len ? ", " : "", text);
}

struct choice {
	int score;
	struct descriptor d;
	struct buf others;
};

static int weigh_entry(const json_t *e, size_t i, const struct platform *want, const char *what,
		       struct choice *best, struct rl_err *err)
{
	struct descriptor d;
	struct platform p = { 0 };
	json_t *o;
	char name[600];
	int score;

	(void)snprintf(name, sizeof(name), "%s: entry %zu", what, i + 1);
	if (read_descriptor(e, name, &d, err) < 0 || json_get_obj(e, "platform", name, &o, err) < 0)
		return -err->code;
	if (o && read_platform(o, name, &p, err) < 0)
		return -err->code;
	if (list_platform(&best->others, &p) < 0)
		return rl_oom(err);
	score = o ? platform_score(&p, want) : 1; /* without one: better than nothing */
	if (score > best->score) {
		best->score = score;
		best->d = d;
	}
	return 0;
}

int index_choose(const json_t *j, const struct platform *want, const char *what,
		 struct descriptor *ret, struct rl_err *err)
{
	struct choice best = { 0 };
	json_t *list, *e;
	char text[PLATFORM_TEXT_MAX];
	size_t i;
	int r = 0;

	if (json_get_arr(j, "manifests", what, &list, err) < 0)
		return -err->code;
	if (json_array_size(list) > INDEX_MAX)
		return rl_fail(err, EFBIG, "%s: %zu entries, more than the limit of %d", what,
			       json_array_size(list), INDEX_MAX);
	json_array_foreach (list, i, e) {
		r = weigh_entry(e, i, want, what, &best, err);
		if (r < 0)
			break;
	}
	if (r == 0 && best.score == 0) {
		platform_print(want, text);
		r = rl_fail(err, ENOENT, "%s: no image for platform %s; there are: %s", what, text,
			    best.others.len ? best.others.data : "none");
		rl_hint(err, "choose one with --platform");
	}
	if (r == 0)
		*ret = best.d;
	buf_done(&best.others);
	return r;
}

/* --- image config --- */

static int read_diff_ids(const json_t *j, size_t n_layers, const char *what, struct image_config *c,
			 struct rl_err *err)
{
	json_t *rootfs, *ids = NULL, *v;
	size_t i;

	if (json_get_obj(j, "rootfs", what, &rootfs, err) < 0)
		return -err->code;
	if (rootfs && json_get_arr(rootfs, "diff_ids", what, &ids, err) < 0)
		return -err->code;
	if (json_array_size(ids) != n_layers)
		return rl_fail(err, EINVAL, "%s: %zu diff_ids, but the manifest has %zu layers",
			       what, json_array_size(ids), n_layers);
	if (json_check_strings(ids, what, err) < 0)
		return -err->code;
	json_array_foreach (ids, i, v) {
		if (digest_check(json_string_value(v), what, err) < 0)
			return -err->code;
		if (strv_add(&c->diff_ids, json_string_value(v)) < 0)
			return rl_oom(err);
	}
	return 0;
}

int image_config_parse(const char *data, size_t len, size_t n_layers, const char *what,
		       struct image_config *ret, struct rl_err *err)
{
	auto_image_config struct image_config c = { 0 };
	json_auto_t *j = NULL;
	int r;

	r = json_read(data, len, CONFIG_MAX, what, &j, err);
	if (r < 0)
		return r;
	if (!json_is_object(j))
		return rl_fail(err, EINVAL, "%s: not a JSON object", what);
	if (read_platform(j, what, &c.platform, err) < 0 ||
	    read_diff_ids(j, n_layers, what, &c, err) < 0)
		return -err->code;
	*ret = c;
	c = (struct image_config){ 0 };
	return 0;
}

void image_config_done(struct image_config *c)
{
	strv_done(&c->diff_ids);
}
