/* SPDX-License-Identifier: Apache-2.0 */
/* fetch_remote.h - manifests of a registry, without layers, by rl-image (storage/fetch.h) */
#pragma once

#include <jansson.h>

#include "storage/fetch.h"

enum remote_depth {
	REMOTE_TOP, /* what the name stands for */
	REMOTE_ONE, /* and, behind an index, the manifest for @req->platform */
	REMOTE_ALL, /* and all manifests of the index */
};

/**
 * fetch_remote() - Look at a name in its registry
 * @ret:	Array of { "digest", "size", "type", "text", "config" } (storage/image/remote.c); digests
 *		are checked, the texts are HOSTILE. New reference
 * @ret_name:	Canonical name of where it was found; caller frees
 */
int fetch_remote(const struct rl *rl, const struct pull_req *req, enum remote_depth depth,
		 json_t **ret, char **ret_name, struct rl_err *err) RL_MUST_USE;
