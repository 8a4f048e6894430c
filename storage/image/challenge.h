/* SPDX-License-Identifier: Apache-2.0 */
/*
 * challenge.h - the WWW-Authenticate header of a 401 answer (RFC 9110, section 11.6.1)
 *
 * A header holds one or more challenges, each a scheme with parameters; an answer may carry several
 * headers. Of all of them the strongest one that rl speaks is kept: Bearer (with a realm to fetch a
 * token from) before Basic. The bytes are HOSTILE: everything is limited, a realm must be a
 * http(s) URL without user information, and no control byte gets through.
 */
#pragma once

#include <stddef.h>

#include "core/base/err.h"

#define CHALLENGE_LEN_MAX 16384 /* bytes of one header value */
#define CHALLENGE_VAL_MAX 4096  /* bytes of one parameter */

enum challenge_scheme { CHALLENGE_NONE, CHALLENGE_BASIC, CHALLENGE_BEARER };

/**
 * struct challenge - What to answer to; zeroed = none seen; strings are owned
 * @realm:	Bearer: URL of the token service, never NULL
 * @service, @scope, @error: Bearer; NULL when not given
 */
struct challenge {
	enum challenge_scheme scheme;
	char *realm, *service, *scope, *error;
};

/**
 * challenge_parse() - Look through one header value
 * @s:		The value, need not end in NUL
 * @c:		Replaced when the header holds something stronger; else untouched
 *
 * Return: 0 (also when only unknown schemes were in it), -EINVAL for a malformed header, -ENOMEM
 */
int challenge_parse(const char *s, size_t len, struct challenge *c, struct rl_err *err) RL_MUST_USE;
void challenge_done(struct challenge *c);
#define auto_challenge __attribute__((cleanup(challenge_done)))
