/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload.h - find the container's command in its own PATH and execute it
 *
 * Exit codes of the errors: 127 not found, 126 found but cannot be executed (CLI.md).
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "core/base/err.h"

struct spec;

/*
 * For an rl whose own file could be written from the container: a sealed memfd with the stub
 * (stub.c), made before any right is given up; the caller owns it.
 */
bool payload_exe_is_writable(void);
int payload_stub(struct rl_err *err) RL_MUST_USE;

/*
 * Find and execute; returns only on failure. @stub_fd: FD_NONE, or execute the stub, which executes
 * the payload; before that MSG_STUB goes out on @sync_fd (init.h), and there the stub reports.
 */
int payload_run(const struct spec *s, int sync_fd, int stub_fd, struct rl_err *err) RL_MUST_USE;

/*
 * The message and exit code for an execve of @path that failed with @code. @exists: stat() finds
 * it, which makes ENOENT a missing interpreter. Return: -code.
 */
int payload_error(struct rl_err *err, int code, const char *path, bool exists);
