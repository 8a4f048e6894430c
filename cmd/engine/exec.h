/* SPDX-License-Identifier: Apache-2.0 */
/* exec.h - engine: one more process in a running container, and joining what runs in one */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/strv.h"
#include "core/detach.h"
#include "core/rl.h"

/* What to run; texts as the user typed them, borrowed. */
struct exec_req {
	const char *container;
	const char *const *args; /* at least one */
	size_t n_args;
	const char *user, *workdir; /* NULL: the container's */
	struct strv env, env_file;
	bool interactive, tty, detach, privileged;
	const uint32_t *keep; /* descriptors to pass on; ascending, from 3 up, open and ours */
	size_t n_keep;
	struct detach keys;
};

struct exec_done {
	char id[65]; /* of the exec */
	int code;    /* what the command ends with; 0 when we have left it running */
};

/**
 * engine_exec() - Run a command in a container; unless detached, stay until its end
 *
 * Return: 0 when it ran, whatever its code; -errno when it did not, with err->exit_code 126, 127, or
 * 255 when the container is not running
 */
int engine_exec(const struct rl *rl, const struct exec_req *req, struct exec_done *ret,
		struct rl_err *err) RL_MUST_USE;

struct attach_req {
	const char *container;
	bool no_stdin, sig_proxy;
	struct detach keys;
};

/*
 * Join the first process of a running container until its end, or until we leave. @ret_code: of the
 * container; 0 when we left by the keys, 128 + n by a signal.
 */
int engine_attach(const struct rl *rl, const struct attach_req *req, int *ret_code,
		  struct rl_err *err) RL_MUST_USE;
