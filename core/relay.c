/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay.c - the client's side of what runs in a container
 *
 * Theory of operation: one poll loop over the monitor's control socket, the pump's attach socket,
 * our stdin and a signalfd. All catchable signals but those about ourselves (CHLD, PIPE, URG, and
 * the job control stops of our own terminal use) go to the container's first process, as Docker and
 * Podman do; without that (--sig-proxy=false, exec) one that would end us ends only the relay. The
 * end needs two things, in any order: the monitor's MONITOR_EXITED and the pump's end mark; so no
 * byte is lost. An exec's pump says both at once. stdin is read only when the previous chunk went
 * out: nothing queues here. A terminal that hangs up ends the relay, and with it the container that
 * we started. If our stdout is gone the relay goes on reading, so that the container can end; it
 * hears of it as from any pipe (SIGPIPE) where nobody else may want its output (`pipeline`).
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
#include <sys/time.h>
#include <termios.h>

#include "core/base/cleanup.h"
#include "core/base/idle.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/base/waiting.h"
#include "core/pump.h"

#define PATIENT_SIGNALS 2
#define PATIENT_MS      2000

struct state {
	const struct relay *r;
	int sig_fd;
	struct termios saved;
	bool hung_up; /* our terminal is gone */
	bool is_raw, stdin_done, output_done, exited, started, stdout_gone, stderr_gone;
	bool left; /* by keys or signal: end.how */
	struct detach keys;
	struct pump_msg in;
	size_t in_len; /* message waiting for room in the attach socket; 0 = none */
	unsigned
		unanswered; /* signals that the monitor has not confirmed, the first at @since_ms */
	int64_t since_ms;
	struct relay_end end;
};

/* The signals that we take: to be forwarded, or those that would end us. */
static void taken_set(sigset_t *set, bool sig_proxy)
{
	static const int never[] = { SIGCHLD, SIGPIPE, SIGURG, SIGTTIN, /* stops when it reads in */
				     SIGTTOU,                           /* the background */
				     SIGSEGV, SIGBUS,  SIGFPE, SIGILL,  SIGABRT };
	static const int stops[] = { SIGTSTP, SIGCONT };

	(void)sigfillset(set);
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		(void)sigdelset(set, never[i]);
	for (size_t i = 0; !sig_proxy && i < ARRAY_LEN(stops); i++)
		(void)sigdelset(set, stops[i]);
}

void relay_block_signals(bool sig_proxy)
{
	sigset_t set;

	taken_set(&set, sig_proxy);
	(void)sigprocmask(SIG_BLOCK, &set, NULL); /* cannot fail with these arguments */
	(void)signal(SIGPIPE, SIG_IGN);           /* a closed stdout is seen as EPIPE */
}

/* Without our input there is nothing to be passed on raw: Ctrl-C stays a signal. */
static void set_raw(struct state *s)
{
	struct termios raw;

	if (!s->r->terminal || !s->r->stdin_on || s->is_raw ||
	    tcgetattr(STDIN_FILENO, &s->saved) < 0)
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

bool relay_terminal_size(uint16_t *ret_rows, uint16_t *ret_cols)
{
	struct winsize ws;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) < 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) < 0)
		return false;
	*ret_rows = ws.ws_row;
	*ret_cols = ws.ws_col;
	return true;
}

static void send_size(const struct state *s, unsigned add)
{
	struct {
		char type;
		uint16_t rows, cols;
	} __attribute__((packed)) m = { .type = PUMP_SIZE };
	uint16_t rows, cols;

	if (!s->r->terminal || !relay_terminal_size(&rows, &cols))
		return;
	m.rows = (uint16_t)(rows + add);
	m.cols = cols;
	/* lost when the socket is full: the next change comes through */
	(void)send(s->r->attach, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void leave(struct state *s, int how, int signo)
{
	s->left = true;
	s->end.how = how;
	s->end.signal = signo;
}

/*
 * A monitor that was stopped, or whose disk hangs, forwards nothing: who repeats Ctrl-C leaves. The
 * container goes with us (run) as soon as the monitor can see that we have gone.
 */
static int forward(struct state *s, int signo, struct rl_err *err)
{
	const struct monitor_msg m = { .type = MONITOR_SIGNAL, .signal = signo };

	if (s->unanswered >= PATIENT_SIGNALS && now_ms() - s->since_ms >= PATIENT_MS) {
		rl_fail(err, EHOSTDOWN, "the container's monitor does not answer");
		return rl_hint(err, "'kill -CONT' it if it was stopped: rl inspect -f "
				    "'{{.State.ConmonPid}}' tells its pid");
	}
	if (s->unanswered++ == 0)
		s->since_ms = now_ms();
	/* gone: seen by poll; full: as if it were stopped */
	RL_IGNORE(send(s->r->control, &m, sizeof(m), MSG_DONTWAIT | MSG_NOSIGNAL));
	return 0;
}

static int on_signal(struct state *s, struct rl_err *err)
{
	struct signalfd_siginfo si;
	struct termios now;

	if (read(s->sig_fd, &si, sizeof(si)) != sizeof(si))
		return 0;
	if (si.ssi_signo == SIGWINCH) {
		send_size(s, 0);
		return 0;
	}
	s->hung_up |= si.ssi_signo == SIGHUP && s->is_raw && tcgetattr(STDIN_FILENO, &now) < 0;
	if (!s->r->sig_proxy) {
		leave(s, RELAY_SIGNALLED, (int)si.ssi_signo);
		return 0;
	}
	return forward(s, (int)si.ssi_signo, err);
}

static void typed(struct state *s, const char *in, size_t n)
{
	size_t len = 0;

	if (detach_feed(&s->keys, in, n, s->in.data, &len))
		leave(s, RELAY_DETACHED, 0);
	s->in.type = PUMP_STDIN;
	s->in_len = len > 0 ? len + 1 : 0;
}

static void on_stdin(struct state *s)
{
	/* whole blocks: `dd bs=4096` behind it gets no partial ones */
	static char buf[(PUMP_DATA_MAX - DETACH_KEYS_MAX) / 4096 * 4096];
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		typed(s, buf, (size_t)n);
		return;
	}
	s->stdin_done = true;
	s->hung_up = s->is_raw; /* a raw terminal has no end of file */
	if (s->r->kind == RELAY_ATTACH)
		return; /* the stdin of what others use stays open, as with Docker */
	s->in.type = PUMP_STDIN_END;
	s->in_len = 1;
	if (s->r->terminal && !s->is_raw) { /* the end of what a terminal's reader reads is typed */
		s->in.type = PUMP_STDIN;
		s->in.data[0] = s->in.data[1] = 4; /* twice: the first one ends a begun line */
		s->in_len = 3;
	}
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

/* The pump has closed our connection without an end mark. */
static int cut_off(struct state *s, struct rl_err *err)
{
	s->output_done = true;
	if (s->r->kind == RELAY_EXEC)
		return rl_fail(err, EPIPE, "the supervisor of the command ended unexpectedly");
	if (s->r->kind == RELAY_RUN || s->exited)
		return 0; /* the monitor has the last word */
	return rl_fail(err, EPIPE,
		       "cut off: too many clients, or this one took no output for long");
}

static int start_failed(const void *data, size_t n, struct rl_err *err)
{
	if (n != sizeof(*err))
		return rl_fail(err, EPROTO, "the supervisor of the command sent nonsense");
	memcpy(err, data, n);
	err->msg[sizeof(err->msg) - 1] = err->hint[sizeof(err->hint) - 1] = '\0';
	return -(err->code > 0 ? err->code : EIO);
}

static void started(struct state *s)
{
	s->started = true;
	if (s->r->on_started)
		s->r->on_started();
	set_raw(s);
	if (s->r->kind == RELAY_ATTACH)
		send_size(s, 1); /* a change of size makes most programs draw themselves again */
	send_size(s, 0);
}

/* "rl run --rm IMG yes | head": who writes shall see the end of the pipeline, as without rl. */
static void say_gone(const struct state *s, bool *gone, char type)
{
	*gone = true;
	if (s->r->pipeline) /* lost when the socket is full of its input */
		(void)send(s->r->attach, &type, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* One message of the pump. 0, or the start error of an exec. */
static int on_output(struct state *s, int flags, struct rl_err *err)
{
	static struct pump_msg m;
	ssize_t n = recv(s->r->attach, &m, sizeof(m), flags);
	size_t len = n > 0 ? (size_t)n - 1 : 0;
	int32_t code;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return cut_off(s, err);
	/* the monitor's word may come later, and what is typed at a prompt has to be raw */
	if (!s->started && (m.type == PUMP_STDOUT || m.type == PUMP_STDERR))
		started(s);
	switch (m.type) {
	case PUMP_STDOUT:
		if (!s->r->no_out && !s->stdout_gone &&
		    io_write_all(STDOUT_FILENO, m.data, len) < 0)
			say_gone(s, &s->stdout_gone, PUMP_STDOUT_GONE);
		return 0;
	case PUMP_STDERR:
		if (!s->r->no_err && !s->stderr_gone &&
		    io_write_all(STDERR_FILENO, m.data, len) < 0)
			say_gone(s, &s->stderr_gone, PUMP_STDERR_GONE);
		return 0;
	case PUMP_STARTED:
		started(s);
		return 0;
	case PUMP_FAILED:
		return start_failed(m.data, len, err);
	case PUMP_EXIT:
		memcpy(&code, m.data, sizeof(code));
		s->end.exit.code = code;
		s->exited = s->output_done = true;
		return 0;
	default:
		s->output_done |= m.type == PUMP_END;
		return 0;
	}
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
	s->unanswered = 0;
	m.err.msg[sizeof(m.err.msg) - 1] = m.err.hint[sizeof(m.err.hint) - 1] = '\0';
	switch (m.type) {
	case MONITOR_NOTE:
		log_warn("%s", m.err.msg);
		return 0;
	case MONITOR_FAILED:
		*err = m.err;
		return -(err->code > 0 ? err->code : EIO);
	case MONITOR_STARTED:
		if (!s->started)
			started(s);
		return 0;
	case MONITOR_EXITED:
		s->end.exit = m.exit;
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
	int r = 0;
	struct pollfd f[4] = {
		{ .fd = s->exited ? FD_NONE : s->r->control, .events = POLLIN },
		{ .fd = s->output_done ? FD_NONE : s->r->attach,
		  .events = (short)(POLLIN | (s->in_len ? POLLOUT : 0)) },
		{ .fd = read_in && !s->exited ? STDIN_FILENO : FD_NONE, .events = POLLIN },
		{ .fd = s->sig_fd, .events = POLLIN },
	};

	if (idle_poll(f, 4, -1) < 0)
		return errno == EINTR ? 0 : rl_fail_sys(err, errno, "poll");
	if (f[3].revents)
		r = on_signal(s, err);
	if (r == 0 && f[1].revents & (POLLIN | POLLHUP | POLLERR))
		r = on_output(s, MSG_DONTWAIT, err);
	if (f[1].revents & POLLOUT)
		push_stdin(s);
	if (r == 0 && f[0].revents)
		r = on_control(s, err);
	if (r == 0 && f[2].revents) {
		on_stdin(s);
		push_stdin(s);
	}
	return r;
}

/* What runs shall go on without us. A terminal's exec is only spared when the keys were typed. */
static void say_leaving(const struct state *s)
{
	const struct timeval patience = { .tv_sec = 1 };
	const struct monitor_msg m = { .type = MONITOR_DETACH };
	const char d = PUMP_DETACH;

	if (s->r->kind == RELAY_RUN)
		RL_IGNORE(fd_send(s->r->control, &m, sizeof(m), NULL, 0)); /* gone: no matter */
	if (s->r->kind != RELAY_EXEC || s->end.how != RELAY_DETACHED)
		return;
	(void)setsockopt(s->r->attach, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	(void)send(s->r->attach, &d, 1, MSG_NOSIGNAL); /* gone: no matter */
}

int relay_run(const struct relay *r, struct relay_end *ret_end, struct rl_err *err)
{
	static struct state s; /* 32 KiB of buffer: not on the stack */
	sigset_t set;
	int rc = 0;

	s = (struct state){ .r = r };
	if (r->terminal)
		s.keys = r->keys;
	taken_set(&set, r->sig_proxy);
	s.sig_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s.sig_fd < 0)
		return rl_fail_sys(err, errno, "signalfd");
	if (r->kind == RELAY_ATTACH)
		started(&s);
	while (rc == 0 && !s.hung_up && !s.left && !(s.exited && s.output_done))
		rc = step(&s, err);
	if (rc == 0 && s.hung_up) /* leaving ends what we started (core/monitor.c, core/pump.c) */
		rc = rl_fail(err, EIO, "the terminal went away");
	restore(&s);
	fd_close(s.sig_fd);
	if (rc == 0 && s.left)
		say_leaving(&s);
	if (rc == 0)
		*ret_end = s.end;
	return rc;
}

int relay_wait_started(const struct relay *r, struct rl_err *err)
{
	static struct state s;
	auto_waiting struct waiting w = { 0 };
	int rc = 0;

	s = (struct state){ .r = r };
	waiting_begin(&w, "its monitor to start the %s",
		      r->kind == RELAY_EXEC ? "command" : "container");
	while (rc == 0 && !s.started)
		rc = r->kind == RELAY_EXEC ? on_output(&s, 0, err) : on_control(&s, err);
	return rc;
}
