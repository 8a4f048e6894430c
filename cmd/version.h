/* SPDX-License-Identifier: Apache-2.0 */
/* version.h - what this program is, for rl version and rl info */
#pragma once

#include <jansson.h>

/* New reference, NULL when out of memory. */
json_t *version_json(void);
