/* SPDX-License-Identifier: Apache-2.0 */
/* fetch_helper.h - one run of rl-image; for storage/fetch*.c only (storage/fetch.h says what it is) */
#pragma once

#include <jansson.h>

#include "core/base/proc.h"
#include "core/base/strv.h"
#include "core/rl.h"
#include "core/session.h"

/**
 * fetch_helper_run() - From start to end
 * @words:	The subcommand and its arguments
 * @names, @ids: Results are appended; either may be NULL. After "push" @ids has the digest, too
 */
int fetch_helper_run(const struct rl *rl, const struct session *s, const char *const *words,
		     const struct proc_fd *fds, size_t n_fds, struct strv *names, struct strv *ids,
		     struct rl_err *err) RL_MUST_USE;
/* A descriptor to read @request from. */
int fetch_request_fd(const json_t *request, struct rl_err *err) RL_MUST_USE;

typedef int (*fetch_compose)(json_t *root, const void *arg, struct rl_err *err);
/* The same for one that holds passwords: what JSON kept of them is overwritten. */
int fetch_secret_request(const struct session *s, bool quiet, fetch_compose compose,
			 const void *arg, struct rl_err *err) RL_MUST_USE;
