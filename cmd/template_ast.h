/* SPDX-License-Identifier: Apache-2.0 */
/* template_ast.h - the parsed form of a template, shared by template*.c only */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/err.h"

#define TMPL_TEXT_MAX   65536
#define TMPL_DEPTH_MAX  64
#define TMPL_OUTPUT_MAX (64U << 20)
#define TMPL_STEPS_MAX  10000000

enum arg_kind {
	ARG_DOT,   /* . followed by @fields */
	ARG_VAR,   /* $name (name "" is $) followed by @fields */
	ARG_CONST, /* @value; NULL value = nil */
	ARG_FUNC,  /* a function's name */
	ARG_PIPE,  /* ( pipeline ) followed by @fields */
};

struct arg {
	enum arg_kind kind;
	char *name;
	json_t *value;
	struct pipe *pipe;
	char **fields;
	size_t n_fields;
	struct arg *next;
};

/* One command of a pipeline: words; the first may be a function */
struct call {
	struct arg *args;
	struct call *next;
};

struct pipe {
	char *var[2]; /* declared or assigned variables */
	bool assign;  /* "=" instead of ":=" */
	struct call *calls;
};

enum node_kind {
	NODE_TEXT,
	NODE_ACTION,
	NODE_IF,
	NODE_RANGE,
	NODE_WITH,
	NODE_BREAK,
	NODE_CONTINUE
};

struct node {
	enum node_kind kind;
	char *text;
	size_t len;
	struct pipe *pipe;
	struct node *body, *other; /* then/else */
	struct node *next;
};

/* All memory of a template hangs in one list, so that freeing needs no walk of the tree. */
struct tmpl {
	struct chunk *chunks;
	struct node *nodes;
};

/* Built-in functions (template_func.c). */
struct call_env {
	const char *name;
	json_t **args; /* borrowed; NULL entries are "no value" */
	size_t n;
};
bool tmpl_is_func(const char *name);
/* @ret: new reference, or NULL for "no value". */
int tmpl_call(const struct call_env *c, json_t **ret, struct rl_err *err);
bool tmpl_truth(const json_t *v);
/* As Go's %v prints it. 0 or -ENOMEM. */
int tmpl_print(const json_t *v, struct buf *out);
