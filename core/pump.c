/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pump.c - a container's bytes, out to clients and log, in to its stdin
 *
 * Theory of operation: one poll loop, no heap. At most one message is on its way to the clients;
 * until each of them took it no source is read, so a client that does not read makes the
 * container's writes block (the kernel's pipe is the buffer) and nothing grows. The client that
 * started the container may do so for ever, as a pipeline expects; one that was attached later and
 * takes nothing for STALL_MS is let go, so that it cannot stop a service. In the other direction
 * one message is kept until the container's stdin took all of it. Without clients output only goes
 * to the log, and without a log nowhere.
 *
 * A pty master reports a hang-up while no process has the terminal open; that may be temporary, so
 * it is looked at again after a while. When the container has ended (end of file on control), what
 * is left in the pipes is delivered, then 'z', then the process leaves. Somebody who kept a pipe
 * open is not waited for, and what he writes after the end is not delivered.
 *
 * An exec's process is our child, and its end is the end. When its client goes away without a word,
 * stdin is closed, or the terminal hung up; output goes nowhere then, and the process may go on.
 */
#include "config.h"

#include "core/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>

#include "core/base/cleanup.h"
#include "core/base/idle.h"
#include "core/base/io.h"
#include "core/base/proc.h"
#include "core/exec.h"
#include "core/logfile.h"
#include "core/logjournal.h"
#include "core/sandbox.h"

#define CLIENTS_MAX    64
#define HANGUP_LOOK_MS 50     /* how often a hung-up terminal is looked at again */
#define STALL_MS       5000   /* patience with a client that was attached later */
#define TTY_LEFT_MAX   131072 /* more than a terminal can hold when the last writer ends */

struct client {
	int fd;
	bool owes;  /* has not taken the message under way yet */
	bool first; /* started the container */
};

/*
 * What is always used stands together: the buffers behind it, from the log's on, cost nothing until
 * data come, and nothing any more when none have come for a while.
 */
struct pump {
	struct pump_fds fd;
	struct client clients[CLIENTS_MAX];
	size_t out_len; /* of @out, with its type byte; 0 = none */
	int64_t out_since_ms;
	size_t in_len, in_off;
	bool in_end; /* close stdin after the pending data */
	bool ended, hung_up;
	size_t left[2]; /* bytes of stdout, stderr still to be delivered */
	/* of an exec */
	struct exec_result result;
	int64_t deadline_ms;
	bool killed, detached;
	struct logjournal journal;
	struct logfile log; /* ends with its buffer */
	char packet[LOGJOURNAL_PACKET];
	struct pump_msg out; /* on its way to the clients */
	struct pump_msg in;  /* data from a client, not yet taken by stdin */
};

/* Places in the poll table */
enum { P_OUT, P_ERR, P_IN, P_CONTROL, P_CHILD, P_CLIENTS, P_COUNT = P_CLIENTS + CLIENTS_MAX };

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

static void add_client(struct pump *p, int fd, bool first)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (p->clients[i].fd >= 0)
			continue;
		set_nonblock(fd);
		p->clients[i] = (struct client){ .fd = fd, .first = first };
		return;
	}
	fd_close(fd); /* full: that client sees the end at once */
}

/* Its last word may stand behind input that could not be delivered any more. */
static void hear_out(struct pump *p, const struct client *c)
{
	char type;

	while (recv(c->fd, &type, 1, MSG_DONTWAIT) > 0)
		p->detached |= type == PUMP_DETACH;
}

static void lose_client(struct pump *p, struct client *c)
{
	bool hang_up = p->fd.pid && c->first;

	if (hang_up)
		hear_out(p, c);
	drop(&c->fd);
	c->owes = false;
	if (!hang_up || p->detached)
		return;
	drop(&p->fd.in);
	p->in_len = p->in_off = 0;
	if (p->fd.terminal)
		drop(&p->fd.out);
}

static void try_send(struct pump *p, struct client *c)
{
	ssize_t n = send(c->fd, &p->out, p->out_len, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		lose_client(p, c);
	c->owes = false;
}

/* Is the message with everybody? Then it is done with. */
static void settle(struct pump *p)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (p->clients[i].owes)
			return;
	p->out_len = 0;
}

static void offer(struct pump *p, char type, size_t data_len)
{
	p->out.type = type;
	p->out_len = data_len + 1;
	p->out_since_ms = now_ms();
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		p->clients[i].owes = p->clients[i].fd >= 0;
		if (p->clients[i].owes)
			try_send(p, &p->clients[i]);
	}
	settle(p);
}

/* Keep the first bytes of an exec's output. */
static void capture(struct pump *p, size_t n)
{
	struct exec_result *x = &p->result;
	size_t room = sizeof(x->output) - x->output_len;

	n = n < room ? n : room;
	memcpy(x->output + x->output_len, p->out.data, n);
	x->output_len += (uint32_t)n;
}

/* Read one chunk of @fd as a message of @type. Return: false when the source is at its end. */
static bool take(struct pump *p, int fd, char type)
{
	size_t *left = &p->left[type == PUMP_STDERR];
	size_t room = *left < sizeof(p->out.data) ? *left : sizeof(p->out.data);
	ssize_t n = read(fd, p->out.data, room);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	if (p->ended)
		*left -= (size_t)n;
	if (p->fd.pid)
		capture(p, (size_t)n);
	logfile_add(&p->log, type == PUMP_STDOUT ? 1 : 2, p->out.data, (size_t)n);
	logjournal_add(&p->journal, type == PUMP_STDOUT ? 1 : 2, p->out.data, (size_t)n);
	offer(p, type, (size_t)n);
	return true;
}

static void resize(const struct pump *p)
{
	struct winsize ws = { 0 };
	uint16_t rc[2];

	memcpy(rc, p->in.data, sizeof(rc));
	ws.ws_row = rc[0];
	ws.ws_col = rc[1];
	(void)ioctl(p->fd.in, TIOCSWINSZ, &ws); /* a terminal that is gone has no size */
}

/* Nobody takes it any more, and the monitor must let go of it as well: who writes gets SIGPIPE. */
static void give_up(struct pump *p, int *fd, char which)
{
	drop(fd);
	if (!p->fd.pid)
		(void)send(p->fd.control, &which, 1, MSG_NOSIGNAL | MSG_DONTWAIT); /* or it ends */
}

static void from_client(struct pump *p, struct client *c)
{
	ssize_t n = recv(c->fd, &p->in, sizeof(p->in), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lose_client(p, c);
		return;
	}
	if (p->in.type == PUMP_STDIN) {
		p->in_len = (size_t)n - 1;
		p->in_off = 0;
	} else if (p->in.type == PUMP_STDIN_END) {
		p->in_end = true;
	} else if (p->in.type == PUMP_DETACH) {
		p->detached = true;
	} else if (p->in.type == PUMP_STDOUT_GONE && c->first && !p->fd.terminal) {
		give_up(p, &p->fd.out, PUMP_STDOUT_GONE);
	} else if (p->in.type == PUMP_STDERR_GONE && c->first) {
		give_up(p, &p->fd.err, PUMP_STDERR_GONE);
	} else if (p->in.type == PUMP_SIZE && n == 5 && p->fd.terminal && p->fd.in >= 0) {
		resize(p);
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
	if (p->in_off < p->in_len && p->fd.in >= 0)
		return;
	p->in_len = p->in_off = 0;
	if (p->in_end && !p->fd.terminal)
		drop(&p->fd.in);
}

/* Bytes that wait in a pipe; its writers may go on, so they are counted at once. */
static size_t waiting(int fd)
{
	int n = 0;

	return fd >= 0 && ioctl(fd, FIONREAD, &n) == 0 && n > 0 ? (size_t)n : 0;
}

static void set_ended(struct pump *p)
{
	p->ended = true;
	p->left[0] = p->fd.terminal ? TTY_LEFT_MAX : waiting(p->fd.out);
	p->left[1] = waiting(p->fd.err);
}

static void kill_child(struct pump *p)
{
	if (p->fd.pidfd >= 0)
		(void)proc_pidfd_signal(p->fd.pidfd, SIGKILL);
	p->killed = true;
}

static void on_child(struct pump *p)
{
	int status;

	if (waitpid(p->fd.pid, &status, WNOHANG) != p->fd.pid)
		return;
	drop(&p->fd.pidfd);
	p->result.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	set_ended(p);
}

/* A message of the monitor: one more client, or the end. */
static void from_monitor(struct pump *p)
{
	int fd = FD_NONE;
	char c;
	ssize_t n = fd_recv(p->fd.control, &c, 1, &fd, 1);

	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n <= 0 && p->fd.pid)
		kill_child(p);
	else if (n <= 0)
		set_ended(p);
	else if (fd >= 0)
		add_client(p, fd, false);
}

/* How long poll may sleep. Patience ends only for clients that were attached later. */
static int time_left(const struct pump *p)
{
	int64_t until = INT64_MAX, left;

	if (p->ended && p->out_len == 0)
		return 0;
	if (p->hung_up)
		return HANGUP_LOOK_MS;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (p->clients[i].owes && !p->clients[i].first)
			until = p->out_since_ms + STALL_MS;
	if (p->deadline_ms && !p->killed && p->deadline_ms < until)
		until = p->deadline_ms;
	if (until == INT64_MAX)
		return -1;
	left = until - now_ms();
	return left < 1 ? 1 : left > INT32_MAX ? INT32_MAX : (int)left;
}

static int wait_events(struct pump *p, struct pollfd *f)
{
	bool can_read = p->out_len == 0, has_in = p->in_len > p->in_off;
	nfds_t n = P_CLIENTS;

	f[P_OUT] = (struct pollfd){ .fd = can_read && !p->hung_up ? p->fd.out : FD_NONE,
				    .events = POLLIN };
	f[P_ERR] = (struct pollfd){ .fd = can_read ? p->fd.err : FD_NONE, .events = POLLIN };
	f[P_IN] = (struct pollfd){ .fd = has_in && !p->hung_up ? p->fd.in : FD_NONE,
				   .events = POLLOUT };
	f[P_CONTROL] = (struct pollfd){ .fd = p->ended || p->killed ? FD_NONE : p->fd.control,
					.events = POLLIN };
	f[P_CHILD] = (struct pollfd){ .fd = p->fd.pidfd, .events = POLLIN };
	/* poll(2) refuses more entries than RLIMIT_NOFILE, so those behind the last client stay out */
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		f[P_CLIENTS + i] = (struct pollfd){
			.fd = p->clients[i].fd,
			.events =
				(short)((p->clients[i].owes ? POLLOUT : 0) | (has_in ? 0 : POLLIN)),
		};
		if (p->clients[i].fd >= 0)
			n = P_CLIENTS + i + 1;
	}
	if (!can_read || has_in)
		return idle_poll(f, n, time_left(p));
	return idle_poll_spare(f, n, time_left(p), p->log.buf,
			       sizeof(*p) - (size_t)(p->log.buf - (char *)p));
}

static void serve_client(struct pump *p, struct client *c, short events)
{
	bool stalled = c->owes && !c->first && now_ms() - p->out_since_ms >= STALL_MS;

	if (events & POLLOUT && c->owes)
		try_send(p, c);
	else if (stalled)
		lose_client(p, c);
	if (c->fd < 0 || !(events & (POLLIN | POLLHUP | POLLERR)))
		return;
	if (p->in_len == 0)
		from_client(p, c);
	else if (events & (POLLHUP | POLLERR))
		lose_client(p, c);
}

static void serve_output(struct pump *p, const struct pollfd *f)
{
	if (f[P_OUT].revents && p->out_len == 0 && !take(p, p->fd.out, PUMP_STDOUT)) {
		p->hung_up = p->fd.terminal && !p->ended;
		if (!p->hung_up)
			drop(&p->fd.out);
	}
	if (f[P_ERR].revents && p->out_len == 0 && !take(p, p->fd.err, PUMP_STDERR))
		drop(&p->fd.err);
}

static void check_deadline(struct pump *p)
{
	if (!p->deadline_ms || p->killed || p->ended || now_ms() < p->deadline_ms)
		return;
	p->result.timed_out = 1;
	kill_child(p);
}

static void loop(struct pump *p)
{
	struct pollfd f[P_COUNT];

	for (;;) {
		if (wait_events(p, f) < 0)
			continue;
		p->hung_up = false;
		if (p->ended && p->out_len == 0 && !f[P_OUT].revents && !f[P_ERR].revents)
			return;
		if (f[P_CONTROL].revents)
			from_monitor(p);
		if (f[P_CHILD].revents)
			on_child(p);
		check_deadline(p);
		for (size_t i = 0; i < CLIENTS_MAX; i++)
			if (p->clients[i].fd >= 0 && f[P_CLIENTS + i].fd == p->clients[i].fd)
				serve_client(p, &p->clients[i], f[P_CLIENTS + i].revents);
		settle(p);
		serve_output(p, f);
		to_stdin(p);
	}
}

static void say_end(struct pump *p)
{
	struct pollfd f[P_COUNT];

	memcpy(p->out.data, &p->result.code, sizeof(p->result.code));
	offer(p, p->fd.pid ? PUMP_EXIT : PUMP_END, p->fd.pid ? sizeof(p->result.code) : 0);
	while (p->out_len > 0) {
		nfds_t n = 0;

		/* only clients are left to wait for; the first one's end of file ends it too */
		for (size_t i = 0; i < CLIENTS_MAX; i++) {
			f[i] = (struct pollfd){ .fd = p->clients[i].owes ? p->clients[i].fd
									 : FD_NONE,
						.events = POLLOUT };
			if (p->clients[i].owes)
				n = i + 1;
		}
		(void)poll(f, n, time_left(p));
		for (size_t i = 0; i < CLIENTS_MAX; i++)
			if (p->clients[i].owes)
				serve_client(p, &p->clients[i], f[i].revents & (POLLOUT | POLLERR));
		settle(p);
	}
}

static const struct sandbox_call calls[] = {
#ifdef SYS_poll /* newer architectures have ppoll only */
	SANDBOX_CALL(poll),
#endif
	SANDBOX_CALL(ppoll),
	SANDBOX_CALL(read),
	SANDBOX_CALL(write),
	SANDBOX_CALL(sendto),
	SANDBOX_CALL(recvfrom),
	SANDBOX_CALL(recvmsg),
	SANDBOX_CALL(close),
	SANDBOX_CALL(ioctl),
	SANDBOX_CALL(fcntl),
	SANDBOX_CALL(wait4),
	SANDBOX_CALL(pidfd_send_signal),
	SANDBOX_CALL(openat),
#ifdef SYS_renameat
	SANDBOX_CALL(renameat),
#endif
	SANDBOX_CALL(renameat2),
	SANDBOX_CALL(newfstatat),
	SANDBOX_CALL(fstat),
	SANDBOX_CALL(clock_gettime),
	SANDBOX_CALL(exit_group),
	SANDBOX_CALL(rt_sigreturn),
	SANDBOX_CALL(restart_syscall),
	SANDBOX_CALL(madvise), /* idle_poll() */
	SANDBOX_CALL(brk),
	SANDBOX_CALL(ftruncate),
	SANDBOX_END,
};

/* The log's folder is all that it can open; what an exec started may be killed by it. */
static int lock_in(const struct pump *p, struct rl_err *err)
{
	const struct sandbox_dir dir = { .fd = p->fd.log_dir, .access = SANDBOX_FILES };

	return sandbox_enter(&(struct sandbox){ .calls = { calls },
						.other = SANDBOX_KILL,
						.dirs = &dir,
						.n_dirs = p->fd.log_dir >= 0 ? 1 : 0,
						.leave = p->fd.pid ? SANDBOX_LEAVE_SIGNALS : 0 },
			     err);
}

_Noreturn void pump_main(const struct pump_fds *fds)
{
	static struct pump p; /* 120 KiB: not on the stack */
	int *const mine[] = { &p.fd.client, &p.fd.in,       &p.fd.out,
			      &p.fd.err,    &p.fd.control,  &p.fd.log_dir,
			      &p.fd.pidfd,  &p.fd.log_file, &p.fd.journal };
	struct rl_err err;

	p.fd = *fds;
	if (!p.fd.pid)
		p.fd.pidfd = FD_NONE;
	if (p.fd.log_file <= 0) /* 0 is stdin: not set */
		p.fd.log_file = FD_NONE;
	if (p.fd.journal <= 0)
		p.fd.journal = FD_NONE;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		p.clients[i].fd = FD_NONE;
	proc_keep_fds(mine, ARRAY_LEN(mine), 0);
	proc_set_title(p.fd.pid ? "rl-exec" : "rl-pump");
	set_nonblock(p.fd.in);
	set_nonblock(p.fd.out);
	set_nonblock(p.fd.err);
	set_nonblock(p.fd.control);
	if (p.fd.client >= 0)
		add_client(&p, p.fd.client, true);
	/* time functions read what they need before the files are closed off */
	p.deadline_ms = now_ms() + p.fd.timeout_ms;
	if (!p.fd.timeout_ms)
		p.deadline_ms = 0;
	p.left[0] = p.left[1] = SIZE_MAX;
	p.result.pid = p.fd.pid;
	if (lock_in(&p, &err) < 0)
		_exit(1);
	if (p.fd.log_file >= 0)
		logfile_open_file(&p.log, p.fd.log_file, p.fd.log_max);
	else
		logfile_open(&p.log, p.fd.log_dir, p.fd.log_max);
	p.journal = (struct logjournal){ .fd = p.fd.journal,
					 .fields = p.fd.journal_fields,
					 .packet = p.packet };
	loop(&p);
	say_end(&p);
	if (p.fd.pid) /* a monitor that is gone needs no result */
		(void)send(p.fd.control, &p.result, sizeof(p.result), MSG_NOSIGNAL);
	logfile_close(&p.log);
	_exit(0);
}
