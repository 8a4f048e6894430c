/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skel.c - "WORD=NUMBER" to parts; the header is the manual
 *
 * A longer file says here how it works: which objects exist, in which order things happen, what is
 * deliberately not done, which limits hold.
 */
#include "config.h"

#include "contrib/skeleton/skel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/parse.h"

int skel_parse(const char *s, size_t len, struct skel *ret, struct rl_err *err)
{
	auto_free char *text = NULL, *word = NULL;
	const char *eq;
	uint64_t n;

	if (len > SKEL_LEN_MAX)
		return rl_fail(err, EINVAL, "the pair is longer than %d bytes", SKEL_LEN_MAX);
	text = strndup(s, len);
	if (!text)
		return rl_oom(err);
	eq = strchr(text, '=');
	if (!eq || eq == text) {
		rl_fail(err, EINVAL, "'%s' is no pair", text);
		return rl_hint(err, "write WORD=NUMBER");
	}
	if (parse_uint(eq + 1, UINT32_MAX, &n) < 0)
		return rl_fail(err, EINVAL, "'%s' is not a number up to 4294967295", eq + 1);
	word = strndup(text, (size_t)(eq - text));
	if (!word)
		return rl_oom(err);
	*ret = (struct skel){ .word = TAKE_PTR(word), .number = (uint32_t)n };
	return 0;
}

void skel_done(struct skel *s)
{
	free(s->word);
	*s = (struct skel){ 0 };
}
