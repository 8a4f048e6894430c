/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_manifest.c - any bytes as manifest, index and config: no crash, limits hold
 *
 * Property: what is accepted has checked digests and sizes, and no document is both an image and
 * an index.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "storage/image/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct descriptor *d)
{
	assert(digest_is_valid(d->digest.text));
	assert(d->size >= 0);
	assert(strnlen(d->media_type, sizeof(d->media_type)) < sizeof(d->media_type));
}

static void try_config(const char *text, size_t size)
{
	for (size_t n = 0; n < 3; n++) {
		auto_image_config struct image_config c = { 0 };
		struct rl_err err = { 0 };

		if (image_config_parse(text, size, n, "config", &c, &err) < 0)
			continue;
		assert(c.diff_ids.n == n);
		for (size_t i = 0; i < n; i++)
			assert(digest_is_valid(c.diff_ids.v[i]));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	auto_manifest struct manifest m = { 0 };
	const struct platform want = { .os = "linux", .arch = "amd64" };
	struct descriptor d;
	enum manifest_kind kind;
	json_auto_t *j = NULL;
	struct rl_err err = { 0 };

	try_config(text, size);
	if (manifest_read(text, size, NULL, "input", &kind, &j, &err) < 0)
		return 0;
	assert(kind == MANIFEST_INDEX || !json_object_get(j, "manifests"));
	assert(kind == MANIFEST_IMAGE || !json_object_get(j, "layers"));
	if (kind == MANIFEST_INDEX) {
		if (index_choose(j, &want, "input", &d, &err) == 0)
			check(&d);
		return 0;
	}
	if (manifest_parse(j, "input", &m, &err) < 0)
		return 0;
	check(&m.config);
	assert(m.config.size <= CONFIG_MAX && m.n_layers <= LAYERS_MAX);
	for (size_t i = 0; i < m.n_layers; i++)
		check(&m.layers[i]);
	return 0;
}
