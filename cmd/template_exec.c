/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template_exec.c - evaluate a parsed template over JSON
 *
 * Theory of operation: a walk over the tree with a stack of variables. Every value in flight is a
 * new reference; C's NULL is Go's "no value" (a missing map entry), JSON null is nil. Steps and
 * output are counted, so that a short template cannot run for ever.
 */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "cmd/template.h"
#include "cmd/template_ast.h"
#include "core/base/cleanup.h"

#define VARS_MAX 64
#define ARGS_MAX 32

struct exec {
	const struct tmpl *t;
	struct kinds kinds;
	const json_t *headers; /* header mode: fields yield their column's name */
	bool header_mode;
	struct buf *out;
	struct rl_err *err;
	struct {
		const char *name;
		json_t *value;
	} vars[VARS_MAX];
	size_t n_vars, first_var; /* a defined template sees those from @first_var on */
	int depth;                /* of {{template}} */
	long steps;
	enum { GO_ON, BREAK, CONTINUE } jump;
};

static int eval_pipe(struct exec *x, const struct pipe *p, json_t *dot, json_t **ret);

static int count(struct exec *x)
{
	if (++x->steps > TMPL_STEPS_MAX || x->out->len > TMPL_OUTPUT_MAX)
		return rl_fail(x->err, E2BIG, "the template does too much");
	return 0;
}

static json_t *get_field(struct exec *x, const json_t *o, const char *name)
{
	json_t *v = json_object_get(o, name), *each;
	const char *key;

	if (v)
		return kinds_field(&x->kinds, name, v);
	if (o == x->kinds.nil_struct)
		return kinds_of_nil(&x->kinds, name);
	json_object_foreach ((json_t *)(uintptr_t)o, key, each) {
		if (strcasecmp(key, name) == 0)
			return kinds_is_map(&x->kinds, o) ? NULL
							  : kinds_field(&x->kinds, key, each);
	}
	return NULL;
}

static json_t *header_of(const struct exec *x, const char *name)
{
	const json_t *h = json_object_get(x->headers, name);
	char up[128];
	size_t n = 0;

	if (json_is_string(h))
		return json_string(json_string_value(h));
	for (; n < sizeof(up) - 1 && name[n]; n++)
		up[n] = name[n] >= 'a' && name[n] <= 'z' ? (char)(name[n] - 32) : name[n];
	up[n] = '\0';
	return json_string(up);
}

/* Follow .A.B from @v (stolen). Behind a key that a map does not have is no value, however deep. */
static int follow(struct exec *x, json_t *v, const struct arg *a, json_t **ret)
{
	if (x->header_mode && a->n_fields) {
		json_decref(v);
		*ret = header_of(x, a->fields[a->n_fields - 1]);
		return *ret ? 0 : rl_oom(x->err);
	}
	for (size_t i = 0; v && i < a->n_fields; i++) {
		const char *name = a->fields[i];
		json_t *f = json_is_object(v) ? get_field(x, v, name) : NULL;
		bool nil = json_is_null(v),
		     map = !f && json_is_object(v) && kinds_is_map(&x->kinds, v);

		json_incref(f);
		json_decref(v);
		v = f;
		if (nil)
			return rl_fail(x->err, EINVAL, "template: nil has no field %s", name);
		if (!f && !map)
			return rl_fail(x->err, EINVAL, "template: can't evaluate field %s", name);
	}
	*ret = v;
	return 0;
}

static int find_var(const struct exec *x, const char *name)
{
	for (size_t i = x->n_vars; i-- > x->first_var;)
		if (strcmp(x->vars[i].name, name) == 0)
			return (int)i;
	return -1;
}

static int eval_arg(struct exec *x, const struct arg *a, json_t *dot, json_t **ret)
{
	json_t *v = NULL;
	int i, r = count(x);

	if (r < 0)
		return r;
	switch (a->kind) {
	case ARG_DOT:
		if (a->n_fields && !dot && !x->header_mode)
			return rl_fail(x->err, EINVAL, "template: nil has no field %s",
				       a->fields[0]);
		return follow(x, json_incref(dot), a, ret);
	case ARG_CONST:
		*ret = json_incref(a->value);
		return 0;
	case ARG_VAR:
		i = find_var(x, a->name);
		if (i < 0)
			return rl_fail(x->err, EINVAL, "template: undefined variable $%s", a->name);
		return follow(x, json_incref(x->vars[i].value), a, ret);
	case ARG_PIPE:
		r = eval_pipe(x, a->pipe, dot, &v);
		return r < 0 ? r : follow(x, v, a, ret);
	case ARG_FUNC:
		return tmpl_call(&(struct call_env){ .name = a->name, .kinds = &x->kinds }, ret,
				 x->err);
	}
	return 0;
}

/* and/or stop at the first argument that decides, as Go 1.18 and newer do. */
static int eval_shortcut(struct exec *x, const struct call *c, json_t *dot, bool piped,
			 json_t *last, json_t **ret)
{
	bool stop_at = c->args->name[0] == 'o';
	json_t *v = NULL;

	if (!c->args->next && !piped)
		return rl_fail(x->err, EINVAL, "template: %s needs arguments", c->args->name);
	for (const struct arg *a = c->args->next; a; a = a->next) {
		int r;

		json_decref(v);
		v = NULL;
		r = eval_arg(x, a, dot, &v);
		if (r < 0)
			return r;
		if (tmpl_truth(v) == stop_at) {
			*ret = v;
			return 0;
		}
	}
	if (piped) {
		json_decref(v);
		v = json_incref(last);
	}
	*ret = v;
	return 0;
}

/* What is done to a column's header, too: {{upper .X}}, {{truncate .X 4}} */
static bool changes_text(const char *func)
{
	static const char *const words[] = { "lower", "upper", "title", "truncate", "pad" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(func, words[i]) == 0)
			return true;
	return false;
}

/* What a function reads and makes counts, too: a text that doubles itself soon fills the memory. */
static int count_text(struct exec *x, json_t *const *args, size_t n, const json_t *made)
{
	size_t bytes = json_string_length(made);

	if (bytes > TMPL_VALUE_MAX)
		return rl_fail(x->err, E2BIG, "the template makes a text that is too long");
	for (size_t i = 0; i < n; i++)
		bytes += json_string_length(args[i]);
	x->steps += (long)(bytes / 64 + json_array_size(made));
	return count(x);
}

static int eval_call(struct exec *x, const struct call *c, json_t *dot, bool piped, json_t *last,
		     json_t **ret)
{
	json_t *args[ARGS_MAX] = { NULL }, *made = NULL;
	size_t n = 0;
	int r = 0;

	if (c->args->kind != ARG_FUNC)
		return eval_arg(x, c->args, dot, ret);
	if (strcmp(c->args->name, "and") == 0 || strcmp(c->args->name, "or") == 0)
		return eval_shortcut(x, c, dot, piped, last, ret);
	for (const struct arg *a = c->args->next; a && r == 0; a = a->next) {
		if (n + 1 >= ARGS_MAX)
			r = rl_fail(x->err, EINVAL, "template: too many arguments");
		else
			r = eval_arg(x, a, dot, &args[n++]);
	}
	if (r == 0 && piped)
		args[n++] = json_incref(last);
	if (r == 0 && x->header_mode && !changes_text(c->args->name))
		*ret = json_incref(n ? args[n - 1] : NULL); /* {{json .X}} has the header of X */
	else if (r == 0)
		r = tmpl_call(&(struct call_env){ c->args->name, args, n, &x->kinds }, &made,
			      x->err);
	if (r == 0 && made)
		r = count_text(x, args, n, made);
	if (r == 0 && made)
		*ret = made;
	else
		json_decref(made);
	for (size_t i = 0; i < n; i++)
		json_decref(args[i]);
	return r;
}

static int set_var(struct exec *x, const struct pipe *p, const char *name, json_t *v)
{
	int i;

	if (!p->assign) {
		if (x->n_vars == VARS_MAX)
			return rl_fail(x->err, EINVAL, "template: too many variables");
		x->vars[x->n_vars].name = name;
		x->vars[x->n_vars++].value = json_incref(v);
		return 0;
	}
	i = find_var(x, name);
	if (i < 0)
		return rl_fail(x->err, EINVAL, "template: undefined variable $%s", name);
	json_incref(v);
	json_decref(x->vars[i].value);
	x->vars[i].value = v;
	return 0;
}

static void drop_vars(struct exec *x, size_t to)
{
	while (x->n_vars > to)
		json_decref(x->vars[--x->n_vars].value);
}

/* The value without its declaration */
static int eval_value(struct exec *x, const struct pipe *p, json_t *dot, json_t **ret)
{
	json_t *v = NULL;

	for (const struct call *c = p->calls; c; c = c->next) {
		json_t *next = NULL;
		int r = eval_call(x, c, dot, c != p->calls, v, &next);

		json_decref(v);
		v = NULL;
		if (r < 0)
			return r;
		v = next;
	}
	*ret = v;
	return 0;
}

static int eval_pipe(struct exec *x, const struct pipe *p, json_t *dot, json_t **ret)
{
	json_t *v = NULL;
	int r = eval_value(x, p, dot, &v);

	if (r == 0 && p->var[0])
		r = set_var(x, p, p->var[0], v);
	if (r < 0) {
		json_decref(v);
		return r;
	}
	*ret = v;
	return 0;
}

static int run_nodes(struct exec *x, const struct node *n, json_t *dot);

/* One turn of a range; @key and @v are borrowed. */
static int turn(struct exec *x, const struct node *n, json_t *key, json_t *v)
{
	size_t base = x->n_vars;
	int r = count(x);

	if (r == 0 && n->pipe->var[1])
		r = set_var(x, n->pipe, n->pipe->var[0], key);
	if (r == 0 && n->pipe->var[0])
		r = set_var(x, n->pipe, n->pipe->var[1] ? n->pipe->var[1] : n->pipe->var[0], v);
	if (r == 0)
		r = run_nodes(x, n->body, v);
	drop_vars(x, base);
	if (x->jump == CONTINUE)
		x->jump = GO_ON;
	return r;
}

/* Maps are walked in key order, as Go does. */
static int range_object(struct exec *x, const struct node *n, json_t *o)
{
	size_t k;
	auto_free const char **keys = kinds_keys(&x->kinds, o, &k);
	int r = keys ? 0 : rl_oom(x->err);

	for (size_t i = 0; i < k && r == 0 && x->jump != BREAK; i++) {
		json_t *name = json_string(keys[i]), *v = json_object_get(o, keys[i]);

		r = name ? turn(x, n, name, kinds_entry(&x->kinds, o, v)) : rl_oom(x->err);
		json_decref(name);
	}
	return r;
}

/* The turns of a list, or those of {{range 3}} */
static int range_array(struct exec *x, const struct node *n, const json_t *a)
{
	json_int_t turns =
		json_is_integer(a) ? json_integer_value(a) : (json_int_t)json_array_size(a);
	int r = 0;

	for (json_int_t i = 0; i < turns && r == 0 && x->jump != BREAK; i++) {
		json_t *index = json_integer(i);

		r = index ? turn(x, n, index,
				 json_is_array(a) ? json_array_get(a, (size_t)i) : index)
			  : rl_oom(x->err);
		json_decref(index);
	}
	return r;
}

static int range(struct exec *x, const struct node *n, json_t *dot)
{
	json_t *v = NULL;
	int r = eval_value(x, n->pipe, dot, &v);

	if (r < 0)
		return r;
	if (x->header_mode)
		r = turn(x, n, v, v); /* its variables stand for the header, too */
	else if (json_object_size(v) == 0 && json_array_size(v) == 0 &&
		 (!v || json_is_null(v) || json_is_object(v) || json_is_array(v)))
		r = run_nodes(x, n->other, dot);
	else if (json_is_object(v))
		r = range_object(x, n, v);
	else if (json_is_array(v) || json_integer_value(v) > 0)
		r = range_array(x, n, v);
	else if (json_is_integer(v))
		r = run_nodes(x, n->other, dot);
	else
		r = rl_fail(x->err, EINVAL, "template: can't range over a plain value");
	if (x->jump == BREAK)
		x->jump = GO_ON;
	json_decref(v);
	return r;
}

/* {{template "name" pipeline}}: its dot and its $ are the pipeline's value. */
static int run_define(struct exec *x, const struct node *n, json_t *dot)
{
	size_t base = x->n_vars, first = x->first_var;
	const struct define *d = x->t->defines;
	json_t *v = NULL;
	int r;

	while (d && strcmp(d->name, n->text) != 0)
		d = d->next;
	if (!d)
		return rl_fail(x->err, EINVAL, "template: \"%s\" is not defined", n->text);
	if (x->depth == TMPL_DEPTH_MAX || x->n_vars == VARS_MAX)
		return rl_fail(x->err, EINVAL, "template: \"%s\" is nested too deeply", n->text);
	r = n->pipe ? eval_pipe(x, n->pipe, dot, &v) : 0;
	if (r < 0)
		return r;
	drop_vars(x, base); /* what the pipeline declared */
	x->first_var = base;
	x->vars[x->n_vars].name = "";
	x->vars[x->n_vars++].value = json_incref(v);
	x->depth++;
	r = run_nodes(x, d->nodes, v);
	x->depth--;
	drop_vars(x, base);
	x->first_var = first;
	json_decref(v);
	return r;
}

static int run_node(struct exec *x, const struct node *n, json_t *dot)
{
	size_t base = x->n_vars;
	json_t *v = NULL;
	int r;

	switch (n->kind) {
	case NODE_TEXT:
		return buf_add(x->out, n->text, n->len) < 0 ? rl_oom(x->err) : 0;
	case NODE_BREAK:
		x->jump = BREAK;
		return 0;
	case NODE_CONTINUE:
		x->jump = CONTINUE;
		return 0;
	case NODE_RANGE:
		return range(x, n, dot);
	case NODE_CALL:
		return run_define(x, n, dot);
	case NODE_ACTION:
	case NODE_IF:
	case NODE_WITH:
		break;
	}
	r = eval_pipe(x, n->pipe, dot, &v);
	if (r < 0)
		return r;
	if (n->kind == NODE_ACTION) {
		if (!n->pipe->var[0] && tmpl_print(&x->kinds, v, x->out) < 0)
			r = rl_oom(x->err);
		json_decref(v);
		return r;
	}
	if (tmpl_truth(v))
		r = run_nodes(x, n->body, n->kind == NODE_WITH ? v : dot);
	else
		r = run_nodes(x, n->other, dot);
	json_decref(v);
	drop_vars(x, base);
	return r;
}

static int run_nodes(struct exec *x, const struct node *n, json_t *dot)
{
	for (; n && x->jump == GO_ON; n = n->next) {
		int r = count(x);

		if (r == 0)
			r = run_node(x, n, dot);
		if (r < 0)
			return r;
	}
	return 0;
}

static int run(struct exec *x, const struct tmpl *t, json_t *data)
{
	int r;

	x->t = t;
	x->vars[0].name = "";
	x->vars[0].value = json_incref(data);
	x->n_vars = 1;
	r = run_nodes(x, t->nodes, data);
	drop_vars(x, 0);
	kinds_done(&x->kinds);
	return r;
}

int tmpl_run(const struct tmpl *t, json_t *data, const char *const *map_names, struct buf *out,
	     struct rl_err *err)
{
	struct exec x = { .kinds = { .names = map_names, .root = data }, .out = out, .err = err };

	return run(&x, t, data);
}

int tmpl_headers(const struct tmpl *t, const json_t *headers, struct buf *out, struct rl_err *err)
{
	struct exec x = { .headers = headers, .header_mode = true, .out = out, .err = err };
	json_auto_t *none = json_object();

	return none ? run(&x, t, none) : rl_oom(err);
}
