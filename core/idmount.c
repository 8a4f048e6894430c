/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idmount.c - idmapped mounts; the header is the manual
 *
 * Theory of operation: the kernel takes the map from a user namespace. A child makes one and waits;
 * we, who have rights over ids in its parent, write its maps and open it. Its number is asked of
 * /proc, which may count in another pid namespace. Source: mount_setattr(2), user_namespaces(7).
 */
#include "config.h"

#include "core/idmount.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "core/base/strv.h"
#include "core/idmap.h"
#include "core/launch.h"
#include "core/mnt.h"
#include "core/session.h"

struct range {
	uint64_t from, to, count;
};

static int bad(const char *map, struct rl_err *err)
{
	rl_fail(err, EINVAL, "'idmap=%.200s' is not understood", map);
	return rl_hint(err,
		       "idmap=uids=FROM-TO-COUNT#...;gids=FROM-TO-COUNT#..., with '@' before a "
		       "FROM for ids of the container");
}

/* "[@]FROM-TO-COUNT" */
static int parse_range(const char *s, struct range *ret, bool *ret_inside)
{
	auto_strv struct strv v = { 0 };

	*ret_inside = *s == '@';
	if (strv_split(&v, s + (*s == '@'), '-') < 0)
		return -ENOMEM;
	if (v.n != 3 || parse_uint(v.v[0], UINT32_MAX - 1, &ret->from) < 0 ||
	    parse_uint(v.v[1], UINT32_MAX - 1, &ret->to) < 0 ||
	    parse_uint(v.v[2], UINT32_MAX - 1, &ret->count) < 0 || ret->count == 0)
		return -EINVAL;
	return 0;
}

/* The id of the container that the id @id of the host is, or -1 */
static int64_t inside_of(const struct idmap *s, const struct idmap *c, uint64_t id)
{
	int64_t in_s = idmap_to_inside(s, (uint32_t)id);

	return in_s < 0 ? -1 : idmap_to_inside(c, (uint32_t)in_s);
}

/* Ids of the host become the container's; all of them or none. */
static int to_container(const struct idmap *s, const struct idmap *c, struct range *g,
			struct rl_err *err)
{
	int64_t first = inside_of(s, c, g->to), last = inside_of(s, c, g->to + g->count - 1);

	if (first < 0 || last < 0 || (uint64_t)(last - first) != g->count - 1)
		return rl_fail(err, EINVAL,
			       "idmap: %llu ids from %llu on are not all the container's",
			       (unsigned long long)g->count, (unsigned long long)g->to);
	g->to = (uint64_t)first;
	return 0;
}

/* @list: ranges with '#'. @s, @c: maps of S and of the container; without @c only the syntax counts. */
static int parse_list(const char *map, const char *list, const struct idmap *s,
		      const struct idmap *c, struct idmap *ret, struct rl_err *err)
{
	auto_strv struct strv v = { 0 };
	struct idmap m = { 0 };
	int r = strv_split(&v, list, '#') < 0 ? rl_oom(err) : 0;

	for (size_t i = 0; r == 0 && i < v.n; i++) {
		struct range g;
		bool inside;

		if (parse_range(v.v[i], &g, &inside) < 0)
			return bad(map, err);
		if (c && !inside)
			r = s ? to_container(s, c, &g, err)
			      : rl_fail(err, ENOTSUP, "idmap: ids of the host are not known here");
		if (r == 0 &&
		    idmap_add(&m, (uint32_t)g.from, (uint32_t)g.to, (uint32_t)g.count) < 0)
			return bad(map, err);
	}
	if (r == 0 && c) /* the kernel takes no line that spans two of the container's */
		return idmap_within(&m, c, ret, err);
	return r;
}

/* "uids=...;gids=..."; what is missing is as the other one */
static int parse_map(const char *map, const struct launch *l, struct idmap *uids,
		     struct idmap *gids, struct rl_err *err)
{
	const struct session *s = l ? l->session : NULL;
	auto_strv struct strv v = { 0 };
	const char *lists[2] = { NULL, NULL };
	int r;

	if (strv_split(&v, map, ';') < 0)
		return rl_oom(err);
	for (size_t i = 0; i < v.n; i++) {
		const bool is_uids = strncmp(v.v[i], "uids=", 5) == 0;

		if ((!is_uids && strncmp(v.v[i], "gids=", 5) != 0) || lists[!is_uids])
			return bad(map, err);
		lists[!is_uids] = v.v[i] + 5;
	}
	if (!lists[0] && !lists[1])
		return bad(map, err);
	r = parse_list(map, lists[0] ? lists[0] : lists[1], s ? &s->uids : NULL,
		       l ? &l->uids : NULL, uids, err);
	return r < 0 ? r
		     : parse_list(map, lists[1] ? lists[1] : lists[0], s ? &s->gids : NULL,
				  l ? &l->gids : NULL, gids, err);
}

int idmount_check(const char *map, struct rl_err *err)
{
	struct idmap uids = { 0 }, gids = { 0 };

	return parse_map(map, NULL, &uids, &gids, err);
}

/* --- a user namespace with a map of its own ------------------------------------------------- */

static _Noreturn void hold(int root_fd, int tell, int wait)
{
	char number[32], c;
	int low, high;
	ssize_t n;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* cannot fail with a valid signal */
	n = readlink("/proc/self", number, sizeof(number) - 1);
	/* the container's root lies over init's own, which counts as a chroot until that is let go */
	if (n <= 0 ||
	    (unshare(CLONE_NEWUSER) < 0 && (errno != EPERM || fchdir(root_fd) < 0 ||
					    chroot(".") < 0 || unshare(CLONE_NEWUSER) < 0)))
		_exit(1);
	number[n] = '\0';
	/* so that its maps may be written; nothing of init's is open in it any more */
	low = tell < wait ? tell : wait;
	high = tell < wait ? wait : tell;
	if ((low > 3 && close_range(3, (unsigned)low - 1, 0) < 0) ||
	    (high > low + 1 && close_range((unsigned)low + 1, (unsigned)high - 1, 0) < 0) ||
	    close_range((unsigned)high + 1, ~0U, 0) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
		_exit(1);
	if (io_write_all(tell, number, (size_t)n + 1) < 0)
		_exit(1);
	fd_close(tell);                       /* the other end reads until then */
	RL_IGNORE(io_read_full(wait, &c, 1)); /* until the other end is closed */
	_exit(0);
}

static int write_map(const char *number, const char *file, const struct idmap *m,
		     struct rl_err *err)
{
	char text[IDMAP_TEXT], path[64];
	size_t len = idmap_format(m, text);
	auto_fd int fd = FD_NONE;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/%s", number, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		return rl_fail_sys(err, errno, "idmap: write '%s'", file);
	return 0;
}

static int take_namespace(int told, const struct idmap *uids, const struct idmap *gids,
			  struct rl_err *err)
{
	char number[32] = "", path[64];
	int fd, r;

	if (io_read_full(told, number, sizeof(number) - 1) <= 0)
		return rl_fail(err, EPERM, "idmap: make a user namespace");
	r = write_map(number, "gid_map", gids, err);
	if (r == 0)
		r = write_map(number, "uid_map", uids, err);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/%.20s/ns/user", number);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? rl_fail_sys(err, errno, "idmap: open its user namespace") : fd;
}

static int make_namespace(int root_fd, const struct idmap *uids, const struct idmap *gids,
			  struct rl_err *err)
{
	int tell[2], wait[2], r, status;
	pid_t pid;

	if (pipe2(tell, O_CLOEXEC) < 0)
		return rl_fail_sys(err, errno, "pipe");
	if (pipe2(wait, O_CLOEXEC) < 0) {
		r = rl_fail_sys(err, errno, "pipe");
		fd_close(tell[0]);
		fd_close(tell[1]);
		return r;
	}
	pid = fork();
	if (pid == 0) {
		fd_close(wait[1]);
		hold(root_fd, tell[1], wait[0]);
	}
	r = pid < 0 ? rl_fail_sys(err, errno, "fork") : 0;
	fd_close(tell[1]);
	fd_close(wait[0]);
	if (r == 0)
		r = take_namespace(tell[0], uids, gids, err);
	fd_close(tell[0]);
	fd_close(wait[1]); /* it ends */
	if (pid > 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	return r;
}

int idmount_apply(const struct launch *l, int root_fd, int fd, const char *map, bool recursive,
		  struct rl_err *err)
{
	struct idmap uids = { 0 }, gids = { 0 };
	auto_fd int ns = FD_NONE;
	int r;

	if (map) {
		r = parse_map(map, l, &uids, &gids, err);
		if (r < 0)
			return r;
		r = ns = make_namespace(root_fd, &uids, &gids, err);
	} else {
		r = ns = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
		if (r < 0)
			r = rl_fail_sys(err, errno, "idmap: open '/proc/self/ns/user'");
	}
	if (r < 0)
		return r;
	r = mnt_idmap(fd, ns, recursive);
	if (r == 0)
		return 0;
	if (r != -EPERM && r != -EINVAL)
		return rl_fail_sys(err, -r, "idmap");
	rl_fail(err, EPERM,
		"idmap: the kernel translates owners on this file system for root only");
	return rl_hint(err, "--me or --userns keep-id make the caller's files the container's own; "
			    "option U changes the owners for good; it works on a tmpfs");
}
