/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bindhelp.h - engine: owners in bind mounts, before and after: why the container's user may not, and
 * what it left under ids that are not the caller's
 */
#pragma once

#include "cmd/engine/container.h"

/*
 * Before a start: where a source was resolved, no link may be by now (core/spec.h is_real). A container that
 * has the folder around it could lead its own next start anywhere else.
 */
void bindhelp_pin(struct container *c);

/*
 * The first bind mount that the container's user may not read, or not write though it was mounted
 * writable: a sentence with its owner and mode, and the two flags that fit. NULL: there is none.
 */
char *bindhelp_why(const struct container *c) RL_MUST_USE;

/**
 * bindhelp_give_back() - Files in writable bind mounts that belong to subordinate ids become the caller's
 *
 * Volumes keep theirs: they are for the next container. Links are not followed, and a container that
 * still has the folder gains nothing (core/chtree.h).
 * Return: how many files, or -errno
 */
int bindhelp_give_back(const struct container *c, struct rl_err *err) RL_MUST_USE;
