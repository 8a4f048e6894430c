/* SPDX-License-Identifier: Apache-2.0 */
/* info_security.h - what `rl info --security` shows: the layers around containers on this machine */
#pragma once

#include <jansson.h>

#include "core/rl.h"
#include "core/session.h"

/*
 * The object, or NULL when out of memory. @s: the session, or NULL with @why there is none. What one
 * container has is "Isolation" of rl inspect.
 */
json_t *info_security(const struct rl *rl, const struct session *s, const char *why);
