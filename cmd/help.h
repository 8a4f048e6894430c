/* SPDX-License-Identifier: Apache-2.0 */
/* help.h - what --help prints, and the nearest names of a mistyped one */
#pragma once

#include "cmd/cmd.h"
#include "core/base/buf.h"

/* All append to @out; 0 or -ENOMEM. */
int help_overview(struct buf *out) RL_MUST_USE;
int help_command(const struct cmd *c, struct buf *out) RL_MUST_USE;
int help_group(const struct cmd_group *g, struct buf *out) RL_MUST_USE;

/*
 * The commands of a group, in the order of their names.
 * @name: the second word; @c: what it runs. A negative result ends the walk.
 */
typedef int (*help_member_cb)(void *arg, const char *name, const struct cmd *c);
int help_members(const struct cmd_group *g, help_member_cb cb, void *arg) RL_MUST_USE;

/* "rl-image-ls": the name of the manual page (and of nothing else). Caller frees; NULL = no memory */
char *help_page_name(const char *name) RL_MUST_USE;

/**
 * help_suggest() - "'stop', 'top'": names that @word may have been meant to be
 * @group:	Names of this group, or NULL: commands and groups of the first word
 *
 * Return: 1 when there is one, 0 for none, -ENOMEM
 */
int help_suggest(const char *word, const struct cmd_group *group, struct buf *out) RL_MUST_USE;

/* The same for the long name of an option, without its dashes: "'--name'" */
int help_suggest_option(const char *word, const struct opt *table, struct buf *out) RL_MUST_USE;
