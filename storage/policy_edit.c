/* SPDX-License-Identifier: Apache-2.0 */
/* policy_edit.c - changing policy.json; the header is the manual */
#include "config.h"

#include "storage/policy_edit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "storage/confdir.h"
#include "storage/policy.h"
#include "storage/ref.h"

/* --- scopes --- */

void policy_scope_done(struct policy_scope *s)
{
	free(s->transport);
	free(s->scope);
	*s = (struct policy_scope){ 0 };
}

static int set_scope(struct policy_scope *s, const char *transport, char *take, struct rl_err *err)
{
	s->transport = strdup(transport);
	s->scope = take;
	return s->transport && take ? 0 : rl_oom(err);
}

/* "quay.io", "localhost:5000": nothing behind it, and only a host can look so. */
static bool is_host(const char *word)
{
	size_t n = strcspn(word, ":");

	if (strchr(word, '/') || strchr(word, '@'))
		return false;
	if (word[n] && strspn(word + n + 1, "0123456789") != strlen(word + n + 1))
		return false;
	return memchr(word, '.', n) || (n == 9 && strncmp(word, "localhost", 9) == 0);
}

static int parse_path(const char *transport, const char *path, struct policy_scope *ret,
		      struct rl_err *err)
{
	char *real;

	if (!*path)
		return set_scope(ret, transport, strdup(""), err);
	if (strcmp(transport, "docker-archive") == 0)
		return rl_fail(err, EINVAL,
			       "docker-archive: has no places below it, only 'docker-archive:'");
	real = realpath(path, NULL);
	if (!real)
		return rl_fail_sys(err, errno, "look for '%s'", path);
	return set_scope(ret, transport, real, err);
}

/* A name with its registry stays as it is typed: it may be the beginning of several. */
static int parse_image(const char *word, struct policy_scope *ret, struct rl_err *err)
{
	auto_ref struct ref ref = { 0 };
	bool has_end;

	if (is_host(word))
		return set_scope(ret, "docker", strdup(word), err);
	if (ref_parse(word, strlen(word), &ref, err) < 0)
		return -err->code;
	if (!ref.is_short) {
		auto_free char *full = ref_print_repo(&ref);

		if (full && strncmp(full, word, strlen(full)) != 0)
			log_warn("'%s' is what is below that; the image is '%s'", word, full);
		return set_scope(ret, "docker", strdup(word), err);
	}
	has_end = strchr(word, '@') || strchr(word, ':');
	return set_scope(ret, "docker", has_end ? ref_print(&ref) : ref_print_repo(&ref), err);
}

static int parse_word(const char *word, struct policy_scope *ret, struct rl_err *err)
{
	static const char *const paths[] = { "dir", "oci", "oci-archive", "docker-archive" };

	if (strcmp(word, "default") == 0) {
		ret->scope = strdup("");
		return ret->scope ? 0 : rl_oom(err);
	}
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		size_t n = strlen(paths[i]);

		if (strncmp(word, paths[i], n) == 0 && word[n] == ':')
			return parse_path(paths[i], word + n + 1, ret, err);
	}
	if (strncmp(word, "docker:", 7) == 0) {
		word += strncmp(word, "docker://", 9) == 0 ? 9 : 7;
		if (!*word)
			return set_scope(ret, "docker", strdup(""), err);
	}
	if (strncmp(word, "*.", 2) == 0) {
		if (!is_host(word + 2) && strchr(word + 2, '/'))
			return rl_fail(err, EINVAL, "'%s': a '*.' stands before a host only", word);
		return set_scope(ret, "docker", strdup(word), err);
	}
	return parse_image(word, ret, err);
}

int policy_scope_parse(const char *word, struct policy_scope *ret, struct rl_err *err)
{
	auto_policy_scope struct policy_scope s = { 0 };

	if (parse_word(word, &s, err) < 0)
		return -err->code;
	*ret = s;
	s = (struct policy_scope){ 0 };
	return 0;
}

/* --- requirements --- */

static int check_pem(const char *path, const struct buf *text, struct rl_err *err)
{
	if (!text->data || !strstr(text->data, "-----BEGIN PUBLIC KEY-----"))
		return rl_fail(err, EINVAL, "'%s' is no PEM file with a public key", path);
	return 0;
}

/* Armor, or the first byte of an OpenPGP packet with a public key: tag 6, old or new form. */
static int check_gpg(const char *path, const struct buf *text, struct rl_err *err)
{
	const char *data = text->data ? text->data : "";
	const unsigned char first = (unsigned char)data[0];

	if (strstr(data, "-----BEGIN PGP PUBLIC KEY BLOCK-----") || (first & 0xfc) == 0x98 ||
	    first == 0xc6)
		return 0;
	rl_fail(err, EINVAL, "'%s' is no file with OpenPGP public keys", path);
	return rl_hint(err, "gpg --armor --export KEY-ID writes one");
}

typedef int key_check(const char *path, const struct buf *text, struct rl_err *err);

static int check_key(const char *path, key_check *check, struct rl_err *err)
{
	auto_buf struct buf text = { 0 };

	if (io_read_file(AT_FDCWD, path, POLICY_MAX, &text, err) < 0)
		return rl_wrap(err, "public key");
	if (text.data && strstr(text.data, "PRIVATE KEY"))
		return rl_fail(err, EINVAL, "'%s' is a private key: the public one is needed",
			       path);
	return check(path, &text, err);
}

static int signed_by(json_t *q_take, const struct strv *keys, bool exact, key_check *check,
		     json_t **ret, struct rl_err *err)
{
	json_auto_t *q = q_take;
	json_t *paths = json_array();

	if (!q || json_object_set_new(q, "keyPaths", paths) < 0 ||
	    json_object_set_new(q, "signedIdentity",
				json_pack("{s:s}", "type",
					  exact ? "matchRepoDigestOrExact" : "matchRepository")) <
		    0)
		return rl_oom(err);
	for (size_t i = 0; i < keys->n; i++) {
		auto_free char *real = realpath(keys->v[i], NULL);

		if (!real)
			return rl_fail_sys(err, errno, "look for '%s'", keys->v[i]);
		if (check_key(real, check, err) < 0)
			return -err->code;
		if (json_array_append_new(paths, json_string(real)) < 0)
			return rl_oom(err);
	}
	/* older readers know the word for one only */
	if (keys->n == 1 && (json_object_set(q, "keyPath", json_array_get(paths, 0)) < 0 ||
			     json_object_del(q, "keyPaths") < 0))
		return rl_oom(err);
	*ret = TAKE_PTR(q);
	return 0;
}

int policy_sigstore(const struct strv *keys, bool exact, json_t **ret, struct rl_err *err)
{
	return signed_by(json_pack("{s:s}", "type", "sigstoreSigned"), keys, exact, check_pem, ret,
			 err);
}

int policy_signed_by(const struct strv *keys, json_t **ret, struct rl_err *err)
{
	return signed_by(json_pack("{s:s, s:s}", "type", "signedBy", "keyType", "GPGKeys"), keys,
			 true, check_gpg, ret, err);
}

/* --- the file --- */

static int read_old(const char *path, json_t **ret, struct rl_err *err)
{
	if (access(path, F_OK) == 0)
		return policy_load(path, ret, err);
	if (access(POLICY_SYSTEM, F_OK) == 0)
		return policy_load(POLICY_SYSTEM, ret, err);
	*ret = json_pack("{s:[{s:s}]}", "default", "type", "insecureAcceptAnything");
	return *ret ? 0 : rl_oom(err);
}

/* @o's member @key, made where it is missing; borrowed, NULL = out of memory. */
static json_t *member(json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	if (v)
		return v;
	v = json_object();
	return json_object_set_new(o, key, v) < 0 ? NULL : v;
}

static int take_away(json_t *root, const struct policy_scope *at, struct rl_err *err)
{
	json_t *all = json_object_get(root, "transports");
	json_t *scopes = at->transport ? json_object_get(all, at->transport) : NULL;

	if (!at->transport)
		return rl_fail(err, EINVAL, "the default can be changed, not taken away");
	if (json_object_del(scopes, at->scope) < 0)
		return rl_fail(err, ENOENT, "there is no rule for '%s%s%s'", at->transport,
			       *at->scope ? ": " : "", at->scope);
	if (json_object_size(scopes) == 0)
		(void)json_object_del(all, at->transport);
	return 0;
}

static int put(json_t *root, const struct policy_scope *at, json_t *requirement, struct rl_err *err)
{
	json_t *list = json_array(), *to = root;

	if (at->transport) {
		to = member(root, "transports");
		to = to ? member(to, at->transport) : NULL;
	}
	if (!list || json_array_append(list, requirement) < 0 || !to ||
	    json_object_set_new(to, at->transport ? at->scope : "default", list) < 0)
		return rl_oom(err);
	return 0;
}

int policy_set(const char *path, const struct policy_scope *at, json_t *requirement,
	       struct rl_err *err)
{
	json_auto_t *own = requirement, *root = NULL;
	auto_free char *user = path ? strdup(path) : confdir_user("policy.json");
	auto_free char *text = NULL, *real = NULL;
	auto_fd int lock = FD_NONE;

	if (!user)
		return rl_fail(err, ENOENT, "no place for policy.json: HOME is not set");
	lock = confdir_lock(user, err);
	if (lock < 0 || read_old(user, &root, err) < 0 ||
	    (own ? put(root, at, own, err) : take_away(root, at, err)) < 0)
		return -err->code;
	text = json_dumps(root, JSON_INDENT(4));
	if (!text)
		return rl_oom(err);
	real = realpath(user, NULL); /* a link stays one */
	return io_replace_file(AT_FDCWD, real ? real : user, text, strlen(text), 0644, IO_SYNC,
			       err);
}
