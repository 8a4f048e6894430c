/* SPDX-License-Identifier: Apache-2.0 */
/*
 * home.h - can a folder hold a store? Asked before anything is fetched, and by rl doctor
 *
 * Some file systems have no extended attributes, locks, links, modes or owners other than the
 * caller's (NFS with root squash, CIFS, FAT, many FUSE ones). There a store would break halfway
 * through its first image. All is tried, in a folder of its own that is removed again; it takes less
 * than a millisecond on a disk.
 */
#pragma once

#include "core/base/err.h"

/*
 * Inside S (of one id: owners are not tried, since none are set). -EOPNOTSUPP: the message says what its
 * file system lacks, the hint where the store could live. Others: it cannot be written at all.
 */
int home_check(int dir_fd, const char *path, struct rl_err *err) RL_MUST_USE;
