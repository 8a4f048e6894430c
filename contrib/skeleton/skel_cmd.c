/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skel_cmd.c - `rl skel`: print pairs (a command file: theory, options, table, work, struct cmd)
 *
 * Theory of operation: each word is parsed and printed; a bad one does not stop the others.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "contrib/skeleton/skel.h"

struct skel_opts {
	bool quiet;
};

static const struct opt skel_options[] = {
	OPT_BOOL('q', "quiet", struct skel_opts, quiet, "only check, print nothing"),
	OPT_END,
};

static int skel_one(struct rl *rl, const char *word, const void *opts, struct rl_err *err)
{
	const struct skel_opts *o = opts;
	auto_skel struct skel s = { 0 };
	int r = skel_parse(word, strlen(word), &s, err);

	(void)rl;
	if (r == 0 && !o->quiet)
		(void)printf("%s is %u\n", s.word, s.number); /* stdout is checked at exit */
	return r;
}

extern const struct cmd cmd_skel; /* cmd/table.c declares the others */
const struct cmd cmd_skel = {
	.name = "skel",
	.args = "WORD=NUMBER...",
	.summary = "Print pairs",
	.options = skel_options,
	.opts_size = sizeof(struct skel_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.no_dirs = true,
	.each = skel_one,
};
