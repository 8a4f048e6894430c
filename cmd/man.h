/* SPDX-License-Identifier: Apache-2.0 */
/* man.h - manual pages in man(7), made of the same tables as --help */
#pragma once

#include "cmd/cmd.h"
#include "core/base/buf.h"

/* @date: "2026-11-22". All append to @out; 0 or -ENOMEM. */
int man_overview(const char *date, struct buf *out) RL_MUST_USE; /* rl(1) */
int man_command(const struct cmd *c, const char *date, struct buf *out) RL_MUST_USE;
int man_group(const struct cmd_group *g, const char *date, struct buf *out) RL_MUST_USE;
