/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history.c - `rl history` and `rl image tree`: what an image is made of
 *
 * The history is what its builder wrote into the config; sizes are those of our unpacked layers. An
 * entry that says of itself that it made no layer has none. Texts are strangers' (format_print()).
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/format.h"
#include "cmd/image_view.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/digest.h"
#include "storage/layer.h"

#define BY_MAX 45 /* bytes of the command that a table shows */

struct history_opts {
	bool human, no_trunc, quiet;
	const char *format;
};

static const struct opt history_options[] = {
	OPT_STR(0, "format", struct history_opts, format, "FORMAT", "json, or a Go template"),
	OPT_BOOL('H', "human", struct history_opts, human, "ages and sizes for people (true)"),
	OPT_BOOL(0, "no-trunc", struct history_opts, no_trunc, "whole ids and commands"),
	OPT_BOOL('q', "quiet", struct history_opts, quiet, "only ids"),
	OPT_END,
};

static const char *str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

static int find_image(const struct rl *rl, const char *name, struct image *ret, struct rl_err *err)
{
	auto_free char *canonical = NULL;
	char id[65];
	int r = image_resolve(rl, name, NULL, id, &canonical, err);

	return r < 0 ? r : image_load(rl, id, ret, err);
}

/* One entry; @layer: its diff_id, or NULL for one without a layer */
static json_t *entry(const struct image *img, const json_t *h, const char *layer,
		     const json_t *sizes, bool is_top)
{
	json_t *tags = is_top ? image_repo_tags(img) : NULL;

	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:o}", "id", is_top ? img->id : "<missing>",
			 "created", str(h, "created"), "CreatedBy", str(h, "created_by"), "size",
			 layer ? json_integer_value(json_object_get(sizes, layer)) : (json_int_t)0,
			 "comment", str(h, "comment"), "tags", tags ? tags : json_null());
}

/* Newest first. Layers that the history says nothing of have an entry without words. */
static int collect(const struct rl *rl, const struct image *img, json_t *ret, struct rl_err *err)
{
	const json_t *history = json_object_get(img->config, "history");
	json_auto_t *sizes = NULL;
	size_t layer = 0, n = json_array_size(history);
	int r = layer_sizes(rl, &sizes, err);

	for (size_t i = 0; i < n && r == 0; i++) {
		const json_t *h = json_array_get(history, i);
		bool empty = json_is_true(json_object_get(h, "empty_layer"));
		const char *id =
			empty || layer >= img->diff_ids.n ? NULL : img->diff_ids.v[layer++];
		bool top = i + 1 == n && layer >= img->diff_ids.n;

		if (json_array_insert_new(ret, 0, entry(img, h, id, sizes, top)) < 0)
			r = rl_oom(err);
	}
	for (; layer < img->diff_ids.n && r == 0; layer++)
		if (json_array_insert_new(ret, 0,
					  entry(img, NULL, img->diff_ids.v[layer], sizes,
						layer + 1 == img->diff_ids.n)) < 0)
			r = rl_oom(err);
	return r;
}

/* What tables and templates show: short ids, ages, sizes */
static int for_people(const struct history_opts *o, json_t *rows)
{
	json_t *j;
	size_t i;

	json_array_foreach (rows, i, j) {
		char age[FORMAT_TEXT_MAX] = "", ago[FORMAT_TEXT_MAX + 4] = "";
		char size[FORMAT_TEXT_MAX], id[80], by[BY_MAX + 1];
		int64_t ns = 0, bytes = json_integer_value(json_object_get(j, "size"));
		const char *created = str(j, "created");

		if (time_parse_rfc3339(created, &ns) == 0) {
			format_age(age, wall_ns() - ns);
			(void)snprintf(ago, sizeof(ago), "%s ago", age);
		}
		(void)snprintf(id, sizeof(id), o->no_trunc ? "%s" : "%.12s", str(j, "id"));
		if (o->human)
			format_size(size, bytes, 3, "");
		else
			(void)snprintf(size, sizeof(size), "%lld", (long long)bytes);
		(void)snprintf(by, sizeof(by), "%.*s...", BY_MAX - 3, str(j, "CreatedBy"));
		if (json_object_set_new(j, "ID", json_string(id)) < 0 ||
		    json_object_set_new(j, "CreatedSince", json_string(ago)) < 0 ||
		    json_object_set_new(j, "CreatedAt", json_string(created)) < 0 ||
		    json_object_set_new(j, "Created", json_string(o->human ? ago : created)) < 0 ||
		    json_object_set_new(j, "Size", json_string(size)) < 0 ||
		    json_object_set_new(j, "Comment", json_string(str(j, "comment"))) < 0)
			return -ENOMEM;
		if (!o->no_trunc && strlen(str(j, "CreatedBy")) > BY_MAX)
			(void)json_object_set_new(j, "CreatedBy", json_string(by)); /* or uncut */
		if (!json_is_null(json_object_get(j, "tags")))
			(void)json_object_set(j, "Tags", json_object_get(j, "tags"));
		(void)json_object_del(j, "created"); /* fields are found without regard to case */
		(void)json_object_del(j, "size");
		(void)json_object_del(j, "comment");
		(void)json_object_del(j, "id");
	}
	return 0;
}

static int history(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct history_opts *o = opts;
	json_auto_t *rows = json_array();
	json_auto_t *heads =
		json_pack("{s:s, s:s}", "CreatedSince", "CREATED", "CreatedBy", "CREATED BY");
	struct format f = { .text = format_asked(o->format), .headers = heads };
	auto_image struct image img = { 0 };
	auto_buf struct buf out = { 0 };
	int r;

	if (o->quiet && f.text)
		return rl_fail(err, EINVAL, "history: '--quiet' and '--format' exclude each other");
	if (!rows || !heads)
		return rl_oom(err);
	r = find_image(rl, args->v[0], &img, err);
	if (r == 0)
		r = collect(rl, &img, rows, err);
	if (r == 0 && !format_is_json(o->format))
		r = for_people(o, rows) < 0 ? rl_oom(err) : 0;
	if (o->quiet)
		f.text = "{{.ID}}";
	else if (!f.text)
		f.text = "table {{.ID}}\t{{.Created}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}";
	if (r == 0)
		r = format_rows(&f, rows, &out, err);
	return r < 0 ? r : format_print(&out, err);
}

/* --- image tree -------------------------------------------------------------------------- */

static int print_tree(const struct image *img, const json_t *sizes, struct buf *out)
{
	json_auto_t *tags = image_repo_tags(img);
	auto_buf struct buf names = { 0 };
	char size[FORMAT_TEXT_MAX];
	json_t *tag;
	size_t i;
	int r = buf_str(&names, "");

	json_array_foreach (tags, i, tag)
		if (r == 0)
			r = buf_printf(&names, "%s%s", i ? " " : "", json_string_value(tag));
	format_size(size, img->size, 4, "");
	if (r == 0)
		r = buf_printf(out, "Image ID: %.12s\nTags:     [%s]\nSize:     %s\nImage Layers\n",
			       img->id, names.data ? names.data : "", size);
	for (i = 0; i < img->diff_ids.n && r == 0; i++) {
		bool last = i + 1 == img->diff_ids.n;

		format_size(size, json_integer_value(json_object_get(sizes, img->diff_ids.v[i])), 4,
			    "");
		r = buf_printf(out, "%s ID: %.12s Size: %s", last ? "└──" : "├──",
			       digest_hex(img->diff_ids.v[i]), size);
		if (r == 0 && last && names.len)
			r = buf_printf(out, " Top Layer of: [%s]", names.data);
		if (r == 0)
			r = buf_str(out, "\n");
	}
	return r;
}

static int image_tree(struct rl *rl, const struct cmd_args *args, const void *opts,
		      struct rl_err *err)
{
	auto_image struct image img = { 0 };
	auto_buf struct buf out = { 0 };
	json_auto_t *sizes = NULL;
	int r = find_image(rl, args->v[0], &img, err);

	(void)opts;
	if (r == 0)
		r = layer_sizes(rl, &sizes, err);
	if (r == 0 && print_tree(&img, sizes, &out) < 0)
		r = rl_oom(err);
	return r < 0 ? r : format_print(&out, err);
}

static const struct opt tree_options[] = {
	OPT_LATER(0, "whatrequires"),
	OPT_END,
};

const struct cmd cmd_history = {
	.name = "history",
	.args = "IMAGE",
	.summary = "Show the steps that an image was built in",
	.about = "Prints the steps of the image's build, the last one first, with the size of the "
		 "layer that each made. Only the last one has an id; a registry does not tell those "
		 "of the others.",
	.examples = {
		{ "rl history alpine", "The steps, commands cut to a column." },
		{ "rl history --no-trunc --format '{{.CreatedBy}}' alpine", "The whole commands." },
	},
	.options = history_options,
	.defaults = &(const struct history_opts){ .human = true },
	.opts_size = sizeof(struct history_opts),
	.min_args = 1,
	.max_args = 1,
	.run = history,
};

const struct cmd cmd_image_tree = {
	.name = "image tree",
	.args = "IMAGE",
	.summary = "Draw the layers of an image",
	.about = "Prints the layers of an image, the lowest first, with their sizes.",
	.examples = {
		{ "rl image tree alpine", "The layers of 'alpine'." },
		{ "rl image tree 4bcff63911fc", "The same by the beginning of its id." },
	},
	.options = tree_options,
	.min_args = 1,
	.max_args = 1,
	.run = image_tree,
};
