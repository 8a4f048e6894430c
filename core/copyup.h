/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copyup.h - fill an empty folder with what another one has: a tmpfs or a volume over image content
 */
#pragma once

#include "core/base/err.h"

#define COPYUP_DEPTH_MAX 256

/**
 * copyup_tree() - Copy all below one folder into another
 * @from_fd:	Folder of the image, may be O_PATH; HOSTILE content
 * @to_fd:	Empty folder
 *
 * Files, folders, symlinks and FIFOs with owner, mode and times; sockets and devices are left out.
 * Everything is opened by one name below a descriptor, never through a link, and a FIFO in the
 * place of a file cannot block. To be called with CAP_CHOWN and kin over both folders.
 *
 * Return: 0, -ENOSPC and kin with the name of the entry, -ELOOP when nested too deep
 */
int copyup_tree(int from_fd, int to_fd, struct rl_err *err) RL_MUST_USE;

/*
 * The same for a volume, which may be in use by others: nothing when it is not empty (S14);
 * else it gets owner and mode of the image's folder as well. All of it appears when it is whole: what
 * failed or was killed on the way leaves nothing of the kind, or an ".rl-copying" that the next call
 * takes up again; also after a power loss, so the copy is synced. Two at once: the second waits for the
 * first. -EBUSY: in vain.
 */
int copyup_volume(int from_fd, int to_fd, struct rl_err *err) RL_MUST_USE;

/* 1: nothing is in the folder, 0: something is; or -errno. @dir_fd may be O_PATH. */
int copyup_is_empty(int dir_fd) RL_MUST_USE;
