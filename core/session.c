/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.c - finding S, or making it
 *
 * Theory of operation: ask the holder; if nobody answers, take session.lock, ask again (somebody
 * else may have made S while we waited), ask the monitors of live containers, and only then make
 * S. Whoever got S under the lock starts a holder for the next one.
 *
 * Maps: 0 is the caller, 1.. are the subordinate ranges, cut where lines of the caller's own map
 * end (the kernel refuses a line that spans two). Where that cannot be had, S has one id, and
 * one warning per boot says why; what looks dangerous (subid.h) or forbids user namespaces
 * altogether (userns.h) is an error instead. Real root, or root of an outer container, writes its
 * maps itself: root's subordinate range, or else every id that it has.
 */
#include "config.h"

#include "core/session.h"

#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/distro.h"
#include "core/holder.h"
#include "core/subid.h"
#include "core/userns.h"

#define LOCK_MS 20000           /* newuidmap asks name services, which may be slow */
#define WARNED  "one-id.warned" /* below run_dir; holds the boot id of the last warning */

/* --- finding ------------------------------------------------------------------------------ */

/* Any monitor has S open: one that answers is as good as the holder. */
static int ask_monitors(const struct rl *rl, struct session *ret)
{
	auto_dir DIR *d = NULL;
	const struct dirent *e;
	int fd = openat(rl->run_fd, "ctr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d) {
		fd_close(fd);
		return -ENOMEM;
	}
	while ((e = readdir(d))) {
		char path[300];

		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/monitor.sock", e->d_name);
		if (holder_ask(fd, path, ret) == 0)
			return 0;
	}
	return -ENOENT;
}

/* 0 when found, -ENOENT when there is none, or an error that making another would not mend. */
static int find(const struct rl *rl, struct session *ret, struct rl_err *err)
{
	int r = holder_ask(rl->run_fd, HOLDER_SOCKET, ret);

	if (r == 0 || r == -ENOENT || r == -ECONNREFUSED || r == -ETIMEDOUT)
		return r == 0 ? 0 : -ENOENT;
	if (r == -EPROTO || r == -EPERM) {
		rl_fail(err, -r,
			"'%s/%s' does not hand out a session of this user and this namespace",
			rl->run_dir, HOLDER_SOCKET);
		return rl_hint(err, "another version of rl, or an rl inside another container, "
				    "uses the folder: set XDG_RUNTIME_DIR or RL_ROOT to one of its "
				    "own, or wait a minute");
	}
	return rl_fail_sys(err, -r, "ask '%s/%s'", rl->run_dir, HOLDER_SOCKET);
}

/* --- planning ----------------------------------------------------------------------------- */

struct plan {
	struct idmap own_uids, own_gids; /* the caller's own maps (/proc/self) */
	struct idmap uids, gids;         /* of S */
	char *newuidmap, *newgidmap;     /* NULL: written directly */
	const char *name;                /* login name or NULL; borrowed from getpwuid() */
};

static void plan_done(struct plan *p)
{
	free(p->newuidmap);
	free(p->newgidmap);
}

static int own_map(const char *path, struct idmap *ret, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	int r = io_read_file(AT_FDCWD, path, 65536, &b, err);

	if (r < 0)
		return r;
	r = idmap_parse(b.data ? b.data : "", ret);
	return r < 0 ? rl_fail(err, ENODATA, "'%s' has more lines than rl takes", path) : 0;
}

/* The namespace of the whole machine, where low ids are those of real people and services. */
static bool is_initial(const struct idmap *own)
{
	return own->n == 1 && own->v[0].inside == 0 && own->v[0].outside == 0 &&
	       own->v[0].count == UINT32_MAX;
}

/*
 * Append [start, start + count) to @m from inside id @next on, in pieces that lie in one line of
 * @own each; ids that the caller's namespace does not have drop out.
 */
static int add_range(struct idmap *m, uint32_t *next, uint32_t start, uint32_t count,
		     const struct idmap *own)
{
	for (size_t i = 0; i < own->n; i++) {
		uint64_t from = start > own->v[i].inside ? start : own->v[i].inside;
		uint64_t end = (uint64_t)start + count;
		uint64_t own_end = (uint64_t)own->v[i].inside + own->v[i].count;
		int r;

		if (own_end < end)
			end = own_end;
		if (from >= end)
			continue;
		r = idmap_add(m, *next, (uint32_t)from, (uint32_t)(end - from));
		if (r == -E2BIG) {
			log_debug("subordinate ids: more ranges than a map of rl has lines");
			return 0;
		}
		if (r < 0)
			return r;
		*next += (uint32_t)(end - from);
	}
	return 0;
}

/* 0 = the caller, 1.. = what the sources grant. -ENODATA when they grant nothing. */
static int plan_kind(enum subid_kind kind, const struct rl *rl, const char *name,
		     const struct idmap *own, struct idmap *ret, struct rl_err *err)
{
	uint32_t own_id = kind == SUBID_UID ? rl->uid : rl->gid, next = 1;
	const struct subid_who who = {
		.name = name, .uid = rl->uid, .own_id = own_id, .low_ok = !is_initial(own)
	};
	struct idmap m = { 0 };
	struct subids ids;
	int r;

	r = subid_find(kind, &who, &ids, err);
	if (r < 0)
		return r;
	r = idmap_add(&m, 0, own_id, 1);
	for (size_t i = 0; i < ids.n && r == 0; i++)
		r = add_range(&m, &next, ids.v[i].start, ids.v[i].count, own);
	if (r < 0)
		return rl_fail(err, -r, "the subordinate ids of uid %u overlap", rl->uid);
	if (idmap_count(&m) < 2)
		return -ENODATA;
	*ret = m;
	return 0;
}

/* Say which file lacks a line, and the command that adds it. Return: -ENODATA. */
static int no_subids(const struct rl *rl, const char *name, bool uids, bool gids,
		     struct rl_err *err)
{
	const char *files = uids && gids ? "'/etc/subuid' and '/etc/subgid' have"
			    : uids       ? "'/etc/subuid' has"
					 : "'/etc/subgid' has";
	uint32_t start = subid_free_start();
	char flags[128] = "";
	size_t n = 0;

	if (!name) {
		rl_fail(err, ENODATA, "uid %u has no subordinate ids and no login name", rl->uid);
		return rl_hint(err,
			       "give uid %u a line in /etc/passwd, /etc/subuid and /etc/subgid",
			       rl->uid);
	}
	rl_fail(err, ENODATA, "%s no line for '%s' (uid %u)", files, name, rl->uid);
	if (start == 0)
		return rl_hint(err, "add a line '%s:START:65536' with ids that nobody else has",
			       name);
	if (uids)
		n = (size_t)snprintf(flags, sizeof(flags), " --add-subuids %u-%u", start,
				     start + 65535);
	if (gids)
		(void)snprintf(flags + n, sizeof(flags) - n, " --add-subgids %u-%u", start,
			       start + 65535);
	return rl_hint(err, "sudo usermod%s %s", flags, name);
}

static int plan_helpers(struct plan *p, struct rl_err *err)
{
	char line[DISTRO_LINE];
	struct distro d;

	p->newuidmap = proc_find("newuidmap");
	p->newgidmap = proc_find("newgidmap");
	if (p->newuidmap && p->newgidmap)
		return 0;
	rl_fail(err, ENODATA, "the program '%s' is not installed",
		p->newuidmap ? "newgidmap" : "newuidmap");
	distro_read(&d);
	distro_install(&d, DISTRO_UIDMAP, line);
	return rl_hint(err, "%s", line);
}

static int plan_full(struct plan *p, const struct rl *rl, struct rl_err *err)
{
	int u, g;

	u = plan_kind(SUBID_UID, rl, p->name, &p->own_uids, &p->uids, err);
	if (u < 0 && u != -ENODATA)
		return u;
	g = plan_kind(SUBID_GID, rl, p->name, &p->own_gids, &p->gids, err);
	if (g < 0 && g != -ENODATA)
		return g;
	if (rl->uid == 0) {
		/* root may hand out everything that it has itself */
		int r = u < 0 || g < 0 ? idmap_identity(&p->own_uids, &p->uids, err) : 0;

		if (r == 0 && (u < 0 || g < 0))
			r = idmap_identity(&p->own_gids, &p->gids, err);
		if (r < 0)
			return r;
		if (idmap_count(&p->uids) > 1 && idmap_count(&p->gids) > 1)
			return 0;
		return rl_fail(err, ENODATA, "root of this namespace has no other id than its own");
	}
	if (u < 0 || g < 0)
		return no_subids(rl, p->name, u < 0, g < 0, err);
	return plan_helpers(p, err);
}

/* --- making ------------------------------------------------------------------------------- */

/*
 * -ENODATA: the namespace can be had, but not with these maps (the cause is in @err). Any other
 * failure stands for every rung.
 */
static int make_full(const struct plan *p, int *ret_fd, struct rl_err *err)
{
	struct userns u = USERNS_NONE;
	int r = userns_begin(&u, err);

	if (r < 0)
		return r;
	if (p->newuidmap)
		r = userns_map_helper(&u, p->newuidmap, p->newgidmap, &p->uids, &p->gids, err);
	else
		r = userns_map_direct(&u, &p->uids, &p->gids, false, err);
	if (r < 0) {
		err->code = ENODATA;
		r = -ENODATA;
	} else {
		r = userns_finish(&u, ret_fd, err);
	}
	userns_abort(&u);
	return r;
}

static int make_one_id(const struct rl *rl, struct session *s, struct rl_err *err)
{
	struct userns u = USERNS_NONE;
	int r;

	s->uids = (struct idmap){ .v = { { 0, rl->uid, 1 } }, .n = 1 };
	s->gids = (struct idmap){ .v = { { 0, rl->gid, 1 } }, .n = 1 };
	r = userns_begin(&u, err);
	if (r == 0)
		r = userns_map_direct(&u, &s->uids, &s->gids, true, err);
	if (r == 0)
		r = userns_finish(&u, &s->userns_fd, err);
	userns_abort(&u);
	return r;
}

/* One line per boot, not per command. */
static void warn_one_id(const struct rl *rl, const struct rl_err *why)
{
	auto_buf struct buf b = { 0 };
	struct rl_err err;
	char boot[37] = "";

	RL_IGNORE(proc_boot_id(boot)); /* empty then: warns once per runtime folder */
	if (io_read_file(rl->run_fd, WARNED, 64, &b, &err) == 0 && b.data &&
	    strcmp(b.data, boot) == 0)
		return;
	log_warn("only one user id for containers: %s%s%s", why->msg, why->hint[0] ? "; " : "",
		 why->hint);
	if (io_replace_file(rl->run_fd, WARNED, boot, strlen(boot), 0600, IO_NOSYNC, &err) < 0)
		log_debug("%s", err.msg); /* then the line comes again */
}

int session_try(const struct rl *rl, struct session *ret, struct rl_err *ret_why,
		struct rl_err *err)
{
	__attribute__((cleanup(plan_done))) struct plan p = { 0 };
	struct session s = { .userns_fd = FD_NONE };
	const struct passwd *pw = getpwuid(rl->uid);
	struct rl_err why = { 0 };
	int r;

	p.name = pw && pw->pw_name[0] ? pw->pw_name : NULL;
	r = own_map("/proc/self/uid_map", &p.own_uids, &why);
	if (r == 0)
		r = own_map("/proc/self/gid_map", &p.own_gids, &why);
	if (r == 0)
		r = plan_full(&p, rl, &why);
	if (r == 0)
		r = make_full(&p, &s.userns_fd, &why);
	s.uids = p.uids;
	s.gids = p.gids;
	s.rung = SESSION_FULL;
	if (r == -ENODATA) {
		s.rung = SESSION_ONE_ID;
		r = make_one_id(rl, &s, err);
	} else if (r < 0) {
		*err = why;
	}
	if (r == 0) {
		*ret = s;
		*ret_why = s.rung == SESSION_FULL ? (struct rl_err){ 0 } : why;
	}
	return r;
}

static int make(const struct rl *rl, struct session *ret, struct rl_err *err)
{
	struct rl_err why = { 0 };
	int r = session_try(rl, ret, &why, err);

	if (r == 0 && why.code)
		warn_one_id(rl, &why);
	return r;
}

/* --- the door ----------------------------------------------------------------------------- */

int session_open(const struct rl *rl, struct session *ret, struct rl_err *err)
{
	auto_fd int lock = FD_NONE;
	struct rl_err lost;
	int r;

	r = find(rl, ret, err);
	if (r != -ENOENT)
		return r;
	lock = io_flock_wait(rl->run_fd, HOLDER_LOCK, LOCK_MS, err);
	if (lock < 0)
		return rl_wrap(err, "session");
	r = find(rl, ret, err);
	if (r != -ENOENT)
		return r;
	r = ask_monitors(rl, ret);
	if (r < 0)
		r = make(rl, ret, err);
	if (r < 0)
		return r;
	/* without a holder all works, but the next command pays for another S */
	if (holder_start(rl, ret, &lost) < 0)
		log_debug("%s", lost.msg);
	return 0;
}

void session_close(struct session *s)
{
	fd_close(s->userns_fd);
	*s = (struct session){ .userns_fd = FD_NONE };
}

int session_enter(const struct session *s, struct rl_err *err)
{
	if (setns(s->userns_fd, CLONE_NEWUSER) < 0)
		return rl_fail_sys(err, errno, "enter the session's user namespace");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return rl_fail_sys(err, errno, "become root of the session's user namespace");
	return 0;
}
