/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listing.h - what `network ls`, `volume ls` and `secret ls` have in common: options, and rows by a template
 *
 * A command's own options struct begins with struct listing_opts, its option table with LISTING_OPTIONS.
 */
#pragma once

#include <jansson.h>

#include "cmd/opt.h"
#include "core/base/err.h"
#include "core/base/strv.h"

struct listing_opts {
	bool quiet, no_heading;
	struct strv filters;
	const char *format;
};

/* @st: the struct whose member l is the struct listing_opts; @only: what -q prints */
#define LISTING_OPTIONS(st, only)                                                       \
	OPT_LIST('f', "filter", st, l.filters, "KEY=VALUE", "only those that match"),   \
		OPT_STR(0, "format", st, l.format, "FORMAT", "json, or a Go template"), \
		OPT_BOOL('n', "noheading", st, l.no_heading, "no line of headers"),     \
		OPT_BOOL('q', "quiet", st, l.quiet, only)

struct listing {
	const char *quiet;            /* template of -q */
	const char *table;            /* template without --format */
	const char *const *map_names; /* as struct format has them */
};

/* Is it the rows' JSON that is asked for, without words for templates? */
bool listing_is_json(const struct listing_opts *o);
/* -EINVAL: options that exclude each other. To be asked before the rows are made. */
int listing_check(const struct listing_opts *o, struct rl_err *err) RL_MUST_USE;
/* Print @rows; @heads: headers that are not made of the keys, NULL: no memory. */
int listing_print(const struct listing *l, const struct listing_opts *o, json_t *rows,
		  json_t *heads, struct rl_err *err) RL_MUST_USE;
