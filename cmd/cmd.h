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

#define CMD_EXAMPLES_MAX 5
#define CMD_EXITS_MAX    5

struct cmd_args {
	const char *const *v; /* words after the options, borrowed */
	size_t n;
	const char *const *line; /* the whole command line as it was typed, borrowed */
	size_t n_line;
};

struct cmd_example {
	const char *line; /* "rl stop -t 2 web", as typed */
	const char *what; /* a sentence on what it does */
};

struct cmd_exit {
	const char *status; /* "1" */
	const char *when;   /* "a container is unknown" */
};

/*
 * Help, manual page and completion come from here: what a word is, completion takes from its name in
 * @args (CONTAINER, IMAGE, VOLUME, FILE, ...). tests/integration/help.sh refuses a command without
 * @about and @examples.
 */
struct cmd {
	const char *name;    /* "run", "image inspect" */
	const char *args;    /* "IMAGE [COMMAND [ARG...]]" */
	const char *summary; /* one line */
	const char *about;   /* paragraphs, one line of source text each, "\n\n" between */
	struct cmd_example examples[CMD_EXAMPLES_MAX]; /* 2 to 4, unused ones zeroed */
	struct cmd_exit exits[CMD_EXITS_MAX];          /* other than 0 and 125 */
	const struct opt *options;                     /* NULL = none */
	const void *defaults;                          /* NULL = zeroed */
	size_t opts_size;
	unsigned min_args, max_args; /* max 0 with min 0: none; CMD_ANY: no upper limit */
	bool stop_early;             /* options end at the first word */
	bool no_dirs;                /* works without the data folder (version, help) */
	bool look_only; /* gets the folders' names, where they can be told; opens none */
	bool hidden;    /* not for people: in no list, no page */
	/* Either one of these. Return: exit status >= 0 (run), 0 (each), or -errno with err. */
	int (*run)(struct rl *rl, const struct cmd_args *args, const void *opts,
		   struct rl_err *err);
	int (*each)(struct rl *rl, const char *arg, const void *opts, struct rl_err *err);
	/*
	 * Which of the objects that @args names make sense: "running" or "stopped" containers;
	 * "any": the words are names of containers, images and volumes; NULL: all that it names.
	 */
	const char *completes;
};

#define CMD_ANY ((unsigned)-1)

struct cmd_alias {
	const char *name; /* "image ls" */
	const char *target;
};

/* First words of two-word names; they do nothing alone. */
struct cmd_group {
	const char *name;    /* "image" */
	const char *summary; /* one line */
};

extern const struct cmd_group cmd_group_table[]; /* ends in { NULL, NULL } */
extern const struct opt cmd_global_options[];
extern const struct cmd *const cmd_table[];      /* ends in NULL; cmd/table.c */
extern const struct cmd_alias cmd_alias_table[]; /* ends in { NULL, NULL } */

/* The command of that whole name, second names as well; or NULL. */
/* rl_report() for one of several objects, with a hint where rl itself knows more. */
void cmd_report(const struct rl *rl, struct rl_err *err);
const struct cmd *cmd_find(const char *name);
const struct cmd_group *cmd_find_group(const char *name);

/* Find and run the command that argv names; the return value is the exit status. */
int cmd_main(int argc, char **argv);
