/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h - "--filter KEY=VALUE" of lists: what containers, images and volumes share
 *
 * Given more than once, one key needs one of its values to match and different keys all; of the
 * keys in @each (labels) every value. Source: CLI.md "Filters".
 */
#pragma once

#include <jansson.h>
#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/strv.h"
#include "core/rl.h"

#define FILTER_KEYS_MAX 32

struct filter {
	int key;     /* index into filter_kind.keys */
	char *value; /* owned */
	int64_t ns;  /* what the kind's check made of it */
	bool yes;
	regex_t re;
	bool has_re;
};

struct filters {
	struct filter *v; /* owned */
	size_t n;
};

struct filter_kind {
	const char *what;        /* "containers", for messages */
	const char *const *keys; /* NULL-terminated, at most FILTER_KEYS_MAX */
	uint32_t each;           /* bits of the keys of which every value must match */
	/* Look at the value of a new one and fill ns, yes, re. 0 or -errno. */
	int (*check)(const struct filter_kind *k, const struct rl *rl, struct filter *f,
		     struct rl_err *err);
};

/* Does one filter want what @arg is? */
typedef bool (*filter_cb)(const struct filter *f, const void *arg);

/* 0; -EINVAL names the word and the keys there are */
int filters_new(const struct filter_kind *k, const struct rl *rl, const struct strv *words,
		struct filters *ret, struct rl_err *err) RL_MUST_USE;
bool filters_match(const struct filter_kind *k, const struct filters *f, filter_cb one,
		   const void *arg);
bool filters_have(const struct filters *f, int key);
void filters_done(struct filters *f); /* fine on a zeroed one */
#define auto_filters __attribute__((cleanup(filters_done)))

/* For checks: the value is true or false; an extended regular expression; one of @words. */
int filter_bool(const struct filter_kind *k, struct filter *f, struct rl_err *err) RL_MUST_USE;
int filter_regex(const struct filter_kind *k, struct filter *f, struct rl_err *err) RL_MUST_USE;
int filter_word(const struct filter_kind *k, const struct filter *f, const char *const *words,
		size_t n, const char *what, struct rl_err *err) RL_MUST_USE;

/* "KEY" or "KEY=VALUE" among the strings of an object */
bool filter_has_pair(const json_t *o, const char *want);
