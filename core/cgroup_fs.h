/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_fs.h - the cgroup file system: where we are in it, its files, its processes
 *
 * Private to core/cgroup*.c and their tests. Groups are named by a descriptor of their folder.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/base/err.h"

/* Path after "0::" in the text of /proc/PID/cgroup; caller frees. NULL when there is none. */
char *cgfs_parse_self(const char *text);
/* Whether that text names a controller that is still in a hierarchy of cgroup v1. */
bool cgfs_has_v1(const char *text);

/**
 * struct cgfs_mount - A mounted cgroup2 hierarchy
 * @root:	The part of the hierarchy that is visible there ("/" unless bound)
 * @point:	Where
 */
struct cgfs_mount {
	char *root, *point;
};
/* The first cgroup2 mount in the text of /proc/self/mountinfo (proc(5)) that shows a part of our
 * own cgroup namespace. 0, -ENOENT, -ENOMEM. */
int cgfs_parse_mounts(const char *text, struct cgfs_mount *ret) RL_MUST_USE;
void cgfs_mount_done(struct cgfs_mount *m);
/* Folder of the group @path (as /proc/PID/cgroup says) below the mount; caller frees. NULL when
 * the mount does not show it. */
char *cgfs_folder(const struct cgfs_mount *m, const char *path);
/* The same for the one that is mounted. 0, -ENOENT with err saying why. */
int cgfs_locate(const char *path, char **ret_folder, struct rl_err *err) RL_MUST_USE;
/* The same for process @pid (0 = self), with everything read. 0, -ENOENT with err saying why. */
int cgfs_find(pid_t pid, char **ret_folder, struct rl_err *err) RL_MUST_USE;

/* Open the folder of a group. fd or -errno. */
int cgfs_open(const char *folder);
/* One write of @text. 0 or -errno. */
int cgfs_write(int dir_fd, const char *file, const char *text) RL_MUST_USE;
/* Content of a file, NUL-terminated and cut at @room. Length or -errno. */
ssize_t cgfs_read(int dir_fd, const char *file, char *text, size_t room) RL_MUST_USE;
/* Whether @word stands in the blank-separated list in @file. */
bool cgfs_lists(int dir_fd, const char *file, const char *word);
/* Value of "@key value" in a flat keyed file; @key NULL: the file is one number. "max" and
 * missing files leave @ret alone. */
void cgfs_number(int dir_fd, const char *file, const char *key, int64_t *ret);

int cgfs_move(int dir_fd, pid_t pid) RL_MUST_USE;
/*
 * Move every process of @from to @to until none is left. -EBUSY when some of them cannot be
 * named here (another pid namespace) or the group does not become empty.
 */
int cgfs_move_all(int from, int to) RL_MUST_USE;
/* SIGKILL for every process in the group and below. 0 or -errno. */
int cgfs_kill(int dir_fd);
/* Remove @name below @dir_fd and all groups in it, at most @timeout_ms for the dying to leave. */
int cgfs_remove(int dir_fd, const char *name, int timeout_ms) RL_MUST_USE;
