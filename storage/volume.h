/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume.h - named volumes: folders that outlive containers
 *
 * volumes/<name>/_data is what a container sees, volumes/<name>/volume.json the record. A volume
 * is built under a temporary name and claimed by one rename: of two creators one wins, the other
 * uses the winner's. Image content is copied into a fresh volume once, by the engine, at its
 * first mount; the record says whether that is still to be done.
 */
#pragma once

#include <stdbool.h>

#include "core/base/strv.h"
#include "core/rl.h"

#define VOLUME_NAME_MAX 255

/* 0, or -EINVAL: [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most VOLUME_NAME_MAX bytes. Touches no file. */
int volume_check_name(const char *name, struct rl_err *err) RL_MUST_USE;

struct volume {
	char *name;   /* owned */
	char *path;   /* absolute path of _data, owned */
	bool created; /* by this very call */
	bool copy_up; /* the image's content is still to be copied in */
	bool anonymous;
};

struct volume_req {
	const char *name;          /* NULL: anonymous, a random name */
	const struct strv *labels; /* "key=value", or NULL */
	bool no_copy;              /* never copy image content into it */
	bool no_sync;              /* it goes with its container: need not survive a power loss */
};

/* Find the volume or make it. Release @ret with volume_done(). */
int volume_get(const struct rl *rl, const struct volume_req *req, struct volume *ret,
	       struct rl_err *err) RL_MUST_USE;
/* The engine copied the image's content (or found the volume in use): never do it again. */
int volume_set_copied(const struct rl *rl, const char *name, struct rl_err *err) RL_MUST_USE;
void volume_done(struct volume *v);
#define auto_volume __attribute__((cleanup(volume_done)))
