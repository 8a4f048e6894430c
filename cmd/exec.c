/* SPDX-License-Identifier: Apache-2.0 */
/* exec.c - `rl exec`: one more process in a running container */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/engine/exec.h"
#include "cmd/select.h"
#include "core/base/cleanup.h"
#include "core/base/log.h"
#include "core/base/parse.h"
#include "core/exec_spec.h"

struct exec_opts {
	struct exec_req req;
	bool latest;
	const char *cidfile, *detach_keys;
	uint64_t preserve_fds;
	struct strv preserve_fd;
};

static const struct opt exec_options[] = {
	OPT_STR(0, "cidfile", struct exec_opts, cidfile, "FILE",
		"the container whose id is in FILE"),
	OPT_BOOL('d', "detach", struct exec_opts, req.detach,
		 "run in the background and print the id of the exec"),
	OPT_STR(0, "detach-keys", struct exec_opts, detach_keys, "KEYS",
		"leave it running (ctrl-p,ctrl-q)"),
	OPT_LIST('e', "env", struct exec_opts, req.env, "NAME[=VALUE]",
		 "set or pass a variable; NAME* passes all"),
	OPT_LIST(0, "env-file", struct exec_opts, req.env_file, "FILE", "read variables from FILE"),
	OPT_BOOL('i', "interactive", struct exec_opts, req.interactive,
		 "pass stdin to the command, and keep it open"),
	OPT_BOOL('l', "latest", struct exec_opts, latest, "in the newest container"),
	OPT_STRINGS(0, "preserve-fd", struct exec_opts, preserve_fd, "N", "pass descriptor N"),
	OPT_UINT(0, "preserve-fds", struct exec_opts, preserve_fds, "N",
		 "pass N descriptors, from 3 up"),
	OPT_BOOL(0, "privileged", struct exec_opts, req.privileged,
		 "all capabilities, no seccomp filter"),
	OPT_BOOL('t', "tty", struct exec_opts, req.tty, "give the command a terminal"),
	OPT_STR('u', "user", struct exec_opts, req.user, "USER[:GROUP]",
		"user and group, names or numbers"),
	OPT_STR('w', "workdir", struct exec_opts, req.workdir, "DIR",
		"folder that the command starts in, in place of the container's"),
	OPT_IGNORE_BOOL("no-session"),
	OPT_END,
};

/*
 * Threat: a number that the caller has not opened is one of rl's own by now: a folder of images and
 * containers in the container's hands. What came from the caller is not close-on-exec.
 */
static int add_fd(uint32_t *list, size_t *n, uint64_t fd, struct rl_err *err)
{
	size_t i = *n;
	int flags = fd <= EXEC_FD_MAX ? fcntl((int)fd, F_GETFD) : -1;

	if (fd < 3 || flags < 0 || flags & FD_CLOEXEC)
		return rl_fail(err, EBADF, "descriptor %llu is not one that can be passed on",
			       (unsigned long long)fd);
	if (*n == EXEC_KEEP_MAX)
		return rl_fail(err, E2BIG, "more than %u descriptors to be passed on",
			       EXEC_KEEP_MAX);
	while (i > 0 && list[i - 1] > fd)
		i--;
	if (i > 0 && list[i - 1] == fd)
		return 0;
	for (size_t k = (*n)++; k > i; k--)
		list[k] = list[k - 1];
	list[i] = (uint32_t)fd;
	return 0;
}

static int list_fds(const struct exec_opts *o, uint32_t *list, size_t *n, struct rl_err *err)
{
	int r = 0;

	for (uint64_t i = 0; r == 0 && i < o->preserve_fds; i++)
		r = add_fd(list, n, 3 + i, err);
	for (size_t i = 0; r == 0 && i < o->preserve_fd.n; i++) {
		uint64_t fd;

		if (parse_uint(o->preserve_fd.v[i], INT32_MAX, &fd) < 0)
			return rl_fail(err, EINVAL, "invalid value '%s' for '--preserve-fd'",
				       o->preserve_fd.v[i]);
		r = add_fd(list, n, fd, err);
	}
	return r;
}

static void check_terminal(const struct exec_req *q)
{
	if (q->tty && q->interactive && !q->detach && !isatty(STDIN_FILENO))
		log_warn("the input device is not a TTY: leave out -t, or what reads the terminal "
			 "may not do what you expect");
}

static int run(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct exec_opts *o = opts;
	auto_strv struct strv name = { 0 };
	uint32_t keep[EXEC_KEEP_MAX];
	struct exec_req q = o->req;
	struct exec_done done;
	size_t own = 0; /* words that name the container */
	int r = select_single(rl, "exec", args, o->latest, o->cidfile, &name, &own, err);

	if (r == 0 && args->n <= own)
		r = rl_fail(err, EINVAL, "no command to run in '%s' was given", name.v[0]);
	check_terminal(&q);
	if (r == 0)
		r = detach_parse(o->detach_keys, &q.keys, err);
	if (r == 0)
		r = list_fds(o, keep, &q.n_keep, err);
	if (r < 0)
		return r;
	q.container = name.v[0];
	q.args = args->v + own;
	q.n_args = args->n - own;
	q.keep = keep;
	r = engine_exec(rl, &q, &done, err);
	if (r == 0 && q.detach)
		(void)puts(done.id); /* a closed stdout is seen when it is flushed at exit */
	return r < 0 ? r : done.code;
}

const struct cmd cmd_exec = {
	.name = "exec",
	.args = "CONTAINER COMMAND [ARG...]",
	.summary = "Run one more process in a running container",
	.about = "Runs COMMAND in the container beside what runs there, with the same rights, limits "
		 "and environment, and ends with its exit status. Options end at CONTAINER: what "
		 "follows COMMAND belongs to it.\n\n"
		 "When rl is killed before COMMAND has ended, COMMAND's input ends; a terminal is hung "
		 "up. The keys of --detach-keys leave it running. It dies with the container.",
	.examples = {
		{ "rl exec -it web sh", "A shell in the container." },
		{ "rl exec db pg_dump shop >shop.sql", "Its output as it is, also binary." },
		{ "rl exec -u 0 -w /etc -e LANG=C web ls", "As root, elsewhere, with a variable." },
		{ "rl exec -d web logrotate /etc/logrotate.conf",
		  "In the background; prints the id of the exec." },
	},
	.exits = {
		{ "126", "COMMAND was found but cannot be executed" },
		{ "127", "COMMAND or the working folder was not found" },
		{ "255", "the container is not running" },
		{ "N", "COMMAND's own status; 128 + n after signal n" },
	},
	.options = exec_options,
	.defaults = &(const struct exec_opts){ .detach_keys = DETACH_KEYS_DEFAULT },
	.opts_size = sizeof(struct exec_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.stop_early = true,
	.run = run,
	.completes = "running",
};
