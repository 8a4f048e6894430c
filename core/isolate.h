/* SPDX-License-Identifier: Apache-2.0 */
/*
 * isolate.h - what a process gives up before it becomes the payload, in the one right order
 *
 * run and exec both go through here, so that neither can be weaker than the other (S47).
 */
#pragma once

#include <sys/types.h>

#include "core/seccomp.h"
#include "core/spec.h"

struct idmap;

struct isolate {
	const struct spec *spec;
	const struct seccomp_filter *seccomp; /* NULL: unconfined */
	const struct idmap *uids, *gids;      /* of the container, for messages and one_id */
	bool one_id;                          /* see struct launch */
	bool userns_open;                     /* see struct launched */
	int cwd_fd;                           /* resolved inside the root */
	int stdio[3];                         /* become 0, 1, 2 */
	const uint32_t *keep; /* ascending, from 3 up: what @keep_fds become as well */
	const int *keep_fds;
	size_t n_keep;
	int *sync_fd;  /* becomes the number after the last one, closed on exec */
	int *stub_fd;  /* becomes the next, the same; or FD_NONE */
	bool terminal; /* 0 is a terminal that becomes the controlling one */
};

/**
 * isolate_self() - Give up everything that the payload must not have
 *
 * In a process that has full capabilities in the container's user namespace, with the
 * container's root as its root. Order, and why:
 *
 *  1. session keyring	a new one, while no filter forbids keyctl
 *  2. umask
 *  3. working folder	by descriptor, with our rights: the image may have closed it to the user
 *  4. descriptors	only 0, 1, 2, what is asked for and the channel are left: no path can lead
 *			out by /proc/self/fd
 *     rlimits		clamped to the hard limits that we have; a small nofile would be in the way
 *			of moving the descriptors
 *  5. session		a new one: no controlling terminal of the host (TIOCSTI)
 *  6. signals		default actions, nothing blocked
 *  7. bounding set	needs CAP_SETPCAP, so before the ids
 *  8. groups, gid, uid	keeping the permitted set
 *  9. seccomp		without no_new_privs it needs CAP_SYS_ADMIN, so before 10
 * 10. capabilities	the final sets
 * 11. no_new_privs, and then seccomp when it was not loaded at 9
 *
 * Non-dumpable and with SIGKILL as parent-death signal again afterwards: both are lost when ids
 * change. Must not: return success with any of these not done.
 *
 * Return: 0, or -errno with err.
 */
int isolate_self(const struct isolate *i, struct rl_err *err) RL_MUST_USE;

/*
 * The score of spec.process.oomScoreAdj for this process and its children. Before anything else: as
 * the caller, in the caller's namespaces, and dumpable (else /proc/self is root's).
 */
int isolate_oom_score(const struct spec *s, struct rl_err *err) RL_MUST_USE;

/* 5 alone, for a process that is forked after isolate_self() (--init). */
int isolate_session(bool terminal, struct rl_err *err) RL_MUST_USE;
