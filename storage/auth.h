/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth.h - stored logins: auth files and credential helpers
 *
 * Files, first hit wins: the one the user names (--authfile or REGISTRY_AUTH_FILE: then no other),
 * $DOCKER_CONFIG/config.json, $XDG_RUNTIME_DIR/containers/auth.json, $XDG_CONFIG_HOME/containers/auth.json
 * (or ~/.config), ~/.docker/config.json, ~/.dockercfg. In a file the longest key
 * that is HOST or HOST/PATH of the repository wins; then credHelpers for the host, then
 * credsStore, run as docker-credential-NAME from fixed folders with a small environment. Source:
 * containers-auth.json(5). Runs in rl itself: helpers want the user's own namespaces.
 */
#pragma once

#include "core/base/strv.h"
#include "storage/ref.h"

#define AUTH_FILE_MAX (1 << 20)

/**
 * struct login - Who to be at a registry; all NULL = nobody
 * @user, @password: for Basic
 * @refresh_token: Docker's "identitytoken"; excludes the two above
 * @from:	Where it stood, for messages
 * @twins:	Other hosts of the same file with the very same login
 */
struct login {
	char *user, *password, *refresh_token, *from;
	struct strv twins;
};

/**
 * auth_find() - Look up the login for a repository
 * @authfile:	--authfile, or NULL
 * @ref:	Only registry and repo count
 * @ret:	Zeroed when there is no login; release with login_done()
 *
 * Return: 0, -ENOENT (only for a file that the user named), -EINVAL for a malformed file
 */
int auth_find(const char *authfile, const struct ref *ref, struct login *ret,
	      struct rl_err *err) RL_MUST_USE;
/* "user:password" of --creds; a missing password is an error. */
int auth_parse_creds(const char *creds, struct login *ret, struct rl_err *err) RL_MUST_USE;
/*
 * The same from the text of one file (for tests and fuzzing; no helper is run, its name goes to
 * @ret_helper). 1 = found, 0 = not, or -EINVAL.
 */
int auth_find_in(const char *text, size_t len, const char *path, const struct ref *ref,
		 struct login *ret, char **ret_helper, struct rl_err *err) RL_MUST_USE;

void login_done(struct login *l); /* overwrites the secrets */
#define auto_login __attribute__((cleanup(login_done)))

/* --- login and logout (auth_write.c) ------------------------------------------------------- */

/**
 * auth_write_file() - The file that login writes: @authfile, REGISTRY_AUTH_FILE, else the first of
 * the list above whose folder there is a place for. Caller frees.
 */
int auth_write_file(const char *authfile, char **ret, struct rl_err *err) RL_MUST_USE;
/**
 * auth_store() - Remember a login in @path, or with the helper that @path names for the host
 * @key:	HOST or HOST/PATH
 * The file is made with mode 0600 and replaced whole; what else stands in it is kept.
 */
int auth_store(const char *path, const char *key, const char *user, const char *password,
	       struct rl_err *err) RL_MUST_USE;
/* Forget it; @key NULL: all of the file. -ENOENT when there was none. */
int auth_erase(const char *path, const char *key, struct rl_err *err) RL_MUST_USE;
