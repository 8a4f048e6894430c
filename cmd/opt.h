/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opt.h - option tables: parsing, help, completion and manual checks come from the same rows
 *
 * Syntax as Docker's and Podman's: "--flag=value", "--flag value", "--bool[=true|false]" (never
 * "--bool false"), "-itd", "-p80:80", "-p 80:80", "--" ends options. Values of list options are
 * kept in order; OPT_STRINGS also splits at commas, OPT_LIST does not (so "-e A=1,2" stays whole).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/strv.h"

enum opt_type {
	OPT_T_END,
	OPT_T_BOOL,    /* bool */
	OPT_T_TRI,     /* int 0 or 1, written like a bool; the default tells "not given" */
	OPT_T_UINT,    /* uint64_t */
	OPT_T_INT,     /* int64_t */
	OPT_T_STR,     /* const char *, borrowed from argv; NULL when not given */
	OPT_T_LIST,    /* struct strv */
	OPT_T_STRINGS, /* struct strv, split at commas */
	OPT_T_SIZE,    /* int64_t bytes, "64m" */
	OPT_T_NANO,    /* int64_t, "1.5" -> 1500000000 */
	OPT_T_IGNORE,  /* taken and ignored, with a value */
	OPT_T_IGNORE_BOOL,
	OPT_T_LATER, /* known to Docker or Podman, refused here: "not supported yet: --name" */
};

struct opt {
	enum opt_type type;
	char short_name;  /* 0 = none */
	const char *name; /* without dashes */
	size_t offset;    /* into the options struct */
	/*
	 * Name of the value in help; NULL for booleans. Completion goes by it as well: FILE, DIR,
	 * CONTAINER, IMAGE, VOLUME, SIGNAL, or the values themselves: "always|never".
	 */
	const char *arg;
	const char *help; /* NULL = a second spelling, not listed */
};

#define OPT_ROW(t, s, l, st, f, a, h)                    \
	{                                                \
		(t), (s), (l), offsetof(st, f), (a), (h) \
	}
#define OPT_BOOL(s, l, st, f, h)       OPT_ROW(OPT_T_BOOL, s, l, st, f, NULL, h)
#define OPT_TRI(s, l, st, f, h)        OPT_ROW(OPT_T_TRI, s, l, st, f, NULL, h)
#define OPT_UINT(s, l, st, f, a, h)    OPT_ROW(OPT_T_UINT, s, l, st, f, a, h)
#define OPT_INT(s, l, st, f, a, h)     OPT_ROW(OPT_T_INT, s, l, st, f, a, h)
#define OPT_STR(s, l, st, f, a, h)     OPT_ROW(OPT_T_STR, s, l, st, f, a, h)
#define OPT_LIST(s, l, st, f, a, h)    OPT_ROW(OPT_T_LIST, s, l, st, f, a, h)
#define OPT_STRINGS(s, l, st, f, a, h) OPT_ROW(OPT_T_STRINGS, s, l, st, f, a, h)
#define OPT_SIZE(s, l, st, f, a, h)    OPT_ROW(OPT_T_SIZE, s, l, st, f, a, h)
#define OPT_NANO(s, l, st, f, a, h)    OPT_ROW(OPT_T_NANO, s, l, st, f, a, h)
#define OPT_IGNORE(l)                                  \
	{                                              \
		OPT_T_IGNORE, 0, (l), 0, "VALUE", NULL \
	}
#define OPT_IGNORE_BOOL(l)                               \
	{                                                \
		OPT_T_IGNORE_BOOL, 0, (l), 0, NULL, NULL \
	}
#define OPT_LATER(s, l)                              \
	{                                            \
		OPT_T_LATER, (s), (l), 0, NULL, NULL \
	}
#define OPT_END                                   \
	{                                         \
		OPT_T_END, 0, NULL, 0, NULL, NULL \
	}

/**
 * opt_parse() - Fill @opts from @argv
 * @table:	Rows up to OPT_END
 * @stop_early:	Options end at the first other word (run, exec: the rest belongs to the container);
 *		otherwise they may stand anywhere before "--"
 * @argv:	Words after the command's name
 * @opts:	The options struct, already holding defaults; lists in it are owned by the caller
 *		(opt_done())
 * @rest:	Receives the other words, borrowed; not NULL-terminated; room for @argc
 *
 * Return: number of words in @rest, -EINVAL with the one wrong thing in @err, or -ECANCELED at
 * "--help" where the table has no such row
 */
int opt_parse(const struct opt *table, int stop_early, int argc, char *const *argv, void *opts,
	      const char **rest, struct rl_err *err) RL_MUST_USE;
/* Options that are known beside those of a command's table, by their long names. */
struct opt_also {
	const struct opt *table;
	void *opts;
	bool used; /* set when there was one */
};
/* The same; what @table does not know may be an option of @also (NULL: none). */
int opt_parse_also(const struct opt *table, struct opt_also *also, int stop_early, int argc,
		   char *const *argv, void *opts, const char **rest,
		   struct rl_err *err) RL_MUST_USE;
/* Free the lists that a parse filled. */
void opt_done(const struct opt *table, void *opts);
bool opt_takes_value(const struct opt *o);
/* Append the option lines of --help to @out. 0 or -ENOMEM. */
struct buf;
int opt_help(const struct opt *table, struct buf *out) RL_MUST_USE;
