/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search.c - `rl search`: ask registries what they have
 *
 * Names and descriptions come from strangers; format_print() keeps them from acting on a terminal.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/format.h"
#include "core/base/cleanup.h"
#include "core/base/parse.h"
#include "storage/fetch_search.h"

#define DESCRIPTION_MAX 44 /* bytes shown of a description, "..." besides */

struct search_opts {
	bool list_tags, no_trunc, compatible, no_heading;
	int tls_verify; /* -1 = not given */
	uint64_t limit, retry;
	struct strv filters;
	const char *authfile, *creds, *cert_dir, *format;
};

static const struct opt search_options[] = {
	OPT_STR(0, "authfile", struct search_opts, authfile, "FILE", "take logins from FILE only"),
	OPT_STR(0, "cert-dir", struct search_opts, cert_dir, "DIR",
		"use certificates and keys in DIR"),
	OPT_BOOL(0, "compatible", struct search_opts, compatible,
		 "also the columns STARS, OFFICIAL and AUTOMATED"),
	OPT_STR(0, "creds", struct search_opts, creds, "USER:PASSWORD",
		"log in as USER for this command only"),
	OPT_LIST('f', "filter", struct search_opts, filters, "KEY=VALUE",
		 "only those that match: stars=N, is-official, is-automated"),
	OPT_STR(0, "format", struct search_opts, format, "FORMAT", "json, or a Go template"),
	OPT_UINT(0, "limit", struct search_opts, limit, "N",
		 "so many of each registry (default 25)"),
	OPT_BOOL(0, "list-tags", struct search_opts, list_tags, "list the tags of a repository"),
	OPT_BOOL(0, "no-trunc", struct search_opts, no_trunc, "whole descriptions"),
	OPT_TRI(0, "tls-verify", struct search_opts, tls_verify,
		"check certificates; =false also allows plain http"),
	OPT_END,
};

/* --- filters --- */

struct wanted {
	int64_t stars;
	int official, automated; /* -1 = not asked for */
};

static int read_filter(const char *text, struct wanted *w, struct rl_err *err)
{
	const char *eq = strchr(text, '=');
	size_t n = eq ? (size_t)(eq - text) : strlen(text);
	const char *value = eq ? eq + 1 : "true";
	bool yes;

	if (n == 5 && strncmp(text, "stars", n) == 0) {
		if (!eq || parse_int(value, 0, INT64_MAX, &w->stars) < 0)
			return rl_fail(err, EINVAL, "filter 'stars' wants a number");
		return 0;
	}
	if (parse_bool(value, &yes) < 0)
		return rl_fail(err, EINVAL, "invalid value in filter '%s'", text);
	if (n == 11 && strncmp(text, "is-official", n) == 0)
		w->official = yes;
	else if (n == 12 && strncmp(text, "is-automated", n) == 0)
		w->automated = yes;
	else
		return rl_fail(err, EINVAL,
			       "unknown filter '%s': expected stars, is-official or is-automated",
			       text);
	return 0;
}

static bool is_wanted(const struct wanted *w, json_t *row)
{
	return json_integer_value(json_object_get(row, "Stars")) >= w->stars &&
	       (w->official < 0 || w->official == json_is_true(json_object_get(row, "Official"))) &&
	       (w->automated < 0 ||
		w->automated == json_is_true(json_object_get(row, "Automated")));
}

/* --- rows --- */

/* At a character's beginning, which UTF-8 tells by its first byte. */
static char *shorten(const char *text)
{
	size_t n = strlen(text);

	if (n <= DESCRIPTION_MAX)
		return strdup(text);
	for (n = DESCRIPTION_MAX; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
		n--;
	return str_printf("%.*s...", (int)n, text);
}

static int mark(json_t *row, const char *key)
{
	bool yes = json_is_true(json_object_get(row, key));

	return json_object_set_new(row, key, json_string(yes ? "[OK]" : ""));
}

static int fit_row(const struct search_opts *o, json_t *row, struct rl_err *err)
{
	const char *text = json_string_value(json_object_get(row, "Description"));
	auto_free char *cut = o->no_trunc ? strdup(text ? text : "") : shorten(text ? text : "");

	for (char *p = cut; p && *p; p++)
		if (*p == '\n' || *p == '\t' || *p == '\r') /* a row is a line */
			*p = ' ';
	if (!cut || json_object_set_new(row, "Description", json_string(cut)) < 0)
		return rl_oom(err);
	if (!o->list_tags && (mark(row, "Official") < 0 || mark(row, "Automated") < 0))
		return rl_oom(err);
	return 0;
}

static int select_rows(const struct search_opts *o, json_t *all, json_t *rows, struct rl_err *err)
{
	struct wanted w = { .official = -1, .automated = -1 };
	json_t *row;
	size_t i;

	for (i = 0; i < o->filters.n; i++)
		if (read_filter(o->filters.v[i], &w, err) < 0)
			return -err->code;
	json_array_foreach (all, i, row) {
		if (!is_wanted(&w, row))
			continue;
		if (fit_row(o, row, err) < 0)
			return -err->code;
		if (json_array_append(rows, row) < 0)
			return rl_oom(err);
	}
	return 0;
}

/* [ { "Name": .., "Tags": [..] } ] */
static int tags_json(json_t *rows, struct buf *out, struct rl_err *err)
{
	json_auto_t *list = json_array(), *tags = json_array();
	json_t *row;
	size_t i;

	if (!list || !tags)
		return rl_oom(err);
	json_array_foreach (rows, i, row)
		if (json_array_append(tags, json_object_get(row, "Tag")) < 0)
			return rl_oom(err);
	if (json_array_size(rows) > 0 &&
	    json_array_append_new(list, json_pack("{s:O, s:O}", "Name",
						  json_object_get(json_array_get(rows, 0), "Name"),
						  "Tags", tags)) < 0)
		return rl_oom(err);
	return format_json(list, out, err);
}

/* Docker's names, for templates */
static int add_docker_names(json_t *rows)
{
	static const char *const same[][2] = { { "StarCount", "Stars" },
					       { "IsOfficial", "Official" },
					       { "IsAutomated", "Automated" } };
	json_t *row;
	size_t i;
	int bad = 0;

	json_array_foreach (rows, i, row) {
		for (size_t k = 0; k < ARRAY_LEN(same); k++)
			bad |= json_object_set(row, same[k][0], json_object_get(row, same[k][1]));
	}
	return bad;
}

static int print_rows(const struct search_opts *o, json_t *rows, struct rl_err *err)
{
	json_auto_t *heads = json_pack("{s:s, s:s, s:s, s:s}", "StarCount", "STARS", "IsOfficial",
				       "OFFICIAL", "IsAutomated", "AUTOMATED", "Tag", "TAG");
	struct format f = { .text = format_asked(o->format), .headers = heads };
	auto_buf struct buf out = { 0 };
	int r;

	if (!heads)
		return rl_oom(err);
	if (o->list_tags && format_is_json(o->format))
		return tags_json(rows, &out, err) < 0 ? -err->code : format_print(&out, err);
	if (!f.text && json_array_size(rows) == 0)
		return 0; /* no headers above nothing */
	if (!f.text && o->list_tags)
		f.text = "table {{.Name}}\t{{.Tag}}";
	else if (!f.text && o->compatible)
		f.text = "table {{.Name}}\t{{.Description}}\t{{.Stars}}\t{{.Official}}\t"
			 "{{.Automated}}";
	else if (!f.text)
		f.text = "table {{.Name}}\t{{.Description}}";
	if (!o->list_tags && !format_is_json(f.text) && add_docker_names(rows) < 0)
		return rl_oom(err);
	r = format_rows(&f, rows, &out, err);
	return r < 0 ? r : format_print(&out, err);
}

static int search(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct search_opts *o = opts;
	json_auto_t *all = NULL, *rows = json_array();
	const struct search_req req = {
		.to = { .name = args->v[0],
			.authfile = o->authfile,
			.creds = o->creds,
			.cert_dir = o->cert_dir,
			.tls_verify = o->tls_verify,
			.retries = o->retry,
			.quiet = true },
		.list_tags = o->list_tags,
		.limit = o->limit,
	};

	if (!rows)
		return rl_oom(err);
	if (o->list_tags && o->filters.n > 0)
		return rl_fail(err, EINVAL, "--list-tags and --filter exclude each other");
	if (o->limit == 0 || o->limit > 10000)
		return rl_fail(err, EINVAL, "--limit is 1 to 10000");
	if (fetch_search(rl, &req, &all, err) < 0 || select_rows(o, all, rows, err) < 0)
		return -err->code;
	return print_rows(o, rows, err);
}

const struct cmd cmd_search = {
	.name = "search",
	.args = "TERM",
	.summary = "Ask registries what they have",
	.about = "Asks for repositories whose names or descriptions hold TERM: the registry in "
		 "REGISTRY/TERM, else all that short names are looked for in (registries.conf; "
		 "docker.io). A registry without a search is asked for the list of all its "
		 "repositories. 'REGISTRY/' alone lists what it gives.\n\n"
		 "With --list-tags TERM is a repository.",
	.examples = {
		{ "rl search --filter is-official alpine",
		  "What docker.io itself takes care of." },
		{ "rl search localhost:5000/", "All that a registry of one's own has." },
		{ "rl search --list-tags --limit 100 quay.io/podman/stable",
		  "The tags of a repository." },
	},
	.options = search_options,
	.defaults = &(const struct search_opts){ .limit = 25, .retry = 1, .tls_verify = -1 },
	.opts_size = sizeof(struct search_opts),
	.min_args = 1,
	.max_args = 1,
	.run = search,
};
