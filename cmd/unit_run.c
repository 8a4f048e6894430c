/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit_run.c - `rl unit-run`: the process of a unit that `rl enable` wrote; not for people
 *
 * Theory of operation: start the container in the background unless it runs, tell systemd that the
 * unit is up (sd_notify(3)), and wait for its monitor to leave, whatever restarts it makes before.
 * So the unit ends when the container does, by `rl stop` as well. SIGTERM (`systemctl --user stop`)
 * stops the container as `rl stop` would. Exit status: the container's, 0 when it was stopped.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/engine/container.h"
#include "cmd/engine/life.h"
#include "cmd/engine/notify.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/proc.h"

static int start(struct rl *rl, const char *name, struct rl_err *err)
{
	const struct start_req req = { .keep = true };
	struct ctr_exit ignored;
	struct container c;
	struct ctr_state s;
	int r = engine_load(rl, name, true, &c, err);

	if (r < 0)
		return r;
	r = life_state(rl, &c.ctr, &s, err);
	if (r == 0 && !ctr_is_alive(&s)) {
		r = life_settle(rl, &c.ctr, err);
		if (r == 0)
			r = engine_start(&c, &req, &ignored, err);
	}
	container_done(&c);
	return r;
}

/* Until the monitor is gone. Return: 1 when a signal asks us to stop it, 0, -errno. */
static int wait_monitor(const struct ctr *c, int sig_fd, struct rl_err *err)
{
	pid_t holder = io_lock_holder(c->lock_fd);
	auto_fd int pidfd = holder > 0 ? proc_pidfd_open(holder) : FD_NONE;
	struct pollfd p[] = { { .fd = pidfd, .events = POLLIN },
			      { .fd = sig_fd, .events = POLLIN } };

	/* the pid may be a stranger's by now: it is the monitor while it holds the lock */
	if (pidfd < 0 || io_lock_holder(c->lock_fd) != holder)
		return 0;
	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return rl_fail_sys(err, errno, "poll");
	return p[0].revents ? 0 : 1;
}

static int run(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct life_grace grace = { .timeout_s = LIFE_TIMEOUT_OWN };
	auto_fd int sig_fd = FD_NONE;
	struct ctr_state s = { 0 };
	struct ctr c;
	sigset_t set;
	int r;

	(void)opts;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	sig_fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (sig_fd < 0)
		return rl_fail_sys(err, errno, "signalfd");
	r = start(rl, args->v[0], err);
	if (r == 0)
		r = ctr_find(rl, args->v[0], &c, err);
	if (r < 0)
		return rl_wrap(err, "start '%s'", args->v[0]);
	notify_ready(0);
	r = wait_monitor(&c, sig_fd, err);
	if (r == 1) {
		r = life_stop(rl, &c, &grace, err);
		if (r == 0)
			r = life_settle(rl, &c, err);
	}
	if (r == 0)
		r = life_state(rl, &c, &s, err);
	ctr_done(&c);
	return r < 0 ? r : s.exit.by_user ? 0 : s.exit.code & 0xff;
}

const struct cmd cmd_unit_run = {
	.name = "unit-run",
	.args = "CONTAINER",
	.summary = "What a unit of 'rl enable' runs",
	.about = "Starts the container unless it runs, and stays until it has ended.",
	.examples = {
		{ "systemctl --user start rl-web",
		  "How it is meant to be used." },
		{ "rl enable web",
		  "What writes the unit." },
	},
	.hidden = true,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
