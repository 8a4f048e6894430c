/* SPDX-License-Identifier: Apache-2.0 */
/* top_ps.h - the columns of ps(1) for `rl top`; between top_columns.c and top_ps.c */
#pragma once

#include <stdbool.h>

#include "cmd/top_columns.h"

/* Pieces of top_columns.c */
double top_cpu(const struct top_ctx *x, const struct top_proc *p); /* percent over its life */
int top_user(const struct top_ctx *x, const struct top_proc *p, struct buf *out);
int top_ruser(const struct top_ctx *x, const struct top_proc *p, struct buf *out);
int top_group(const struct top_ctx *x, const struct top_proc *p, struct buf *out);
int top_rgroup(const struct top_ctx *x, const struct top_proc *p, struct buf *out);
int top_pid_text(const struct top_ctx *x, const struct top_proc *p, struct buf *out);
int top_ppid_text(const struct top_ctx *x, const struct top_proc *p, struct buf *out);
int top_pgid(const struct top_ctx *x, const struct top_proc *p, struct buf *out);
int top_tty(const struct top_ctx *x, const struct top_proc *p, struct buf *out);
int top_args(const struct top_ctx *x, const struct top_proc *p, struct buf *out);
int top_comm(const struct top_ctx *x, const struct top_proc *p, struct buf *out);
int top_nice(const struct top_ctx *x, const struct top_proc *p, struct buf *out);
int top_rss(const struct top_ctx *x, const struct top_proc *p, struct buf *out);
int top_vsz(const struct top_ctx *x, const struct top_proc *p, struct buf *out);
int top_state(const struct top_ctx *x, const struct top_proc *p, struct buf *out);

/* Could this word be an option of ps ("-ef", "aux", "o")? */
bool top_ps_is_option(const char *word);
/*
 * ps options to columns: the sets of -f, -F, -l, u, and -o LIST; what selects processes (a, x, -e,
 * -A, w) is taken, as all of the container's are shown anyway. Everything else is -EINVAL.
 */
int top_ps_parse(const char *const *words, size_t n, const struct top_column **v, size_t room,
		 struct strv *headers, struct rl_err *err) RL_MUST_USE;
