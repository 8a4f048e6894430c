/* SPDX-License-Identifier: Apache-2.0 */
/* network_ls.c - `rl network ls`: list named networks */
#include "config.h"

#include <errno.h>

#include "cmd/cmd.h"
#include "cmd/format.h"
#include "cmd/network_view.h"
#include "core/base/cleanup.h"

struct ls_opts {
	bool quiet, no_heading, no_trunc;
	struct strv filters;
	const char *format;
};

static const struct opt ls_options[] = {
	OPT_LIST('f', "filter", struct ls_opts, filters, "KEY=VALUE", "only those that match"),
	OPT_STR(0, "format", struct ls_opts, format, "FORMAT", "json, or a Go template"),
	OPT_BOOL('n', "noheading", struct ls_opts, no_heading, "no line of headers"),
	OPT_BOOL(0, "no-trunc", struct ls_opts, no_trunc, "whole ids"),
	OPT_BOOL('q', "quiet", struct ls_opts, quiet, "only names"),
	OPT_END,
};

struct rows {
	const struct rl *rl;
	const struct ls_opts *o;
	json_t *list;
	bool json;
};

static int add_row(void *arg, const struct network *n, struct rl_err *err)
{
	struct rows *r = arg;
	json_t *row = network_view(r->rl, n);

	if (!row || json_array_append_new(r->list, row) < 0 ||
	    (!r->json && network_view_add(row, r->rl, n, r->o->no_trunc, true) < 0))
		return rl_oom(err);
	return 0;
}

static int network_ls(struct rl *rl, const struct cmd_args *args, const void *opts,
		      struct rl_err *err)
{
	const struct ls_opts *o = opts;
	json_auto_t *list = json_array();
	json_auto_t *heads = json_pack("{s:s, s:s, s:s}", "ID", "NETWORK ID", "Name", "NAME",
				       "Driver", "DRIVER");
	struct rows rows = { rl, o, list, o->format && format_is_json(o->format) };
	struct format f = { .text = o->format,
			    .no_heading = o->no_heading,
			    .headers = heads,
			    .map_names = network_map_names };
	struct network_filters *filters = NULL;
	auto_buf struct buf out = { 0 };
	int r;

	(void)args;
	if (o->quiet && o->format)
		return rl_fail(err, EINVAL,
			       "network ls: '--quiet' and '--format' exclude each other");
	if (!list || !heads)
		return rl_oom(err);
	r = network_filters_new(rl, &o->filters, &filters, err);
	if (r == 0)
		r = network_each(rl, filters, add_row, &rows, err);
	network_filters_free(filters);
	if (o->quiet)
		f.text = "{{.Name}}";
	else if (!f.text)
		f.text = "table {{.ID}}\t{{.Name}}\t{{.Driver}}";
	if (r == 0)
		r = format_rows(&f, list, &out, err);
	return r < 0 ? r : format_print(&out, err);
}

const struct cmd cmd_network_ls = {
	.name = "network ls",
	.args = "",
	.summary = "List named networks",
	.about = "Lists all named networks, by name. Filters are KEY=VALUE with name (a regular "
		 "expression), id (the beginning of one), label, label!, driver, dangling, scope, "
		 "type and until; the same key again: either matches (labels: all must); different "
		 "keys: all must match.",
	.examples = {
		{ "rl network ls --filter dangling=true",
		  "Those that no container belongs to." },
		{ "rl network ls --format '{{.Name}} {{range .subnets}}{{.subnet}} {{end}}'",
		  "Names and subnets." },
	},
	.options = ls_options,
	.opts_size = sizeof(struct ls_opts),
	.run = network_ls,
};
