/* SPDX-License-Identifier: Apache-2.0 */
/* ctrfs.c - engine: a container's file system for a child process; the header is the manual */
#include "config.h"

#include "cmd/engine/ctrfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/engine/life.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/proc.h"
#include "core/base/waiting.h"
#include "core/mnt.h"
#include "core/sandbox.h"

#define LOOK_MS       10000 /* a monitor that is stopped does not tell that its container has ended */
#define LOOK_AGAIN_MS 5
#define ENDING_MS     1000

/* --- the stand-in -------------------------------------------------------------------------- */

/* Bind mounts whose source is still there; the rest of a container's mounts is empty or the
 * kernel's. */
static json_t *view_mounts(const struct container *c)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < c->spec.n_mounts; i++) {
		const struct spec_mount *m = &c->spec.mounts[i];
		json_t *j = json_array_get(json_object_get(c->spec_json, "mounts"), i);

		if (!m->is_bind || !m->source || access(m->source, F_OK) < 0 ||
		    strncmp(m->dest, "/dev", 4) == 0 || strncmp(m->dest, "/proc", 5) == 0 ||
		    strncmp(m->dest, "/sys", 4) == 0)
			continue;
		if (json_array_append(list, j) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* The part of the container's spec that its files depend on. */
static int view_spec(const struct container *c, struct spec *ret, struct rl_err *err)
{
	const json_t *linux_part = json_object_get(c->spec_json, "linux");
	json_t *mounts = view_mounts(c);
	json_auto_t *j =
		json_pack("{s:s, s:O, s:{s:s, s:[s], s:{s:i, s:i}},"
			  " s:{s:[{s:s},{s:s}], s:O*, s:O*}, s:o}",
			  "ociVersion", "1.2.0", "root", json_object_get(c->spec_json, "root"),
			  "process", "cwd", "/", "args", "none", "user", "uid", 0, "gid", 0,
			  "linux", "namespaces", "type", "user", "type", "mount", "uidMappings",
			  json_object_get(linux_part, "uidMappings"), "gidMappings",
			  json_object_get(linux_part, "gidMappings"), "mounts", mounts);

	return j ? spec_parse(j, ret, err) : rl_oom(err);
}

static int hook_prepare(void *arg, int *ret_fd, struct rl_err *err)
{
	return rootfs_prepare_hook(arg, ret_fd, err);
}

static int hook_root(void *arg, int prepared_fd, int *ret_mount_fd, struct rl_err *err)
{
	return rootfs_root_hook(arg, prepared_fd, ret_mount_fd, err);
}

static int launch_stand_in(const struct container *c, struct ctrfs *f, struct rl_err *err)
{
	const struct launch l = {
		.spec = &f->spec,
		.session_fd = c->session.userns_fd,
		.session = &c->session,
		.uids = c->uids,
		.gids = c->gids,
		.hooks = { .arg = &f->rootfs, .prepare = hook_prepare, .root = hook_root },
		.stdio = { FD_NONE, FD_NONE, FD_NONE },
		.stand_in = true,
	};
	int r = launch_fork(&l, &f->stand_in, err);

	if (r == 0)
		r = launch_wait_ready(&f->stand_in, err);
	if (r < 0)
		return r;
	/* it has not executed anything, and the kernel lets nobody enter by its pidfd */
	f->mount_fd = f->stand_in.mounts_fd;
	f->user_fd = ioctl(f->mount_fd, NS_GET_USERNS);
	return f->user_fd < 0 ? rl_fail_sys(err, errno, "hold on to the stand-in") : 0;
}

/* Held until the container is closed, so that nobody starts or removes it under our hands. */
static int open_stopped(struct container *c, struct ctrfs *f, struct rl_err *err)
{
	int r = life_settle(c->rl, &c->ctr, err);

	if (r == 0)
		r = ctr_enter(&c->ctr, CTR_ENTER_MS, err);
	if (r == 0 && io_lock_holder(c->ctr.lock_fd) != 0) {
		ctr_leave(&c->ctr);
		r = rl_fail(err, EAGAIN, "container '%s' is started again and again", c->ctr.name);
	}
	if (r == 0)
		r = container_rootfs(c, &f->rootfs, err);
	if (r == 0)
		r = view_spec(c, &f->spec, err);
	return r < 0 ? r : launch_stand_in(c, f, err);
}

static bool has_ended(int pidfd, int timeout_ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) > 0;
}

/* The state, and of one that runs its first process in @f; between two states it is looked at again. */
static int look(struct container *c, struct ctrfs *f, struct ctr_state *s, struct rl_err *err)
{
	const int64_t end = now_ms() + LOOK_MS;
	auto_waiting struct waiting w = { 0 };
	int r;

	for (;;) {
		r = life_state(c->rl, &c->ctr, s, err);
		if (r < 0 || (s->status != CTR_RUNNING && s->status != CTR_PAUSED))
			return r;
		f->user_fd = ctr_open_init(&c->ctr, s->pid);
		if (f->user_fd >= 0 && !has_ended(f->user_fd, 0))
			return 0;
		if (f->user_fd < 0 && f->user_fd != -ESRCH)
			return rl_fail_sys(err, -f->user_fd, "reach the first process of '%s'",
					   c->ctr.name);
		if (f->user_fd >= 0)
			fd_close(TAKE_FD(f->user_fd));
		if (!w.on)
			waiting_begin(&w, "the monitor of '%s' (process %d) to tell its end",
				      c->ctr.name, (int)s->monitor);
		if (now_ms() >= end)
			return rl_fail(err, ETIMEDOUT,
				       "the first process of '%s' cannot be reached: its monitor "
				       "(process %d) does not tell whether it has ended",
				       c->ctr.name, (int)s->monitor);
		(void)poll(NULL, 0, LOOK_AGAIN_MS);
	}
}

/* -EAGAIN: it has been started meanwhile. */
static int open_once(struct container *c, struct ctrfs *f, struct rl_err *err)
{
	struct ctr_state s;
	int r = look(c, f, &s, err);

	if (r < 0)
		return r;
	if (s.status == CTR_RESTARTING) { /* its next start mounts the files at any moment */
		rl_fail(err, EBUSY, "container '%s' is between two runs: it waits to be restarted",
			c->ctr.name);
		return rl_hint(err, "'rl stop %s' first, or try again when it runs", c->ctr.name);
	}
	return f->user_fd < 0 ? open_stopped(c, f, err) : 0;
}

int ctrfs_open(struct container *c, struct ctrfs *ret, struct rl_err *err)
{
	struct ctrfs f = { .user_fd = FD_NONE, .mount_fd = FD_NONE };
	int r = -EAGAIN;

	for (int i = 0; r == -EAGAIN && i < CTRFS_TRIES; i++)
		r = open_once(c, &f, err);
	if (r < 0) {
		ctrfs_close(&f);
		return life_gone(c->rl, &c->ctr, r, err);
	}
	*ret = f;
	return 0;
}

bool ctrfs_is_over(const struct ctrfs *f, int r)
{
	/* its memory goes first, then its namespaces, and some time later we are told */
	return (r == -ESRCH || r == -EPERM) && f->user_fd >= 0 && f->mount_fd < 0 &&
	       has_ended(f->user_fd, ENDING_MS);
}

void ctrfs_close(struct ctrfs *f)
{
	if (f->user_fd > 0) /* a zeroed struct has no descriptor 0 */
		fd_close(f->user_fd);
	launch_abort(&f->stand_in);
	spec_done(&f->spec);
	rootfs_close(&f->rootfs);
	*f = (struct ctrfs){ .user_fd = FD_NONE, .mount_fd = FD_NONE };
}

/* --- children ------------------------------------------------------------------------------ */

int ctrfs_say(int sock, const struct ctrfs_msg *m, int fd)
{
	return fd_send(sock, m, sizeof(*m), &fd, fd >= 0);
}

/* Everything but 0 to 2 and these */
static void close_but(int a, int b)
{
	const int low = b < 3 || a < b ? a : b, high = a > b ? a : b;

	proc_close_range(3, (unsigned)low - 1); /* fewer than one: nothing */
	proc_close_range((unsigned)low + 1, (unsigned)high - 1);
	proc_close_range((unsigned)high + 1, ~0u);
}

/*
 * Threat: between pivot_root and the removal of the old root a mount namespace shows the host's
 * tree at "/". Defence: a root that is still ours is no container's.
 */
static int enter(const struct ctrfs *f, struct rl_err *err)
{
	struct stat host, here;

	if (stat("/", &host) < 0)
		return rl_fail_sys(err, errno, "stat '/'");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return rl_fail_sys(err, errno, "guard the process");
	if (f->mount_fd < 0 && !f->user_only
		    ? setns(f->user_fd, CLONE_NEWUSER | CLONE_NEWNS) < 0
		    : setns(f->user_fd, CLONE_NEWUSER) < 0 ||
			      (!f->user_only && setns(f->mount_fd, CLONE_NEWNS) < 0))
		return rl_fail_sys(err, errno, "enter the container");
	/* a map without 0 has no root: all capabilities are there all the same */
	if ((setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) && errno != EINVAL)
		return rl_fail_sys(err, errno, "become root of the container");
	if (stat("/", &here) < 0)
		return rl_fail_sys(err, errno, "stat '/' in the container");
	if (!f->user_only && here.st_dev == host.st_dev && here.st_ino == host.st_ino)
		return rl_fail(err, EBUSY, "the container has not got its root yet");
	return 0;
}

static const struct sandbox_call calls[] = {
	SANDBOX_CALL(read),
	SANDBOX_CALL(pread64),
	SANDBOX_CALL(write),
	SANDBOX_CALL(openat2),
	SANDBOX_CALL(openat),
	SANDBOX_CALL(close),
	SANDBOX_CALL(fstat),
	SANDBOX_CALL(newfstatat),
	SANDBOX_CALL(getdents64),
	SANDBOX_CALL(readlinkat),
	SANDBOX_CALL(flistxattr),
	SANDBOX_CALL(fgetxattr),
	SANDBOX_CALL(lseek),
	SANDBOX_CALL(fcntl),
	SANDBOX_CALL(brk),
	SANDBOX_CALL(mmap),
	SANDBOX_CALL(munmap),
	SANDBOX_CALL(mremap),
	SANDBOX_CALL(madvise),
	SANDBOX_CALL(sendmsg),
	SANDBOX_CALL(recvmsg),
	SANDBOX_CALL(futex),
	SANDBOX_CALL(getrandom),
	SANDBOX_CALL(exit_group),
	SANDBOX_CALL(rt_sigreturn),
	SANDBOX_CALL(writev),
	SANDBOX_CALL(sysinfo), /* qsort() */
	SANDBOX_END,
};

/* It reads what lies below @root_fd, whoever it belongs to there, and nothing else. */
static int lock_in(int root_fd, struct rl_err *err)
{
	const struct sandbox_dir root = { .fd = root_fd, .access = SANDBOX_READ };

	return sandbox_enter(&(struct sandbox){ .calls = { calls },
						.other = SANDBOX_KILL,
						.caps = UINT64_C(1) << CAP_DAC_OVERRIDE |
							UINT64_C(1) << CAP_DAC_READ_SEARCH |
							UINT64_C(1) << CAP_FOWNER,
						.dirs = &root,
						.n_dirs = 1 },
			     err);
}

static _Noreturn void child(const struct ctrfs *f, ctrfs_fn fn, void *arg, int keep_fd, int sock,
			    pid_t parent)
{
	struct ctrfs_msg end = { .is_end = 1 };
	int root_fd, r = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	(void)signal(SIGPIPE, SIG_IGN); /* an error of write() says more */
	if (f)
		r = enter(f, &end.err);
	close_but(sock, keep_fd);
	root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r == 0 && root_fd < 0)
		r = rl_fail_sys(&end.err, errno, "open '/'");
	/* ids changed, which drops the parent-death signal */
	if (r == 0 && f && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent))
		_exit(1);
	if (r == 0 && f)
		r = lock_in(root_fd, &end.err);
	if (r == 0)
		r = fn(root_fd, sock, arg, &end.err);
	if (r >= 0) {
		end.err = (struct rl_err){ 0 };
		end.number = r;
	}
	RL_IGNORE(ctrfs_say(sock, &end, FD_NONE)); /* without it the parent sees us gone */
	_exit(r < 0 ? 1 : 0);
}

int ctrfs_fork(const struct ctrfs *f, ctrfs_fn fn, void *arg, int keep_fd, struct ctrfs_child *ret,
	       struct rl_err *err)
{
	const pid_t self = getpid();
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return rl_fail_sys(err, errno, "socketpair");
	pid = fork();
	if (pid == 0)
		child(f, fn, arg, keep_fd, pair[1], self);
	fd_close(pair[1]);
	if (pid < 0) {
		fd_close(pair[0]);
		return rl_fail_sys(err, errno, "fork");
	}
	*ret = (struct ctrfs_child){ .pid = pid, .sock = pair[0] };
	return 0;
}

static int reap(struct ctrfs_child *ch)
{
	int status = 0;

	while (waitpid(ch->pid, &status, 0) < 0 && errno == EINTR)
		;
	fd_close(ch->sock);
	*ch = (struct ctrfs_child){ .sock = FD_NONE };
	return status;
}

/* 1 = a message, 0 = the end, told in @m, or -errno */
static int next(struct ctrfs_child *ch, struct ctrfs_msg *m, int *ret_fd, struct rl_err *err)
{
	ssize_t n = fd_recv(ch->sock, m, sizeof(*m), ret_fd, ret_fd ? 1 : 0);

	if (n != (ssize_t)sizeof(*m)) {
		int status = reap(ch);

		return rl_fail(err, EIO, "the process inside the container died (%s %d)",
			       WIFSIGNALED(status) ? "signal" : "status",
			       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	}
	m->text[sizeof(m->text) - 1] = '\0';
	m->err.msg[sizeof(m->err.msg) - 1] = m->err.hint[sizeof(m->err.hint) - 1] = '\0';
	if (!m->is_end)
		return 1;
	(void)reap(ch);
	if (m->err.code == 0)
		return 0;
	*err = m->err;
	return -(err->code > 0 ? err->code : EPROTO);
}

int ctrfs_hear(struct ctrfs_child *ch, struct ctrfs_msg *m, int *ret_fd, struct rl_err *err)
{
	int r = next(ch, m, ret_fd, err);

	return r == 0 ? rl_fail(err, EPROTO, "the process inside the container said too little")
		      : (r < 0 ? r : 0);
}

int ctrfs_join(struct ctrfs_child *ch, int64_t *ret_number, struct rl_err *err)
{
	struct ctrfs_msg m;
	int r;

	do
		r = next(ch, &m, NULL, err);
	while (r > 0);
	if (r == 0 && ret_number)
		*ret_number = m.number;
	return r;
}

void ctrfs_kill(struct ctrfs_child *ch)
{
	if (ch->pid <= 0)
		return;
	(void)kill(ch->pid, SIGKILL); /* our own child, not reaped: the number is its own */
	(void)reap(ch);
}

/* --- a mount for others ---------------------------------------------------------------------- */

/* Threat: a program of the container with a set-id bit, run by the caller who looks at the files. */
static int make_harmless(int fd, struct rl_err *err)
{
	int r = mnt_set(fd, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, 0, false);

	return r < 0 ? rl_fail_sys(err, -r, "take set-id programs from the mount") : 0;
}

static _Noreturn void cloner(const struct ctrfs *f, int sock)
{
	struct ctrfs_msg m = { 0 };
	int fd = enter(f, &m.err);

	if (fd == 0) {
		fd = mnt_clone(AT_FDCWD, "/", false);
		if (fd < 0)
			rl_fail_sys(&m.err, -fd, "take a copy of the root's mount");
		else if (make_harmless(fd, &m.err) < 0)
			fd = FD_NONE;
	}
	m.is_end = fd < 0;
	RL_IGNORE(ctrfs_say(sock, &m, fd)); /* without it the parent sees us gone */
	_exit(0);
}

static int clone_running(const struct ctrfs *f, struct rl_err *err)
{
	struct ctrfs_child ch;
	struct ctrfs_msg m;
	int pair[2], fd = FD_NONE, r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return rl_fail_sys(err, errno, "socketpair");
	ch = (struct ctrfs_child){ .pid = fork(), .sock = pair[0] };
	if (ch.pid == 0)
		cloner(f, pair[1]);
	fd_close(pair[1]);
	if (ch.pid < 0) {
		fd_close(pair[0]);
		return rl_fail_sys(err, errno, "fork");
	}
	r = ctrfs_hear(&ch, &m, &fd, err);
	ctrfs_kill(&ch);
	return r < 0 ? r : fd;
}

/* The lock is held until the mount is there: whoever starts the container comes before or after. */
static int mount_stopped(struct container *c, struct rl_err *err)
{
	struct rootfs root = { 0 };
	auto_fd int prepared = FD_NONE;
	int fd = FD_NONE, r = life_settle(c->rl, &c->ctr, err);

	if (r == 0)
		r = ctr_enter(&c->ctr, CTR_ENTER_MS, err);
	if (r < 0)
		return r;
	r = container_rootfs(c, &root, err);
	if (r == 0)
		r = rootfs_prepare_hook(&root, &prepared, err);
	if (r == 0)
		r = rootfs_root_hook(&root, prepared, &fd, err);
	if (r == 0 && make_harmless(fd, err) < 0) {
		fd_close(fd);
		r = -err->code;
	}
	rootfs_close(&root);
	ctr_leave(&c->ctr);
	return r < 0 ? r : fd;
}

int ctrfs_mount(struct container *c, struct rl_err *err)
{
	struct ctrfs f = { .user_fd = FD_NONE, .mount_fd = FD_NONE };
	struct ctr_state s;
	int r = look(c, &f, &s, err);

	if (r == 0)
		r = f.user_fd < 0 ? mount_stopped(c, err) : clone_running(&f, err);
	ctrfs_close(&f);
	return r < 0 ? life_gone(c->rl, &c->ctr, r, err) : r;
}
