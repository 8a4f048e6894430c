/* SPDX-License-Identifier: Apache-2.0 */
/*
 * images.c - `rl images`: the images of this store
 *
 * A row is one name of an image; an image without a name has one row. With --format json there is
 * one object per image. Configs are read only when labels are asked for or all is printed.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "cmd/cmd.h"
#include "cmd/format.h"
#include "cmd/image_filter.h"
#include "cmd/image_view.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "storage/mlist.h"

struct images_opts {
	bool all, quiet, no_trunc, digests, no_heading, history;
	struct strv filters;
	const char *format, *sort;
};

static const struct opt images_options[] = {
	OPT_BOOL('a', "all", struct images_opts, all, "intermediate images too (there are none)"),
	OPT_BOOL(0, "digests", struct images_opts, digests, "show the digests of manifests"),
	OPT_LIST('f', "filter", struct images_opts, filters, "KEY=VALUE",
		 "show only images that match"),
	OPT_STR(0, "format", struct images_opts, format, "FORMAT",
		"json, or a Go template such as 'table {{.ID}}\\t{{.Repository}}'"),
	OPT_BOOL(0, "history", struct images_opts, history, "show all names of an image"),
	OPT_BOOL(0, "no-trunc", struct images_opts, no_trunc, "show whole ids"),
	OPT_BOOL('n', "noheading", struct images_opts, no_heading, "no line of headers"),
	OPT_BOOL('q', "quiet", struct images_opts, quiet, "only ids"),
	OPT_STR(0, "sort", struct images_opts, sort, "KEY",
		"created (default), id, repository, size or tag"),
	OPT_END,
};

struct row {
	const struct image *img; /* borrowed */
	struct name_parts parts;
	int containers;
};

struct rows {
	struct image *images;
	size_t n_images;
	struct row *v;
	size_t n;
	int *containers; /* per image */
};

static void rows_done(struct rows *r)
{
	for (size_t i = 0; i < r->n; i++)
		name_parts_done(&r->v[i].parts);
	free(r->v);
	free(r->containers);
	image_list_done(r->images, r->n_images);
}

/* --- collecting -------------------------------------------------------------------------- */

/* @look: somebody wants to know; 0 for all otherwise */
static int count_containers(const struct rl *rl, bool look, struct rows *r, struct rl_err *err)
{
	auto_strv struct strv users = { 0 };
	int rc = look ? image_users(rl, &users, err) : 0;

	if (rc < 0)
		return rc;
	r->containers = calloc(r->n_images + 1, sizeof(*r->containers));
	if (!r->containers)
		return rl_oom(err);
	for (size_t i = 0; i < r->n_images; i++)
		for (size_t k = 0; k < users.n; k++)
			r->containers[i] += strncmp(users.v[k], r->images[i].id, 64) == 0;
	return 0;
}

static int add_row(struct rows *r, size_t image, const char *name, struct rl_err *err)
{
	struct row *v;
	int rc;

	if ((r->n & (r->n - 1)) == 0) { /* capacity: the power of two at or above n */
		v = reallocarray(r->v, r->n ? r->n * 2 : 1, sizeof(*v));
		if (!v)
			return rl_oom(err);
		r->v = v;
	}
	v = &r->v[r->n];
	*v = (struct row){ .img = &r->images[image], .containers = r->containers[image] };
	rc = name_parts(name, &v->parts, err);
	if (rc == 0)
		r->n++;
	return rc;
}

/* Drop images that are not wanted; the others keep their order. */
static int apply_filters(const struct rl *rl, const struct filters *f, bool need_config,
			 struct rows *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n_images; i++) {
		struct image img = r->images[i];
		struct rl_err why = { 0 };
		bool ok = !need_config || image_load_config(rl, &img, &why) == 0;

		if (!ok)
			log_warn("ignoring an image: %s", why.msg);
		if (ok && image_filters_match(f, &img, r->containers[i])) {
			r->containers[kept] = r->containers[i];
			r->images[kept++] = img;
		} else {
			image_done(&img);
		}
	}
	r->n_images = kept;
	return 0;
}

/* Images, then manifest lists. */
static int read_all(const struct rl *rl, struct rows *r, struct rl_err *err)
{
	struct image *lists = NULL, *v;
	size_t n = 0;
	int rc = image_list(rl, &r->images, &r->n_images, err);

	if (rc == 0)
		rc = mlist_all(rl, &lists, &n, err);
	if (rc < 0 || n == 0)
		return rc;
	v = reallocarray(r->images, r->n_images + n, sizeof(*v));
	if (!v) {
		image_list_done(lists, n);
		return rl_oom(err);
	}
	memcpy(v + r->n_images, lists, n * sizeof(*v));
	free(lists);
	r->images = v;
	r->n_images += n;
	return 0;
}

static int collect(const struct rl *rl, const struct images_opts *o, const char *word,
		   struct rows *r, struct rl_err *err)
{
	auto_filters struct filters f = { 0 };
	int rc = image_filters_new(rl, &o->filters, word, &f, err);

	if (rc == 0)
		rc = read_all(rl, r, err);
	if (rc == 0)
		rc = count_containers(rl, o->format || o->filters.n > 0, r, err);
	if (rc == 0)
		rc = apply_filters(rl, &f, o->format || image_filters_need_config(&f), r);
	for (size_t i = 0; i < r->n_images && rc == 0; i++) {
		const struct strv *names = &r->images[i].names;

		if (names->n == 0)
			rc = add_row(r, i, NULL, err);
		for (size_t k = 0; k < names->n && rc == 0; k++)
			rc = add_row(r, i, names->v[k], err);
	}
	return rc;
}

/* --- order ------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->img->id, ((const struct row *)b)->img->id);
}

static int by_tag(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->parts.tag, ((const struct row *)b)->parts.tag);
}

static int by_repository(const void *a, const void *b)
{
	int c = strcmp(((const struct row *)a)->parts.repo, ((const struct row *)b)->parts.repo);

	return c ? c : by_tag(a, b);
}

static int by_size(const void *a, const void *b)
{
	int64_t x = ((const struct row *)a)->img->size, y = ((const struct row *)b)->img->size;

	return x < y ? -1 : x > y ? 1 : by_repository(a, b);
}

static int by_created(const void *a, const void *b)
{
	int64_t x = ((const struct row *)a)->img->created_ns;
	int64_t y = ((const struct row *)b)->img->created_ns;

	return x > y ? -1 : x < y ? 1 : by_repository(a, b);
}

static const struct {
	const char *name;
	int (*order)(const void *, const void *);
} orders[] = {
	{ "created", by_created }, { "id", by_id },   { "repository", by_repository },
	{ "size", by_size },       { "tag", by_tag },
};

static int sort_rows(const char *key, struct rows *r, struct rl_err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		if (strcmp(orders[i].name, key ? key : "created") != 0)
			continue;
		if (r->n > 1)
			qsort(r->v, r->n, sizeof(*r->v), orders[i].order);
		return 0;
	}
	return rl_fail(err, EINVAL, "--sort '%s': expected created, id, repository, size or tag",
		       key);
}

/* --- printing ---------------------------------------------------------------------------- */

static void id_text(char out[80], const struct images_opts *o, const struct image *img)
{
	(void)snprintf(out, 80, o->no_trunc ? "sha256:%s" : "%.12s", img->id);
}

/* Each image once, in the order of the rows. */
static int print_ids(const struct images_opts *o, const struct rows *r, struct buf *out)
{
	int rc = 0;

	for (size_t i = 0; i < r->n && rc == 0; i++) {
		bool seen = false;
		char id[80];

		for (size_t k = 0; k < i && !seen; k++)
			seen = r->v[k].img == r->v[i].img;
		id_text(id, o, r->v[i].img);
		rc = seen ? 0 : buf_printf(out, "%s\n", id);
	}
	return rc;
}

static int add_history(const struct row *row, struct table *t)
{
	auto_buf struct buf b = { 0 };
	int r = buf_str(&b, "");

	for (size_t i = 0; i < row->img->names.n && r == 0; i++)
		r = buf_printf(&b, "%s%s", i ? ", " : "", row->img->names.v[i]);
	return r < 0 ? r : table_add(t, b.data ? b.data : "");
}

static int table_row(const struct images_opts *o, const struct row *row, struct table *t)
{
	char id[80], age[FORMAT_TEXT_MAX], ago[FORMAT_TEXT_MAX + 4], size[FORMAT_TEXT_MAX];
	int r;

	id_text(id, o, row->img);
	format_age(age, wall_ns() - row->img->created_ns);
	(void)snprintf(ago, sizeof(ago), "%s ago", age);
	format_size(size, row->img->size, 3, " ");
	r = table_add(t, row->parts.repo);
	if (r == 0)
		r = table_add(t, row->parts.tag);
	if (r == 0 && o->digests)
		r = table_add(t, row->img->digest ? row->img->digest : "<none>");
	if (r == 0)
		r = table_add(t, id);
	if (r == 0)
		r = table_add(t, ago);
	if (r == 0)
		r = table_add(t, size);
	return r < 0 || !o->history ? r : add_history(row, t);
}

static int print_table(const struct images_opts *o, const struct rows *r, struct buf *out)
{
	const char *const heads[] = {
		"REPOSITORY", "TAG",  o->digests ? "DIGEST" : NULL, "IMAGE ID",
		"CREATED",    "SIZE", o->history ? "HISTORY" : NULL
	};
	auto_table struct table t = { 0 };
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(heads) && rc == 0; i++) {
		t.columns += heads[i] != NULL;
		rc = heads[i] && !o->no_heading ? table_add(&t, heads[i]) : 0;
	}
	for (size_t i = 0; i < r->n && rc == 0; i++)
		rc = table_row(o, &r->v[i], &t);
	return rc < 0 ? rc : table_print(&t, out);
}

/* What templates know beside the JSON keys; Size and Created are for people there. */
static json_t *template_row(const struct images_opts *o, const struct row *row)
{
	json_t *j = image_list_json(row->img, row->containers);
	char id[80], age[FORMAT_TEXT_MAX], ago[FORMAT_TEXT_MAX + 4], size[FORMAT_TEXT_MAX];
	time_t made = (time_t)(row->img->created_ns / 1000000000);
	char created[64] = "";
	struct tm tm;

	if (!j)
		return NULL;
	id_text(id, o, row->img);
	format_age(age, wall_ns() - row->img->created_ns);
	(void)snprintf(ago, sizeof(ago), "%s ago", age);
	format_size(size, row->img->size, 3, " ");
	(void)json_object_set_new(j, "Repository", json_string(row->parts.repo));
	(void)json_object_set_new(j, "Tag", json_string(row->parts.tag));
	(void)json_object_set_new(j, "ID", json_string(id));
	(void)json_object_set_new(j, "CreatedSince", json_string(ago));
	if (gmtime_r(&made, &tm))
		(void)strftime(created, sizeof(created), "%Y-%m-%d %H:%M:%S +0000 UTC", &tm);
	(void)json_object_set_new(j, "CreatedAt", json_string(created)); /* as Go prints a time */
	(void)json_object_set_new(j, "CreatedTime", json_string(created));
	(void)json_object_set_new(j, "Created", json_string(ago));
	(void)json_object_set_new(j, "Size", json_string(size));
	(void)json_object_set_new(j, "UniqueSize", json_string(size)); /* Docker's */
	(void)json_object_set_new(j, "ReadOnly", json_false());
	return j;
}

static int print_template(const struct images_opts *o, const struct rows *r, struct buf *out,
			  struct rl_err *err)
{
	json_auto_t *headers =
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "ID", "IMAGE ID", "Id", "IMAGE ID",
			  "CreatedSince", "CREATED", "CreatedAt", "CREATED AT", "CreatedTime",
			  "CREATED TIME", "RepoTags", "REPO TAGS", "RepoDigests", "REPO DIGESTS");
	const struct format f = { .text = o->format,
				  .no_heading = o->no_heading,
				  .headers = headers,
				  .map_names = image_map_names };
	json_auto_t *rows = json_array();

	for (size_t i = 0; i < r->n; i++)
		if (json_array_append_new(rows, template_row(o, &r->v[i])) < 0)
			return rl_oom(err);
	return headers ? format_rows(&f, rows, out, err) : rl_oom(err);
}

static int print_json(const struct rows *r, struct buf *out, struct rl_err *err)
{
	json_auto_t *list = json_array();

	for (size_t i = 0; i < r->n; i++) {
		bool seen = false;

		for (size_t k = 0; k < i && !seen; k++)
			seen = r->v[k].img == r->v[i].img;
		if (!seen && json_array_append_new(
				     list, image_list_json(r->v[i].img, r->v[i].containers)) < 0)
			return rl_oom(err);
	}
	return list ? format_json(list, out, err) : rl_oom(err);
}

static int print_rows(const struct images_opts *o, const struct rows *r, struct buf *out,
		      struct rl_err *err)
{
	int rc;

	if (o->quiet)
		rc = print_ids(o, r, out);
	else if (format_is_json(o->format))
		return print_json(r, out, err);
	else if (o->format)
		return print_template(o, r, out, err);
	else
		rc = print_table(o, r, out);
	return rc < 0 ? rl_oom(err) : 0;
}

static int images_run(struct rl *rl, const struct cmd_args *args, const void *opts,
		      struct rl_err *err)
{
	struct images_opts asked = *(const struct images_opts *)opts, *o = &asked;
	auto_buf struct buf out = { 0 };
	struct rows r = { 0 };
	int rc;

	asked.format = format_asked(asked.format);
	if (o->quiet && o->format)
		return rl_fail(err, EINVAL, "images: '--quiet' and '--format' exclude each other");
	rc = collect(rl, o, args->n ? args->v[0] : NULL, &r, err);
	if (rc == 0)
		rc = sort_rows(o->sort, &r, err);
	if (rc == 0)
		rc = print_rows(o, &r, &out, err);
	if (rc == 0)
		rc = format_print(&out, err);
	rows_done(&r);
	return rc;
}

const struct cmd cmd_images = {
	.name = "images",
	.args = "[IMAGE]",
	.summary = "List images",
	.about = "Lists images, newest first, one line for each name of an image; with "
		 "IMAGE only those of that name (a shell pattern is fine).\n\n"
		 "Filters are KEY=VALUE with reference, dangling, label, before, since, "
		 "until, id, digest and containers. The same key again: either matches "
		 "(labels: all must); different keys: all must match.",
	.examples = {
		{ "rl images -q --filter dangling=true",
		  "Print the ids of images without a name." },
		{ "rl images --format 'table {{.ID}}\\t{{.Repository}}\\t{{.Size}}'",
		  "Choose the columns." },
		{ "rl images 'local*/*'",
		  "List images whose name matches a pattern." },
	},
	.options = images_options,
	.opts_size = sizeof(struct images_opts),
	.max_args = 1,
	.run = images_run,
};
