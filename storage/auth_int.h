/* SPDX-License-Identifier: Apache-2.0 */
/* auth_int.h - what storage/auth.c (reading) and storage/auth_write.c share */
#pragma once

#include <jansson.h>

#include "core/base/buf.h"
#include "storage/auth.h"

#define AUTH_HELPER_INPUT_MAX 4096 /* what a pipe takes at once everywhere */

/* The key as it is compared: no scheme, docker.io for its older names. Caller frees; NULL = ENOMEM */
char *auth_normal_key(const char *key);
/* Name of the helper that an auth file's @root gives @host to, or NULL; caller frees. */
int auth_find_helper(const json_t *root, const char *host, const char *path, char **ret,
		     struct rl_err *err) RL_MUST_USE;
/* What a helper is to be asked for @registry; borrowed. */
const char *auth_helper_key(const char *registry);
/*
 * Run "docker-credential-NAME VERB" with @input on stdin; its stdout to @out, wiped and freed by the
 * caller also after a failure. @ret_status: its wait status. @ret_path: caller frees.
 */
int auth_helper(const char *name, const char *verb, const char *input, struct buf *out,
		int *ret_status, char **ret_path, struct rl_err *err) RL_MUST_USE;
