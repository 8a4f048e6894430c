/* SPDX-License-Identifier: Apache-2.0 */
/*
 * system_df.c - `rl system df`: how much room images, containers and volumes take
 *
 * Theory of operation: an image takes what its layers take, and a layer that several images have is
 * counted once; it can be had back when none of its images has a container. A container takes what it
 * wrote, a volume what is in it: both are looked through, inside S.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/engine/life.h"
#include "cmd/format.h"
#include "cmd/image_view.h"
#include "cmd/volume_view.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "storage/du.h"
#include "storage/image.h"
#include "storage/layer.h"

struct df_opts {
	bool verbose;
	const char *format;
};

static const struct opt df_options[] = {
	OPT_STR(0, "format", struct df_opts, format, "FORMAT", "json, or a Go template"),
	OPT_BOOL('v', "verbose", struct df_opts, verbose, "each image, container and volume"),
	OPT_END,
};

struct total {
	int64_t count, active, bytes, reclaimable;
};

/* Rows of the long form, and sums of the short one */
struct df {
	json_t *images, *containers, *volumes; /* arrays of objects */
	struct total t[3];
};

/* --- images ------------------------------------------------------------------------------ */

/* How many images have each layer, and how many of those have containers */
static int count_layers(const struct image *v, size_t n, const int *users, json_t *all,
			json_t *active)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < v[i].diff_ids.n; k++) {
			const char *id = v[i].diff_ids.v[k];
			json_int_t a = json_integer_value(json_object_get(all, id)) + 1;

			if (json_object_set_new(all, id, json_integer(a)) < 0)
				return -ENOMEM;
			if (users[i] && json_object_set_new(active, id, json_true()) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static int image_rows(const struct image *img, int users, int64_t shared, int64_t unique,
		      json_t *rows)
{
	size_t n = img->names.n ? img->names.n : 1;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		auto_name_parts struct name_parts p = { 0 };
		struct rl_err ignored;

		if (name_parts(img->names.n ? img->names.v[i] : NULL, &p, &ignored) < 0)
			return -ENOMEM;
		r = json_array_append_new(rows,
					  json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:i}",
						    "Repository", p.repo, "Tag", p.tag, "ImageID",
						    img->id, "Created", (json_int_t)img->created_ns,
						    "Size", (json_int_t)(shared + unique),
						    "SharedSize", (json_int_t)shared, "UniqueSize",
						    (json_int_t)unique, "Containers", users));
	}
	return r < 0 ? -ENOMEM : 0;
}

static int sum_layers(const json_t *sizes, json_t *all, const json_t *active, struct total *t)
{
	const char *id;
	json_t *n;

	json_object_foreach (all, id, n) {
		int64_t bytes = json_integer_value(json_object_get(sizes, id));

		t->bytes += bytes;
		t->reclaimable += json_object_get(active, id) ? 0 : bytes;
	}
	return 0;
}

static int add_images(struct df *d, const struct image *v, size_t n, const int *users,
		      const json_t *sizes)
{
	json_auto_t *all = json_object(), *active = json_object();
	int r = all && active ? count_layers(v, n, users, all, active) : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++) {
		int64_t shared = 0, unique = 0;

		for (size_t k = 0; k < v[i].diff_ids.n; k++) {
			const char *id = v[i].diff_ids.v[k];
			int64_t bytes = json_integer_value(json_object_get(sizes, id));

			*(json_integer_value(json_object_get(all, id)) > 1 ? &shared : &unique) +=
				bytes;
		}
		d->t[0].count++;
		d->t[0].active += users[i] > 0;
		r = image_rows(&v[i], users[i], shared, unique, d->images);
	}
	return r < 0 ? r : sum_layers(sizes, all, active, &d->t[0]);
}

static int look_at_images(const struct rl *rl, struct df *d, struct rl_err *err)
{
	auto_strv struct strv users = { 0 };
	auto_free int *counts = NULL;
	json_auto_t *sizes = NULL;
	struct image *v = NULL;
	size_t n = 0;
	int r = image_list(rl, &v, &n, err);

	if (r == 0)
		r = image_users(rl, &users, err);
	if (r == 0)
		r = layer_sizes(rl, &sizes, err);
	counts = calloc(n + 1, sizeof(*counts));
	for (size_t i = 0; i < n && counts; i++)
		for (size_t k = 0; k < users.n; k++)
			counts[i] += strncmp(users.v[k], v[i].id, 64) == 0;
	if (r == 0 && (!counts || add_images(d, v, n, counts, sizes) < 0))
		r = rl_oom(err);
	image_list_done(v, n);
	return r;
}

/* --- containers -------------------------------------------------------------------------- */

static const char *str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

/* What it wrote: beside its image's layers, or into its copy of them */
static int64_t container_bytes(const struct rl *rl, const struct session *s, const char *id)
{
	auto_free char *upper = str_printf("containers/%s/upper", id);
	auto_free char *copy = str_printf("containers/%s/rootfs", id);
	const char *const paths[] = { upper, copy };
	struct rl_err why = { 0 };
	int64_t n[2] = { 0 };

	if (!s || !upper || !copy)
		return 0;
	if (du_trees(rl, s, paths, 2, n, &why) < 0)
		log_warn("container %.12s: %s", id, why.msg);
	return n[0] + n[1];
}

static int add_container(const struct rl *rl, const struct session *s, const struct strv *users,
			 const char *id, struct df *d)
{
	const json_t *args;
	json_t *row = NULL;
	struct rl_err why;
	struct ctr_state st;
	int64_t bytes, created = 0, volumes = 0;
	struct ctr c;
	bool runs;

	if (ctr_open(rl, id, &c, &why) < 0)
		return 0; /* gone already */
	if (life_state(rl, &c, &st, &why) < 0) {
		log_warn("container %.12s is left out: %s", id, why.msg);
		ctr_done(&c);
		return 0;
	}
	runs = st.status == CTR_RUNNING || st.status == CTR_PAUSED;
	bytes = container_bytes(rl, s, id);
	for (size_t i = 0; i < users->n; i++)
		volumes += strlen(users->v[i]) > 64 &&
			   strcmp(users->v[i] + strlen(users->v[i]) - 64, id) == 0;
	args = json_object_get(c.record, "args");
	(void)time_parse_rfc3339(str(c.record, "created"), &created); /* 0 when damaged */
	d->t[1] = (struct total){ d->t[1].count + 1, d->t[1].active + runs, d->t[1].bytes + bytes,
				  d->t[1].reclaimable + (runs ? 0 : bytes) };
	row = json_pack("{s:s, s:s, s:o, s:I, s:I, s:I, s:s, s:s}", "ContainerID", id, "Image",
			str(c.record, "image_name"), "Args",
			args ? json_deep_copy(args) : json_array(), "LocalVolumes",
			(json_int_t)volumes, "Size", (json_int_t)bytes, "Created",
			(json_int_t)created, "Status", ctr_status_name(st.status), "Names", c.name);
	ctr_done(&c);
	return json_array_append_new(d->containers, row) < 0 ? -ENOMEM : 0;
}

static int look_at_containers(const struct rl *rl, const struct session *s, struct df *d,
			      struct rl_err *err)
{
	auto_strv struct strv ids = { 0 }, users = { 0 };
	int r = ctr_list(rl, &ids, err);

	if (r == 0)
		r = volume_users(rl, &users, err);
	for (size_t i = 0; i < ids.n && r == 0; i++)
		if (add_container(rl, s, &users, ids.v[i], d) < 0)
			r = rl_oom(err);
	return r;
}

/* --- volumes ----------------------------------------------------------------------------- */

struct volume_arg {
	const struct rl *rl;
	const struct session *s;
	struct df *d;
};

static int add_volume(void *arg, const struct volume *v, size_t users, struct rl_err *err)
{
	const struct volume_arg *a = arg;
	const char *path = v->path;
	struct total *t = &a->d->t[2];
	int64_t bytes = 0;

	if (a->s && du_trees(a->rl, a->s, &path, 1, &bytes, err) < 0)
		log_warn("volume '%s': %s", v->name, err->msg);
	*t = (struct total){ t->count + 1, t->active + (users > 0), t->bytes + bytes,
			     t->reclaimable + (users ? 0 : bytes) };
	return json_array_append_new(a->d->volumes,
				     json_pack("{s:s, s:I, s:I}", "VolumeName", v->name, "Links",
					       (json_int_t)users, "Size", (json_int_t)bytes)) < 0
		       ? rl_oom(err)
		       : 0;
}

/* --- printing ---------------------------------------------------------------------------- */

static json_t *total_row(const char *type, const struct total *t)
{
	char size[FORMAT_TEXT_MAX], free_size[FORMAT_TEXT_MAX], text[FORMAT_TEXT_MAX + 16];
	int percent =
		t->bytes > 0 ? (int)(100.0 * (double)t->reclaimable / (double)t->bytes + 0.5) : 0;

	format_size(size, t->bytes, 4, "");
	format_size(free_size, t->reclaimable, 4, "");
	(void)snprintf(text, sizeof(text), "%s (%d%%)", free_size, percent);
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:s}", "Type", type, "Total",
			 (json_int_t)t->count, "TotalCount", (json_int_t)t->count, "Active",
			 (json_int_t)t->active, "RawSize", (json_int_t)t->bytes, "RawReclaimable",
			 (json_int_t)t->reclaimable, "Size", size, "Reclaimable", text);
}

static int print_short(const struct df_opts *o, const struct df *d, struct buf *out,
		       struct rl_err *err)
{
	json_auto_t *rows =
		json_pack("[o, o, o]", total_row("Images", &d->t[0]),
			  total_row("Containers", &d->t[1]), total_row("Local Volumes", &d->t[2]));
	const struct format f = {
		.text = format_asked(o->format)
				? o->format
				: "table {{.Type}}\t{{.Total}}\t{{.Active}}\t{{.Size}}\t"
				  "{{.Reclaimable}}",
	};

	return rows ? format_rows(&f, rows, out, err) : rl_oom(err);
}

/* Numbers of the rows become text: ages, sizes, short ids. */
static int texts(json_t *rows, const char *id_key)
{
	static const char *const sizes[] = { "Size", "SharedSize", "UniqueSize" };
	json_t *j;
	size_t i;

	json_array_foreach (rows, i, j) {
		char text[FORMAT_TEXT_MAX];
		const json_t *created = json_object_get(j, "Created");
		auto_free char *id = strndup(str(j, id_key), 12);

		for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
			const json_t *n = json_object_get(j, sizes[k]);

			if (!n)
				continue;
			format_size(text, json_integer_value(n), 4, "");
			if (json_object_set_new(j, sizes[k], json_string(text)) < 0)
				return -ENOMEM;
		}
		if (!created)
			continue;
		format_age(text, wall_ns() - json_integer_value(created));
		if (!id || json_object_set_new(j, "Created", json_string(text)) < 0 ||
		    json_object_set_new(j, id_key, json_string(id)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int commands(json_t *rows)
{
	json_t *j, *word;
	size_t i, k;

	json_array_foreach (rows, i, j) {
		auto_buf struct buf b = { 0 };
		int r = buf_str(&b, "");

		json_array_foreach (json_object_get(j, "Args"), k, word)
			if (r == 0)
				r = buf_printf(&b, "%s%s", k ? " " : "", json_string_value(word));
		if (r == 0 && b.len > 17) {
			b.len = 17;
			r = buf_str(&b, "...");
		}
		if (r < 0 ||
		    json_object_set_new(j, "Command", json_string(b.data ? b.data : "")) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int print_long(const struct df *d, struct buf *out, struct rl_err *err)
{
	json_auto_t *heads =
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "ImageID", "IMAGE ID", "SharedSize",
			  "SHARED SIZE", "UniqueSize", "UNIQUE SIZE", "ContainerID", "CONTAINER ID",
			  "LocalVolumes", "LOCAL VOLUMES", "VolumeName", "VOLUME NAME");
	struct format f = { .headers = heads };
	int r = heads && texts(d->images, "ImageID") == 0 &&
				texts(d->containers, "ContainerID") == 0 &&
				texts(d->volumes, "") == 0 && commands(d->containers) == 0 &&
				buf_str(out, "Images space usage:\n\n") == 0
			? 0
			: rl_oom(err);

	f.text = "table {{.Repository}}\t{{.Tag}}\t{{.ImageID}}\t{{.Created}}\t{{.Size}}\t"
		 "{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}";
	if (r == 0)
		r = format_rows(&f, d->images, out, err);
	if (r == 0)
		r = buf_str(out, "\nContainers space usage:\n\n") < 0 ? rl_oom(err) : 0;
	f.text = "table {{.ContainerID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t"
		 "{{.Created}}\t{{.Status}}\t{{.Names}}";
	if (r == 0)
		r = format_rows(&f, d->containers, out, err);
	if (r == 0)
		r = buf_str(out, "\nLocal Volumes space usage:\n\n") < 0 ? rl_oom(err) : 0;
	f.text = "table {{.VolumeName}}\t{{.Links}}\t{{.Size}}";
	return r < 0 ? r : format_rows(&f, d->volumes, out, err);
}

static int collect(const struct rl *rl, struct df *d, struct rl_err *err)
{
	struct session s = { .userns_fd = FD_NONE };
	struct rl_err why = { 0 };
	const struct session *inside = session_open(rl, &s, &why) == 0 ? &s : NULL;
	struct volume_arg v = { rl, inside, d };
	int r = look_at_images(rl, d, err);

	if (!inside)
		log_warn("what containers and volumes hold is not known: %s", why.msg);
	if (r == 0)
		r = look_at_containers(rl, inside, d, err);
	if (r == 0)
		r = volume_each(rl, NULL, add_volume, &v, err);
	session_close(&s);
	return r;
}

static int system_df(struct rl *rl, const struct cmd_args *args, const void *opts,
		     struct rl_err *err)
{
	const struct df_opts *o = opts;
	json_auto_t *images = json_array(), *containers = json_array(), *volumes = json_array();
	struct df d = { images, containers, volumes, { { 0 } } };
	auto_buf struct buf out = { 0 };
	int r;

	(void)args;
	if (o->verbose && format_asked(o->format))
		return rl_fail(err, EINVAL,
			       "system df: '--verbose' and '--format' exclude each other");
	if (!images || !containers || !volumes)
		return rl_oom(err);
	r = collect(rl, &d, err);
	if (r == 0)
		r = o->verbose ? print_long(&d, &out, err) : print_short(o, &d, &out, err);
	return r < 0 ? r : format_print(&out, err);
}

const struct cmd cmd_system_df = {
	.name = "system df",
	.args = "",
	.summary = "Show how much room images, containers and volumes take",
	.about = "Prints for images, containers and volumes how many there are, how many are in use, "
		 "how much room they take and how much 'rl system prune' could free. A layer that "
		 "several images share counts once.",
	.examples = {
		{ "rl system df", "The sums." },
		{ "rl system df -v", "Each image, container and volume." },
		{ "rl system df --format '{{.Type}} {{.Size}}'", "Type and size only." },
	},
	.options = df_options,
	.opts_size = sizeof(struct df_opts),
	.run = system_df,
};
