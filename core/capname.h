/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capname.h - names of capabilities and sets of them as bits
 *
 * A set is a uint64_t, bit n = capability n of linux/capability.h. Source: capabilities(7).
 */
#pragma once

#include <stdint.h>

#include "core/base/err.h"

/* The number for "CAP_CHOWN", "chown", "Cap_Chown"...; -ENOENT for an unknown name. */
int capname_parse(const char *name) RL_MUST_USE;
/* "CAP_CHOWN" for 0; NULL beyond the last one that this program knows. */
const char *capname_of(unsigned cap);
/* Every capability that both this program and the running kernel know. */
uint64_t capname_all(void);
/* The set that a container gets by default (SECURITY section 4). */
uint64_t capname_default(void);
