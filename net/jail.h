/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail.h - how rl-net and its reader lock themselves in
 *
 * Order for rl-net, written down once: not root, limits, reader forked, jail (namespaces, empty root),
 * capabilities and no_new_privs, Landlock, seccomp; only then is the first frame read. It stays
 * in the host's network namespace: that is its job.
 */
#pragma once

#include "core/base/err.h"

/* Resource limits, no core dumps, not ptraceable by others of the user's processes. */
int jail_limits(struct rl_err *err) RL_MUST_USE;

/* Running as root: become nobody, if there is such an id. First of all steps. */
int jail_leave_root(struct rl_err *err) RL_MUST_USE;

/**
 * jail_enter() - Lock the packet loop in; see jail.c for the steps
 *
 * An empty root needs a user namespace. Where the host forbids those it is left out with a
 * warning and the other layers stand alone; each of the others is required.
 */
int jail_enter(struct rl_err *err) RL_MUST_USE;

/* For the reader of resolv.conf: it may read files, with a dozen system calls, and nothing else. */
int jail_reader(struct rl_err *err) RL_MUST_USE;
