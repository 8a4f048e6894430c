/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest.h - manifests, indexes and image configs: from HOSTILE bytes to checked structs
 *
 * Docker schema 2 and OCI 1.0/1.1 alike. The digest over the raw bytes is the caller's to check
 * *before* anything here looks at them. A document that could be read as two kinds at once, or
 * whose Content-Type and mediaType disagree, is refused (SECURITY S34, CVE-2021-41190). "urls" of
 * foreign layers are never looked at (S40): such a layer is fetched from its registry or not at
 * all.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/strv.h"
#include "storage/digest.h"
#include "storage/platform.h"

#define MANIFEST_MAX (4 << 20)
#define CONFIG_MAX   (8 << 20)
#define LAYERS_MAX   1024
#define INDEX_MAX    1024 /* entries of an index */

/* What a registry is asked for, best first */
#define MANIFEST_ACCEPT                                          \
	"application/vnd.oci.image.index.v1+json, "              \
	"application/vnd.oci.image.manifest.v1+json, "           \
	"application/vnd.docker.distribution.manifest.v2+json, " \
	"application/vnd.docker.distribution.manifest.list.v2+json"

enum manifest_kind { MANIFEST_IMAGE, MANIFEST_INDEX };

struct descriptor {
	struct digest digest;
	int64_t size;
	char media_type[128];
};

struct manifest {
	struct descriptor config;
	struct descriptor *layers; /* bottom first; owned */
	size_t n_layers;
};

struct image_config {
	struct platform platform;
	struct strv diff_ids; /* checked digests, bottom first */
};

/**
 * manifest_read() - Parse and find out what it is
 * @what:	For messages ("manifest of 'docker.io/library/alpine:latest'")
 * @content_type: As the server said, or the descriptor's mediaType; NULL when there was none
 * @ret:	The JSON, owned by the caller
 *
 * Return: 0, -EINVAL (ambiguous, disagreeing, not JSON), -EPROTONOSUPPORT (Docker schema 1 and
 * other kinds, named in the message), -EFBIG, -ENOMEM
 */
int manifest_read(const char *data, size_t len, const char *content_type, const char *what,
		  enum manifest_kind *ret_kind, json_t **ret, struct rl_err *err) RL_MUST_USE;

/* An image manifest's config and layers; limits and media types are checked. */
int manifest_parse(const json_t *j, const char *what, struct manifest *ret,
		   struct rl_err *err) RL_MUST_USE;
void manifest_done(struct manifest *m);
#define auto_manifest __attribute__((cleanup(manifest_done)))

/**
 * index_choose() - The entry of an index that fits @want best
 *
 * Return: 0, -ENOENT with "no image for platform X; there are: ..." , -EINVAL
 */
int index_choose(const json_t *j, const struct platform *want, const char *what,
		 struct descriptor *ret, struct rl_err *err) RL_MUST_USE;

/* @n_layers: as in the manifest; another number of diff_ids is refused. */
int image_config_parse(const char *data, size_t len, size_t n_layers, const char *what,
		       struct image_config *ret, struct rl_err *err) RL_MUST_USE;
void image_config_done(struct image_config *c);
#define auto_image_config __attribute__((cleanup(image_config_done)))
