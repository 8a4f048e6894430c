/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.h - what a person sees of a pull or load, on stderr
 *
 * On a terminal: one line for everything, redrawn ten times a second at most, with bytes, rate and
 * time left; it is gone at the end. In a pipe or file: one plain line per step. Quiet: nothing but
 * warnings. All text is cleaned of control bytes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

struct progress {
	bool quiet, is_tty, drawn;
	char what[200]; /* "docker.io/library/alpine:latest" */
	int64_t total, done;
	int64_t start_ms, drawn_ms;
};

void progress_init(struct progress *p, bool quiet);
/* "Trying to pull ...": shown in both modes. */
void progress_title(struct progress *p, const char *verb, const char *what);
/* One step: a line in a pipe; nothing on a terminal. */
void progress_step(struct progress *p, const char *fmt, ...) RL_PRINTF(2, 3);
/* Something the user should know in both modes, even with quiet. */
void progress_note(struct progress *p, const char *text);
/* The bar: @total bytes are to come; 0 = no bar. */
void progress_start(struct progress *p, int64_t total);
void progress_update(struct progress *p, int64_t done);
/* Take the bar away. */
void progress_end(struct progress *p);

/* "3.1 MB"; @out has room for 32 bytes */
void progress_size(int64_t bytes, char out[32]);
