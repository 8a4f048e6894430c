/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sigstore.h - signatures in the form of sigstore: a JSON payload, signed with a plain public key
 *
 * The payload says { "critical": { "type": "cosign container image signature", "identity":
 * { "docker-reference" }, "image": { "docker-manifest-digest" } } }; the signature over its bytes
 * (ECDSA or RSA PKCS#1 with SHA-256, or Ed25519) stands beside it. No certificates, no log: whoever
 * has the private key is believed.
 */
#pragma once

#include <jansson.h>

#include "core/base/buf.h"
#include "core/base/strv.h"
#include "storage/digest.h"

#define SIGSTORE_TYPE        "application/vnd.dev.cosign.simplesigning.v1+json"
#define SIGSTORE_ANNOTATION  "dev.cosignproject.cosign/signature"
#define SIGSTORE_PAYLOAD_MAX (1 << 20)
#define SIGSTORE_KEY_MAX     65536
#define SIGSTORE_SIG_MAX     16384 /* base64 digits */
#define SIGSTORE_NAME_MAX    600

/* What a good signature is about. */
struct sigstore_claim {
	struct digest digest;         /* of the manifest */
	char name[SIGSTORE_NAME_MAX]; /* as it stands there, unchecked */
};

/* Decode standard base64 without line breaks; appended. 0, -EINVAL or -ENOMEM. */
int sigstore_base64(const char *text, struct buf *ret) RL_MUST_USE;
/* The public keys (PEM) of a sigstoreSigned requirement (storage/policy.h); appended. */
int sigstore_read_keys(json_t *requirement, struct strv *ret, struct rl_err *err) RL_MUST_USE;

/*
 * What a payload claims; whoever calls has checked that somebody trusted signed it. @type: "critical.type"
 * must be this. What it does not understand in "critical" makes it useless: -EBADMSG.
 */
int sigstore_read_payload(const char *payload, size_t len, const char *type,
			  struct sigstore_claim *ret, struct rl_err *err) RL_MUST_USE;
#define SIGSTORE_CLAIM "cosign container image signature"
#define GPG_CLAIM      "atomic container signature" /* gpg.h */

/**
 * sigstore_verify() - Is @signature one of @payload by any of @keys?
 * @signature:	Base64; HOSTILE, as @payload is until it was verified
 *
 * Return: 0, -EACCES when it is not, -EBADMSG when it is and the payload makes no sense, -EINVAL for
 * keys that are none
 */
int sigstore_verify(const struct strv *keys, const char *payload, size_t len, const char *signature,
		    struct sigstore_claim *ret, struct rl_err *err) RL_MUST_USE;
