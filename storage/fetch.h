/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch.h - running the helper program rl-image: pull, load, shift, remove
 *
 * The helper is started inside S (it must give files their owners), reads nothing from its
 * environment but proxies, shows progress on stderr, and writes one JSON object to its stdout:
 * { "id": hex, "name": canonical, "digest": "sha256:..." } per image, or
 * { "error": text, "hint": text, "code": errno } as the last line.
 */
#pragma once

#include "core/session.h"
#include "storage/image.h"

enum pull_policy { PULL_MISSING, PULL_ALWAYS, PULL_NEVER, PULL_NEWER };

int pull_policy_parse(const char *s, enum pull_policy *ret, struct rl_err *err) RL_MUST_USE;

struct pull_req {
	const char *name;             /* as typed */
	const char *platform;         /* "linux/arm64", or NULL */
	const char *authfile, *creds; /* or NULL */
	const char *cert_dir;         /* or NULL */
	int tls_verify;               /* -1 = as registries.conf says, 0, 1 */
	uint64_t retries;             /* default 3 */
	bool quiet, all_tags;
};

/* Pull; the image's id (64 hex) is written to @ret_id. */
int fetch_pull(const struct rl *rl, const struct pull_req *req, char ret_id[65],
	       struct rl_err *err) RL_MUST_USE;
/* Apply a policy: find locally and/or pull, return the image. */
int fetch_image(const struct rl *rl, const struct pull_req *req, enum pull_policy policy,
		struct image *ret, struct rl_err *err) RL_MUST_USE;
/* Load an archive; @path NULL or "-": stdin. Names (or ids) of the loaded images go to @ret_names. */
int fetch_load(const struct rl *rl, const char *path, bool quiet, struct strv *ret_names,
	       struct rl_err *err) RL_MUST_USE;
/* Remove a tree below data_dir that holds files of subordinate owners (done inside S). */
int fetch_remove_tree(const struct rl *rl, const struct session *s, const char *rel_path,
		      struct rl_err *err) RL_MUST_USE;
