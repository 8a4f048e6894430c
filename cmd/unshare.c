/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unshare.c - `rl unshare`: a command as root of the user's session, with a mount namespace of its own
 *
 * Inside, the files of containers with subordinate owners look as containers see them, and may be
 * changed or removed; mounts that are made there (rl image mount) end with the command.
 */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/unshare.h"
#include "core/base/strv.h"
#include "core/mnt.h"
#include "core/session.h"

enum { EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127 };

bool unshare_is_inside(void)
{
	return getenv(UNSHARE_MARK) && geteuid() == 0;
}

static int enter(const struct rl *rl, struct rl_err *err)
{
	struct session s;
	int r = session_open(rl, &s, err);

	if (r < 0)
		return r;
	r = session_enter(&s, err);
	session_close(&s);
	if (r == 0 && unshare(CLONE_NEWNS) < 0)
		r = rl_fail_sys(err, errno, "make a mount namespace");
	if (r == 0)
		r = mnt_leave_host(err);
	if (r == 0 && setenv(UNSHARE_MARK, "1", 1) < 0)
		r = rl_oom(err);
	return r;
}

static int unshare_run(struct rl *rl, const struct cmd_args *args, const void *opts,
		       struct rl_err *err)
{
	auto_strv struct strv words = { 0 };
	const char *shell = getenv("SHELL");
	int r = 0;

	(void)opts;
	for (size_t i = 0; r == 0 && i < args->n; i++)
		r = strv_add(&words, args->v[i]);
	if (r == 0 && args->n == 0)
		r = strv_add(&words, shell && *shell ? shell : "/bin/sh");
	if (r < 0)
		return rl_oom(err);
	if (unshare_is_inside())
		return rl_fail(err, EEXIST, "this is inside 'rl unshare' already");
	r = enter(rl, err);
	if (r < 0)
		return r;
	(void)execvp(words.v[0], words.v);
	r = rl_fail_sys(err, errno, "run '%s'", words.v[0]);
	err->exit_code = r == -ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
	return r;
}

const struct cmd cmd_unshare = {
	.name = "unshare",
	.args = "[COMMAND [ARG...]]",
	.summary = "Run a command as root of your containers' user namespace",
	.about = "The command (without one: $SHELL) sees files of subordinate ids with the owners that "
		 "containers give them, may change and remove them, and may mount things (such as images, "
		 "with 'rl image mount'), which end with it. It has no rights over the host that you do not "
		 "have.",
	.examples = {
		{ "rl unshare ls -ln ~/.local/share/rl/volumes", "Owners as containers see them." },
		{ "rl unshare rm -rf old-output", "Remove what containers left under other ids." },
		{ "rl unshare sh -c 'ls $(rl image mount alpine)'", "Look into an image." },
	},
	.exits = {
		{ "126", "the command cannot be run" },
		{ "127", "there is no such command" },
	},
	.max_args = CMD_ANY,
	.stop_early = true,
	.run = unshare_run,
};
