/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child.h - a forked child that reads hostile bytes, and its one answer over a pipe
 *
 * The child calls sandbox_enter() itself when it has opened what it needs, and ends with
 * child_answer(). The parent takes nothing in the answer on trust: lengths are limited, texts
 * terminated; what the payload means is checked by who asked for it. The child dies with its
 * parent.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "core/base/buf.h"
#include "core/base/err.h"

struct child {
	pid_t pid; /* 0: nothing started, or finished */
	int pidfd;
	int result_fd; /* readable when there is an answer, or the end */
};

/**
 * child_fork() - Start
 * @what:	For messages: "the unpacker"
 * @ret:	In the parent only
 * @ret_fd:	In the child only: where child_answer() writes
 *
 * Return: 0 in the child, 1 in the parent, or -errno
 */
int child_fork(const char *what, struct child *ret, int *ret_fd, struct rl_err *err) RL_MUST_USE;
/* In the child: @err (NULL = success) or the payload; ends the process. */
_Noreturn void child_answer(int fd, const struct rl_err *err, const void *payload, size_t len);
/**
 * child_result() - Wait for the answer; its error becomes ours. Reaps and closes.
 * @max:	More payload than this is an error
 * @payload:	Appended to
 */
int child_result(struct child *c, const char *what, size_t max, struct buf *payload,
		 struct rl_err *err) RL_MUST_USE;
void child_kill(struct child *c); /* fine on a zeroed or finished struct */
