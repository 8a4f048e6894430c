/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings.h - engine: what the user wants of every container, in rl/rl.conf of $XDG_CONFIG_HOME
 * (~/.config), else /etc/rl/rl.conf
 *
 *	[limits]
 *	strict = true		# as if each container with a limit had --strict-limits
 *
 * TOML. Only read when it matters: a container without limits costs no look at it.
 */
#pragma once

#include <stdbool.h>

#include "core/base/err.h"

/* Return: 0 with the setting (false without a file), or -errno for a file that cannot be read */
int settings_strict_limits(bool *ret, struct rl_err *err) RL_MUST_USE;
