/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_systemd.h - a transient scope from the user's systemd manager, asked for in the background
 *
 * Private to core/cgroup.c.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "core/base/err.h"

struct cgroup_request;

/**
 * cgsd_request() - Have "@unit" made around @pids by a child process
 * @slice:	It becomes a part of that, or NULL
 *
 * Return: 0; -ENOENT when there is no manager to ask (err says what is missing and what would
 * help), -errno
 */
int cgsd_request(const char *unit, const char *slice, const char *description, const pid_t *pids,
		 size_t n_pids, struct cgroup_request **ret, struct rl_err *err) RL_MUST_USE;
/* Wait for the answer at most @timeout_ms. 0: the scope is there and the pids are in it. */
int cgsd_wait(struct cgroup_request *q, int timeout_ms, struct rl_err *err) RL_MUST_USE;
void cgsd_free(struct cgroup_request *q); /* ends the child if it still asks; NULL is fine */
/* Does the manager live on after the last logout (loginctl(1) enable-linger), or is there none? */
bool cgsd_lingers(void);
