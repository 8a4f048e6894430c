/* SPDX-License-Identifier: Apache-2.0 */
/* volume_ls.c - `rl volume ls`: list volumes */
#include "config.h"

#include <errno.h>

#include "cmd/cmd.h"
#include "cmd/format.h"
#include "cmd/volume_view.h"
#include "core/base/cleanup.h"

struct ls_opts {
	bool quiet, no_heading;
	struct strv filters;
	const char *format;
};

static const struct opt ls_options[] = {
	OPT_LIST('f', "filter", struct ls_opts, filters, "KEY=VALUE", "only those that match"),
	OPT_STR(0, "format", struct ls_opts, format, "FORMAT", "json, or a Go template"),
	OPT_BOOL('n', "noheading", struct ls_opts, no_heading, "no line of headers"),
	OPT_BOOL('q', "quiet", struct ls_opts, quiet, "only names"),
	OPT_END,
};

struct rows {
	const struct rl *rl;
	json_t *list;
};

static int add_row(void *arg, const struct volume *v, size_t users, struct rl_err *err)
{
	struct rows *r = arg;

	return json_array_append_new(r->list, volume_view(r->rl, v, users)) < 0 ? rl_oom(err) : 0;
}

static int volume_ls(struct rl *rl, const struct cmd_args *args, const void *opts,
		     struct rl_err *err)
{
	const struct ls_opts *o = opts;
	json_auto_t *list = json_array();
	json_auto_t *heads = json_pack("{s:s}", "Name", "VOLUME NAME");
	struct rows rows = { rl, list };
	struct format f = { .text = o->format,
			    .no_heading = o->no_heading,
			    .headers = heads,
			    .map_names = volume_map_names };
	struct volume_filters *filters = NULL;
	auto_buf struct buf out = { 0 };
	int r;

	(void)args;
	if (o->quiet && o->format)
		return rl_fail(err, EINVAL,
			       "volume ls: '--quiet' and '--format' exclude each other");
	if (!list || !heads)
		return rl_oom(err);
	r = volume_filters_new(rl, &o->filters, &filters, err);
	if (r == 0)
		r = volume_each(rl, filters, add_row, &rows, err);
	volume_filters_free(filters);
	if (o->quiet)
		f.text = "{{.Name}}";
	else if (!f.text)
		f.text = "table {{.Driver}}\t{{.Name}}";
	if (r == 0)
		r = format_rows(&f, list, &out, err);
	return r < 0 ? r : format_print(&out, err);
}

const struct cmd cmd_volume_ls = {
	.name = "volume ls",
	.args = "",
	.summary = "List volumes",
	.about = "Lists all volumes, by name. Filters are KEY=VALUE with name (a regular "
		 "expression), label, label!, driver, dangling, anonymous, opt, scope, since, "
		 "after and until; the same key again: either matches (labels: all must); "
		 "different keys: all must match.",
	.examples = {
		{ "rl volume ls --filter dangling=true",
		  "Those that no container uses." },
		{ "rl volume ls --format '{{.Name}} {{.Mountpoint}}'",
		  "Names, and the folders where their files are." },
	},
	.options = ls_options,
	.opts_size = sizeof(struct ls_opts),
	.run = volume_ls,
};
