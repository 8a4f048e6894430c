/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.c - `rl run`: make a container and start it
 *
 * Theory of operation: the options become a struct create_req (cmd/run_options.c), the engine makes
 * the container and starts it. The exit status is the container's; 125, 126 and 127 are ours
 * (CLI.md "Exit codes").
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/engine/bindhelp.h"
#include "cmd/engine/container.h"
#include "cmd/engine/life.h"
#include "cmd/run_options.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"

/*
 * It has ended, with @code or with an error @r of the start: what its user may not do to the bind mounts is
 * said, and what it left there is given back (--own-output).
 */
static int after_end(const struct container *c, const struct run_opts *o, int r, int code,
		     struct rl_err *err)
{
	auto_free char *why = r < 0 || code != 0 ? bindhelp_why(c) : NULL;
	int n = 0;

	if (why && r == 0)
		(void)fprintf(stderr, "Hint: %s\n", why); /* the output is the container's */
	else if (why && err->exit_code == 126)
		rl_hint(err, "%s", why);
	if (r == 0 && o->own_output && access(c->ctr.dir, F_OK) < 0) /* else: left by keys */
		n = bindhelp_give_back(c, err);
	if (n < 0)
		return rl_wrap(err, "--own-output");
	if (n > 0 && !o->req.quiet)
		(void)fprintf(stderr, "%d file%s in bind mounts given back to you\n", n,
			      n == 1 ? "" : "s");
	return r;
}

static int run(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	struct run_opts o = *(const struct run_opts *)opts;
	struct container c = { .ctr = { .dir_fd = -1, .lock_fd = -1 },
			       .session = { .userns_fd = -1 } };
	struct start_req start = { .attach = !o.detach,
				   .interactive = !o.detach,
				   .sig_proxy = o.sig_proxy };
	struct ctr_exit end = { 0 };
	int r = run_opts_finish(&o, args, err);

	start.interactive = start.interactive && run_opts_attached(&o, "stdin");
	start.no_out = !run_opts_attached(&o, "stdout");
	start.no_err = !run_opts_attached(&o, "stderr");
	start.preserve_fds = o.preserve_fds;
	if (r == 0)
		r = detach_parse(o.detach_keys, &start.keys, err);
	if (r == 0 && !o.detach && o.req.tty && o.req.interactive && !isatty(STDIN_FILENO))
		log_warn("the input device is not a TTY: leave out -t, or what reads the terminal "
			 "may not do what you expect");
	if (r == 0 && o.req.need_health && !o.detach)
		r = rl_fail(err, EINVAL, "'--wait-healthy' needs '--detach'");
	if (r == 0 && o.req.sdnotify && strcmp(o.req.sdnotify, "healthy") == 0 && !o.detach)
		r = rl_fail(err, EINVAL, "'--sdnotify healthy' needs '--detach'");
	if (r == 0 && o.own_output && (o.detach || !o.req.rm))
		r = rl_fail(err, EINVAL,
			    "'--own-output' is for containers in the foreground with "
			    "'--rm'");
	o.req.run = true;
	if (r == 0)
		r = engine_create(rl, &o.req, &c, err);
	if (r == 0)
		r = engine_start(&c, &start, &end, err);
	if (c.spec.n_mounts > 0 && !o.detach)
		r = after_end(&c, &o, r, end.code, err);
	/* also where nothing else is shown, "-a stdin": it is what one asks for the output with */
	if (r == 0 && (o.detach || (start.no_out && start.no_err)))
		(void)puts(c.ctr.id); /* a closed stdout is seen when it is flushed at exit */
	if (r == 0 && o.req.need_health) {
		(void)fflush(stdout); /* the id is of use meanwhile */
		r = life_wait_healthy(rl, &c.ctr, err);
	}
	container_done(&c);
	return r < 0 ? r : end.code & 0xff; /* --timeout: -1 */
}

const struct cmd cmd_run = {
	.name = "run",
	.args = "IMAGE [COMMAND [ARG...]]",
	.summary = "Run a command in a new container",
	.about = "Makes a container from an image (pulled when it is not there) and "
		 "runs COMMAND in it, or the image's own command. In the foreground its "
		 "output, input and signals are passed through, and rl ends with its "
		 "exit status; with -d the id is printed and the container goes on "
		 "alone.\n\n"
		 "Options end at IMAGE: what follows belongs to the program inside.\n\n"
		 "Each container has its own network (private), process ids, mounts and "
		 "user ids; user 0 inside is an ordinary user outside. Limits such as "
		 "--memory and --cpus are kept by the kernel's control groups.",
	.examples = {
		{ "rl run --rm -it alpine sh",
		  "A shell in a new container that is removed when it ends." },
		{ "rl run -d --name web -v ./site:/srv:ro alpine httpd -f -h /srv",
		  "A web server in the background, with a folder it cannot write." },
		{ "rl run --rm --memory 256m --cpus 1.5 alpine nproc",
		  "With limits." },
		{ "rl run --rm --read-only --network none --cap-drop all alpine id",
		  "With as few rights as possible." },
	},
	.exits = {
		{ "126", "The command cannot be executed (a folder, no permission)." },
		{ "127", "The command was not found." },
		{ "N", "The exit status of the command; 128 + N when signal N ended it." },
	},
	.options = run_options,
	.defaults = &run_defaults,
	.opts_size = sizeof(struct run_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.stop_early = true,
	.run = run,
};
