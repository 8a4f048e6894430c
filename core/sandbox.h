/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.h - the walls around our own processes that touch hostile bytes; the one place for them
 *
 * A process says what it needs as data (struct sandbox, lists of system calls) and calls
 * sandbox_enter() before it reads the first hostile byte. Afterwards: no_new_privs, not dumpable, no
 * core file, only listed descriptors, trees (Landlock), capabilities and system calls; limits on
 * memory and files. There is no way back. A kernel without Landlock leaves the other walls standing;
 * each of those is required.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

#define SANDBOX_KILL    (-1)       /* a verdict: the process ends */
#define SANDBOX_ALLOW   (-2)       /* struct sandbox.other: what is not listed may be called */
#define SANDBOX_OWN_PID UINT64_MAX /* as a value: what getpid() says on entry */
#define SANDBOX_INT     0xffffffffU

/* (argument & mask) == value; of an int the kernel takes the low half only: mask SANDBOX_INT */
struct sandbox_when {
	uint8_t arg;
	uint64_t mask, value;
};

/* One row of a list; the first row that fits counts, so frequent calls come first. */
struct sandbox_call {
	int nr;          /* SYS_x; -1 ends the list */
	int16_t verdict; /* 0: allowed; SANDBOX_KILL; else the errno that it gets */
	uint8_t n;       /* conditions, all of which must hold */
	struct sandbox_when when[2];
};

/* clang-format off */
#define SANDBOX_CALL(name)         { .nr = SYS_##name }
#define SANDBOX_DEADLY(name)       { .nr = SYS_##name, .verdict = SANDBOX_KILL }
#define SANDBOX_WHEN(name, a)      { .nr = SYS_##name, .n = 1, .when = { a } }
#define SANDBOX_WHEN2(name, a, b)  { .nr = SYS_##name, .n = 2, .when = { a, b } }
#define SANDBOX_IS(i, v)           { .arg = (i), .mask = SANDBOX_INT, .value = (v) }
#define SANDBOX_BITS(i, m, v)      { .arg = (i), .mask = (m), .value = (v) }
#define SANDBOX_NONE_OF(i, bits)   { .arg = (i), .mask = (bits), .value = 0 }
#define SANDBOX_END                { .nr = -1 }
/* clang-format on */

enum sandbox_access {
	SANDBOX_READ,  /* open files and list folders beneath it */
	SANDBOX_RUN,   /* that, and start programs */
	SANDBOX_FILES, /* make, write, rename and remove files in it, but no reading */
	SANDBOX_WRITE  /* everything but executing and device control */
};

struct sandbox_dir {
	int fd; /* a folder, and all beneath it; or a file */
	enum sandbox_access access;
};

enum { /* struct sandbox.leave: what Landlock would take away, and this process needs */
       SANDBOX_LEAVE_FILES = 1 << 0,   /* opens what the user may open */
       SANDBOX_LEAVE_SIGNALS = 1 << 1, /* signals processes that are not its children */
       SANDBOX_LEAVE_BIND = 1 << 2     /* binds TCP sockets */
};

/**
 * struct sandbox - What a process needs; all zero: nothing at all
 * @calls:	Lists of system calls, one after the other; NULL ends them
 * @other:	What any other call gets: an errno (a library may try something newer first), or
 *		SANDBOX_KILL; for programs that are not ours SANDBOX_ALLOW, with what is refused
 *		in @calls. Another architecture's calls always kill
 * @caps:	1 << CAP_X; kept as far as they are there; the bounding set becomes empty
 * @dirs:	Nothing else can be opened
 * @fds:	These, 2 and @dirs stay open, 0 and 1 become /dev/null; NULL: what is open stays
 * @leave:	SANDBOX_LEAVE_*
 * @memory:	Address space beyond what is in use now; 0 = as it is
 * @files:	Open descriptors at most; 0 = as it is
 * @file_size:	Bytes that a file may grow to; 0 = as it is
 */
struct sandbox {
	const struct sandbox_call *calls[5];
	int other;
	uint64_t caps;
	const struct sandbox_dir *dirs;
	size_t n_dirs;
	const int *fds;
	size_t n_fds;
	unsigned leave;
	uint64_t memory;
	unsigned files;
	uint64_t file_size;
};

/**
 * sandbox_enter() - Apply all layers, in the order that each still can
 *
 * Not all of it in a build with sanitizers, whose runtime needs more system calls and memory.
 *
 * Return: 0, or -errno; after a failure the process is half locked in and must end
 */
int sandbox_enter(const struct sandbox *s, struct rl_err *err) RL_MUST_USE;

/* Only the limits (@memory, @files, @file_size, no core file), which need /proc. 0 or -errno. */
int sandbox_limits(const struct sandbox *s, struct rl_err *err) RL_MUST_USE;

/* Only the capabilities: keep 1 << CAP_X of those that are there, nothing inheritable. 0 or -errno. */
int sandbox_caps(uint64_t keep, struct rl_err *err) RL_MUST_USE;
