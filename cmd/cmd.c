/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd.c - the dispatcher: global options, command lookup, parsing, errors, exit status
 *
 * Usage errors say the one wrong thing and name the help, never print it whole. With several
 * words for an @each command the loop goes on after a failure; the last failure decides.
 */
#include "config.h"

#include "cmd/cmd.h"

#include <errno.h>
#include <string.h>

#include "cmd/global.h"
#include "cmd/help.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/kernel.h"

static int print(const struct buf *b, int status)
{
	return b->data && io_write_all(STDOUT_FILENO, b->data, b->len) < 0 ? EXIT_RL : status;
}

static int print_text(const struct buf *b, int made)
{
	return made < 0 ? EXIT_RL : print(b, 0);
}

static int print_overview(void)
{
	auto_buf struct buf b = { 0 };
	int r = help_overview(&b);

	return print_text(&b, r);
}

static int print_help(const struct cmd *c)
{
	auto_buf struct buf b = { 0 };
	int r = help_command(c, &b);

	return print_text(&b, r);
}

static int print_group(const struct cmd_group *g)
{
	auto_buf struct buf b = { 0 };
	int r = help_group(g, &b);

	return print_text(&b, r);
}

const struct cmd *cmd_find(const char *name)
{
	for (const struct cmd_alias *a = cmd_alias_table; a->name; a++)
		if (strcmp(a->name, name) == 0)
			name = a->target;
	for (const struct cmd *const *c = cmd_table; *c; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

const struct cmd_group *cmd_find_group(const char *name)
{
	for (const struct cmd_group *g = cmd_group_table; g->name; g++)
		if (strcmp(g->name, name) == 0)
			return g;
	return NULL;
}

/* Two-word names first ("image inspect"). @ret_words: how many words the name took. */
static const struct cmd *find(int argc, char **argv, int *ret_words)
{
	if (argc >= 2) {
		auto_free char *two = str_printf("%s %s", argv[0], argv[1]);
		const struct cmd *c = two ? cmd_find(two) : NULL;

		if (c) {
			*ret_words = 2;
			return c;
		}
	}
	*ret_words = 1;
	return cmd_find(argv[0]);
}

static int usage_error(struct rl_err *err, const char *name)
{
	auto_free char *line = str_printf("See 'rl %s%s--help'", name, *name ? " " : "");

	rl_report(err);
	if (line)
		log_line("", line);
	return EXIT_RL;
}

/*
 * What the kernel, or a filter around rl, refuses altogether is seldom clear from one call: the doctor
 * looks at them all.
 */
void cmd_report(const struct rl *rl, struct rl_err *err)
{
	char call[160];

	bool refused = err->code == ENOSYS || (err->code == EPERM && kernel_outer_filters() > 0);

	if (refused && !*err->hint && kernel_refused(call, sizeof(call)))
		rl_hint(err, "%s; rl doctor -q says what helps", call);
	else if (refused)
		rl_hint(err, "see what this machine refuses: rl doctor -q");
	if (err->code == EROFS && rl->data_fd >= 0)
		rl_hint_full(rl, err);
	rl_report(err);
}

static int exit_status(const struct rl_err *err)
{
	return err->exit_code ? err->exit_code : EXIT_RL;
}

static int run_each(const struct cmd *c, struct rl *rl, const struct cmd_args *args,
		    const void *opts)
{
	int status = 0;

	for (size_t i = 0; i < args->n; i++) {
		struct rl_err err = { 0 };

		if (c->each(rl, args->v[i], opts, &err) >= 0)
			continue;
		rl_wrap(&err, "%s '%s'", c->name, args->v[i]);
		cmd_report(rl, &err);
		status = exit_status(&err);
	}
	return status;
}

static int dispatch(const struct cmd *c, const struct global_opts *g, const struct cmd_args *args,
		    const void *opts)
{
	struct rl rl = { .data_fd = FD_NONE, .run_fd = FD_NONE };
	struct rl_err err = { 0 };
	int r;

	if (c->look_only)
		RL_IGNORE(rl_find(&rl, g->root, &err)); /* the command says so itself */
	else if (!c->no_dirs && rl_open(&rl, g->root, &err) < 0) {
		rl_report(&err);
		rl_close(&rl);
		return EXIT_RL;
	}
	if (c->each) {
		r = run_each(c, &rl, args, opts);
	} else {
		r = c->run(&rl, args, opts, &err);
		if (r < 0) {
			cmd_report(&rl, &err);
			r = exit_status(&err);
		}
	}
	rl_close(&rl);
	return r;
}

/* Before there is a command that could tell. */
static int out_of_memory(void)
{
	struct rl_err err;

	rl_oom(&err);
	rl_report(&err);
	return EXIT_RL;
}

/* @words: how many of @line the name of the command and what stands before it take */
static int run_command(const struct cmd *c, const struct global_opts *g, int n_line, char **line,
		       int words)
{
	static const struct opt none[] = { OPT_END };
	const struct opt *table = c->options ? c->options : none;
	int argc = n_line - words;
	auto_free const char **rest = calloc((size_t)argc + 1, sizeof(*rest));
	auto_free void *opts = calloc(1, c->opts_size ? c->opts_size : 1);
	struct global_opts all = *g;
	struct opt_also also = { .table = cmd_global_options, .opts = &all };
	struct rl_err err = { 0 };
	int n, status;

	if (!rest || !opts)
		return out_of_memory();
	if (c->defaults)
		memcpy(opts, c->defaults, c->opts_size);
	n = opt_parse_also(table, &also, c->stop_early, argc, line + words, opts, rest, &err);
	if (n >= 0 && also.used && global_apply(&all, &err) < 0)
		n = -EINVAL;
	if (n == -ECANCELED) {
		opt_done(table, opts);
		return print_help(c);
	}
	if (n >= 0 && (unsigned)n < c->min_args)
		n = rl_fail(&err, EINVAL, "%s needs %s", c->name, c->args ? c->args : "more words");
	if (n >= 0 && (unsigned)n > c->max_args)
		n = c->max_args ? rl_fail(&err, EINVAL, "%s takes %s and no more, not '%s'",
					  c->name, c->args, rest[c->max_args])
				: rl_fail(&err, EINVAL, "%s takes no arguments, not '%s'", c->name,
					  rest[0]);
	if (n < 0)
		status = usage_error(&err, c->name);
	else
		status = dispatch(c, &all,
				  &(struct cmd_args){ .v = rest,
						      .n = (size_t)n,
						      .line = (const char *const *)line,
						      .n_line = (size_t)n_line },
				  opts);
	opt_done(table, opts);
	return status;
}

/* Is "--help" or "-h" the word after the group's name? */
static bool asks_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int unknown(const char *word, const struct cmd_group *g, struct rl_err *err)
{
	auto_buf struct buf near = { 0 };

	rl_fail(err, EINVAL, "unknown command '%s' for 'rl%s%s'", word, g ? " " : "",
		g ? g->name : "");
	if (help_suggest(word, g, &near) > 0)
		rl_hint(err, "did you mean %s?", near.data);
	return usage_error(err, g ? g->name : "");
}

/* No command has this name: it is a group alone, or a mistake. */
static int no_command(int argc, char **argv, bool help)
{
	const struct cmd_group *g = cmd_find_group(argv[0]);
	struct rl_err err = { 0 };

	if (!g)
		return unknown(argv[0], NULL, &err);
	if (argc > 1 && !asks_help(argv[1]))
		return unknown(argv[1], g, &err);
	if (help || argc > 1)
		return print_group(g);
	rl_fail(&err, EINVAL, "missing command: 'rl %s COMMAND'", g->name);
	return usage_error(&err, g->name);
}

int cmd_main(int argc, char **argv)
{
	struct global_opts g = { 0 };
	struct rl_err err = { 0 };
	auto_free const char **rest = calloc((size_t)argc + 1, sizeof(*rest));
	const struct cmd *c;
	int n, first, words;
	bool help;

	if (!rest)
		return out_of_memory();
	n = opt_parse(cmd_global_options, true, argc - 1, argv + 1, &g, rest, &err);
	if (n < 0 || global_apply(&g, &err) < 0)
		return usage_error(&err, "");
	if (g.version) {
		auto_buf struct buf b = { 0 };

		return buf_str(&b, "rl version " PACKAGE_VERSION "\n") < 0 ? EXIT_RL : print(&b, 0);
	}
	help = g.help || n == 0 || strcmp(rest[0], "help") == 0;
	first = argc - n + (n > 0 && strcmp(rest[0], "help") == 0);
	if (help && first == argc)
		return print_overview();
	c = find(argc - first, argv + first, &words);
	if (!c)
		return no_command(argc - first, argv + first, help);
	if (help)
		return print_help(c);
	return run_command(c, &g, argc, argv, first + words);
}
