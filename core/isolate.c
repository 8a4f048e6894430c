/* SPDX-License-Identifier: Apache-2.0 */
/* isolate.c - the drop order; the header has it with its reasons */
#include "config.h"

#include "core/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "core/base/cleanup.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/exec_spec.h"
#include "core/fakeid.h"
#include "core/idmap.h"
#include "core/nested.h"

#ifndef PIPEFS_MAGIC
#define PIPEFS_MAGIC 0x50495045
#endif

/* Refused for good, by a kernel without keys or a filter around us? Bad arguments: nothing is made. */
static bool is_refused(long nr)
{
	return syscall(nr, NULL, NULL, NULL, 0, 0) < 0 && (errno == ENOSYS || errno == EPERM);
}

/* A new session keyring: the caller's holds keys that are not the container's business. */
static int new_keyring(struct rl_err *err)
{
	int e;

	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0) >= 0)
		return 0;
	e = errno;
	/* the container inherits the filter: what we cannot reach, it cannot */
	if ((e == ENOSYS || e == EPERM) && is_refused(SYS_add_key) && is_refused(SYS_request_key))
		return 0;
	errno = e;
	rl_fail_sys(err, errno, "create a session keyring");
	if (err->code == EDQUOT)
		rl_hint(err, "raise kernel.keys.maxkeys with sysctl");
	return -err->code;
}

/* A limit above what we may have is cut to what we have: containers must start everywhere (F13). */
static int set_rlimits(const struct spec *s, struct rl_err *err)
{
	for (size_t i = 0; i < s->n_rlimits; i++) {
		const struct spec_rlimit *l = &s->rlimits[i];
		struct rlimit now, want = { .rlim_cur = l->soft, .rlim_max = l->hard };

		if (setrlimit((__rlimit_resource_t)l->resource, &want) == 0)
			continue;
		if (errno != EPERM || getrlimit((__rlimit_resource_t)l->resource, &now) < 0)
			return rl_fail_sys(err, errno, "set resource limit %d", l->resource);
		want.rlim_max = want.rlim_max < now.rlim_max ? want.rlim_max : now.rlim_max;
		want.rlim_cur = want.rlim_cur < want.rlim_max ? want.rlim_cur : want.rlim_max;
		if (setrlimit((__rlimit_resource_t)l->resource, &want) < 0)
			return rl_fail_sys(err, errno, "set resource limit %d", l->resource);
	}
	return 0;
}

/* The kernel shows a folder outside the root as "(unreachable)/..." (S2, S12). */
static int enter_cwd(const struct isolate *i, struct rl_err *err)
{
	char cwd[4096];

	if (fchdir(i->cwd_fd) < 0)
		return rl_fail_sys(err, errno, "enter working folder '%s'", i->spec->cwd);
	if (syscall(SYS_getcwd, cwd, sizeof(cwd)) < 0)
		return rl_fail_sys(err, errno, "working folder '%s'", i->spec->cwd);
	if (cwd[0] != '/')
		return rl_fail(err, EXDEV, "working folder '%s' is outside the container",
			       i->spec->cwd);
	return 0;
}

/*
 * A pipe that the caller made for the container belongs to the container's user, so that
 * /dev/stdout can be opened by name. Only anonymous pipes: whatever else comes in as 0, 1, 2 is
 * the host's (CVE-2026-88265).
 */
static void give_pipes(const struct spec *s)
{
	for (int fd = 0; s->uid != 0 && fd <= 2; fd++) {
		struct statfs fs;

		if (fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC)
			RL_IGNORE(fchown(fd, s->uid, (gid_t)-1)); /* a comfort */
	}
}

/*
 * Close what nobody is to have. Where close_range(2) is refused, numbers above 65536 stay open until the
 * exec: those are not ours (close_foreign() in monitor.c).
 */
static void close_rest(const struct isolate *i, unsigned end)
{
	unsigned from = 3;

	for (size_t k = 0; k < i->n_keep; k++) {
		proc_close_range(from, i->keep[k] - 1); /* none: nothing */
		from = i->keep[k] + 1;
	}
	proc_close_range(end, ~0U);
}

/* One that is to become @to, moved out of the way of all others. */
static int lift(int *fd, int above, struct rl_err *err)
{
	*fd = fcntl(*fd, F_DUPFD_CLOEXEC, above);
	return *fd < 0 ? rl_fail_sys(err, errno, "pass a descriptor on") : 0;
}

static int drop_to(int fd, int to, int flags, struct rl_err *err)
{
	return dup3(fd, to, flags) < 0 ? rl_fail_sys(err, errno, "pass descriptor %d", to) : 0;
}

static int place_fds(const struct isolate *i, struct rl_err *err)
{
	const int sync = i->n_keep > 0 ? (int)i->keep[i->n_keep - 1] + 1 : 3, end = sync + 2;
	int stdio[3] = { i->stdio[0], i->stdio[1], i->stdio[2] }, keep[EXEC_KEEP_MAX], r = 0;

	for (size_t k = 0; r == 0 && k < 3; k++)
		r = lift(&stdio[k], end, err);
	for (size_t k = 0; r == 0 && k < i->n_keep; k++) {
		keep[k] = i->keep_fds[k];
		r = lift(&keep[k], end, err);
	}
	/* whatever fails from here on has to be told on a channel that is not overwritten */
	if (r == 0)
		r = lift(i->sync_fd, end, err);
	if (r == 0 && *i->stub_fd >= 0)
		r = lift(i->stub_fd, end, err);
	for (int k = 0; r == 0 && k < 3; k++)
		r = drop_to(stdio[k], k, 0, err);
	for (size_t k = 0; r == 0 && k < i->n_keep; k++)
		r = drop_to(keep[k], (int)i->keep[k], 0, err);
	if (r == 0)
		r = drop_to(*i->sync_fd, sync, O_CLOEXEC, err);
	if (r < 0)
		return r;
	*i->sync_fd = sync;
	if (*i->stub_fd >= 0) {
		r = drop_to(*i->stub_fd, sync + 1, O_CLOEXEC, err);
		*i->stub_fd = sync + 1;
	}
	if (r < 0)
		return r;
	close_rest(i, (unsigned)(*i->stub_fd >= 0 ? end : end - 1));
	give_pipes(i->spec);
	return 0;
}

int isolate_oom_score(const struct spec *s, struct rl_err *err)
{
	auto_fd int fd = FD_NONE;
	char text[16];
	int n;

	if (!s->has_oom_score_adj)
		return 0;
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return rl_fail_sys(err, errno, "open '/proc/self/oom_score_adj'");
	n = snprintf(text, sizeof(text), "%d", s->oom_score_adj);
	if (write(fd, text, (size_t)n) == n)
		return 0;
	/* a session's processes start at 100 or more with systemd and may not go lower */
	if (errno == EACCES)
		log_debug("oom score %d is below what this user may set", s->oom_score_adj);
	else
		return rl_fail_sys(err, errno, "set oom score %d", s->oom_score_adj);
	return 0;
}

int isolate_session(bool terminal, struct rl_err *err)
{
	if (setsid() < 0 && errno != EPERM) /* EPERM: leader of a session of its own already */
		return rl_fail_sys(err, errno, "start a session");
	if (terminal && ioctl(0, TIOCSCTTY, 0) < 0)
		return rl_fail_sys(err, errno, "take the terminal");
	return 0;
}

/* By the bare call: the libc keeps its own two real-time signals for itself. */
static void reset_signals(void)
{
	const struct {
		void (*handler)(int);
		unsigned long flags;
		void (*restorer)(void);
		uint64_t mask;
	} dfl = { 0 };
	const uint64_t none = 0;

	for (int s = 1; s <= 64; s++)
		(void)syscall(SYS_rt_sigaction, s, &dfl, NULL, sizeof(uint64_t));  /* KILL, STOP */
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none)); /* cannot fail */
}

static int set_groups(const struct isolate *i, struct rl_err *err)
{
	const struct spec *s = i->spec;
	bool own_only = s->n_groups == 0 || (s->n_groups == 1 && s->groups[0] == s->gid);

	/* those of the caller are nobody's here, but the host's files know them */
	if (s->keep_groups || setgroups(s->n_groups, s->groups) == 0)
		return 0;
	/* with one id the kernel forbids setgroups altogether (user_namespaces(7)) */
	if (errno == EPERM && (own_only || i->one_id))
		return 0;
	rl_fail_sys(err, errno, "set %zu supplementary groups", s->n_groups);
	if (err->code == EINVAL)
		rl_hint(err, "a group is not among the %llu ids of the container",
			(unsigned long long)idmap_count(i->gids));
	return -err->code;
}

static int set_ids(const struct isolate *i, struct rl_err *err)
{
	const struct spec *s = i->spec;
	int r = set_groups(i, err);

	if (r < 0)
		return r;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return rl_fail_sys(err, errno, "keep capabilities");
	if (setresgid(s->gid, s->gid, s->gid) < 0)
		rl_fail_sys(err, errno, "become group %u", (unsigned)s->gid);
	else if (setresuid(s->uid, s->uid, s->uid) < 0)
		rl_fail_sys(err, errno, "become user %u", (unsigned)s->uid);
	else
		return 0;
	if (err->code == EINVAL)
		rl_hint(err,
			"the container has %llu ids; give the user more in /etc/subuid and "
			"/etc/subgid, or use --userns=keep-id",
			(unsigned long long)idmap_count(i->uids));
	return -err->code;
}

static int load_filters(const struct isolate *i, struct rl_err *err)
{
	int r = i->one_id ? fakeid_load(i->uids, i->gids, err) : 0;

	if (r == 0 && i->userns_open)
		r = nested_forbid(err);
	if (r == 0 && i->seccomp)
		r = seccomp_apply(i->seccomp, err);
	return r;
}

/* Steps 7 to 11. */
static int drop_rights(const struct isolate *i, struct rl_err *err)
{
	const struct caps *c = &i->spec->caps;
	bool nnp = i->spec->no_new_privs;
	uint64_t needed = CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_SETPCAP) | c->permitted;
	int r = caps_bound(c->bounding);

	if (r < 0)
		return rl_fail_sys(err, -r, "limit the bounding set");
	r = set_ids(i, err);
	if (r < 0)
		return r;
	if (!nnp) {
		/* effective was emptied if the uid changed; seccomp wants CAP_SYS_ADMIN there */
		r = caps_set(needed, needed, 0);
		if (r < 0)
			return rl_fail_sys(err, -r, "raise capabilities for seccomp");
		r = load_filters(i, err);
		if (r < 0)
			return r;
	}
	r = caps_set(c->effective, c->permitted, c->inheritable);
	if (r == 0)
		r = caps_ambient(c->ambient);
	if (r < 0)
		return rl_fail_sys(err, -r, "set the capabilities");
	if (!nnp)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return rl_fail_sys(err, errno, "set no_new_privs");
	return load_filters(i, err);
}

/* The caller may have died between the two lines that end with PR_SET_PDEATHSIG being set. */
static int stay_guarded(int sync_fd, struct rl_err *err)
{
	char c;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return rl_fail_sys(err, errno, "guard the process");
	if (recv(sync_fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		return rl_fail(err, ESRCH, "the monitor is gone");
	return 0;
}

int isolate_self(const struct isolate *i, struct rl_err *err)
{
	int r = new_keyring(err);

	if (r < 0)
		return r;
	(void)umask(i->spec->umask); /* cannot fail */
	r = enter_cwd(i, err);
	if (r == 0)
		r = place_fds(i, err);
	if (r == 0)
		r = set_rlimits(i->spec, err);
	if (r == 0)
		r = isolate_session(i->terminal, err);
	if (r < 0)
		return r;
	reset_signals();
	r = drop_rights(i, err);
	return r < 0 ? r : stay_guarded(*i->sync_fd, err);
}
