/* SPDX-License-Identifier: Apache-2.0 */
/* confdir.h - the user's folder of the files that podman, skopeo and rl share */
#pragma once

#include "core/base/err.h"

/* $XDG_CONFIG_HOME/containers/NAME, else ~/.config/containers/NAME; caller frees. NULL without a
 * home, or when out of memory. */
char *confdir_user(const char *name) RL_MUST_USE;
/* The folder of the file @path, made where it is missing, locked until the result is closed: who
 * changes a file there reads, changes and replaces it under this lock. fd or -errno. */
int confdir_lock(const char *path, struct rl_err *err) RL_MUST_USE;
