/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack.c - one layer stream to a staging folder, in a confined child; the header is the manual
 *
 * Theory of operation: the child opens everything that takes files or tables (digest, locale,
 * buffers), enters the sandbox, and only then reads the first byte (child.h, core/sandbox.h).
 */
#include "config.h"

#include "storage/image/unpack.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "storage/digest.h"
#include "storage/image/apply.h"
#include "storage/image/calls.h"
#include "storage/image/child.h"
#include "storage/image/inflate.h"
#include "storage/image/place.h"
#include "storage/image/tarin.h"

/* zstd's largest window, and the folder times of some million folders */
#define UNPACK_MEMORY ((size_t)(1 << INFLATE_WINDOW_LOG) + (size_t)(256 << 20))
#define UNPACK_FILES  4096 /* removing a tree takes two per level, PLACE_DEPTH_MAX levels */
#define LOWER_MAX     1024
#define UNPACKER      "the unpacker"
#define ANSWER_MAX    (sizeof(struct unpack_result) + PLACE_BARE_MAX)

_Static_assert(sizeof(((struct unpack_result *)0)->diff_id) == TARIN_DIGEST_SIZE, "one digest");

static int work(struct apply *a, struct tarin *t, struct unpack_result *ret, struct rl_err *err)
{
	int r = apply_all(a, t, ret, err);

	return r < 0 ? r : tarin_end(t, ret->diff_id, &ret->tar_bytes, err);
}

static int prepare(int in_fd, int diff_fd, int one_id, const struct unpack_limits *limits,
		   struct apply **ret_a, struct tarin **ret_t, struct rl_err *err)
{
	int r = apply_new(diff_fd, one_id != 0, limits, ret_a, err);

	return r < 0 ? r : tarin_open(in_fd, limits->max_bytes, ret_t, err);
}

int unpack_here(int in_fd, int diff_fd, int one_id, const struct unpack_limits *limits,
		struct unpack_result *ret, struct rl_err *err)
{
	struct unpack_result res = { 0 };
	const mode_t mask = umask(0);
	struct apply *a = NULL;
	struct tarin *t = NULL;
	int r = prepare(in_fd, diff_fd, one_id, limits, &a, &t, err);

	if (r == 0)
		r = work(a, t, &res, err);
	apply_free(a);
	tarin_free(t);
	(void)umask(mask);
	if (r == 0)
		*ret = res;
	else
		buf_done(&res.bare);
	return r;
}

/*
 * Threat: a layer is written by whoever made the image; a flaw in inflating, tar reading or in
 * our own rules gives its author this process.
 * Defence: nothing but the staging folder can be written, nothing but it and the lower layers be
 * opened, no network, no exec, no signal to others; files of any owner of S only below it.
 * Must not: read from @in_fd (FD_NONE: there is none) before this returns.
 */
static int lock_in(int in_fd, int diff_fd, int result_fd, const struct unpack_limits *limits,
		   struct rl_err *err)
{
	const int fds[] = { result_fd, in_fd };
	struct sandbox_dir dirs[LOWER_MAX + 2] = { { .fd = diff_fd, .access = SANDBOX_WRITE } };
	const struct sandbox s = {
		.calls = { calls_base, calls_open, calls_tree },
		.other = CALLS_OTHER,
		.dirs = dirs,
		.n_dirs = limits->n_lower + (limits->there ? 2 : 1),
		.caps = CALLS_UNPACK_CAPS,
		.memory = UNPACK_MEMORY,
		.files = UNPACK_FILES,
		.fds = fds,
		.n_fds = in_fd < 0 ? 1 : 2,
	};

	if (limits->n_lower > LOWER_MAX)
		return rl_fail(err, E2BIG, "more than %d layers", LOWER_MAX);
	for (size_t i = 0; i < limits->n_lower; i++)
		dirs[i + 1].fd = limits->lower_fds[i];
	if (limits->there)
		dirs[limits->n_lower + 1].fd = limits->there_fd;
	return sandbox_enter(&s, err);
}

/* The result, then the paths that are a part of it. */
static _Noreturn void answer(int fd, struct unpack_result *res)
{
	struct buf bare = res->bare, all = { 0 };
	struct rl_err err = { 0 };

	res->bare = (struct buf){ 0 };
	if (buf_add(&all, res, sizeof(*res)) < 0 ||
	    (bare.len > 0 && buf_add(&all, bare.data, bare.len) < 0))
		RL_IGNORE(rl_oom(&err)); /* is the answer then */
	child_answer(fd, err.code ? &err : NULL, all.data, all.len);
}

static _Noreturn void child(int in_fd, int diff_fd, int one_id, const struct unpack_limits *limits,
			    int result_fd)
{
	struct unpack_result res = { 0 };
	struct rl_err err = { 0 };
	struct apply *a = NULL;
	struct tarin *t = NULL;
	int r;

	(void)umask(0);
	r = prepare(in_fd, diff_fd, one_id, limits, &a, &t, &err);
	if (r == 0)
		r = lock_in(in_fd, diff_fd, result_fd, limits, &err);
	if (r == 0)
		r = work(a, t, &res, &err);
	if (r < 0)
		child_answer(result_fd, &err, NULL, 0);
	answer(result_fd, &res);
}

static _Noreturn void dresser(const struct buf *bare, int diff_fd, int one_id,
			      const struct unpack_limits *limits, int result_fd)
{
	struct rl_err err = { 0 };
	struct apply *a = NULL;
	int r = apply_new(diff_fd, one_id != 0, limits, &a, &err);

	if (r == 0)
		r = lock_in(FD_NONE, diff_fd, result_fd, limits, &err);
	if (r == 0)
		r = apply_dress(a, bare, &err);
	child_answer(result_fd, r < 0 ? &err : NULL, NULL, 0);
}

int unpack_start(int in_fd, int diff_fd, int one_id, const struct unpack_limits *limits,
		 struct unpack *ret, struct rl_err *err)
{
	struct child c;
	int result_fd, r = child_fork(UNPACKER, &c, &result_fd, err);

	if (r == 0)
		child(in_fd, diff_fd, one_id, limits, result_fd);
	if (r < 0)
		return r;
	*ret = (struct unpack){ .pid = c.pid, .pidfd = c.pidfd, .result_fd = c.result_fd };
	return 0;
}

int unpack_dress_start(const struct buf *bare, int diff_fd, int one_id,
		       const struct unpack_limits *limits, struct unpack *ret, struct rl_err *err)
{
	struct child c;
	int result_fd, r = child_fork(UNPACKER, &c, &result_fd, err);

	if (r == 0)
		dresser(bare, diff_fd, one_id, limits, result_fd);
	if (r < 0)
		return r;
	*ret = (struct unpack){ .pid = c.pid, .pidfd = c.pidfd, .result_fd = c.result_fd };
	return 0;
}

/* Hand the descriptors over: @u is finished from here on. */
static struct child take_child(struct unpack *u)
{
	struct child c = { .pid = u->pid, .pidfd = u->pidfd, .result_fd = u->result_fd };

	*u = (struct unpack){ .pidfd = FD_NONE, .result_fd = FD_NONE };
	return c;
}

int unpack_finish(struct unpack *u, struct unpack_result *ret, struct rl_err *err)
{
	struct child c = take_child(u);
	auto_buf struct buf b = { 0 };
	struct unpack_result res;
	int r = child_result(&c, UNPACKER, ANSWER_MAX, &b, err);

	if (r < 0)
		return r;
	if (b.len < sizeof(res))
		return rl_fail(err, EPROTO, "the answer of " UNPACKER " has an odd size");
	memcpy(&res, b.data, sizeof(res));
	res.diff_id[sizeof(res.diff_id) - 1] = '\0';
	if (!digest_is_valid(res.diff_id) || res.tar_bytes < 0 || res.disk_bytes < 0 ||
	    res.files < 0 || res.stubs < 0)
		return rl_fail(err, EPROTO, "the answer of " UNPACKER " makes no sense");
	res.bare = (struct buf){ 0 };
	if (b.len > sizeof(res) &&
	    buf_add(&res.bare, b.data + sizeof(res), b.len - sizeof(res)) < 0)
		return rl_oom(err);
	*ret = res;
	return 0;
}

int unpack_dress_finish(struct unpack *u, struct rl_err *err)
{
	struct child c = take_child(u);
	auto_buf struct buf nothing = { 0 };

	return child_result(&c, UNPACKER, 0, &nothing, err);
}

void unpack_kill(struct unpack *u)
{
	struct child c = take_child(u);

	child_kill(&c);
}
