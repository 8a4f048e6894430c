/* SPDX-License-Identifier: Apache-2.0 */
/* events_tail.c - reading and following the log of events; the header is the manual */
#include "config.h"

#include "core/events_tail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"

static int open_part(const struct events_tail *t, const char *name)
{
	int fd = openat(t->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? FD_NONE : fd; /* it comes with the next event */
}

static bool is_same(int a, int b)
{
	struct stat x, y;

	return a >= 0 && b >= 0 && fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino;
}

static void part_set(struct events_part *p, int fd)
{
	fd_close(p->fd);
	p->fd = fd;
	p->rest.len = 0;
}

static int watch_dir(struct events_tail *t, struct rl_err *err)
{
	char path[64];

	t->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (t->watch < 0) {
		rl_fail_sys(err, errno, "follow the events: inotify");
		return err->code == EMFILE
			       ? rl_hint(err, "raise fs.inotify.max_user_instances (sysctl)")
			       : -err->code;
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", t->dir_fd);
	if (inotify_add_watch(t->watch, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
		return rl_fail_sys(err, errno, "follow the events: watch their folder");
	return 0;
}

int events_tail_open(const struct rl *rl, bool follow, struct events_tail *ret, struct rl_err *err)
{
	struct events_tail t = { .dir_fd = FD_NONE,
				 .watch = FD_NONE,
				 .old = { .fd = FD_NONE },
				 .now = { .fd = FD_NONE } };
	int r = 0;

	(void)mkdirat(rl->data_fd, EVENTS_DIR, 0700); /* there already, or seen by the next call */
	t.dir_fd = openat(rl->data_fd, EVENTS_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (t.dir_fd < 0)
		return rl_fail_sys(err, errno, "open '%s/" EVENTS_DIR "'", rl->data_dir);
	if (follow)
		r = watch_dir(&t, err); /* before the first reading: nothing is missed in between */
	if (r < 0) {
		events_tail_close(&t);
		return r;
	}
	/* in this order: a rotation in between is seen as twice the same file */
	t.now.fd = open_part(&t, EVENTS_LOG);
	t.old.fd = open_part(&t, EVENTS_OLD);
	if (is_same(t.now.fd, t.old.fd))
		part_set(&t.now, open_part(&t, EVENTS_LOG));
	*ret = t;
	return 0;
}

/* All whole lines of what is in @p->rest; the rest stays. */
static int take_lines(struct events_part *p, int (*each)(json_t *event, void *arg), void *arg)
{
	char *at = p->rest.data, *end = at + p->rest.len, *nl;
	int r = 0;

	while (r == 0 && (nl = memchr(at, '\n', (size_t)(end - at)))) {
		json_t *j = NULL;

		if (events_parse(at, (size_t)(nl - at), &j) == 0)
			r = each(j, arg);
		json_decref(j);
		at = nl + 1;
	}
	p->rest.len = (size_t)(end - at);
	memmove(p->rest.data, at, p->rest.len);
	return r;
}

static int read_part(struct events_part *p, int (*each)(json_t *event, void *arg), void *arg,
		     struct rl_err *err)
{
	char block[16384];
	ssize_t n;
	int r;

	while (p->fd >= 0 && (n = read(p->fd, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return rl_fail_sys(err, errno, "read the events");
		if (p->rest.len > EVENTS_LINE_MAX)
			p->rest.len = 0; /* not one of ours */
		if (buf_add(&p->rest, block, (size_t)n) < 0)
			return rl_oom(err);
		r = take_lines(p, each, arg);
		if (r != 0)
			return r;
	}
	return 0;
}

/* The log was moved: what we read as @now is the older part, or even gone. */
static void follow_rotation(struct events_tail *t)
{
	auto_fd int fd = open_part(t, EVENTS_LOG);
	int old;

	if (fd < 0 || is_same(fd, t->now.fd))
		return;
	old = open_part(t, EVENTS_OLD);
	if (t->now.fd >= 0 && is_same(old, t->now.fd)) {
		fd_close(old);
		buf_done(&t->old.rest);
		fd_close(t->old.fd);
		t->old = t->now;
		t->now = (struct events_part){ .fd = FD_NONE };
	} else if (!is_same(old, t->old.fd)) {
		part_set(&t->old, old); /* a whole part came and went, or it is the first one */
	} else {
		fd_close(old);
	}
	part_set(&t->now, TAKE_FD(fd));
}

int events_tail_read(struct events_tail *t, int (*each)(json_t *event, void *arg), void *arg,
		     struct rl_err *err)
{
	int r = read_part(&t->old, each, arg, err);

	if (r == 0)
		r = read_part(&t->now, each, arg, err);
	if (r != 0 || t->watch < 0)
		return r;
	follow_rotation(t);
	r = read_part(&t->old, each, arg, err);
	return r ? r : read_part(&t->now, each, arg, err);
}

int events_tail_wait(struct events_tail *t, int timeout_ms, struct rl_err *err)
{
	struct pollfd p = { .fd = t->watch, .events = POLLIN };
	char waste[4096];
	int r = poll(&p, 1, timeout_ms);

	if (r == 0)
		return -ETIMEDOUT;
	if (r < 0 && errno != EINTR)
		return rl_fail_sys(err, errno, "wait for events");
	while (r > 0 && read(t->watch, waste, sizeof(waste)) > 0)
		;
	return 0;
}

void events_tail_close(struct events_tail *t)
{
	fd_close(t->dir_fd);
	fd_close(t->watch);
	part_set(&t->old, FD_NONE);
	part_set(&t->now, FD_NONE);
	buf_done(&t->old.rest);
	buf_done(&t->now.rest);
}
