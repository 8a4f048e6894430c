/* SPDX-License-Identifier: Apache-2.0 */
/* mlist_edit.h - what goes into a manifest list (storage/mlist.h): add, annotate, remove */
#pragma once

#include "storage/fetch.h"
#include "storage/mlist.h"

/* What is to be said of an entry; NULL and empty lists leave it as it is. All borrowed. */
struct mlist_edit {
	const char *os, *arch, *variant, *os_version;
	const struct strv *features, *os_features; /* or NULL */
	const struct strv *annotations;            /* "KEY=VALUE"; or NULL */
};

/**
 * struct mlist_add - An image, and where to look for it
 * @name:	As typed: an image of the store, else of a registry; "docker://" is a registry only
 * @all:	All platforms that it has, not just this machine's
 * @from:	Logins, TLS, retries; its name is not looked at
 */
struct mlist_add {
	const char *name;
	bool all;
	struct pull_req from;
	struct mlist_edit edit;
};

/* @id: of the list. An entry of the same digest is replaced. */
int mlist_add(const struct rl *rl, const char id[65], const struct mlist_add *req,
	      struct rl_err *err) RL_MUST_USE;
/* @word: a digest, or the image by the name it was added by or one that leads to it. */
int mlist_annotate(const struct rl *rl, const char id[65], const char *word,
		   const struct mlist_edit *edit, struct rl_err *err) RL_MUST_USE;
/* Annotations of the list itself, and the image that it is about (a name or NULL). */
int mlist_annotate_index(const struct rl *rl, const char id[65], const struct strv *annotations,
			 const char *subject, struct rl_err *err) RL_MUST_USE;
int mlist_take_out(const struct rl *rl, const char id[65], const char *word,
		   struct rl_err *err) RL_MUST_USE;
/* The entry that @word means: borrowed; -ENOENT. */
int mlist_entry(const struct rl *rl, const struct mlist *l, const char *word, json_t **ret,
		struct rl_err *err) RL_MUST_USE;
