/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay.c - the client's side of a foreground container
 *
 * Theory of operation: one poll loop over the monitor's control socket, the pump's attach socket,
 * our stdin and a signalfd. All catchable signals but those about ourselves (CHLD, PIPE, URG, and
 * the job control stops of our own terminal use) go to the container's first process, as Docker and
 * Podman do. The end needs two things, in any order: the monitor's MONITOR_EXITED and the pump's
 * end mark; so no byte is lost. stdin is read only when the previous chunk went out: nothing queues
 * here. A terminal that hangs up ends the relay, and with it the container. If our stdout is gone
 * the relay goes on reading, so that the container can end.
 */
#include "config.h"

#include "core/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <termios.h>

#include "core/base/cleanup.h"
#include "core/base/idle.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/pump.h"

struct state {
	const struct relay *r;
	int sig_fd;
	struct termios saved;
	bool hung_up; /* our terminal is gone */
	bool is_raw, stdin_done, output_done, exited, started, stdout_gone, stderr_gone;
	struct pump_msg in;
	size_t in_len; /* message waiting for room in the attach socket; 0 = none */
	struct monitor_msg end;
};

static void forwarded_set(sigset_t *set)
{
	(void)sigfillset(set);
	(void)sigdelset(set, SIGCHLD);
	(void)sigdelset(set, SIGPIPE);
	(void)sigdelset(set, SIGURG);
	(void)sigdelset(set, SIGTTIN); /* ours: a background rl that reads its terminal stops */
	(void)sigdelset(set, SIGTTOU);
	(void)sigdelset(set, SIGSEGV);
	(void)sigdelset(set, SIGBUS);
	(void)sigdelset(set, SIGFPE);
	(void)sigdelset(set, SIGILL);
	(void)sigdelset(set, SIGABRT);
}

void relay_block_signals(void)
{
	sigset_t set;

	forwarded_set(&set);
	(void)sigprocmask(SIG_BLOCK, &set, NULL); /* cannot fail with these arguments */
	(void)signal(SIGPIPE, SIG_IGN);           /* a closed stdout is seen as EPIPE */
}

static void set_raw(struct state *s)
{
	struct termios raw;

	if (!s->r->terminal || s->is_raw || tcgetattr(STDIN_FILENO, &s->saved) < 0)
		return;
	raw = s->saved;
	cfmakeraw(&raw);
	raw.c_oflag = s->saved.c_oflag & ~(tcflag_t)OPOST;
	s->is_raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static void restore(struct state *s)
{
	if (s->is_raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN,
				&s->saved); /* gone terminal: nothing to do */
	s->is_raw = false;
}

static void send_size(const struct state *s)
{
	struct {
		char type;
		uint16_t rows, cols;
	} __attribute__((packed)) m = { .type = PUMP_SIZE };
	struct winsize ws;

	if (!s->r->terminal ||
	    (ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) < 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) < 0))
		return;
	m.rows = ws.ws_row;
	m.cols = ws.ws_col;
	/* lost when the socket is full: the next change comes through */
	(void)send(s->r->attach, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void on_signal(struct state *s)
{
	struct signalfd_siginfo si;
	struct termios now;
	struct monitor_msg m = { .type = MONITOR_SIGNAL };

	if (read(s->sig_fd, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo == SIGWINCH) {
		send_size(s);
		return;
	}
	s->hung_up |= si.ssi_signo == SIGHUP && s->is_raw && tcgetattr(STDIN_FILENO, &now) < 0;
	m.signal = (int)si.ssi_signo;
	RL_IGNORE(fd_send(s->r->control, &m, sizeof(m), NULL, 0)); /* monitor gone: seen by poll */
}

static void on_stdin(struct state *s)
{
	ssize_t n = read(STDIN_FILENO, s->in.data, sizeof(s->in.data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	s->in.type = n > 0 ? PUMP_STDIN : PUMP_STDIN_END;
	s->in_len = n > 0 ? (size_t)n + 1 : 1;
	s->stdin_done = n <= 0;
	s->hung_up = n <= 0 && s->is_raw; /* a raw terminal has no end of file */
}

static void push_stdin(struct state *s)
{
	ssize_t n;

	if (s->in_len == 0)
		return;
	n = send(s->r->attach, &s->in, s->in_len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n >= 0 || (errno != EAGAIN && errno != EINTR))
		s->in_len = 0;
}

static void on_output(struct state *s)
{
	static struct pump_msg m;
	ssize_t n = recv(s->r->attach, &m, sizeof(m), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || m.type == PUMP_END) {
		s->output_done = true;
		return;
	}
	if (m.type == PUMP_STDOUT && !s->stdout_gone)
		s->stdout_gone = io_write_all(STDOUT_FILENO, m.data, (size_t)n - 1) < 0;
	else if (m.type == PUMP_STDERR && !s->stderr_gone)
		s->stderr_gone = io_write_all(STDERR_FILENO, m.data, (size_t)n - 1) < 0;
}

/* One message of the monitor. 0, or the start error. */
static int on_control(struct state *s, struct rl_err *err)
{
	struct monitor_msg m;
	ssize_t n = fd_recv(s->r->control, &m, sizeof(m), NULL, 0);

	if (n != sizeof(m)) {
		if (s->exited)
			return 0;
		rl_fail(err, EPIPE, "the container's monitor ended unexpectedly");
		return rl_hint(
			err, "look for 'rl-monitor' in the system's log, it may have been killed");
	}
	m.err.msg[sizeof(m.err.msg) - 1] = m.err.hint[sizeof(m.err.hint) - 1] = '\0';
	switch (m.type) {
	case MONITOR_NOTE:
		log_warn("%s", m.err.msg);
		return 0;
	case MONITOR_FAILED:
		*err = m.err;
		return -(err->code > 0 ? err->code : EIO);
	case MONITOR_STARTED:
		s->started = true;
		set_raw(s);
		send_size(s);
		return 0;
	case MONITOR_EXITED:
		s->end = m;
		s->exited = true;
		return 0;
	default:
		return 0; /* an answer to a forwarded signal */
	}
	return 0;
}

static int step(struct state *s, struct rl_err *err)
{
	bool read_in = s->started && s->r->stdin_on && !s->stdin_done && s->in_len == 0;
	struct pollfd f[4] = {
		{ .fd = s->exited ? FD_NONE : s->r->control, .events = POLLIN },
		{ .fd = s->output_done ? FD_NONE : s->r->attach,
		  .events = (short)(POLLIN | (s->in_len ? POLLOUT : 0)) },
		{ .fd = read_in && !s->exited ? STDIN_FILENO : FD_NONE, .events = POLLIN },
		{ .fd = s->sig_fd, .events = POLLIN },
	};
	int r;

	if (idle_poll(f, 4, -1) < 0)
		return errno == EINTR ? 0 : rl_fail_sys(err, errno, "poll");
	if (f[3].revents)
		on_signal(s);
	if (f[1].revents & (POLLIN | POLLHUP | POLLERR))
		on_output(s);
	if (f[1].revents & POLLOUT)
		push_stdin(s);
	if (f[0].revents) {
		r = on_control(s, err);
		if (r < 0)
			return r;
	}
	if (f[2].revents) {
		on_stdin(s);
		push_stdin(s);
	}
	return 0;
}

int relay_run(const struct relay *r, struct monitor_msg *ret_end, struct rl_err *err)
{
	static struct state s; /* 32 KiB of buffer: not on the stack */
	sigset_t set;
	int rc = 0;

	s = (struct state){ .r = r };
	forwarded_set(&set);
	s.sig_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s.sig_fd < 0)
		return rl_fail_sys(err, errno, "signalfd");
	while (rc == 0 && !s.hung_up && !(s.exited && s.output_done))
		rc = step(&s, err);
	if (rc == 0 && s.hung_up) /* leaving ends the container (core/monitor.c) */
		rc = rl_fail(err, EIO, "the terminal went away");
	restore(&s);
	fd_close(s.sig_fd);
	if (rc == 0)
		*ret_end = s.end;
	return rc;
}

int relay_wait_started(const struct relay *r, struct rl_err *err)
{
	static struct state s;
	int rc = 0;

	s = (struct state){ .r = r };
	while (rc == 0 && !s.started)
		rc = on_control(&s, err);
	return rc;
}
