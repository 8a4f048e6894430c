/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_int.h - what ctr.c, ctr_state.c and ctr_remove.c share */
#pragma once

#include <stdbool.h>

#include "core/ctr.h"

#define CTR_NAMES_DIR "container-names"
#define CTR_EDIT_LOCK "edit.lock" /* in the container's folder: its record is being changed */

/* The lock of all names, at most a few seconds. fd or -errno. */
int ctr_names_lock(const struct rl *rl, struct rl_err *err) RL_MUST_USE;
/* The id that the name @name links to: 0, -ENOENT, -EINVAL for what is no such link. */
int ctr_name_read(const struct rl *rl, const char *name, char id[CTR_ID_LEN + 1]) RL_MUST_USE;
/* Whether @name, a link to @id, is free: no such container, or a rename away from it was cut off. */
bool ctr_name_is_stale(const struct rl *rl, const char *name, const char *id);
/*
 * Is the folder .new-* or .trash-* @name below @dir_fd one that no live process works on?
 * @ret_lock:	Its lock, held until closed so that nobody else takes it for garbage; FD_NONE when
 *		the folder has none
 */
bool ctr_is_garbage(int dir_fd, const char *name, int *ret_lock) RL_MUST_USE;
/* What a monitor would have removed from the runtime folder; all of it may be gone. */
void ctr_drop_socket(const struct rl *rl, const char *id);
