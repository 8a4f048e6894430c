/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctr.h - a container's folder: claim, records, exit, removal
 *
 *	containers/<id>/lock		record lock, held by the monitor while the container runs
 *	containers/<id>/config.json	the OCI runtime spec that is run
 *	containers/<id>/state.json	name, image, times, options that are not in the spec
 *	containers/<id>/image		the image's id (64 hex), what rmi looks at
 *	containers/<id>/volumes		CTR_VOLUMES, what volume rm looks at
 *	containers/<id>/run.json	written at each start: init's pid with its start time and boot id
 *	containers/<id>/exit.json	written when it has ended
 *	containers/<id>/exit.old	the last end, while it is being started again
 *	containers/<id>/start.error	why the last start failed, if it did
 *	containers/<id>/log/		core/logfile.h
 *	containers/<id>/{upper,work}	writable files (storage/rootfs.h)
 *	container-names/<name>		symbolic link holding the id; free when that folder is gone
 *	containers/.trash-<id>		being removed; swept by whoever meets it
 *
 * A folder that is not complete yet is called containers/.new-<id>. Nothing here waits.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/ctr_exit.h"
#include "core/rl.h"

#define CTR_ID_LEN   64
#define CTR_NAME_MAX 128
#define CTR_FORMAT   1 /* "version" in state.json; a newer one is refused, never rewritten */

/* A line for each volume that the container mounts: CTR_VOLUME_STAYS, _GOES (with the container,
 * whoever removes it) or _NEW (made for it: goes when it never ran), a blank, the name. */
#define CTR_VOLUMES      "volumes"
#define CTR_VOLUMES_MAX  (1 << 20)
#define CTR_VOLUME_STAYS '-'
#define CTR_VOLUME_GOES  'x'
#define CTR_VOLUME_NEW   'n'

struct ctr {
	char id[CTR_ID_LEN + 1];
	char *name;      /* owned */
	struct buf text; /* state.json as it was when the container was opened; empty: damaged */
	json_t *record;  /* the same as a tree; owned, or NULL: damaged, or not made (ctr_look()) */
	bool is_run;     /* "run" in it: made by rl run, so never there without a monitor */
	bool is_remove;  /* "remove" in it: --rm */
	char *dir;       /* absolute path, owned */
	int dir_fd;      /* owned */
	int lock_fd;     /* open, not locked; ctr_lock() in the monitor; owned */
	bool is_new;     /* not published yet, flocked by us */
	bool is_whole;   /* rm -v: its anonymous volumes go along when it is removed */
};

/* 0 or -EINVAL: [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 128 bytes (CLI.md "Behaviour"). */
int ctr_name_check(const char *name, struct rl_err *err) RL_MUST_USE;
/* A name as it was typed, without the '/' that docker's inspect puts in front. */
const char *ctr_name_bare(const char *name);

/**
 * ctr_create() - Make containers/.new-<id> and claim the name; the caller fills it, then publishes
 * @name:	Wanted name, or NULL for a generated one (adjective_surname)
 *
 * Return: 0, -EINVAL for a bad name, -EEXIST says who has it, or -errno; nothing is left then
 */
int ctr_create(const struct rl *rl, const char *name, struct ctr *ret,
	       struct rl_err *err) RL_MUST_USE;
/* Point @name at @id, or -EEXIST; and take it away again if it points there. */
int ctr_name_claim(const struct rl *rl, const char *name, const char *id,
		   struct rl_err *err) RL_MUST_USE;
int ctr_name_free(const struct rl *rl, const char *name, const char *id,
		  struct rl_err *err) RL_MUST_USE;
/* Rename into place: from now on the container is there for everybody. */
int ctr_publish(const struct rl *rl, struct ctr *c, struct rl_err *err) RL_MUST_USE;
/* The files of a published container onto the disk: by `create` before it replies, by the monitor
 * right after the first start. Until then a power loss may leave it damaged or gone. */
int ctr_sync(const struct rl *rl, const struct ctr *c, struct rl_err *err) RL_MUST_USE;

/* Whether the open folder is the one that everybody finds: not removed meanwhile. */
bool ctr_is_published(const struct rl *rl, const struct ctr *c);

/*
 * The flock of a container: held by whoever makes, starts, heals or removes it, for that step only.
 * 0; -EBUSY after @timeout_ms, -ENOENT without a lock file
 */
int ctr_enter(const struct ctr *c, int timeout_ms, struct rl_err *err) RL_MUST_USE;
void ctr_leave(const struct ctr *c);
#define CTR_ENTER_MS 10000

/*
 * In the monitor: take the record lock, held until the process ends, and publish a container that
 * is new. -EALREADY when it runs, -ENOENT when it has been removed meanwhile.
 */
int ctr_lock(const struct rl *rl, struct ctr *c, struct rl_err *err) RL_MUST_USE;

/*
 * A start, in the monitor: the record of the last end is put aside (exit.old), comes back when the
 * start fails, and goes when it has succeeded. A crash in between leaves the old end, or a run.json.
 */
void ctr_start_begin(const struct ctr *c);
void ctr_start_failed(const struct ctr *c, const char *why); /* kept in start.error */
void ctr_start_done(const struct ctr *c);

struct ctr_run {
	pid_t pid;
	int64_t started_ns;
	const char *cgroup; /* path, or NULL */
	unsigned restarts;  /* by the restart policy since the user started it */
	bool paused;
	const char *network; /* what befell its network's helpers, or NULL */
	bool network_down;   /* one of them stays down */
};

int ctr_write_run(const struct ctr *c, const struct ctr_run *x, struct rl_err *err) RL_MUST_USE;

/* On a full disk it takes the room of run.json. */
int ctr_write_exit(const struct ctr *c, const struct ctr_exit *x, bool sync,
		   struct rl_err *err) RL_MUST_USE;

/* --- ctr_remove.c ----------------------------------------------------------------------------- */

/* An anonymous volume is about to be made for the container whose folder @dir_fd is. */
int ctr_note_volume(int dir_fd, const char *name, struct rl_err *err) RL_MUST_USE;
/* From now on the volumes that were made for it go with the container, whoever removes it. */
int ctr_take_volumes(const struct ctr *c, struct rl_err *err) RL_MUST_USE;

/**
 * ctr_remove() - Move the folder out of sight, free the name, delete
 * @userns_fd:	S, for files of subordinate owners (a child enters it when needed), or FD_NONE
 *
 * After the first two steps (done by ctr_hide() alone) nobody can find the container any more.
 * Nothing here needs free space. Who does not hold the record lock enters first (ctr_enter()).
 */
int ctr_remove(const struct rl *rl, struct ctr *c, int userns_fd, struct rl_err *err) RL_MUST_USE;
int ctr_hide(const struct rl *rl, struct ctr *c, struct rl_err *err) RL_MUST_USE;
/* With the volumes that go along; @never_ran: also those that were made for it. */
int ctr_delete_hidden(const struct rl *rl, const struct ctr *c, int userns_fd, bool never_ran,
		      struct rl_err *err) RL_MUST_USE;

/*
 * Remove .trash-* and .new-* folders that no live process works on, with what belongs to them, and
 * names of containers that are not there. Cheap when there are none; opens S when it needs it.
 * @with_names: look through the names in any case, which takes a while with thousands of them.
 */
void ctr_sweep(const struct rl *rl, bool with_names);

void ctr_done(struct ctr *c); /* closes and frees; fine on a zeroed or released struct */
