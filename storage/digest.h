/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.h - content digests: the one parser for manifests, headers, indexes, archives and disk
 *
 * Accepted is exactly "sha256:" and 64 lowercase hex digits; no other algorithm, no upper case.
 * Whatever comes from outside passes through here before it becomes part of a path or a URL
 * (SECURITY S35). No hashing here: that needs libcrypto, which `rl` itself does not link.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

#define DIGEST_HEX    64               /* digits, as in an image id or a blob's file name */
#define DIGEST_LEN    (7 + DIGEST_HEX) /* "sha256:" and the digits */
#define DIGEST_SIZE   (DIGEST_LEN + 1) /* with NUL */
#define DIGEST_PREFIX "sha256:"

struct digest {
	char text[DIGEST_SIZE]; /* "sha256:<64 hex>" */
};

/**
 * digest_parse() - Check a digest and copy it
 * @s:		Text, need not end in NUL
 * @what:	Whose digest it is, for the message ("layer 3 of the manifest"), or NULL
 *
 * Return: 0, or -EINVAL (message quotes the text and says "64 hex digits")
 */
int digest_parse(const char *s, size_t len, const char *what, struct digest *ret,
		 struct rl_err *err) RL_MUST_USE;
/* The same check without a copy; @s may be NULL, which is refused. */
int digest_check(const char *s, const char *what, struct rl_err *err) RL_MUST_USE;
bool digest_is_valid(const char *s);

/* The 64 digits of a checked "sha256:..." text; borrowed. */
const char *digest_hex(const char *digest);
/* True for exactly 64 lowercase hex digits (an image or container id). */
bool digest_is_hex64(const char *s, size_t len);
/* True for 1 to 64 lowercase hex digits (what may be a prefix of an id). */
bool digest_is_hex_prefix(const char *s, size_t len);
