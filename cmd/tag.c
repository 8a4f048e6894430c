/* SPDX-License-Identifier: Apache-2.0 */
/* tag.c - `rl tag` and `rl untag`: give names to images and take them away; both print nothing */
#include "config.h"

#include <errno.h>

#include "cmd/cmd.h"
#include "core/base/cleanup.h"
#include "storage/image.h"

static int tag(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	auto_free char *found = NULL;
	bool is_list;
	char id[65];
	int r = image_resolve_any(rl, args->v[0], id, &found, &is_list, err);

	(void)opts;
	for (size_t i = 1; i < args->n && r == 0; i++) {
		auto_free char *name = NULL;

		r = image_new_name(args->v[i], &name, err);
		if (r == 0)
			r = image_tag(rl, id, name, err);
	}
	return r;
}

/*
 * A name that was typed, among those of the image: as find() would complete it, that is as
 * image_resolve() found it, else as tag would.
 */
static int untag_one(const struct rl *rl, const char id[65], const char *typed, struct rl_err *err)
{
	auto_free char *name = NULL;
	struct rl_err ignored;
	bool is_list;
	char other[65];
	int r;

	if (image_resolve_any(rl, typed, other, &name, &is_list, &ignored) < 0 || !name) {
		r = image_new_name(typed, &name, err);
		if (r < 0)
			return r;
	}
	return image_untag(rl, id, name, err);
}

static int untag(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	auto_free char *found = NULL;
	bool is_list;
	char id[65];
	int r = image_resolve_any(rl, args->v[0], id, &found, &is_list, err);

	(void)opts;
	if (r == 0 && args->n == 1)
		r = image_untag(rl, id, NULL, err);
	for (size_t i = 1; i < args->n && r == 0; i++)
		r = untag_one(rl, id, args->v[i], err);
	return r;
}

const struct cmd cmd_tag = {
	.name = "tag",
	.args = "IMAGE NAME...",
	.summary = "Give an image more names",
	.about = "Makes each NAME stand for the image. A name without a registry is one of "
		 "localhost/, one without a tag gets 'latest'; a name that stood for another image "
		 "is taken from it.",
	.examples = {
		{ "rl tag alpine base",
		  "From now on localhost/base:latest is that image as well." },
		{ "rl tag 4bcff63911fc registry.example/team/app:1.0 registry.example/team/app:latest",
		  "Two names for an image given by its id." },
	},
	.min_args = 2,
	.max_args = CMD_ANY,
	.run = tag,
};

const struct cmd cmd_untag = {
	.name = "untag",
	.args = "IMAGE [IMAGE...]",
	.summary = "Take names from an image",
	.about = "Takes the names from the image, all of them when none is given. The image itself "
		 "stays; 'rl rmi' removes names, and images with their last one.",
	.examples = {
		{ "rl untag alpine base", "Take localhost/base:latest from it." },
		{ "rl untag alpine", "Take all its names." },
	},
	.min_args = 1,
	.max_args = CMD_ANY,
	.run = untag,
};
