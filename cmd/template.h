/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template.h - the part of Go's text/template that "--format" of Docker and Podman users needs
 *
 * Data is JSON. Supported: text, {{- trim -}}, comments, fields and chains (.A.B, $x.A, (index .A
 * 0).B), variables ($x := pipeline, $x = pipeline, $), pipelines, if / else if / else, range with
 * one or two variables and else, with, break, continue; the functions and or not eq ne lt le gt ge
 * len index slice print printf println and Docker's json join split lower upper title
 * pad truncate. Source: https://pkg.go.dev/text/template, docker inspect(1) "--format".
 *
 * An object counts as a Go struct (an unknown field is an error) unless its key is listed in
 * @map_names (then a missing key prints "<no value>"). Field names match as typed, else without
 * regard to case, so .Id and .ID are alike.
 *
 * Limits: text 64 KiB, nesting 64, output 64 MiB, 10 million steps.
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
 * @map_names:	Keys whose objects are maps, NULL-terminated; or NULL
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
