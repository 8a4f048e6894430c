/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pump.c - a container's bytes, out and in
 *
 * Theory of operation: one poll loop, no heap. At most one message to the client is pending; while
 * it is, no source is read, so a client that does not read makes the container's writes block (the
 * kernel's pipe is the buffer), nothing grows. In the other direction one message from the client is
 * kept until the container's stdin took all of it. A client that goes away is forgotten: output is
 * then read and dropped, so that the container does not block.
 *
 * A pty master reports a hang-up while no process has the terminal open; that may be temporary, so
 * it is looked at again after a while. When the container has ended ("ended" is readable), what is
 * left in the pipes is delivered, then 'z', then the process leaves. Somebody who kept a pipe open
 * (only possible with a shared pid namespace) is not waited for.
 */
#include "config.h"

#include "core/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>

#include "core/base/cleanup.h"
#include "core/sandbox.h"

#define HANGUP_LOOK_MS 50 /* how often a hung-up terminal is looked at again */

struct pump {
	struct pump_fds fd;
	struct pump_msg out; /* pending message to the client */
	size_t out_len;      /* with its type byte; 0 = none */
	struct pump_msg in;  /* data from the client, not yet taken by stdin */
	size_t in_len, in_off;
	bool in_end; /* close stdin after the pending data */
	bool ended;
	bool hung_up;
};

static void drop(int *fd)
{
	fd_close(*fd);
	*fd = FD_NONE;
}

static void set_nonblock(int fd)
{
	int fl = fd >= 0 ? fcntl(fd, F_GETFL) : -1;

	if (fl >= 0)
		(void)fcntl(fd, F_SETFL, fl | O_NONBLOCK); /* our own ends of pipes and sockets */
}

static void lose_client(struct pump *p)
{
	drop(&p->fd.client);
	p->out_len = 0; /* for nobody */
}

/* Hand the pending message to the client; keeps it when the socket is full. */
static void flush_out(struct pump *p)
{
	ssize_t n;

	if (p->out_len == 0)
		return;
	n = p->fd.client >= 0 ? send(p->fd.client, &p->out, p->out_len, MSG_NOSIGNAL) : 0;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		lose_client(p);
	p->out_len = 0;
}

/* Read one chunk of @fd as a message of @type. Return: false when the source is at its end. */
static bool take(struct pump *p, int fd, char type)
{
	ssize_t n = read(fd, p->out.data, sizeof(p->out.data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	p->out.type = type;
	p->out_len = (size_t)n + 1;
	flush_out(p);
	return true;
}

static void resize(const struct pump *p, const char *data)
{
	struct winsize ws = { 0 };
	uint16_t rc[2];

	memcpy(rc, data, sizeof(rc));
	ws.ws_row = rc[0];
	ws.ws_col = rc[1];
	(void)ioctl(p->fd.in, TIOCSWINSZ, &ws); /* a terminal that is gone has no size */
}

static void from_client(struct pump *p)
{
	ssize_t n = recv(p->fd.client, &p->in, sizeof(p->in), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lose_client(p);
		p->in_end = !p->fd.terminal;
		return;
	}
	if (p->in.type == PUMP_STDIN) {
		p->in_len = (size_t)n - 1;
		p->in_off = 0;
	} else if (p->in.type == PUMP_STDIN_END) {
		p->in_end = true;
	} else if (p->in.type == PUMP_SIZE && n == 5 && p->fd.terminal && p->fd.in >= 0) {
		resize(p, p->in.data);
	}
}

static void to_stdin(struct pump *p)
{
	ssize_t n;

	if (p->in_len > p->in_off && p->fd.in >= 0) {
		n = write(p->fd.in, p->in.data + p->in_off, p->in_len - p->in_off);
		if (n > 0)
			p->in_off += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			p->in_off = p->in_len; /* nobody reads: drop */
	}
	if (p->in_off < p->in_len)
		return;
	p->in_len = p->in_off = 0;
	if (p->in_end && !p->fd.terminal)
		drop(&p->fd.in);
}

/* Wait for whatever can go on now. */
static int wait_events(struct pump *p, struct pollfd *f)
{
	bool can_read = p->out_len == 0;
	bool has_in = p->in_len > p->in_off;
	short client = (short)((p->out_len ? POLLOUT : 0) | (has_in ? 0 : POLLIN));
	int out = can_read && !p->hung_up ? p->fd.out : FD_NONE;
	short out_ev = POLLIN;

	f[0] = (struct pollfd){ .fd = p->fd.client, .events = client };
	if (has_in && p->fd.terminal && out >= 0)
		out_ev |= POLLOUT;
	f[1] = (struct pollfd){ .fd = out, .events = out_ev };
	f[2] = (struct pollfd){ .fd = can_read ? p->fd.err : FD_NONE, .events = POLLIN };
	f[3] = (struct pollfd){ .fd = has_in && !p->fd.terminal ? p->fd.in : FD_NONE,
				.events = POLLOUT };
	f[4] = (struct pollfd){ .fd = p->ended ? FD_NONE : p->fd.ended, .events = POLLIN };
	if (poll(f, 5, p->ended && can_read ? 0 : p->hung_up ? HANGUP_LOOK_MS : -1) < 0) {
		for (int i = 0; i < 5; i++)
			f[i].revents = 0;
		return -1;
	}
	return 0;
}

/* After the end: true when nothing is left that could be delivered. */
static bool is_done(const struct pump *p, const struct pollfd *f)
{
	return p->ended && p->out_len == 0 && !f[1].revents && !f[2].revents;
}

static void loop(struct pump *p)
{
	struct pollfd f[5];

	for (;;) {
		if (wait_events(p, f) < 0)
			continue;
		p->hung_up = false;
		if (is_done(p, f))
			return;
		if (f[4].revents)
			p->ended = true;
		if (f[0].revents & POLLOUT)
			flush_out(p);
		if (f[0].revents & (POLLIN | POLLHUP | POLLERR) && p->in_len == 0 &&
		    p->fd.client >= 0)
			from_client(p);
		else if (f[0].revents & (POLLHUP | POLLERR))
			lose_client(p);
		if (f[1].revents & (POLLIN | POLLHUP | POLLERR) && p->out_len == 0 &&
		    !take(p, p->fd.out, PUMP_STDOUT)) {
			p->hung_up = p->fd.terminal && !p->ended;
			if (!p->hung_up)
				drop(&p->fd.out);
		}
		if (f[2].revents && p->out_len == 0 && !take(p, p->fd.err, PUMP_STDERR))
			drop(&p->fd.err);
		to_stdin(p);
	}
}

static void say_end(struct pump *p)
{
	struct pollfd f = { .fd = p->fd.client, .events = POLLOUT };

	p->out.type = PUMP_END;
	p->out_len = 1;
	while (p->out_len > 0 && p->fd.client >= 0) {
		(void)poll(&f, 1, -1); /* the client's end of the socket closing ends this too */
		flush_out(p);
	}
}

/* Let the five descriptors be 0 to 4 and close the rest. */
static void gather(struct pump_fds *fd)
{
	int *const all[] = { &fd->client, &fd->in, &fd->out, &fd->err, &fd->ended };
	int high[ARRAY_LEN(all)];

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		high[i] = *all[i] >= 0 ? fcntl(*all[i], F_DUPFD_CLOEXEC, 10) : FD_NONE;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		(void)close((int)i); /* may be closed already */
		*all[i] = high[i] >= 0 ? dup3(high[i], (int)i, O_CLOEXEC) : FD_NONE;
	}
	(void)syscall(SYS_close_range, ARRAY_LEN(all), ~0U, 0); /* Linux 5.9, required elsewhere */
}

_Noreturn void pump_main(const struct pump_fds *fds)
{
	static const int allowed[] = {
#ifdef SYS_poll /* newer architectures have ppoll only */
		SYS_poll,
#endif
		SYS_ppoll, SYS_read,  SYS_write,      SYS_sendto,       SYS_recvfrom,
		SYS_close, SYS_ioctl, SYS_exit_group, SYS_rt_sigreturn, SYS_restart_syscall,
	};
	static struct pump p; /* 64 KiB: not on the stack */
	struct rl_err err;

	p.fd = *fds;
	gather(&p.fd);
	(void)prctl(PR_SET_NAME, "rl-pump"); /* for ps; harmless if refused */
	set_nonblock(p.fd.client);
	set_nonblock(p.fd.in);
	set_nonblock(p.fd.out);
	set_nonblock(p.fd.err);
	if (sandbox_basics(&err) < 0 || sandbox_no_files(&err) < 0 ||
	    sandbox_allow_only(allowed, ARRAY_LEN(allowed), &err) < 0)
		_exit(1);
	loop(&p);
	say_end(&p);
	_exit(0);
}
