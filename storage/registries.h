/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registries.h - where images come from: short names, mirrors, blocked and insecure registries
 *
 * Files, as containers-registries.conf(5) and containers-registries.conf.d(5) have it:
 * $CONTAINERS_REGISTRIES_CONF, or the user's (~/.config/containers/registries.conf, which hides
 * the system's file and folder), or /etc/containers/registries.conf; then registries.conf.d/ *.conf
 * of the system and of the user in the order of their names. A later file replaces the search
 * list, adds and replaces aliases by name and registries by prefix. Without any file, and where no
 * file sets a search list, a short name means docker.io. The old format of version 1
 * ("[registries.search]") is refused. Image names are asked for nowhere; nothing is written.
 */
#pragma once

#include <stdbool.h>

#include "core/base/strv.h"
#include "storage/ref.h"

struct registries;

/* Where to look; NULL members are left out. For tests; registries_load() fills it in. */
struct registries_paths {
	const char *file, *user_file, *system_file; /* the first that exists is read */
	const char *user_dir, *system_dir;          /* registries.conf.d */
};

/**
 * registries_load() - Read the files of this user
 * @ret:	Release with registries_free()
 *
 * Return: 0, or -errno; messages name file and line
 */
int registries_load(struct registries **ret, struct rl_err *err) RL_MUST_USE;
int registries_load_paths(const struct registries_paths *paths, struct registries **ret,
			  struct rl_err *err) RL_MUST_USE;
/* Where short names are looked for, in this order; empty when no file says so. Borrowed. */
const struct strv *registries_search(const struct registries *r);
/* False when no file is there: then nothing needs to be loaded, docker.io is all there is. */
bool registries_exist(void);
void registries_free(struct registries *r); /* NULL is fine */
static inline void registries_cleanup(struct registries **r)
{
	registries_free(*r);
}
#define auto_registries __attribute__((cleanup(registries_cleanup)))

/**
 * registries_candidates() - What a name as typed may mean
 * @reg:	NULL: no configuration files
 * @name:	As typed; with a registry it means just itself
 * @ret:	Canonical names, to be tried in order; appended to
 *
 * A short name is its alias if it has one, else the name in each search registry.
 * Return: 0, -EINVAL (malformed name; more than one registry and short-name-mode "enforcing"),
 *	   -ENOENT (the search list is empty)
 */
int registries_candidates(const struct registries *reg, const char *name, struct strv *ret,
			  struct rl_err *err) RL_MUST_USE;

/* What a short name means first in the local store: localhost/NAME, canonical; appended. */
int registries_localhost(const char *name, struct strv *ret, struct rl_err *err) RL_MUST_USE;
/*
 * What it means there next: its alias, every search registry whatever the mode, and last
 * docker.io. A full name means itself. @reg may be NULL.
 */
int registries_local_candidates(const struct registries *reg, const char *name, struct strv *ret,
				struct rl_err *err) RL_MUST_USE;

/**
 * struct endpoint - A place to get an image from
 * @ref:	Rewritten reference: registry is the host[:port] to talk to ("docker.io" as it is)
 * @insecure:	Plain HTTP and unverified TLS are allowed
 * @is_mirror:	Failures are no error while another place remains
 */
struct endpoint {
	struct ref ref;
	bool insecure, is_mirror;
};

/* Room for every mirror of one registry; more are refused when the file is read. */
#define ENDPOINTS_MAX 17

/**
 * registries_endpoints() - Mirrors first, the registry itself last
 * @reg:	NULL: no configuration files
 * @ref:	Canonical
 * @ret:	Room for ENDPOINTS_MAX; release each with ref_done(&ret[i].ref)
 *
 * Return: their number, -EPERM when the registry is blocked
 */
int registries_endpoints(const struct registries *reg, const struct ref *ref, struct endpoint *ret,
			 struct rl_err *err) RL_MUST_USE;
