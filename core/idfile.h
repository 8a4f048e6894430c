/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idfile.h - small files that users ask for by path: --cidfile, --pidfile, --conmon-pidfile
 *
 * Paths are absolute by the time they come here: the monitor works elsewhere than the user did.
 * A file is only removed while it holds what was written: it may be another container's by then.
 */
#pragma once

#include <sys/types.h>

#include "core/base/err.h"
#include "core/rl.h"

struct idfiles {
	const char *cid, *pid, *monitor_pid; /* absolute, or NULL */
};

/* An absolute path for what was typed, caller frees; NULL when out of memory. */
char *idfile_path(const char *typed);
/*
 * -EEXIST when the file @path holds the id of a container that there is, unless that is @replaced (a
 * name, or NULL). Anything else in it may be overwritten: the id of one that has gone, mktemp's nothing.
 */
int idfile_check(const struct rl *rl, const char *path, const char *replaced,
		 struct rl_err *err) RL_MUST_USE;
/* Make @path hold the id. */
int idfile_create(const char *path, const char *id, struct rl_err *err) RL_MUST_USE;
/* Make @path hold @pid, replacing what is there. @path NULL: nothing. */
int idfile_write_pid(const char *path, pid_t pid, struct rl_err *err) RL_MUST_USE;
void idfile_drop(const char *path, const char *id); /* @path NULL is fine */
void idfile_drop_pid(const char *path, pid_t pid);
