/* SPDX-License-Identifier: Apache-2.0 */
/* network_ls.c - `rl network ls`: list named networks */
#include "config.h"

#include <errno.h>

#include "cmd/cmd.h"
#include "cmd/listing.h"
#include "cmd/network_view.h"
#include "core/base/cleanup.h"

struct ls_opts {
	struct listing_opts l;
	bool no_trunc;
};

static const struct opt ls_options[] = {
	LISTING_OPTIONS(struct ls_opts, "only names"),
	OPT_BOOL(0, "no-trunc", struct ls_opts, no_trunc, "whole ids"),
	OPT_END,
};

static const struct listing listing = { "{{.Name}}", "table {{.ID}}\t{{.Name}}\t{{.Driver}}",
					network_map_names };

struct rows {
	const struct rl *rl;
	const struct ls_opts *o;
	json_t *list;
	bool json;
};

/* Labels as both Docker and Podman show them here: "a=1,b=2" (.Label "a" goes by the key "labels");
 * and two more names of Docker's. */
static int row_words(json_t *row)
{
	auto_buf struct buf b = { 0 };
	const char *key;
	json_t *v;
	int r = 0;

	json_object_foreach (json_object_get(row, "labels"), key, v) {
		if (r == 0)
			r = buf_printf(&b, "%s%s=%s", b.len ? "," : "", key, json_string_value(v));
	}
	if (r < 0 || json_object_set(row, "CreatedAt", json_object_get(row, "Created")) < 0 ||
	    json_object_set(row, "IPv4", json_object_get(row, "EnableIPv4")) < 0)
		return -ENOMEM;
	return json_object_set_new(row, "Labels", json_string(b.data ? b.data : ""));
}

static int add_row(void *arg, const struct network *n, struct rl_err *err)
{
	struct rows *r = arg;
	json_t *row = network_view(r->rl, n);

	if (!row || json_array_append_new(r->list, row) < 0 ||
	    (!r->json &&
	     (network_view_add(row, r->rl, n, r->o->no_trunc, true) < 0 || row_words(row) < 0)))
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
	struct rows rows = { rl, o, list, listing_is_json(&o->l) };
	auto_filters struct filters filters = { 0 };
	int r = listing_check(&o->l, err);

	(void)args;
	if (r == 0)
		r = network_filters_new(rl, &o->l.filters, &filters, err);
	if (r == 0)
		r = network_each(rl, &filters, add_row, &rows, err);
	return r < 0 ? r : listing_print(&listing, &o->l, list, heads, err);
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
