/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.h - walls around our own processes that touch hostile bytes
 *
 * Each layer is its own function so that a process takes what it can live with. Missing kernel
 * support for Landlock is not an error (the other layers hold); seccomp is.
 */
#pragma once

#include <stddef.h>

#include "core/base/err.h"

/* no_new_privs, not dumpable, no core file. */
int sandbox_basics(struct rl_err *err) RL_MUST_USE;
/* Landlock: no file system access at all from now on (what is open stays open). */
int sandbox_no_files(struct rl_err *err) RL_MUST_USE;
/* The same, but files directly in @dir_fd may be made, written, renamed and removed. */
int sandbox_only_dir(int dir_fd, struct rl_err *err) RL_MUST_USE;
/*
 * seccomp: these system calls and no others; the rest kills the process. Needs no_new_privs.
 * A tiny classic BPF list in the order given: put the frequent calls first. Not applied when built
 * with sanitizers, whose runtime needs more.
 */
/* In that list: socket(2), but of the families AF_INET and AF_INET6 only. */
#define SANDBOX_INET_SOCKET (-1)
int sandbox_allow_only(const int *syscalls, size_t n, struct rl_err *err) RL_MUST_USE;
