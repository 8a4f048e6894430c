/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls.h - what the children of rl-image need of the kernel, as lists for core/sandbox.h
 *
 * Every child has calls_base; what else it gets, EPERM answers all the rest: libraries try newer
 * calls first.
 */
#pragma once

#include "core/sandbox.h"

extern const struct sandbox_call calls_base[];   /* memory, time, read and write of open files */
extern const struct sandbox_call calls_open[];   /* open, stat, list files */
extern const struct sandbox_call calls_tree[];   /* make, link, remove, set metadata by no path */
extern const struct sandbox_call calls_net[];    /* TCP and UDP clients, poll */
extern const struct sandbox_call calls_thread[]; /* threads (a resolver's), not processes */

#define CALLS_OTHER EPERM /* struct sandbox.other */
#define CALLS_FILES 64    /* open descriptors of a child that needs no more */

/* What who unpacks needs over the ids of its user namespace */
#define CALLS_UNPACK_CAPS                                                                         \
	(UINT64_C(1) << CAP_CHOWN | UINT64_C(1) << CAP_DAC_OVERRIDE | UINT64_C(1) << CAP_FOWNER | \
	 UINT64_C(1) << CAP_FSETID | UINT64_C(1) << CAP_SETFCAP)
