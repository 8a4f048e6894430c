/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holder.h - asking for S over a socket, and the tiny process that answers between containers
 *
 * The public half (session_listen(), session_answer(), session_send()) is in session.h.
 */
#pragma once

#include "core/session.h"

#define HOLDER_SOCKET "session.sock" /* below run_dir */
#define HOLDER_LOCK   "session.lock" /* held while S is looked for in vain and made */

/*
 * Ask whoever listens on @path below @dir_fd for S. What comes back is checked: a user namespace,
 * child of ours, owned by us.
 *
 * Return: 0; -ENOENT or -ECONNREFUSED when nobody listens, -ETIMEDOUT when nobody answers in 3 s,
 * -EPROTO when the answer is not one that this rl understands, -EPERM from a stranger
 */
int holder_ask(int dir_fd, const char *path, struct session *ret);

/*
 * Start the holder for @s, with HOLDER_LOCK held by the caller. It is nobody's child and has no
 * descriptor of the caller. 0 or -errno with err.
 */
int holder_start(const struct rl *rl, const struct session *s, struct rl_err *err) RL_MUST_USE;
