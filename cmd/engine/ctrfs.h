/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctrfs.h - engine: the file system of a container, running or not, as a child process sees it
 *
 * All that cp, export and their kin do with a container's files happens in children that have
 * entered its user and mount namespace. Of a running container these are its own. For one that
 * does not run a stand-in for its first process is made with those two namespaces and the mounts
 * of its spec (volumes too), by the same code that starts containers; it holds the container's
 * lock meanwhile and never executes anything.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "cmd/engine/container.h"
#include "core/launch.h"
#include "storage/rootfs.h"

struct ctrfs {
	int user_fd;    /* its user namespace, or a pidfd on its first process; owned */
	int mount_fd;   /* its mount namespace; borrowed; FD_NONE: @user_fd is a pidfd */
	bool user_only; /* only the user namespace is entered: the caller's files, with its owners */
	struct rootfs rootfs;
	struct spec spec;
	struct launched stand_in; /* zeroed: the container runs */
};

/*
 * @c: from engine_load() with its session. Release with ctrfs_close().
 * -EBUSY in the pause before a restart: the next run must not find its files mounted.
 */
int ctrfs_open(struct container *c, struct ctrfs *ret, struct rl_err *err) RL_MUST_USE;
void ctrfs_close(struct ctrfs *f); /* fine on a zeroed or closed struct */
/*
 * Inside `rl unshare`: an unattached mount of the root file system, without what is mounted below it.
 * @c: its session as mounting_session() gives it. Of a container that runs it is its own, of another a
 * mount of the layers that nothing keeps from being mounted a second time by a start.
 * fd or -errno
 */
int ctrfs_mount(struct container *c, struct rl_err *err) RL_MUST_USE;
/* Whether a child failed with @r because the container, which ran, has just ended. It has done nothing
 * then: open it again, its files are still there. */
bool ctrfs_is_over(const struct ctrfs *f, int r);
#define CTRFS_TRIES 3

/* Between a child and its parent, over a SOCK_SEQPACKET */
struct ctrfs_msg {
	uint32_t is_end; /* the last one; @err.code 0: success */
	int32_t kind;
	int64_t number;
	char text[4096];
	struct rl_err err;
};

/* In the child; @root_fd is the top of the file system. What it sends with ctrfs_say() arrives. */
typedef int (*ctrfs_fn)(int root_fd, int sock, void *arg, struct rl_err *err);

struct ctrfs_child {
	pid_t pid; /* 0: none, or joined */
	int sock;
};

/**
 * ctrfs_fork() - Run @fn in a child inside the file system
 * @f:		NULL: the caller's own
 * @keep_fd:	Stays open in the child (beside 0 to 2), or FD_NONE
 *
 * Threat: whatever lies in the container is hostile, and with --pid=host its processes see the
 * child, which has their ids. Defence: no name is resolved but below @root_fd; it is not
 * dumpable, has no descriptor of ours, no_new_privs, and a list of system calls that read.
 * Must not: execute, load or look up users there (S45).
 */
int ctrfs_fork(const struct ctrfs *f, ctrfs_fn fn, void *arg, int keep_fd, struct ctrfs_child *ret,
	       struct rl_err *err) RL_MUST_USE;
int ctrfs_say(int sock, const struct ctrfs_msg *m, int fd); /* @fd goes along, or FD_NONE */
/* The next message, with its descriptor; an error or the end of the child is a failure. */
int ctrfs_hear(struct ctrfs_child *ch, struct ctrfs_msg *m, int *ret_fd,
	       struct rl_err *err) RL_MUST_USE;
/* Wait for the end; its error becomes ours. @ret_number: of the last message, or NULL. */
int ctrfs_join(struct ctrfs_child *ch, int64_t *ret_number, struct rl_err *err) RL_MUST_USE;
void ctrfs_kill(struct ctrfs_child *ch); /* fine on a zeroed or joined one */
