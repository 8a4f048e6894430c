/* SPDX-License-Identifier: Apache-2.0 */
/* fetch_out.h - what leaves the store, by rl-image (storage/fetch.h): push, save; and login */
#pragma once

#include "storage/fetch.h"

/**
 * struct push_req - One image to one place
 * @id:		Of the image
 * @to:		@name is the whole name there; logins, TLS, retries as for a pull
 * @format:	"oci", "docker", or NULL: as it is
 * @compression: "gzip", "zstd" or NULL; only of layers that are not packed already
 * @force:	also of those that are, in another way
 * @level:	-1: the usual one
 * @list:	NULL, or "list" of the request (storage/image/request.h): @id is a manifest list's
 */
struct push_req {
	const char *id;
	struct pull_req to;
	const char *format, *compression;
	bool force;
	int level;
	json_t *list;
};

/* @ret_digest: of the manifest as the registry has it now; caller frees. */
int fetch_push(const struct rl *rl, const struct push_req *req, char **ret_digest,
	       struct rl_err *err) RL_MUST_USE;

/**
 * fetch_save() - Images to an archive or a folder
 * @ids:	Each "ID" or "ID NAME" as it is to be called there; several names of one id together
 * @format:	"docker-archive", "oci-archive", "oci-dir", "docker-dir"
 * @out_fd:	A file, pipe or (for the last two) an empty folder; borrowed
 */
int fetch_save(const struct rl *rl, const struct strv *ids, const char *format, bool quiet,
	       int out_fd, struct rl_err *err) RL_MUST_USE;

/* Does @registry (host[:port]) take this login? Only @creds or @authfile and TLS of @req count. */
int fetch_login(const struct rl *rl, const char *registry, const struct pull_req *req,
		struct rl_err *err) RL_MUST_USE;
