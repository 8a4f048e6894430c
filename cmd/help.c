/* SPDX-License-Identifier: Apache-2.0 */
/* help.c - the texts of --help, made of the command tables; the header is the manual */
#include "config.h"

#include "cmd/help.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/strv.h"

#define WIDTH 80

/* Append @text in lines of at most WIDTH, each after @indent blanks; "\n" in it stays a line end. */
static int wrap(const char *text, int indent, struct buf *out)
{
	int r = 0, column = 0;

	while (*text && r == 0) {
		int len = (int)strcspn(text, " \n");

		if (column > 0 && column + 1 + len > WIDTH) {
			r = buf_str(out, "\n");
			column = 0;
		}
		if (r == 0 && len > 0)
			r = buf_printf(out, "%*s%.*s", column ? 1 : indent, "", len, text);
		if (len > 0)
			column += len + (column ? 1 : indent);
		text += len;
		if (*text == '\n') {
			r = r < 0 ? r : buf_str(out, "\n");
			column = 0;
		}
		if (*text)
			text++;
	}
	return r < 0 ? r : buf_str(out, "\n");
}

/* --- groups ------------------------------------------------------------------------------ */

struct member {
	const char *name;
	const struct cmd *c;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

/* The second word of "image ls" when the first is @g, else NULL */
static const char *second_word(const struct cmd_group *g, const char *name)
{
	size_t n = strlen(g->name);

	return strncmp(name, g->name, n) == 0 && name[n] == ' ' ? name + n + 1 : NULL;
}

int help_members(const struct cmd_group *g, help_member_cb cb, void *arg)
{
	auto_free struct member *v = NULL;
	size_t most = 0, n = 0;
	int r = 0;

	for (const struct cmd *const *c = cmd_table; *c; c++)
		most++;
	for (const struct cmd_alias *a = cmd_alias_table; a->name; a++)
		most++;
	v = calloc(most + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (const struct cmd *const *c = cmd_table; *c; c++)
		if (second_word(g, (*c)->name) && !(*c)->hidden)
			v[n++] = (struct member){ second_word(g, (*c)->name), *c };
	for (const struct cmd_alias *a = cmd_alias_table; a->name; a++)
		if (second_word(g, a->name) && cmd_find(a->target))
			v[n++] = (struct member){ second_word(g, a->name), cmd_find(a->target) };
	qsort(v, n, sizeof(*v), by_name);
	for (size_t i = 0; i < n && r == 0; i++)
		r = cb(arg, v[i].name, v[i].c);
	return r;
}

/* --- --help ------------------------------------------------------------------------------ */

static int print_member(void *arg, const char *name, const struct cmd *c)
{
	return buf_printf(arg, "  %-16s %s\n", name, c->summary);
}

int help_group(const struct cmd_group *g, struct buf *out)
{
	int r = buf_printf(out, "%s\n\nUsage: rl %s COMMAND [OPTION...] [ARG...]\n\nCommands:\n",
			   g->summary, g->name);

	if (r == 0)
		r = help_members(g, print_member, out);
	return r < 0 ? r : buf_printf(out, "\nSee 'rl %s COMMAND --help'.\n", g->name);
}

int help_overview(struct buf *out)
{
	int r = buf_str(out, "rl - containers without root and without a daemon\n\n"
			     "Usage: rl [OPTION...] COMMAND [ARG...]\n\nCommands:\n");

	for (const struct cmd *const *c = cmd_table; r == 0 && *c; c++)
		if (!(*c)->hidden && !strchr((*c)->name, ' '))
			r = print_member(out, (*c)->name, *c);
	if (r == 0)
		r = buf_str(out, "\nGroups of commands:\n");
	for (const struct cmd_group *g = cmd_group_table; r == 0 && g->name; g++)
		r = buf_printf(out, "  %-16s %s\n", g->name, g->summary);
	if (r == 0)
		r = buf_str(out, "\nOptions:\n");
	if (r == 0)
		r = opt_help(cmd_global_options, out);
	return r < 0 ? r
		     : buf_str(out,
			       "\n'rl COMMAND --help' and the page rl-COMMAND(1) tell more.\n");
}

static int print_aliases(const struct cmd *c, struct buf *out)
{
	bool any = false;
	int r = 0;

	for (const struct cmd_alias *a = cmd_alias_table; r == 0 && a->name; a++) {
		if (strcmp(a->target, c->name) != 0)
			continue;
		r = buf_printf(out, "%srl %s", any ? ", " : "Also: ", a->name);
		any = true;
	}
	return r < 0 || !any ? r : buf_str(out, "\n");
}

static int print_examples(const struct cmd *c, struct buf *out)
{
	int r = c->examples[0].line ? buf_str(out, "\nExamples:\n") : 0;

	for (size_t i = 0; i < CMD_EXAMPLES_MAX && c->examples[i].line && r == 0; i++) {
		r = buf_printf(out, "  %s\n", c->examples[i].line);
		if (r == 0)
			r = wrap(c->examples[i].what, 6, out);
	}
	return r;
}

int help_command(const struct cmd *c, struct buf *out)
{
	int r = buf_printf(out, "%s\n\nUsage: rl %s%s%s%s\n", c->summary, c->name,
			   c->options ? " [OPTION...]" : "", c->args && *c->args ? " " : "",
			   c->args ? c->args : "");

	if (r == 0)
		r = print_aliases(c, out);
	if (r == 0 && c->about)
		r = buf_str(out, "\n");
	if (r == 0 && c->about)
		r = wrap(c->about, 0, out);
	if (r == 0 && c->options)
		r = buf_str(out, "\nOptions:\n");
	if (r == 0 && c->options)
		r = opt_help(c->options, out);
	return r < 0 ? r : print_examples(c, out);
}

char *help_page_name(const char *name)
{
	char *page = str_printf("rl-%s", name);

	for (char *p = page; p && *p; p++)
		if (*p == ' ')
			*p = '-';
	return page;
}

/* --- suggestions ------------------------------------------------------------------------- */

#define WORD_MAX 32

/* Levenshtein's distance, neighbours swapped count as one; more than WORD_MAX bytes: far away */
static unsigned distance(const char *a, const char *b)
{
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > WORD_MAX || m > WORD_MAX)
		return WORD_MAX;
	for (size_t i = 0; i <= n; i++)
		d[i][0] = (unsigned)i;
	for (size_t k = 0; k <= m; k++)
		d[0][k] = (unsigned)k;
	for (size_t i = 1; i <= n; i++) {
		for (size_t k = 1; k <= m; k++) {
			unsigned best = d[i - 1][k - 1] + (a[i - 1] != b[k - 1]);

			if (d[i - 1][k] + 1 < best)
				best = d[i - 1][k] + 1;
			if (d[i][k - 1] + 1 < best)
				best = d[i][k - 1] + 1;
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] &&
			    d[i - 2][k - 2] + 1 < best)
				best = d[i - 2][k - 2] + 1;
			d[i][k] = best;
		}
	}
	return d[n][m];
}

#define SUGGESTIONS_MAX 5

struct suggestions {
	const char *word, *before; /* @before: dashes of an option */
	struct buf *out;
	unsigned n;
};

static int consider(void *arg, const char *name, const struct cmd *c)
{
	struct suggestions *s = arg;
	size_t n = strlen(s->word);

	(void)c;
	if (s->n == SUGGESTIONS_MAX)
		return 0;
	/* one slip in a short word, two in a longer one; or the beginning of a name */
	if (distance(s->word, name) > (n > 4 ? 2U : 1U) &&
	    (n < 3 || strncmp(name, s->word, n) != 0))
		return 0;
	if (buf_printf(s->out, "%s'%s%s'", s->n ? ", " : "", s->before, name) < 0)
		return -ENOMEM;
	s->n++;
	return 0;
}

int help_suggest(const char *word, const struct cmd_group *group, struct buf *out)
{
	struct suggestions s = { .word = word, .before = "", .out = out };
	int r = 0;

	if (group) {
		r = help_members(group, consider, &s);
		return r < 0 ? r : s.n > 0;
	}
	for (const struct cmd *const *c = cmd_table; r == 0 && *c; c++)
		if (!(*c)->hidden && !strchr((*c)->name, ' '))
			r = consider(&s, (*c)->name, *c);
	for (const struct cmd_alias *a = cmd_alias_table; r == 0 && a->name; a++)
		if (!strchr(a->name, ' '))
			r = consider(&s, a->name, NULL);
	for (const struct cmd_group *g = cmd_group_table; r == 0 && g->name; g++)
		r = consider(&s, g->name, NULL);
	return r < 0 ? r : s.n > 0;
}

int help_suggest_option(const char *word, const struct opt *table, struct buf *out)
{
	struct suggestions s = { .word = word, .before = "--", .out = out };
	int r = 0;

	for (; r == 0 && table->type != OPT_T_END; table++)
		if (table->help)
			r = consider(&s, table->name, NULL);
	return r < 0 ? r : s.n > 0;
}
