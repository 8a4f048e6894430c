/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mntlist.h - the "mounts" of a runtime spec while they are collected: overriding and order
 *
 * What the user asks for replaces a default at the same place; two wishes for one place are an
 * error. In the end parents come before what lies below them, else the order stays.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

enum mnt_rank { MNT_DEFAULT, MNT_IMAGE, MNT_USER };

struct mntlist {
	struct mntlist_entry {
		char *dest; /* clean path; owned */
		json_t *j;  /* owned */
		enum mnt_rank rank;
		unsigned depth;
	} * v;
	size_t n, cap;
};

#define MNTLIST_MAX 1024

/**
 * mntlist_add() - One mount
 * @options:	Ends in NULL; entries "" are left out
 *
 * Return: 0; 1 when something of a higher rank, or the very same, has the place already; -EEXIST for
 * another wish of the user
 */
int mntlist_add(struct mntlist *l, enum mnt_rank rank, const char *dest, const char *type,
		const char *source, const char *const *options, struct rl_err *err) RL_MUST_USE;
/* Give the entry at @dest its source and options after all. */
int mntlist_set(struct mntlist *l, const char *dest, const char *source, const char *const *options,
		struct rl_err *err) RL_MUST_USE;
/* Take the entry at @dest out again. */
void mntlist_forget(struct mntlist *l, const char *dest);
/* Is @dest, or a parent of it (other than a tmpfs), taken by the user or the image? */
bool mntlist_covers(const struct mntlist *l, const char *dest);
bool mntlist_has(const struct mntlist *l, const char *dest);
/* Move all entries to the JSON array @to, in order. */
int mntlist_finish(struct mntlist *l, json_t *to, struct rl_err *err) RL_MUST_USE;
void mntlist_done(struct mntlist *l);
