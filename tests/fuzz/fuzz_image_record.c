/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_image_record.c - any bytes as image.json or as a name file: no crash, and whatever is
 * accepted holds nothing that could leave a folder when it becomes part of a path
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "storage/image_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_platform(const struct platform *p)
{
	assert(*p->os && *p->arch && !strchr(p->os, '/') && !strchr(p->arch, '/') &&
	       !strchr(p->variant, '/'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_image struct image img = { 0 };
	struct rl_err err = { 0 };
	struct name_file f;

	if (image_record_parse((const char *)data, size, "fuzz", &img, &err) == 0) {
		check_platform(&img.platform);
		assert(img.size >= 0 && (!img.digest || digest_is_valid(img.digest)));
		for (size_t i = 0; i < img.diff_ids.n; i++)
			assert(digest_is_valid(img.diff_ids.v[i]));
	}
	if (name_file_parse((const char *)data, size, "fuzz", &f, &err) == 0) {
		assert(f.n <= NAME_ENTRIES_MAX);
		for (size_t i = 0; i < f.n; i++) {
			check_platform(&f.v[i].platform);
			assert(digest_is_hex64(f.v[i].id, strlen(f.v[i].id)));
			assert(!*f.v[i].digest || digest_is_valid(f.v[i].digest));
		}
	}
	return 0;
}
