/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nested.h - no user namespaces inside a container where the sysctl against them cannot be written
 *
 * Threat: user namespaces give a payload the kernel's whole surface for administrators.
 * Defence: user.max_user_namespaces is 0 in the container's namespace (core/procfs.c). Inside an outer
 * container /proc/sys is read-only; then a filter refuses what makes such a namespace: unshare and
 * clone with CLONE_NEWUSER (EPERM), and clone3, whose flags a filter cannot read (ENOSYS: libc goes back
 * to clone). For every architecture that the kernel runs here.
 * Must not: be left out of an exec; run and exec both come by core/isolate.c.
 */
#pragma once

#include "core/base/err.h"

/* Load it into this process; needs what seccomp_apply() needs. */
int nested_forbid(struct rl_err *err) RL_MUST_USE;
