/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format.h - what people read: ages, sizes, tables, and --format for lists
 *
 * Output is collected in a buffer and written at once by format_print(), which replaces control
 * bytes when stdout is a terminal: names and labels come from strangers (SECURITY S39).
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/strv.h"

#define FORMAT_TEXT_MAX 32

/* "2 minutes", "About an hour", "3 weeks"; for a negative age "Less than a second" */
void format_age(char out[FORMAT_TEXT_MAX], int64_t age_ns);
/* As Go prints a time.Duration: "0s", "1.5ms", "2m3.25s", "1h0m0s" */
void format_duration(char out[FORMAT_TEXT_MAX], int64_t ns);
/* Decimal units and @digits significant ones: "2.13 MB" (3, " "), "2.131MB" (4, "") */
void format_size(char out[FORMAT_TEXT_MAX], int64_t bytes, int digits, const char *space);

/* Rows of cells, one after the other; columns are as wide as their widest cell, two blanks apart. */
struct table {
	struct strv cells;
	size_t columns;
};

int table_add(struct table *t, const char *cell) RL_MUST_USE; /* 0 or -ENOMEM */
/* Append all rows to @out. 0 or -ENOMEM. */
int table_print(const struct table *t, struct buf *out) RL_MUST_USE;
void table_done(struct table *t);
#define auto_table __attribute__((cleanup(table_done)))

struct format {
	const char *text; /* --format: "json", "table TEMPLATE", "TEMPLATE" */
	bool no_heading;
	const json_t *headers;        /* field to column header, for "table" */
	const char *const *map_names; /* for cmd/template.h */
};

/* True for --format json (and no other; blanks around it are fine). */
bool format_is_json(const char *text);
/* @text, or NULL where it asks for what is printed without --format: "" and "table". */
const char *format_asked(const char *text);
/**
 * format_rows() - Apply --format to a list
 * @rows:	Array of objects; with "json" printed as it is
 */
int format_rows(const struct format *f, json_t *rows, struct buf *out,
		struct rl_err *err) RL_MUST_USE;
/* Indented JSON and a newline. */
int format_json(const json_t *j, struct buf *out, struct rl_err *err) RL_MUST_USE;

/* To stdout. 0, -EPIPE and other -errno */
int format_print(const struct buf *out, struct rl_err *err) RL_MUST_USE;
