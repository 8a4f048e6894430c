/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_challenge.c - any bytes: no crash, and an accepted realm is a safe http(s) URL */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "storage/image/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *s)
{
	if (!s)
		return;
	assert(strlen(s) <= CHALLENGE_VAL_MAX);
	for (; *s; s++)
		assert((unsigned char)*s >= 0x20 && *s != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_challenge struct challenge c = { 0 };
	struct rl_err err = { 0 };

	if (challenge_parse((const char *)data, size, &c, &err) < 0)
		assert(err.code > 0 && err.msg[0]);
	check_text(c.realm);
	check_text(c.service);
	check_text(c.scope);
	check_text(c.error);
	if (c.scheme == CHALLENGE_BEARER) {
		const char *host = strstr(c.realm, "://");

		assert(strncasecmp(c.realm, "http", 4) == 0 && host);
		assert(strcspn(host + 3, "@") >= strcspn(host + 3, "/?#"));
	}
	return 0;
}
