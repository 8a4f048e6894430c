/* SPDX-License-Identifier: Apache-2.0 */
/*
 * challenge.c - WWW-Authenticate to a struct challenge; the header is the manual
 *
 * The grammar is ambiguous at commas: after one there may come another parameter of the same
 * challenge or the scheme of the next. A token that is followed by '=' is a parameter.
 */
#include "config.h"

#include "storage/image/challenge.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "core/base/cleanup.h"

struct cursor {
	const char *p, *end;
};

/* RFC 9110, section 5.6.2 */
static bool is_tchar(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void skip_blank(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
		c->p++;
}

static void skip_commas(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == ','))
		c->p++;
}

static size_t take_token(struct cursor *c, const char **ret)
{
	*ret = c->p;
	while (c->p < c->end && is_tchar(*c->p))
		c->p++;
	return (size_t)(c->p - *ret);
}

/* A token or a quoted string into a new string. 0, -EINVAL, -ENOMEM. */
static int take_value(struct cursor *c, char **ret)
{
	auto_free char *v = malloc(CHALLENGE_VAL_MAX + 1);
	size_t n = 0;
	bool quoted = c->p < c->end && *c->p == '"';

	if (!v)
		return -ENOMEM;
	c->p += quoted;
	for (; c->p < c->end; c->p++) {
		char ch = *c->p;

		if (quoted && ch == '"')
			break;
		if (quoted && ch == '\\' && c->p + 1 < c->end)
			ch = *++c->p;
		else if (!quoted && (ch == ',' || ch == ' ' || ch == '\t'))
			break;
		if ((unsigned char)ch < 0x20 || ch == 0x7f || n == CHALLENGE_VAL_MAX)
			return -EINVAL;
		v[n++] = ch;
	}
	if (quoted) {
		if (c->p == c->end)
			return -EINVAL; /* never closed */
		c->p++;
	}
	v[n] = '\0';
	*ret = TAKE_PTR(v);
	return 0;
}

static int set_param(struct challenge *ch, const char *name, size_t len, char *value_take)
{
	auto_free char *v = value_take;
	const struct {
		const char *name;
		char **to;
	} known[] = {
		{ "realm", &ch->realm },
		{ "service", &ch->service },
		{ "scope", &ch->scope },
		{ "error", &ch->error },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strlen(known[i].name) != len || strncasecmp(known[i].name, name, len) != 0)
			continue;
		if (*known[i].to)
			return -EINVAL; /* twice: which one did the registry mean? */
		*known[i].to = TAKE_PTR(v);
	}
	return 0;
}

/* Parameters, or a token68 that is skipped, up to the next scheme. */
static int take_params(struct cursor *c, struct challenge *ch)
{
	for (;;) {
		struct cursor save = *c;
		const char *name;
		char *value;
		size_t len;
		int r;

		skip_commas(c);
		save = *c;
		len = take_token(c, &name);
		if (len == 0)
			return c->p == c->end ? 0 : -EINVAL;
		skip_blank(c);
		if (c->p == c->end || *c->p != '=') {
			*c = save; /* the scheme of the next challenge */
			return 0;
		}
		c->p++;
		skip_blank(c);
		r = take_value(c, &value);
		if (r < 0)
			return r;
		r = set_param(ch, name, len, value);
		if (r < 0)
			return r;
	}
}

static bool realm_is_url(const char *s)
{
	const char *host, *end;

	if (!s)
		return false;
	if (strncasecmp(s, "https://", 8) == 0)
		host = s + 8;
	else if (strncasecmp(s, "http://", 7) == 0)
		host = s + 7;
	else
		return false;
	end = host + strcspn(host, "/?#");
	/* "https://registry@evil/": user information has no business here */
	return end > host && !memchr(host, '@', (size_t)(end - host)) && !strpbrk(s, " \"<>\\");
}

static int take_challenge(struct cursor *c, struct challenge *best, struct rl_err *err)
{
	auto_challenge struct challenge ch = { 0 };
	const char *name;
	size_t len = take_token(c, &name);
	int r;

	if (len == 0)
		return rl_fail(err, EINVAL, "malformed WWW-Authenticate header: no scheme");
	if (c->p < c->end && *c->p != ' ' && *c->p != '\t' && *c->p != ',')
		return rl_fail(err, EINVAL, "malformed WWW-Authenticate header: bad scheme");
	r = take_params(c, &ch);
	if (r == -ENOMEM)
		return rl_oom(err);
	if (r < 0)
		return rl_fail(err, EINVAL, "malformed WWW-Authenticate header");
	if (len == 6 && strncasecmp(name, "bearer", 6) == 0) {
		if (!realm_is_url(ch.realm))
			return rl_fail(err, EINVAL,
				       "WWW-Authenticate: the realm is not a http(s) URL: '%.200s'",
				       ch.realm ? ch.realm : "");
		ch.scheme = CHALLENGE_BEARER;
	} else if (len == 5 && strncasecmp(name, "basic", 5) == 0) {
		ch.scheme = CHALLENGE_BASIC;
	}
	if (ch.scheme > best->scheme) {
		struct challenge old = *best;

		*best = ch;
		ch = old; /* released at the end of this scope */
	}
	return 0;
}

int challenge_parse(const char *s, size_t len, struct challenge *c, struct rl_err *err)
{
	struct cursor cur = { s, s + len };
	int r;

	if (len > CHALLENGE_LEN_MAX)
		return rl_fail(err, EINVAL, "WWW-Authenticate header of %zu bytes", len);
	for (skip_commas(&cur); cur.p < cur.end; skip_commas(&cur)) {
		r = take_challenge(&cur, c, err);
		if (r < 0)
			return r;
	}
	return 0;
}

void challenge_done(struct challenge *c)
{
	free(c->realm);
	free(c->service);
	free(c->scope);
	free(c->error);
	*c = (struct challenge){ 0 };
}
