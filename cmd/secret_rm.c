/* SPDX-License-Identifier: Apache-2.0 */
/* secret_rm.c - `rl secret rm`: forget secrets */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "core/base/cleanup.h"
#include "core/events.h"
#include "storage/secret.h"

struct rm_opts {
	bool all, ignore;
};

static const struct opt rm_options[] = {
	OPT_BOOL('a', "all", struct rm_opts, all, "every secret"),
	OPT_BOOL('i', "ignore", struct rm_opts, ignore, "an unknown one is no error"),
	OPT_END,
};

static int remove_one(struct rl *rl, const char *word, struct rl_err *err)
{
	auto_secret struct secret s = { 0 };
	int r = secret_load(rl, word, false, &s, err);
	const char *name = r == 0 ? s.name : word; /* a damaged one goes by its name */

	if (r < 0 && r != -EBADMSG)
		return r;
	r = secret_remove(rl, name, err);
	if (r < 0)
		return r;
	events_thing(rl, "secret", "remove", s.id, name);
	(void)puts(s.name ? s.id : name); /* a closed stdout is seen at exit */
	return 0;
}

static int secret_rm(struct rl *rl, const struct cmd_args *args, const void *opts,
		     struct rl_err *err)
{
	const struct rm_opts *o = opts;
	auto_strv struct strv names = { 0 };
	int status = 0, r = 0;

	if (o->all)
		r = args->n ? rl_fail(err, EINVAL, "--all takes no names")
			    : secret_list(rl, &names, err);
	else if (args->n == 0)
		r = rl_fail(err, EINVAL, "secret rm needs the name of a secret, or --all");
	for (size_t i = 0; r == 0 && i < args->n; i++)
		r = strv_add(&names, args->v[i]) < 0 ? rl_oom(err) : 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < names.n; i++) {
		struct rl_err one = { 0 };

		r = remove_one(rl, names.v[i], &one);
		if (r == 0 || (r == -ENOENT && o->ignore))
			continue;
		rl_wrap(&one, "secret rm '%s'", names.v[i]);
		cmd_report(rl, &one);
		status = EXIT_RL;
	}
	return status;
}

const struct cmd cmd_secret_rm = {
	.name = "secret rm",
	.args = "SECRET...",
	.summary = "Forget secrets",
	.about = "Removes secrets by name or id and prints their ids. Containers that run keep "
		 "what they have; those that want it at their next start are told.",
	.examples = {
		{ "rl secret rm db-password", "Remove one." },
		{ "rl secret rm --all", "Remove all." },
	},
	.options = rm_options,
	.opts_size = sizeof(struct rm_opts),
	.max_args = CMD_ANY,
	.run = secret_rm,
};
