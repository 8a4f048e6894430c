/* SPDX-License-Identifier: Apache-2.0 */
/* digest.c - "sha256:<64 hex>" and nothing else; the header is the manual */
#include "config.h"

#include "storage/digest.h"

#include <errno.h>
#include <string.h>

static bool all_hex(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
			return false;
	return true;
}

bool digest_is_hex64(const char *s, size_t len)
{
	return len == DIGEST_HEX && all_hex(s, len);
}

bool digest_is_hex_prefix(const char *s, size_t len)
{
	return len > 0 && len <= DIGEST_HEX && all_hex(s, len);
}

static bool is_valid(const char *s, size_t len)
{
	return len == DIGEST_LEN && memcmp(s, DIGEST_PREFIX, 7) == 0 &&
	       digest_is_hex64(s + 7, len - 7);
}

static int refuse(const char *s, size_t len, const char *what, struct rl_err *err)
{
	int show = len > 100 ? 100 : (int)len;

	return rl_fail(err, EINVAL,
		       "%s%s'%.*s' is not a digest: expected 'sha256:' and 64 hex digits",
		       what ? what : "", what ? ": " : "", show, s);
}

int digest_parse(const char *s, size_t len, const char *what, struct digest *ret,
		 struct rl_err *err)
{
	if (!is_valid(s, len))
		return refuse(s, len, what, err);
	memcpy(ret->text, s, DIGEST_LEN);
	ret->text[DIGEST_LEN] = '\0';
	return 0;
}

bool digest_is_valid(const char *s)
{
	return s && is_valid(s, strnlen(s, DIGEST_SIZE));
}

int digest_check(const char *s, const char *what, struct rl_err *err)
{
	if (digest_is_valid(s))
		return 0;
	if (!s)
		return rl_fail(err, EINVAL, "%s%sthe digest is missing", what ? what : "",
			       what ? ": " : "");
	return refuse(s, strlen(s), what, err);
}

const char *digest_hex(const char *digest)
{
	return digest + 7;
}
