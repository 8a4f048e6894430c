/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootpath.h - paths of a container, resolved inside its root by the kernel
 *
 * This is the one in-root resolver of the project. Every path that an image, a container or a
 * spec names below a root file system goes through here and is a descriptor afterwards; nobody
 * joins such a path to a host path.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "core/base/err.h"

/**
 * rootpath_open() - Open a path as the container will see it
 * @root_fd:	Top of the root file system, borrowed
 * @path:	Path inside; HOSTILE. Absolute and relative mean the same
 * @flags:	open(2) flags; O_CLOEXEC is added. O_CREAT is not allowed
 *
 * Threat: the image holds "etc -> /etc" or "a/../../..", or a process of the container swaps a
 * folder for a symlink while we walk; a check first and an open afterwards lose that race.
 * Defence: RESOLVE_IN_ROOT makes the kernel clamp every step to @root_fd, and
 * RESOLVE_NO_MAGICLINKS closes the way out through /proc/PID/fd and /proc/PID/root.
 * Must not: fall back to plain openat() where openat2 is missing. An old kernel gets an error.
 *
 * Return: fd owned by the caller, or -errno
 */
int rootpath_open(int root_fd, const char *path, int flags, struct rl_err *err) RL_MUST_USE;

/**
 * rootpath_make() - O_PATH descriptor on a folder or file, created where it is missing
 * @dir:	A folder (0755), else an empty file (0644), with the folders above it
 *
 * Symlinks are followed inside the root, dangling ones too (an image's /var/run -> /run without
 * /run gets its /run). Each missing component is created by one name in the descriptor of its
 * parent, which the kernel resolved in the root: nothing is ever created outside.
 *
 * Return: fd owned by the caller; -ENOTDIR or -EISDIR when the other kind is there, -errno
 */
int rootpath_make(int root_fd, const char *path, bool dir, struct rl_err *err) RL_MUST_USE;
