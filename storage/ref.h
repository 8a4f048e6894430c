/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ref.h - image references: "[registry/]repo[:tag][@digest]" to parts and back
 *
 * Grammar and defaults are those of Docker: the first part is a registry when it holds a '.', a
 * ':' or an upper case letter, or is "localhost"; without one it is docker.io, where names of one
 * part live below "library/"; "index.docker.io" is docker.io. Source: the grammar comment of
 * distribution/reference. A parsed reference is safe as a path: no part is empty, "." or "..".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

#define REF_LEN_MAX  512 /* longer input is refused before it is looked at */
#define REF_NAME_MAX 255 /* registry and repository together */
#define REF_TAG_MAX  128

/**
 * struct ref - A parsed image reference; every string is owned by the struct
 * @registry:	host[:port]; never NULL, the default is filled in
 * @repo:	path below the registry; never NULL
 * @tag:	NULL when only a digest was given
 * @digest:	"sha256:<64 hex>", or NULL
 * @is_short:	no registry was typed, so docker.io is only the default
 */
struct ref {
	char *registry, *repo, *tag, *digest;
	bool is_short;
};

/**
 * ref_parse() - Split an image name as a user types it
 * @s:		Text, need not end in NUL
 * @len:	Bytes at @s
 * @ret_ref:	Written on success only; release with ref_done()
 * @err:	Set on failure, quotes the bad part of @s
 *
 * Return: 0, -EINVAL for a malformed name, -ENOMEM
 */
int ref_parse(const char *s, size_t len, struct ref *ret_ref, struct rl_err *err) RL_MUST_USE;

/* The same check without a result: cheap. @ret_short may be NULL. 0 or -EINVAL */
int ref_check(const char *s, size_t len, bool *ret_short, struct rl_err *err) RL_MUST_USE;

/* ref_print() - Canonical text of @ref; the caller frees it. NULL when out of memory. */
char *ref_print(const struct ref *ref) RL_MUST_USE;
/* The same without tag and digest: "docker.io/library/alpine". */
char *ref_print_repo(const struct ref *ref) RL_MUST_USE;

/* True for a valid tag of @len bytes. */
bool ref_is_tag(const char *s, size_t len);

void ref_done(struct ref *ref); /* fine on a zeroed or released struct */
#define auto_ref __attribute__((cleanup(ref_done)))
