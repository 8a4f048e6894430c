/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp.c - TCP connections of published ports
 *
 * Theory of operation: both ends of a connection are watched once, edge-triggered; any event moves
 * bytes in both directions until nothing moves, by splice(2) through a pipe. A pipe is borrowed
 * while it holds bytes and given back when it is empty, so that an idle connection costs two
 * descriptors and this struct. A connection that has used up its share of a turn is queued as
 * busy. Connections are freed at the end of the turn, when no event can name them any more.
 *
 * What one side says reaches the other: the end of its stream as a shutdown, a failure as a
 * reset. A container that does not listen resets the client.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "net/port/port.h"

#define ACCEPTS    64          /* a turn and listener */
#define SHARE      16          /* moves a turn and direction */
#define PIPE_BYTES (256 << 10) /* wanted, for many small packets; near a user's limit it is less */
#define MOVE_BYTES (64 << 10)  /* what is passed on soon is still in the processor's cache */

#define CONN_EVENTS ((uint32_t)(EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET))

struct flow {
	int from, to;
	struct port_pipe pipe; /* rd is FD_NONE while none is borrowed */
	size_t held;           /* bytes in it */
	bool eof, done;
};

struct tcp_conn {
	struct port_watch w;
	int client, server;
	union port_addr from;
	uint16_t ctr_port;
	bool v4, connecting, queued, dead;
	struct flow up, down;
	struct tcp_conn *next;
};

struct listener {
	struct port_watch w;
	int fd;
	uint16_t ctr_port;
	struct listener *next;
};

static struct listener *listeners;

static int pipe_borrow(struct port *p, struct port_pipe *ret)
{
	int fds[2];

	if (p->n_pipes > 0) {
		*ret = p->pipes[--p->n_pipes];
		return 0;
	}
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	(void)fcntl(fds[1], F_SETPIPE_SZ, PIPE_BYTES); /* slower without */
	*ret = (struct port_pipe){ fds[0], fds[1] };
	return 0;
}

/* @clean: it is empty and can be used again. */
static void pipe_return(struct port *p, struct port_pipe *pipe, bool clean)
{
	if (pipe->rd < 0)
		return;
	if (clean && p->n_pipes < PORT_PIPES) {
		p->pipes[p->n_pipes++] = *pipe;
	} else {
		fd_close(pipe->rd);
		fd_close(pipe->wr);
	}
	pipe->rd = FD_NONE;
}

static void pause_listeners(struct port *p, bool pause)
{
	if (p->paused == pause)
		return;
	p->paused = pause;
	for (struct listener *l = listeners; l; l = l->next) {
		struct epoll_event e = { .events = pause ? 0 : EPOLLIN, .data.ptr = &l->w };

		(void)epoll_ctl(p->epoll, EPOLL_CTL_MOD, l->fd, &e); /* cannot fail: it is in */
	}
}

static void enqueue(struct port *p, struct tcp_conn *c)
{
	if (c->queued || c->dead)
		return;
	c->queued = true;
	c->next = p->busy;
	p->busy = c;
}

/* @reset: the client learns that it was no orderly end. */
static void end(struct port *p, struct tcp_conn *c, bool reset)
{
	const struct linger now = { .l_onoff = 1 };

	if (c->dead)
		return;
	if (reset) {
		(void)setsockopt(c->client, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		if (c->server >= 0)
			(void)setsockopt(c->server, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	}
	fd_close(c->client);
	fd_close(c->server);
	pipe_return(p, &c->up.pipe, c->up.held == 0);
	pipe_return(p, &c->down.pipe, c->down.held == 0);
	c->dead = true;
	p->conns--;
	pause_listeners(p, false);
	if (!c->queued) { /* else tcp_run() meets it in the other list */
		c->next = p->dead;
		p->dead = c;
	}
}

/* Bytes from the socket into the pipe. 1 = some, 0 = none now, or -errno. */
static int fill(struct port *p, struct flow *f)
{
	ssize_t n;
	int r = f->pipe.rd < 0 ? pipe_borrow(p, &f->pipe) : 0;

	if (r < 0)
		return r;
	n = splice(f->from, NULL, f->pipe.wr, NULL, MOVE_BYTES, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	f->held = (size_t)n;
	f->eof = n == 0;
	return 1;
}

static int drain(struct flow *f)
{
	ssize_t n =
		splice(f->pipe.rd, NULL, f->to, NULL, f->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	f->held -= (size_t)n;
	return n > 0;
}

/* Move what can be moved. 1 = there may be more, 0 = blocked or done, or -errno. */
static int move(struct port *p, struct flow *f)
{
	int r = 1;

	for (int i = 0; r > 0 && i < SHARE && !f->done; i++) {
		r = f->held == 0 && !f->eof ? fill(p, f) : 1;
		if (r > 0 && f->held > 0)
			r = drain(f);
		if (r > 0 && f->eof && f->held == 0) {
			f->done = true;
			if (shutdown(f->to, SHUT_WR) < 0 && errno != ENOTCONN)
				r = -errno;
		}
	}
	if (f->held == 0)
		pipe_return(p, &f->pipe, true);
	return f->done && r > 0 ? 0 : r;
}

static void set_server(struct tcp_conn *c, int fd)
{
	c->server = c->up.to = c->down.from = fd;
}

static int watch_server(struct port *p, struct tcp_conn *c)
{
	static const int on = 1;

	if (c->server < 0)
		return c->server;
	/* Nagle's delay was the sender's to choose */
	(void)setsockopt(c->server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* nor does loopback need the timers of a host's BBR; the route says it for the answers */
	(void)setsockopt(c->server, IPPROTO_TCP, TCP_CONGESTION, PORT_CONGESTION,
			 sizeof(PORT_CONGESTION) - 1);
	return port_watch(p, c->server, &c->w, CONN_EVENTS);
}

/* Refused over IPv6: try IPv4, once. 0 or -errno. */
static int go_to_v4(struct port *p, struct tcp_conn *c)
{
	bool real;

	if (c->v4 || !port_has_other(p, &c->from))
		return -ECONNREFUSED;
	c->v4 = true;
	fd_close(c->server);
	set_server(c, port_connect(p, &c->from, c->ctr_port, SOCK_STREAM, PORT_WANT_V4, &real));
	return watch_server(p, c);
}

/* Whose event it is cannot be told; the state of the server's end can. */
static int check_connect(struct port *p, struct tcp_conn *c)
{
	struct tcp_info info;
	socklen_t len = sizeof(info), elen = sizeof(int);
	int e = 0;

	if (getsockopt(c->server, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return -errno;
	if (info.tcpi_state == TCP_SYN_SENT)
		return 0;
	if (getsockopt(c->server, SOL_SOCKET, SO_ERROR, &e, &elen) < 0 || e != 0 ||
	    info.tcpi_state == TCP_CLOSE)
		return go_to_v4(p, c);
	c->connecting = false;
	return 0;
}

static void work(struct port *p, struct tcp_conn *c)
{
	int up = move(p, &c->up), down = up < 0 ? up : move(p, &c->down);

	if (up < 0 || down < 0)
		end(p, c, true);
	else if (c->up.done && c->down.done)
		end(p, c, false);
	else if (up > 0 || down > 0)
		enqueue(p, c);
}

/* The client's end and the server's report here alike. */
static void on_conn(struct port *p, struct port_watch *w, uint32_t events)
{
	struct tcp_conn *c = (struct tcp_conn *)(void *)w; /* its first member */

	(void)events;
	if (c->dead)
		return;
	if (c->connecting && check_connect(p, c) < 0)
		end(p, c, true);
	else if (!c->connecting)
		work(p, c);
}

static void add_conn(struct port *p, int client, const union port_addr *from, uint16_t ctr_port)
{
	static const int on = 1;
	struct tcp_conn *c = calloc(1, sizeof(*c));
	bool real;

	if (!c) {
		fd_close(client);
		return;
	}
	if (++p->conns >= p->conns_max)
		pause_listeners(p, true); /* until somebody leaves */
	*c = (struct tcp_conn){ .w.ready = on_conn,
				.client = client,
				.from = *from,
				.ctr_port = ctr_port,
				.connecting = true,
				.up = { .from = client, .pipe.rd = FD_NONE },
				.down = { .to = client, .pipe.rd = FD_NONE } };
	set_server(c, port_connect(p, from, ctr_port, SOCK_STREAM, PORT_WANT_REAL, &real));
	(void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* finds clients that vanished */
	(void)setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if ((c->server < 0 && c->server != -ECONNREFUSED) ||
	    port_watch(p, client, &c->w, CONN_EVENTS) < 0 ||
	    (c->server < 0 ? go_to_v4(p, c) : watch_server(p, c)) < 0)
		end(p, c, true);
}

static void on_listener(struct port *p, struct port_watch *w, uint32_t events)
{
	struct listener *l = (struct listener *)(void *)w;

	(void)events;
	for (int i = 0; i < ACCEPTS && !p->paused; i++) {
		union port_addr from = { 0 };
		socklen_t len = sizeof(from);
		int fd = accept4(l->fd, &from.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			add_conn(p, fd, &from, l->ctr_port);
		} else if ((errno == EMFILE || errno == ENFILE) && p->conns > 0) {
			pause_listeners(p, true);
		} else if (errno != EINTR && errno != ECONNABORTED) {
			return;
		}
	}
}

int tcp_listen(struct port *p, int fd, uint16_t ctr_port)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (!l) {
		fd_close(fd);
		return -ENOMEM;
	}
	*l = (struct listener){ { on_listener }, fd, ctr_port, listeners };
	listeners = l;
	return port_watch(p, fd, &l->w, EPOLLIN);
}

void tcp_run(struct port *p)
{
	struct tcp_conn *c = p->busy;

	p->busy = NULL;
	while (c) {
		struct tcp_conn *next = c->next;

		c->queued = false;
		if (c->dead) {
			c->next = p->dead;
			p->dead = c;
		} else {
			work(p, c);
		}
		c = next;
	}
	while ((c = p->dead)) {
		p->dead = c->next;
		free(c);
	}
}
