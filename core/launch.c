/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch.c - the caller's and the joiner's side of starting a container
 *
 * Theory of operation: the caller forks the joiner, which opens namespaces that the spec names by
 * path, enters S (uid 0 there), runs the prepare hook and clones init with CLONE_PARENT, so that
 * init is the caller's child while its namespaces belong to S. The joiner writes init's id maps
 * (only a process of the parent namespace may) and leaves; the caller waits for that, a matter
 * of a fraction of a millisecond in which init cannot do anything anyway.
 *
 * One SOCK_SEQPACKET pair joins all three (init.h has the messages). The joiner holds both ends
 * and speaks to each side through the other's. Nobody is orphaned: joiner and init get SIGKILL
 * when the caller dies, and init leaves when the channel closes.
 */
#include "config.h"

#include "core/launch.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/init.h"
#include "core/isolate.h"
#include "core/mnt.h"
#include "core/payload.h"
#include "core/sources.h"
#include "core/spec.h"

static_assert(offsetof(struct msg, err) == MSG_HEAD, "struct msg has no holes");
static_assert(MSG_ERRNO == 6, "stub.c has this number");

const int launch_ns_flags[SPEC_NS_KINDS] = {
	[SPEC_NS_USER] = CLONE_NEWUSER,     [SPEC_NS_MOUNT] = CLONE_NEWNS,
	[SPEC_NS_PID] = CLONE_NEWPID,       [SPEC_NS_NET] = CLONE_NEWNET,
	[SPEC_NS_IPC] = CLONE_NEWIPC,       [SPEC_NS_UTS] = CLONE_NEWUTS,
	[SPEC_NS_CGROUP] = CLONE_NEWCGROUP, [SPEC_NS_TIME] = CLONE_NEWTIME,
};

struct joiner {
	const struct launch *l;
	int caller_fd, init_fd; /* the two ends, named after who reads there */
	int ns_fds[SPEC_NS_KINDS];
	bool new_userns;
	bool exe_at_risk;
	int prepared_fd;
	int shm_fd;     /* see shared_shm() */
	bool ipc_owner; /* the IPC namespace is joined through a process that is in it */
	int *sources;   /* see sources_open(); NULL: init opens them */
	pid_t caller;
};

int msg_send(int fd, enum msg_type type, int value, const struct rl_err *err, const int *fds,
	     size_t n_fds)
{
	struct msg m = { .type = type, .value = value };

	if (err)
		m.err = *err;
	return fd_send(fd, &m, err ? sizeof(m) : MSG_HEAD, fds, n_fds);
}

int msg_recv(int fd, struct msg *m, int fds[MSG_FDS])
{
	ssize_t n = fd_recv(fd, m, sizeof(*m), fds, MSG_FDS);

	if (n <= 0)
		return (int)n;
	if (n == MSG_HEAD) {
		memset(&m->err, 0, sizeof(m->err));
	} else if ((size_t)n != sizeof(*m)) {
		for (int i = 0; i < MSG_FDS; i++)
			fd_close(fds[i]);
		return -EBADMSG;
	}
	m->err.msg[sizeof(m->err.msg) - 1] = '\0';
	m->err.hint[sizeof(m->err.hint) - 1] = '\0';
	return (int)n;
}

int msg_failure(const struct msg *m, const struct msg *stub, struct rl_err *err)
{
	if (m->type == MSG_ERRNO && stub->type)
		return payload_error(err, m->value > 0 ? m->value : EIO, stub->err.msg,
				     stub->value);
	if (m->type != MSG_ERR || m->err.code <= 0)
		return rl_fail(err, EPROTO, "the process in the container sent nonsense");
	*err = m->err;
	return -err->code;
}

/* Its status as a shell has it. */
static int wait_gone(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* --- joiner ------------------------------------------------------------------------------ */

/* 0: a pidfd of a process that is in it; 1: the namespace itself */
static int open_namespace(const struct launch *l, const char *path, int *ret_fd, struct rl_err *err)
{
	int r = l->hooks.open_ns ? l->hooks.open_ns(l->hooks.arg, path, ret_fd, err) : 1;

	if (r <= 0)
		return r;
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? rl_fail_sys(err, errno, "open namespace '%s'", path) : 1;
}

/* What only real root may join (ip-netns(8)); the container has no rights over it later on. */
static bool join_as_caller(int kind, int fd)
{
	return geteuid() == 0 &&
	       (kind == SPEC_NS_NET || kind == SPEC_NS_IPC || kind == SPEC_NS_UTS) &&
	       setns(fd, launch_ns_flags[kind]) == 0;
}

/* Opened while we are still the caller: what it may not open is not for its container. */
static int open_namespaces(struct joiner *j, struct rl_err *err)
{
	for (int k = 0; k < SPEC_NS_KINDS; k++) {
		const char *path = j->l->spec->ns[k].path;
		int r;

		j->ns_fds[k] = FD_NONE;
		if (!path)
			continue;
		r = open_namespace(j->l, path, &j->ns_fds[k], err);
		if (r < 0)
			return r;
		j->ipc_owner |= r == 0 && k == SPEC_NS_IPC;
		if (join_as_caller(k, j->ns_fds[k]))
			fd_close(TAKE_FD(j->ns_fds[k]));
	}
	return 0;
}

/* Does the container see other ids than S? Then what it mounts is opened outside of it. */
static bool launch_is_foreign(const struct launch *l)
{
	return !idmap_is_identity(&l->uids) || !idmap_is_identity(&l->gids);
}

static int enter_session(const struct launch *l, struct rl_err *err)
{
	if (setns(l->session_fd, CLONE_NEWUSER) < 0)
		return rl_fail_sys(err, errno, "enter the session's user namespace");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return rl_fail_sys(err, errno, "become root of the session");
	return 0;
}

/*
 * Shared memory is shared by both: the namespace has System V's, /dev/shm the POSIX kind. A mount can
 * be copied only by somebody in its mount namespace, which nobody comes back from: a child goes.
 * HOSTILE: the tree that it walks there, so no links.
 */
static _Noreturn void send_shm(int owner_pidfd, int to_fd)
{
	const struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				      .resolve = RESOLVE_NO_SYMLINKS };
	int fd = FD_NONE, place;

	if (setns(owner_pidfd, CLONE_NEWNS) == 0) {
		place = (int)syscall(SYS_openat2, AT_FDCWD, "/dev/shm", &how, sizeof(how));
		fd = place < 0 ? place : mnt_clone(place, "", false);
	}
	_exit(fd >= 0 && fd_send(to_fd, "", 1, &fd, 1) == 0 ? 0 : 1);
}

static int shared_shm(struct joiner *j, struct rl_err *err)
{
	int pair[2], fds[1] = { FD_NONE };
	ssize_t n = 0;
	pid_t pid;
	char c;

	if (!j->ipc_owner)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return rl_fail_sys(err, errno, "socketpair");
	pid = proc_clone(0, SIGCHLD, FD_NONE);
	if (pid == 0)
		send_shm(j->ns_fds[SPEC_NS_IPC], pair[1]);
	fd_close(pair[1]);
	if (pid > 0) {
		n = fd_recv(pair[0], &c, 1, fds, 1);
		(void)wait_gone(pid);
	}
	fd_close(pair[0]);
	if (n != 1 || fds[0] < 0)
		return rl_fail(err, EPERM, "share /dev/shm with the owner of the IPC namespace");
	j->shm_fd = fds[0];
	return 0;
}

static int make_time_ns(const struct spec *s, struct rl_err *err)
{
	auto_fd int fd = FD_NONE;
	char text[160];
	int n;

	if (!spec_ns_is_new(s, SPEC_NS_TIME))
		return 0;
	if (unshare(CLONE_NEWTIME) < 0)
		return rl_fail_sys(err, errno, "make a time namespace");
	if (!s->has_time_offsets)
		return 0;
	n = snprintf(text, sizeof(text), "monotonic %lld %u\nboottime %lld %u\n",
		     (long long)s->monotonic_s, s->monotonic_ns, (long long)s->boottime_s,
		     s->boottime_ns);
	fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t)n) != n)
		return rl_fail_sys(err, errno, "set the clock offsets");
	return 0;
}

/* The user namespace last: after it we have no rights over the others any more. */
static int join_namespaces(struct joiner *j, struct rl_err *err)
{
	for (int k = SPEC_NS_KINDS - 1; k >= 0; k--)
		if (j->ns_fds[k] >= 0 && setns(j->ns_fds[k], launch_ns_flags[k]) < 0) {
			rl_fail_sys(err, errno, "join namespace '%s'", j->l->spec->ns[k].path);
			return err->code == EPERM
				       ? rl_hint(err,
						 "it was made outside of rl's session; those of "
						 "containers can be joined: container:NAME")
				       : -err->code;
		}
	return 0;
}

static uint64_t clone_flags(const struct joiner *j)
{
	uint64_t flags = CLONE_PARENT;

	for (int k = 0; k < SPEC_NS_KINDS; k++)
		if (spec_ns_is_new(j->l->spec, (enum spec_ns_kind)k))
			flags |= (unsigned)launch_ns_flags[k];
	/* cgroup: by init, when it is in its cgroup; time: entered by make_time_ns() */
	flags &= ~(uint64_t)(CLONE_NEWCGROUP | CLONE_NEWTIME);
	return j->new_userns ? flags | CLONE_NEWUSER : flags;
}

static int clone_failed(struct rl_err *err, int code)
{
	rl_fail_sys(err, code, "make the container's namespaces");
	if (code == ENOSPC)
		rl_hint(err, "too many namespaces: see sysctl user.max_user_namespaces and kin");
	else if (code == EPERM)
		rl_hint(err, "an outer container or a security module forbids namespaces");
	else if (code == EAGAIN)
		rl_hint(err, "too many processes: see 'ulimit -u' and the pids limit around rl");
	return -code;
}

static int write_map(pid_t pid, const char *file, const struct idmap *map, struct rl_err *err)
{
	auto_fd int fd = FD_NONE;
	char path[64], text[IDMAP_TEXT];
	size_t n = idmap_format(map, text);

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return rl_fail_sys(err, errno, "open '%s'", path);
	if (write(fd, text, n) != (ssize_t)n)
		return rl_fail_sys(err, errno, "write the container's %s", file);
	return 0;
}

static _Noreturn void become_init(struct joiner *j)
{
	struct init in = {
		.l = j->l,
		.spec = j->l->spec,
		.sync_fd = j->init_fd,
		.prepared_fd = j->prepared_fd,
		.shm_fd = j->shm_fd,
		.new_userns = j->new_userns,
		.exe_at_risk = j->exe_at_risk,
		.sources = j->sources,
		.null_fd = FD_NONE,
		.dev_fd = FD_NONE,
		.root_fd = FD_NONE,
		.proc_top = FD_NONE,
		.sys_top = FD_NONE,
		.proc_fd = FD_NONE,
		.pts_fd = FD_NONE,
		.master_fd = FD_NONE,
		.slave_fd = FD_NONE,
		.net_fd = FD_NONE,
		.mounts_fd = FD_NONE,
		.netns_fd = FD_NONE,
		.cwd_fd = FD_NONE,
		.stub_fd = FD_NONE,
		.cgroup_fd = FD_NONE,
	};

	fd_close(j->caller_fd); /* or we would never see the caller go */
	/* step 5 of isolate.h, here while the joiner is busy: it can take long (autogroups) */
	(void)setsid();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		_exit(125);
	init_main(&in);
}

/* The caller's files may be nobody's in C: what it mounts is opened here, then, as root of S. */
static int prepare_sources(struct joiner *j, struct rl_err *err)
{
	int r = 0;

	if (launch_is_foreign(j->l)) {
		if (unshare(CLONE_NEWNS) < 0)
			return rl_fail_sys(err, errno, "make a mount namespace of the session");
		r = sources_open(j->l, &j->sources, err);
	}
	return r < 0 ? r : sources_chown(j->l, err);
}

/* Everything up to the maps. @ret_pid is set as soon as init exists, also on failure. */
static int join(struct joiner *j, pid_t *ret_pid, struct rl_err *err)
{
	const struct launch *l = j->l;
	pid_t pid;
	int r = open_namespaces(j, err);

	if (r == 0)
		r = isolate_oom_score(l->spec, err);
	if (r == 0)
		r = enter_session(l, err);
	if (r == 0)
		r = shared_shm(j, err);
	if (r == 0)
		r = prepare_sources(j, err);
	if (r == 0 && l->hooks.prepare)
		r = l->hooks.prepare(l->hooks.arg, &j->prepared_fd, err);
	if (r == 0)
		r = make_time_ns(l->spec, err);
	if (r == 0)
		r = join_namespaces(j, err);
	if (r < 0)
		return r;
	/* the maps can be written only while init is dumpable (init.c, become_root()) */
	if (prctl(PR_SET_DUMPABLE, j->new_userns, 0, 0, 0) < 0)
		return rl_fail_sys(err, errno, "guard the process");
	/* no signal of its own with CLONE_PARENT */
	pid = proc_clone(clone_flags(j), 0, FD_NONE);
	if (pid < 0)
		return clone_failed(err, errno);
	if (pid == 0)
		become_init(j);
	*ret_pid = pid;
	if (j->new_userns) {
		r = write_map(pid, "uid_map", &l->uids, err);
		if (r == 0)
			r = write_map(pid, "gid_map", &l->gids, err);
	}
	return r;
}

static int joiner_main(void *arg)
{
	struct rl_err err = { 0 };
	struct joiner *j = arg;
	pid_t pid = 0;
	int r;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != j->caller ||
	    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) <
		    0) /* a monitor is not: /proc/self would be closed */
		_exit(125);
	j->exe_at_risk = payload_exe_is_writable();
	r = join(j, &pid, &err);
	free(TAKE_PTR(j->sources)); /* init has a copy; this memory is the caller's */
	if (r == 0)
		r = msg_send(j->init_fd, MSG_JOINED, pid, NULL, NULL, 0);
	if (r == 0)
		r = msg_send(j->caller_fd, MSG_MAPPED, 0, NULL, NULL, 0);
	if (r < 0)
		RL_IGNORE(msg_send(j->init_fd, MSG_ERR, pid, &err, NULL, 0)); /* last words */
	_exit(r < 0 ? 125 : 0);
}

/* --- caller ------------------------------------------------------------------------------ */

/*
 * Threat: a terminal of the caller in the container's hands: characters pushed into it are
 * commands in the caller's shell (TIOCSTI, CVE-2017-5226).
 */
static int check_stdio(const struct launch *l, struct rl_err *err)
{
	for (int i = 0; i < 3 && !l->spec->terminal; i++)
		if (l->stdio[i] >= 0 && isatty(l->stdio[i]))
			return rl_fail(err, EPERM,
				       "descriptor %d of the container would be the caller's "
				       "terminal",
				       i);
	for (size_t i = 0; i < l->n_keep; i++)
		if (isatty(l->keep_fds[i]))
			return rl_fail(err, EPERM,
				       "descriptor %u of the container would be a terminal",
				       (unsigned)l->keep[i]);
	return 0;
}

/* The joiner has ended with @status: what it left in the channel says how. */
static int hear_joiner(int fd, int status, struct launched *c, struct rl_err *err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct msg m = { 0 };
	int fds[MSG_FDS], n = 0;

	if (poll(&p, 1, 0) > 0)
		n = msg_recv(fd, &m, fds);
	if (n > 0 && (m.type == MSG_JOINED || m.type == MSG_ERR))
		c->pid = m.value;
	if (n > 0 && m.type == MSG_ERR) {
		*err = m.err;
		return -err->code;
	}
	if (n <= 0 || m.type != MSG_JOINED || status != 0)
		return rl_fail(err, ECHILD, "the helper that enters the session died (status %d)",
			       status);
	c->pidfd = proc_pidfd_open(c->pid);
	if (c->pidfd < 0)
		return rl_fail_sys(err, -c->pidfd, "pidfd_open");
	return 0;
}

#ifndef __has_feature
#define __has_feature(x) 0 /* clang's word for what gcc says with __SANITIZE_ADDRESS__ */
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
/* Sanitizers do not follow what the other branch does. */
static pid_t start_joiner(struct joiner *j)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(joiner_main(j));
	return pid;
}
#else
/*
 * Like vfork(): the joiner works in our memory, with descriptors of its own, while we stand still.
 * That spares one of two copies of our memory; init needs the other.
 */
static pid_t start_joiner(struct joiner *j)
{
	const size_t size = 512 * 1024;
	int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), e;
	sigset_t all, before;
	pid_t pid;
	char *stack;

	stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK,
		     -1, 0);
	if (stack == MAP_FAILED)
		return -1;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before); /* no handler of ours in the joiner */
	pid = clone(joiner_main, stack + size, CLONE_VM | CLONE_VFORK | SIGCHLD, j);
	e = errno;
	/* a change of ids takes it away from the memory that we share, the joiner gives it back */
	(void)prctl(PR_SET_DUMPABLE, dumpable == 1, 0, 0, 0);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	(void)munmap(stack, size);
	errno = e;
	return pid;
}
#endif

int launch_fork(const struct launch *l, struct launched *ret, struct rl_err *err)
{
	struct launched c = { .pidfd = FD_NONE,
			      .console_fd = FD_NONE,
			      .net_fd = FD_NONE,
			      .mounts_fd = FD_NONE,
			      .netns_fd = FD_NONE };
	struct joiner j = { .l = l, .prepared_fd = FD_NONE, .shm_fd = FD_NONE };
	pid_t joiner;
	int pair[2], r = check_stdio(l, err);

	if (r < 0)
		return r;
	j.new_userns = !l->spec->ns[SPEC_NS_USER].path;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return rl_fail_sys(err, errno, "socketpair");
	j.caller_fd = pair[0];
	j.init_fd = pair[1];
	j.caller = getpid();
	joiner = start_joiner(&j);
	if (joiner < 0) {
		r = rl_fail_sys(err, errno, "start the helper that enters the session");
		fd_close(pair[0]);
		fd_close(pair[1]);
		return r;
	}
	fd_close(pair[1]);
	c.sync_fd = pair[0];
	r = hear_joiner(c.sync_fd, wait_gone(joiner), &c, err);
	if (r < 0) {
		if (c.pid == 0)
			fd_close(c.sync_fd); /* an init that we do not know sees this and leaves */
		launch_abort(&c);
		return r;
	}
	*ret = c;
	return 0;
}

int launch_wait_ready(struct launched *c, struct rl_err *err)
{
	struct msg m;
	int fds[MSG_FDS], *next = fds;
	int n = msg_recv(c->sync_fd, &m, fds);

	if (n == 0)
		return rl_fail(err, ESRCH,
			       "the container's first process died while it was set up");
	if (n < 0)
		return rl_fail_sys(err, -n, "listen to the container's first process");
	if (m.type == MSG_READY) {
		if (m.value & MSG_F_CONSOLE)
			c->console_fd = *next++;
		if (m.value & MSG_F_NET)
			c->net_fd = *next++;
		if (m.value & MSG_F_MOUNTS)
			c->mounts_fd = *next++;
		if (m.value & MSG_F_NETNS)
			c->netns_fd = *next++;
		c->userns_open = m.value & MSG_F_OPEN;
	}
	for (; next < fds + MSG_FDS; next++)
		fd_close(*next);
	if (m.type == MSG_READY)
		return 0;
	if (m.type != MSG_ERR || m.err.code <= 0)
		return rl_fail(err, EPROTO, "the container's first process sent nonsense");
	*err = m.err;
	return -err->code;
}

/* After MSG_GO no descriptors are expected. The same return as msg_recv(). */
static int hear_exec(int fd, struct msg *m)
{
	int fds[MSG_FDS], n = msg_recv(fd, m, fds);

	for (int i = 0; n > 0 && i < MSG_FDS; i++)
		fd_close(fds[i]);
	return n == -ECONNRESET ? 0 : n;
}

int launch_exec(struct launched *c, struct rl_err *err)
{
	struct msg m, stub = { 0 };
	int n, r = msg_send(c->sync_fd, MSG_GO, 0, NULL, NULL, 0);

	if (r < 0)
		return rl_fail_sys(err, -r, "talk to the container's first process");
	n = hear_exec(c->sync_fd, &m);
	if (n > 0 && m.type == MSG_STUB) {
		stub = m;
		n = hear_exec(c->sync_fd, &m);
	}
	if (n < 0)
		return rl_fail_sys(err, -n, "listen to the container's first process");
	if (n == 0) {
		fd_close(TAKE_FD(c->sync_fd));
		return 0;
	}
	return msg_failure(&m, &stub, err);
}

void launch_close(struct launched *c)
{
	if (c->pid == 0)
		return; /* zeroed: 0 is no descriptor of ours */
	fd_close(TAKE_FD(c->pidfd));
	fd_close(TAKE_FD(c->console_fd));
	fd_close(TAKE_FD(c->net_fd));
	fd_close(TAKE_FD(c->mounts_fd));
	fd_close(TAKE_FD(c->netns_fd));
	fd_close(TAKE_FD(c->sync_fd));
	c->pid = 0;
}

void launch_abort(struct launched *c)
{
	if (c->pid > 0) {
		/* our child and not reaped, so the number is still its own */
		(void)kill(c->pid, SIGKILL);
		(void)wait_gone(c->pid);
	}
	launch_close(c);
}
