/* SPDX-License-Identifier: Apache-2.0 */
/* rewrite.c - manifests that are handed on; the header is the manual */
#include "config.h"

#include "storage/image/rewrite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"

static const struct {
	const char *oci, *docker;
} types[] = {
	{ "application/vnd.oci.image.manifest.v1+json",
	  "application/vnd.docker.distribution.manifest.v2+json" },
	{ "application/vnd.oci.image.config.v1+json",
	  "application/vnd.docker.container.image.v1+json" },
	{ "application/vnd.oci.image.layer.v1.tar",
	  "application/vnd.docker.image.rootfs.diff.tar" },
	{ "application/vnd.oci.image.layer.v1.tar+gzip",
	  "application/vnd.docker.image.rootfs.diff.tar.gzip" },
	{ "application/vnd.oci.image.layer.v1.tar+zstd",
	  "application/vnd.docker.image.rootfs.diff.tar.zstd" },
};

int rewrite_format_parse(const char *s, enum rewrite_format *ret, struct rl_err *err)
{
	if (!s)
		*ret = REWRITE_AS_IS;
	else if (strcmp(s, "oci") == 0)
		*ret = REWRITE_OCI;
	else if (strcmp(s, "docker") == 0 || strcmp(s, "v2s2") == 0)
		*ret = REWRITE_DOCKER;
	else
		return rl_fail(err, EINVAL, "unknown format '%s': expected oci or docker (v2s2)",
			       s);
	return 0;
}

static const char *convert(const char *type, enum rewrite_format format)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(type, types[i].oci) == 0 || strcmp(type, types[i].docker) == 0)
			return format == REWRITE_OCI ? types[i].oci : types[i].docker;
	return type; /* of another kind: its name is all that we know */
}

static int set_str(json_t *o, const char *key, const char *v, bool *changed)
{
	const char *old = json_string_value(json_object_get(o, key));

	if (old && strcmp(old, v) == 0)
		return 0;
	*changed = true;
	return json_object_set_new(o, key, json_string(v)) < 0 ? -ENOMEM : 0;
}

static int set_layer(json_t *o, const struct descriptor *d, enum rewrite_format format,
		     bool *changed)
{
	const char *type = d->media_type[0] ? d->media_type : types[3].oci;
	json_t *size = json_object_get(o, "size");
	int r = set_str(o, "digest", d->digest.text, changed);

	if (format != REWRITE_AS_IS || json_object_get(o, "mediaType"))
		r = r < 0 ? r
			  : set_str(o, "mediaType",
				    format == REWRITE_AS_IS ? type : convert(type, format),
				    changed);
	if (r == 0 && json_integer_value(size) != d->size) {
		*changed = true;
		r = json_object_set_new(o, "size", json_integer(d->size));
	}
	return r;
}

static int set_types(json_t *j, enum rewrite_format format, bool *changed)
{
	json_t *config = json_object_get(j, "config");
	const char *of_config = json_string_value(json_object_get(config, "mediaType"));
	int r;

	if (format == REWRITE_AS_IS)
		return 0;
	r = set_str(j, "mediaType", convert(types[0].oci, format), changed);
	if (r == 0)
		r = set_str(config, "mediaType",
			    convert(of_config ? of_config : types[1].oci, format), changed);
	if (r == 0 && format == REWRITE_DOCKER && json_object_get(j, "annotations")) {
		(void)json_object_del(j, "annotations"); /* is there */
		*changed = true;
	}
	return r;
}

int rewrite_manifest(struct buf *text, const struct manifest *m, enum rewrite_format format,
		     char ret_type[128], struct rl_err *err)
{
	json_auto_t *j = NULL;
	auto_free char *out = NULL;
	bool changed = false;
	const json_t *layers;
	const char *type;
	int r;

	r = json_read(text->data, text->len, MANIFEST_MAX, "manifest", &j, err);
	if (r < 0)
		return r;
	layers = json_object_get(j, "layers");
	if (json_array_size(layers) != m->n_layers)
		return rl_fail(err, EINVAL, "manifest: another number of layers");
	for (size_t i = 0; r == 0 && i < m->n_layers; i++)
		r = set_layer(json_array_get(layers, i), &m->layers[i], format, &changed);
	if (r == 0)
		r = set_types(j, format, &changed);
	type = json_string_value(json_object_get(j, "mediaType"));
	(void)snprintf(ret_type, 128, "%s", type ? type : types[0].oci);
	if (r < 0)
		return rl_oom(err);
	if (!changed)
		return 0;
	out = json_dumps(j, JSON_COMPACT);
	text->len = 0;
	return !out || buf_str(text, out) < 0 ? rl_oom(err) : 0;
}
