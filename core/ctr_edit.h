/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctr_edit.h - changing a container's record after it was made: name, limits and the like
 *
 * Editors of one container take turns (containers/<id>/edit.lock); readers see the old or the new
 * state.json. A monitor that runs has read what it needs already.
 */
#pragma once

#include "core/ctr.h"

/* Take the turn and read state.json anew into @c->record. fd to close when done, or -errno. */
int ctr_edit(struct ctr *c, struct rl_err *err) RL_MUST_USE;
/* Write @c->record; on disk when this returns. */
int ctr_edit_write(struct ctr *c, struct rl_err *err) RL_MUST_USE;

/**
 * ctr_rename() - Give it another name
 *
 * The new name is claimed before the record changes and the old one is freed after that: at every
 * moment there is a name that leads to the container, and of several who want the same name one
 * gets it. Return: 0, -EINVAL, -EEXIST when somebody has the name (or the container itself)
 */
int ctr_rename(const struct rl *rl, struct ctr *c, const char *name,
	       struct rl_err *err) RL_MUST_USE;
