/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ps.c - `rl ps`: list containers
 *
 * Theory of operation: every container becomes one JSON object with the keys of CLI.md; filters,
 * templates and the default table all work on that. A container whose record is damaged is named in
 * a warning and does not hide the others. No lock is waited for; one that lost
 * its monitor is healed, and what crashes left is swept.
 */
#include "config.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/engine/life.h"
#include "cmd/format.h"
#include "cmd/ps_filter.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/health.h"

#define STATE_MAX (8U << 20)

struct ps_opts {
	bool all, quiet, no_trunc, no_heading, latest;
	int64_t last;
	struct strv filters;
	const char *format;
};

static const struct opt ps_options[] = {
	OPT_BOOL('a', "all", struct ps_opts, all, "those that do not run as well"),
	OPT_LIST('f', "filter", struct ps_opts, filters, "KEY=VALUE", "only those that match"),
	OPT_STR(0, "format", struct ps_opts, format, "FORMAT", "json, or a Go template"),
	OPT_INT('n', "last", struct ps_opts, last, "N", "the N newest, in any state"),
	OPT_BOOL('l', "latest", struct ps_opts, latest, "the newest, in any state"),
	OPT_BOOL(0, "no-trunc", struct ps_opts, no_trunc, "whole ids and commands"),
	OPT_BOOL(0, "noheading", struct ps_opts, no_heading, "no line of headers"),
	OPT_BOOL('q', "quiet", struct ps_opts, quiet, "only ids"),
	OPT_END,
};

static void status_text(char out[96], const struct ctr_state *s, const char *health)
{
	char age[FORMAT_TEXT_MAX];

	if (s->status == CTR_CREATED) {
		(void)snprintf(out, 96, "Created");
	} else if (s->status == CTR_EXITED || s->status == CTR_RESTARTING) {
		format_age(age, wall_ns() - s->exit.finished_ns);
		(void)snprintf(out, 96, "%s (%d) %s ago",
			       s->status == CTR_EXITED ? "Exited" : "Restarting", s->exit.code,
			       age);
	} else {
		format_age(age, wall_ns() - s->started_ns);
		(void)snprintf(out, 96, "Up %s%s%s%s%s", age,
			       s->status == CTR_PAUSED ? " (Paused)" : "", *health ? " (" : "",
			       health, *health ? ")" : "");
	}
}

static const char *str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

/* "sleep 100", quoted and cut to 17 bytes unless @whole */
static char *command_text(const json_t *args, bool whole)
{
	auto_buf struct buf b = { 0 };
	size_t i;
	const json_t *a;

	json_array_foreach (args, i, a) {
		const char *s = json_string_value(a);

		if (buf_printf(&b, "%s%s", i ? " " : "", s ? s : "") < 0)
			return NULL;
	}
	if (!whole && b.len > 17)
		return str_printf("%.17s...", b.data);
	return buf_take(&b);
}

/* The object of one container: keys of `ps --format json`, and what only templates use. */
static json_t *row(const struct ps_opts *o, const struct ctr *c, const json_t *state,
		   const struct ctr_state *s, int64_t created_ns)
{
	auto_free char *command = command_text(json_object_get(state, "args"), o->no_trunc);
	json_t *labels = json_object_get(state, "labels"), *args = json_object_get(state, "args");
	char health[16] = "", status[96], age[FORMAT_TEXT_MAX], ago[FORMAT_TEXT_MAX + 4];
	const char *created = str(state, "created");

	if (json_is_object(json_object_get(state, "health")) && ctr_is_alive(s))
		health_read_status(c->dir_fd, health);
	status_text(status, s, health);
	format_age(age, wall_ns() - created_ns);
	(void)snprintf(ago, sizeof(ago), "%s ago", age);
	return json_pack("{s:s, s:s, s:s, s:[s], s:O, s:I, s:s, s:I, s:I, s:b, s:i, s:s, s:s, s:O,"
			 " s:i, s:b, s:o, s:o, s:s, s:s, s:s, s:s, s:s}",
			 "Id", c->id, "Image", str(state, "image_name"), "ImageID",
			 str(state, "image"), "Names", c->name, "Args", args ? args : json_null(),
			 "Created", (json_int_t)(created_ns / 1000000000), "CreatedAt", created,
			 "StartedAt", (json_int_t)(s->started_ns / 1000000000), "ExitedAt",
			 (json_int_t)(s->exit.finished_ns ? s->exit.finished_ns / 1000000000
							  : INT64_C(-62135596800)),
			 "Exited", s->status == CTR_EXITED, "ExitCode", s->exit.code, "State",
			 ctr_status_name(s->status), "Status", status, "Labels",
			 labels ? labels : json_null(), "Pid", (int)s->pid, "AutoRemove",
			 json_is_true(json_object_get(state, "remove")), "Mounts", json_array(),
			 "Networks", json_pack("[s]", str(state, "net")), "CreatedHuman", ago,
			 "RunningFor", ago, "CommandText", command ? command : "", "Ports", "",
			 "Health", health);
}

/* One container, or NULL when it is gone or damaged (which is said). */
static json_t *load(struct rl *rl, const struct ps_opts *o, const char *id)
{
	json_auto_t *state = NULL;
	json_t *j = NULL;
	struct rl_err err = { 0 };
	struct ctr_state s;
	struct ctr c;
	int64_t created_ns = 0;
	int r = ctr_open(rl, id, &c, &err);

	if (r < 0)
		return NULL; /* removed between listing and opening */
	r = life_state(rl, &c, &s, &err);
	if (r == 0 && c.record)
		state = json_incref(c.record);
	else if (r == 0) /* for the reason */
		r = json_read_file(c.dir_fd, "state.json", STATE_MAX, &state, &err);
	if (r == 0) {
		(void)time_parse_rfc3339(str(state, "created"), &created_ns);
		j = row(o, &c, state, &s, created_ns);
		(void)json_object_set_new(j, "CreatedNs", json_integer(created_ns));
	} else if (r != -ENOENT) {
		log_warn("container %.12s is damaged, showing the others: %s", id, err.msg);
	}
	ctr_done(&c);
	return j;
}

json_t *ps_row(struct rl *rl, const char *id)
{
	return load(rl, &(const struct ps_opts){ .no_trunc = true }, id);
}

static int newest_first(const void *a, const void *b)
{
	json_int_t x = json_integer_value(json_object_get(*(json_t *const *)a, "CreatedNs"));
	json_int_t y = json_integer_value(json_object_get(*(json_t *const *)b, "CreatedNs"));

	return (x < y) - (x > y);
}

/* Shown by default are those that run; a filter on the state or a count asks for all. */
static bool is_wanted(const struct ps_opts *o, const struct ps_filters *f, const json_t *j)
{
	const char *state = str(j, "State");
	bool all = o->all || o->latest || o->last > 0 || ps_filters_want_all(f);

	return (all || strcmp(state, "running") == 0 || strcmp(state, "paused") == 0 ||
		strcmp(state, "restarting") == 0) &&
	       ps_filters_match(f, j);
}

static int collect(struct rl *rl, const struct ps_opts *o, json_t *ret, struct rl_err *err)
{
	auto_strv struct strv ids = { 0 };
	struct ps_filters *f = NULL;
	auto_free json_t **all = NULL;
	int64_t most = o->latest ? 1 : o->last > 0 ? o->last : INT64_MAX;
	size_t n = 0;
	int r = ctr_list(rl, &ids, err);

	life_sweep(rl);
	if (r == 0)
		r = ps_filters_new(rl, &o->filters, &f, err);
	all = calloc(ids.n + 1, sizeof(*all));
	if (r == 0 && !all)
		r = rl_oom(err);
	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		all[n] = load(rl, o, ids.v[i]);
		n += all[n] != NULL;
	}
	if (n > 1)
		qsort(all, n, sizeof(json_t *), newest_first);
	for (size_t i = 0; i < n; i++) {
		if (r == 0 && most > 0 && is_wanted(o, f, all[i])) {
			most--;
			r = json_array_append(ret, all[i]) < 0 ? rl_oom(err) : 0;
		}
		json_decref(all[i]);
	}
	ps_filters_free(f);
	return r;
}

/* In templates ids are short and lists are text. */
static int for_template(const struct ps_opts *o, json_t *rows)
{
	size_t i;
	json_t *j;

	json_array_foreach (rows, i, j) {
		char id[80];

		(void)snprintf(id, sizeof(id), o->no_trunc ? "%s" : "%.12s", str(j, "Id"));
		if (json_object_set_new(j, "ID", json_string(id)) < 0 ||
		    json_object_set_new(j, "Id", json_string(id)) < 0 ||
		    json_object_set_new(
			    j, "Names",
			    json_incref(json_array_get(json_object_get(j, "Names"), 0))) < 0 ||
		    json_object_set(j, "Command", json_object_get(j, "CommandText")) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int print_json(json_t *rows, struct buf *out, struct rl_err *err)
{
	static const char *const inner[] = { "CreatedHuman", "RunningFor", "CommandText",
					     "CreatedNs",    "Args",       "Ports",
					     "Health" };
	size_t i;
	json_t *j;

	json_array_foreach (rows, i, j) {
		(void)json_object_set(j, "Command", json_object_get(j, "Args"));
		for (size_t k = 0; k < ARRAY_LEN(inner); k++)
			(void)json_object_del(j, inner[k]); /* may not be there */
		(void)json_object_set_new(j, "Ports", json_null());
	}
	return format_json(rows, out, err);
}

static int ps(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	static const char *const maps[] = { "Labels", NULL };
	const struct ps_opts *o = opts;
	json_auto_t *rows = json_array();
	json_auto_t *heads =
		json_pack("{s:s, s:s, s:s, s:s}", "ID", "CONTAINER ID", "Id", "CONTAINER ID",
			  "RunningFor", "CREATED", "CreatedHuman", "CREATED");
	auto_buf struct buf out = { 0 };
	struct format f = {
		.text = o->format, .no_heading = o->no_heading, .headers = heads, .map_names = maps
	};
	int r;

	(void)args;
	if (o->quiet && o->format)
		return rl_fail(err, EINVAL, "ps: '--quiet' and '--format' exclude each other");
	if (!rows || !heads)
		return rl_oom(err);
	r = collect(rl, o, rows, err);
	if (r == 0 && !format_is_json(o->format))
		r = for_template(o, rows) < 0 ? rl_oom(err) : 0;
	if (r < 0)
		return r;
	if (o->quiet)
		f.text = "{{.ID}}";
	else if (!f.text)
		f.text = "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t"
			 "{{.Ports}}\t{{.Names}}";
	r = format_is_json(o->format) ? print_json(rows, &out, err)
				      : format_rows(&f, rows, &out, err);
	return r < 0 ? r : format_print(&out, err);
}

const struct cmd cmd_ps = {
	.name = "ps",
	.args = "",
	.summary = "List containers",
	.about = "Lists running containers, newest first; with -a those that do not run "
		 "as well.\n\n"
		 "Filters are KEY=VALUE; the same key again: either matches (labels: "
		 "all must); different keys: all must match. --format takes json or a "
		 "Go template; a template that begins with 'table ' gets a line of "
		 "headers.",
	.examples = {
		{ "rl ps -a",
		  "List all containers." },
		{ "rl ps -aq --filter status=exited",
		  "Print the ids of those that have ended." },
		{ "rl ps --format 'table {{.Names}}\\t{{.Status}}'",
		  "Choose the columns." },
	},
	.options = ps_options,
	.opts_size = sizeof(struct ps_opts),
	.run = ps,
};
