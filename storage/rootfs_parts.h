/* SPDX-License-Identifier: Apache-2.0 */
/* rootfs_parts.h - the rungs behind storage/rootfs.h; for rootfs*.c only */
#pragma once

#include <sys/stat.h>

#include "storage/rootfs.h"

#define ROOTFS_OVERLAY_LAYERS_MAX 500 /* OVL_MAX_STACK of the kernel */

/* In init: an O_PATH descriptor on the folder that @fd means, in our own mount namespace; -ESTALE
 * when another one has its name now. */
int rootfs_reopen(int fd, struct rl_err *err) RL_MUST_USE;

/* rootfs_overlay.c: kernel overlay, in init. fd of an unattached mount. */
int overlay_mount(const struct rootfs *r, struct rl_err *err) RL_MUST_USE;
/* The way for kernels before 6.7, which the other falls back to. */
int overlay_mount_old(const struct rootfs *r, struct rl_err *err) RL_MUST_USE;

/* rootfs_fuse.c: the daemon is started waiting (in the joiner), then gets the device (from init). */
int fuse_prepare(const struct rootfs *r, int *ret_fd, struct rl_err *err) RL_MUST_USE;
int fuse_mount(const struct rootfs *r, int prepared_fd, struct rl_err *err) RL_MUST_USE;

/* rootfs_copy.c: fill <ctr>/rootfs (in the joiner, uid 0 in S), then clone it (in init). */
int copy_prepare(const struct rootfs *r, struct rl_err *err) RL_MUST_USE;
int copy_mount(const struct rootfs *r, struct rl_err *err) RL_MUST_USE;
