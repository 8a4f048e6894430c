/* SPDX-License-Identifier: Apache-2.0 */
/* restart.c - whether and when a container that ended is started again; the header is the manual */
#include "config.h"

#include "core/restart.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/parse.h"

static const char *const names[] = { "no", "on-failure", "always", "unless-stopped" };

const char *restart_name(enum restart_kind kind)
{
	return names[kind];
}

int restart_parse(const char *s, struct restart_policy *ret, struct rl_err *err)
{
	static const char on_failure[] = "on-failure:";
	struct restart_policy p = { .kind = RESTART_NO };
	uint64_t n = 0;

	if (!s || !*s || strcmp(s, "never") == 0)
		s = "no";
	if (strncmp(s, on_failure, sizeof(on_failure) - 1) == 0) {
		if (parse_uint(s + sizeof(on_failure) - 1, INT32_MAX, &n) < 0)
			return rl_fail(err, EINVAL,
				       "the restart policy '%s' has no number after ':'", s);
		*ret = (struct restart_policy){ RESTART_ON_FAILURE, (unsigned)n };
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(s, names[i]) != 0)
			continue;
		p.kind = (enum restart_kind)i;
		*ret = p;
		return 0;
	}
	rl_fail(err, EINVAL, "'%s' is not a restart policy", s);
	return rl_hint(err, "no, on-failure, on-failure:N, always or unless-stopped");
}

void restart_print(const struct restart_policy *p, char *out)
{
	if (p->kind == RESTART_ON_FAILURE && p->max > 0)
		(void)snprintf(out, RESTART_TEXT, "on-failure:%u", p->max);
	else
		(void)snprintf(out, RESTART_TEXT, "%s", names[p->kind]);
}

int restart_goes_with_rm(const struct restart_policy *p, bool rm, struct rl_err *err)
{
	if (!rm || p->kind == RESTART_NO || p->kind == RESTART_ON_FAILURE)
		return 0;
	return rl_fail(err, EINVAL, "'--rm' and '--restart %s' exclude each other", names[p->kind]);
}

int restart_next(struct restart_state *st, const struct restart_policy *p, int code, int64_t ran_ms)
{
	if (p->kind == RESTART_NO)
		return -1;
	if (p->kind == RESTART_ON_FAILURE && (code == 0 || (p->max > 0 && st->count >= p->max)))
		return -1;
	if (st->delay_ms == 0 || ran_ms >= RESTART_GOOD_MS)
		st->delay_ms = RESTART_FIRST_MS;
	else if (st->delay_ms < RESTART_MAX_MS / 2)
		st->delay_ms *= 2;
	else
		st->delay_ms = RESTART_MAX_MS;
	if (st->count < INT32_MAX)
		st->count++;
	return st->delay_ms;
}
