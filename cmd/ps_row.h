/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ps_row.h - one container as the JSON object that lists, filters and templates work on
 *
 * Keys are those of `ps --format json` in CLI.md. Besides there are, for filters and templates only:
 * Record (state.json), CreatedNs, CreatedHuman, RunningFor, CommandText, PortsText, CreatedTime,
 * Health, SizeText.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "core/ctr_state.h"

/* Fields of templates that a brief row has; it costs a fifth of a whole one. */
#define PS_ROW_BRIEF \
	"ID", "Id", "Names", "Image", "Command", "RunningFor", "Status", "State", "Ports"

struct ps_row_how {
	bool running_only; /* others give NULL, cheaply */
	bool whole;        /* commands are not cut */
	bool namespaces;   /* inode numbers, from /proc */
	bool brief;        /* only what PS_ROW_BRIEF names, and what orders need */
};

/* NULL when it is gone, not wanted, or damaged (which is said). One that lost its monitor is healed. */
json_t *ps_row_make(struct rl *rl, const char *id, const struct ps_row_how *how);
/* Size and SizeText of all rows, looked up together. */
int ps_row_sizes(const struct rl *rl, json_t *rows, struct rl_err *err) RL_MUST_USE;
/* Leave what `--format json` shows. */
int ps_row_for_json(json_t *row) RL_MUST_USE;
/* Short ids, lists as text: what templates show. */
int ps_row_for_template(json_t *row, bool whole) RL_MUST_USE;
/* Column headers of fields for "table ..." */
json_t *ps_row_headers(void);
