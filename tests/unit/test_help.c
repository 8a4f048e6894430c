/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_help.c - every command tells what it is: description, examples that are true (they parse),
 * text for each option; manual pages hold all of that; mistyped names find the right one
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> /* needs the headers above */

#include "cmd/help.h"
#include "cmd/man.h"
#include "core/base/cleanup.h"

/* One word of a shell's command line: quotes are taken off; false at the end, or before |, >, <, ) */
static bool next_word(const char **p, struct buf *word)
{
	const char *s = *p + strspn(*p, " ");
	char quote = 0;

	word->len = 0;
	if (!*s || strchr("|&><);", *s))
		return false;
	for (; *s && (quote || !strchr(" );", *s)); s++) {
		if (quote ? *s == quote : *s == '\'' || *s == '"')
			quote = quote ? 0 : *s;
		else
			assert_int_equal(buf_add(word, s, 1), 0);
	}
	assert_int_equal(quote, 0);
	*p = s;
	return true;
}

/* The words from "rl" on; what comes before it on the line (cat x |) does not matter. */
static void split(const char *line, struct strv *words)
{
	auto_buf struct buf word = { 0 };
	const char *p = line;

	if (strncmp(p, "rl ", 3) != 0)
		p = strstr(line, " rl ");
	assert_non_null(p);
	while (next_word(&p, &word))
		assert_int_equal(strv_add(words, word.len ? word.data : ""), 0);
}

static void check_example(const struct cmd *c, const char *line)
{
	static const struct opt none[] = { OPT_END };
	const struct opt *table = c->options ? c->options : none;
	auto_strv struct strv words = { 0 };
	auto_free void *opts = calloc(1, c->opts_size + 1);
	auto_free const char **rest = NULL;
	const struct cmd *found = NULL;
	struct rl_err err = { 0 };
	int n, skip = 2;

	if (strncmp(line, "rl ", 3) != 0 && !strstr(line, " rl "))
		return; /* what goes with it, such as systemctl or loginctl */
	split(line, &words);
	rest = calloc(words.n + 1, sizeof(*rest));
	assert_non_null(rest);
	assert_non_null(opts);
	assert_true(words.n >= 2);
	if (words.n > 2) {
		auto_free char *two = str_printf("%s %s", words.v[1], words.v[2]);

		found = cmd_find(two);
		skip = found ? 3 : 2;
	}
	if (!found)
		found = cmd_find(words.v[1]);
	if (found != c)
		fail_msg("the example '%s' is not about '%s'", line, c->name);
	if (c->defaults)
		memcpy(opts, c->defaults, c->opts_size);
	n = opt_parse(table, c->stop_early, (int)words.n - skip, words.v + skip, opts, rest, &err);
	if (n < 0)
		fail_msg("example '%s': %s", line, err.msg);
	if ((unsigned)n < c->min_args || (unsigned)n > c->max_args)
		fail_msg("example '%s': %d words", line, n);
	opt_done(table, opts);
}

static void test_commands_are_described(void **state)
{
	(void)state;
	for (const struct cmd *const *p = cmd_table; *p; p++) {
		const struct cmd *c = *p;
		size_t n = 0;

		if (c->hidden)
			continue;
		if (!c->summary || c->summary[strlen(c->summary) - 1] == '.')
			fail_msg("'%s': a summary is a line without a full stop", c->name);
		if (!c->about || c->about[strlen(c->about) - 1] != '.')
			fail_msg("'%s' has no description (.about) of whole sentences", c->name);
		for (; n < CMD_EXAMPLES_MAX && c->examples[n].line; n++) {
			assert_non_null(c->examples[n].what);
			check_example(c, c->examples[n].line);
		}
		if (n < 2)
			fail_msg("'%s' has %zu examples, two are the least", c->name, n);
	}
}

/* A row without help must be a second spelling, or one that does nothing. */
static void test_options_have_text(void **state)
{
	(void)state;
	for (const struct cmd *const *p = cmd_table; *p; p++) {
		for (const struct opt *o = (*p)->options; o && o->type != OPT_T_END; o++) {
			if (o->help && o->type == OPT_T_LATER)
				fail_msg("'%s --%s' is refused, but has help", (*p)->name, o->name);
			if (o->help && opt_takes_value(o) && !o->arg)
				fail_msg("'%s --%s': what is its value called?", (*p)->name,
					 o->name);
		}
	}
}

static void test_aliases_and_groups(void **state)
{
	(void)state;
	for (const struct cmd_alias *a = cmd_alias_table; a->name; a++) {
		const char *blank = strchr(a->name, ' ');
		auto_free char *group =
			strndup(a->name, blank ? (size_t)(blank - a->name) : strlen(a->name));

		if (!cmd_find(a->name))
			fail_msg("alias '%s' for nothing", a->name);
		if (blank && !cmd_find_group(group))
			fail_msg("'%s' is in no group", a->name);
	}
	for (const struct cmd *const *c = cmd_table; *c; c++) {
		const char *blank = strchr((*c)->name, ' ');
		auto_free char *group =
			strndup((*c)->name, blank ? (size_t)(blank - (*c)->name) : 0);

		if (blank && !cmd_find_group(group))
			fail_msg("'%s' is in no group", (*c)->name);
	}
}

static void test_pages_are_whole(void **state)
{
	(void)state;
	for (const struct cmd *const *p = cmd_table; *p; p++) {
		auto_buf struct buf man = { 0 }, help = { 0 };

		if ((*p)->hidden)
			continue;
		assert_int_equal(man_command(*p, "2026-01-02", &man), 0);
		assert_int_equal(help_command(*p, &help), 0);
		assert_non_null(strstr(man.data, ".SH NAME\n"));
		assert_non_null(strstr(man.data, ".SH EXAMPLES\n"));
		assert_non_null(strstr(man.data, ".SH EXIT STATUS\n"));
		for (const struct opt *o = (*p)->options; o && o->type != OPT_T_END; o++) {
			auto_free char *in_help = str_printf("--%s", o->name);

			if (o->help && !strstr(help.data, in_help))
				fail_msg("'%s --help' does not show --%s", (*p)->name, o->name);
		}
	}
}

/* What would be a request to roff is text. */
static void test_pages_escape(void **state)
{
	const struct cmd c = { .name = "x y",
			       .summary = ".so /etc/passwd",
			       .about = "a\n.sy ls\n\n'br back\\slash -o" };
	auto_buf struct buf man = { 0 };

	(void)state;
	assert_int_equal(man_command(&c, "", &man), 0);
	assert_non_null(strstr(man.data, ".TH RL\\-X\\-Y 1"));
	assert_non_null(strstr(man.data, "a\n\\&.sy ls\n.PP\n\\&\\(aqbr back\\eslash \\-o\n"));
	assert_null(strstr(man.data, "\n.so"));
	assert_null(strstr(man.data, "\n.sy"));
}

static void suggests(const char *word, const char *group, const char *want)
{
	auto_buf struct buf b = { 0 };
	int r = help_suggest(word, group ? cmd_find_group(group) : NULL, &b);

	assert_int_equal(r, want ? 1 : 0);
	if (want)
		assert_non_null(strstr(b.data, want));
}

static void test_suggestions(void **state)
{
	char long_word[100];

	(void)state;
	suggests("sotp", NULL, "'stop'");
	suggests("imges", NULL, "'images'");
	suggests("contaner", NULL, "'container'");
	suggests("inspec", "image", "'inspect'");
	suggests("zzzzzz", NULL, NULL);
	suggests("", NULL, NULL);
	memset(long_word, 'a', sizeof(long_word));
	long_word[99] = '\0';
	suggests(long_word, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands_are_described),
		cmocka_unit_test(test_options_have_text),
		cmocka_unit_test(test_aliases_and_groups),
		cmocka_unit_test(test_pages_are_whole),
		cmocka_unit_test(test_pages_escape),
		cmocka_unit_test(test_suggestions),
	};

	return cmocka_run_group_tests_name("cmd/help", tests, NULL, NULL);
}
