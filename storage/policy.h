/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - which images may be pulled and loaded: containers-policy.json(5)
 *
 * $XDG_CONFIG_HOME/containers/policy.json (or ~/.config), else /etc/containers/policy.json; without
 * either everything is accepted. Read by pull and load, by nothing else: what is in the store may
 * run. As the manual asks, reading is strict: an unknown or misspelt key spoils the whole file,
 * because a requirement that is not understood must not be skipped.
 *
 * For an image the requirements of the most specific scope of its transport count, else the
 * transport's default (scope ""), else "default"; all of them must be met.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

#define POLICY_MAX    (1 << 20) /* bytes of the file */
#define POLICY_SYSTEM "/etc/containers/policy.json"

enum policy_kind {
	POLICY_ACCEPT,   /* insecureAcceptAnything */
	POLICY_REJECT,   /* reject */
	POLICY_GPG,      /* signedBy */
	POLICY_SIGSTORE, /* sigstoreSigned with public keys */
	POLICY_KEYLESS,  /* sigstoreSigned with anything that rl cannot check */
};

/* Text to checked JSON, new reference. -EINVAL names @what and the place in it. */
int policy_parse(const char *data, size_t len, const char *what, json_t **ret,
		 struct rl_err *err) RL_MUST_USE;
int policy_load(const char *path, json_t **ret, struct rl_err *err) RL_MUST_USE;
/* The file that counts for this user; NULL = there is none. Caller frees. */
int policy_file(char **ret, struct rl_err *err) RL_MUST_USE;

/**
 * policy_find() - The requirements for one image
 * @policy:	Of policy_parse()
 * @transport:	"docker", "dir", "oci", "oci-archive", "docker-archive"
 * @identity:	docker: canonical name; else the absolute path ("" = unknown)
 * @ret_scope:	Where they stand: "docker: quay.io/team", "docker", or "default"; caller frees
 *
 * Return: 0; @ret is borrowed from @policy and never empty
 */
int policy_find(json_t *policy, const char *transport, const char *identity, json_t **ret,
		char **ret_scope, struct rl_err *err) RL_MUST_USE;

/* Of one requirement in such a list. */
enum policy_kind policy_kind(json_t *requirement);

/**
 * struct policy_identity - What a good signature must be about; strings are owned
 * @exact:	This very name, or NULL
 * @repo:	Any name in this repository; NULL when @exact is set
 */
struct policy_identity {
	char *exact, *repo;
};

/**
 * policy_identity() - signedIdentity of a requirement, applied to one image
 * @image:	Canonical name, or NULL when the image has none (dir:, oci:)
 *
 * Return: 0, -EACCES when the rule needs a name and there is none
 */
int policy_identity(json_t *requirement, const char *image, struct policy_identity *ret,
		    struct rl_err *err) RL_MUST_USE;
/* Is @text, the name in a signature, what @id asks for? Not when it is malformed. */
bool policy_identity_matches(const struct policy_identity *id, const char *text);
void policy_identity_done(struct policy_identity *id);
