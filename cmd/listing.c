/* SPDX-License-Identifier: Apache-2.0 */
/* listing.c - what lists of networks, volumes and secrets have in common; the header is the manual */
#include "config.h"

#include "cmd/listing.h"

#include <errno.h>

#include "cmd/format.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"

bool listing_is_json(const struct listing_opts *o)
{
	return o->format && format_is_json(o->format);
}

int listing_check(const struct listing_opts *o, struct rl_err *err)
{
	return o->quiet && format_asked(o->format)
		       ? rl_fail(err, EINVAL, "'--quiet' and '--format' exclude each other")
		       : 0;
}

int listing_print(const struct listing *l, const struct listing_opts *o, json_t *rows,
		  json_t *heads, struct rl_err *err)
{
	const struct format f = {
		.text = o->quiet                  ? l->quiet
			: format_asked(o->format) ? o->format
						  : l->table,
		.no_heading = o->no_heading,
		.headers = heads,
		.map_names = l->map_names,
	};
	auto_buf struct buf out = { 0 };
	int r;

	if (!rows || !heads)
		return rl_oom(err);
	r = format_rows(&f, rows, &out, err);
	return r < 0 ? r : format_print(&out, err);
}
