/* SPDX-License-Identifier: Apache-2.0 */
/* exec_spec.c - what a client asks to be run, packed and unpacked; the header is the manual */
#include "config.h"

#include "core/exec_spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"

#define MARK 0x31637872U /* "rxc1" */

enum {
	F_STDIN = 1,
	F_TERMINAL = 2,
	F_DETACH = 4,
	F_PRIVILEGED = 8,
	F_USER = 16,
	F_ALL = 31,
};

struct head {
	uint32_t mark, flags, uid, gid, n_groups, n_keep, n_args, n_env;
	uint16_t rows, cols;
};

static uint32_t flags_of(const struct exec_spec *s)
{
	return (s->stdin_on ? F_STDIN : 0U) | (s->terminal ? F_TERMINAL : 0U) |
	       (s->detach ? F_DETACH : 0U) | (s->privileged ? F_PRIVILEGED : 0U) |
	       (s->has_user ? F_USER : 0U);
}

static int add_texts(const char *const *v, size_t n, struct buf *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = buf_add(out, v[i], strlen(v[i]) + 1);
	return r;
}

int exec_spec_pack(const struct exec_spec *s, struct buf *out, struct rl_err *err)
{
	const struct head h = {
		.mark = MARK,
		.flags = flags_of(s),
		.uid = s->uid,
		.gid = s->gid,
		.n_groups = (uint32_t)s->n_groups,
		.n_keep = (uint32_t)s->n_keep,
		.n_args = (uint32_t)s->n_args,
		.n_env = (uint32_t)s->n_env,
		.rows = s->rows,
		.cols = s->cols,
	};
	const char *cwd = s->cwd ? s->cwd : "";
	size_t before = out->len;
	int r = buf_add(out, &h, sizeof(h));

	if (r == 0)
		r = buf_add(out, s->groups, s->n_groups * sizeof(*s->groups));
	if (r == 0)
		r = buf_add(out, s->keep, s->n_keep * sizeof(*s->keep));
	if (r == 0)
		r = add_texts(&cwd, 1, out);
	if (r == 0)
		r = add_texts(s->args, s->n_args, out);
	if (r == 0)
		r = add_texts(s->env, s->n_env, out);
	if (r < 0)
		return rl_oom(err);
	if (out->len - before > EXEC_SPEC_MAX)
		return rl_fail(err, E2BIG,
			       "the command and its environment have more than %u bytes",
			       EXEC_SPEC_MAX);
	return 0;
}

/* What is not parsed yet */
struct rest {
	const char *p;
	size_t n;
};

static const uint32_t *take_numbers(struct rest *x, size_t n)
{
	const void *p = x->p;

	if (n * sizeof(uint32_t) > x->n)
		return NULL;
	x->p += n * sizeof(uint32_t);
	x->n -= n * sizeof(uint32_t);
	return p;
}

static const char *take_text(struct rest *x)
{
	const char *p = x->p, *end = x->n > 0 ? memchr(p, '\0', x->n) : NULL;

	if (!end)
		return NULL;
	x->n -= (size_t)(end - p) + 1;
	x->p = end + 1;
	return p;
}

static bool take_texts(struct rest *x, const char **ret, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ret[i] = take_text(x);
		if (!ret[i])
			return false;
	}
	ret[n] = NULL;
	return true;
}

static bool head_is_good(const struct head *h)
{
	return h->mark == MARK && (h->flags & ~(uint32_t)F_ALL) == 0 &&
	       h->n_groups <= EXEC_LIST_MAX && h->n_keep <= EXEC_KEEP_MAX && h->n_args > 0 &&
	       h->n_args <= EXEC_LIST_MAX && h->n_env <= EXEC_LIST_MAX &&
	       (h->flags & F_USER || (h->uid == 0 && h->gid == 0 && h->n_groups == 0));
}

/* The highest id means "do not change" to the kernel. */
static bool numbers_are_good(const struct exec_spec *s)
{
	if (s->uid == UINT32_MAX || s->gid == UINT32_MAX)
		return false;
	for (size_t i = 0; i < s->n_groups; i++)
		if (s->groups[i] == UINT32_MAX)
			return false;
	for (size_t i = 0; i < s->n_keep; i++)
		if (s->keep[i] < 3 || s->keep[i] > EXEC_FD_MAX ||
		    (i > 0 && s->keep[i] <= s->keep[i - 1]))
			return false;
	return true;
}

static bool texts_are_good(const struct exec_spec *s)
{
	if (s->cwd && s->cwd[0] != '/')
		return false;
	for (size_t i = 0; i < s->n_env; i++)
		if (s->env[i][0] == '=' || !strchr(s->env[i], '='))
			return false;
	return true;
}

int exec_spec_parse(const void *data, size_t len, struct exec_spec *ret, struct rl_err *err)
{
	struct rest x = { data, len };
	struct exec_spec s = { 0 };
	auto_free const char **texts = NULL;
	struct head h;

	if (len < sizeof(h) || len > EXEC_SPEC_MAX)
		return rl_fail(err, EINVAL, "malformed exec request: %zu bytes", len);
	memcpy(&h, data, sizeof(h));
	x.p += sizeof(h);
	x.n -= sizeof(h);
	if (!head_is_good(&h))
		return rl_fail(err, EINVAL, "malformed exec request: head");
	texts = calloc((size_t)h.n_args + h.n_env + 2, sizeof(*texts));
	if (!texts)
		return rl_oom(err);
	s.stdin_on = h.flags & F_STDIN;
	s.terminal = h.flags & F_TERMINAL;
	s.detach = h.flags & F_DETACH;
	s.privileged = h.flags & F_PRIVILEGED;
	s.has_user = h.flags & F_USER;
	s.uid = h.uid;
	s.gid = h.gid;
	s.rows = h.rows;
	s.cols = h.cols;
	s.n_groups = h.n_groups;
	s.n_keep = h.n_keep;
	s.n_args = h.n_args;
	s.n_env = h.n_env;
	s.args = texts;
	s.env = texts + h.n_args + 1;
	s.groups = take_numbers(&x, h.n_groups);
	s.keep = s.groups ? take_numbers(&x, h.n_keep) : NULL;
	s.cwd = s.keep ? take_text(&x) : NULL;
	if (!s.cwd || !take_texts(&x, s.args, s.n_args) || !take_texts(&x, s.env, s.n_env) ||
	    x.n != 0)
		return rl_fail(err, EINVAL, "malformed exec request: lists");
	if (!*s.cwd)
		s.cwd = NULL;
	if (!numbers_are_good(&s) || !texts_are_good(&s))
		return rl_fail(err, EINVAL, "malformed exec request: values");
	s.owned = TAKE_PTR(texts);
	*ret = s;
	return 0;
}

void exec_spec_done(struct exec_spec *s)
{
	free(s->owned);
	*s = (struct exec_spec){ 0 };
}
