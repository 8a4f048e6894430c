/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_int.h - inside core/spec: list and string helpers that the parts share
 *
 * Every helper says in @err which member is wrong; @what is its path ("process.args").
 */
#pragma once

#include "core/spec.h"

/* Length and type of a list; a missing one is empty. Return: 0 with @ret_n, -EINVAL. */
int spec_list(const json_t *o, const char *key, const char *what, size_t max, json_t **ret,
	      size_t *ret_n, struct rl_err *err) RL_MUST_USE;
/* A list of strings as a NULL-terminated array. An empty list gives an empty array. */
int spec_strings(const json_t *o, const char *key, const char *what, size_t max, size_t len_max,
		 const char ***ret, size_t *ret_n, struct rl_err *err) RL_MUST_USE;
/* A string of at most @max bytes; missing is NULL. */
int spec_str(const json_t *o, const char *key, const char *what, size_t max, const char **ret,
	     struct rl_err *err) RL_MUST_USE;
/* An absolute path of at most SPEC_PATH_MAX bytes; missing is NULL. */
int spec_path(const json_t *o, const char *key, const char *what, const char **ret,
	      struct rl_err *err) RL_MUST_USE;
/* An integer in [@min, @max]; missing is @otherwise. */
int spec_int(const json_t *o, const char *key, const char *what, int64_t min, int64_t max,
	     int64_t otherwise, int64_t *ret, struct rl_err *err) RL_MUST_USE;

int spec_process(const json_t *root, struct spec *s, struct rl_err *err) RL_MUST_USE;
int spec_mounts(const json_t *root, struct spec *s, struct rl_err *err) RL_MUST_USE;
int spec_linux(const json_t *root, struct spec *s, struct rl_err *err) RL_MUST_USE;
/* "private", "rslave", ... to MS_* ; 0 when it is none of them. */
uint64_t spec_propagation(const char *word, bool *ret_rec);
