/* SPDX-License-Identifier: Apache-2.0 */
/* policy.c - reading policy.json and finding what counts for an image; the header is the manual */
#include "config.h"

#include "storage/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "storage/confdir.h"
#include "storage/ref.h"

/* --- strict reading --- */

/* Every key of @o is one of @known; the letter in front says what its value is: a string, an object,
 * an array of strings, or '?' for what is looked at elsewhere. */
static int check_keys(json_t *o, const char *const *known, const char *what, struct rl_err *err)
{
	const char *key;
	json_t *v;

	if (!json_is_object(o))
		return rl_fail(err, EINVAL, "%s is not an object", what);
	json_object_foreach (o, key, v) {
		size_t i = 0;

		while (known[i] && strcmp(known[i] + 1, key) != 0)
			i++;
		if (!known[i])
			return rl_fail(err, EINVAL, "%s: unknown key '%.100s'", what, key);
		if ((known[i][0] == 's' && !json_is_string(v)) ||
		    (known[i][0] == 'o' && !json_is_object(v)) ||
		    (known[i][0] == 'a' && (!json_is_array(v) || json_array_size(v) == 0)))
			return rl_fail(err, EINVAL, "%s: '%s' has the wrong type, or is empty",
				       what, key);
		if (known[i][0] == 'a' && json_check_strings(v, what, err) < 0)
			return -err->code;
	}
	return 0;
}

static int need(json_t *o, const char *key, const char *what, struct rl_err *err)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s && *s ? 0 : rl_fail(err, EINVAL, "%s: '%s' is missing", what, key);
}

static const struct {
	const char *type;
	const char *keys[4]; /* besides "type" */
} identities[] = {
	{ "matchExact", { NULL } },
	{ "matchRepoDigestOrExact", { NULL } },
	{ "matchRepository", { NULL } },
	{ "exactReference", { "sdockerReference", NULL } },
	{ "exactRepository", { "sdockerRepository", NULL } },
	{ "remapIdentity", { "sprefix", "ssignedPrefix", NULL } },
};

static int check_identity(json_t *o, const char *what, struct rl_err *err)
{
	const char *type = json_string_value(json_object_get(o, "type"));
	const char *known[5] = { "stype" };

	for (size_t i = 0; type && i < ARRAY_LEN(identities); i++) {
		if (strcmp(type, identities[i].type) != 0)
			continue;
		for (size_t k = 0; identities[i].keys[k]; k++) {
			known[1 + k] = identities[i].keys[k];
			if (need(o, known[1 + k] + 1, what, err) < 0)
				return -err->code;
		}
		return check_keys(o, known, what, err);
	}
	return rl_fail(err, EINVAL, "%s: unknown type of signedIdentity '%.60s'", what,
		       type ? type : "");
}

static int check_one_key(json_t *o, const char *const *names, const char *what, struct rl_err *err)
{
	int n = 0;

	for (size_t i = 0; names[i]; i++)
		n += json_object_get(o, names[i]) != NULL;
	if (n != 1)
		return rl_fail(err, EINVAL,
			       "%s: exactly one of keyPath, keyPaths, keyData and their kin is "
			       "needed, not %d",
			       what, n);
	return 0;
}

static const char *const plain_keys[] = { "stype", NULL };
static const char *const gpg_keys[] = { "stype",    "skeyType",        "skeyPath", "akeyPaths",
					"skeyData", "osignedIdentity", NULL };
static const char *const gpg_sources[] = { "keyPath", "keyPaths", "keyData", NULL };
static const char *const sigstore_keys[] = { "stype",
					     "skeyPath",
					     "akeyPaths",
					     "skeyData",
					     "akeyDatas",
					     "ofulcio",
					     "opki",
					     "srekorPublicKeyPath",
					     "arekorPublicKeyPaths",
					     "srekorPublicKeyData",
					     "arekorPublicKeyDatas",
					     "osignedIdentity",
					     NULL };
static const char *const sigstore_sources[] = { "keyPath", "keyPaths", "keyData", "keyDatas",
						"fulcio",  "pki",      NULL };

static int check_requirement(json_t *o, const char *what, struct rl_err *err)
{
	const char *type = json_string_value(json_object_get(o, "type"));
	json_t *id = json_object_get(o, "signedIdentity");
	int r;

	if (!type)
		return rl_fail(err, EINVAL, "%s: a requirement without a type", what);
	if (strcmp(type, "insecureAcceptAnything") == 0 || strcmp(type, "reject") == 0)
		return check_keys(o, plain_keys, what, err);
	if (strcmp(type, "signedBy") == 0)
		r = check_keys(o, gpg_keys, what, err) < 0
			    ? -err->code
			    : check_one_key(o, gpg_sources, what, err);
	else if (strcmp(type, "sigstoreSigned") == 0)
		r = check_keys(o, sigstore_keys, what, err) < 0
			    ? -err->code
			    : check_one_key(o, sigstore_sources, what, err);
	else
		return rl_fail(err, EINVAL, "%s: unknown type '%.60s'", what, type);
	return r < 0 || !id ? r : check_identity(id, what, err);
}

static int check_list(json_t *list, const char *file, const char *transport, const char *scope,
		      struct rl_err *err)
{
	char what[400];
	json_t *v;
	size_t i;

	(void)snprintf(what, sizeof(what), "%s: %s%s%.200s", file, transport, *scope ? ": " : "",
		       scope);
	if (!json_is_array(list) || json_array_size(list) == 0)
		return rl_fail(err, EINVAL, "%s: not a list of requirements, or an empty one",
			       what);
	json_array_foreach (list, i, v)
		if (check_requirement(v, what, err) < 0)
			return -err->code;
	return 0;
}

static int check_transports(json_t *all, const char *file, struct rl_err *err)
{
	const char *transport, *scope;
	json_t *scopes, *list;

	json_object_foreach (all, transport, scopes) {
		if (!json_is_object(scopes))
			return rl_fail(err, EINVAL, "%s: transport '%.60s' is not an object", file,
				       transport);
		json_object_foreach (scopes, scope, list)
			if (check_list(list, file, transport, scope, err) < 0)
				return -err->code;
	}
	return 0;
}

int policy_parse(const char *data, size_t len, const char *what, json_t **ret, struct rl_err *err)
{
	static const char *const top[] = { "?default", "otransports", NULL };
	json_auto_t *j = NULL;
	json_t *all;

	if (json_read(data, len, POLICY_MAX, what, &j, err) < 0 ||
	    check_keys(j, top, what, err) < 0 ||
	    check_list(json_object_get(j, "default"), what, "default", "", err) < 0)
		return -err->code;
	all = json_object_get(j, "transports");
	if (all && check_transports(all, what, err) < 0)
		return -err->code;
	*ret = TAKE_PTR(j);
	return 0;
}

int policy_load(const char *path, json_t **ret, struct rl_err *err)
{
	auto_buf struct buf text = { 0 };
	int r = io_read_named(path, POLICY_MAX, &text, err);

	if (r == 0)
		r = policy_parse(text.data ? text.data : "", text.len, path, ret, err);
	if (r < 0)
		rl_hint(err, "containers-policy.json(5) describes the file; 'rl trust' writes it");
	return r;
}

int policy_file(char **ret, struct rl_err *err)
{
	auto_free char *user = confdir_user("policy.json");

	*ret = NULL;
	if (user && io_exists(AT_FDCWD, user)) {
		*ret = TAKE_PTR(user);
		return 0;
	}
	/* one that is there and cannot be reached must not count as none; nor does a link to nothing */
	if (user && errno != ENOENT && errno != ENOTDIR)
		return rl_fail_sys(err, errno, "look for '%s'", user);
	if (!io_exists(AT_FDCWD, POLICY_SYSTEM))
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : rl_fail_sys(err, errno, "look for '%s'", POLICY_SYSTEM);
	*ret = strdup(POLICY_SYSTEM);
	return *ret ? 0 : rl_oom(err);
}

/* --- finding --- */

static json_t *at(json_t *scopes, const char *scope, size_t len)
{
	auto_free char *key = strndup(scope, len);

	return key ? json_object_get(scopes, key) : NULL;
}

/* "*.b.c", "*.c" for "a.b.c:port/..."; @ret_key borrowed */
static json_t *find_wildcard(json_t *scopes, const char *name, const char **ret_key)
{
	size_t host = strcspn(name, ":/@");

	for (const char *dot = memchr(name, '.', host); dot;
	     dot = memchr(dot + 1, '.', host - (size_t)(dot + 1 - name))) {
		const char *key;
		json_t *v;

		json_object_foreach (scopes, key, v) {
			size_t n = host - (size_t)(dot - name);

			if (key[0] == '*' && strlen(key + 1) == n && memcmp(key + 1, dot, n) == 0) {
				*ret_key = key;
				return v;
			}
		}
	}
	return NULL;
}

/* Where the tag or digest of a canonical name begins. */
static size_t repo_len(const char *name)
{
	size_t n = strcspn(name, "@");
	const char *slash = memrchr(name, '/', n), *colon = memrchr(name, ':', n);

	return colon && slash && colon > slash ? (size_t)(colon - name) : n;
}

/* From the whole name to ever shorter ones; @ret_key: the one found, caller frees. */
static json_t *find_scope(json_t *scopes, bool docker, const char *id, char **ret_key)
{
	size_t n = strlen(id);
	const char *wild = NULL;
	json_t *v = n > 0 ? at(scopes, id, n) : NULL;

	if (!v && docker) {
		n = repo_len(id);
		v = at(scopes, id, n);
	}
	while (!v) {
		const char *slash = memrchr(id, '/', n);

		if (!slash || slash == id)
			break;
		n = (size_t)(slash - id);
		v = at(scopes, id, n);
	}
	if (v) {
		*ret_key = strndup(id, n);
		return v;
	}
	if (docker)
		v = find_wildcard(scopes, id, &wild);
	*ret_key = v ? strdup(wild) : NULL;
	return v;
}

int policy_find(json_t *policy, const char *transport, const char *identity, json_t **ret,
		char **ret_scope, struct rl_err *err)
{
	json_t *scopes = json_object_get(json_object_get(policy, "transports"), transport);
	auto_free char *key = NULL;
	json_t *v = NULL;

	if (scopes)
		v = find_scope(scopes, strcmp(transport, "docker") == 0, identity, &key);
	if (v) {
		*ret_scope = key ? str_printf("%s: %s", transport, key) : NULL;
	} else {
		v = scopes ? json_object_get(scopes, "") : NULL;
		*ret_scope = strdup(v ? transport : "default");
		if (!v)
			v = json_object_get(policy, "default");
	}
	if (!*ret_scope)
		return rl_oom(err);
	*ret = v;
	return 0;
}

enum policy_kind policy_kind(json_t *q)
{
	const char *type = json_string_value(json_object_get(q, "type"));
	const char *key;
	json_t *v;

	if (!type || strcmp(type, "reject") == 0)
		return POLICY_REJECT;
	if (strcmp(type, "insecureAcceptAnything") == 0)
		return POLICY_ACCEPT;
	if (strcmp(type, "signedBy") == 0)
		return POLICY_GPG;
	json_object_foreach (q, key, v)
		if (strcmp(key, "fulcio") == 0 || strcmp(key, "pki") == 0 ||
		    strncmp(key, "rekor", 5) == 0)
			return POLICY_KEYLESS;
	return POLICY_SIGSTORE;
}

/* --- identities --- */

/* Canonical; @text as the policy has it, which must be a full name. */
static int canonical(const char *text, bool repo_only, char **ret, struct rl_err *err)
{
	auto_ref struct ref ref = { 0 };

	if (ref_parse(text, strlen(text), &ref, err) < 0)
		return -err->code;
	*ret = repo_only ? ref_print_repo(&ref) : ref_print(&ref);
	return *ret ? 0 : rl_oom(err);
}

/* The image's own name, or the repository's where it is named by digest. */
static int own_name(const char *image, struct policy_identity *ret, struct rl_err *err)
{
	return strchr(image, '@') ? canonical(image, true, &ret->repo, err)
				  : canonical(image, false, &ret->exact, err);
}

static int remap(json_t *o, const char *image, struct policy_identity *ret, struct rl_err *err)
{
	const char *prefix = json_string_value(json_object_get(o, "prefix"));
	const char *to = json_string_value(json_object_get(o, "signedPrefix"));
	auto_free char *name = NULL;
	size_t n = strlen(prefix);

	/* ":" behind a host alone is a port */
	if (strncmp(image, prefix, n) != 0 ||
	    !(image[n] == '\0' || image[n] == '/' || image[n] == '@' ||
	      (image[n] == ':' && strchr(prefix, '/'))))
		return own_name(image, ret, err);
	name = str_printf("%s%s", to, image + n);
	return name ? own_name(name, ret, err) : rl_oom(err);
}

int policy_identity(json_t *requirement, const char *image, struct policy_identity *ret,
		    struct rl_err *err)
{
	json_t *o = json_object_get(requirement, "signedIdentity");
	const char *type =
		o ? json_string_value(json_object_get(o, "type")) : "matchRepoDigestOrExact";

	*ret = (struct policy_identity){ 0 };
	if (strcmp(type, "exactReference") == 0)
		return canonical(json_string_value(json_object_get(o, "dockerReference")), false,
				 &ret->exact, err);
	if (strcmp(type, "exactRepository") == 0)
		return canonical(json_string_value(json_object_get(o, "dockerRepository")), true,
				 &ret->repo, err);
	if (!image)
		return rl_fail(err, EACCES, "'%s' needs an image with a name", type);
	if (strcmp(type, "matchRepository") == 0)
		return canonical(image, true, &ret->repo, err);
	if (strcmp(type, "matchExact") == 0)
		return canonical(image, false, &ret->exact, err);
	if (strcmp(type, "remapIdentity") == 0)
		return remap(o, image, ret, err);
	return own_name(image, ret, err);
}

bool policy_identity_matches(const struct policy_identity *id, const char *text)
{
	auto_free char *name = NULL;
	struct rl_err ignored;

	/* a name without tag and digest is about the repository, not about its ":latest" */
	if (id->exact && text[repo_len(text)] == '\0')
		return false;
	if (canonical(text, !id->exact, &name, &ignored) < 0)
		return false;
	return strcmp(name, id->exact ? id->exact : id->repo) == 0;
}

void policy_identity_done(struct policy_identity *id)
{
	free(id->exact);
	free(id->repo);
	*id = (struct policy_identity){ 0 };
}
