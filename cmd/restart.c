/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restart.c - `rl restart`: stop containers and start them again
 *
 * Theory of operation: `rl stop`, then `rl start`; one that does not run is only started. One with
 * --rm is ended and started by its own monitor, because a stop would remove it. The container keeps
 * its files; network, namespaces and the count of restarts are new.
 *
 * Of several each is restarted by a child of ours, AT_ONCE at a time: grace times run side by side, and
 * one that ends early does not wait for the others. The names are printed in the order given.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/engine/container.h"
#include "cmd/engine/life.h"
#include "cmd/select.h"
#include "core/base/cleanup.h"
#include "core/base/log.h"
#include "core/base/waiting.h"
#include "core/events.h"

#define AT_ONCE 32

struct restart_opts {
	struct select_opts which;
	bool running;
	const char *signal;
	int64_t time;
};

static const struct opt restart_options[] = {
	SELECT_ALL('a', "all", struct restart_opts, which, "every container, running or not"),
	SELECT_CIDFILE(struct restart_opts, which),
	SELECT_FILTER('f', struct restart_opts, which),
	SELECT_LATEST(struct restart_opts, which),
	OPT_BOOL(0, "running", struct restart_opts, running, "only those that run"),
	OPT_STR('s', "signal", struct restart_opts, signal, "SIGNAL", "instead of its stop signal"),
	OPT_INT('t', "time", struct restart_opts, time, "SECONDS",
		"grace time (default 10, -1 = for ever)"),
	OPT_INT(0, "timeout", struct restart_opts, time, "SECONDS", NULL),
	OPT_END,
};

static int stop_and_start(struct rl *rl, struct container *c, const struct restart_opts *o,
			  struct rl_err *err)
{
	const struct start_req req = { .keep = true };
	struct life_grace grace = { .timeout_s = o->time };
	struct ctr_exit ignored;
	struct ctr_state s;
	int r = o->signal ? life_parse_signal(o->signal, &grace.signo, err) : 0;

	if (r == 0)
		r = life_state(rl, &c->ctr, &s, err);
	if (r == 0 && c->remove && ctr_is_alive(&s)) /* a stop would remove it */
		return life_restart(rl, &c->ctr, grace.signo, o->time, err);
	if (r == 0)
		r = life_stop(rl, &c->ctr, &grace, err);
	if (r == 0)
		r = life_settle(rl, &c->ctr, err);
	if (r == 0)
		r = engine_start(c, &req, &ignored, err);
	return r == -EALREADY ? 0 : r; /* somebody else has just done the same */
}

static int restart_one(struct rl *rl, const char *name, const void *opts, struct rl_err *err)
{
	const struct restart_opts *o = opts;
	struct container c;
	int r = engine_load(rl, name, true, &c, err);

	if (r < 0)
		return r;
	r = life_gone(rl, &c.ctr, stop_and_start(rl, &c, o, err), err);
	if (r == 0)
		events_ctr(rl, &c.ctr, "restart", NULL);
	container_done(&c);
	return r;
}

static int print_one(struct rl *rl, const char *name, const void *opts, struct rl_err *err)
{
	int r = restart_one(rl, name, opts, err);

	if (r == 0)
		(void)puts(name); /* a closed stdout is seen when it is flushed at exit */
	return r;
}

/* One of several, in a child that reports what is wrong; its pid. */
static pid_t fork_one(struct rl *rl, char *name, const struct restart_opts *o)
{
	const struct strv one = { &name, 1 };
	const pid_t parent = getpid();
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	/* an interrupted restart does not go on behind its user's back */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent)
		_exit(select_each(rl, "restart", &one, restart_one, o));
	_exit(EXIT_RL);
}

/* Its exit status; the name is printed when it was restarted. */
static int join_one(const char *name, pid_t pid)
{
	auto_waiting struct waiting w = { 0 };
	int status = -1;

	waiting_begin(&w, "'%s' to be restarted (process %d)", name, (int)pid);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status != 0) {
		if (!WIFEXITED(status))
			log_warn("restart '%s': the process that did it died", name);
		return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_RL;
	}
	(void)puts(name); /* as above */
	return 0;
}

static int restart_many(struct rl *rl, const struct strv *names, const struct restart_opts *o,
			struct rl_err *err)
{
	auto_free pid_t *pids = calloc(names->n, sizeof(*pids));
	int status = 0;

	if (!pids)
		return rl_oom(err);
	for (size_t i = 0; i < names->n + AT_ONCE; i++) {
		if (i >= AT_ONCE && i - AT_ONCE < names->n) {
			int s = join_one(names->v[i - AT_ONCE], pids[i - AT_ONCE]);

			status = s ? s : status;
		}
		if (i < names->n)
			pids[i] = fork_one(rl, names->v[i], o);
	}
	return status;
}

static int restart(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	struct restart_opts o = *(const struct restart_opts *)opts;
	auto_strv struct strv names = { 0 };
	int r;

	o.which.all |= o.running;
	r = select_containers(rl, "restart", args, &o.which,
			      o.running ? SELECT_RUNNING : SELECT_ANY, &names, err);
	if (r < 0)
		return r;
	return names.n > 1 ? restart_many(rl, &names, &o, err)
			   : select_each(rl, "restart", &names, print_one, &o);
}

const struct cmd cmd_restart = {
	.name = "restart",
	.args = "CONTAINER...",
	.summary = "Stop containers and start them again",
	.about = "Each container gets its stop signal and at most --time seconds to end, then KILL, "
		 "and is started again, several side by side. One that does not run is only started. The "
		 "names are printed.",
	.examples = {
		{ "rl restart web",
		  "Stop 'web' politely and start it again." },
		{ "rl restart -t 0 --running",
		  "Kill and start all running containers." },
	},
	.options = restart_options,
	.defaults = &(const struct restart_opts){ .time = LIFE_TIMEOUT_OWN },
	.opts_size = sizeof(struct restart_opts),
	.max_args = CMD_ANY,
	.run = restart,
	.completes = "container",
};
