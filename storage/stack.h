/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack.h - the folders that an image is mounted from, with the owners that it has
 *
 * A layer that hides all below it ends the stack. Where files of some layers are in other stores
 * (elsewhere.h) the data of those go in as data-only layers, and all layers up to the topmost of
 * these are one folder, made once from hard links by `rl-image merge`.
 */
#pragma once

#include <stddef.h>

#include "core/base/strv.h"
#include "core/rl.h"
#include "core/session.h"
#include "storage/layer.h"

struct stack {
	int *fds; /* O_PATH, bottom first; owned; room for one more */
	size_t n;
	size_t n_data; /* so many of them, from the bottom, hold data only */
};

/* Open them all. -ENOENT: a layer is not there; -ESTALE: its files in another store are not. */
int stack_open(const struct rl *rl, const struct session *s, const struct strv *diff_ids,
	       struct stack *ret, struct rl_err *err) RL_MUST_USE;
void stack_close(struct stack *st); /* fine on a zeroed struct */

/**
 * stack_whole() - One layer that shows all of an image that has files elsewhere
 * @data:	Folders for data-only layers, appended
 *
 * Return: 1 and the layer's key, 0 when none of the layers has files elsewhere, -errno
 */
int stack_whole(const struct rl *rl, const struct session *s, const struct strv *diff_ids,
		char key[LAYER_KEY_MAX], struct strv *data, struct rl_err *err) RL_MUST_USE;
