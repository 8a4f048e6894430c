/* SPDX-License-Identifier: Apache-2.0 */
/* template_ast.h - the parsed form of a template and its functions, for template*.c only */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cmd/template_value.h"
#include "core/base/buf.h"
#include "core/base/err.h"

#define TMPL_TEXT_MAX   65536
#define TMPL_DEPTH_MAX  64
#define TMPL_OUTPUT_MAX (64U << 20)
#define TMPL_VALUE_MAX  (16U << 20) /* bytes of a text that a function makes */
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

/* A constant being read (template_lex.c): where it stands, and what it is. */
struct lex {
	const char *p, *end;
	const char *wrong; /* what is wrong with it, after -EINVAL */
	json_t *value;     /* new reference, after 0 */
};
/* At '"', '`', '\'', a digit, a sign or a '.'. 0, -EINVAL, -ENOMEM; moves @l->p behind it. */
int lex_constant(struct lex *l);
/* Steps over a quoted thing without looking into it; @end when it does not end. */
const char *lex_skip_quoted(const char *p, const char *end);

enum node_kind {
	NODE_TEXT,
	NODE_ACTION,
	NODE_IF,
	NODE_RANGE,
	NODE_WITH,
	NODE_BREAK,
	NODE_CONTINUE,
	NODE_CALL, /* {{template "name" pipeline}}: @text is the name, @pipe may be NULL */
};

struct node {
	enum node_kind kind;
	char *text;
	size_t len;
	struct pipe *pipe;
	struct node *body, *other; /* then/else */
	struct node *next;
};

/* {{define "name"}} */
struct define {
	const char *name;
	struct node *nodes;
	struct define *next;
};

/* All memory of a template hangs in one list, so that freeing needs no walk of the tree. */
struct tmpl {
	struct chunk *chunks;
	struct node *nodes;
	struct define *defines;
};

/* Built-in functions (template_func.c). */
struct call_env {
	const char *name;
	json_t **args; /* borrowed; NULL entries are "no value" */
	size_t n;
	struct kinds *kinds;
};
bool tmpl_is_func(const char *name);
/* @ret: new reference, or NULL for "no value". */
int tmpl_call(const struct call_env *c, json_t **ret, struct rl_err *err);
/* @ret was not made yet: "template: error calling NAME: WHAT". Return: -EINVAL */
int tmpl_wrong(const struct call_env *c, const char *what, struct rl_err *err);
int tmpl_give(const struct buf *b, json_t **ret, struct rl_err *err); /* as a JSON string */
/* html, js, urlquery, lower, upper, title (template_text.c) */
int tmpl_escape(const struct call_env *c, json_t **ret, struct rl_err *err);
int tmpl_case(const struct call_env *c, json_t **ret, struct rl_err *err);
int tmpl_printf(const struct call_env *c, json_t **ret, struct rl_err *err); /* template_printf.c */
