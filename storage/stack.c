/* SPDX-License-Identifier: Apache-2.0 */
/* stack.c - the folders of an image, bottom first; the header is the manual */
#include "config.h"

#include "storage/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/elsewhere.h"
#include "storage/fetch.h"

struct look {
	const struct rl *rl;
	const struct session *session;
	const struct strv *diff_ids;
	struct strv folders; /* that hold the data of layers */
	size_t low, high;    /* the lowest that shows; the topmost with files elsewhere */
};

static int plain_key(const struct look *l, size_t i, char key[LAYER_KEY_MAX], struct rl_err *err)
{
	return layer_key(l->diff_ids->v[i], l->session, NULL, NULL, key, err);
}

/* Which layers have files elsewhere, and are those there? 1: some, 0: none */
static int find_elsewhere(struct look *l, struct rl_err *err)
{
	bool some = false;

	for (size_t i = l->diff_ids->n; i > l->low; i--) {
		char key[LAYER_KEY_MAX];
		auto_strv struct strv folders = { 0 };
		int r = plain_key(l, i - 1, key, err);

		if (r == 0)
			r = elsewhere_of(l->rl, key, &folders, err);
		if (r == 0)
			r = elsewhere_check(key, &folders, err);
		if (r < 0)
			return r;
		if (folders.n == 0)
			continue;
		if (!some)
			l->high = i - 1;
		some = true;
		if (strv_copy(&l->folders, &folders) < 0)
			return rl_oom(err);
	}
	return some;
}

/* Keys of the layers low..@high, topmost first, with commas */
static int list_keys(const struct look *l, size_t high, struct buf *ret, struct rl_err *err)
{
	for (size_t i = high + 1; i > l->low; i--) {
		char key[LAYER_KEY_MAX];
		int r = plain_key(l, i - 1, key, err);

		if (r < 0)
			return r;
		if (buf_printf(ret, "%s%s", ret->len ? "," : "", key) < 0)
			return rl_oom(err);
	}
	return 0;
}

/* The one layer for all of low..@high: its key, after it was made where it was not there. */
static int merged(const struct look *l, size_t high, char key[LAYER_KEY_MAX], struct rl_err *err)
{
	const struct strv ids = { .v = l->diff_ids->v + l->low, .n = high + 1 - l->low };
	auto_buf struct buf from = { 0 };
	int r;

	if (ids.n == 1)
		return plain_key(l, high, key, err);
	r = layer_flat_key(&ids, l->session, NULL, NULL, key, err);
	if (r == 0)
		r = list_keys(l, high, &from, err);
	if (r == 0 && !layer_exists(l->rl, key))
		r = fetch_merge(l->rl, l->session, ids.v[ids.n - 1], from.data, key, err);
	if (r == 0 && !layer_is_from(l->rl, key, from.data))
		r = rl_fail(err, EBADMSG, "layer '%s' is of other layers than it should be", key);
	return r;
}

static int push_path(struct stack *st, const char *path, struct rl_err *err)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return rl_fail_sys(err, errno, "open '%s'", path);
	st->fds[st->n++] = fd;
	return 0;
}

/* In the place of what was opened: the data, the merged layer, those above. */
static int rearrange(const struct look *l, struct stack *st, struct rl_err *err)
{
	auto_strv struct strv roots = { 0 };
	struct stack next = { 0 };
	char key[LAYER_KEY_MAX];
	size_t above = l->diff_ids->n - 1 - l->high;
	int r = elsewhere_roots(&l->folders, &roots, err);

	if (r == 0)
		r = merged(l, l->high, key, err);
	if (r < 0)
		return r;
	next.fds = calloc(roots.n + above + 2, sizeof(*next.fds));
	if (!next.fds)
		return rl_oom(err);
	for (size_t i = 0; r == 0 && i < roots.n; i++)
		r = push_path(&next, roots.v[i], err);
	next.n_data = next.n;
	if (r == 0)
		r = layer_open(l->rl, key, err);
	if (r < 0) {
		stack_close(&next);
		return r;
	}
	next.fds[next.n++] = r;
	for (size_t i = st->n - above; i < st->n; i++) {
		next.fds[next.n++] = st->fds[i];
		st->fds[i] = FD_NONE;
	}
	stack_close(st);
	*st = next;
	return 0;
}

static int open_all(struct look *l, struct stack *st, struct rl_err *err)
{
	st->fds = calloc(l->diff_ids->n + 2, sizeof(*st->fds));
	if (!st->fds)
		return rl_oom(err);
	for (size_t i = 0; i < l->diff_ids->n; i++) {
		char key[LAYER_KEY_MAX];
		int r = plain_key(l, i, key, err);

		if (r == 0)
			r = layer_open(l->rl, key, err);
		if (r < 0)
			return rl_wrap(err, "layer %zu of %zu", i + 1, l->diff_ids->n);
		if (layer_is_opaque(r)) {
			l->low = i;
			while (st->n > 0)
				fd_close(st->fds[--st->n]);
		}
		st->fds[st->n++] = r;
	}
	return 0;
}

int stack_open(const struct rl *rl, const struct session *s, const struct strv *diff_ids,
	       struct stack *ret, struct rl_err *err)
{
	struct look l = { .rl = rl, .session = s, .diff_ids = diff_ids };
	struct stack st = { 0 };
	int r = open_all(&l, &st, err);

	if (r == 0 && elsewhere_any(rl))
		r = find_elsewhere(&l, err);
	if (r > 0)
		r = rearrange(&l, &st, err);
	strv_done(&l.folders);
	if (r < 0) {
		stack_close(&st);
		return r;
	}
	*ret = st;
	return 0;
}

void stack_close(struct stack *st)
{
	for (size_t i = 0; i < st->n; i++)
		fd_close(st->fds[i]);
	free(st->fds);
	*st = (struct stack){ 0 };
}

int stack_whole(const struct rl *rl, const struct session *s, const struct strv *diff_ids,
		char key[LAYER_KEY_MAX], struct strv *data, struct rl_err *err)
{
	struct look l = { .rl = rl, .session = s, .diff_ids = diff_ids };
	struct stack st = { 0 };
	int r;

	if (diff_ids->n == 0 || !elsewhere_any(rl))
		return 0;
	r = open_all(&l, &st, err);
	stack_close(&st);
	if (r == 0)
		r = find_elsewhere(&l, err);
	if (r > 0) {
		r = elsewhere_roots(&l.folders, data, err);
		if (r == 0)
			r = merged(&l, diff_ids->n - 1, key, err);
		r = r < 0 ? r : 1;
	}
	strv_done(&l.folders);
	return r;
}
