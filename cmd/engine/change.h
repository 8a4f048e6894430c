/* SPDX-License-Identifier: Apache-2.0 */
/* change.h - one Containerfile line that changes an image config: --change of commit and import */
#pragma once

#include <jansson.h>

#include "core/base/err.h"

#define CHANGE_MAX 65536 /* bytes of a line */

/**
 * change_apply() - "CMD ...", "ENV ...", "LABEL ...", and kin
 * @config:	The "config" object of an OCI image config
 * @line:	The instruction in any case, then a blank or '=', then its value. Taken are CMD,
 *		ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR
 *
 * Source: https://docs.docker.com/reference/dockerfile/, docker-commit(1) "--change".
 * Return: 0, -EINVAL naming what is wrong; @config may be half changed then
 */
int change_apply(json_t *config, const char *line, struct rl_err *err) RL_MUST_USE;
