/* SPDX-License-Identifier: Apache-2.0 */
/* image_view.h - images as JSON in the layouts that scripts know, shared by images and inspect */
#pragma once

#include <jansson.h>

#include "storage/image.h"

/* Names of templates' maps in either layout (cmd/template.h). */
extern const char *const image_map_names[];

/* Parts of a canonical name; borrowed lengths. "@sha256:..." names have tag "<none>". */
struct name_parts {
	char *repo, *tag; /* owned; "<none>" when there is none */
};
int name_parts(const char *name, struct name_parts *ret, struct rl_err *err) RL_MUST_USE;
void name_parts_done(struct name_parts *p);
#define auto_name_parts __attribute__((cleanup(name_parts_done)))

/* The image's labels, borrowed from its config; NULL when there are none. */
const json_t *image_labels(const struct image *img);
/* Names with a tag; array, new reference or NULL. */
json_t *image_repo_tags(const struct image *img);

/* `rl images --format json`: one object; @containers: how many use it. NULL = out of memory. */
json_t *image_list_json(const struct image *img, int containers);
/**
 * image_inspect_json() - `rl image inspect`
 * @full:	Fields that templates may ask for are there even when they are empty
 */
int image_inspect_json(const struct rl *rl, const struct image *img, bool full, json_t **ret,
		       struct rl_err *err) RL_MUST_USE;
