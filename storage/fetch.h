/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch.h - running the helper program rl-image: pull, load, shift, remove
 *
 * The helper is started inside S (it must give files their owners), gets its request and the
 * credentials as JSON on descriptor 3 (storage/image/request.h), reads nothing from its environment
 * but proxies, shows progress on stderr, and writes one JSON object a line to its stdout:
 * { "id": hex, "name": canonical, "digest": "sha256:..." } per image, or
 * { "error": text, "hint": text, "code": errno } as the last line. Ctrl-C and SIGTERM are handed to it
 * and it is waited for, so that nothing half done stays behind; then the result is -EINTR.
 *
 * The image localhost/rl-busybox needs no registry: it comes with rl (rl-busybox.tar beside the other
 * data files) and is loaded when it is asked for and not there.
 */
#pragma once

#include "core/session.h"
#include "storage/image.h"

#define FETCH_BUILTIN "localhost/rl-busybox:latest"

enum pull_policy { PULL_MISSING, PULL_ALWAYS, PULL_NEVER, PULL_NEWER };

/* "missing", "always", "never", "newer"; "" and "true" as podman takes them. */
int pull_policy_parse(const char *s, enum pull_policy *ret, struct rl_err *err) RL_MUST_USE;

struct pull_req {
	const char *name;             /* as typed, "docker://" allowed */
	const char *platform;         /* "linux/arm64", or NULL */
	const char *authfile, *creds; /* or NULL */
	const char *cert_dir;         /* or NULL */
	int tls_verify;               /* -1 = as registries.conf says, 0, 1 */
	uint64_t retries;             /* default 3 */
	int64_t retry_delay_ms;       /* of the first retry; 0 = 1 s */
	bool quiet, all_tags;
};

/* Pull; the ids (64 hex) of the images are appended to @ret_ids (several with @all_tags). */
int fetch_pull(const struct rl *rl, const struct pull_req *req, struct strv *ret_ids,
	       struct rl_err *err) RL_MUST_USE;
/* Apply a policy: find locally and/or pull, return the image. */
int fetch_image(const struct rl *rl, const struct pull_req *req, enum pull_policy policy,
		struct image *ret, struct rl_err *err) RL_MUST_USE;

/**
 * fetch_load() - Bring in the images of an archive
 * @path:	File (docker-archive or oci-archive, packed or not) or folder (OCI layout, or one image
 *		as docker-dir has it, which has no name);
 *		NULL or "-": stdin
 * @want:	Only this image of several (a tag, name or index in the archive), or NULL
 * @ret_names:	Names, or ids of those without one, appended; or NULL
 * @ret_ids:	Ids, appended; or NULL
 */
int fetch_load(const struct rl *rl, const char *path, const char *want, bool quiet,
	       struct strv *ret_names, struct strv *ret_ids, struct rl_err *err) RL_MUST_USE;

/**
 * fetch_add() - A new image: one layer on top of others
 * @tar_fd:	Regular file with the layer's tar, at its start
 * @add:	"add" of the request (storage/image/request.h)
 * @ret_id:	64 hex and NUL
 */
int fetch_add(const struct rl *rl, const struct session *s, int tar_fd, json_t *add,
	      char ret_id[65], struct rl_err *err) RL_MUST_USE;

/**
 * struct fetch_extract - A tar into a folder (storage/image/extract.h)
 * @in_fd:	The tar, packed or not
 * @dest_fd:	The folder, may be O_PATH
 * @enter_fd:	The user namespace whose root does it (or a pidfd on a process there), inside @session;
 *		FD_NONE: the root of @session does it, or we as who we are when that is NULL
 */
struct fetch_extract {
	int in_fd, dest_fd, enter_fd;
	const struct session *session;
	enum { FETCH_CALLER, FETCH_AS, FETCH_KEEP } owner;
	uid_t uid; /* FETCH_AS, inside that user namespace */
	gid_t gid;
	bool set_id, overwrite;
};
int fetch_extract(const struct rl *rl, const struct fetch_extract *x,
		  struct rl_err *err) RL_MUST_USE;

/* Make layers from others with the owners that a container with these maps into S shows as the same ids:
 * @layers is "DIFF_ID FROM TO" for each (keys of storage/layer.h), with commas. Fine when TO is there. */
int fetch_shift_layers(const struct rl *rl, const struct session *s, const char *layers,
		       const struct idmap *uids, const struct idmap *gids,
		       struct rl_err *err) RL_MUST_USE;
/* The same for all layers of an image, whose plain keys @from lists (topmost first, separated by
 * commas), as one layer without data; @diff_id is the topmost's. -EOPNOTSUPP: not on this kernel. */
int fetch_flatten(const struct rl *rl, const struct session *s, const char *diff_id,
		  const char *from, const char *to, const struct idmap *uids,
		  const struct idmap *gids, struct rl_err *err) RL_MUST_USE;
/* One layer @to that shows what the layers of @from (keys, topmost first, with commas) do together, its
 * files being theirs; @diff_id is the topmost's. */
int fetch_merge(const struct rl *rl, const struct session *s, const char *diff_id, const char *from,
		const char *to, struct rl_err *err) RL_MUST_USE;
/* Remove a tree below data_dir that holds files of subordinate owners (done inside S). */
int fetch_remove_tree(const struct rl *rl, const struct session *s, const char *rel_path,
		      struct rl_err *err) RL_MUST_USE;
/* The same for several, a few at once. */
int fetch_remove_trees(const struct rl *rl, const struct session *s, const struct strv *rel_paths,
		       struct rl_err *err) RL_MUST_USE;
