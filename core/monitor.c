/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor.c - watch over one container from start to end
 *
 * Theory of operation
 *
 * Start: launch_fork() gives init's pid; while init builds the root, the place in the cgroup tree
 * is asked for and the pump is forked; launch_wait_ready(), move into the cgroup, launch_exec(),
 * tell the client. A failure on the way ends what was started, removes the container and travels
 * to the client as one rl_err.
 *
 * Running: one poll loop over init's pidfd, the client, the tap (until its first frame starts the
 * packet loop), the packet loop's pidfd, signals, timers, and the socket for requests. If the client
 * goes away the container is killed: cancelling a job must not leave it behind.
 *
 * End, in this order (ARCHITECTURE 4.8): the exit record is made durable (or, with --rm, the folder
 * is hidden and the name freed), the client is told, then what costs the kernel time is let go:
 * tap, packet loop, cgroup, files; last, by leaving, the lock.
 *
 * Restart: each run has an end of its own, with a record, and the same start as the first: new
 * namespaces, network, root mount and pump; only cgroup, socket and lock stay. The record says that
 * the container is restarting, so that nobody takes it for ended; the pause is spent in the same
 * poll loop, so that a stop or rm -f works at once. Who waits, the client that started it included,
 * is told at the first end, as Docker and Podman do it. A start that fails counts as a run, but the
 * very first one gives up.
 */
#include "config.h"

#include "core/monitor.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "core/base/cleanup.h"
#include "core/base/idle.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/parse.h"
#include "core/base/proc.h"
#include "core/control.h"
#include "core/monitor_health.h"
#include "core/monitor_int.h"
#include "core/monitor_limits.h"
#include "core/monitor_net.h"
#include "core/monitor_serve.h"
#include "core/pump.h"
#include "core/spec.h"
#include "core/stragglers.h"

#define SETTLE_MS        4    /* see watch() */
#define PUMP_STARTS_MAX  5    /* in one run */
#define PUMP_MS          1000 /* for what the pump of the last run still has to deliver */
#define NET_RESTARTS_MAX 5    /* a packet loop that dies more often stays down */

static void tell(const struct monitor *m, const struct monitor_msg *msg)
{
	RL_IGNORE(fd_send(m->control, msg, sizeof(*msg), NULL, 0)); /* client gone: seen by poll */
}

void monitor_note(const struct monitor *m, const char *text)
{
	struct monitor_msg msg = { .type = MONITOR_NOTE };

	(void)snprintf(msg.err.msg, sizeof(msg.err.msg), "%s", text);
	tell(m, &msg);
}

static struct event event_of(const struct monitor *m, const char *status)
{
	return (struct event){ .type = "container",
			       .status = status,
			       .id = m->cfg->ctr->id,
			       .name = m->cfg->ctr->name,
			       .image = m->cfg->image_name,
			       .attributes = m->cfg->labels };
}

void monitor_event(const struct monitor *m, const char *status, const struct ctr_exit *x)
{
	struct event e = event_of(m, status);

	if (strcmp(status, "health_status") == 0)
		e.health = health_name(m->health.h.status);
	if (x) {
		e.has_exit_code = true;
		e.exit_code = x->code;
	}
	events_emit(m->cfg->rl, &e, 1);
}

/* The pipes of a container without a terminal: its ends into launch, ours into @p. */
static int make_pipes(const struct monitor_cfg *cfg, struct pump_fds *p, struct rl_err *err)
{
	int in[2], out[2], errp[2];

	if (pipe2(out, O_CLOEXEC) < 0)
		return rl_fail_sys(err, errno, "pipe");
	p->out = out[0];
	cfg->launch->stdio[1] = out[1];
	if (pipe2(errp, O_CLOEXEC) < 0)
		return rl_fail_sys(err, errno, "pipe");
	p->err = errp[0];
	cfg->launch->stdio[2] = errp[1];
	cfg->launch->stdio[0] = FD_NONE;
	if (!cfg->interactive)
		return 0;
	if (pipe2(in, O_CLOEXEC) < 0)
		return rl_fail_sys(err, errno, "pipe");
	p->in = in[1];
	cfg->launch->stdio[0] = in[0];
	return 0;
}

/* The pump of the last run has delivered everything, unless a client does not take it. */
static void reap_pump(struct monitor *m)
{
	int fd = m->pump > 0 ? proc_pidfd_open(m->pump) : FD_NONE, status;

	if (fd >= 0 && proc_wait(fd, m->pump, PUMP_MS, &status) == -ETIMEDOUT) {
		(void)proc_pidfd_signal(fd, SIGKILL);
		RL_IGNORE(proc_wait(fd, m->pump, PUMP_MS, &status)); /* killed: it ends */
	}
	fd_close(fd);
	m->pump = 0;
}

static void close_output(struct monitor *m)
{
	for (int i = 0; i < 2; i++)
		fd_close(TAKE_FD(m->out_fds[i]));
}

static int fork_pump(struct monitor *m, struct pump_fds *p, struct rl_err *err)
{
	int pair[2];

	if (m->cfg->passthrough) { /* nothing comes through us */
		fd_close(TAKE_FD(m->attach));
		return 0;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return rl_fail_sys(err, errno, "socketpair");
	p->control = pair[0];
	p->client = m->attach;
	p->log_dir = m->cfg->log_dir;
	p->log_max = m->cfg->log_max;
	p->log_file = m->cfg->log_file;
	p->journal = m->cfg->journal;
	p->journal_fields = m->cfg->journal_fields;
	m->pump_control = pair[1];
	m->pump = fork();
	if (m->pump < 0)
		return rl_fail_sys(err, errno, "fork the pump");
	if (m->pump == 0)
		pump_main(p);
	fd_close(p->control);
	if (p->out != p->in)
		fd_close(p->in); /* whose end the container must see when the pump has closed it */
	close_output(m);
	m->out_fds[0] = p->out;
	m->out_fds[1] = p->err;
	fd_close(TAKE_FD(m->attach));
	return 0;
}

/*
 * It ends before the container only when somebody has killed it (or a wall has: whoever took it over
 * shall not try for ever). What it held is lost, what comes from now on is not; stdin has ended.
 */
static void pump_died(struct monitor *m)
{
	struct pump_fds p = { .client = FD_NONE,
			      .in = FD_NONE,
			      .out = TAKE_FD(m->out_fds[0]),
			      .err = TAKE_FD(m->out_fds[1]),
			      .control = FD_NONE,
			      .terminal = m->cfg->terminal };
	struct rl_err err;

	if (p.terminal)
		p.in = p.out;
	fd_close(TAKE_FD(m->pump_control));
	reap_pump(m);
	monitor_event(m, "pump_died", NULL);
	if (++m->pump_starts <= PUMP_STARTS_MAX && fork_pump(m, &p, &err) == 0)
		return;
	fd_close(p.control); /* of a fork that failed: nobody waits there */
	fd_close(TAKE_FD(m->pump_control));
	monitor_note(m, "what carries the container's output has died too often, it stays down");
	fd_close(p.out); /* who writes gets SIGPIPE, as ever without a reader */
	fd_close(p.err);
}

static void close_container_ends(struct launch *l)
{
	for (int i = 0; i < 3; i++)
		fd_close(TAKE_FD(l->stdio[i]));
}

static int write_pids(const struct monitor *m, struct rl_err *err)
{
	int r = idfile_write_pid(m->cfg->files->pid, m->init.pid, err);

	return r < 0 ? r : idfile_write_pid(m->cfg->files->monitor_pid, getpid(), err);
}

/* Be found by other commands: first the socket, then the record of the run. */
static int settle_in(struct monitor *m, struct rl_err *err)
{
	int r = m->listen_fd < 0 ? monitor_listen(m, err) : 0;

	m->settled = true;
	return r < 0 ? rl_wrap(err, "listen for other commands") : monitor_write_run(m, err);
}

/* Take the lock; what was recorded of the last end stays at hand until this start has succeeded. */
static int begin(struct monitor *m, struct rl_err *err)
{
	int r = m->restart.count ? 0 : ctr_lock(m->cfg->rl, m->cfg->ctr, err);

	m->holds_lock = r == 0;
	if (r == 0)
		ctr_start_begin(m->cfg->ctr);
	return r;
}

/*
 * A detached container is on record before its first instruction: whatever dies from then on, the
 * next command knows what there is to end.
 */
static int execute(struct monitor *m, struct rl_err *err)
{
	int r = 0;

	m->runs++;
	m->started_ns = wall_ns();
	if (m->detached)
		r = settle_in(m, err);
	if (r == 0)
		r = launch_exec(&m->init, err);
	if (r == 0 && m->detached) /* else not before there is a record of this run */
		ctr_start_done(m->cfg->ctr);
	if (r == 0 && m->cfg->keep)
		(void)unlinkat(m->cfg->ctr->dir_fd, "start.error", 0); /* mostly not there */
	return r;
}

static int start(struct monitor *m, struct rl_err *err)
{
	struct pump_fds p = { .client = FD_NONE,
			      .in = FD_NONE,
			      .out = FD_NONE,
			      .err = FD_NONE,
			      .control = FD_NONE,
			      .terminal = m->cfg->terminal };
	struct launch *l = m->cfg->launch;
	int r = begin(m, err);

	m->pump_starts = 0;
	if (r == 0 && !p.terminal && !m->cfg->passthrough)
		r = make_pipes(m->cfg, &p, err);
	if (r == 0)
		r = launch_fork(l, &m->init, err);
	if (r < 0)
		return r;
	if (!m->cfg->passthrough) /* the next run needs those */
		close_container_ends(l);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* not before: the joiner writes init's id maps */
	r = m->runs ? 0 : monitor_limits_request(m, err);
	if (r == 0 && !p.terminal)
		r = fork_pump(m, &p, err);
	if (r == 0)
		r = launch_wait_ready(&m->init, err);
	if (r == 0 && p.terminal) {
		p.in = p.out = TAKE_FD(m->init.console_fd);
		r = fork_pump(m, &p, err);
	}
	if (r == 0)
		r = monitor_limits_place(m, err);
	if (r == 0)
		r = write_pids(m, err);
	if (r == 0)
		r = monitor_networks_start(m, err);
	if (r == 0)
		r = monitor_ports_start(m, err);
	if (r == 0)
		r = execute(m, err);
	m->started_ms = now_ms();
	m->timers = (struct monitor_timers){ 0 };
	if (m->cfg->run_timeout > 0)
		m->timers.end_ms = m->started_ms + m->cfg->run_timeout * 1000;
	if (r == 0) {
		const struct event e[] = { event_of(m, "init"), event_of(m, "start"),
					   event_of(m, "attach") };

		events_emit(m->cfg->rl, e, m->detached ? 2 : 3);
		monitor_limits_watch(m);
		monitor_health_start(m);
	}
	return r;
}

/* A message of the client, or its end. Return: false when the client is gone. */
static bool on_client(struct monitor *m)
{
	struct monitor_msg msg, ans;
	ssize_t n = fd_recv(m->control, &msg, sizeof(msg), NULL, 0);

	if (n != sizeof(msg))
		return n < 0 && (n == -EAGAIN || n == -EINTR);
	ans = monitor_request(m, &msg, (const int[]){ FD_NONE, FD_NONE });
	tell(m, &ans); /* so that the relay knows us alive */
	return true;
}

static void kill_container(struct monitor *m)
{
	(void)proc_pidfd_signal(m->init.pidfd, SIGKILL);
}

/* A byte about an output that nobody takes any more, or the pump's end */
static void on_pump(struct monitor *m)
{
	char which;
	ssize_t n = fd_recv(m->pump_control, &which, 1, NULL, 0);

	if (n == 1 && (which == PUMP_STDOUT_GONE || which == PUMP_STDERR_GONE))
		fd_close(TAKE_FD(m->out_fds[which == PUMP_STDERR_GONE]));
	else if (n != 1 && n != -EAGAIN && n != -EINTR)
		pump_died(m);
}

/* Places in the poll table */
enum {
	P_INIT,
	P_CLIENT,
	P_TAP,
	P_NET,
	P_PORTS,
	P_SIGNAL,
	P_PUMP,
	P_HEALTH,
	P_MEMORY,
	P_SERVE,
	P_COUNT
};

static void client_left(struct monitor *m)
{
	fd_close(TAKE_FD(m->control));
	if (m->detached)
		return;
	m->stopping = m->by_user = true;
	monitor_because(m, CTR_CAUSE_CLIENT);
	kill_container(m);
}

static void settle_in_late(struct monitor *m)
{
	struct rl_err err = { 0 };

	if (settle_in(m, &err) < 0)
		monitor_note(m, err.msg);
	else
		ctr_start_done(m->cfg->ctr);
}

/*
 * Until init has ended, or, between two runs, until the pause is over. A foreground container that
 * ends at once is spared the settling in.
 */
static void watch(struct monitor *m)
{
	struct pollfd few[P_COUNT];
	int r;

	static_assert(P_COUNT == MONITOR_FIXED_FDS && P_SERVE == MONITOR_LISTEN_FD, "one table");
	while (!monitor_pause_over(m)) {
		nfds_t n;
		struct pollfd *f = monitor_serve_poll(m, few, &n);

		f[P_INIT] = (struct pollfd){ .fd = m->init.pidfd, .events = POLLIN };
		f[P_CLIENT] = (struct pollfd){ .fd = m->control, .events = POLLIN };
		f[P_TAP] = (struct pollfd){ .fd = monitor_net_wanted(m) ? m->init.net_fd : FD_NONE,
					    .events = POLLIN };
		f[P_NET] = (struct pollfd){ .fd = m->net_pidfd, .events = POLLIN };
		f[P_PORTS] = (struct pollfd){ .fd = m->ports_pidfd, .events = POLLIN };
		f[P_PUMP] = (struct pollfd){ .fd = m->pump_control, .events = POLLIN };
		f[P_SIGNAL] = (struct pollfd){ .fd = m->sig_fd, .events = POLLIN };
		f[P_HEALTH] = (struct pollfd){ .fd = m->health.e.fd, .events = POLLIN };
		f[P_MEMORY] = (struct pollfd){ .fd = monitor_limits_fd(m), .events = POLLPRI };
		r = idle_poll(f, n, m->settled ? monitor_time_left(m) : SETTLE_MS);
		if (r > 0 && f[P_INIT].revents)
			return;
		if (!m->settled)
			settle_in_late(m);
		monitor_on_time(m);
		if (r <= 0)
			continue; /* EINTR: all signals but KILL and STOP are blocked anyway */
		if (f[P_SIGNAL].revents)
			monitor_on_signal(m);
		if (f[P_PUMP].revents)
			on_pump(m);
		if (f[P_MEMORY].revents)
			monitor_limits_pressed(m);
		if (f[P_HEALTH].revents)
			monitor_health_done(m);
		if (f[P_CLIENT].revents && !on_client(m))
			client_left(m);
		if (f[P_NET].revents)
			monitor_net_died(m);
		if (f[P_PORTS].revents)
			monitor_ports_died(m);
		if (f[P_TAP].revents)
			monitor_net_start(m);
		monitor_serve(m, f);
	}
}

static struct ctr_exit reap(struct monitor *m)
{
	struct ctr_exit x = { .started_ns = m->started_ns,
			      .finished_ns = wall_ns(),
			      .by_user = m->by_user,
			      .cause = m->cause };
	int status = 0;

	while (waitpid(m->init.pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status)) {
		x.signal = WTERMSIG(status);
		x.code = 128 + x.signal;
	} else {
		x.code = WEXITSTATUS(status);
	}
	if (m->timed_out)
		x.code = -1; /* what Podman says; run makes 255 of it */
	monitor_limits_blame(m, &x);
	return x;
}

/* The end on disk; one that is final takes a container with --rm out of sight instead. */
static void record_end(struct monitor *m)
{
	struct rl_err err;
	int r;

	if (m->cfg->remove && !m->last.restarting)
		r = ctr_hide(m->cfg->rl, m->cfg->ctr, &err);
	else
		r = ctr_write_exit(m->cfg->ctr, &m->last, !m->cfg->remove, &err);
	if (r < 0)
		monitor_note(m, err.msg);
}

/*
 * Make the end of a run known: on disk, to the pump, to the client.
 * Return: whether it is to be started again, then with that timer set
 */
static bool report_end(struct monitor *m, const struct ctr_exit *x)
{
	struct monitor_msg msg = { .type = MONITOR_EXITED };
	int delay = monitor_next_start(m, x->code);

	m->last = *x;
	m->last.restarting = delay >= 0;
	m->last.restarts = m->restart.count;
	if (delay < 0)
		monitor_ports_release(m);
	record_end(m);
	monitor_event(m, "died", &m->last);
	msg.exit = m->last;
	fd_close(TAKE_FD(m->pump_control));
	close_output(m);
	tell(m, &msg);
	monitor_serve_ended(m, &msg);
	if (delay < 0)
		return false;
	m->by_user = false;
	m->timers = (struct monitor_timers){ .restart_ms = now_ms() + delay };
	return true;
}

/* What belongs to one run. */
static void clean_up_run(struct monitor *m)
{
	const struct spec *s = m->cfg->launch->spec;

	monitor_end_execs(m); /* their events belong to this run */
	if (!spec_ns_is_new(s, SPEC_NS_PID) && m->init.pid > 0)
		stragglers_kill(m->init.mounts_fd, s->ns[SPEC_NS_USER].path != NULL);
	fd_close(TAKE_FD(m->control));
	m->detached = true;
	idfile_drop_pid(m->cfg->files->pid, m->init.pid);
	monitor_net_stop(m);
	launch_close(&m->init);
	m->paused = m->timed_out = false;
	m->cause = CTR_CAUSE_NONE;
	memwatch_stop(&m->memwatch);
}

static void clean_up(struct monitor *m)
{
	struct rl_err err;

	/* first: who asks us for a network holds the lock that we need for leaving it */
	monitor_serve_close(m);
	monitor_networks_end(m);
	clean_up_run(m);
	cgroup_remove(&m->cgroup);
	monitor_event(m, m->cfg->remove ? "remove" : "cleanup", NULL);
	idfile_drop_pid(m->cfg->files->monitor_pid, getpid());
	if (m->cfg->remove)
		idfile_drop(m->cfg->files->cid, m->cfg->ctr->id);
	if (m->cfg->remove &&
	    ctr_delete_hidden(m->cfg->rl, m->cfg->ctr, m->cfg->launch->session_fd, false, &err) < 0)
		log_debug("%s", err.msg); /* the next sweep tries again */
}

/* Nothing of a container that could not be run stays. */
static void give_up(struct monitor *m, const struct rl_err *cause)
{
	struct monitor_msg msg = { .type = MONITOR_FAILED, .err = *cause };
	struct rl_err err;

	idfile_drop_pid(m->cfg->files->pid, m->init.pid);
	idfile_drop_pid(m->cfg->files->monitor_pid, getpid());
	launch_abort(&m->init);
	monitor_serve_close(m);
	monitor_networks_end(m);
	monitor_net_stop(m);
	monitor_ports_release(m);
	cgroup_remove(&m->cgroup);
	if (m->cfg->keep && m->holds_lock)
		ctr_start_failed(m->cfg->ctr, cause->msg);
	if (!m->cfg->keep && (ctr_hide(m->cfg->rl, m->cfg->ctr, &err) < 0 ||
			      ctr_delete_hidden(m->cfg->rl, m->cfg->ctr, m->cfg->launch->session_fd,
						true, &err) < 0))
		monitor_note(m, err.msg);
	if (!m->cfg->keep) {
		monitor_event(m, "remove", NULL);
		idfile_drop(m->cfg->files->cid, m->cfg->ctr->id);
	}
	tell(m, &msg);
}

/* The pause between two runs, and the next start. Return: false when it is not started any more. */
static bool start_again(struct monitor *m)
{
	struct rl_err lost;

	if (m->listen_fd < 0 && monitor_listen(m, &lost) < 0)
		monitor_note(m, lost.msg);
	m->settled = true; /* there is no run to tell of */
	for (;;) {
		struct ctr_exit x = { .code = 125 };
		struct rl_err err = { 0 };

		watch(m);
		if (m->stopping) { /* then the last end stands */
			m->last.restarting = false;
			m->last.by_user = m->by_user;
			m->last.restarts -= m->last.restarts > 0; /* the one that is called off */
			monitor_ports_release(m);
			record_end(m);
			return false;
		}
		reap_pump(m);
		if (start(m, &err) == 0)
			return true;
		launch_abort(&m->init);
		monitor_net_stop(m);
		if (err.exit_code)
			x.code = err.exit_code;
		m->started_ms = now_ms();
		x.started_ns = x.finished_ns = wall_ns();
		(void)snprintf(x.error, sizeof(x.error), "%.255s", err.msg);
		if (!report_end(m, &x))
			return false;
		clean_up_run(m);
	}
}

/*
 * What the caller of rl left open in us (a CI runner's pipe) must not live as long as the container:
 * somebody may wait for its end. Ours are close-on-exec, so the others came through our exec.
 */
static void close_foreign(void)
{
	auto_dir DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	uint64_t fd;

	while (d && (e = readdir(d)))
		if (parse_uint(e->d_name, INT32_MAX, &fd) == 0 && fd > 2 &&
		    fcntl((int)fd, F_GETFD) == 0)
			(void)close((int)fd);
}

static void detach_from_client(struct monitor *m)
{
	sigset_t all, term;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	close_foreign();
	(void)setsid(); /* cannot fail: we were just forked */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)sigemptyset(&term);
	(void)sigaddset(&term, SIGTERM);
	(void)sigaddset(&term, CONTROL_SIGNAL);
	m->sig_fd = signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK); /* else it is ignored */
	proc_set_title("rl-monitor");
	for (int fd = 0; null >= 0 && fd < (log_get_level() == LOG_DEBUG ? 2 : 3); fd++)
		(void)dup2(null, fd);
	fd_close(null);
	RL_IGNORE(chdir("/")); /* do not pin the folder the user started us in */
}

static _Noreturn void monitor_main(const struct monitor_cfg *cfg, int control, int attach)
{
	struct monitor m = {
		.cfg = cfg,
		.detached = cfg->detached,
		.policy = cfg->restart,
		.sig_fd = FD_NONE,
		.health = { .e = { .fd = FD_NONE } },
		.control = control,
		.attach = attach,
		.pump_control = FD_NONE,
		.out_fds = { FD_NONE, FD_NONE },
		.listen_fd = FD_NONE,
		.net_pidfd = FD_NONE,
		.ports_pidfd = FD_NONE,
		.init = { .pidfd = FD_NONE,
			  .console_fd = FD_NONE,
			  .net_fd = FD_NONE,
			  .netns_fd = FD_NONE,
			  .sync_fd = FD_NONE },
		.cgroup = { .dir_fd = FD_NONE },
		.limits = cfg->limits,
		.memwatch = MEMWATCH_INIT,
		.memory_fd = FD_NONE,
	};
	struct monitor_msg started = { .type = MONITOR_STARTED };
	struct rl_err err = { 0 };
	struct ctr_exit x;

	detach_from_client(&m);
	if (start(&m, &err) < 0) {
		give_up(&m, &err);
		_exit(1);
	}
	started.code = m.init.pid;
	tell(&m, &started);
	/* a new one that stays: nobody waits for the disk now */
	if (!cfg->remove && !cfg->keep && ctr_sync(cfg->rl, cfg->ctr, &err) < 0)
		monitor_note(&m, err.msg);
	do {
		watch(&m);
		x = reap(&m);
		if (!report_end(&m, &x))
			break;
		clean_up_run(&m);
	} while (start_again(&m));
	clean_up(&m);
	_exit(0);
}

int monitor_start(const struct monitor_cfg *cfg, struct monitor_client *ret, struct rl_err *err)
{
	int control[2], attach[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0)
		return rl_fail_sys(err, errno, "socketpair");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, attach) < 0) {
		int e = errno;

		fd_close(control[0]);
		fd_close(control[1]);
		return rl_fail_sys(err, e, "socketpair");
	}
	pid = fork();
	if (pid == 0) {
		fd_close(control[0]);
		fd_close(attach[0]);
		monitor_main(cfg, control[1], attach[1]);
	}
	fd_close(control[1]);
	fd_close(attach[1]);
	*ret = (struct monitor_client){ .control = control[0], .attach = attach[0], .pid = pid };
	if (pid < 0) {
		int e = errno;

		monitor_client_close(ret);
		return rl_fail_sys(err, e, "fork the monitor");
	}
	return 0;
}

void monitor_client_close(struct monitor_client *c)
{
	fd_close(TAKE_FD(c->control));
	fd_close(TAKE_FD(c->attach));
}
