/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounting.h - what `rl mount` and `rl image mount` share: folders inside `rl unshare`, and their list
 *
 * An ordinary user's mount lives in a mount namespace of its own. So things are mounted inside
 * `rl unshare` only, for what else runs there, and are gone when it ends. The folder is run_dir/mounts/ID;
 * what is mounted, the kernel knows: no record can be wrong.
 */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "core/rl.h"
#include "core/session.h"

/* The session, as it is seen by one who is in it (inside `rl unshare`); it has no descriptor. */
int mounting_session(struct session *ret, struct rl_err *err) RL_MUST_USE;

/* The folder for the object @id; caller frees. NULL: out of memory, @err is set */
char *mounting_place(const struct rl *rl, const char *id, struct rl_err *err) RL_MUST_USE;
/* The same, made */
int mounting_make(const struct rl *rl, const char *id, char **ret, struct rl_err *err) RL_MUST_USE;
/* Is something mounted on the folder? */
bool mounting_is_there(const char *path);
/* Unmount it, whoever looks at it. -EINVAL: nothing is mounted there */
int mounting_undo(const char *path, const char *what, struct rl_err *err) RL_MUST_USE;

/* The object @id (or "": none) is gone: remove its folder, and what others have mounted there. */
void mounting_forget(const struct rl *rl, const char *id);

/* A line of the list of what is mounted */
int mounting_add(json_t *list, const char *id, const char *const *names, size_t n_names,
		 const char *path, struct rl_err *err) RL_MUST_USE;
/* Print the list: a table of ids and folders, or with @format "json" what mounting_add() took */
int mounting_print(const json_t *list, const char *format, bool no_trunc,
		   struct rl_err *err) RL_MUST_USE;
/* Is @format one that mounting_print() knows? */
int mounting_check_format(const char *format, struct rl_err *err) RL_MUST_USE;
