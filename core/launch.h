/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch.h - bring a container to life: joiner, clone3, maps, init, exec
 *
 * The caller (monitor) stays in the host's namespaces. It forks a joiner, which enters S, runs the
 * prepare hook and clones init (CLONE_PARENT: init is the caller's child) into its new namespaces,
 * writes init's id maps and leaves. Init builds the root, /dev, mounts, masks; waits for
 * launch_exec(); then drops what it must and executes the payload.
 *
 * launch_fork() is like vfork(): the caller stands still, with signals blocked, until the joiner is
 * done. It waits for the joiner by its pid, so nothing in the caller may reap children meanwhile.
 *
 * Order for the caller: launch_fork() - pid known, init works - (ask for the cgroup meanwhile)
 * - launch_wait_ready() - (move pid into its cgroup) - launch_exec(). After a failure anywhere
 * call launch_abort(), which ends what was started. core knows neither images nor networks:
 * both come in by hooks.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "core/idmap.h"
#include "core/seccomp.h"

struct secrets;
struct spec; /* core/spec.h: an OCI runtime spec, parsed and checked */

struct launch_hooks {
	void *arg;
	/*
	 * In the joiner, still as the caller: open the namespace that the spec calls @path; also a
	 * pidfd of a process that is in it will do. 1: it is just a file. NULL: all are.
	 */
	int (*open_ns)(void *arg, const char *path, int *ret_fd, struct rl_err *err);
	/*
	 * In the joiner: uid 0 in S, host mount and network namespaces (for a container with other ids than S: a
	 * mount namespace of S, so that it can mount there for init). May start a helper that
	 * must live outside the container's pid namespace (fuse-overlayfs). @ret_fd goes to root().
	 * NULL: nothing to prepare. It has the caller's memory (not a copy) and copies of its
	 * descriptors: it may leave results behind @arg, but must not close what @arg names.
	 */
	int (*prepare)(void *arg, int *ret_fd, struct rl_err *err);
	/*
	 * In init: in C's user and mount namespace, the host's tree still visible. Returns the
	 * detached mount (fsmount/open_tree) that becomes the root. NULL: spec's root.path is bound.
	 */
	int (*root)(void *arg, int prepared_fd, int *ret_mount_fd, struct rl_err *err);
	/*
	 * In init: in C's network namespace, with CAP_NET_ADMIN over it, the host's /dev still
	 * visible; only called when the spec asks for a new network namespace. @ret_fd (a tap,
	 * or FD_NONE) travels to the caller. NULL: only loopback is brought up (by launch itself).
	 */
	int (*netns)(void *arg, int *ret_fd, struct rl_err *err);
};

struct session;

struct launch {
	const struct spec *spec;
	int session_fd;                       /* S, borrowed */
	const struct session *session;        /* the same with its maps, borrowed; or NULL */
	struct idmap uids, gids;              /* C's maps into S */
	const struct seccomp_filter *seccomp; /* NULL: unconfined */
	struct launch_hooks hooks;
	/* Become 0, 1, 2 when the spec has no terminal; FD_NONE = /dev/null. A terminal is refused:
	 * it would be the caller's own (S58). */
	int stdio[3];
	/* Further descriptors of the caller that the payload gets, and the numbers that they have then,
	 * ascending from 3 up; no terminals either. */
	const int *keep_fds;
	const uint32_t *keep;
	size_t n_keep;
	const struct secrets *secrets; /* core/secrets.h; NULL: none */
	bool init;     /* stay as pid 1: forward signals, reap, run the payload as a child */
	bool one_id;   /* S has one id only: chown and kin succeed without effect (DEMAND A1) */
	bool stand_in; /* never executed: launch_wait_ready() returns when the host's root is gone */
	bool new_cgroupns; /* unshared by init after launch_exec(), when it is in its cgroup */
};

struct launched {
	pid_t pid;      /* init, in the caller's pid namespace; a child of the caller */
	int pidfd;      /* owned */
	int console_fd; /* pty master when the spec asks for a terminal, owned; set by wait_ready */
	int net_fd;     /* what the netns hook returned, owned; set by wait_ready */
	int mounts_fd;  /* C's mount namespace, owned; set by wait_ready: taking it down costs the
			 * kernel a while, which whoever waits for init need not wait for as well */
	int netns_fd;   /* C's network namespace, when the netns hook was called; owned. Its
			 * process cannot be joined by pidfd before it has executed the payload */
	int sync_fd;    /* the channel to init, owned */
	bool userns_open; /* a filter keeps the payload from user namespaces (core/nested.h) */
};

int launch_fork(const struct launch *l, struct launched *ret, struct rl_err *err) RL_MUST_USE;
/* The mounts are made; cgroup and exec remain. Errors come from init, with their exit_code. */
int launch_wait_ready(struct launched *c, struct rl_err *err) RL_MUST_USE;
/*
 * Let init execute. Returns when the exec has happened (sync_fd closed on exec) or with init's
 * error: exit_code 127 = command not found, 126 = found but cannot be executed, else 125.
 */
int launch_exec(struct launched *c, struct rl_err *err) RL_MUST_USE;
void launch_abort(struct launched *c); /* SIGKILL, reap, close; fine on a zeroed or done struct */
void launch_close(struct launched *c); /* only closes descriptors */
