/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mnt.h - the kernel's mount API by descriptors: make, clone, change, attach
 *
 * A mount is a descriptor until mnt_attach() puts it somewhere; closing an unattached one
 * unmounts it. No function here resolves a path of the container: targets are descriptors from
 * rootpath.h. Sources: fsopen(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2).
 */
#pragma once

#include <linux/mount.h> /* MOUNT_ATTR_*, MS_* */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

/* A parameter of a new file system; @val NULL: a flag such as "ro". */
struct mnt_opt {
	const char *key, *val;
};

/**
 * mnt_new() - A new, unattached mount of a new file system
 * @type:	As in /proc/filesystems
 * @source:	Shown in /proc/mounts, or NULL
 * @attrs:	MOUNT_ATTR_* of the mount
 *
 * Return: fd owned by the caller, or -errno with the kernel's own words where it has some
 */
int mnt_new(const char *type, const char *source, const struct mnt_opt *opts, size_t n_opts,
	    uint64_t attrs, struct rl_err *err) RL_MUST_USE;

/*
 * An unattached copy of the mount at @path, with all below it when @recursive. An empty @path
 * means @dir_fd itself. fd or -errno; the caller words the message.
 */
int mnt_clone(int dir_fd, const char *path, bool recursive) RL_MUST_USE;

/*
 * Set and clear MOUNT_ATTR_* of the mount @fd; @propagation is MS_PRIVATE and kin, or 0.
 * 0 or -errno.
 */
int mnt_set(int fd, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive) RL_MUST_USE;

/* Show the owners of the unattached mount @fd as the ids of @userns_fd: ids on the disk are ids
 * inside. 0 or -errno: -EPERM for file systems that are not this user namespace's own. */
int mnt_idmap(int fd, int userns_fd, bool recursive) RL_MUST_USE;

/* Attach the mount @fd on the file or directory @target_fd; @fd then means the attached mount. */
int mnt_attach(int fd, int target_fd) RL_MUST_USE;

/**
 * mnt_pivot() - Make @root_fd, an attached mount, the root
 *
 * The old one lies on top of it, and there the caller's working folder stays, until
 * mnt_drop_old() takes it off. Two calls, because the second can take long.
 */
int mnt_pivot(int root_fd, struct rl_err *err) RL_MUST_USE;
int mnt_drop_old(struct rl_err *err) RL_MUST_USE;

/* Stop mounts made here from reaching the host; what the host mounts still arrives. */
int mnt_leave_host(struct rl_err *err) RL_MUST_USE;
