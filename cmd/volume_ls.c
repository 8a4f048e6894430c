/* SPDX-License-Identifier: Apache-2.0 */
/* volume_ls.c - `rl volume ls`: list volumes */
#include "config.h"

#include "cmd/cmd.h"
#include "cmd/listing.h"
#include "cmd/volume_view.h"
#include "core/base/cleanup.h"

struct ls_opts {
	struct listing_opts l;
};

static const struct opt ls_options[] = {
	LISTING_OPTIONS(struct ls_opts, "only names"),
	OPT_END,
};

static const struct listing listing = { "{{.Name}}", "table {{.Driver}}\t{{.Name}}",
					volume_map_names };

struct rows {
	const struct rl *rl;
	json_t *list;
	bool json;
};

static int add_row(void *arg, const struct volume *v, size_t users, struct rl_err *err)
{
	struct rows *r = arg;
	json_t *row = volume_view(r->rl, v, users);

	if (json_array_append_new(r->list, row) < 0 || (!r->json && volume_view_add(row) < 0))
		return rl_oom(err);
	return 0;
}

static int volume_ls(struct rl *rl, const struct cmd_args *args, const void *opts,
		     struct rl_err *err)
{
	const struct ls_opts *o = opts;
	json_auto_t *list = json_array();
	json_auto_t *heads = json_pack("{s:s}", "Name", "VOLUME NAME");
	struct rows rows = { rl, list, listing_is_json(&o->l) };
	auto_filters struct filters filters = { 0 };
	int r = listing_check(&o->l, err);

	(void)args;
	if (r == 0)
		r = volume_filters_new(rl, &o->l.filters, &filters, err);
	if (r == 0)
		r = volume_each(rl, &filters, add_row, &rows, err);
	return r < 0 ? r : listing_print(&listing, &o->l, list, heads, err);
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
