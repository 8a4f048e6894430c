/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layers.c - several layers at once into the store; the header is the manual
 *
 * Each layer goes pending -> active -> publishing -> done. Active means: its lock is held, a staging
 * folder is there and an unpack child reads its stream. A layer with folders that look as in the layers
 * below is "bare" until those are done, then a second child sees to these folders (unpack.h). Publishing syncs the file system, which may
 * take seconds: a child does it, so that the loop keeps answering. The loop waits for the feeder's
 * news, for children that have a result, and for a signal. A layer whose lock another process holds stays pending and
 * is looked at again a little later, so two pulls can never wait for each other in a circle; nor with
 * layers that are bare, which are given up when another process takes long over one below.
 */
#include "config.h"

#include "storage/image/layers.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "storage/blob.h"
#include "storage/digest.h"
#include "storage/elsewhere.h"
#include "storage/image/child.h"
#include "storage/image/unpack.h"
#include "storage/layer.h"

#define PUBLISHER   "the process that publishes a layer"
#define BUSY_MS     100   /* how soon a layer that somebody else unpacks is looked at again */
#define BARE_MS     30000 /* how long a bare layer is kept for one below that somebody else unpacks */
#define TRIES_MAX   2
#define RATIO_MAX   250
#define SMALL_BYTES (INT64_C(4) << 30) /* unpacked: always allowed, whatever the ratio */
#define LARGE_BYTES (INT64_C(1) << 40) /* unpacked: never allowed */
#define ENTRIES_MAX 10000000

enum state { PENDING, ACTIVE, BARE, PUBLISHING, DONE };

struct item {
	const struct layer_want *want;
	char key[LAYER_KEY_MAX];
	enum state state;
	bool fed;         /* the stream has ended well */
	bool unpacked;    /* @result is there */
	bool needs_lower; /* begin when everything below is done; the stream was read once then */
	bool not_there;   /* the unpacked layer of another store is no good */
	bool dressing;    /* active again, for what was bare */
	unsigned tries;
	int64_t not_before, bare_since;
	struct layer_stage stage;
	struct unpack unpack;
	struct unpack_result result;
	struct child publisher;
};

struct layers {
	const struct layers_conf *conf;
	const struct layers_feed *feed;
	struct item *v;
	size_t n;
	unsigned active;
};

/* Its data were in another store and are no more: it is taken away, so that it comes anew. */
static bool is_lost(const struct rl *rl, const char *key)
{
	auto_strv struct strv folders = { 0 };
	struct rl_err err;

	if (!elsewhere_any(rl) || elsewhere_of(rl, key, &folders, &err) < 0 ||
	    elsewhere_check(key, &folders, &err) == 0)
		return false;
	if (layer_remove(rl, key, &err) == 0)
		return true;
	log_warn("%s", err.msg);
	return false;
}

static int make_keys(struct layers *ls, const struct layer_want *want, struct rl_err *err)
{
	for (size_t i = 0; i < ls->n; i++) {
		struct item *it = &ls->v[i];

		it->want = &want[i];
		it->stage.lock_fd = it->stage.diff_fd = FD_NONE;
		if (layer_key(want[i].diff_id, ls->conf->session, NULL, NULL, it->key, err) < 0)
			return -err->code;
		if (layer_exists(ls->conf->rl, it->key) && !is_lost(ls->conf->rl, it->key))
			it->state = DONE;
		/* the same layer twice (empty ones often are): once is enough */
		for (size_t k = 0; k < i && it->state != DONE; k++)
			if (strcmp(ls->v[k].key, it->key) == 0)
				it->state = DONE;
	}
	return 0;
}

static int layers_init(struct layers *ls, const struct layers_conf *conf,
		       const struct layers_feed *feed, const struct layer_want *want, size_t n,
		       struct rl_err *err)
{
	*ls = (struct layers){ .conf = conf, .feed = feed, .n = n };
	ls->v = calloc(n ? n : 1, sizeof(*ls->v));
	if (!ls->v)
		return rl_oom(err);
	return make_keys(ls, want, err);
}

int layers_missing(const struct layers_conf *conf, const struct layer_want *want, size_t n,
		   int64_t *ret_bytes, size_t *ret_n, struct rl_err *err)
{
	struct layers ls;
	int64_t bytes = 0;
	size_t missing = 0;
	int r = layers_init(&ls, conf, NULL, want, n, err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (ls.v[i].state == DONE)
			continue;
		missing++;
		if (want[i].size > 0 && __builtin_add_overflow(bytes, want[i].size, &bytes))
			r = rl_fail(err, EFBIG, "the layers are said to be larger than any disk");
	}
	free(ls.v);
	if (r < 0)
		return r;
	*ret_bytes = bytes;
	*ret_n = missing;
	return 0;
}

int64_t layers_recorded_size(const struct rl *rl, const char *key)
{
	auto_free char *path = str_printf("layers/%s/layer.json", key);
	json_auto_t *j = NULL;
	struct rl_err ignored;
	int64_t size = 0;

	if (!path || json_read_file(rl->data_fd, path, 65536, &j, &ignored) < 0 ||
	    json_get_int(j, "size", "layer", &size, &ignored) < 0)
		return 0;
	return size;
}

int64_t layers_total(const struct rl *rl, const struct session *s, const struct strv *diff_ids)
{
	int64_t sum = 0;

	for (size_t i = 0; i < diff_ids->n; i++) {
		char key[LAYER_KEY_MAX];
		struct rl_err ignored;

		if (layer_key(diff_ids->v[i], s, NULL, NULL, key, &ignored) == 0)
			sum += layers_recorded_size(rl, key);
	}
	return sum;
}

unsigned layers_parallel(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN) * 2;

	return n < 3 ? 3 : n > LAYERS_PARALLEL_MAX ? LAYERS_PARALLEL_MAX : (unsigned)n;
}

/* --- beginning --- */

/* A bomb ends at what such a layer can honestly hold, and before the disk is full. */
int64_t layers_bytes_max(const struct rl *rl, int64_t size)
{
	int64_t max = LARGE_BYTES, free_bytes;
	struct statvfs fs;

	if (size >= 0 && size < LARGE_BYTES / RATIO_MAX)
		max = size * RATIO_MAX;
	if (max < SMALL_BYTES)
		max = SMALL_BYTES;
	if (fstatvfs(rl->data_fd, &fs) == 0) {
		free_bytes = (int64_t)((uint64_t)fs.f_bavail * fs.f_frsize >> 1);
		/* sparse files take less than they are long */
		if (free_bytes < max / 4)
			max = free_bytes * 4 + (64 << 20);
	}
	return max;
}

/* Everything below layer @i, bottom first; for hard links into it. */
static int open_lower(struct layers *ls, size_t i, int *fds, size_t *ret_n, struct rl_err *err)
{
	for (*ret_n = 0; *ret_n < i; ++*ret_n) {
		fds[*ret_n] = layer_open(ls->conf->rl, ls->v[*ret_n].key, err);
		if (fds[*ret_n] < 0)
			return fds[*ret_n];
	}
	return 0;
}

static bool below_done(const struct layers *ls, size_t i)
{
	while (i > 0)
		if (ls->v[--i].state != DONE)
			return false;
	return true;
}

/* @in_fd: FD_NONE: for the bare folders of what is unpacked */
static int start_child(struct layers *ls, size_t i, int in_fd, struct rl_err *err)
{
	struct item *it = &ls->v[i];
	const int one_id = ls->conf->session->rung == SESSION_ONE_ID;
	struct unpack_limits limits = { .max_bytes = layers_bytes_max(ls->conf->rl, it->want->size),
					.max_entries = ENTRIES_MAX };
	auto_free int *lower = NULL;
	size_t n = 0;
	int r = 0;

	if (below_done(ls, i)) {
		lower = calloc(i ? i : 1, sizeof(*lower));
		if (!lower)
			return rl_oom(err);
		r = open_lower(ls, i, lower, &n, err);
		limits.lower_fds = lower;
		limits.n_lower = n;
	} else {
		limits.lower_later = 1;
	}
	if (it->want->there && !it->not_there) {
		limits.there = elsewhere_tail(it->want->there);
		limits.there_fd = it->want->there_fd;
	}
	if (r == 0 && in_fd >= 0)
		r = unpack_start(in_fd, it->stage.diff_fd, one_id, &limits, &it->unpack, err);
	else if (r == 0)
		r = unpack_dress_start(&it->result.bare, it->stage.diff_fd, one_id, &limits,
				       &it->unpack, err);
	while (n > 0)
		fd_close(lower[--n]);
	return r;
}

/* The second time the packed layer is here, as a rule; what comes of it is checked by diff_id. */
static int open_stream(struct layers *ls, size_t i, int *ret_fd, struct rl_err *err)
{
	struct item *it = &ls->v[i];
	struct rl_err ignored;
	int64_t size;
	int fd = it->needs_lower && it->want->blob && it->tries == 1
			 ? blob_open(ls->conf->rl, it->want->blob, &size, &ignored)
			 : -ENOENT;

	if (fd < 0)
		return ls->feed->open(ls->feed->arg, i, ret_fd, &it->fed, err);
	*ret_fd = fd;
	it->fed = true;
	return 0;
}

static int begin(struct layers *ls, size_t i, struct rl_err *err)
{
	struct item *it = &ls->v[i];
	auto_fd int in_fd = FD_NONE;
	char size[32] = "";
	int r = layer_begin(ls->conf->rl, it->key, false, &it->stage, err);

	if (r == -EAGAIN) {
		it->not_before = now_ms() + BUSY_MS;
		return 0;
	}
	if (r < 0)
		return r;
	if (r > 0) {
		it->state = DONE;
		return 0;
	}
	it->state = ACTIVE;
	ls->active++;
	it->tries++;
	it->fed = it->unpacked = it->dressing = false;
	if (it->want->size >= 0)
		progress_size(it->want->size, size);
	if (!it->needs_lower) /* else it was said already */
		progress_step(ls->conf->progress, "Copying blob %.12s%s%s%s",
			      digest_hex(it->want->blob ? it->want->blob : it->want->diff_id),
			      *size ? " (" : "", size, *size ? ")" : "");
	r = open_stream(ls, i, &in_fd, err);
	if (r < 0)
		return r;
	return start_child(ls, i, in_fd, err);
}

static bool may_begin(const struct layers *ls, size_t i, int64_t now)
{
	const struct item *it = &ls->v[i];

	return it->state == PENDING && it->not_before <= now &&
	       (!it->needs_lower || below_done(ls, i));
}

static int begin_some(struct layers *ls, struct rl_err *err)
{
	int64_t now = now_ms();
	int r = 0;

	for (size_t i = 0; r == 0 && i < ls->n && ls->active < ls->conf->parallel; i++)
		if (may_begin(ls, i, now))
			r = begin(ls, i, err);
	return r;
}

/* --- ending --- */

static void forget_stage(struct item *it)
{
	fd_close(it->stage.lock_fd);
	fd_close(it->stage.diff_fd);
	it->stage = (struct layer_stage){ .lock_fd = FD_NONE, .diff_fd = FD_NONE };
}

static void drop(struct layers *ls, size_t i)
{
	struct item *it = &ls->v[i];

	buf_done(&it->result.bare);
	if (it->state == PENDING || it->state == DONE)
		return;
	if (ls->feed->cancel)
		ls->feed->cancel(ls->feed->arg, i);
	if (it->state == ACTIVE) {
		unpack_kill(&it->unpack);
		ls->active--;
	} else if (it->state == PUBLISHING) {
		/* it may sit in syncfs() for seconds; once killed it does nothing after that */
		(void)proc_pidfd_signal(it->publisher.pidfd, SIGKILL);
	}
	layer_abort(ls->conf->rl, &it->stage);
	forget_stage(it);
	it->state = PENDING;
}

/* Which folders the data of its stubs are in */
static int note_elsewhere(const struct layers *ls, const struct item *it, struct rl_err *err)
{
	auto_strv struct strv folders = { 0 };
	int r = 0;

	if (it->result.stubs > 0 && strv_add(&folders, it->want->there) < 0)
		return rl_oom(err);
	for (const struct item *below = ls->v; r == 0 && it->result.lower_stubs && below < it;
	     below++)
		r = elsewhere_of(ls->conf->rl, below->key, &folders, err);
	return r < 0 || folders.n == 0 ? r
				       : elsewhere_write(ls->conf->rl, &it->stage, &folders, err);
}

static int publish(struct layers *ls, struct item *it, struct rl_err *err)
{
	struct rl_err e = { 0 };
	int fd, r;

	if (strcmp(it->result.diff_id, it->want->diff_id) != 0)
		return rl_fail(err, EBADMSG, "layer %.19s: its content is %s, the config says %s",
			       it->want->blob ? it->want->blob : it->want->diff_id,
			       it->result.diff_id, it->want->diff_id);
	r = note_elsewhere(ls, it, err);
	if (r < 0)
		return r;
	r = child_fork(PUBLISHER, &it->publisher, &fd, err);
	if (r == 0) {
		r = layer_publish(ls->conf->rl, &it->stage, it->want->diff_id,
				  it->result.disk_bytes, it->result.files, &e);
		child_answer(fd, r < 0 ? &e : NULL, NULL, 0);
	}
	if (r < 0)
		return r;
	it->state = PUBLISHING;
	ls->active--;
	return 0;
}

static int published(struct item *it, struct rl_err *err)
{
	auto_buf struct buf nothing = { 0 };
	int r = child_result(&it->publisher, PUBLISHER, 0, &nothing, err);

	if (r < 0)
		return r;
	forget_stage(it); /* the child has removed the lock's file */
	it->state = DONE;
	return 0;
}

/* Begin anew when everything below is there. */
static void postpone(struct layers *ls, size_t i)
{
	drop(ls, i);
	ls->v[i].needs_lower = true;
	ls->v[i].tries = 0;
}

/* Begin anew, with a copy of the data. */
static void not_there(struct layers *ls, size_t i, const struct rl_err *why)
{
	auto_free char *text = str_printf("'%s' is not used: %s", ls->v[i].want->there, why->msg);

	if (text)
		progress_note(ls->conf->progress, text);
	drop(ls, i);
	ls->v[i].not_there = true;
	ls->v[i].tries = 0;
}

static int maybe_publish(struct layers *ls, size_t i, struct rl_err *err)
{
	struct item *it = &ls->v[i];

	if (it->state != ACTIVE || !it->fed || !it->unpacked)
		return 0;
	if (it->dressing || it->result.bare.len == 0)
		return publish(ls, it, err);
	it->state = BARE;
	it->bare_since = now_ms();
	ls->active--;
	return 0;
}

/* A layer that another process unpacks is below @i? */
static bool waits_for_other(const struct layers *ls, size_t i)
{
	while (i-- > 0)
		if (ls->v[i].state == PENDING && ls->v[i].not_before > 0)
			return true;
	return false;
}

static int dress_some(struct layers *ls, struct rl_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ls->n; i++) {
		struct item *it = &ls->v[i];

		if (it->state != BARE)
			continue;
		if (below_done(ls, i)) {
			it->state = ACTIVE;
			it->dressing = true;
			it->unpacked = false;
			ls->active++;
			r = start_child(ls, i, FD_NONE, err);
			buf_done(&it->result.bare);
		} else if (waits_for_other(ls, i) && now_ms() - it->bare_since > BARE_MS) {
			postpone(ls, i);
		}
	}
	return r;
}

int layers_fed(struct layers *ls, size_t i, const struct rl_err *err, bool again,
	       struct rl_err *ret_err)
{
	struct item *it;

	if (i >= ls->n || ls->v[i].state != ACTIVE)
		return 0; /* of a stream that was given up */
	it = &ls->v[i];
	if (!err) {
		it->fed = true;
		return maybe_publish(ls, i, ret_err);
	}
	if (again && it->tries < TRIES_MAX) {
		drop(ls, i);
		return 0;
	}
	if (err->code == EPIPE) /* the child stopped reading: its own error says why */
		return 0;
	*ret_err = *err;
	return rl_wrap(ret_err, "layer %.19s", it->want->blob ? it->want->blob : it->want->diff_id);
}

static int child_done(struct layers *ls, size_t i, struct rl_err *err)
{
	struct item *it = &ls->v[i];
	int r = it->dressing ? unpack_dress_finish(&it->unpack, err)
			     : unpack_finish(&it->unpack, &it->result, err);

	if (r == 0) {
		it->unpacked = true;
		return maybe_publish(ls, i, err);
	}
	if (r == -UNPACK_NEEDS_LOWER && !it->needs_lower) {
		postpone(ls, i);
		return 0;
	}
	if (r == -UNPACK_NOT_SAME && !it->not_there) {
		not_there(ls, i, err);
		return 0;
	}
	if (r < 0)
		rl_hint_full(ls->conf->rl, err);
	return rl_wrap(err, "layer %.19s", it->want->blob ? it->want->blob : it->want->diff_id);
}

/* --- the loop --- */

static bool all_done(const struct layers *ls)
{
	for (size_t i = 0; i < ls->n; i++)
		if (ls->v[i].state != DONE)
			return false;
	return true;
}

static int result_fd(const struct item *it)
{
	if (it->state == PUBLISHING)
		return it->publisher.result_fd;
	return it->state == ACTIVE && !it->unpacked ? it->unpack.result_fd : FD_NONE;
}

static int wait_some(struct layers *ls, struct pollfd *p, struct rl_err *err)
{
	const struct layers_conf *c = ls->conf;
	/* with nothing to wait for but other processes' locks: look again soon */
	int timeout = ls->active < c->parallel ? BUSY_MS : 1000;

	p[0] = (struct pollfd){ .fd = c->signal_fd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = ls->feed->event_fd, .events = POLLIN };
	for (size_t i = 0; i < ls->n; i++)
		p[2 + i] = (struct pollfd){ .fd = result_fd(&ls->v[i]), .events = POLLIN };
	if (poll(p, 2 + ls->n, timeout) < 0 && errno != EINTR)
		return rl_fail_sys(err, errno, "wait for layers");
	return 0;
}

static int step(struct layers *ls, struct pollfd *p, struct rl_err *err)
{
	int r = begin_some(ls, err);

	if (r == 0)
		r = dress_some(ls, err);
	if (r < 0 || all_done(ls))
		return r;
	r = wait_some(ls, p, err);
	if (r < 0)
		return r;
	if (p[0].revents)
		return rl_fail(err, EINTR, "interrupted");
	/* the feeder first: when a stream breaks, it knows better why than who reads it */
	if (p[1].revents)
		r = ls->feed->event(ls->feed->arg, ls, err);
	for (size_t i = 0; r == 0 && i < ls->n; i++) {
		/* what the feeder's news changed is looked at in the next turn */
		if (!p[2 + i].revents || p[2 + i].fd != result_fd(&ls->v[i]))
			continue;
		r = ls->v[i].state == PUBLISHING ? published(&ls->v[i], err)
						 : child_done(ls, i, err);
	}
	return r;
}

int layers_run(const struct layers_conf *conf, const struct layers_feed *feed,
	       const struct layer_want *want, size_t n, struct rl_err *err)
{
	auto_free struct pollfd *p = calloc(n + 2, sizeof(*p));
	struct layers ls;
	int r;

	if (!p)
		return rl_oom(err);
	r = layers_init(&ls, conf, feed, want, n, err);
	while (r == 0 && !all_done(&ls))
		r = step(&ls, p, err);
	/* all children first: they stop at once while their folders are removed one by one */
	for (size_t i = 0; i < n && r < 0; i++)
		if (ls.v[i].state == ACTIVE && ls.v[i].unpack.pid > 0)
			(void)proc_pidfd_signal(ls.v[i].unpack.pidfd, SIGKILL);
	for (size_t i = 0; i < n && r < 0; i++)
		drop(&ls, i);
	free(ls.v);
	return r;
}
