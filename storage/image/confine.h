/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine.h - lock this process into what it needs before it reads a hostile byte
 *
 * For forked children of ours that parse what came from outside (layers, archives, registry
 * answers). After confine_enter(): no_new_privs, only listed descriptors, only listed trees
 * (Landlock; a kernel without it leaves the other layers), only listed capabilities, a seccomp
 * allow-list by groups (anything else is EPERM; another architecture is death), limits on
 * memory and descriptors, no core dump. There is no way back.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum { /* struct confine.groups; memory, time, read and write of open descriptors are always in */
       CONFINE_OPEN = 1 << 0,  /* open, stat, list files (writing too, where Landlock allows) */
       CONFINE_TREE = 1 << 1,  /* make, link, remove, set metadata; never by a followed path */
       CONFINE_NET = 1 << 2,   /* TCP and UDP clients, poll */
       CONFINE_THREAD = 1 << 3 /* threads (a resolver's), not processes */
};

struct confine_dir {
	int fd;    /* a folder (or file); everything beneath it */
	int write; /* 0: read only; 1: also create, write, link, remove */
};

struct confine {
	unsigned groups;
	const struct confine_dir *dirs; /* nothing else can be opened */
	size_t n_dirs;
	uint64_t caps;  /* 1 << CAP_X; kept as far as we have them */
	size_t memory;  /* address space beyond what is in use now; 0 = no limit */
	unsigned files; /* open descriptors at most; 0 = 64 */
	const int *fds; /* these (and 2) stay open; 0 and 1 become /dev/null unless listed */
	size_t n_fds;
};

/**
 * confine_enter() - Apply all layers, in the order that each still can
 *
 * Return: 0, or -errno; after a failure the process is half confined and must end
 */
int confine_enter(const struct confine *s, struct rl_err *err) RL_MUST_USE;
