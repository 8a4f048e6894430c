/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.h - JSON data as YAML, for people (rl info) */
#pragma once

#include <jansson.h>

#include "core/base/buf.h"

/* Append @j in block style. 0 or -ENOMEM. */
int yaml_print(json_t *j, struct buf *out) RL_MUST_USE;
