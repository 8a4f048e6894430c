/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ref.c - image references; the header is the manual
 *
 * Theory of operation: the text is cut from behind, because only the end is unambiguous: the
 * digest follows the first '@', the tag the last ':' behind the last '/', and what is left is the
 * name. Each piece is then checked byte by byte against its own grammar, and only when all of them
 * hold is anything allocated.
 */
#include "config.h"

#include "storage/ref.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "storage/digest.h"

#define DEFAULT_REGISTRY "docker.io"

struct span {
	const char *p; /* NULL: not given */
	size_t n;
};

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_alnum(char c)
{
	return is_lower_alnum(c) || is_upper(c);
}

static bool span_is(struct span s, const char *text)
{
	return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

static bool has_byte(struct span s, char c)
{
	return s.n > 0 && memchr(s.p, c, s.n);
}

bool ref_is_tag(const char *s, size_t len)
{
	if (len == 0 || len > REF_TAG_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (is_alnum(s[i]) || s[i] == '_')
			continue;
		if (i == 0 || (s[i] != '.' && s[i] != '-'))
			return false;
	}
	return true;
}

static int check_tag(struct span t, struct rl_err *err)
{
	if (t.n == 0)
		return rl_fail(err, EINVAL, "the tag is empty");
	if (ref_is_tag(t.p, t.n))
		return 0;
	if (t.n > REF_TAG_MAX)
		return rl_fail(err, EINVAL, "the tag is longer than %d bytes", REF_TAG_MAX);
	return rl_fail(err, EINVAL,
		       "tag '%.*s' holds other bytes than letters, digits, '_', '.' and '-', or "
		       "begins with '.' or '-'",
		       (int)t.n, t.p);
}

/* Bytes of the separator at @p ('.', '_', '__' or dashes), 0 when there is none. */
static size_t separator(const char *p, size_t n)
{
	size_t k = 0;

	if (p[0] == '.')
		return 1;
	if (p[0] == '_')
		return n > 1 && p[1] == '_' ? 2 : 1;
	while (k < n && p[k] == '-')
		k++;
	return k;
}

/* One component of the repository: letters and digits, joined by single separators. */
static int check_component(struct span c, struct rl_err *err)
{
	size_t i = 0, sep;

	if (c.n == 0)
		return rl_fail(err, EINVAL, "the repository has an empty component");
	if (span_is(c, ".") || span_is(c, ".."))
		return rl_fail(err, EINVAL, "the repository has a '%.*s' component", (int)c.n, c.p);
	for (;;) {
		size_t start = i;

		while (i < c.n && is_lower_alnum(c.p[i]))
			i++;
		if (i == c.n && i > start)
			return 0;
		sep = i < c.n ? separator(c.p + i, c.n - i) : 0;
		if (i < c.n && sep == 0)
			return rl_fail(err, EINVAL,
				       "byte 0x%02x in the repository (allowed are lower case "
				       "letters, digits, '.', '_' and '-')",
				       (unsigned)(uint8_t)c.p[i]);
		if (i == start)
			return rl_fail(err, EINVAL,
				       "component '%.*s' has a separator at its start or end, or "
				       "two in a row",
				       (int)c.n, c.p);
		i += sep;
	}
}

static int check_repo(struct span repo, struct rl_err *err)
{
	if (repo.n == 0)
		return rl_fail(err, EINVAL, "the repository is empty");
	for (;;) {
		const char *slash = memchr(repo.p, '/', repo.n);
		struct span c = { repo.p, slash ? (size_t)(slash - repo.p) : repo.n };
		int r = check_component(c, err);

		if (r < 0 || !slash)
			return r;
		repo = (struct span){ slash + 1, repo.n - c.n - 1 };
	}
}

static bool is_port(struct span s)
{
	unsigned v = 0;

	if (s.n == 0 || s.n > 5)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (unsigned)(s.p[i] - '0');
	}
	return v > 0 && v <= 65535;
}

/* Letters, digits and inner dashes, joined by dots; no part is empty. */
static bool is_host_name(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		bool edge = i == 0 || i + 1 == s.n || s.p[i - 1] == '.' || s.p[i + 1] == '.';

		if (is_alnum(s.p[i]) || (!edge && s.p[i] == '-'))
			continue;
		if (s.p[i] != '.' || i == 0 || i + 1 == s.n || s.p[i - 1] == '.')
			return false;
	}
	return s.n > 0;
}

static bool is_ipv6(struct span s)
{
	if (s.n < 4 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return false;
	for (size_t i = 1; i + 1 < s.n; i++) {
		char c = s.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
		      c == ':'))
			return false;
	}
	return true;
}

static int check_registry(struct span reg, struct rl_err *err)
{
	struct span host = reg;
	const char *end = reg.p[0] == '[' ? memchr(reg.p, ']', reg.n) : reg.p;
	const char *colon = end ? memchr(end, ':', reg.n - (size_t)(end - reg.p)) : NULL;

	if (colon) {
		struct span port = { colon + 1, reg.n - (size_t)(colon + 1 - reg.p) };

		host.n = (size_t)(colon - reg.p);
		if (!is_port(port))
			return rl_fail(err, EINVAL, "registry '%.*s' has a bad port", (int)reg.n,
				       reg.p);
	}
	if (is_host_name(host) || is_ipv6(host))
		return 0;
	return rl_fail(err, EINVAL, "registry '%.*s' is not a host name", (int)reg.n, reg.p);
}

/* Docker's rule for what is a registry and what a first folder. */
static bool looks_like_registry(struct span s)
{
	if (has_byte(s, '.') || has_byte(s, ':') || span_is(s, "localhost"))
		return true;
	for (size_t i = 0; i < s.n; i++)
		if (is_upper(s.p[i]))
			return true;
	return false;
}

struct parts {
	struct span registry, repo, tag, digest; /* registry.p NULL: not typed */
};

static void cut(struct span s, struct parts *ret)
{
	const char *at = memchr(s.p, '@', s.n), *colon, *slash;

	*ret = (struct parts){ 0 };
	if (at) {
		ret->digest = (struct span){ at + 1, s.n - (size_t)(at + 1 - s.p) };
		s.n = (size_t)(at - s.p);
	}
	colon = s.n > 0 ? memrchr(s.p, ':', s.n) : NULL;
	slash = s.n > 0 ? memrchr(s.p, '/', s.n) : NULL;
	if (colon && (!slash || colon > slash)) {
		ret->tag = (struct span){ colon + 1, s.n - (size_t)(colon + 1 - s.p) };
		s.n = (size_t)(colon - s.p);
	}
	ret->repo = s;
	slash = s.n > 0 ? memchr(s.p, '/', s.n) : NULL;
	if (slash) {
		struct span first = { s.p, (size_t)(slash - s.p) };

		if (!looks_like_registry(first))
			return;
		ret->registry = first;
		ret->repo = (struct span){ slash + 1, s.n - first.n - 1 };
	}
}

static bool is_hub(const struct parts *p)
{
	return !p->registry.p || span_is(p->registry, DEFAULT_REGISTRY) ||
	       span_is(p->registry, "index." DEFAULT_REGISTRY);
}

/* What docker.io puts before names of one part */
static const char *hub_folder(const struct parts *p)
{
	return is_hub(p) && !has_byte(p->repo, '/') ? "library/" : "";
}

/* Of registry and repository, with the defaults */
static size_t full_length(const struct parts *p)
{
	size_t registry = is_hub(p) ? strlen(DEFAULT_REGISTRY) : p->registry.n;

	return registry + strlen(hub_folder(p)) + p->repo.n;
}

static int check(const struct parts *p, struct rl_err *err)
{
	struct digest d;
	int r;

	if (p->registry.p) {
		r = check_registry(p->registry, err);
		if (r < 0)
			return r;
	}
	r = check_repo(p->repo, err);
	if (r < 0)
		return r;
	if (full_length(p) > REF_NAME_MAX)
		return rl_fail(err, EINVAL, "registry and repository are longer than %d bytes",
			       REF_NAME_MAX);
	if (!p->registry.p && digest_is_hex64(p->repo.p, p->repo.n))
		return rl_fail(err, EINVAL, "64 hex digits are an image id, not a name");
	if (p->tag.p) {
		r = check_tag(p->tag, err);
		if (r < 0)
			return r;
	}
	if (p->digest.p)
		return digest_parse(p->digest.p, p->digest.n, NULL, &d, err);
	return 0;
}

static int fill(const struct parts *p, struct ref *ret_ref, struct rl_err *err)
{
	auto_ref struct ref ref = { .is_short = !p->registry.p };

	ref.registry = is_hub(p) ? strdup(DEFAULT_REGISTRY) : strndup(p->registry.p, p->registry.n);
	ref.repo = str_printf("%s%.*s", hub_folder(p), (int)p->repo.n, p->repo.p);
	if (p->tag.p)
		ref.tag = strndup(p->tag.p, p->tag.n);
	else if (!p->digest.p)
		ref.tag = strdup("latest");
	if (p->digest.p)
		ref.digest = strndup(p->digest.p, p->digest.n);
	if (!ref.registry || !ref.repo || (!ref.tag && !p->digest.p) || (p->tag.p && !ref.tag) ||
	    (p->digest.p && !ref.digest))
		return rl_oom(err);
	*ret_ref = ref;
	ref = (struct ref){ 0 };
	return 0;
}

static int cut_and_check(const char *s, size_t len, struct parts *p, struct rl_err *err)
{
	if (len > REF_LEN_MAX)
		return rl_fail(err, EINVAL, "image name '%.40s...' is longer than %d bytes", s,
			       REF_LEN_MAX);
	cut((struct span){ s, len }, p);
	return check(p, err) < 0 ? rl_wrap(err, "invalid image name '%.*s'", (int)len, s) : 0;
}

int ref_check(const char *s, size_t len, bool *ret_short, struct rl_err *err)
{
	struct parts p;
	int r = cut_and_check(s, len, &p, err);

	if (r == 0 && ret_short)
		*ret_short = !p.registry.p;
	return r;
}

int ref_parse(const char *s, size_t len, struct ref *ret_ref, struct rl_err *err)
{
	struct parts p;
	int r = cut_and_check(s, len, &p, err);

	if (r < 0)
		return r;
	if (fill(&p, ret_ref, err) < 0)
		return rl_wrap(err, "invalid image name '%.*s'", (int)len, s);
	return 0;
}

char *ref_print_repo(const struct ref *ref)
{
	return str_printf("%s/%s", ref->registry, ref->repo);
}

char *ref_print(const struct ref *ref)
{
	return str_printf("%s/%s%s%s%s%s", ref->registry, ref->repo, ref->tag ? ":" : "",
			  ref->tag ? ref->tag : "", ref->digest ? "@" : "",
			  ref->digest ? ref->digest : "");
}

void ref_done(struct ref *ref)
{
	free(ref->registry);
	free(ref->repo);
	free(ref->tag);
	free(ref->digest);
	*ref = (struct ref){ 0 };
}
