/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template.h - Go's text/template over JSON, for "--format" of Docker and Podman users
 *
 * Everything of text/template but method calls, {{call}} and imaginary numbers; the functions and
 * or not eq ne lt le gt ge len index slice print printf println html js urlquery and Docker's json
 * join split lower upper title pad truncate. Source: https://pkg.go.dev/text/template, docker
 * inspect(1) "--format". tests/unit/template_go.json is a table of what Go's own package prints.
 *
 * What Go knows by types and JSON does not tell is told by @map_names: "Labels" is a key whose
 * object is a map (sorted, a missing key prints "<no value>", null is "map[]"), "Ports[]" one with
 * lists as values, "[]Cmd" a key whose null is an empty list, "{}Health" one whose null is a nil
 * pointer to a struct, but one with fields (all empty), so that .State.Health.Status is no error
 * and {{if .State.Health}} says no. Every other object counts as a Go
 * struct: an unknown field is an error, names match as typed, else without regard to case, so .Id
 * and .ID are alike. More lenient than Go: a whole number equals the same float, structs have a
 * length, can be indexed and ranged over, and the elements of join need not be texts.
 *
 * Limits: text 64 KiB, nesting 64, fields in a row 64, output 64 MiB, a text 16 MiB, 10 million
 * steps, of which 64 bytes given to or made by a function are one.
 */
#pragma once

#include <jansson.h>

#include "core/base/buf.h"
#include "core/base/err.h"

struct tmpl;

/* @text is not needed afterwards. -EINVAL says what is wrong and where (byte offset). */
int tmpl_parse(const char *text, struct tmpl **ret, struct rl_err *err) RL_MUST_USE;

/**
 * tmpl_run() - Append the result for one piece of data
 * @map_names:	As told above, NULL-terminated; or NULL
 * @out:	What was written before an error stays in it
 */
int tmpl_run(const struct tmpl *t, json_t *data, const char *const *map_names, struct buf *out,
	     struct rl_err *err) RL_MUST_USE;

/*
 * tmpl_headers() - For "table ..." formats: the same template with every field replaced by its
 * column header from @headers (object: field name to header; others: the name in capitals).
 */
int tmpl_headers(const struct tmpl *t, const json_t *headers, struct buf *out,
		 struct rl_err *err) RL_MUST_USE;

void tmpl_free(struct tmpl *t); /* NULL is fine */
