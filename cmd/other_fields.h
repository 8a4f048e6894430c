/* SPDX-License-Identifier: Apache-2.0 */
/*
 * other_fields.h - fields that templates of Docker's and Podman's users name and our JSON leaves out
 *
 * What they are about does not exist here, or is empty for every object: a template gets the empty
 * value and not an error.
 */
#pragma once

#include <jansson.h>

#include "core/base/err.h"

enum other_of { OTHER_CONTAINER, OTHER_IMAGE, OTHER_NETWORK, OTHER_INFO };

/* Add those that @o does not have. 0 or -ENOMEM */
int other_fields(json_t *o, enum other_of what) RL_MUST_USE;
