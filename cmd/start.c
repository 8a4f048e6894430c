/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start.c - `rl start`: start created or ended containers
 *
 * Theory of operation: without -a each is started in the background and its name printed; with -a
 * (one container only) we stay with it as `rl run` does, and end with its exit status.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/engine/container.h"
#include "cmd/engine/exec.h"
#include "cmd/engine/life.h"
#include "cmd/select.h"
#include "core/base/cleanup.h"

struct start_opts {
	struct select_opts which;
	bool attach, interactive;
	int sig_proxy; /* -1: as --attach */
	const char *detach_keys;
};

static const struct opt start_options[] = {
	SELECT_ALL(0, "all", struct start_opts, which, "every one that does not run"),
	OPT_BOOL('a', "attach", struct start_opts, attach, "stay with it: output, exit status"),
	OPT_STR(0, "detach-keys", struct start_opts, detach_keys, "KEYS",
		"with -a: leave it running (ctrl-p,ctrl-q)"),
	SELECT_FILTER('f', struct start_opts, which),
	OPT_BOOL('i', "interactive", struct start_opts, interactive, "with our stdin as well"),
	SELECT_LATEST(struct start_opts, which),
	OPT_TRI(0, "sig-proxy", struct start_opts, sig_proxy,
		"with -a: forward signals to the container (true)"),
	OPT_END,
};

/* From here until the monitor has taken over, nobody removes or heals it. */
static int hold(const struct rl *rl, const struct ctr *c, struct rl_err *err)
{
	int r = ctr_enter(c, CTR_ENTER_MS, err);

	if (r == 0 && !ctr_is_published(rl, c))
		r = rl_fail(err, ENOENT, "it has just been removed: no such container");
	return r;
}

/* It runs already: stay with it all the same. */
static int attach(const struct rl *rl, const char *name, const struct start_opts *o,
		  const struct start_req *start, struct ctr_exit *ret_exit, struct rl_err *err)
{
	const struct attach_req req = { .container = name,
					.no_stdin = !o->interactive,
					.sig_proxy = start->sig_proxy,
					.keys = start->keys };

	return engine_attach(rl, &req, &ret_exit->code, err);
}

static int start_one(struct rl *rl, const char *name, const struct start_opts *o,
		     struct ctr_exit *ret_exit, struct rl_err *err)
{
	struct start_req req = { .attach = o->attach || o->interactive,
				 .interactive = o->interactive,
				 .keep = true,
				 .sig_proxy = o->sig_proxy != 0 };
	struct container c;
	struct ctr_state s;
	int r = detach_parse(o->detach_keys, &req.keys, err);

	if (r == 0)
		r = engine_load(rl, name, true, &c, err);
	if (r < 0)
		return r;
	r = life_state(rl, &c.ctr, &s, err);
	if (r == 0 && ctr_is_alive(&s)) {
		container_done(&c);
		return req.attach ? attach(rl, name, o, &req, ret_exit, err) : 0;
	}
	if (r == 0)
		r = life_settle(rl, &c.ctr, err);
	if (r == 0)
		r = hold(rl, &c.ctr, err);
	if (r == 0)
		r = engine_start(&c, &req, ret_exit, err);
	if (r == -EALREADY) /* another start was faster */
		r = req.attach ? attach(rl, name, o, &req, ret_exit, err) : 0;
	r = life_gone(rl, &c.ctr, r, err);
	container_done(&c);
	return r;
}

static int start(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct start_opts *o = opts;
	auto_strv struct strv names = { 0 };
	struct ctr_exit end = { 0 };
	int status = 0;
	int r = select_containers(rl, "start", args, &o->which, SELECT_NOT_RUNNING, &names, err);

	if (r < 0)
		return r;
	if (o->sig_proxy == 1 && !o->attach && !o->interactive)
		return rl_fail(err, EINVAL, "you cannot use --sig-proxy without --attach");
	if (o->attach || o->interactive) {
		if (names.n != 1)
			return rl_fail(err, EINVAL,
				       "you cannot start and attach multiple containers at once");
		r = start_one(rl, names.v[0], o, &end, err);
		return r < 0 ? r : end.code & 0xff; /* --timeout: -1 */
	}
	for (size_t i = 0; i < names.n; i++) {
		struct rl_err one = { 0 };

		if (start_one(rl, names.v[i], o, &end, &one) == 0) {
			(void)puts(
				names.v[i]); /* a closed stdout is seen when it is flushed at exit */
			continue;
		}
		rl_wrap(&one, "start '%s'", names.v[i]);
		cmd_report(rl, &one);
		status = one.exit_code ? one.exit_code : EXIT_RL;
	}
	return status;
}

const struct cmd cmd_start = {
	.name = "start",
	.args = "CONTAINER...",
	.summary = "Start containers that are not running",
	.about = "Starts containers that were made with 'rl create' or have ended; "
		 "their files are as they were left. One that runs already is fine. "
		 "With -a (one container only) its output is shown and rl ends with its "
		 "exit status.",
	.examples = {
		{ "rl start web db",
		  "Start two in the background." },
		{ "rl start -ai work",
		  "Go on in it: output, input, exit status." },
	},
	.exits = {
		{ "N", "With -a: as rl-run(1)." },
	},
	.options = start_options,
	.defaults = &(const struct start_opts){ .sig_proxy = -1, .detach_keys = DETACH_KEYS_DEFAULT },
	.opts_size = sizeof(struct start_opts),
	.max_args = CMD_ANY,
	.run = start,
	.completes = "stopped",
};
