/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holder.c - keeps S between two commands and hands it out
 *
 * Theory of operation: whoever makes S binds run_dir/session.sock while holding session.lock and
 * forks the holder twice, so that it is nobody's child. The holder closes everything but the
 * socket, S and run_dir, and answers each client with one message: maps and descriptor. After
 * IDLE_MS without a client it takes the lock (if somebody else has it, a client is about to come:
 * it stays), removes the socket if it is still its own, answers who is already queued, and leaves.
 * A client that finds a dead socket or loses its connection looks again under the lock. So there
 * is never a moment in which two processes believe that no S exists and both are right to make
 * one. kill -9 of the holder leaves a stale socket, which the next maker replaces.
 *
 * The descriptor travels; no pid does, so no pid can be mistaken.
 */
#include "config.h"

#include "core/holder.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/idle.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/sandbox.h"

#define IDLE_FULL_MS   60000
#define IDLE_ONE_ID_MS 2000 /* cheap to make again, and the user may just be mending the cause */
#define ASK_S          3
#define MAGIC          0x53436c72U /* "rlCS" */
#define WIRE_VERSION   1U

/* The answer. Fixed size; programs of the same machine, so the byte order is no question. */
struct wire {
	uint32_t magic, version, rung, n_uids, n_gids;
	struct idrange uids[16], gids[16];
};

/*
 * The 108 bytes of sun_path hold no deep folder: the name is given through the descriptor of the
 * folder. Only our own /proc/self is walked.
 */
static int address(int dir_fd, const char *path, struct sockaddr_un *ret)
{
	int n;

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", dir_fd, path);
	return n < 0 || (size_t)n >= sizeof(ret->sun_path) ? -ENAMETOOLONG : 0;
}

static bool same_user(int sock)
{
	struct ucred c;
	socklen_t len = sizeof(c);

	return getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &c, &len) == 0 && c.uid == getuid();
}

static int set_timeout(int sock, int option, int seconds)
{
	const struct timeval tv = { .tv_sec = seconds };

	return setsockopt(sock, SOL_SOCKET, option, &tv, sizeof(tv)) < 0 ? -errno : 0;
}

/* --- asking ------------------------------------------------------------------------------- */

/*
 * Threat: the run folder is the user's own, but a container with -v $HOME or a forgotten process
 * may have put something else behind the socket. Joining a namespace that is not a child of ours
 * would fail later or map ids that we do not expect.
 */
static int check_ns(int fd, uid_t uid)
{
	auto_fd int parent = FD_NONE;
	struct stat theirs, ours;
	uid_t owner;

	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWUSER || ioctl(fd, NS_GET_OWNER_UID, &owner) < 0)
		return -EPROTO;
	if (owner != uid)
		return -EPERM;
	parent = ioctl(fd, NS_GET_PARENT);
	if (parent < 0 || fstat(parent, &theirs) < 0 || stat("/proc/self/ns/user", &ours) < 0 ||
	    theirs.st_ino != ours.st_ino || theirs.st_dev != ours.st_dev)
		return -EPROTO;
	return 0;
}

static int unpack_map(const struct idrange *v, uint32_t n, struct idmap *ret)
{
	*ret = (struct idmap){ 0 };
	if (n == 0 || n > ARRAY_LEN(ret->v))
		return -EPROTO;
	for (uint32_t i = 0; i < n; i++)
		if (idmap_add(ret, v[i].inside, v[i].outside, v[i].count) < 0)
			return -EPROTO;
	return 0;
}

static int unpack(const struct wire *w, ssize_t len, int *fd, struct session *ret)
{
	struct session s = { .userns_fd = FD_NONE };
	int r;

	if (len == 0)
		return -ECONNREFUSED; /* it left before our turn came */
	if (len < 0)
		return len == -EAGAIN ? -ETIMEDOUT : (int)len;
	if (len != sizeof(*w) || w->magic != MAGIC || w->version != WIRE_VERSION || *fd < 0 ||
	    w->rung > SESSION_ONE_ID)
		return -EPROTO;
	if (unpack_map(w->uids, w->n_uids, &s.uids) < 0 ||
	    unpack_map(w->gids, w->n_gids, &s.gids) < 0)
		return -EPROTO;
	r = check_ns(*fd, getuid());
	if (r < 0)
		return r;
	s.rung = (enum session_rung)w->rung;
	s.userns_fd = TAKE_FD(*fd);
	*ret = s;
	return 0;
}

int holder_ask(int dir_fd, const char *path, struct session *ret)
{
	auto_fd int sock = FD_NONE, fd = FD_NONE;
	struct sockaddr_un sa;
	struct wire w;
	ssize_t len;
	int r;

	r = address(dir_fd, path, &sa);
	if (r < 0)
		return r;
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	/* SO_SNDTIMEO bounds connect() as well, which waits while the queue is full */
	if (set_timeout(sock, SO_SNDTIMEO, ASK_S) < 0 || set_timeout(sock, SO_RCVTIMEO, ASK_S) < 0)
		return -errno;
	if (connect(sock, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (!same_user(sock))
		return -EPERM;
	if (send(sock, SESSION_REQUEST, SESSION_REQUEST_LEN, MSG_NOSIGNAL) < 0)
		return errno == EPIPE ? -ECONNREFUSED : -errno;
	len = fd_recv(sock, &w, sizeof(w), &fd, 1);
	if (len == -ECONNRESET)
		return -ECONNREFUSED;
	return unpack(&w, len, &fd, ret);
}

/* --- answering ---------------------------------------------------------------------------- */

int session_listen(int dir_fd, const char *path, struct rl_err *err)
{
	auto_fd int sock = FD_NONE;
	struct sockaddr_un sa;

	if (address(dir_fd, path, &sa) < 0)
		return rl_fail(err, ENAMETOOLONG, "listen on '%s': the name is too long", path);
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return rl_fail_sys(err, errno, "listen on '%s'", path);
	if (unlinkat(dir_fd, path, 0) < 0 && errno != ENOENT)
		return rl_fail_sys(err, errno, "replace the old socket '%s'", path);
	if (bind(sock, (const struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    fchmodat(dir_fd, path, 0600, 0) < 0 || listen(sock, SOMAXCONN) < 0)
		return rl_fail_sys(err, errno, "listen on '%s'", path);
	return TAKE_FD(sock);
}

int session_send(int conn_fd, const struct session *s)
{
	struct wire w = { .magic = MAGIC,
			  .version = WIRE_VERSION,
			  .rung = (uint32_t)s->rung,
			  .n_uids = (uint32_t)s->uids.n,
			  .n_gids = (uint32_t)s->gids.n };

	memcpy(w.uids, s->uids.v, sizeof(w.uids));
	memcpy(w.gids, s->gids.v, sizeof(w.gids));
	return fd_send(conn_fd, &w, sizeof(w), &s->userns_fd, 1);
}

int session_answer(int listen_fd, const struct session *s)
{
	auto_fd int conn = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	char text[SESSION_REQUEST_LEN + 1];
	ssize_t n;

	if (conn < 0)
		return -errno;
	if (!same_user(conn))
		return -EPERM;
	if (set_timeout(conn, SO_RCVTIMEO, 1) < 0 || set_timeout(conn, SO_SNDTIMEO, 1) < 0)
		return -errno;
	n = recv(conn, text, sizeof(text), 0);
	if (n < 0)
		return -errno;
	if (n != SESSION_REQUEST_LEN || memcmp(text, SESSION_REQUEST, SESSION_REQUEST_LEN) != 0)
		return -EPROTO;
	return session_send(conn, s);
}

/* --- the holder --------------------------------------------------------------------------- */

/* Keep @n descriptors, at the numbers 3.., and nothing else; 0 to 2 become /dev/null. */
static int keep_only(int *fds, size_t n)
{
	int null;

	for (size_t i = 0; i < n; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 64);
		if (fds[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i < n; i++) {
		if (dup3(fds[i], 3 + (int)i, O_CLOEXEC) < 0)
			return -errno;
		fds[i] = 3 + (int)i;
	}
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 3; i++)
		if (null < 0 || dup3(null, i, 0) < 0)
			(void)close(i); /* whatever it was, it is not ours to hold */
	proc_close_range(3 + (unsigned)n, ~0U);
	return 0;
}

/* Whether it could say goodbye: nobody is looking for S, the socket is gone, the queue empty. */
static bool leave(int run_fd, int listen_fd, ino_t socket_ino, const struct session *s)
{
	struct rl_err err;
	struct stat st;
	auto_fd int lock = io_flock(run_fd, HOLDER_LOCK, true, false, &err);

	if (lock == -EAGAIN)
		return false;
	/* any other failure: the folder is gone, so nobody can be looking here */
	if (fstatat(run_fd, HOLDER_SOCKET, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_ino == socket_ino)
		(void)unlinkat(run_fd, HOLDER_SOCKET, 0); /* a stale one does no harm */
	for (int i = 0; i < SOMAXCONN && session_answer(listen_fd, s) != -EAGAIN; i++)
		;
	return true;
}

static const struct sandbox_call calls[] = {
#ifdef SYS_poll /* newer architectures have ppoll only */
	SANDBOX_CALL(poll),
#endif
	SANDBOX_CALL(ppoll),
	SANDBOX_CALL(accept4),
	SANDBOX_CALL(getsockopt),
	SANDBOX_CALL(setsockopt),
	SANDBOX_CALL(recvfrom),
	SANDBOX_CALL(sendmsg),
	SANDBOX_CALL(close),
	SANDBOX_CALL(openat),
	SANDBOX_CALL(flock),
	SANDBOX_CALL(fcntl),
	SANDBOX_CALL(fstat),
	SANDBOX_CALL(newfstatat),
	SANDBOX_CALL(unlinkat),
	SANDBOX_CALL(write), /* the log */
	SANDBOX_CALL(clock_gettime),
	SANDBOX_CALL(clock_nanosleep),
	SANDBOX_CALL(getuid),
	SANDBOX_CALL(geteuid),
	SANDBOX_CALL(brk),
	SANDBOX_CALL(mmap),
	SANDBOX_CALL(munmap),
	SANDBOX_CALL(madvise), /* idle_poll() */
	SANDBOX_CALL(rt_sigreturn),
	SANDBOX_CALL(rt_sigprocmask),
	SANDBOX_CALL(restart_syscall),
	SANDBOX_CALL(exit_group),
	SANDBOX_END,
};

static _Noreturn void hold(int listen_fd, int run_fd, const struct session *session)
{
	struct session s = *session;
	int fds[] = { listen_fd, s.userns_fd, run_fd };
	struct sandbox_dir run_dir = { .access = SANDBOX_FILES };
	/* It executes nothing, opens nothing but its lock, and lives as long as all containers. */
	const struct sandbox walls = {
		.calls = { calls }, .other = SANDBOX_KILL, .dirs = &run_dir, .n_dirs = 1
	};
	int idle = s.rung == SESSION_FULL ? IDLE_FULL_MS : IDLE_ONE_ID_MS;
	struct rl_err err;
	struct stat st;
	sigset_t none;

	(void)sigemptyset(&none);
	for (int sig = 1; sig < 65; sig++)
		(void)signal(sig, SIG_DFL); /* KILL, STOP and the libc's own refuse, rightly */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	proc_set_title("rl-session");
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || setsid() < 0 || chdir("/") < 0 ||
	    keep_only(fds, ARRAY_LEN(fds)) < 0 ||
	    fstatat(fds[2], HOLDER_SOCKET, &st, AT_SYMLINK_NOFOLLOW) < 0)
		_exit(1);
	(void)umask(077); /* the lock file it may create */
	run_dir.fd = fds[2];
	if (sandbox_enter(&walls, &err) < 0)
		_exit(1);
	s.userns_fd = fds[1];
	for (;;) {
		struct pollfd p = { .fd = fds[0], .events = POLLIN };
		int r = idle_poll(&p, 1, idle);

		if (r > 0)
			(void)session_answer(fds[0], &s); /* a bad client is that client's loss */
		else if (r == 0 && leave(fds[2], fds[0], st.st_ino, &s))
			_exit(0);
		else if (r < 0 && errno != EINTR)
			_exit(1);
	}
}

int holder_start(const struct rl *rl, const struct session *s, struct rl_err *err)
{
	auto_fd int sock = FD_NONE;
	pid_t pid;

	sock = session_listen(rl->run_fd, HOLDER_SOCKET, err);
	if (sock < 0)
		return -err->code;
	pid = fork();
	if (pid < 0)
		return rl_fail_sys(err, errno, "start the session holder: fork");
	if (pid == 0) {
		pid = fork();
		if (pid == 0)
			hold(sock, rl->run_fd, s);
		_exit(pid < 0);
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}
