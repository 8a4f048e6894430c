/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - lines on stderr for a person: warnings, notes, debugging
 *
 * Below cmd/ only log_debug() and log_warn() are used. Text may hold names and answers from
 * outside; control bytes are shown as '?', so a terminal cannot be driven by them.
 */
#pragma once

#include "core/base/err.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* It went wrong, we go on, and the text says how. */
void log_warn(const char *fmt, ...) RL_PRINTF(1, 2);
/* News for the user that is neither a result nor an error (one line per step). */
void log_debug(const char *fmt, ...) RL_PRINTF(1, 2);

/* One line on stderr in one write: @prefix as it is, @text cleaned, newline. */
void log_line(const char *prefix, const char *text);

/* Replace control characters and bytes that are not UTF-8 in @s by '?', in place. */
void log_clean(char *s);
