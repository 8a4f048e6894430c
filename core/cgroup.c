/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup.c - the place of a container, its limits, its end
 *
 * Theory of operation: cgroup_request() looks whether limits can work at all (a cgroup2 mount
 * with controllers) and starts the talk with systemd; cgroup_place() waits for that, or makes a
 * group in our own cgroup if that is delegated, or settles for none. The tree:
 *
 *	rl-<id>.scope		or rl-<id>: given to us; no processes, controllers handed down
 *	    supervisor		the monitor and its kin
 *	    container		init; memory.oom.group, limits; root of the cgroup namespace
 *
 * In a delegated cgroup the processes that already live there (the shell that ran rl) have to move
 * into a leaf first, "rl-callers", because a group with processes cannot hand controllers down.
 *
 * A limit whose file is not there is lost, not an error: the caller says so in a line or refuses.
 */
#include "config.h"

#include "core/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/cgroup_fs.h"
#include "core/cgroup_limits.h"
#include "core/cgroup_systemd.h"

#define PLACE_MS  10000
#define REMOVE_MS 1000
#define CALLERS   "rl-callers"

/* --- the ladder --------------------------------------------------------------------------- */

static int settle_for_none(struct cgroup *c, const struct rl_err *cause, struct rl_err *err)
{
	char *why = str_printf("%s%s%s", cause->msg, cause->hint[0] ? "; " : "", cause->hint);

	if (!why)
		return rl_oom(err);
	free(c->why);
	c->why = why;
	c->rung = CGROUP_NONE;
	return 0;
}

/*
 * Whether limits can work here at all. A group of v2 without controllers means little (systemd
 * may hand out some); together with controllers in v1 it means that they are all there.
 */
static int check_unified(struct rl_err *err)
{
	static const char *const wanted[] = { "cpu", "memory", "pids" };
	auto_buf struct buf self = { 0 };
	auto_free char *folder = NULL;
	auto_fd int fd = FD_NONE;
	int r = cgfs_find(0, &folder, err);

	if (r == 0)
		r = io_read_file(AT_FDCWD, "/proc/self/cgroup", 1 << 20, &self, err);
	if (r < 0)
		return r;
	fd = cgfs_open(folder);
	for (size_t i = 0; fd >= 0 && i < ARRAY_LEN(wanted); i++)
		if (cgfs_lists(fd, "cgroup.controllers", wanted[i]))
			return 0;
	if (!self.data || !cgfs_has_v1(self.data))
		return 0;
	rl_fail(err, ENOENT, "the cgroup controllers of this machine are in version 1");
	return rl_hint(err, "boot with systemd.unified_cgroup_hierarchy=1");
}

static bool is_slice(const char *parent)
{
	size_t n = strlen(parent);

	return n > 6 && strcmp(parent + n - 6, ".slice") == 0;
}

/* Whether only a group in a delegated one will do. */
static bool wants_delegated(const struct cgroup_limits *l)
{
	return l->mode == CGROUP_MODE_SPLIT || (l->parent[0] && !is_slice(l->parent));
}

int cgroup_request(const char *id, const char *description, const struct cgroup_limits *limits,
		   pid_t supervisor, pid_t init, struct cgroup *ret, struct rl_err *err)
{
	struct cgroup c = CGROUP_INIT;
	auto_free char *unit = str_printf("rl-%s.scope", id);
	const pid_t pids[] = { init, supervisor };
	const char *slice = is_slice(limits->parent) ? limits->parent : NULL;
	struct rl_err cause = { 0 };
	int r = 0;

	c.scope_path = str_printf("rl-%s", id); /* its name until it has a place */
	if (limits->parent[0] && !slice)
		c.base = strdup(limits->parent);
	/* a group elsewhere could not be left by the monitor that removes it */
	c.alone = limits->mode == CGROUP_MODE_NO_CONMON || c.base;
	if (!unit || !c.scope_path || (limits->parent[0] && !slice && !c.base)) {
		cgroup_done(&c);
		return rl_oom(err);
	}
	if (check_unified(&cause) < 0) {
		r = settle_for_none(&c, &cause, err);
	} else if (wants_delegated(limits)) {
		c.rung = CGROUP_DELEGATED;
	} else if (cgsd_request(unit, slice, description, pids, c.alone ? 1 : 2, &c.request,
				&cause) < 0) {
		/* @why stays the reason, should the own cgroup turn out to be of no use either */
		r = settle_for_none(&c, &cause, err);
		c.rung = CGROUP_DELEGATED;
	} else {
		c.rung = CGROUP_SCOPE;
	}
	if (r < 0)
		cgroup_done(&c);
	else
		*ret = c;
	return r;
}

/* --- groups ------------------------------------------------------------------------------- */

/* mkdir if need be, and open. fd or -errno. */
static int make_group(int parent_fd, const char *name)
{
	int fd;

	if (mkdirat(parent_fd, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/*
 * Hand down what containers use. One write for all is quick; where one of them is refused (cpu,
 * while real-time processes exist) the others are still wanted.
 */
static int hand_down(int fd, bool cpuset)
{
	static const char *const names[] = { "cpu", "memory", "pids", "io", "cpuset" };
	char all[64] = "";
	size_t n = 0;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(names) - !cpuset; i++)
		if (cgfs_lists(fd, "cgroup.controllers", names[i]))
			n += (size_t)snprintf(all + n, sizeof(all) - n, "%s+%s", n ? " " : "",
					      names[i]);
	if (n == 0)
		return 0;
	r = cgfs_write(fd, "cgroup.subtree_control", all);
	if (r == 0 || r == -EBUSY)
		return r;
	for (char *s = all, *end; *s; s = end) {
		end = s + strcspn(s, " ");
		if (*end)
			*end++ = '\0';
		r = cgfs_write(fd, "cgroup.subtree_control", s);
		if (r < 0)
			log_debug("cgroup controller '%s': %s", s, strerror(-r));
	}
	return 0;
}

/*
 * Two children, everybody in them, controllers handed down. The monitor may have forked (the pump)
 * since systemd was told the pids, so whoever else is found goes to the supervisor.
 */
static int furnish(struct cgroup *c, int scope_fd, bool cpuset, pid_t supervisor, pid_t init,
		   struct rl_err *err)
{
	auto_fd int sup = c->alone ? FD_NONE : make_group(scope_fd, "supervisor");
	auto_fd int ctr = make_group(scope_fd, "container");
	int r;

	if ((sup < 0 && !c->alone) || ctr < 0)
		return rl_fail_sys(err, ctr < 0 ? -ctr : -sup, "make a cgroup in '%s'",
				   c->scope_path);
	r = cgfs_move(ctr, init);
	if (r == 0 && !c->alone)
		r = cgfs_move(sup, supervisor);
	for (int round = 0; r == 0 && round < 5; round++) {
		r = c->alone ? 0 : cgfs_move_all(scope_fd, sup);
		if (r == 0)
			r = hand_down(scope_fd, cpuset);
		if (r != -EBUSY)
			break;
		r = round < 4 ? 0 : r;
	}
	if (r < 0)
		return rl_fail_sys(err, -r, "move into the cgroup '%s'", c->scope_path);
	c->path = str_printf("%s/container", c->scope_path);
	if (!c->path)
		return rl_oom(err);
	c->dir_fd = TAKE_FD(ctr);
	return 0;
}

static int place_in_scope(struct cgroup *c, bool cpuset, pid_t supervisor, pid_t init,
			  struct rl_err *err)
{
	auto_free char *folder = NULL;
	auto_fd int fd = FD_NONE;
	const char *name;
	int r = cgsd_wait(c->request, PLACE_MS, err);

	if (r == 0)
		r = cgfs_find(init, &folder, err);
	if (r < 0)
		return r;
	/* systemd says done; see for ourselves before anything is written there */
	name = strrchr(folder, '/');
	if (!name || strncmp(name + 1, c->scope_path, strlen(c->scope_path)) != 0)
		return rl_fail(err, EIO, "systemd did not move the container: it is in '%s'",
			       folder);
	fd = cgfs_open(folder);
	if (fd < 0)
		return rl_fail_sys(err, -fd, "open the cgroup '%s'", folder);
	free(c->scope_path);
	c->scope_path = TAKE_PTR(folder);
	return furnish(c, fd, cpuset, supervisor, init, err);
}

/*
 * The delegated group that ours are made in: @parent or else our own, or the one above it if rl moved
 * us to the leaf.
 */
static int find_base(const char *parent, char **ret_folder, struct rl_err *err)
{
	static const char *const files[] = { ".", "cgroup.procs", "cgroup.subtree_control" };
	auto_free char *folder = NULL;
	auto_fd int fd = FD_NONE;
	char *slash;
	int r = cgfs_find(0, &folder, err);

	if (r < 0)
		return r;
	slash = strrchr(folder, '/');
	if (slash && strcmp(slash + 1, CALLERS) == 0)
		*slash = '\0';
	if (parent) {
		free(TAKE_PTR(folder));
		r = cgfs_locate(parent, &folder, err);
	}
	if (r < 0)
		return r;
	fd = cgfs_open(folder);
	if (fd < 0)
		return rl_fail_sys(err, -fd, "open the cgroup '%s'", folder);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (faccessat(fd, files[i], W_OK, AT_EACCESS) < 0) {
			int e = errno;

			rl_fail_sys(err, e, "the cgroup '%s' is not delegated to you: '%s'", folder,
				    files[i]);
			return e == EROFS ? rl_hint(err, "let the outer container have "
							 "/sys/fs/cgroup writable")
					  : -e;
		}
	*ret_folder = TAKE_PTR(folder);
	return 0;
}

/* Hand down, and move who is in the way to the leaf if they are the @callers. */
static void prepare(int fd, bool cpuset, bool callers)
{
	auto_fd int leaf = FD_NONE;
	int r = hand_down(fd, cpuset);

	if (r == -EBUSY && callers) {
		leaf = make_group(fd, CALLERS);
		r = leaf < 0 ? leaf : cgfs_move_all(fd, leaf);
		if (r == 0)
			r = hand_down(fd, cpuset);
	}
	if (r < 0) /* then the files of the limits are missing, and each is reported */
		log_debug("controllers cannot be handed down: %s", strerror(-r));
}

/* The groups of @path below @base, on which @fd is; all three become the last one. */
static int descend(char **base, const char *path, int *fd, bool cpuset, struct rl_err *err)
{
	for (const char *s = path; *(s += strspn(s, "/"));) {
		const size_t n = strcspn(s, "/");
		auto_free char *name = strndup(s, n), *above = TAKE_PTR(*base);
		int next = name ? make_group(*fd, name) : -ENOMEM;

		if (next < 0)
			return rl_fail_sys(err, -next, "make the cgroup '%s' in '%s'", path, above);
		fd_close(*fd);
		*fd = next;
		prepare(next, cpuset, false);
		*base = str_printf("%s/%s", above, name);
		if (!*base)
			return rl_oom(err);
		s += n;
	}
	return 0;
}

static int place_in_own(struct cgroup *c, bool cpuset, pid_t supervisor, pid_t init,
			struct rl_err *err)
{
	const bool elsewhere = c->base && c->base[0] == '/';
	auto_free char *base = NULL, *folder = NULL;
	auto_fd int fd = FD_NONE, own = FD_NONE;
	int r = find_base(elsewhere ? c->base : NULL, &base, err);

	if (r < 0)
		return r;
	fd = cgfs_open(base);
	if (fd < 0)
		return rl_fail_sys(err, -fd, "open the cgroup '%s'", base);
	prepare(fd, cpuset, !elsewhere);
	if (c->base && !elsewhere)
		r = descend(&base, c->base, &fd, cpuset, err);
	if (r < 0)
		return r;
	own = make_group(fd, c->scope_path);
	if (own < 0)
		return rl_fail_sys(err, -own, "make the cgroup '%s' in '%s'", c->scope_path, base);
	folder = str_printf("%s/%s", base, c->scope_path);
	if (!folder)
		return rl_oom(err);
	free(c->scope_path);
	c->scope_path = TAKE_PTR(folder);
	return furnish(c, own, cpuset, supervisor, init, err);
}

/* --- limits ------------------------------------------------------------------------------- */

static int lose(struct strv *lost, const char *flag, const char *why, struct rl_err *err)
{
	return strv_take(lost, str_printf("%s: %s", flag, why)) < 0 ? rl_oom(err) : 0;
}

/* Why a file is not there, in the words of the rung. */
static int lose_knob(const struct cgroup *c, const struct cgroup_knob *k, struct strv *lost,
		     struct rl_err *err)
{
	char why[700];

	if (!k->controller[0] || cgfs_lists(c->dir_fd, "cgroup.controllers", k->controller))
		(void)snprintf(why, sizeof(why), "this kernel has no '%s'%s", k->file,
			       strstr(k->file, ".swap.") ? "; swap needs swapaccount=1 at boot"
							 : "");
	else if (c->rung == CGROUP_SCOPE && getuid() != 0)
		(void)snprintf(
			why, sizeof(why),
			"systemd does not delegate the controller '%s' to users; sudo mkdir "
			"-p /etc/systemd/system/user@.service.d && printf "
			"'[Service]\\nDelegate=cpu cpuset io memory pids\\n' | sudo tee "
			"/etc/systemd/system/user@.service.d/delegate.conf && sudo systemctl "
			"daemon-reload, then log in again",
			k->controller);
	else
		(void)snprintf(why, sizeof(why),
			       "the controller '%s' is not handed down to '%.200s'; let the outer "
			       "service (Delegate=yes) or container delegate it, and no other "
			       "processes live beside it",
			       k->controller, c->scope_path);
	return lose(lost, k->flag, why, err);
}

static int write_limits(const struct cgroup *c, const struct cgroup_knob *k, size_t n,
			struct strv *lost, struct rl_err *err)
{
	int r;

	for (size_t i = 0; i < n; i++) {
		r = cgfs_write(c->dir_fd, k[i].file, k[i].value);
		if (r == -ENOENT || r == -EACCES || r == -EPERM || r == -EROFS)
			r = lose_knob(c, &k[i], lost, err);
		else if (r == -EOPNOTSUPP)
			r = lose(lost, k[i].flag,
				 "the kernel cannot do it on that device (no io.cost, no BFQ)",
				 err);
		else if (r < 0)
			rl_fail_sys(err, -r, "%s: write '%s' to '%s'", k[i].flag, k[i].value,
				    k[i].file);
		if (r < 0)
			return r;
	}
	/* one process of a container less is seldom what anybody wants: all or none */
	r = cgfs_write(c->dir_fd, "memory.oom.group", "1");
	if (r < 0)
		log_debug("memory.oom.group: %s", strerror(-r));
	return 0;
}

/* What was said about the place, where it came to another one. */
static int lose_place(const struct cgroup *c, const struct cgroup_limits *l, bool scope,
		      struct strv *lost, struct rl_err *err)
{
	const bool placed = c->rung != CGROUP_NONE;
	const char *why = c->why ? c->why : "systemd does not make the scope";
	int r = 0;

	if (l->parent[0] &&
	    (!placed || (is_slice(l->parent) && !(scope && c->rung == CGROUP_SCOPE))))
		r = lose(lost, "--cgroup-parent", why, err);
	if (r == 0 && l->mode != CGROUP_MODE_DEFAULT && !placed)
		r = lose(lost, "--cgroups", why, err);
	return r;
}

int cgroup_place(struct cgroup *c, const struct cgroup_limits *limits, pid_t supervisor, pid_t init,
		 struct strv *ret_lost, struct rl_err *err)
{
	struct cgroup_knob k[CGROUP_KNOBS];
	size_t n = cgroup_knobs(limits, k);
	bool cpuset = limits->cpuset_cpus[0] || limits->cpuset_mems[0];
	struct rl_err cause = { 0 };
	const bool scope = c->rung == CGROUP_SCOPE;
	int r = 0;

	if (scope) {
		r = place_in_scope(c, cpuset, supervisor, init, &cause);
		cgsd_free(c->request);
		c->request = NULL;
		if (r < 0 && settle_for_none(c, &cause, err) < 0)
			return -ENOMEM;
		if (r < 0 && !strchr(c->scope_path, '/'))
			c->rung = CGROUP_DELEGATED;
	}
	/* when both rungs fail, the first reason is the one to mend */
	if (c->rung == CGROUP_DELEGATED && place_in_own(c, cpuset, supervisor, init, &cause) < 0) {
		log_debug("%s", cause.msg);
		r = c->why ? 0 : settle_for_none(c, &cause, err);
		c->rung = CGROUP_NONE;
		if (r < 0)
			return r;
	}
	if (lose_place(c, limits, scope, ret_lost, err) < 0)
		return -ENOMEM;
	if (c->rung != CGROUP_NONE)
		return write_limits(c, k, n, ret_lost, err);
	for (size_t i = 0; i < n; i++)
		if (lose(ret_lost, k[i].flag, c->why, err) < 0)
			return -ENOMEM;
	return 0;
}

int cgroup_reuse(struct cgroup *c, pid_t init, struct rl_err *err)
{
	int r;

	if (c->rung == CGROUP_NONE)
		return 0;
	(void)cgfs_kill(c->dir_fd); /* a pid namespace that ended left none, a shared one may */
	r = cgfs_write(c->dir_fd, "cgroup.freeze", "0");
	if (r < 0)
		log_debug("cgroup.freeze: %s", strerror(-r));
	r = cgfs_move(c->dir_fd, init);
	return r < 0 ? rl_fail_sys(err, -r, "move into the cgroup '%s'", c->path) : 0;
}

/* --- use and end -------------------------------------------------------------------------- */

int cgroup_read(const struct cgroup *c, struct cgroup_usage *ret)
{
	struct cgroup_usage u = { 0 };
	int64_t kills = 0, usec = 0;

	*ret = u;
	if (c->dir_fd < 0)
		return -ENOENT;
	cgfs_number(c->dir_fd, "memory.events", "oom_kill", &kills);
	cgfs_number(c->dir_fd, "cpu.stat", "usage_usec", &usec);
	cgfs_number(c->dir_fd, "memory.peak", NULL, &u.memory_peak);
	cgfs_number(c->dir_fd, "memory.max", NULL, &u.memory_max);
	cgfs_number(c->dir_fd, "memory.current", NULL, &u.memory_current);
	cgfs_number(c->dir_fd, "pids.current", NULL, &u.pids);
	u.oom_kills = (uint64_t)kills;
	u.cpu_usec = (uint64_t)usec;
	*ret = u;
	return 0;
}

/* Out of the group that is to be removed: to the leaf beside it, or the group above. */
static void leave_delegated(const struct cgroup *c)
{
	auto_free char *base = strdup(c->scope_path);
	auto_fd int fd = FD_NONE, to = FD_NONE, sup = FD_NONE;
	char *slash = base ? strrchr(base, '/') : NULL;
	int r;

	if (!slash)
		return;
	*slash = '\0';
	fd = cgfs_open(base);
	sup = cgfs_open(c->scope_path);
	to = fd < 0 ? fd : openat(fd, CALLERS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sup >= 0) {
		int child = openat(sup, "supervisor", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		r = child < 0 ? -errno : cgfs_move_all(child, to < 0 ? fd : to);
		if (c->alone)
			r = 0;
		fd_close(child);
		if (r == 0)
			r = cgfs_remove(fd, slash + 1, REMOVE_MS);
		if (r < 0)
			log_debug("remove the cgroup '%s': %s", c->scope_path, strerror(-r));
	}
}

void cgroup_remove(struct cgroup *c)
{
	auto_fd int fd = FD_NONE;
	int r;

	if (c->path) {
		(void)cgfs_kill(c->dir_fd); /* what cannot be killed keeps its group */
		fd = cgfs_open(c->scope_path);
		r = fd < 0 ? fd : cgfs_remove(fd, "container", REMOVE_MS);
		if (r < 0)
			log_debug("remove the cgroup '%s': %s", c->path, strerror(-r));
		if (c->rung == CGROUP_DELEGATED)
			leave_delegated(c);
	}
	cgroup_done(c);
}

void cgroup_heal(const char *path, const char *id)
{
	auto_free char *dir = strdup(path);
	auto_fd int fd = FD_NONE, group = FD_NONE, above = FD_NONE;
	char *slash = dir ? strrchr(dir, '/') : NULL, *name = NULL;
	int r;

	/* the path comes out of a file: only a group of this container is touched */
	if (!slash || strcmp(slash, "/container") != 0 || !strstr(path, id))
		return;
	fd = cgfs_open(dir);
	if (fd >= 0)
		(void)cgfs_kill(fd); /* what cannot be killed keeps its group */
	*slash = '\0';
	group = cgfs_open(dir);
	name = strrchr(dir, '/');
	if (group < 0 || !name || strncmp(name, "/rl-", 4) != 0)
		return;
	*name++ = '\0';
	above = cgfs_open(dir);
	r = above < 0 ? above : cgfs_remove(above, name, REMOVE_MS);
	if (r < 0)
		log_debug("remove the cgroup '%s': %s", path, strerror(-r));
}

void cgroup_done(struct cgroup *c)
{
	cgsd_free(c->request);
	fd_close(c->path ? c->dir_fd : FD_NONE); /* a zeroed struct has no descriptor 0 */
	free(c->path);
	free(c->scope_path);
	free(c->base);
	free(c->why);
	*c = (struct cgroup)CGROUP_INIT;
}

bool cgroup_outlives_login(void)
{
	return cgsd_lingers();
}
