/* SPDX-License-Identifier: Apache-2.0 */
/* control.c - talking to a container's monitor; the header is the manual */
#include "config.h"

#include "core/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/proc.h"
#include "core/base/waiting.h"

#define CALL_LOOKS   200 /* for the socket of a monitor that was asked for one */
#define CALL_LOOK_MS 5
#define CALL_AGAIN   20 /* it may end meanwhile */
#define ANSWER_MS    10000
#define LIST_MS      1000 /* for what is only looked at */
#define AT_ONCE_MS   50   /* an answer within that time is not waited for */
#define IDLE_MS      5

/* Connect to the socket below the folder @path of @dir_fd. */
static int connect_below(const struct rl *rl, int dir_fd, const char *path, const char *id,
			 struct rl_err *err)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	auto_fd int dir = io_open_dir(dir_fd, path, err), fd = FD_NONE;
	const struct timeval patience = { .tv_sec = ANSWER_MS / 1000 };
	struct ucred who;
	socklen_t len = sizeof(who);

	if (dir < 0)
		return dir;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return rl_fail_sys(err, errno, "socket");
	/* the queue of a monitor that was stopped may be full */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	/* the 108 bytes of a socket's path hold no deep folder: go through its descriptor */
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/" CONTROL_SOCKET, dir);
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		return errno == EAGAIN
			       ? rl_fail(err, ETIMEDOUT,
					 "the monitor of container %.12s does not answer", id)
			       : rl_fail_sys(err, errno, "reach the monitor of container %.12s",
					     id);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 || who.uid != rl->uid)
		return rl_fail(err, EPERM, "the monitor of container %.12s is not yours", id);
	return TAKE_FD(fd);
}

static bool is_missing(int r)
{
	return r == -ENOENT || r == -ECONNREFUSED;
}

/*
 * A monitor that is settled (run.json is there) but not found: ask it to listen elsewhere. The pid
 * comes from the kernel's lock table and is looked up there again once a pidfd pins it.
 */
static bool call_monitor(const struct rl *rl, const char *path)
{
	auto_free char *lock_path = str_printf("%s/lock", path);
	auto_free char *run_path = str_printf("%s/run.json", path);
	auto_fd int lock = FD_NONE, pidfd = FD_NONE;
	pid_t pid;

	if (!lock_path || !run_path || !io_exists(rl->data_fd, run_path))
		return false;
	lock = openat(rl->data_fd, lock_path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	pid = lock < 0 ? 0 : io_lock_holder(lock);
	pidfd = pid > 0 ? proc_pidfd_open(pid) : FD_NONE;
	return pidfd >= 0 && io_lock_holder(lock) == pid &&
	       proc_pidfd_signal(pidfd, CONTROL_SIGNAL) == 0;
}

int control_connect(const struct rl *rl, const char *id, struct rl_err *err)
{
	char path[CTR_ID_LEN + 16];
	struct rl_err why;
	int r;

	(void)snprintf(path, sizeof(path), "ctr/%s", id);
	r = connect_below(rl, rl->run_fd, path, id, err);
	if (!is_missing(r))
		return r;
	(void)snprintf(path, sizeof(path), "containers/%s", id);
	for (int i = 0; i < CALL_LOOKS; i++) {
		int fd = connect_below(rl, rl->data_fd, path, id, &why);

		if (!is_missing(fd)) {
			*err = fd < 0 ? why : *err;
			return fd;
		}
		if (i % CALL_AGAIN == 0 && !call_monitor(rl, path))
			return r;
		(void)poll(NULL, 0, CALL_LOOK_MS);
	}
	return r;
}

/* One message of exactly @size bytes. @ret_fd: what came along, or FD_NONE; may be NULL. */
static int get_raw(int sock, int timeout_ms, void *ret, size_t size, int *ret_fd,
		   struct rl_err *err)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	ssize_t n;
	int r;

	do
		r = poll(&p, 1, timeout_ms);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return rl_fail(err, ETIMEDOUT, "the container's monitor does not answer");
	n = fd_recv(sock, ret, size, ret_fd, ret_fd ? 1 : 0);
	return n == (ssize_t)size ? 0 : rl_fail(err, EPIPE, "the container's monitor has gone");
}

static pid_t monitor_of(int sock)
{
	struct ucred who = { 0 };
	socklen_t len = sizeof(who);

	return getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 ? who.pid : 0;
}

/* Wait for what is answered at once, unless the monitor was stopped. -ETIMEDOUT says which it is. */
static int wait_answer(int sock, int timeout_ms, struct rl_err *err)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	const int64_t end = now_ms() + timeout_ms;
	auto_waiting struct waiting w = { 0 };
	int pid, r = poll(&p, 1, AT_ONCE_MS);

	if (r > 0)
		return 0;
	pid = (int)monitor_of(sock);
	waiting_begin(&w, "the answer of the container's monitor (process %d)", pid);
	while (r <= 0 && now_ms() < end)
		r = poll(&p, 1, (int)(end - now_ms()));
	if (r > 0)
		return 0;
	rl_fail(err, ETIMEDOUT, "the container's monitor (process %d) does not answer", pid);
	return rl_hint(err,
		       "'kill -CONT %d' if it was stopped; rl rm -f ends it together with its "
		       "container",
		       pid);
}

static int get(int sock, int timeout_ms, struct monitor_msg *ret, struct rl_err *err)
{
	int r = get_raw(sock, timeout_ms, ret, sizeof(*ret), NULL, err);

	if (r < 0)
		return r;
	ret->err.msg[sizeof(ret->err.msg) - 1] = ret->err.hint[sizeof(ret->err.hint) - 1] = '\0';
	return 0;
}

int control_call_fds(int sock, const struct monitor_msg *req, const int *fds, size_t n_fds,
		     struct rl_err *err)
{
	struct monitor_msg ans;
	int r = fd_send(sock, req, sizeof(*req), fds, n_fds);

	if (r == -ECONNRESET || r == -EPIPE)
		return rl_fail(err, EPIPE, "the container's monitor has gone");
	if (r < 0)
		return rl_fail_sys(err, -r, "ask the container's monitor");
	r = wait_answer(sock, ANSWER_MS, err);
	if (r == 0)
		r = get(sock, 0, &ans, err);
	if (r < 0)
		return r;
	if (ans.type == MONITOR_OK)
		return 0;
	*err = ans.err;
	return -(err->code > 0 ? err->code : EPROTO);
}

int control_call(int sock, const struct monitor_msg *req, int fd, struct rl_err *err)
{
	return control_call_fds(sock, req, &fd, fd >= 0, err);
}

int control_wait_end(int sock, int timeout_ms, struct monitor_msg *ret, struct rl_err *err)
{
	return control_wait(sock, MONITOR_EXITED, timeout_ms, ret, err);
}

int control_wait(int sock, enum monitor_type type, int timeout_ms, struct monitor_msg *ret,
		 struct rl_err *err)
{
	int64_t end = now_ms() + timeout_ms;

	for (;;) {
		int left = timeout_ms < 0 ? -1 : (int)(end - now_ms());
		int r = get(sock, timeout_ms >= 0 && left < 0 ? 0 : left, ret, err);

		if (r < 0 || ret->type == type)
			return r;
	}
}

int control_once(const struct rl *rl, const char *id, const struct monitor_msg *req,
		 struct rl_err *err)
{
	auto_fd int sock = control_connect(rl, id, err);

	return sock < 0 ? sock : control_call(sock, req, FD_NONE, err);
}

int control_execs(const struct rl *rl, const char *id, struct strv *ret, unsigned *ret_clients,
		  struct rl_err *err)
{
	const struct monitor_msg req = { .type = MONITOR_EXECS };
	struct monitor_execs list = { .clients = MONITOR_EXECS_MORE };
	auto_fd int sock = control_connect(rl, id, err);
	int r;

	if (sock == -ENOENT || sock == -ECONNREFUSED)
		return 0;
	if (sock < 0)
		return sock;
	r = fd_send(sock, &req, sizeof(req), NULL, 0);
	if (r < 0)
		return rl_fail_sys(err, -r, "ask the container's monitor");
	r = wait_answer(sock, LIST_MS, err);
	while (r == 0 && list.clients & MONITOR_EXECS_MORE) {
		r = get_raw(sock, LIST_MS, &list, sizeof(list), NULL, err);
		if (r == 0)
			*ret_clients = list.clients & ~(unsigned)MONITOR_EXECS_MORE;
		for (size_t i = 0; r == 0 && i < list.n && i < MONITOR_EXECS_MSG; i++)
			r = strv_addn(ret, list.id[i], strnlen(list.id[i], CTR_ID_LEN)) < 0
				    ? rl_oom(err)
				    : 0;
	}
	return r;
}

/* Until something is there to be read, or ANSWER_MS are over */
static void wait_busily(int sock, const struct control_idle *idle)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	const int64_t end = now_ms() + ANSWER_MS;

	while (poll(&p, 1, IDLE_MS) == 0 && now_ms() < end)
		idle->run(idle->arg);
}

int control_netns(const struct rl *rl, const char *id, const char *net_id,
		  const struct control_idle *idle, struct rl_err *err)
{
	struct monitor_msg req = { .type = MONITOR_NETNS }, ans;
	auto_fd int sock = control_connect(rl, id, err), fd = FD_NONE;
	int r;

	if (sock < 0)
		return sock;
	(void)snprintf(req.id, sizeof(req.id), "%s", net_id);
	r = fd_send(sock, &req, sizeof(req), NULL, 0);
	if (r < 0)
		return rl_fail_sys(err, -r, "ask the monitor of container %.12s", id);
	if (idle)
		wait_busily(sock, idle);
	r = idle ? 0 : wait_answer(sock, ANSWER_MS, err);
	if (r == 0)
		r = get_raw(sock, 0, &ans, sizeof(ans), &fd, err);
	if (r < 0)
		return rl_wrap(err, "container %.12s", id);
	return fd >= 0 ? TAKE_FD(fd) : rl_fail(err, ENOENT, "it is not on that network");
}
