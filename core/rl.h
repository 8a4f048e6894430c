/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rl.h - what one invocation of rl knows about its user and where things live
 *
 * main() fills one struct rl and passes it down; nothing here changes afterwards.
 *
 *	data_dir	$RL_ROOT, else $XDG_DATA_HOME/rl, else ~/.local/share/rl   (0700)
 *	run_dir		$RL_RUNROOT, else $XDG_RUNTIME_DIR/rl, else data_dir/run                     (0700)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/base/err.h"

struct rl {
	uid_t uid; /* of the caller, in the caller's user namespace */
	gid_t gid;
	char *data_dir; /* absolute; owned */
	int data_fd;    /* O_RDONLY|O_DIRECTORY on data_dir */
	char *run_dir;  /* absolute; owned */
	int run_fd;     /* the same on run_dir */
};

/**
 * rl_open() - Find and create the two folders
 * @root:	--root, or NULL
 *
 * Folders are created 0700, and made so, but for one of 0711 (storage/stores.h). One that exists but belongs to somebody else, or that others may
 * write, is refused (SECURITY S62).
 */
int rl_open(struct rl *rl, const char *root, struct rl_err *err) RL_MUST_USE;
/* The names of the two folders only: nothing is made, changed or opened. */
int rl_find(struct rl *rl, const char *root, struct rl_err *err) RL_MUST_USE;
/* A folder as rl_open() wants it, which must be there and stays as it is. fd, -ENOENT or -errno. */
int rl_check_folder(const char *path, uid_t uid, struct rl_err *err) RL_MUST_USE;
/* Why $XDG_RUNTIME_DIR is not used ("is not set", "belongs to uid 0"), or NULL when it is. */
const char *rl_no_runtime_dir(uid_t uid, char *room, size_t size);
/*
 * The hint for a failed write to the store (ENOSPC, EDQUOT, EROFS; others get none): bytes, inodes or a
 * mount that is read-only. Return: -err->code.
 */
int rl_hint_full(const struct rl *rl, struct rl_err *err);
void rl_close(struct rl *rl);
