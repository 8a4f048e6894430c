/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec.c - start one more process in a running container; the header is the manual
 *
 * Theory of operation: three forks, none of them executes rl again.
 *
 *	supervisor	child of the monitor, in the host's namespaces as the caller. Reads what is
 *			asked for, makes pipes, becomes the pump of this exec (core/pump.c) with its
 *			sandbox when the process runs, and reaps it.
 *	joiner		child of the supervisor, born in the container's cgroup. Takes the container's
 *			oom score, enters all its namespaces in one setns(2) and becomes root there,
 *			clones the process with CLONE_PARENT, leaves.
 *	the process	child of the supervisor, first seen in the container's pid namespace. Opens its
 *			terminal and working folder there, gives up what init gave up (core/isolate.h)
 *			and executes (core/payload.h).
 *
 * Order of the joiner, and why: cgroup and oom score while the caller's rights over them are
 * there; all namespaces at once, because the rights over each come from being the owner of S, and
 * are gone one by one otherwise; root's ids before the clone, so that the process is at no moment
 * both visible to the container and dumpable (S3). Until the descriptors are closed (isolate.h, 4)
 * it holds the host's, and nothing that the container wrote is executed or loaded before that.
 *
 * The channel between the three is init.h's. End of file on it means: executed.
 */
#include "config.h"

#include "core/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "core/base/proc.h"
#include "core/capname.h"
#include "core/exec_spec.h"
#include "core/init.h"
#include "core/isolate.h"
#include "core/payload.h"
#include "core/pump.h"
#include "core/rootpath.h"

#define REAP_TRIES 200 /* ms; SIGKILL takes no longer, unless the kernel is stuck */
#define ENDING_MS  1000

/* One exec, in its supervisor and what that forks. */
struct job {
	struct exec_place place;
	int spec_fd;   /* what is asked for, or FD_NONE: @req is filled already */
	int result_fd; /* to the monitor */
	int client_fd; /* to the client, or FD_NONE */
	int timeout_ms;

	struct exec_spec req;
	struct spec what; /* the container's spec with this process in it; nothing is owned */
	const struct seccomp_filter *seccomp;
	int keep_fds[EXEC_KEEP_MAX];
	bool exe_at_risk;
	pid_t supervisor;
	int hear_fd, tell_fd; /* the channel: the supervisor's end, the others' end */
	int stdio[3];         /* the process's, or FD_NONE: its null device */
	struct pump_fds pump; /* our ends of them */
};

/* --- the process --------------------------------------------------------------------------- */

/*
 * Threat: the container has put something else in the place of its null device: a file of the host
 * that was bound into it, a FIFO to hang on.
 */
static int open_null(int root_fd, struct rl_err *err)
{
	auto_fd int fd = rootpath_open(root_fd, "/dev/null", O_RDWR | O_NONBLOCK | O_NOCTTY, err);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return rl_fail(err, ENODEV, "the container's '/dev/null' is not the null device");
	return TAKE_FD(fd);
}

static int open_stdio(struct job *j, int root_fd, struct rl_err *err)
{
	int null, pts, master, slave, r;

	if (j->req.terminal) {
		pts = rootpath_open(root_fd, "/dev/pts", O_PATH | O_DIRECTORY, err);
		if (pts < 0)
			return pts;
		r = dev_pty(pts, &j->what, &master, &slave, err);
		if (r < 0)
			return r;
		for (int i = 0; i < 3; i++)
			j->stdio[i] = slave;
		r = msg_send(j->tell_fd, MSG_READY, MSG_F_CONSOLE, NULL, &master, 1);
		return r < 0 ? rl_fail_sys(err, -r, "report to the supervisor") : 0;
	}
	if (j->stdio[0] >= 0 && j->stdio[1] >= 0)
		return 0;
	null = open_null(root_fd, err);
	for (int i = 0; i < 3; i++)
		if (j->stdio[i] < 0)
			j->stdio[i] = null;
	return null < 0 ? null : 0;
}

/* As Docker: a folder that is not there is like a command that is not there. */
static int open_cwd(const struct job *j, int root_fd, struct rl_err *err)
{
	int fd = rootpath_open(root_fd, j->what.cwd, O_PATH | O_DIRECTORY, err);

	if (fd >= 0)
		return fd;
	err->exit_code = err->code == ENOENT ? 127 : 126;
	return rl_wrap(err, "working folder '%s'", j->what.cwd);
}

static int give_up_rights(struct job *j, int cwd_fd, int *stub_fd, struct rl_err *err)
{
	const struct launch *l = j->place.launch;
	const struct isolate i = {
		.spec = &j->what,
		.seccomp = j->seccomp,
		.uids = &l->uids,
		.gids = &l->gids,
		.one_id = l->one_id,
		.userns_open = j->place.userns_open,
		.cwd_fd = cwd_fd,
		.stdio = { j->stdio[0], j->stdio[1], j->stdio[2] },
		.keep = j->req.keep,
		.keep_fds = j->keep_fds,
		.n_keep = j->req.n_keep,
		.sync_fd = &j->tell_fd,
		.stub_fd = stub_fd,
		.terminal = j->req.terminal,
	};

	return isolate_self(&i, err);
}

static int limit_processes(const struct job *j, struct rl_err *err)
{
	const struct rlimit l = { (rlim_t)j->place.nproc, (rlim_t)j->place.nproc };

	/* above an own limit that is lower: then that one holds */
	if (j->place.nproc > 0 && setrlimit(RLIMIT_NPROC, &l) < 0 && errno != EPERM)
		return rl_fail_sys(err, errno, "limit the number of processes");
	return 0;
}

/* Its descriptors need no closing: isolate.h, 4. */
static _Noreturn void process_main(struct job *j)
{
	struct rl_err err = { 0 };
	int root, cwd = FD_NONE, stub = FD_NONE, r = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		_exit(125);
	r = limit_processes(j, &err);
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r == 0 && root < 0)
		r = rl_fail_sys(&err, errno, "open the container's root");
	if (r == 0)
		r = open_stdio(j, root, &err);
	if (r == 0)
		r = cwd = open_cwd(j, root, &err);
	if (r >= 0 && j->exe_at_risk)
		r = stub = payload_stub(&err);
	if (r >= 0)
		r = give_up_rights(j, cwd, &stub, &err);
	if (r >= 0)
		r = payload_run(&j->what, j->tell_fd, stub, &err);
	RL_IGNORE(msg_send(j->tell_fd, MSG_ERR, 0, &err, NULL, 0)); /* nobody else to tell */
	_exit(err.exit_code ? err.exit_code : 125);
}

/* --- joiner -------------------------------------------------------------------------------- */

static int set_oom_score(const struct job *j, struct rl_err *err)
{
	int r;

	if (!j->what.has_oom_score_adj)
		return 0;
	/* of a process that is not dumpable /proc/self is closed to itself */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return rl_fail_sys(err, errno, "open up the process");
	r = isolate_oom_score(&j->what, err);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return rl_fail_sys(err, errno, "guard the process");
	return r;
}

static int enter_cgroup(const struct job *j, struct rl_err *err)
{
	auto_fd int fd = openat(j->place.cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "0", 1) != 1)
		return rl_fail_sys(err, errno, "enter the container's cgroup");
	return 0;
}

/* A namespace that the container shares with the host is no place where we would have rights. */
static int namespaces(const struct launch *l)
{
	int flags = CLONE_NEWUSER;

	for (int k = 0; k < SPEC_NS_KINDS; k++)
		if (l->spec->ns[k].is_listed &&
		    (k != SPEC_NS_CGROUP || l->new_cgroupns || l->spec->ns[k].path))
			flags |= launch_ns_flags[k];
	return flags;
}

/* The oldest child of the container's first process, or -errno. */
static pid_t first_child(pid_t init)
{
	char path[64], text[16] = "";
	auto_fd int fd = FD_NONE;
	uint64_t pid;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)init, (int)init);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 &&
	    errno == ENOENT) /* a kernel without CONFIG_PROC_CHILDREN, or it has just ended */
		return proc_first_child(init);
	if (fd < 0 || io_read_full(fd, text, sizeof(text) - 1) < 0)
		return -errno;
	text[strcspn(text, " ")] = '\0';
	return parse_uint(text, INT32_MAX, &pid) < 0 ? -ESRCH : (pid_t)pid;
}

/*
 * With --init process 1 may be rl itself (pid1.c), and the kernel lets nobody enter by a process that
 * may not be looked into. Its oldest child is the payload, in the same namespaces, and they end
 * together: if it is the same before and after, the descriptor is on the right one.
 */
static int enter_by_payload(const struct job *j)
{
	pid_t pid = first_child(j->place.init_pid);
	auto_fd int fd = pid > 0 ? proc_pidfd_open(pid) : (int)pid;

	if (fd < 0 || first_child(j->place.init_pid) != pid)
		return fd < 0 ? fd : -ESRCH;
	return setns(fd, namespaces(j->place.launch)) < 0 ? -errno : 0;
}

static int not_running(struct rl_err *err)
{
	rl_fail(err, ESRCH, "the container is not running");
	err->exit_code = EXEC_NOT_RUNNING;
	return -ESRCH;
}

/*
 * The failed step @what. Of an init that ends first its memory goes (EPERM), then its namespaces
 * (ESRCH), its pid namespace takes no more processes (ENOMEM), and after that we are told.
 */
static int step_failed(const struct job *j, int e, const char *what, struct rl_err *err)
{
	struct pollfd init = { .fd = j->place.init_pidfd, .events = POLLIN };

	if (e != ESRCH && ((e != EPERM && e != ENOMEM) || poll(&init, 1, ENDING_MS) <= 0))
		return rl_fail_sys(err, e, "%s", what);
	return not_running(err);
}

static int enter_container(const struct job *j, struct rl_err *err)
{
	int r = setns(j->place.init_pidfd, namespaces(j->place.launch)) < 0 ? -errno : 0;

	if (r == -EPERM && j->place.launch->init)
		r = enter_by_payload(j);
	if (r < 0)
		return step_failed(j, -r, "enter the container's namespaces", err);
	/* as init: a map of one id that is not 0 has no root */
	if ((setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) && errno != EINVAL)
		return rl_fail_sys(err, errno, "become root of the container");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return rl_fail_sys(err, errno, "guard the process");
	return 0;
}

static _Noreturn void joiner_main(struct job *j, bool in_cgroup)
{
	struct rl_err err = { 0 };
	pid_t pid = 0;
	int r = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != j->supervisor)
		_exit(125);
	fd_close(j->hear_fd); /* or the supervisor's end would not be seen */
	if (!in_cgroup && j->place.cgroup_fd >= 0)
		r = enter_cgroup(j, &err);
	if (r == 0)
		r = set_oom_score(j, &err);
	if (r == 0)
		r = enter_container(j, &err);
	if (r == 0) {
		pid = proc_clone(CLONE_PARENT, 0, FD_NONE);
		if (pid == 0)
			process_main(j);
		if (pid < 0)
			r = step_failed(j, errno, "start a process in the container", &err);
	}
	if (r == 0)
		r = msg_send(j->tell_fd, MSG_JOINED, pid, NULL, NULL, 0);
	else
		RL_IGNORE(msg_send(j->tell_fd, MSG_ERR, 0, &err, NULL, 0)); /* last words */
	_exit(r < 0 ? 125 : 0);
}

/* --- supervisor ---------------------------------------------------------------------------- */

static int read_spec(struct job *j, struct rl_err *err)
{
	static struct buf b; /* @req points into it until we leave */
	int r;

	if (j->spec_fd < 0)
		return 0;
	if (lseek(j->spec_fd, 0, SEEK_SET) < 0)
		return rl_fail_sys(err, errno, "read the exec request");
	r = io_read_all(j->spec_fd, EXEC_SPEC_MAX, &b);
	if (r < 0)
		return rl_fail_sys(err, -r, "read the exec request");
	return exec_spec_parse(b.data ? b.data : "", b.len, &j->req, err);
}

/* --preserve-fds: the client has sent them ahead, some in each message. */
static int take_kept(struct job *j, struct rl_err *err)
{
	for (size_t n = 0; n < j->req.n_keep;) {
		size_t want = j->req.n_keep - n < PROC_FDS_MAX ? j->req.n_keep - n : PROC_FDS_MAX;
		char c;

		if (fd_recv(j->client_fd, &c, 1, j->keep_fds + n, want) != 1)
			return rl_fail(err, EPROTO, "the descriptors to be preserved are missing");
		for (; want > 0; want--, n++)
			if (j->keep_fds[n] < 0)
				return rl_fail(err, EPROTO,
					       "a descriptor to be preserved is missing");
	}
	return 0;
}

/* The container's environment, with the entries of the request in the place of same names. */
static int merge_env(struct job *j, struct rl_err *err)
{
	const char **old = j->place.launch->spec->env, **env;
	bool has_term = false;
	size_t n = 0;

	while (old[n])
		n++;
	env = calloc(n + j->req.n_env + 2, sizeof(*env)); /* lives until we leave */
	if (!env)
		return rl_oom(err);
	memcpy(env, old, n * sizeof(*env));
	for (size_t i = 0; i < j->req.n_env; i++) {
		size_t name = strcspn(j->req.env[i], "=") + 1, k = 0;

		while (k < n && strncmp(env[k], j->req.env[i], name) != 0)
			k++;
		env[k] = j->req.env[i];
		n += k == n;
	}
	for (size_t k = 0; k < n; k++)
		has_term |= strncmp(env[k], "TERM=", 5) == 0;
	if (j->req.terminal && !has_term)
		env[n] = "TERM=xterm";
	j->what.env = env;
	return 0;
}

/*
 * What run gives to this user (cmd/engine/spec_process.c): root has the bounding set, others what
 * was made ambient for another user, which is what the user asked to add.
 */
static void choose_caps(struct job *j)
{
	const struct caps *old = &j->place.launch->spec->caps;
	struct caps c = { .bounding = j->req.privileged ? capname_all() : old->bounding };

	if (!j->req.has_user && !j->req.privileged)
		return;
	if (j->what.uid == 0)
		c.effective = c.permitted = c.bounding;
	else if (j->place.launch->spec->uid != 0)
		c = (struct caps){ c.bounding, old->effective, old->permitted, old->inheritable,
				   old->ambient };
	j->what.caps = c;
}

static int describe(struct job *j, struct rl_err *err)
{
	const struct exec_spec *q = &j->req;

	j->what = *j->place.launch->spec;
	j->seccomp = q->privileged ? NULL : j->place.launch->seccomp;
	j->what.args = q->args;
	j->what.terminal = q->terminal;
	j->what.rows = q->rows;
	j->what.cols = q->cols;
	if (q->cwd)
		j->what.cwd = q->cwd;
	if (q->has_user) {
		j->what.uid = q->uid;
		j->what.gid = q->gid;
		j->what.groups = (gid_t *)(uintptr_t)q->groups;
		j->what.n_groups = q->n_groups;
	}
	choose_caps(j);
	j->exe_at_risk = payload_exe_is_writable();
	return merge_env(j, err);
}

static int make_pipe(int *ours, int *its, bool it_writes, struct rl_err *err)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return rl_fail_sys(err, errno, "pipe");
	*ours = p[!it_writes];
	*its = p[it_writes];
	return 0;
}

static int make_stdio(struct job *j, struct rl_err *err)
{
	int pair[2], r = 0;

	if (!j->req.terminal && !j->req.detach) {
		r = make_pipe(&j->pump.out, &j->stdio[1], true, err);
		if (r == 0)
			r = make_pipe(&j->pump.err, &j->stdio[2], true, err);
		if (r == 0 && j->req.stdin_on)
			r = make_pipe(&j->pump.in, &j->stdio[0], false, err);
	}
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return rl_fail_sys(err, errno, "socketpair");
	j->hear_fd = pair[0];
	j->tell_fd = pair[1];
	return 0;
}

/* Into the cgroup at once where the kernel lets us; moving costs it a grace period. */
static int fork_joiner(struct job *j, struct rl_err *err)
{
	bool in_cgroup = j->place.cgroup_fd >= 0;
	pid_t pid = -1;

	j->supervisor = getpid();
	if (in_cgroup)
		pid = proc_clone(0, SIGCHLD, j->place.cgroup_fd);
	if (pid < 0) {
		in_cgroup = false;
		pid = fork();
	}
	if (pid == 0)
		joiner_main(j, in_cgroup);
	if (pid < 0)
		return rl_fail_sys(err, errno, "start the helper that enters the container");
	fd_close(TAKE_FD(j->tell_fd));
	for (int i = 0; i < 3; i++)
		fd_close(TAKE_FD(j->stdio[i]));
	for (size_t i = 0; i < j->req.n_keep; i++)
		fd_close(j->keep_fds[i]);
	return pid;
}

static void take_console(struct job *j, const struct msg *m, const int fds[MSG_FDS])
{
	bool is_wanted = m->type == MSG_READY && j->req.terminal && j->pump.out < 0;

	if (is_wanted) {
		j->pump.out = fds[0];
		j->pump.in = fds[0];
	}
	for (int i = is_wanted; i < MSG_FDS; i++)
		fd_close(fds[i]);
}

/*
 * Wait for a message of the process. A file system of the container can hold it up for ever (FUSE),
 * but neither a time limit nor the monitor's order to end it: both die when we leave.
 */
static int await(const struct job *j, int64_t end_ms, struct rl_err *err)
{
	struct pollfd f[] = { { .fd = j->hear_fd, .events = POLLIN },
			      { .fd = j->result_fd, .events = POLLIN } };
	int64_t left = end_ms ? end_ms - now_ms() : -1;
	int r;

	do
		r = poll(f, ARRAY_LEN(f), end_ms && left < 0 ? 0 : (int)left);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return rl_fail(err, ETIMEDOUT, "the process did not start in time");
	if (!f[0].revents)
		return not_running(err); /* the monitor orders it at the container's end */
	return 0;
}

/* Until the process has executed: joiner and process speak in any order. */
static int hear(struct job *j, struct rl_err *err)
{
	int64_t end_ms = j->timeout_ms ? now_ms() + j->timeout_ms : 0;
	struct msg m, stub = { 0 };
	int fds[MSG_FDS], n, failed = 0;

	for (;;) {
		n = await(j, end_ms, err);
		if (n < 0)
			return n;
		n = msg_recv(j->hear_fd, &m, fds);
		if (n == 0 || n == -ECONNRESET)
			break;
		if (n < 0)
			return rl_fail_sys(err, -n, "listen to the process in the container");
		take_console(j, &m, fds);
		if (m.type == MSG_JOINED)
			j->pump.pid = m.value;
		else if (m.type == MSG_STUB)
			stub = m;
		else if (m.type != MSG_READY && failed == 0)
			failed = msg_failure(&m, &stub, err);
	}
	if (failed < 0)
		return failed;
	if (j->pump.pid <= 0 || (j->req.terminal && j->pump.out < 0))
		return rl_fail(err, ECHILD, "the process died while it was set up");
	j->pump.pidfd = proc_pidfd_open(j->pump.pid);
	if (j->pump.pidfd < 0)
		return rl_fail_sys(err, -j->pump.pidfd, "pidfd_open");
	return 0;
}

static int start_process(struct job *j, struct rl_err *err)
{
	int *const mine[] = { &j->spec_fd, &j->result_fd, &j->client_fd, &j->place.init_pidfd,
			      &j->place.cgroup_fd };
	int status, r;
	pid_t joiner;

	/* 0, 1, 2 stay: what is written to the log for debugging must not become a message */
	proc_keep_fds(mine, ARRAY_LEN(mine), 3);
	r = read_spec(j, err);
	if (r == 0)
		r = take_kept(j, err);
	if (r == 0)
		r = describe(j, err);
	if (r == 0)
		r = make_stdio(j, err);
	if (r < 0)
		return r;
	joiner = fork_joiner(j, err);
	if (joiner < 0)
		return joiner;
	r = hear(j, err);
	if (r < 0)
		return r;
	while (waitpid(joiner, &status, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* A dead child of ours would become one of the container's first process, which may never look. */
static void reap(const struct job *j)
{
	if (j->pump.pid <= 0)
		return;
	(void)kill(j->pump.pid, SIGKILL); /* not reaped, so the number is still its own */
	for (int i = 0; i < REAP_TRIES && waitpid(j->pump.pid, NULL, WNOHANG) == 0; i++)
		(void)poll(NULL, 0, 1);
}

static _Noreturn void fail(const struct job *j, const struct rl_err *err)
{
	struct exec_result res = { .code = err->exit_code ? err->exit_code : 125,
				   .failed = 1,
				   .timed_out = err->code == ETIMEDOUT };
	struct {
		char type;
		struct rl_err err;
	} __attribute__((packed)) m = { PUMP_FAILED, *err };

	if (j->client_fd >= 0)
		RL_IGNORE(fd_send(j->client_fd, &m, sizeof(m), NULL, 0)); /* gone: its loss */
	reap(j);
	res.output_len = (uint32_t)strnlen(err->msg, sizeof(res.output));
	memcpy(res.output, err->msg, res.output_len);
	RL_IGNORE(fd_send(j->result_fd, &res, sizeof(res), NULL, 0));
	_exit(1);
}

static _Noreturn void supervise(struct job *j)
{
	const char started = PUMP_STARTED;
	struct rl_err err = { 0 };

	proc_set_title("rl-exec");
	if (start_process(j, &err) < 0)
		fail(j, &err);
	if (j->client_fd >= 0)
		RL_IGNORE(fd_send(j->client_fd, &started, 1, NULL, 0)); /* gone: the pump sees it */
	j->pump.client = j->req.detach ? FD_NONE : j->client_fd;
	j->pump.control = j->result_fd;
	j->pump.terminal = j->req.terminal;
	j->pump.timeout_ms = j->timeout_ms;
	pump_main(&j->pump);
}

/* --- monitor ------------------------------------------------------------------------------- */

static int start(struct job *j, struct exec *ret, struct rl_err *err)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return rl_fail_sys(err, errno, "socketpair");
	j->result_fd = pair[1];
	pid = fork();
	if (pid == 0)
		supervise(j);
	fd_close(pair[1]);
	if (pid < 0) {
		int e = errno;

		fd_close(pair[0]);
		return rl_fail_sys(err, e, "start the supervisor of an exec");
	}
	*ret = (struct exec){ pid, pair[0] };
	return 0;
}

static struct job job_of(const struct exec_place *place)
{
	return (struct job){
		.place = *place,
		.spec_fd = FD_NONE,
		.client_fd = FD_NONE,
		.hear_fd = FD_NONE,
		.tell_fd = FD_NONE,
		.stdio = { FD_NONE, FD_NONE, FD_NONE },
		.pump = PUMP_FDS_INIT,
	};
}

int exec_check(const struct exec_place *place, const struct exec_check *check, struct exec *ret,
	       struct rl_err *err)
{
	struct job j = job_of(place);

	j.timeout_ms = check->timeout_ms;
	j.req.args = (const char **)(uintptr_t)check->argv;
	while (check->argv[j.req.n_args])
		j.req.n_args++;
	return j.req.n_args ? start(&j, ret, err) : rl_fail(err, EINVAL, "no command to check");
}

int exec_client(const struct exec_place *place, int spec_fd, int client_fd, struct exec *ret,
		struct rl_err *err)
{
	struct job j = job_of(place);

	j.spec_fd = spec_fd;
	j.client_fd = client_fd;
	return start(&j, ret, err);
}

int exec_end(struct exec *e, struct exec_result *ret)
{
	struct exec_result r = { 0 };
	ssize_t n = recv(e->fd, &r, sizeof(r), MSG_DONTWAIT);
	int status;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	if (n != sizeof(r))
		r = (struct exec_result){ .code = 137 };
	if (r.output_len > sizeof(r.output))
		r.output_len = sizeof(r.output);
	fd_close(TAKE_FD(e->fd));
	while (waitpid(e->pid, &status, 0) < 0 && errno == EINTR)
		;
	*ret = r;
	return 0;
}

void exec_kill(const struct exec *e)
{
	(void)shutdown(e->fd, SHUT_WR); /* the supervisor takes the end of file as the order */
}
