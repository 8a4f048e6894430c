/* SPDX-License-Identifier: Apache-2.0 */
/*
 * select.h - which containers a command is for: names, --all, --latest, --filter, --cidfile
 *
 * A command that takes several containers embeds struct select_opts in its options, lists the rows
 * that it has in its table, and lets select_run() do the loop: each container gets its turn, each
 * failure is reported as "COMMAND 'NAME': why", the last one decides the exit status.
 */
#pragma once

#include <stdbool.h>

#include "cmd/cmd.h"
#include "core/base/strv.h"

struct select_opts {
	bool all, latest, ignore; /* @ignore: a --cidfile that is not there is no error */
	struct strv filter, cidfile;
};

#define SELECT_ALL(s, l, st, f, h) OPT_BOOL(s, l, st, f.all, h)
#define SELECT_LATEST(st, f)       OPT_BOOL('l', "latest", st, f.latest, "the newest container")
#define SELECT_FILTER(s, st, f) \
	OPT_LIST(s, "filter", st, f.filter, "KEY=VALUE", "those that fit, as 'rl ps --filter'")
#define SELECT_CIDFILE(st, f) \
	OPT_LIST(0, "cidfile", st, f.cidfile, "FILE", "the container whose id is in FILE")

/* What --all and --filter choose from. */
enum select_from { SELECT_ANY, SELECT_RUNNING, SELECT_NOT_RUNNING };

/**
 * select_containers() - The containers that were meant
 * @ret:	Names as they were typed (with --filter those that fit), full ids for all others
 *
 * Return: 0; -EINVAL when nothing was named or two ways exclude each other; -ENOENT for --latest
 * without containers, or a cidfile that is not there (unless @ignore)
 */
int select_containers(struct rl *rl, const char *verb, const struct cmd_args *args,
		      const struct select_opts *o, enum select_from from, struct strv *ret,
		      struct rl_err *err) RL_MUST_USE;

/**
 * select_single() - The one container of a command whose other words are not containers
 * @cidfile:	NULL: none was given
 * @ret:	One name
 * @ret_words:	How many of @args named it: 0 with @latest or @cidfile, else 1
 */
int select_single(struct rl *rl, const char *verb, const struct cmd_args *args, bool latest,
		  const char *cidfile, struct strv *ret, size_t *ret_words,
		  struct rl_err *err) RL_MUST_USE;

/* Call @one for each of @names. Return: exit status. */
int select_each(struct rl *rl, const char *verb, const struct strv *names,
		int (*one)(struct rl *rl, const char *name, const void *opts, struct rl_err *err),
		const void *opts) RL_MUST_USE;

/* Both: select_containers(), then each. Return: exit status, or -errno when nothing was done. */
int select_run(struct rl *rl, const char *verb, const struct cmd_args *args,
	       const struct select_opts *o, enum select_from from,
	       int (*one)(struct rl *rl, const char *name, const void *opts, struct rl_err *err),
	       const void *opts, struct rl_err *err) RL_MUST_USE;
