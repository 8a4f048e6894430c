/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sources.h - inside core/launch: the host's side of bind mounts
 *
 * Where C sees S's ids, init opens the sources itself. Where it does not, files of the caller may be
 * nobody's to it, and folders on the way closed: then the joiner clones the mounts, as root of S.
 */
#pragma once

#include "core/launch.h"

struct spec_mount;

/*
 * A clone of the mount at @source, or of what is at @subpath below it (HOSTILE: a volume's content; never
 * through a link that leads out). @is_real: -ELOOP when there is a link in @source. fd or -errno.
 */
int sources_clone(const char *source, const char *subpath, bool is_real,
		  bool recursive) RL_MUST_USE;

/* The same without a mount of its own: O_PATH, or -errno. */
int sources_open_path(const char *source, const char *subpath, bool is_real) RL_MUST_USE;
/* An overlay of the spec, unattached; the folder below one of the user's (is_real) by descriptor, too. */
int sources_overlay(const struct spec_mount *m, struct rl_err *err) RL_MUST_USE;
/* Say why the source of @m could not be opened. Return: -@code. */
int sources_fail(const struct spec_mount *m, int code, struct rl_err *err);

/**
 * sources_open() - In the joiner, in a mount namespace of S: a clone for each bind mount of the spec
 * @ret:	One descriptor per mount, FD_NONE for those that are no binds; the caller frees the array
 *
 * A volume that is still empty ("copyup") and whose owner C does not know gets C's root as owner.
 */
int sources_open(const struct launch *l, int **ret, struct rl_err *err) RL_MUST_USE;

/* In the joiner: what is mounted with "U" gets the owner that the container's process has. */
int sources_chown(const struct launch *l, struct rl_err *err) RL_MUST_USE;
