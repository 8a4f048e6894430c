/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust.h - the policy applied to one image that is pulled or loaded
 *
 * trust_begin() comes before the first request: what is rejected is not asked for. trust_check()
 * comes when the manifest is there and its digest is known, before anything that it names. A
 * signature counts when it is of the image's manifest, or of the index that led to it by digest.
 *
 * Signatures of docker:// are looked for where cosign puts them (tag "sha256-<hex>.sig" of the same
 * repository), unless registries.d says "use-sigstore-attachments: false", and in the lookaside that
 * registries.d names, as <lookaside>/<repo>@sha256=<hex>/signature-<n>, n from 1; simple signatures
 * (gpg.h) only there. Other transports carry none that rl reads.
 */
#pragma once

#include "core/rl.h"
#include "storage/image/sigconf.h"
#include "storage/image/sigstore.h"

struct trust {
	const struct rl *rl;
	json_t *policy; /* NULL = everything is accepted */
	char *file;
	const char *sig_dir; /* registries.d, borrowed */
};

/* How to get at signatures; -ENOENT = there is none. */
struct trust_source {
	void *arg;
	int (*manifest)(void *arg, const char *tag, struct buf *ret, struct rl_err *err);
	int (*blob)(void *arg, const char *digest, int64_t size, struct buf *ret,
		    struct rl_err *err);
	int (*url)(void *arg, const char *url, struct buf *ret, struct rl_err *err);
};

/* @file: policy.json, NULL = none; @sig_dir: borrowed. */
int trust_open(const struct rl *rl, const char *file, const char *sig_dir, struct trust *ret,
	       struct rl_err *err) RL_MUST_USE;
void trust_close(struct trust *t); /* fine on a zeroed struct */

/**
 * trust_begin() - May the image be looked at?
 * @transport, @identity: as for policy_find()
 * @ret_signed:	It must be signed: trust_check() follows
 *
 * Return: 0, -EACCES when it is rejected whatever it is
 */
int trust_begin(const struct trust *t, const char *transport, const char *identity,
		bool *ret_signed, struct rl_err *err) RL_MUST_USE;

/**
 * trust_check() - Are the signatures there that the policy asks for?
 * @image:	Canonical name
 * @digests:	Of the manifest, and of the index; "" is left out
 */
int trust_check(const struct trust *t, const char *image, const struct digest *const digests[2],
		const struct trust_source *from, struct rl_err *err) RL_MUST_USE;
