/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idmount.h - idmapped mounts: option "idmap" of a mount, with the container's map or one of its own
 *
 * "idmap=uids=FROM-TO-COUNT[#...];gids=...": files of FROM (on the file system) belong to TO, an id of the
 * host, or after an '@' of the container. The kernel does this for file systems of a user namespace
 * in which the caller has rights, such as a tmpfs that the container mounts, not for the host's.
 */
#pragma once

#include <stdbool.h>

#include "core/base/err.h"

struct launch;

/* Is the text after "idmap=" understood? 0 or -EINVAL. */
int idmount_check(const char *map, struct rl_err *err) RL_MUST_USE;
/**
 * idmount_apply() - In init: before the mount is attached
 * @root_fd:	The root of the container, attached
 * @map:	As above, or NULL: the container's own map
 *
 * Return: 0, -EINVAL for ids that the container does not have, -EPERM: not on this file system
 */
int idmount_apply(const struct launch *l, int root_fd, int fd, const char *map, bool recursive,
		  struct rl_err *err) RL_MUST_USE;
