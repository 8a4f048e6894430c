/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_spec.h - what a client asks to be run in a container, and its form in a memfd
 *
 * Only what differs from the container's own process is told; the monitor knows the rest. The form
 * is a fixed head, the lists of numbers, then texts that each end in a NUL: the working folder,
 * arguments, environment. It lives between two processes of one build, so it has no versions but a
 * mark. Parsed by the supervisor of the exec (core/exec.h), never by the monitor.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

#define EXEC_SPEC_MAX (6U << 20) /* bytes; the kernel takes 2 MiB of arguments and environment */
#define EXEC_LIST_MAX 65536U     /* entries of a list */
#define EXEC_KEEP_MAX 64U        /* descriptors that are passed on */
#define EXEC_FD_MAX   1023U      /* highest number of one */

struct exec_spec {
	bool stdin_on;   /* else stdin is empty */
	bool terminal;   /* a new one of the container */
	bool detach;     /* the client leaves when it runs: no stdio */
	bool privileged; /* all capabilities, no seccomp filter */
	bool has_user;   /* uid, gid, groups; else the container's */
	uint32_t uid, gid;
	const uint32_t *groups;
	size_t n_groups;
	const uint32_t *keep; /* ascending, from 3 up: they become these in the process */
	size_t n_keep;
	uint16_t rows, cols;
	const char *cwd;   /* absolute; NULL: the container's */
	const char **args; /* at least one; NULL-terminated */
	size_t n_args;
	const char **env; /* "NAME=VALUE" on top of the container's; NULL-terminated */
	size_t n_env;

	void *owned; /* by a parse: the arrays; texts and numbers stay in the caller's bytes */
};

/* Append the form of @s to @out. 0, -E2BIG or -ENOMEM. */
int exec_spec_pack(const struct exec_spec *s, struct buf *out, struct rl_err *err) RL_MUST_USE;

/**
 * exec_spec_parse() - The reverse, with every count, text and number checked
 * @data:	Kept by reference; aligned for uint32_t
 * @ret:	Written on success only; release with exec_spec_done()
 *
 * Return: 0, -EINVAL for anything that exec_spec_pack() does not make, -ENOMEM
 */
int exec_spec_parse(const void *data, size_t len, struct exec_spec *ret,
		    struct rl_err *err) RL_MUST_USE;
void exec_spec_done(struct exec_spec *s); /* of a parsed one; fine on a zeroed struct */
#define auto_exec_spec __attribute__((cleanup(exec_spec_done)))
