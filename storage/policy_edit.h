/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_edit.h - changing policy.json without an editor
 *
 * The user's file is changed; where there is none yet it begins as a copy of the system's, so that
 * what stands there goes on to count. Two who change it at once take turns.
 */
#pragma once

#include <jansson.h>

#include "core/base/strv.h"

/* Where a rule stands; strings are owned. */
struct policy_scope {
	char *transport; /* NULL = the global default */
	char *scope;     /* "" = all of the transport */
};

/**
 * policy_scope_parse() - A place as people write it
 * @word:	"default"; an image or the beginning of one ("alpine", "quay.io/team", "quay.io",
 *		"*.example.com"); "docker:"; "dir:PATH", "oci:PATH", "oci-archive:PATH" and
 *		"docker-archive:", PATH may be left out
 *
 * Short names become full ones. Return: 0, -EINVAL
 */
int policy_scope_parse(const char *word, struct policy_scope *ret, struct rl_err *err) RL_MUST_USE;
void policy_scope_done(struct policy_scope *s);
#define auto_policy_scope __attribute__((cleanup(policy_scope_done)))

/* One requirement with these public keys, absolute paths of PEM files; new reference. @exact: the
 * signature must name the tag as well, not just the repository. */
int policy_sigstore(const struct strv *keys, bool exact, json_t **ret,
		    struct rl_err *err) RL_MUST_USE;
/* The same with files of OpenPGP public keys; the tag counts, as podman's rules have it. */
int policy_signed_by(const struct strv *keys, json_t **ret, struct rl_err *err) RL_MUST_USE;

/**
 * policy_set() - Make a rule, or with @requirement NULL take it away
 * @path:	The file, or NULL: the user's
 * @requirement: Stolen
 *
 * Return: 0, -ENOENT when there is none to take away, -EINVAL
 */
int policy_set(const char *path, const struct policy_scope *at, json_t *requirement,
	       struct rl_err *err) RL_MUST_USE;
