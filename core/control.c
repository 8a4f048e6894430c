/* SPDX-License-Identifier: Apache-2.0 */
/* control.c - talking to a container's monitor; the header is the manual */
#include "config.h"

#include "core/control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/proc.h"

#define ANSWER_MS 10000

int control_connect(const struct rl *rl, const char *id, struct rl_err *err)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	auto_fd int dir = FD_NONE, fd = FD_NONE;
	char path[CTR_ID_LEN + 8];
	struct ucred who;
	socklen_t len = sizeof(who);

	(void)snprintf(path, sizeof(path), "ctr/%s", id);
	dir = io_open_dir(rl->run_fd, path, err);
	if (dir < 0)
		return dir;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return rl_fail_sys(err, errno, "socket");
	/* the 108 bytes of a socket's path hold no deep folder: go through its descriptor */
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/monitor.sock", dir);
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		return rl_fail_sys(err, errno, "reach the monitor of container %.12s", id);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 || who.uid != rl->uid)
		return rl_fail(err, EPERM, "the monitor of container %.12s is not yours", id);
	return TAKE_FD(fd);
}

/* One message of exactly @size bytes. */
static int get_raw(int sock, int timeout_ms, void *ret, size_t size, struct rl_err *err)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	ssize_t n;
	int r;

	do
		r = poll(&p, 1, timeout_ms);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return rl_fail(err, ETIMEDOUT, "the container's monitor does not answer");
	n = fd_recv(sock, ret, size, NULL, 0);
	return n == (ssize_t)size ? 0 : rl_fail(err, EPIPE, "the container's monitor has gone");
}

static int get(int sock, int timeout_ms, struct monitor_msg *ret, struct rl_err *err)
{
	int r = get_raw(sock, timeout_ms, ret, sizeof(*ret), err);

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

	if (r < 0)
		return rl_fail_sys(err, -r, "ask the container's monitor");
	r = get(sock, ANSWER_MS, &ans, err);
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

int control_execs(const struct rl *rl, const char *id, struct strv *ret, struct rl_err *err)
{
	const struct monitor_msg req = { .type = MONITOR_EXECS };
	struct monitor_execs list;
	auto_fd int sock = control_connect(rl, id, err);
	int r;

	if (sock == -ENOENT || sock == -ECONNREFUSED)
		return 0;
	if (sock < 0)
		return sock;
	r = fd_send(sock, &req, sizeof(req), NULL, 0);
	if (r < 0)
		return rl_fail_sys(err, -r, "ask the container's monitor");
	r = get_raw(sock, ANSWER_MS, &list, sizeof(list), err);
	for (size_t i = 0; r == 0 && i < list.n && i < MONITOR_EXECS_MAX; i++)
		r = strv_addn(ret, list.id[i], strnlen(list.id[i], CTR_ID_LEN)) < 0 ? rl_oom(err)
										    : 0;
	return r;
}
