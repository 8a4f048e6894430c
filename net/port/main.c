/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - rl-port: forwards the published ports of one container
 *
 *	rl-port NAME PORT/PROTO... [--ipv6]
 *
 * The words before --ipv6 are for people who look at ps(1). Protocol: descriptor 3 is the control
 * socket whose other end the monitor holds; it brings struct port_msg with the host's sockets, and
 * its end ends us. Descriptor 4 is the container's network namespace. We are started in S
 * as its root, join the container's network namespace, and keep the two capabilities that
 * speaking for a client's address takes; they hold over networks of this session only.
 *
 * Threat: a client or a container that takes over this process. It reads no byte of what it
 * carries (splice), has no files (Landlock), no other sockets than internet ones, and no
 * execve, fork, setns or ptrace (seccomp).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/proc.h"
#include "core/sandbox.h"
#include "net/port/port.h"
#include "net/publish.h"

#define EVENTS  64
#define FDS_MAX (1U << 20)
#define CAPS    ((1U << CAP_NET_ADMIN) | (1U << CAP_NET_RAW))

static struct port_watch control_watch;

int port_watch(struct port *p, int fd, struct port_watch *w, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };

	return epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

static int join(struct rl_err *err)
{
	if (setns(PORT_NETNS_FD, CLONE_NEWNET) < 0)
		return rl_fail_sys(err, errno, "enter the container's network");
	(void)close(PORT_NETNS_FD);
	return 0;
}

/* As many connections as the user may have descriptors for; a pipe each way is counted in. */
static int set_limits(struct port *p, struct rl_err *err)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return rl_fail_sys(err, errno, "read the limit of descriptors");
	l.rlim_cur = l.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &l) < 0 || sigaction(SIGPIPE, &ignore, NULL) < 0)
		return rl_fail_sys(err, errno, "raise the limit of descriptors");
	if (l.rlim_cur > FDS_MAX)
		l.rlim_cur = FDS_MAX;
	p->conns_max = l.rlim_cur < 1000 ? 100 : (unsigned)(l.rlim_cur - 400) / 6;
	return 0;
}

static const struct sandbox_call calls[] = {
#ifdef SYS_epoll_wait
	SANDBOX_CALL(epoll_wait),
#endif
	SANDBOX_CALL(epoll_pwait),
	SANDBOX_CALL(splice),
	SANDBOX_CALL(accept4),
	SANDBOX_CALL(connect),
	SANDBOX_CALL(close),
	SANDBOX_CALL(recvmsg),
	SANDBOX_CALL(sendmsg),
	SANDBOX_CALL(recvfrom),
	SANDBOX_CALL(sendto),
	SANDBOX_CALL(epoll_ctl),
	SANDBOX_CALL(setsockopt),
	SANDBOX_CALL(getsockopt),
	SANDBOX_CALL(bind),
	SANDBOX_CALL(shutdown),
	SANDBOX_CALL(pipe2),
	SANDBOX_CALL(fcntl),
	SANDBOX_CALL(getsockname),
	SANDBOX_CALL(brk),
	SANDBOX_CALL(mmap),
	SANDBOX_CALL(munmap),
	SANDBOX_CALL(mremap),
	SANDBOX_CALL(madvise),
	SANDBOX_CALL(clock_gettime),
	SANDBOX_CALL(rt_sigreturn),
	SANDBOX_CALL(futex),
	SANDBOX_CALL(exit_group),
	SANDBOX_CALL(restart_syscall),
	SANDBOX_CALL(getrandom),
	SANDBOX_CALL(write),
	SANDBOX_WHEN(socket, SANDBOX_IS(0, AF_INET)),
	SANDBOX_WHEN(socket, SANDBOX_IS(0, AF_INET6)),
	SANDBOX_END,
};

static int lock_in(struct rl_err *err)
{
	return sandbox_enter(&(struct sandbox){ .calls = { calls },
						.other = SANDBOX_KILL,
						.caps = CAPS,
						.leave = SANDBOX_LEAVE_BIND },
			     err);
}

static void on_message(struct port *p, struct port_watch *w, uint32_t events)
{
	int fds[PORT_MSG_MAX], r = 0;
	struct port_msg msg;
	ssize_t n = fd_recv(PORT_CONTROL_FD, &msg, sizeof(msg), fds, PORT_MSG_MAX);

	(void)w;
	(void)events;
	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n != sizeof(msg) || msg.n > PORT_MSG_MAX)
		_exit(0); /* the monitor is gone, and with it the container */
	for (uint32_t i = 0; i < msg.n; i++) {
		if (r == 0)
			r = msg.port[i].proto == IPPROTO_UDP
				    ? udp_listen(p, fds[i], msg.port[i].ctr_port)
				    : tcp_listen(p, fds[i], msg.port[i].ctr_port);
		else
			fd_close(fds[i]);
	}
	if (r < 0) { /* out of memory: the monitor starts another one */
		static const char text[] = "no room for its sockets";

		(void)send(PORT_CONTROL_FD, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		_exit(1);
	}
}

static int serve(struct port *p, struct rl_err *err)
{
	struct epoll_event e[EVENTS];
	int timeout = -1;

	for (;;) {
		int n = epoll_wait(p->epoll, e, EVENTS, p->busy ? 0 : timeout);

		if (n < 0 && errno != EINTR)
			return rl_fail_sys(err, errno, "wait for connections");
		for (int i = 0; i < n; i++) {
			struct port_watch *w = e[i].data.ptr;

			w->ready(p, w, e[i].events);
		}
		tcp_run(p);
		timeout = udp_expire(p);
	}
}

/* For inspect: whether clients keep their addresses. */
static void tell_status(const struct port *p)
{
	const unsigned char status =
		(unsigned char)(PUBLISH_STATUS | (p->real4 ? PUBLISH_REAL4 : 0) |
				(p->real6 ? PUBLISH_REAL6 : 0));

	(void)send(PORT_CONTROL_FD, &status, 1,
		   MSG_NOSIGNAL | MSG_DONTWAIT); /* the monitor is gone: seen later */
}

static int start(char **argv, struct rl_err *err)
{
	struct port p = { .epoll = FD_NONE, .route = FD_NONE };
	int r = fcntl(PORT_CONTROL_FD, F_SETFD, FD_CLOEXEC);

	if (r < 0) {
		rl_fail_sys(err, errno, "descriptor %d", PORT_CONTROL_FD);
		return rl_hint(err, "rl-port is a helper that rl starts by itself");
	}
	for (size_t i = 1; argv[i]; i++)
		p.ipv6 = strcmp(argv[i], "--ipv6") == 0;
	p.flow_age.next = p.flow_age.prev = &p.flow_age;
	r = join(err);
	if (r == 0)
		r = set_limits(&p, err);
	if (r == 0)
		r = port_route_open(&p, err);
	p.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (r == 0 && p.epoll < 0)
		r = rl_fail_sys(err, errno, "epoll_create1");
	if (r == 0)
		r = lock_in(err);
	if (r < 0)
		return r;
	tell_status(&p);
	control_watch.ready = on_message;
	r = port_watch(&p, PORT_CONTROL_FD, &control_watch, EPOLLIN);
	if (r < 0)
		return rl_fail_sys(err, -r, "watch the control socket");
	return serve(&p, err);
}

int main(int argc, char **argv)
{
	struct rl_err err;

	if (argc > 1 && start(argv, &err) < 0) {
		rl_report(&err); /* for a person who runs this by hand */
		(void)send(PORT_CONTROL_FD, err.msg, strlen(err.msg), MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	_exit(1);
}
