/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registries.c - look-ups in the loaded configuration: short names and endpoints
 *
 * Reading the files is storage/registries_load.c. Matching works on canonical text: a prefix
 * matches when the name goes on with '/', or with ':' or '@' behind a repository; the longest
 * prefix wins. "*.example.com" matches any host below example.com and stands for that whole host.
 */
#include "config.h"

#include "storage/registries.h"

#include <errno.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "storage/registries_conf.h"

static int add_candidate(const char *text, struct strv *ret, struct rl_err *err)
{
	auto_ref struct ref ref = { 0 };
	int r = ref_parse(text, strlen(text), &ref, err);

	if (r < 0)
		return r;
	return strv_take(ret, ref_print(&ref)) < 0 ? rl_oom(err) : 0;
}

/* Length of @name without tag and digest. */
static size_t name_len(const char *name)
{
	size_t n = strcspn(name, "@");
	const char *colon = memrchr(name, ':', n), *slash = memrchr(name, '/', n);

	return colon && (!slash || colon > slash) ? (size_t)(colon - name) : n;
}

static const char *find_alias(const struct registries *reg, const char *name, size_t len)
{
	for (size_t i = 0; i < reg->n_aliases; i++) {
		const struct alias *a = &reg->aliases[i];

		if (strlen(a->name) == len && memcmp(a->name, name, len) == 0)
			return a->value;
	}
	return NULL;
}

/* @name below @registry */
static int add_below(const char *registry, const char *name, struct strv *ret, struct rl_err *err)
{
	auto_free char *text = str_printf("%s/%s", registry, name);

	return text ? add_candidate(text, ret, err) : rl_oom(err);
}

static int search(const struct registries *reg, const char *name, struct strv *ret,
		  struct rl_err *err)
{
	int r = 0;

	if (reg->search.n == 0) {
		rl_fail(err, ENOENT, "short name '%s': the list of search registries is empty",
			name);
		return rl_hint(err, "write the registry too: docker.io/library/%s", name);
	}
	if (reg->search.n > 1 && reg->mode == SHORT_NAME_ENFORCING) {
		rl_fail(err, EINVAL,
			"short name '%s' could come from %zu registries, and short-name-mode is "
			"enforcing",
			name, reg->search.n);
		return rl_hint(err, "write the registry too: %s/%s", reg->search.v[0], name);
	}
	for (size_t i = 0; i < reg->search.n && r == 0; i++)
		r = add_below(reg->search.v[i], name, ret, err);
	return r;
}

/* The alias of a short name with tag and digest as typed, added to @ret. 1 = done, 0 = none. */
static int add_alias(const struct registries *reg, const char *name, struct strv *ret,
		     struct rl_err *err)
{
	size_t len = name_len(name);
	const char *alias = reg ? find_alias(reg, name, len) : NULL;
	auto_free char *text = NULL;
	int r;

	if (!alias)
		return 0;
	text = str_printf("%s%s", alias, name + len);
	r = text ? add_candidate(text, ret, err) : rl_oom(err);
	return r < 0 ? r : 1;
}

int registries_candidates(const struct registries *reg, const char *name, struct strv *ret,
			  struct rl_err *err)
{
	auto_ref struct ref ref = { 0 };
	int r;

	r = ref_parse(name, strlen(name), &ref, err);
	if (r < 0)
		return r;
	if (ref.is_short) {
		r = add_alias(reg, name, ret, err);
		if (r != 0)
			return r < 0 ? r : 0;
		if (reg && reg->has_search)
			return search(reg, name, ret, err);
	}
	return strv_take(ret, ref_print(&ref)) < 0 ? rl_oom(err) : 0;
}

const struct strv *registries_search(const struct registries *r)
{
	return &r->search;
}

int registries_localhost(const char *name, struct strv *ret, struct rl_err *err)
{
	return add_below("localhost", name, ret, err);
}

int registries_local_candidates(const struct registries *reg, const char *name, struct strv *ret,
				struct rl_err *err)
{
	auto_ref struct ref ref = { 0 };
	int r;

	r = ref_parse(name, strlen(name), &ref, err);
	if (r < 0)
		return r;
	if (ref.is_short) {
		r = add_alias(reg, name, ret, err);
		for (size_t i = 0; reg && i < reg->search.n && r >= 0; i++)
			r = add_below(reg->search.v[i], name, ret, err);
		if (r < 0)
			return r;
	}
	return strv_take(ret, ref_print(&ref)) < 0 ? rl_oom(err) : 0;
}

/* Bytes of @text that @prefix stands for, 0 when it does not match. */
static size_t match(const char *text, const char *prefix)
{
	size_t n = strlen(prefix), host;

	if (prefix[0] == '*') {
		host = strcspn(text, "/:");
		return host > n - 1 && memcmp(text + host - (n - 1), prefix + 1, n - 1) == 0 ? host
											     : 0;
	}
	if (strncmp(text, prefix, n) != 0)
		return 0;
	if (text[n] == '\0' || text[n] == '/' || text[n] == '@')
		return n;
	/* ":" behind a host alone is a port, so a different registry */
	return text[n] == ':' && strchr(prefix, '/') ? n : 0;
}

static const struct registry *find_registry(const struct registries *reg, const char *text)
{
	const struct registry *best = NULL;

	for (size_t i = 0; reg && i < reg->n_regs; i++) {
		const struct registry *r = &reg->regs[i];

		if (match(text, r->prefix) > 0 &&
		    (!best || strlen(r->prefix) > strlen(best->prefix)))
			best = r;
	}
	return best;
}

/* @text with its first @cut bytes replaced by @location, as a reference. */
static int rewrite(const char *text, size_t cut, const char *location, struct ref *ret,
		   struct rl_err *err)
{
	auto_free char *full = NULL;

	if (!*location)
		return ref_parse(text, strlen(text), ret, err);
	full = str_printf("%s%s", location, text + cut);
	if (!full)
		return rl_oom(err);
	return ref_parse(full, strlen(full), ret, err);
}

static bool mirror_serves(const struct registry *r, const struct mirror *m, const struct ref *ref)
{
	if (m->use == MIRROR_DIGEST_ONLY || r->mirror_by_digest_only)
		return ref->digest;
	return m->use != MIRROR_TAG_ONLY || !ref->digest;
}

static int fill_endpoints(const struct registry *r, const char *text, const struct ref *ref,
			  struct endpoint *ret, size_t *n, struct rl_err *err)
{
	size_t cut = match(text, r->prefix);
	int rc;

	for (size_t i = 0; i < r->n_mirrors; i++) {
		const struct mirror *m = &r->mirrors[i];

		if (!mirror_serves(r, m, ref))
			continue;
		ret[*n] = (struct endpoint){ .insecure = m->insecure, .is_mirror = true };
		rc = rewrite(text, cut, m->location, &ret[*n].ref, err);
		if (rc < 0)
			return rl_wrap(err, "mirror '%s' (%s line %u)", m->location, r->file,
				       m->line);
		(*n)++;
	}
	ret[*n] = (struct endpoint){ .insecure = r->insecure };
	rc = rewrite(text, cut, r->location, &ret[*n].ref, err);
	if (rc < 0)
		return rl_wrap(err, "location '%s' (%s line %u)", r->location, r->file, r->line);
	(*n)++;
	return 0;
}

int registries_endpoints(const struct registries *reg, const struct ref *ref, struct endpoint *ret,
			 struct rl_err *err)
{
	auto_free char *text = ref_print(ref);
	const struct registry *r;
	size_t n = 0;
	int rc;

	if (!text)
		return rl_oom(err);
	r = find_registry(reg, text);
	if (!r) {
		ret[0] = (struct endpoint){ 0 };
		rc = ref_parse(text, strlen(text), &ret[0].ref, err);
		return rc < 0 ? rc : 1;
	}
	if (r->blocked) {
		rl_fail(err, EPERM, "'%s' is blocked by %s line %u", text, r->file, r->line);
		return rl_hint(err, "ask who wrote that file, or use another registry");
	}
	rc = fill_endpoints(r, text, ref, ret, &n, err);
	if (rc < 0) {
		while (n > 0)
			ref_done(&ret[--n].ref);
		return rc;
	}
	return (int)n;
}
