/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template.c - parser of the Go template subset
 *
 * Theory of operation: one pass over the text. Outside {{ }} bytes become text nodes; inside, a
 * small lexer yields words, and a recursive-descent parser builds the tree of template_ast.h. An
 * open "if", "range" or "with" parses its body by calling itself until "else" or "end". Variables
 * are looked up here already: the names in scope are a stack, cut back where a block ends.
 */
#include "config.h"

#include "cmd/template.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/template_ast.h"
#include "core/base/cleanup.h"

#define VARS_SEEN_MAX 256

struct chunk {
	struct chunk *next;
	json_t *value; /* a constant to release, or NULL */
	char data[];
};

struct parser {
	struct tmpl *t;
	const char *start, *p, *end; /* @end: of the action while inside one, else of the text */
	int depth;
	bool in_range, trim_next;
	const char *vars[VARS_SEEN_MAX];
	size_t n_vars, first_var; /* a defined template sees those from @first_var on */
	struct rl_err *err;
};

static int fail(struct parser *ps, const char *what)
{
	return rl_fail(ps->err, EINVAL, "template, byte %zu: %s", (size_t)(ps->p - ps->start),
		       what);
}

static void *alloc(struct parser *ps, size_t n)
{
	struct chunk *c = calloc(1, sizeof(*c) + n);

	if (!c) {
		rl_oom(ps->err);
		return NULL;
	}
	c->next = ps->t->chunks;
	ps->t->chunks = c;
	return c->data;
}

static char *copy(struct parser *ps, const char *s, size_t n)
{
	char *d = alloc(ps, n + 1);

	if (d && n)
		memcpy(d, s, n);
	return d;
}

static void blanks(struct parser *ps)
{
	while (ps->p < ps->end && strchr(" \t\r\n", *ps->p))
		ps->p++;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || (unsigned char)c >= 0x80;
}

static size_t word_len(const struct parser *ps, const char *p)
{
	const char *s = p;

	while (p < ps->end && is_word(*p))
		p++;
	return (size_t)(p - s);
}

/* Is the next word exactly @w? Then step over it. */
static bool take_word(struct parser *ps, const char *w)
{
	size_t n = strlen(w);

	blanks(ps);
	if (word_len(ps, ps->p) != n || strncmp(ps->p, w, n) != 0)
		return false;
	ps->p += n;
	return true;
}

static int keep_const(struct parser *ps, struct arg *a, json_t *v)
{
	struct chunk *c;

	if (!v)
		return rl_oom(ps->err);
	c = calloc(1, sizeof(*c));
	if (!c) {
		json_decref(v);
		return rl_oom(ps->err);
	}
	c->value = v;
	c->next = ps->t->chunks;
	ps->t->chunks = c;
	a->kind = ARG_CONST;
	a->value = v;
	return 0;
}

static int constant(struct parser *ps, struct arg *a)
{
	struct lex l = { .p = ps->p, .end = ps->end };
	int r = lex_constant(&l);

	ps->p = l.p;
	if (r < 0)
		return r == -EINVAL ? fail(ps, l.wrong) : rl_oom(ps->err);
	return keep_const(ps, a, l.value);
}

/* What {{define}} and {{template}} are followed by */
static int quoted_name(struct parser *ps, char **ret)
{
	struct arg a = { 0 };
	int r;

	blanks(ps);
	if (ps->p >= ps->end || (*ps->p != '"' && *ps->p != '`'))
		return fail(ps, "the template's name is missing, in quotes");
	r = constant(ps, &a);
	if (r < 0)
		return r;
	*ret = copy(ps, json_string_value(a.value), json_string_length(a.value));
	return *ret ? 0 : -ENOMEM;
}

static int declare(struct parser *ps, const char *name)
{
	if (ps->n_vars == VARS_SEEN_MAX)
		return fail(ps, "too many variables");
	ps->vars[ps->n_vars++] = name;
	return 0;
}

static int check_declared(struct parser *ps, const char *name)
{
	for (size_t i = ps->first_var; i < ps->n_vars; i++)
		if (strcmp(ps->vars[i], name) == 0)
			return 0;
	return rl_fail(ps->err, EINVAL, "template, byte %zu: undefined variable $%s",
		       (size_t)(ps->p - ps->start), name);
}

/* ".A.B" directly behind what was read */
static int fields(struct parser *ps, struct arg *a)
{
	while (ps->p < ps->end && *ps->p == '.') {
		size_t n = word_len(ps, ps->p + 1);
		char **v;

		if (n == 0)
			return fail(ps, "a field name is missing after '.'");
		if (a->n_fields == TMPL_DEPTH_MAX)
			return fail(ps, "too many fields in a row");
		v = alloc(ps, (a->n_fields + 1) * sizeof(*v));
		if (!v)
			return -ENOMEM;
		if (a->n_fields)
			memcpy(v, a->fields, a->n_fields * sizeof(*v));
		v[a->n_fields] = copy(ps, ps->p + 1, n);
		if (!v[a->n_fields])
			return -ENOMEM;
		a->fields = v;
		a->n_fields++;
		ps->p += n + 1;
	}
	return 0;
}

static int parse_pipe(struct parser *ps, struct pipe **ret, char close);

static int name_or_const(struct parser *ps, struct arg *a)
{
	size_t n = word_len(ps, ps->p);

	if (n == 0)
		return fail(ps, "unexpected character");
	a->name = copy(ps, ps->p, n);
	if (!a->name)
		return -ENOMEM;
	if (strcmp(a->name, "true") == 0 || strcmp(a->name, "false") == 0) {
		ps->p += n;
		return keep_const(ps, a, json_boolean(a->name[0] == 't'));
	}
	if (strcmp(a->name, "nil") == 0) {
		ps->p += n;
		return keep_const(ps, a, json_null());
	}
	if (!tmpl_is_func(a->name))
		return rl_fail(ps->err, EINVAL, "template, byte %zu: function \"%s\" not defined",
			       (size_t)(ps->p - ps->start), a->name);
	ps->p += n;
	a->kind = ARG_FUNC;
	return 0;
}

static int parse_arg(struct parser *ps, struct arg *a)
{
	char c = *ps->p;
	size_t n;
	int r;

	if (strchr("\"`'", c) || (c >= '0' && c <= '9') ||
	    (strchr("+-.", c) && ps->p + 1 < ps->end && ps->p[1] >= '0' && ps->p[1] <= '9'))
		return constant(ps, a);
	if (c == '.') {
		a->kind = ARG_DOT;
		if (word_len(ps, ps->p + 1) == 0) {
			ps->p++; /* the dot itself */
			return 0;
		}
		return fields(ps, a);
	}
	if (c == '$') {
		n = word_len(ps, ps->p + 1);
		a->kind = ARG_VAR;
		a->name = copy(ps, ps->p + 1, n);
		if (!a->name)
			return -ENOMEM;
		r = check_declared(ps, a->name);
		ps->p += n + 1;
		return r < 0 ? r : fields(ps, a);
	}
	if (c == '(') {
		if (++ps->depth > TMPL_DEPTH_MAX)
			return fail(ps, "nested too deeply");
		ps->p++;
		a->kind = ARG_PIPE;
		r = parse_pipe(ps, &a->pipe, ')');
		ps->depth--;
		return r < 0 ? r : fields(ps, a);
	}
	return name_or_const(ps, a);
}

/* "$x :=", "$i, $v :=", "$x =" in front of a pipeline */
static int declaration(struct parser *ps, struct pipe *pp)
{
	const char *back = ps->p;
	char *var[2] = { NULL, NULL };

	for (int i = 0; i < 2; i++) {
		size_t n;

		blanks(ps);
		if (ps->p >= ps->end || *ps->p != '$')
			break;
		n = word_len(ps, ps->p + 1);
		if (n == 0)
			break;
		var[i] = copy(ps, ps->p + 1, n);
		if (!var[i])
			return -ENOMEM;
		ps->p += n + 1;
		blanks(ps);
		if (i == 0 && ps->p < ps->end && *ps->p == ',') {
			ps->p++;
			continue;
		}
		if (ps->end - ps->p >= 2 && ps->p[0] == ':' && ps->p[1] == '=') {
			ps->p += 2;
		} else if (ps->p < ps->end && *ps->p == '=') {
			ps->p++;
			pp->assign = true;
		} else {
			break;
		}
		pp->var[0] = var[0];
		pp->var[1] = var[1];
		return 0;
	}
	ps->p = back;
	return 0;
}

/* The one method that lists have, .Label "key", is the same as (index .labels "key"). */
static int method(struct parser *ps, struct call *c)
{
	struct arg *of = c->args, *index;

	if ((of->kind != ARG_DOT && of->kind != ARG_VAR) || of->n_fields == 0 ||
	    strcmp(of->fields[of->n_fields - 1], "Label") != 0)
		return 0;
	index = alloc(ps, sizeof(*index));
	if (!index)
		return -ENOMEM;
	*index = (struct arg){ .kind = ARG_FUNC, .name = copy(ps, "index", 5), .next = of };
	of->fields[of->n_fields - 1] = copy(ps, "labels", 6);
	c->args = index;
	return index->name && of->fields[of->n_fields - 1] ? 0 : -ENOMEM;
}

/* Words up to '|' or the end */
static int parse_call(struct parser *ps, struct call **ret, char close)
{
	struct call *c = alloc(ps, sizeof(*c));
	struct arg **tail;
	int r;

	if (!c)
		return -ENOMEM;
	tail = &c->args;
	for (;;) {
		struct arg *a;

		blanks(ps);
		if (ps->p >= ps->end || *ps->p == '|' || (close && *ps->p == close))
			break;
		a = alloc(ps, sizeof(*a));
		if (!a)
			return -ENOMEM;
		r = parse_arg(ps, a);
		if (r < 0)
			return r;
		if (ps->p < ps->end && !strchr(" \t\r\n|)", *ps->p))
			return fail(ps, "unexpected character after a value");
		*tail = a;
		tail = &a->next;
	}
	if (!c->args)
		return fail(ps, "a value is missing");
	if (c->args->next && !c->args->next->next && (r = method(ps, c)) < 0)
		return r;
	if (c->args->kind == ARG_CONST && json_is_null(c->args->value))
		return fail(ps, "nil is not a command");
	if (c->args->next && c->args->kind != ARG_FUNC)
		return fail(ps, "can't give an argument to what is not a function");
	*ret = c;
	return 0;
}

static int parse_pipe(struct parser *ps, struct pipe **ret, char close)
{
	struct pipe *pp = alloc(ps, sizeof(*pp));
	struct call **tail;
	int r;

	if (!pp)
		return -ENOMEM;
	r = declaration(ps, pp);
	if (r < 0)
		return r;
	tail = &pp->calls;
	for (;;) {
		r = parse_call(ps, tail, close);
		if (r < 0)
			return r;
		if (tail != &pp->calls && (*tail)->args->kind != ARG_FUNC)
			return fail(ps, "only a function can follow '|'");
		tail = &(*tail)->next;
		if (ps->p >= ps->end || *ps->p != '|')
			break;
		ps->p++;
	}
	if (close) {
		if (ps->p >= ps->end)
			return fail(ps, "')' is missing");
		ps->p++;
	}
	for (int i = 0; i < 2 && pp->var[i] && r == 0; i++)
		r = pp->assign ? check_declared(ps, pp->var[i]) : declare(ps, pp->var[i]);
	*ret = pp;
	return r;
}

/* A pipeline outside of range: one variable at most */
static int parse_pipe_of_one(struct parser *ps, struct pipe **ret)
{
	int r = parse_pipe(ps, ret, 0);

	return r == 0 && (*ret)->var[1] ? fail(ps, "only range declares two variables") : r;
}

enum stop { STOP_EOF, STOP_ELSE, STOP_END };

static int parse_nodes(struct parser *ps, struct node **ret, enum stop *why, const char *text_end);

static int expect_action_end(struct parser *ps, const char *action_end)
{
	blanks(ps);
	return ps->p == action_end ? 0 : fail(ps, "unexpected words in an action");
}

/* Step over "}}", remembering "-}}". @ps->end is the end of the action's words. */
static void leave_action(struct parser *ps, const char *text_end)
{
	ps->p = ps->end;
	ps->trim_next = *ps->p == '-';
	while (*ps->p != '}')
		ps->p++;
	ps->p += 2;
	ps->end = text_end;
}

static int block(struct parser *ps, struct node *n, const char *text_end);

/* At the words behind "else": the other branch of @n, up to its "end" */
static int else_branch(struct parser *ps, struct node *n, const char *text_end)
{
	struct node *elif;
	enum stop why;
	int r;

	if (take_word(ps, "if") || (n->kind == NODE_WITH && take_word(ps, "with"))) {
		/* "else if" is an if inside the else, closed by the same end */
		elif = alloc(ps, sizeof(*elif));
		if (!elif)
			return -ENOMEM;
		elif->kind = ps->p[-1] == 'h' ? NODE_WITH : NODE_IF;
		n->other = elif;
		return block(ps, elif, text_end);
	}
	r = expect_action_end(ps, ps->end);
	if (r < 0)
		return r;
	leave_action(ps, text_end);
	r = parse_nodes(ps, &n->other, &why, text_end);
	if (r == 0 && why != STOP_END)
		r = fail(ps, why == STOP_ELSE ? "a second else" : "end is missing");
	return r < 0 ? r : expect_action_end(ps, ps->end);
}

static int block(struct parser *ps, struct node *n, const char *text_end)
{
	bool was_in_range = ps->in_range;
	const char *action_end = ps->end;
	size_t vars = ps->n_vars, inner;
	enum stop why;
	int r = n->kind == NODE_RANGE ? parse_pipe(ps, &n->pipe, 0)
				      : parse_pipe_of_one(ps, &n->pipe);

	if (r == 0)
		r = expect_action_end(ps, action_end);
	if (r < 0)
		return r;
	if (++ps->depth > TMPL_DEPTH_MAX)
		return fail(ps, "nested too deeply");
	leave_action(ps, text_end);
	inner = ps->n_vars;
	ps->in_range |= n->kind == NODE_RANGE;
	r = parse_nodes(ps, &n->body, &why, text_end);
	ps->in_range = was_in_range;
	ps->n_vars = inner;
	if (r == 0 && why == STOP_ELSE)
		r = else_branch(ps, n, text_end);
	else if (r == 0)
		r = why == STOP_END ? expect_action_end(ps, ps->end) : fail(ps, "end is missing");
	ps->n_vars = vars;
	ps->depth--;
	return r;
}

/* {{define "name"}}, {{block "name" pipeline}}: the nodes up to "end" become a template of its own. */
static int define(struct parser *ps, struct node *n, bool call, const char *text_end)
{
	size_t vars = ps->n_vars, first = ps->first_var;
	bool was_in_range = ps->in_range;
	struct define *d = alloc(ps, sizeof(*d));
	enum stop why;
	char *name;
	int r = d ? quoted_name(ps, &name) : -ENOMEM;

	if (r == 0 && call)
		r = parse_pipe_of_one(ps, &n->pipe);
	if (r == 0)
		r = expect_action_end(ps, ps->end);
	for (const struct define *o = ps->t->defines; o && r == 0; o = o->next)
		if (strcmp(o->name, name) == 0 && o->nodes)
			r = fail(ps, "a second template of that name");
	if (r < 0)
		return r;
	if (++ps->depth > TMPL_DEPTH_MAX)
		return fail(ps, "nested too deeply");
	leave_action(ps, text_end);
	ps->first_var = vars;
	ps->n_vars = vars;
	ps->in_range = false;
	r = declare(ps, ""); /* nothing but $ */
	if (r == 0)
		r = parse_nodes(ps, &d->nodes, &why, text_end);
	if (r == 0 && why != STOP_END)
		r = fail(ps, why == STOP_ELSE ? "unexpected else" : "end is missing");
	ps->n_vars = vars;
	ps->first_var = first;
	ps->in_range = was_in_range;
	ps->depth--;
	n->kind = call ? NODE_CALL : NODE_TEXT;
	n->text = name;
	d->name = name;
	d->next = ps->t->defines;
	ps->t->defines = d;
	return r < 0 ? r : expect_action_end(ps, ps->end);
}

static int call_template(struct parser *ps, struct node *n)
{
	int r = quoted_name(ps, &n->text);

	n->kind = NODE_CALL;
	blanks(ps);
	if (r == 0 && ps->p < ps->end)
		r = parse_pipe_of_one(ps, &n->pipe);
	return r < 0 ? r : expect_action_end(ps, ps->end);
}

/* The words of one action are [ps->p, ps->end). */
static int action(struct parser *ps, struct node *n, enum stop *why, const char *text_end)
{
	const char *action_end = ps->end;
	int r;

	*why = STOP_EOF;
	if (take_word(ps, "end")) {
		*why = STOP_END;
		return 0;
	}
	if (take_word(ps, "else")) {
		*why = STOP_ELSE;
		return 0;
	}
	if (take_word(ps, "break") || take_word(ps, "continue")) {
		n->kind = ps->p[-1] == 'k' ? NODE_BREAK : NODE_CONTINUE;
		return ps->in_range ? expect_action_end(ps, action_end)
				    : fail(ps, "break or continue outside of range");
	}
	if (take_word(ps, "template"))
		return call_template(ps, n);
	if (take_word(ps, "block"))
		return define(ps, n, true, text_end);
	if (take_word(ps, "define"))
		return ps->depth > 0 ? fail(ps, "define inside of another block")
				     : define(ps, n, false, text_end);
	n->kind = take_word(ps, "if")      ? NODE_IF
		  : take_word(ps, "range") ? NODE_RANGE
		  : take_word(ps, "with")  ? NODE_WITH
					   : NODE_ACTION;
	if (n->kind != NODE_ACTION)
		return block(ps, n, text_end);
	r = parse_pipe_of_one(ps, &n->pipe);
	return r < 0 ? r : expect_action_end(ps, action_end);
}

/* Find "}}" outside of strings; NULL when there is none. */
static const char *find_close(const char *p, const char *end)
{
	while (p + 1 < end) {
		if (p[0] == '}' && p[1] == '}')
			return p;
		p = strchr("\"`'", *p) && *p ? lex_skip_quoted(p, end) : p + 1;
	}
	return NULL;
}

/* At "{{": sets ps->p and ps->end to the words inside; 1 = it was a comment, already skipped. */
static int open_action(struct parser *ps, const char *text_end)
{
	const char *close;

	ps->p += 2;
	if (text_end - ps->p >= 2 && ps->p[0] == '-' && strchr(" \t\r\n", ps->p[1]))
		ps->p += 2;
	if (text_end - ps->p >= 2 && ps->p[0] == '/' && ps->p[1] == '*') {
		close = memmem(ps->p, (size_t)(text_end - ps->p), "*/", 2);
		ps->p = close ? close + 2 : text_end;
		if (text_end - ps->p >= 4 && strncmp(ps->p, " -}}", 4) == 0)
			ps->trim_next = true, ps->p += 4;
		else if (text_end - ps->p >= 2 && strncmp(ps->p, "}}", 2) == 0)
			ps->trim_next = false, ps->p += 2;
		else
			return fail(ps, "a comment does not end");
		return 1;
	}
	close = find_close(ps->p, text_end);
	if (!close)
		return fail(ps, "'}}' is missing");
	ps->end = close;
	if (close - ps->p >= 2 && close[-1] == '-' && strchr(" \t\r\n", close[-2]))
		ps->end = close - 1;
	return 0;
}

static int add_text(struct parser *ps, const char *from, const char *to, bool trim_end,
		    struct node ***tail)
{
	struct node *n;

	if (ps->trim_next)
		while (from < to && strchr(" \t\r\n", *from))
			from++;
	if (trim_end)
		while (to > from && strchr(" \t\r\n", to[-1]))
			to--;
	ps->trim_next = false;
	if (from == to)
		return 0;
	n = alloc(ps, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->kind = NODE_TEXT;
	n->text = copy(ps, from, (size_t)(to - from));
	n->len = (size_t)(to - from);
	if (!n->text)
		return -ENOMEM;
	**tail = n;
	*tail = &n->next;
	return 0;
}

/* Nodes until the text, the block ("end") or its first half ("else") is over. */
static int parse_nodes(struct parser *ps, struct node **ret, enum stop *why, const char *text_end)
{
	struct node **tail = ret;
	int r;

	*why = STOP_EOF;
	for (;;) {
		const char *open = memmem(ps->p, (size_t)(text_end - ps->p), "{{", 2);
		const char *to = open ? open : text_end;
		bool trim = open && text_end - open >= 4 && open[2] == '-' &&
			    strchr(" \t\r\n", open[3]);
		struct node *n;

		r = add_text(ps, ps->p, to, trim, &tail);
		ps->p = to;
		if (r < 0 || !open)
			return r;
		r = open_action(ps, text_end);
		if (r < 0)
			return r;
		if (r == 1)
			continue;
		n = alloc(ps, sizeof(*n));
		if (!n)
			return -ENOMEM;
		r = action(ps, n, why, text_end);
		if (r < 0 || *why != STOP_EOF)
			return r; /* the caller looks at what follows else or end */
		leave_action(ps, text_end);
		*tail = n;
		tail = &n->next;
	}
}

int tmpl_parse(const char *text, struct tmpl **ret, struct rl_err *err)
{
	struct parser ps = { .start = text, .p = text, .err = err };
	size_t len = strlen(text);
	enum stop why;
	int r;

	if (len > TMPL_TEXT_MAX)
		return rl_fail(err, EINVAL, "the template is longer than %d bytes", TMPL_TEXT_MAX);
	ps.t = calloc(1, sizeof(*ps.t));
	if (!ps.t)
		return rl_oom(err);
	ps.end = text + len;
	ps.vars[ps.n_vars++] = "";
	r = parse_nodes(&ps, &ps.t->nodes, &why, text + len);
	if (r == 0 && why != STOP_EOF)
		r = fail(&ps, why == STOP_END ? "unexpected end" : "unexpected else");
	if (r < 0) {
		tmpl_free(ps.t);
		return r;
	}
	*ret = ps.t;
	return 0;
}

void tmpl_free(struct tmpl *t)
{
	while (t && t->chunks) {
		struct chunk *c = t->chunks;

		t->chunks = c->next;
		json_decref(c->value);
		free(c);
	}
	free(t);
}
