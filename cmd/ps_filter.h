/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ps_filter.h - which containers a list shows: "--filter KEY=VALUE"
 *
 * The same key again: either may match (labels: all must). Different keys: all must match
 * (CLI.md "Filters"). Keys: id name label label! exited status ancestor before since until network
 * volume health pod restart-policy command should-start-on-boot publish expose.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "cmd/filter.h"
#include "core/base/strv.h"
#include "core/rl.h"

/* The row of container @id as filters know it (cmd/ps_row.h); NULL when it is gone or damaged (which is said). */
json_t *ps_row(struct rl *rl, const char *id);

/* -EINVAL names an unknown key or a value that does not fit; -ENOENT for an unknown container. */
int ps_filters_new(const struct rl *rl, const struct strv *words, struct filters *ret,
		   struct rl_err *err) RL_MUST_USE;
/* @row: the object that ps made. */
bool ps_filters_match(const struct filters *f, const json_t *row);
/* Is a state asked for that the default would hide? */
bool ps_filters_want_all(const struct filters *f);
