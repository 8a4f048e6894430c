/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fakeid.h - with a single id, calls that need a second one succeed without effect
 *
 * Package managers chown every file that they unpack and setgroups before they download. Where
 * the user has no subordinate ids those calls can only fail, and the tool with them. A seccomp
 * filter answers them with success instead: chown and kin, setgroups, setuid and kin to ids that
 * are not mapped, mknod of devices. It refuses nothing and allows nothing: what it lets pass is
 * decided by the kernel and by the container's own filter. Only for the machine's native calls.
 */
#pragma once

#include "core/base/err.h"

struct idmap;

/* Load it into this process; needs what seccomp_apply() needs. */
int fakeid_load(const struct idmap *uids, const struct idmap *gids, struct rl_err *err) RL_MUST_USE;
