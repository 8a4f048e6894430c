/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caps.h - the capability sets of this thread as bit masks (capabilities(7)); names: capname.h
 */
#pragma once

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

#define CAP_BIT(cap) (UINT64_C(1) << (cap))
#define CAPS_LAST    63 /* room of the masks; the kernel knows fewer */

struct caps {
	uint64_t bounding, effective, permitted, inheritable, ambient;
};

/* Remove all but @keep from the bounding set of this thread. 0 or -errno. */
int caps_bound(uint64_t keep) RL_MUST_USE;
/* Set the three sets of this thread (raising only what is permitted). 0 or -errno. */
int caps_set(uint64_t effective, uint64_t permitted, uint64_t inheritable) RL_MUST_USE;
/* Clear the ambient set, then raise @ambient. 0 or -errno. */
int caps_ambient(uint64_t ambient) RL_MUST_USE;
