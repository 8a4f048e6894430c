/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer.h - unpacked layers: key, look-up, staging, publishing
 *
 * layers/<key>/diff is the tree as the overlay wants it (whiteouts as char 0:0, opaque folders as
 * user.overlay.opaque), layers/<key>/layer.json its record (sizes, diff_id). A layer is immutable:
 * it is unpacked below layers/.tmp-<random>, synced once, and published by rename. One flock per
 * key (layers/.lock-<key>) makes two writers of the same layer take turns; the second finds it
 * done. The key is the diff_id and the owner map it was unpacked under, so a changed subordinate
 * range never meets old files.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/strv.h"
#include "core/rl.h"
#include "core/session.h"

#define LAYER_KEY_MAX 200
#define LAYER_FROM    "from" /* file beside diff/: the layers that one without data was made from */

/**
 * layer_key() - Name of the folder for one layer as seen by one container map
 * @diff_id:	"sha256:<64 hex>"; anything else is -EINVAL before any file is touched
 * @uids, @gids: C's maps into S; NULL or the identity: the layer as pulled
 */
int layer_key(const char *diff_id, const struct session *s, const struct idmap *uids,
	      const struct idmap *gids, char ret[LAYER_KEY_MAX], struct rl_err *err) RL_MUST_USE;

/* The layer without data that stands for all of @diff_ids (bottom first) under a map: the topmost's
 * key for the map, and what tells the others. */
int layer_flat_key(const struct strv *diff_ids, const struct session *s, const struct idmap *uids,
		   const struct idmap *gids, char ret[LAYER_KEY_MAX],
		   struct rl_err *err) RL_MUST_USE;

bool layer_exists(const struct rl *rl, const char *key);
/* O_PATH descriptor on layers/<key>/diff; -ENOENT when it is not there. */
int layer_open(const struct rl *rl, const char *key, struct rl_err *err) RL_MUST_USE;

/*
 * Does the layer hide all below it (".wh..wh..opq" at its top)? An overlay does not look for that
 * mark at the root of a layer, so whoever stacks layers leaves the lower ones out. @fd: layer_open().
 */
bool layer_is_opaque(int fd);

/* Was the layer @key (one that stands for several) made from those whose keys @from lists? The hash in
 * its key can be met by other layers on purpose; what it was made from is written down. */
bool layer_is_from(const struct rl *rl, const char *key, const char *from);

struct layer_stage {
	char key[LAYER_KEY_MAX];
	char name[64]; /* "layers/.tmp-..." relative to data_fd */
	int lock_fd, diff_fd;
};

/* Take the key's lock. 0 = staging is ready, 1 = somebody else published it meanwhile. While
 * somebody else works on it: @wait, else -EAGAIN (for who holds other locks or has other work). */
int layer_begin(const struct rl *rl, const char *key, bool wait, struct layer_stage *ret,
		struct rl_err *err) RL_MUST_USE;
/* Write layer.json, syncfs, rename into place, unlock. */
int layer_publish(const struct rl *rl, struct layer_stage *st, const char *diff_id, int64_t size,
		  int64_t files, struct rl_err *err) RL_MUST_USE;
void layer_abort(const struct rl *rl, struct layer_stage *st); /* removes staging; inside S */
/* Take a published layer away, at once for others, and what was made from it; inside S. */
int layer_remove(const struct rl *rl, const char *key, struct rl_err *err) RL_MUST_USE;
/* What was made from it (LAYER_FROM), alone; it is made anew when it is needed. */
int layer_remove_made(const struct rl *rl, const char *key, struct rl_err *err) RL_MUST_USE;
/* Nobody holds its lock, and it is not so new that its maker is about to take it. */
bool layer_stage_is_dead(int layers_fd, const char *name);
/* Remove staging folders that no live process holds the lock of. */
void layer_sweep(const struct rl *rl);

/* Bytes unpacked by diff_id, as layer.json has them: an object, new reference. Layers whose record
 * cannot be read are left out. */
int layer_sizes(const struct rl *rl, json_t **ret, struct rl_err *err) RL_MUST_USE;
