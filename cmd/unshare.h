/* SPDX-License-Identifier: Apache-2.0 */
/* unshare.h - being inside `rl unshare` */
#pragma once

#include <stdbool.h>

#define UNSHARE_MARK "RL_UNSHARE" /* environment variable */

/* Is this a command that `rl unshare` started: root of S, in a mount namespace that ends with it? */
bool unshare_is_inside(void);
