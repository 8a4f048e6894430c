/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nsjoin.h - engine: namespaces of another container ("--network container:NAME")
 *
 * A namespace belongs to a process, which is another one after each start of its container. So the
 * spec of who joins names the container: the path "<data folder>/containers/<id>/ns/<type>" is no
 * file, and every start asks nsjoin_open() what it means now. Whoever joins any namespace
 * of a container also joins its user namespace, in which alone its capabilities mean something.
 */
#pragma once

#include <stdbool.h>

#include "core/base/err.h"
#include "core/ctr.h"
#include "core/rl.h"

/* What the spec says for one namespace of a container; caller frees, NULL: out of memory. */
char *nsjoin_path(const struct rl *rl, const char *id, const char *type) RL_MUST_USE;

/* Whether @c joins a namespace of the container @id; one that cannot be read joins none. */
bool nsjoin_joins(const struct rl *rl, const struct ctr *c, const char *id);

/**
 * nsjoin_open() - The namespaces of the container that @path names, as they are now
 * @ret_fd:	A pidfd of its first process, which setns() takes; owned by the caller
 *
 * Return: 0; 1 when @path is some other path; -ESRCH when the container does not run, -ENOENT
 */
int nsjoin_open(const struct rl *rl, const char *path, int *ret_fd, struct rl_err *err) RL_MUST_USE;
