/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gpg.h - checking simple signatures: a JSON payload inside an OpenPGP message that GnuPG checks
 *
 * gpgme is opened when it is needed and starts gpg in a confined child: a home folder of its own
 * with nothing but the keys of the policy, no agent, no network, nothing else to write to, limits on
 * memory and on what comes out. Who has the private key is believed; gpg's web of trust plays no part.
 */
#pragma once

#include <jansson.h>

#include "core/base/buf.h"
#include "core/rl.h"

#define GPG_KEY_MAX  (1 << 20) /* bytes of one file of keys */
#define GPG_KEYS_MAX 32        /* files of one requirement */

struct gpg_keys {
	struct buf v[GPG_KEYS_MAX];
	size_t n;
};

/* Was rl built with gpgme? */
bool gpg_is_built_in(void);
/* The public keys of a signedBy requirement (storage/policy.h). */
int gpg_read_keys(json_t *requirement, struct gpg_keys *ret, struct rl_err *err) RL_MUST_USE;
void gpg_keys_done(struct gpg_keys *k); /* fine on a zeroed struct */
#define auto_gpg_keys __attribute__((cleanup(gpg_keys_done)))

/**
 * gpg_open() - What is in @message, if any of @keys has signed it
 * @rl:		gpg's home is made below its run_dir, and removed
 * @message:	HOSTILE
 * @payload:	Appended to; at most SIGSTORE_PAYLOAD_MAX bytes
 *
 * Return: 0, -EACCES when the signature is not good, -EINVAL for keys that are none, -ENOSYS without
 * gpgme or gpg
 */
int gpg_open(const struct rl *rl, const struct gpg_keys *keys, const struct buf *message,
	     struct buf *payload, struct rl_err *err) RL_MUST_USE;
