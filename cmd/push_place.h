/* SPDX-License-Identifier: Apache-2.0 */
/* push_place.h - what pushes of images and of manifest lists share (cmd/push.c) */
#pragma once

#include "storage/fetch_out.h"

struct push_common {
	bool quiet;
	int tls_verify; /* -1 = not given */
	int insecure;   /* Docker's word for the opposite; -1 = not given */
	int force;      /* --force-compression; -1 = not given */
	const char *authfile, *creds, *cert_dir, *compression, *digestfile, *format, *retry_delay;
	int64_t level;
	uint64_t retry;
};

/* The place as typed, or else @own (a canonical name or NULL), as a canonical name; caller frees. */
int push_place(const char *dest, const char *own, const char *id, char **ret,
	       struct rl_err *err) RL_MUST_USE;
/* Values that make sense; before anything else is done. */
int push_check(const struct push_common *c, struct rl_err *err) RL_MUST_USE;
/* All of @ret but what is pushed. */
int push_fill(const struct push_common *c, const char *to, struct push_req *ret,
	      struct rl_err *err) RL_MUST_USE;
int push_write_digest(const struct push_common *c, const char *digest,
		      struct rl_err *err) RL_MUST_USE;
