/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ps.c - `rl ps`: list containers
 *
 * Theory of operation: every container becomes one JSON object with the keys of CLI.md; filters,
 * templates and the default table all work on that. A container whose record is damaged is named in
 * a warning and does not hide the others. No lock is waited for; one that lost its monitor is healed,
 * and what crashes left is swept.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/engine/life.h"
#include "cmd/format.h"
#include "cmd/ps_filter.h"
#include "cmd/ps_row.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/waiting.h"

struct ps_opts {
	bool all, quiet, no_trunc, no_heading, latest, ns, size, pod;
	int64_t last;
	uint64_t watch;
	struct strv filters;
	const char *format, *sort;
};

static const struct opt ps_options[] = {
	OPT_BOOL('a', "all", struct ps_opts, all, "those that do not run as well"),
	OPT_LIST('f', "filter", struct ps_opts, filters, "KEY=VALUE", "only those that match"),
	OPT_STR(0, "format", struct ps_opts, format, "FORMAT", "json, or a Go template"),
	OPT_INT('n', "last", struct ps_opts, last, "N", "the N newest, in any state"),
	OPT_BOOL('l', "latest", struct ps_opts, latest, "the newest, in any state"),
	OPT_BOOL(0, "no-trunc", struct ps_opts, no_trunc, "whole ids and commands"),
	OPT_BOOL(0, "noheading", struct ps_opts, no_heading, "no line of headers"),
	OPT_BOOL(0, "ns", struct ps_opts, ns, "the inode numbers of their namespaces"),
	OPT_BOOL('p', "pod", struct ps_opts, pod, "id and name of their pods"),
	OPT_BOOL('q', "quiet", struct ps_opts, quiet, "only ids"),
	OPT_BOOL('s', "size", struct ps_opts, size, "what they have written, and all their files"),
	OPT_STR(0, "sort", struct ps_opts, sort, "ORDER",
		"by command, created (default), id, image, names, runningfor, size or status"),
	OPT_UINT('w', "watch", struct ps_opts, watch, "SECONDS",
		 "print the list again every so many seconds"),
	/* other engines' leftovers, and a state that could be stale: there is neither */
	OPT_IGNORE_BOOL("external"),
	OPT_IGNORE_BOOL("storage"),
	OPT_IGNORE_BOOL("sync"),
	OPT_END,
};

static const char *str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

/* --- order -------------------------------------------------------------------------------- */

struct item {
	json_t *row;
	json_int_t created_ns; /* what most orders look at, again and again */
};

static const json_t *row_of(const void *item)
{
	return ((const struct item *)item)->row;
}

static int newest_first(const void *a, const void *b)
{
	json_int_t x = ((const struct item *)a)->created_ns;
	json_int_t y = ((const struct item *)b)->created_ns;

	return (x < y) - (x > y);
}

static int oldest_first(const void *a, const void *b)
{
	return newest_first(b, a);
}

static int by_text(const void *a, const void *b, const char *key)
{
	int d = strcmp(str(row_of(a), key), str(row_of(b), key));

	return d ? d : oldest_first(a, b);
}

static int by_command(const void *a, const void *b)
{
	return by_text(a, b, "CommandText");
}

static int by_id(const void *a, const void *b)
{
	return by_text(a, b, "Id");
}

static int by_image(const void *a, const void *b)
{
	return by_text(a, b, "Image");
}

static int by_status(const void *a, const void *b)
{
	return by_text(a, b, "State");
}

static const char *name_of(const json_t *j)
{
	const char *s = json_string_value(json_array_get(json_object_get(j, "Names"), 0));

	return s ? s : "";
}

static int by_name(const void *a, const void *b)
{
	return strcmp(name_of(row_of(a)), name_of(row_of(b)));
}

static json_int_t size_of(const json_t *j)
{
	return json_integer_value(json_object_get(json_object_get(j, "Size"), "rootFsSize"));
}

static int by_size(const void *a, const void *b)
{
	json_int_t x = size_of(row_of(a)), y = size_of(row_of(b));

	return x == y ? oldest_first(a, b) : (x > y) - (x < y);
}

typedef int (*order_fn)(const void *, const void *);

static int get_order(const char *word, order_fn *ret, struct rl_err *err)
{
	static const struct {
		const char *word;
		order_fn fn;
	} all[] = {
		{ "command", by_command }, { "created", oldest_first },
		{ "id", by_id },           { "image", by_image },
		{ "names", by_name },      { "runningfor", oldest_first },
		{ "size", by_size },       { "status", by_status },
	};

	*ret = newest_first;
	if (!word || !*word)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (strcmp(all[i].word, word) == 0) {
			*ret = all[i].fn;
			return 0;
		}
	}
	return rl_fail(err, EINVAL,
		       "invalid argument '%s' for '--sort': choose from command, created, id, "
		       "image, names, runningfor, size, status",
		       word);
}

static int sort(json_t *rows, order_fn order)
{
	size_t n = json_array_size(rows);
	auto_free struct item *v = calloc(n + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		v[i].row = json_incref(json_array_get(rows, i));
		v[i].created_ns = json_integer_value(json_object_get(v[i].row, "CreatedNs"));
	}
	if (n > 1)
		qsort(v, n, sizeof(*v), order);
	for (size_t i = 0; i < n; i++)
		(void)json_array_set_new(rows, i, v[i].row); /* its place is there */
	return 0;
}

/* --- which -------------------------------------------------------------------------------- */

static bool mentions(const char *format, const char *const *words)
{
	for (; format && *words; words++)
		if (strstr(format, *words))
			return true;
	return false;
}

/* Nothing in @format but fields that brief rows have */
static bool is_brief(const char *format)
{
	static const char *const brief[] = { PS_ROW_BRIEF };
	const char *p = strstr(format, "{{");
	bool ok = p != NULL;

	for (; ok && p; p = strstr(p, "{{")) {
		size_t n = strcspn(p, "}");

		ok = false;
		for (size_t i = 0; i < ARRAY_LEN(brief); i++)
			ok = ok || (p[2] == '.' && strlen(brief[i]) == n - 3 &&
				    strncmp(brief[i], p + 3, n - 3) == 0);
		p += n;
		ok = ok && strncmp(p, "}}", 2) == 0;
	}
	return ok;
}

/* All that are wanted, newest first. Shown by default are those that run; a filter on the state,
 * or a count, asks for all. */
static int collect(struct rl *rl, const struct ps_opts *o, order_fn order, json_t *ret,
		   struct rl_err *err)
{
	static const char *const ns_words[] = { ".Namespaces", ".MNT",  ".NET",    ".IPC",
						".PIDNS",      ".UTS",  ".UserNS", ".USERNS",
						".Cgroup",     ".User", ".CGROUP", NULL };
	auto_strv struct strv ids = { 0 };
	auto_filters struct filters f = { 0 };
	struct ps_row_how how = { .whole = o->no_trunc,
				  .namespaces = o->ns || mentions(o->format, ns_words) };
	size_t most = o->latest ? 1 : o->last > 0 ? (size_t)o->last : SIZE_MAX;
	int r = ps_filters_new(rl, &o->filters, &f, err);

	how.brief = o->filters.n == 0 && !o->ns && !o->size && !o->pod && order != by_size &&
		    (!o->format || is_brief(o->format));
	how.running_only = !(o->all || o->latest || o->last > 0 || ps_filters_want_all(&f));
	life_sweep(rl, false);
	if (r == 0)
		r = ctr_list(rl, &ids, err);
	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		json_t *row = ps_row_make(rl, ids.v[i], &how);

		if (row && ps_filters_match(&f, row))
			r = json_array_append(ret, row) < 0 ? rl_oom(err) : 0;
		json_decref(row);
	}
	if (r == 0)
		r = sort(ret, newest_first) < 0 ? rl_oom(err) : 0;
	while (json_array_size(ret) > most)
		(void)json_array_remove(ret, json_array_size(ret) - 1); /* it is there */
	return r;
}

/* --- how ---------------------------------------------------------------------------------- */

static char *default_format(const struct ps_opts *o)
{
	if (o->quiet)
		return strdup("{{.ID}}");
	if (o->ns)
		return strdup("table {{.ID}}\t{{.Names}}\t{{.Pid}}\t{{.Cgroup}}\t{{.Ipc}}\t"
			      "{{.Mnt}}\t{{.Net}}\t{{.Pidns}}\t{{.UserNS}}\t{{.Uts}}");
	return str_printf("table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}"
			  "\t{{.Ports}}\t{{.Names}}%s%s",
			  o->pod ? "\t{{.Pod}}\t{{.PodName}}" : "", o->size ? "\t{{.Size}}" : "");
}

static int print(const struct ps_opts *o, json_t *rows, struct buf *out, struct rl_err *err)
{
	static const char *const maps[] = { "Labels", "ExposedPorts", NULL };
	bool as_json = format_is_json(o->format);
	auto_free char *usual = default_format(o);
	json_auto_t *heads = ps_row_headers();
	const struct format f = { .text = o->format ? o->format : usual,
				  .no_heading = o->no_heading,
				  .headers = heads,
				  .map_names = maps };
	json_t *row;
	size_t i;
	int r = usual && heads ? 0 : rl_oom(err);

	json_array_foreach (rows, i, row) {
		if (r == 0 &&
		    (as_json ? ps_row_for_json(row) : ps_row_for_template(row, o->no_trunc)) < 0)
			r = rl_oom(err);
	}
	if (r < 0)
		return r;
	return as_json ? format_json(rows, out, err) : format_rows(&f, rows, out, err);
}

static int once(struct rl *rl, const struct ps_opts *o, order_fn order, struct rl_err *err)
{
	static const char *const size_words[] = { ".Size", NULL };
	json_auto_t *rows = json_array();
	auto_buf struct buf out = { 0 };
	int r = rows ? collect(rl, o, order, rows, err) : rl_oom(err);

	if (r == 0 && (o->size || order == by_size || mentions(o->format, size_words)))
		r = ps_row_sizes(rl, rows, err);
	if (r == 0 && order != newest_first)
		r = sort(rows, order) < 0 ? rl_oom(err) : 0;
	if (r == 0)
		r = print(o, rows, &out, err);
	return r < 0 ? r : format_print(&out, err);
}

static int check(const struct ps_opts *o, struct rl_err *err)
{
	if (o->quiet && (o->size || o->ns))
		return rl_fail(err, EINVAL, "--quiet excludes --size and --ns");
	if (o->size && o->ns)
		return rl_fail(err, EINVAL, "--size and --ns exclude each other");
	if (o->latest && o->last > 0)
		return rl_fail(err, EINVAL, "--last and --latest exclude each other");
	if (o->watch > INT32_MAX / 1000)
		return rl_fail(err, EINVAL, "--watch: %llu s is too long",
			       (unsigned long long)o->watch);
	return 0;
}

static int ps(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	struct ps_opts asked = *(const struct ps_opts *)opts, *o = &asked;
	auto_waiting struct waiting w = { 0 };
	order_fn order;
	int r = check(o, err);

	(void)args;
	asked.format = format_asked(asked.format);
	if (r == 0)
		r = get_order(o->sort, &order, err);
	if (o->watch > 0)
		waiting_begin(&w, "the next look in %lld s, until ctrl-c", (long long)o->watch);
	for (;;) {
		if (r == 0 && o->watch > 0 && isatty(STDOUT_FILENO))
			r = io_write_all(STDOUT_FILENO, "\033[H\033[2J", 7) < 0 ? -EPIPE : 0;
		if (r == 0)
			r = once(rl, o, order, err);
		if (r < 0 || o->watch == 0)
			return r;
		(void)poll(NULL, 0, (int)o->watch * 1000); /* a signal ends rl */
	}
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
