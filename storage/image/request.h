/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h - what rl asks rl-image to pull or load: one JSON object on descriptor 3
 *
 *	{ "uids": "0 1000 1\n1 100000 65536\n", "gids": ..., "one_id": bool,   maps of S
 *	  "policy": path of policy.json or absent, "sig_dir": of registries.d (pull, load),
 *	  "source": absolute path or absent (load),
 *	  "platform": "linux/arm64" or absent, "quiet": bool, "all_tags": bool,
 *	  "want": the one image of the archive that is asked for, or absent (load),
 *	  "id": of the image, "format": "oci" or "docker" or absent, "compression": "gzip" or "zstd",
 *	  "images": [ { "id": .., "names": [..] } ... ] (save, "format" says what is written),
 *	  "level": of it, -1 = its usual one (push),
 *	  "add": { "config": image config without the new layer, "layers": [descriptors below it],
 *	    "names": [canonical], "docker": bool } (add),
 *	  "retries": 3, "retry_delay_ms": 1000,
 *	  "limits": { "connect_ms", "header_ms", "stall_ms" },
 *	  "stores": [absolute paths] (pull),
 *	  "query": text or absent, "limit": 25 (search),
 *	  "sources": [ { "image": canonical name, "target": tag or digest,
 *	    "name": "docker.io", "host": "registry-1.docker.io", "repo": "library/alpine",
 *	    "insecure": bool, "verify": bool, "mirror": bool,
 *	    "user", "password", "refresh_token", "login_from": strings or absent,
 *	    "realm_hosts": [..], "ca_dirs": [..], "cert_dir": string or absent } ... ] }
 *
 * It comes from rl itself and is trusted; it holds secrets, so it never is an argument or an
 * environment variable, and what JSON kept of it is overwritten when freed.
 */
#pragma once

#include <jansson.h>

#include "core/session.h"
#include "storage/image/registry.h"
#include "storage/platform.h"

#define REQUEST_FD  3
#define REQUEST_MAX (32 << 20) /* a manifest list brings its manifests */

struct source {
	struct registry_conf conf;
	char *image, *target;
	bool mirror;
};

struct request_image { /* one to be saved */
	char *id;
	struct strv names;
};

struct request {
	struct session session; /* userns_fd is FD_NONE: we are in it */
	struct platform platform;
	bool platform_given, quiet, all_tags;
	struct strv stores;     /* other stores to read packed layers from (pull) */
	char *query;            /* search: the term; "" = all; NULL = list the tags */
	int64_t limit;          /* search: of results */
	char *policy, *sig_dir; /* policy.json or NULL, and registries.d (trust.h) */
	char *source;           /* load: path of the archive or folder, or NULL */
	char *want;
	char *id, *format, *compression; /* push */
	int64_t level;                   /* of compression; -1 = its usual one */
	bool force;
	json_t *list; /* owned; or NULL */
	struct request_image *images;
	size_t n_images;
	json_t *add; /* owned */
	struct source *sources;
	size_t n_sources;
};

/* Read and close REQUEST_FD. */
int request_read(struct request *ret, struct rl_err *err) RL_MUST_USE;
void request_done(struct request *req);

/* Result lines on stdout. */
int request_result(const char *id, const char *name, const char *digest,
		   struct rl_err *err) RL_MUST_USE;
/* Blocks INT, TERM and HUP and gives a descriptor that tells of them. fd or -errno. */
int request_signals(struct rl_err *err) RL_MUST_USE;
