/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor_serve.c - what other rl commands ask of a container's monitor
 *
 * Theory of operation: a SOCK_SEQPACKET socket in the user's private runtime folder; whoever
 * connects must be the same user (SO_PEERCRED). A first message of SESSION_REQUEST asks for S
 * (core/session.h); every other message is one struct monitor_msg, answered by one. Connections are
 * non-blocking, and an answer that does not fit into a socket is the client's loss: nobody can make
 * the monitor wait. Their number is bounded: who only waits for the end leaves room for others, and
 * who asks nothing, or keeps his connection after the answer, has to go when the room is needed, so
 * nobody can shut others out by silence.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/control.h"
#include "core/monitor_health.h"
#include "core/monitor_int.h"
#include "core/monitor_limits.h"
#include "core/monitor_net.h"
#include "core/monitor_serve.h"
#include "core/session.h"

#define EXECS_END_MS    200 /* for all supervisors to say how their process ended */
#define SPEAK_MS        100 /* for who has connected to say what he wants */
#define ACCEPT_PAUSE_MS 100 /* without room for who connects */
#define IDLE_MIN        4 /* connections beside those that wait, however few descriptors there are */
#define FDS_RESERVED    12 /* for what a request brings along and takes to be done */

/* Who is there, also when nobody is. */
static struct monitor_conn *conns_of(const struct monitor *m, size_t *ret_n)
{
	*ret_n = m->peers ? m->peers->n_conns : 0;
	return m->peers ? m->peers->conns : NULL;
}

static struct monitor_exec *execs_of(const struct monitor *m, size_t *ret_n)
{
	*ret_n = m->peers ? m->peers->n_execs : 0;
	return m->peers ? m->peers->execs : NULL;
}

/* Only the pages in use take memory, and when nobody is there it goes back whole. */
static struct monitor_peers *peers(struct monitor *m)
{
	if (!m->peers) {
		void *p = mmap(NULL, sizeof(*m->peers), PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		m->peers = p == MAP_FAILED ? NULL : p;
	}
	return m->peers;
}

static struct monitor_conn *free_conn(struct monitor_peers *p)
{
	for (size_t i = 0; i < p->n_conns; i++)
		if (p->conns[i].fd < 0)
			return &p->conns[i];
	return p->n_conns < MONITOR_CONNS_MAX ? &p->conns[p->n_conns++] : NULL;
}

static struct monitor_exec *free_exec(struct monitor_peers *p)
{
	for (size_t i = 0; i < p->n_execs; i++)
		if (p->execs[i].e.fd < 0)
			return &p->execs[i];
	if (p->n_execs == MONITOR_EXECS_MAX)
		return NULL;
	p->execs[p->n_execs].e.fd = FD_NONE;
	return &p->execs[p->n_execs++];
}

/* No holes: poll(2) refuses more entries than RLIMIT_NOFILE, and would for ever. */
static void trim(struct monitor *m)
{
	struct monitor_peers *p = m->peers;
	size_t n = 0;

	if (!p)
		return;
	for (size_t i = 0; i < p->n_conns; i++)
		if (p->conns[i].fd >= 0)
			p->conns[n++] = p->conns[i];
	p->n_conns = n;
	n = 0;
	for (size_t i = 0; i < p->n_execs; i++)
		if (p->execs[i].e.fd >= 0)
			p->execs[n++] = p->execs[i];
	p->n_execs = n;
	if (p->n_conns > 0 || p->n_execs > 0)
		return;
	(void)munmap(p, sizeof(*p));
	m->peers = NULL;
}

int monitor_listen(struct monitor *m, struct rl_err *err)
{
	char path[CTR_ID_LEN + 32];
	int fd;

	(void)snprintf(path, sizeof(path), "ctr/%s", m->cfg->ctr->id);
	fd = io_mkdirs(m->cfg->rl->run_fd, path, 0700, err);
	(void)snprintf(path, sizeof(path), "ctr/%s/" CONTROL_SOCKET, m->cfg->ctr->id);
	if (fd == 0)
		fd = session_listen(m->cfg->rl->run_fd, path, err);
	if (fd >= 0)
		m->listen_fd = fd;
	/* the runtime folder may have gone with a logout */
	return fd >= 0 ? 0 : monitor_listen_here(m, err);
}

int monitor_listen_here(struct monitor *m, struct rl_err *err)
{
	int fd = session_listen(m->cfg->ctr->dir_fd, CONTROL_SOCKET, err);

	if (fd < 0)
		return fd;
	fd_close(m->listen_fd);
	m->listen_fd = fd;
	return 0;
}

struct exec_place monitor_place(const struct monitor *m)
{
	return (struct exec_place){ m->cfg->launch,   m->init.pid,     m->init.pidfd,
				    m->cgroup.dir_fd, m->approx.nproc, m->init.userns_open };
}

/* @fds: what exec_client() takes. */
static int start_exec(struct monitor *m, const struct monitor_msg *req, const int fds[2],
		      struct rl_err *err)
{
	const struct exec_place place = monitor_place(m);
	struct monitor_exec *x;
	int r;

	if (fds[0] < 0 || fds[1] < 0 || strnlen(req->id, sizeof(req->id)) != EXEC_ID_LEN)
		return rl_fail(err, EINVAL, "a malformed request for an exec");
	if (m->init.pidfd < 0) { /* between two runs */
		err->exit_code = EXEC_NOT_RUNNING;
		return rl_fail(err, ESRCH, "the container is not running");
	}
	if (m->paused) {
		rl_fail(err, EBUSY, "the container is paused");
		err->exit_code = EXEC_NOT_RUNNING;
		return rl_hint(err, "rl unpause it first");
	}
	x = peers(m) ? free_exec(m->peers) : NULL;
	if (!x)
		return rl_fail(err, EAGAIN, "%d commands run in the container already, the most",
			       MONITOR_EXECS_MAX);
	r = exec_client(&place, fds[0], fds[1], &x->e, err);
	if (r < 0)
		return r;
	memcpy(x->id, req->id, sizeof(x->id));
	monitor_event(m, "exec", NULL);
	return 0;
}

static void end_exec(struct monitor *m, struct monitor_exec *x)
{
	struct exec_result res;
	struct ctr_exit end = { 0 };

	if (exec_end(&x->e, &res) < 0)
		return;
	end.code = res.code;
	monitor_event(m, "exec_died", &end);
}

void monitor_end_execs(struct monitor *m)
{
	const struct ctr_exit killed = { .code = 128 + SIGKILL };
	const int64_t end_ms = now_ms() + EXECS_END_MS;
	size_t n;
	struct monitor_exec *execs = execs_of(m, &n);

	for (size_t i = 0; i < n; i++) {
		struct exec *e = &execs[i].e;
		struct pollfd p = { .fd = e->fd, .events = POLLIN };
		int64_t left = end_ms - now_ms();

		if (e->fd < 0)
			continue;
		if (poll(&p, 1, left > 0 ? (int)left : 0) > 0)
			end_exec(m, &execs[i]);
		if (e->fd < 0)
			continue;
		monitor_event(m, "exec_died", &killed); /* held up by a client that does not read */
		fd_close(TAKE_FD(e->fd));
	}
}

static void send_execs(const struct monitor *m, const struct monitor_conn *c)
{
	struct monitor_execs ans = { 0 };
	size_t n;
	const struct monitor_exec *execs = execs_of(m, &n);

	if (m->ports_pidfd >= 0)
		ans.clients = m->cfg->hooks.ports_clients(m->cfg->hooks.arg);
	for (size_t i = 0; i < n; i++) {
		if (execs[i].e.fd < 0)
			continue;
		if (ans.n == MONITOR_EXECS_MSG) {
			ans.clients |= MONITOR_EXECS_MORE;
			/* full or gone: its loss */
			if (fd_send(c->fd, &ans, sizeof(ans), NULL, 0) < 0)
				return;
			ans = (struct monitor_execs){ .clients =
							      ans.clients & ~MONITOR_EXECS_MORE };
		}
		memcpy(ans.id[ans.n++], execs[i].id, sizeof(ans.id[0]));
	}
	RL_IGNORE(fd_send(c->fd, &ans, sizeof(ans), NULL, 0)); /* full or gone: its loss */
}

static void send_netns(const struct monitor *m, const struct monitor_conn *c,
		       const struct monitor_msg *req)
{
	struct monitor_msg ans = { .type = MONITOR_OK };
	char id[sizeof(req->id)];
	int fd;

	(void)snprintf(id, sizeof(id), "%.*s", CTR_ID_LEN, req->id);
	fd = m->cfg->hooks.netns ? m->cfg->hooks.netns(m->cfg->hooks.arg, id) : -ENOENT;
	if (fd < 0) {
		ans.type = MONITOR_REFUSED;
		rl_fail(&ans.err, ENOENT, "the container is not on that network");
	}
	RL_IGNORE(fd_send(c->fd, &ans, sizeof(ans), &fd, fd >= 0)); /* full or gone: its loss */
}

static int attach(const struct monitor *m, const int fds[2], struct rl_err *err)
{
	int r;

	if (m->pump_control < 0) /* it has just ended, or waits to be started again */
		return m->cfg->passthrough
			       ? rl_fail(err, ENOTSUP,
					 "its output goes straight to who started it: there is "
					 "nothing to attach to")
			       : rl_fail(err, ESRCH, "the container is not running");
	r = fds[0] < 0 ? -EINVAL : fd_send(m->pump_control, "a", 1, fds, 1);
	if (r < 0)
		return rl_fail_sys(err, -r, "attach");
	monitor_event(m, "attach", NULL);
	return 0;
}

static int read_record(struct monitor *m, struct rl_err *err)
{
	int r = m->cfg->hooks.reread ? m->cfg->hooks.reread(m->cfg->hooks.arg, err)
				     : rl_fail(err, ENOTSUP, "nothing on record can be changed");

	if (r > 0)
		monitor_health_changed(m);
	return r;
}

struct monitor_msg monitor_request(struct monitor *m, const struct monitor_msg *req,
				   const int fds[2])
{
	struct monitor_msg ans = { .type = MONITOR_OK };
	int r = 0;

	switch ((enum monitor_type)req->type) {
	case MONITOR_SIGNAL:
		r = monitor_signal(m, req->signal, &ans.err);
		break;
	case MONITOR_STOPPING:
		monitor_stopping(m);
		break;
	case MONITOR_ATTACH:
		r = attach(m, fds, &ans.err);
		break;
	case MONITOR_PAUSE:
	case MONITOR_UNPAUSE:
		r = monitor_freeze(m, req->type == MONITOR_PAUSE, &ans.err);
		break;
	case MONITOR_POLICY:
		r = monitor_set_policy(m, req->code, req->signal, &ans.err);
		break;
	case MONITOR_LIMITS:
		r = monitor_limits_change(m, &req->limits, &ans.err);
		break;
	case MONITOR_AGAIN:
		r = monitor_again(m, req->signal, req->code, &ans.err);
		break;
	case MONITOR_CHECK:
		r = monitor_health_ask(m, &ans.err);
		break;
	case MONITOR_RECORD:
		r = read_record(m, &ans.err);
		break;
	case MONITOR_NETWORKS:
		r = monitor_networks_follow(m, &ans.err);
		break;
	case MONITOR_DETACH:
		m->detached = true;
		break;
	case MONITOR_EXEC:
		r = start_exec(m, req, fds, &ans.err);
		break;
	case MONITOR_WAIT:
	case MONITOR_EXECS: /* serve_one() answers these */
	case MONITOR_NETNS:
		break;
	case MONITOR_STARTED:
	case MONITOR_FAILED:
	case MONITOR_NOTE:
	case MONITOR_EXITED:
	case MONITOR_CHECKED:
	case MONITOR_OK:
	case MONITOR_REFUSED:
	default:
		r = rl_fail(&ans.err, EPROTO, "the monitor does not know request %u", req->type);
	}
	if (r < 0)
		ans.type = MONITOR_REFUSED;
	return ans;
}

/* Has it been told what it asked for, or asked nothing so far? */
static bool is_idle(const struct monitor_conn *c)
{
	return c->fd >= 0 && !c->waiting && !c->checking;
}

/* The one that has been silent for longest, unless it has hardly come. */
static bool drop_idle(const struct monitor *m)
{
	const int64_t latest = now_ms() - SPEAK_MS;
	struct monitor_conn *oldest = NULL, *c;
	size_t n;

	c = conns_of(m, &n);
	for (size_t i = 0; i < n; i++)
		if (is_idle(&c[i]) && c[i].since_ms <= (oldest ? oldest->since_ms - 1 : latest))
			oldest = &c[i];
	if (oldest)
		fd_close(TAKE_FD(oldest->fd));
	return oldest;
}

/* Connections; @ret_idle: those of them that may go */
static size_t n_open(const struct monitor *m, size_t *ret_idle)
{
	size_t n, open = 0;
	const struct monitor_conn *c = conns_of(m, &n);

	*ret_idle = 0;
	for (size_t i = 0; i < n; i++) {
		open += c[i].fd >= 0;
		*ret_idle += is_idle(&c[i]);
	}
	return open;
}

static bool has_room(const struct monitor *m)
{
	size_t idle, open = n_open(m, &idle);

	if (m->peers && m->peers->few)
		return open < m->peers->few || idle < IDLE_MIN;
	return open < MONITOR_CONNS_MAX;
}

bool monitor_serve_add(struct monitor *m, int fd)
{
	struct monitor_conn *c = peers(m) ? free_conn(m->peers) : NULL;

	if (c)
		*c = (struct monitor_conn){ .fd = fd, .since_ms = now_ms() };
	return c;
}

/* @may_drop: no connection is being served, so each may go to make room */
static void accept_one(struct monitor *m, bool may_drop)
{
	struct pollfd p = { .fd = m->listen_fd, .events = POLLIN };
	auto_fd int fd = FD_NONE;
	struct ucred who;
	socklen_t len = sizeof(who);
	size_t idle;

	/* it may have been accepted by monitor_serve_netns() meanwhile */
	if (poll(&p, 1, 0) <= 0)
		return;
	if (has_room(m) || (may_drop && drop_idle(m)))
		fd = accept4(m->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	/* else the kernel's queue keeps who comes, and poll would say so at once again */
	if (fd < 0 && !(may_drop && drop_idle(m)))
		m->timers.accept_ms = now_ms() + ACCEPT_PAUSE_MS;
	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 ||
	    who.uid != m->cfg->rl->uid)
		return;
	if (!monitor_serve_add(m, fd))
		return;
	/* the kernel gives the lowest number that is free: all below are in use */
	if (fd >= sysconf(_SC_OPEN_MAX) - FDS_RESERVED && !m->peers->few)
		m->peers->few = n_open(m, &idle);
	(void)TAKE_FD(fd);
}

static bool will_wait(const struct monitor_msg *req)
{
	return req->type == MONITOR_WAIT || req->type == MONITOR_ATTACH ||
	       req->type == MONITOR_CHECK;
}

static struct monitor_msg answer(struct monitor *m, const struct monitor_msg *req, const int fds[2])
{
	struct monitor_msg ans = { .type = MONITOR_REFUSED };
	size_t idle, waiting = n_open(m, &idle) - idle;
	size_t most = MONITOR_WAITING_MAX;

	if (m->peers->few && m->peers->few < most)
		most = m->peers->few;
	if (!will_wait(req) || waiting < most)
		return monitor_request(m, req, fds);
	rl_fail(&ans.err, EAGAIN, "%zu clients wait for the container already, the most", waiting);
	return ans;
}

static void serve_one(struct monitor *m, struct monitor_conn *c)
{
	struct monitor_msg req, ans;
	int fds[2];
	ssize_t n = fd_recv(c->fd, &req, sizeof(req), fds, 2);

	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n == SESSION_REQUEST_LEN && memcmp(&req, SESSION_REQUEST, SESSION_REQUEST_LEN) == 0) {
		RL_IGNORE(session_send(c->fd, m->cfg->session)); /* the asker looks elsewhere */
		n = 0;
	}
	if (n != sizeof(req)) {
		fd_close(fds[0]);
		fd_close(fds[1]);
		fd_close(TAKE_FD(c->fd));
		return;
	}
	if (req.type == MONITOR_EXECS)
		send_execs(m, c);
	else if (req.type == MONITOR_NETNS)
		send_netns(m, c, &req);
	else
		ans = answer(m, &req, fds);
	fd_close(fds[0]);
	fd_close(fds[1]);
	if (req.type == MONITOR_EXECS || req.type == MONITOR_NETNS)
		return;
	if (ans.type == MONITOR_OK) {
		c->waiting |= req.type == MONITOR_WAIT || req.type == MONITOR_ATTACH;
		c->checking |= req.type == MONITOR_CHECK;
	}
	RL_IGNORE(fd_send(c->fd, &ans, sizeof(ans), NULL, 0)); /* full or gone: its loss */
}

struct pollfd *monitor_serve_poll(struct monitor *m, struct pollfd few[MONITOR_FIXED_FDS],
				  nfds_t *ret_n)
{
	const struct pollfd listen = { .fd = m->timers.accept_ms ? FD_NONE : m->listen_fd,
				       .events = POLLIN };
	struct monitor_peers *p;
	struct pollfd *f = few;
	size_t n = MONITOR_FIXED_FDS;

	trim(m);
	p = m->peers;
	if (p) {
		f = p->polls;
		for (size_t i = 0; i < p->n_conns; i++)
			f[n++] = (struct pollfd){ .fd = p->conns[i].fd, .events = POLLIN };
		for (size_t i = 0; i < p->n_execs; i++)
			f[n++] = (struct pollfd){ .fd = p->execs[i].e.fd, .events = POLLIN };
		p->polled_conns = p->n_conns;
		p->polled_execs = p->n_execs;
	}
	f[MONITOR_LISTEN_FD] = listen;
	*ret_n = n;
	return f;
}

void monitor_serve(struct monitor *m, const struct pollfd *f)
{
	size_t n_conns = m->peers ? m->peers->polled_conns : 0;
	size_t n_execs = m->peers ? m->peers->polled_execs : 0;
	const struct pollfd *conns = f + MONITOR_FIXED_FDS, *execs = conns + n_conns;

	/* ends first: they make room for what is asked for next */
	for (size_t i = 0; i < n_execs; i++)
		if (execs[i].fd >= 0 && execs[i].revents)
			end_exec(m, &m->peers->execs[i]);
	for (size_t i = 0; i < n_conns; i++)
		if (conns[i].fd >= 0 && conns[i].revents)
			serve_one(m, &m->peers->conns[i]);
	if (f[MONITOR_LISTEN_FD].fd >= 0 && f[MONITOR_LISTEN_FD].revents)
		accept_one(m, true);
}

/* A place is not given up here: the caller may be about to answer the one in it. */
void monitor_serve_netns(void *arg)
{
	struct monitor *m = arg;

	accept_one(m, false);
	for (size_t i = 0; m->peers && i < m->peers->n_conns; i++) {
		struct monitor_conn *c = &m->peers->conns[i];
		struct monitor_msg req;

		if (c->fd >= 0 &&
		    recv(c->fd, &req, sizeof(req), MSG_PEEK | MSG_DONTWAIT) == sizeof(req) &&
		    req.type == MONITOR_NETNS)
			serve_one(m, c);
	}
}

void monitor_serve_checked(struct monitor *m, int code)
{
	const struct monitor_msg msg = { .type = MONITOR_CHECKED, .code = code };
	size_t n;
	struct monitor_conn *c = conns_of(m, &n);

	for (size_t i = 0; i < n; i++) {
		if (c[i].fd < 0 || !c[i].checking)
			continue;
		RL_IGNORE(fd_send(c[i].fd, &msg, sizeof(msg), NULL, 0)); /* or its loss */
		c[i].checking = false;
	}
}

void monitor_serve_ended(struct monitor *m, const struct monitor_msg *end)
{
	size_t n, n_execs;
	struct monitor_conn *c = conns_of(m, &n);
	const struct monitor_exec *x = execs_of(m, &n_execs);

	for (size_t i = 0; i < n; i++) {
		if (c[i].fd < 0 || !c[i].waiting)
			continue;
		RL_IGNORE(fd_send(c[i].fd, end, sizeof(*end), NULL, 0)); /* or its loss */
		fd_close(TAKE_FD(c[i].fd));
	}
	/* with the host's pid namespace the kernel does not end them */
	for (size_t i = 0; i < n_execs; i++)
		if (x[i].e.fd >= 0)
			exec_kill(&x[i].e);
}

void monitor_serve_close(struct monitor *m)
{
	char path[CTR_ID_LEN + 32];
	size_t n;
	struct monitor_conn *c;

	monitor_end_execs(m);
	c = conns_of(m, &n);
	for (size_t i = 0; i < n; i++)
		fd_close(TAKE_FD(c[i].fd));
	trim(m);
	if (m->listen_fd < 0)
		return;
	fd_close(TAKE_FD(m->listen_fd));
	(void)unlinkat(m->cfg->ctr->dir_fd, CONTROL_SOCKET, 0); /* most never had it */
	(void)snprintf(path, sizeof(path), "ctr/%s/" CONTROL_SOCKET, m->cfg->ctr->id);
	(void)unlinkat(m->cfg->rl->run_fd, path, 0); /* the folder may be gone after a logout */
	*strrchr(path, '/') = '\0';
	(void)unlinkat(m->cfg->rl->run_fd, path, AT_REMOVEDIR);
}
