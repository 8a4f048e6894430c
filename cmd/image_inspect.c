/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_inspect.c - `rl image inspect`: all that is known about images
 *
 * One JSON array for all that were found, also when some were not (then the status is 125); with
 * --format one line per image.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/format.h"
#include "cmd/image_view.h"
#include "core/base/cleanup.h"

struct inspect_opts {
	const char *format;
};

static const struct opt inspect_options[] = {
	OPT_STR('f', "format", struct inspect_opts, format, "FORMAT",
		"json, or a Go template such as {{.Id}} or {{json .Config.Env}}"),
	OPT_END,
};

static int inspect_one(const struct rl *rl, const char *name, bool full, json_t *list,
		       struct rl_err *err)
{
	auto_image struct image img = { 0 };
	auto_free char *canonical = NULL;
	json_t *j = NULL;
	char id[65];
	int r;

	r = image_resolve(rl, name, NULL, id, &canonical, err);
	if (r == 0)
		r = image_load(rl, id, &img, err);
	if (r == 0)
		r = image_inspect_json(rl, &img, full, &j, err);
	if (r < 0)
		return r;
	return json_array_append_new(list, j) < 0 ? rl_oom(err) : 0;
}

static int inspect_run(struct rl *rl, const struct cmd_args *args, const void *opts,
		       struct rl_err *err)
{
	const struct inspect_opts *o = opts;
	const struct format f = { .text = o->format, .map_names = image_map_names };
	bool full = o->format && !format_is_json(o->format);
	json_auto_t *list = json_array();
	auto_buf struct buf out = { 0 };
	int r, status = 0;

	if (!list)
		return rl_oom(err);
	for (size_t i = 0; i < args->n; i++) {
		struct rl_err why = { 0 };

		if (inspect_one(rl, args->v[i], full, list, &why) == 0)
			continue;
		rl_report(&why);
		status = EXIT_RL;
	}
	r = full ? format_rows(&f, list, &out, err) : format_json(list, &out, err);
	if (r == 0)
		r = format_print(&out, err);
	return r < 0 ? r : status;
}

const struct cmd cmd_image_inspect = {
	.name = "image inspect",
	.args = "IMAGE [IMAGE...]",
	.summary = "Show all that is known about images",
	.about = "Prints a JSON array with one object per image; images that are not "
		 "there are told on stderr, the others are printed all the same. With "
		 "--format one line per image is printed.",
	.examples = {
		{ "rl image inspect --format '{{.Architecture}} {{.Size}}' alpine",
		  "Print architecture and size." },
		{ "rl image inspect alpine busybox",
		  "Print all that is known about two images." },
	},
	.options = inspect_options,
	.opts_size = sizeof(struct inspect_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.run = inspect_run,
};
