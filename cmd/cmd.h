/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd.h - what a command is, and the dispatcher
 *
 * A command is one file with one "const struct cmd", listed in cmd/table.c. The dispatcher parses
 * options into a copy of @defaults, checks the number of words, opens the user's folders, and
 * calls @each per word or @run once. Failures are printed in one place, here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cmd/opt.h"
#include "core/base/err.h"
#include "core/rl.h"

#define EXIT_RL 125 /* rl itself failed; CLI.md "Exit codes" */

struct cmd_args {
	const char *const *v; /* words after the options, borrowed */
	size_t n;
};

struct cmd {
	const char *name;          /* "run", "image inspect" */
	const char *args;          /* "IMAGE [COMMAND [ARG...]]" */
	const char *summary;       /* one line */
	const struct opt *options; /* NULL = none */
	const void *defaults;      /* NULL = zeroed */
	size_t opts_size;
	unsigned min_args, max_args; /* max 0 with min 0: none; CMD_ANY: no upper limit */
	bool stop_early;             /* options end at the first word */
	bool no_dirs;                /* works without the data folder (version, help) */
	/* Either one of these. Return: exit status >= 0 (run), 0 (each), or -errno with err. */
	int (*run)(struct rl *rl, const struct cmd_args *args, const void *opts,
		   struct rl_err *err);
	int (*each)(struct rl *rl, const char *arg, const void *opts, struct rl_err *err);
	const char *completes; /* what the words are: "image", "container", ... or NULL */
};

#define CMD_ANY ((unsigned)-1)

struct cmd_alias {
	const char *name; /* "image ls" */
	const char *target;
};

extern const struct cmd *const cmd_table[];      /* ends in NULL; cmd/table.c */
extern const struct cmd_alias cmd_alias_table[]; /* ends in { NULL, NULL } */

/* Find and run the command that argv names; the return value is the exit status. */
int cmd_main(int argc, char **argv);
