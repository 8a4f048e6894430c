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

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/strv.h"
#include "core/rl.h"
#include "core/session.h"

#define VOLUME_NAME_MAX 255

/* 0, or -EINVAL: [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most VOLUME_NAME_MAX bytes. Touches no file. */
int volume_check_name(const char *name, struct rl_err *err) RL_MUST_USE;

struct volume {
	char *name;   /* owned */
	char *path;   /* absolute path of _data, owned */
	bool created; /* by this very call */
	bool copy_up; /* the image's content is still to be copied in */
	bool anonymous;
	int64_t created_ns;
	json_t *record; /* owned; the two below point into it */
	json_t *labels; /* object of strings */
	/*
	 * Object of strings, "type", "device", "o" as of mount(8): empty for a folder of ours. What is
	 * behind it is mounted by each container that uses the volume, in its own mount namespace.
	 */
	json_t *options;
};

struct volume_req {
	const char *name;           /* NULL: anonymous, a random name */
	bool anonymous;             /* also with a name: one that volume_random_name() made */
	const struct strv *labels;  /* "key=value", or NULL */
	const struct strv *options; /* "type=tmpfs", "device=/srv", "o=ro,size=1m", or NULL */
	bool no_copy;               /* never copy image content into it */
	bool no_sync;               /* it goes with its container: need not survive a power loss */
};

/* A name for an anonymous volume, for who must know it before the volume is there. */
#define VOLUME_RANDOM_LEN 64
void volume_random_name(char ret[VOLUME_RANDOM_LEN + 1]);

/* Find the volume or make it. Release @ret with volume_done(). */
int volume_get(const struct rl *rl, const struct volume_req *req, struct volume *ret,
	       struct rl_err *err) RL_MUST_USE;
/*
 * One that is there, or -ENOENT "no such volume". A unique beginning of an anonymous one's name is not
 * enough: names are names.
 */
int volume_load(const struct rl *rl, const char *name, struct volume *ret,
		struct rl_err *err) RL_MUST_USE;
/* The names of all, sorted; appended. */
int volume_list(const struct rl *rl, struct strv *ret, struct rl_err *err) RL_MUST_USE;
/* Who uses what: "<name> <container id>" for each volume of each container, also ones just being
 * made; appended. */
int volume_users(const struct rl *rl, struct strv *ret, struct rl_err *err) RL_MUST_USE;
/* The ids of the containers that mount @name; appended. */
int volume_users_of(const struct rl *rl, const char *name, struct strv *ret,
		    struct rl_err *err) RL_MUST_USE;
/*
 * Whoever makes a container holds off the removal of volumes from before it asks for them until its
 * record is there to say so. A descriptor to close, FD_NONE when there are no volumes yet, -errno.
 */
int volume_hold(const struct rl *rl, struct rl_err *err) RL_MUST_USE;
/*
 * Out of sight at once, then deleted (inside S when files belong to subordinate owners: @s, or NULL
 * when S could not be had). Return: 0; -ENOENT with exit_code 1; -EBUSY with exit_code 2 names the
 * containers that use it; -errno
 */
int volume_remove(const struct rl *rl, const struct session *s, const char *name,
		  struct rl_err *err) RL_MUST_USE;
/* Delete what removals and creations that died have left. Cheap when there is nothing. */
void volume_sweep(const struct rl *rl, const struct session *s);
/* The engine copied the image's content (or found the volume in use): never do it again. */
int volume_set_copied(const struct rl *rl, const char *name, struct rl_err *err) RL_MUST_USE;
/* Is a tmpfs or a folder elsewhere behind it, and not a folder of ours? */
bool volume_is_elsewhere(const struct volume *v);
void volume_done(struct volume *v);
#define auto_volume __attribute__((cleanup(volume_done)))
