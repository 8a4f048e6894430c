/* SPDX-License-Identifier: Apache-2.0 */
/*
 * life.c - engine: signals, waiting, removing
 *
 * Theory of operation: everything about a running container goes through its monitor, which holds
 * a pidfd on the first process; no pid is signalled from here. "It has just ended" is success for
 * whoever wants it ended. A monitor that died is found by its free lock and healed
 * (core/ctr_state.h), so every command works on every container, always.
 */
#include "config.h"

#include "cmd/engine/life_int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/parse.h"
#include "core/base/proc.h"
#include "core/base/waiting.h"
#include "core/control.h"
#include "core/events.h"
#include "core/events_tail.h"
#include "core/health.h"
#include "core/idfile.h"
#include "core/session.h"
#include "net/attach.h"
#include "net/network.h"
#include "storage/volume.h"

#define LOOK_MS        500
#define HEAL_LOOK_MS   500 /* for the looks of ps; longer only where the end is asked for */
#define SETTLE_LOOK_MS 50
#define REACH_MS       10000 /* for a start under way to come as far as its socket */
#define LOST_LOOKS     50    /* of SETTLE_LOOK_MS */
#define REACH_LOOK_MS  10
#define LISTEN_TRIES   100 /* a foreground container listens some milliseconds after its start */
#define LISTEN_MS      5
#define REMOVE_TRIES   5 /* a start may slip in between the stop and the removal */
#define STATE_MAX      (8U << 20)

/* The cidfile goes with its container; a damaged record keeps it. */
static void drop_cidfile(const struct ctr *c)
{
	json_auto_t *j = NULL;
	struct rl_err ignored;

	if (json_read_file(c->dir_fd, "state.json", STATE_MAX, &j, &ignored) == 0)
		idfile_drop(json_string_value(json_object_get(json_object_get(j, "files"), "cid")),
			    c->id);
}

/* Out of sight, then gone; with volumes that were made for it when it never ran. */
static int take_away(const struct rl *rl, struct ctr *c, bool never_ran, struct rl_err *err)
{
	struct session session = { .userns_fd = FD_NONE };
	const bool is_there = ctr_is_published(rl, c); /* or its monitor has told of it (--rm) */
	struct rl_err ignored;
	int r;

	/* a damaged file must not keep the container */
	if (c->is_whole && ctr_take_volumes(c, &ignored) < 0)
		log_warn("its anonymous volumes stay: %s", ignored.msg);
	r = ctr_hide(rl, c, err);
	if (r < 0)
		return r;
	if (is_there)
		events_ctr(rl, c, "remove", NULL);
	/* S is only needed for files of subordinate owners; without it the user's own go */
	if (session_open(rl, &session, &ignored) < 0)
		log_debug("%s", ignored.msg);
	drop_cidfile(c);
	r = ctr_delete_hidden(rl, c, session.userns_fd, never_ran, err);
	session_close(&session);
	return r;
}

/* A container that lost its monitor while it was being made, or that --rm applies to, goes. */
static int drop_lost(const struct rl *rl, struct ctr *c, bool was_lost, const struct ctr_state *s,
		     struct rl_err *err)
{
	bool never_ran = s->status == CTR_CREATED;
	struct ctr_state now;
	int r;

	if (s->monitor != 0 || s->is_lost || !(never_ran ? c->is_run : c->is_remove) ||
	    (!never_ran && !was_lost))
		return 0;
	if (ctr_enter(c, 0, err) < 0)
		return 0; /* somebody else is at it */
	r = ctr_get_state(c, &now, err);
	if (r == 0 && now.monitor == 0 && now.status == s->status)
		r = take_away(rl, c, never_ran, err);
	ctr_leave(c);
	return r < 0 ? r : rl_fail(err, ENOENT, "container '%s' has just been removed", c->name);
}

int life_get_state(const struct rl *rl, struct ctr *c, int heal_ms, struct ctr_state *ret,
		   struct rl_err *err)
{
	int r = ctr_get_state(c, ret, err);
	bool was_lost = r == 0 && ret->is_lost;

	if (was_lost)
		r = ctr_heal(rl, c, ret, heal_ms, err);
	if (was_lost && r == 0)
		attach_drop_leases(rl, c->id, c->dir_fd);
	if (r == 0 && (was_lost || ret->status == CTR_CREATED))
		r = drop_lost(rl, c, was_lost, ret, err);
	return r;
}

int life_state(const struct rl *rl, struct ctr *c, struct ctr_state *ret, struct rl_err *err)
{
	int r = life_get_state(rl, c, HEAL_LOOK_MS, ret, err);

	return r == -ETIMEDOUT ? 0 : r; /* a process that the kernel holds: it is told as lost */
}

/* Let @ms pass, or less when the monitor leaves meanwhile. */
void life_pass_time(const struct ctr *c, const struct ctr_state *s, int ms)
{
	struct pollfd p = { .fd = s->monitor > 0 ? proc_pidfd_open(s->monitor) : FD_NONE,
			    .events = POLLIN };

	/* the pid may be a stranger's by now: look at the lock again before waiting for it */
	if (p.fd >= 0 && io_lock_holder(c->lock_fd) != s->monitor)
		ms = 0;
	(void)poll(&p, 1, ms);
	fd_close(TAKE_FD(p.fd));
}

int life_gone(const struct rl *rl, const struct ctr *c, int r, struct rl_err *err)
{
	if (r >= 0 || c->dir_fd < 0 || ctr_is_published(rl, c))
		return r;
	return rl_fail(err, ENOENT, "container '%s' has just been removed: no such container",
		       c->name);
}

int life_settle(const struct rl *rl, struct ctr *c, struct rl_err *err)
{
	int64_t end = now_ms() + LIFE_KILL_MS;
	auto_waiting struct waiting w = { 0 };
	struct ctr_state s;
	int r;

	waiting_begin(&w, "the monitor of '%s' to clean up", c->name);
	for (;;) {
		r = life_state(rl, c, &s, err);
		if (r < 0 || s.status != CTR_EXITED || s.monitor <= 0)
			return r;
		if (now_ms() >= end)
			return rl_fail(err, ETIMEDOUT,
				       "the monitor of '%s' does not finish cleaning up", c->name);
		life_pass_time(c, &s, SETTLE_LOOK_MS); /* or somebody starts it again */
	}
}

/* The monitor could not be reached: it starts up, has just left, or lost its socket. */
static bool is_unreached(int r)
{
	return r == -ENOENT || r == -ECONNREFUSED || r == -EPIPE || r == -ECONNRESET;
}

static int no_answer(const struct ctr *c, const struct ctr_state *s, struct rl_err *err)
{
	rl_fail(err, EHOSTDOWN, "the monitor of '%s' (process %d) does not answer", c->name,
		(int)s->monitor);
	return rl_hint(err,
		       "'kill -CONT %d' if it was stopped; rl rm -f ends it together with "
		       "its container",
		       (int)s->monitor);
}

static int improper(const struct ctr *c, enum ctr_status status, const char *what,
		    struct rl_err *err)
{
	bool runs = status == CTR_RUNNING || status == CTR_PAUSED;

	/* with the words of either peer that scripts look for */
	return rl_fail(err, ESRCH,
		       "can only %s running containers: '%s' is %s%s: container state improper",
		       what, c->name, runs ? "" : "not running, it is ", ctr_status_name(status));
}

/*
 * One request to the monitor, which may not listen yet. -ESRCH when the container does not run, for
 * what the user wants of it (@what).
 */
static int ask_for(const struct rl *rl, struct ctr *c, const struct monitor_msg *req,
		   const char *what, struct rl_err *err)
{
	int64_t end = now_ms() + REACH_MS;
	struct ctr_state s;
	int r;

	for (;;) {
		r = life_state(rl, c, &s, err);
		if (r < 0)
			return life_gone(rl, c, r, err);
		if (!ctr_is_alive(&s))
			return improper(c, s.status, what, err);
		r = control_once(rl, c->id, req, err);
		if (r == -ETIMEDOUT)
			return no_answer(c, &s, err);
		if (!is_unreached(r) || now_ms() > end)
			return r;
		life_pass_time(c, &s, REACH_LOOK_MS);
	}
}

int life_ask(const struct rl *rl, struct ctr *c, const struct monitor_msg *req, struct rl_err *err)
{
	return ask_for(rl, c, req, "kill", err);
}

int life_send(const struct rl *rl, struct ctr *c, int signo, struct rl_err *err)
{
	const struct monitor_msg req = { .type = MONITOR_SIGNAL, .signal = signo };

	return life_ask(rl, c, &req, err);
}

int life_pause(const struct rl *rl, struct ctr *c, bool paused, struct rl_err *err)
{
	const struct monitor_msg req = { .type = paused ? MONITOR_PAUSE : MONITOR_UNPAUSE };
	struct ctr_state s;
	int r = life_state(rl, c, &s, err);

	if (r < 0)
		return r;
	if (s.status == CTR_RESTARTING)
		return improper(c, s.status, paused ? "pause" : "unpause", err);
	return ask_for(rl, c, &req, paused ? "pause" : "unpause", err);
}

int life_signal(const struct rl *rl, struct ctr *c, int signo, struct rl_err *err)
{
	int r = life_send(rl, c, signo, err);

	if (r == 0)
		events_ctr(rl, c, "kill", NULL);
	return r;
}

int life_not_running(const struct ctr *c, enum ctr_status status, struct rl_err *err)
{
	rl_fail(err, ESRCH, "container '%s' is not running, it is %s", c->name,
		ctr_status_name(status));
	return rl_hint(err, status == CTR_PAUSED ? "rl unpause it first" : "rl start it first");
}

int life_lost(const struct rl *rl, struct ctr *c, int r, struct rl_err *err)
{
	struct ctr_state s;

	if (r != -EPIPE)
		return r;
	for (int i = 0; i < LOST_LOOKS; i++) {
		int gone = life_state(rl, c, &s, err);

		if (gone < 0)
			return life_gone(rl, c, gone, err);
		if (!ctr_is_alive(&s))
			return life_not_running(c, s.status, err);
		life_pass_time(c, &s, SETTLE_LOOK_MS);
	}
	rl_fail(err, ESRCH, "container '%s' has just ended and is started again", c->name);
	return rl_hint(err, "try it again");
}

int life_reach(const struct rl *rl, struct ctr *c, struct rl_err *err)
{
	struct ctr_state s;
	int fd, r;

	for (int i = 0;; i++) {
		fd = control_connect(rl, c->id, err);
		if (fd >= 0 || !is_unreached(fd))
			return fd;
		r = life_state(rl, c, &s, err);
		if (r < 0)
			return life_gone(rl, c, r, err);
		if (!ctr_is_alive(&s) || i == LISTEN_TRIES)
			return life_not_running(c, s.status, err);
		(void)poll(NULL, 0, LISTEN_MS);
	}
}

int life_tell(const struct rl *rl, struct ctr *c, const struct monitor_msg *req, struct rl_err *err)
{
	auto_fd int sock = life_reach(rl, c, err);
	int r = sock < 0 ? sock : control_call(sock, req, FD_NONE, err);

	return r == -EPIPE || r == -ENOENT || r == -ESRCH ? 0 : r;
}

/* Over the monitor's socket. -EAGAIN when it could not be reached, or left without a word. */
static int wait_connected(const struct rl *rl, const struct ctr *c, int timeout_ms,
			  struct ctr_exit *ret_exit, struct rl_err *err)
{
	const struct monitor_msg req = { .type = MONITOR_WAIT };
	auto_fd int sock = control_connect(rl, c->id, err);
	struct monitor_msg end;
	int r = sock < 0 ? sock : control_call(sock, &req, FD_NONE, err);

	if (r == 0)
		r = control_wait_end(sock, timeout_ms, &end, err);
	if (r == 0)
		*ret_exit = end.exit;
	return r == 0 || r == -ETIMEDOUT ? r : -EAGAIN;
}

int life_wait(const struct rl *rl, struct ctr *c, int timeout_ms, struct ctr_exit *ret_exit,
	      struct rl_err *err)
{
	int64_t end = now_ms() + timeout_ms;
	auto_waiting struct waiting w = { 0 };
	struct ctr_state s;

	waiting_begin(&w, "container '%s' to end%s", c->name,
		      timeout_ms < 0 ? "" : ", until its grace time is over");
	for (;;) {
		int left = timeout_ms < 0 ? -1 : (int)(end - now_ms());
		int r = life_state(rl, c, &s, err);

		if (r < 0)
			return r;
		if (!ctr_is_alive(&s) || s.status == CTR_RESTARTING) {
			*ret_exit = s.exit;
			return 0;
		}
		if (timeout_ms >= 0 && left < 0)
			return rl_fail(err, ETIMEDOUT, "container '%s' has not ended", c->name);
		r = wait_connected(rl, c, left, ret_exit, err);
		if (r != -EAGAIN)
			return r;
		life_pass_time(c, &s, left < 0 || left > REACH_LOOK_MS ? REACH_LOOK_MS : left);
	}
}

int life_check(const struct rl *rl, struct ctr *c, int *ret_code, struct rl_err *err)
{
	const struct monitor_msg req = { .type = MONITOR_CHECK };
	auto_waiting struct waiting w = { 0 };
	auto_fd int sock = FD_NONE;
	struct monitor_msg ans;
	struct ctr_state s;
	int r = life_state(rl, c, &s, err);

	if (r == 0 && s.status != CTR_RUNNING && s.status != CTR_PAUSED)
		r = rl_fail(err, ESRCH, "it is %s, not running", ctr_status_name(s.status));
	if (r < 0)
		return r;
	sock = life_reach(rl, c, err);
	r = sock < 0 ? sock : control_call(sock, &req, FD_NONE, err);
	waiting_begin(&w, "the health check of '%s'", c->name);
	if (r == 0)
		r = control_wait(sock, MONITOR_CHECKED, -1, &ans, err); /* it has a time-out */
	if (r < 0)
		return life_lost(rl, c, r, err);
	*ret_code = ans.code;
	return 0;
}

/* "unhealthy: " and what the last check said */
static int not_healthy(const struct ctr *c, struct rl_err *err)
{
	json_auto_t *j = NULL;
	struct rl_err ignored;
	const char *said = NULL;

	if (health_read(c->dir_fd, &j, &ignored) == 0) {
		const json_t *log = json_object_get(j, "Log");

		said = json_string_value(
			json_object_get(json_array_get(log, json_array_size(log) - 1), "Output"));
	}
	if (!said || !*said)
		said = "nothing";
	rl_fail(err, ECANCELED, "'%s' is unhealthy, its check says: %.*s", c->name,
		(int)strcspn(said, "\n"), said);
	err->exit_code = 1;
	return rl_hint(err, "it still runs; see rl logs %s", c->name);
}

static int ended_early(const struct ctr *c, const struct ctr_exit *x, struct rl_err *err)
{
	rl_fail(err, ESRCH, "'%s' ended with %d before it was healthy", c->name, x->code);
	return rl_hint(err, "see rl logs %s", c->name);
}

/* A connection that hangs up, at the latest, when the container ends. */
static int listen_for_end(const struct rl *rl, const struct ctr *c)
{
	const struct monitor_msg req = { .type = MONITOR_WAIT };
	struct rl_err gone;
	int sock = control_connect(rl, c->id, &gone);

	if (sock >= 0 && control_call(sock, &req, FD_NONE, &gone) < 0)
		fd_close(TAKE_FD(sock));
	return sock < 0 ? FD_NONE : sock;
}

/* 1 when it is healthy, 0 when it may become so, or -errno */
static int look_at_health(const struct rl *rl, struct ctr *c, struct rl_err *err)
{
	struct ctr_state s;
	char health[16];
	int r = life_state(rl, c, &s, err);

	if (r < 0)
		return r;
	if (!ctr_is_alive(&s))
		return ended_early(c, &s.exit, err);
	health_read_status(c->dir_fd, health);
	if (strcmp(health, health_name(HEALTH_UNHEALTHY)) == 0)
		return not_healthy(c, err);
	return strcmp(health, health_name(HEALTH_HEALTHY)) == 0;
}

int life_wait_healthy(const struct rl *rl, struct ctr *c, struct rl_err *err)
{
	auto_fd int sock = FD_NONE;
	auto_waiting struct waiting w = { 0 };
	struct events_tail t;
	int r = events_tail_open(rl, true, &t, err);

	if (r < 0)
		return r;
	waiting_begin(&w, "container '%s' to be healthy", c->name);
	for (;;) {
		struct pollfd p[2] = { { .events = POLLIN }, { .fd = t.watch, .events = POLLIN } };
		struct monitor_msg end;

		if (sock < 0)
			sock = listen_for_end(rl, c);
		r = look_at_health(rl, c, err);
		if (r != 0)
			break;
		p[0].fd = sock;
		(void)poll(p, 2, sock < 0 ? LOOK_MS : -1); /* no monitor: between two runs */
		if (p[0].revents) {
			r = control_wait_end(sock, 0, &end, err);
			fd_close(TAKE_FD(sock));
			if (r == 0 && !end.exit.restarting) {
				r = ended_early(c, &end.exit, err);
				break;
			}
		}
		r = events_tail_wait(&t, 0, err); /* takes what the watch has */
		if (r < 0 && r != -ETIMEDOUT)
			break;
	}
	events_tail_close(&t);
	return r < 0 ? r : 0;
}

/* --- removing ------------------------------------------------------------------------------ */

static int refuse(const struct ctr *c, const struct ctr_state *s, struct rl_err *err)
{
	rl_fail(err, EBUSY, "cannot remove container %.12s as it is %s", c->id,
		ctr_status_name(s->status));
	err->exit_code = 2;
	return rl_hint(err, "stop it first, or use rm -f");
}

/* Without its lock file nobody knows whether a monitor cares for it; its first process is known. */
static void end_lockless(const struct ctr *c, const struct ctr_state *s)
{
	auto_fd int pidfd = ctr_open_init(c, s->pid);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	if (pidfd >= 0 && proc_pidfd_signal(pidfd, SIGKILL) == 0)
		(void)poll(&p, 1, LIFE_KILL_MS);
}

/* Under the flock: nobody starts it between the look and the removal. -EAGAIN: it runs again. */
static int remove_ended(const struct rl *rl, struct ctr *c, bool force, struct rl_err *err)
{
	struct ctr_state s;
	int r = ctr_get_state(c, &s, err);

	if (r < 0 && !force)
		return r;
	if (c->lock_fd >= 0 && io_lock_holder(c->lock_fd) != 0)
		return force ? -EAGAIN : refuse(c, &s, err);
	if (r == 0 && c->lock_fd < 0 && s.is_lost)
		end_lockless(c, &s);
	return take_away(rl, c, false, err);
}

/* The last resort of rm -f; the container is healed then. */
static int end_monitor(const struct ctr *c, pid_t monitor)
{
	auto_fd int pidfd = monitor > 0 ? proc_pidfd_open(monitor) : FD_NONE;
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	/* looked up again now that the pidfd pins it: never a stranger */
	if (pidfd < 0 || io_lock_holder(c->lock_fd) != monitor)
		return -EAGAIN;
	log_warn("the monitor of '%s' does not answer, killing it", c->name);
	(void)proc_pidfd_signal(pidfd, SIGKILL);
	(void)poll(&p, 1, LIFE_KILL_MS);
	return -EAGAIN;
}

static int remove_once(const struct rl *rl, struct ctr *c, const struct life_grace *force,
		       struct rl_err *err)
{
	struct ctr_state s = { 0 };
	int r = life_get_state(rl, c, LIFE_KILL_MS, &s, err);

	if (r == -ENOENT)
		return 0; /* it was lost in the making, or --rm applied */
	if (r == -ETIMEDOUT)
		return life_stuck(c, s.pid, err);
	if (r < 0 && !force)
		return r;
	if (r == 0 && ctr_is_alive(&s)) {
		if (!force)
			return refuse(c, &s, err);
		r = life_end(rl, c, force, true, err);
		if (r < 0)
			return r == -EHOSTDOWN || is_unreached(r) ? end_monitor(c, s.monitor) : r;
	}
	r = life_settle(rl, c, err);
	if (r < 0 && !force)
		return r;
	if (r == -ETIMEDOUT) /* it was stopped while it cleaned up */
		return end_monitor(c, s.monitor);
	r = c->lock_fd < 0 ? 0 : ctr_enter(c, CTR_ENTER_MS, err); /* without a lock none runs */
	if (r < 0)
		return r;
	r = remove_ended(rl, c, force != NULL, err);
	ctr_leave(c);
	return r;
}

int life_remove(const struct rl *rl, struct ctr *c, const struct life_grace *force,
		struct rl_err *err)
{
	int r = -EAGAIN;

	for (int i = 0; i < REMOVE_TRIES && r == -EAGAIN; i++)
		r = remove_once(rl, c, force, err);
	if (r == -EAGAIN)
		return rl_fail(err, EBUSY, "container '%s' is started again and again", c->name);
	return r;
}

int life_remove_users(const struct rl *rl, const struct strv *ids, int64_t timeout_s,
		      struct rl_err *err)
{
	struct life_grace g = { .timeout_s = timeout_s };
	int r = 0;

	life_begin(rl, ids, true, &g);
	for (size_t i = 0; i < ids->n && r == 0; i++) {
		struct ctr c;

		r = ctr_find(rl, ids->v[i], &c, err);
		if (r == -ENOENT) {
			r = 0; /* it went by itself */
			continue;
		}
		if (r < 0)
			break;
		r = life_remove(rl, &c, &g, err);
		if (r < 0)
			rl_wrap(err, "container %.12s", ids->v[i]);
		ctr_done(&c);
	}
	life_grace_done(&g);
	return r;
}

void life_sweep(const struct rl *rl, bool with_names)
{
	ctr_sweep(rl, with_names);
	volume_sweep(rl, NULL);
	network_sweep(rl);
}

int life_parse_signal(const char *word, int *ret, struct rl_err *err)
{
	if (parse_signal(word, ret) == 0)
		return 0;
	rl_fail(err, EINVAL, "invalid signal: '%s'", word);
	return rl_hint(err, "a name such as TERM or SIGTERM, or a number from 1 to 64");
}
