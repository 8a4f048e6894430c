/* SPDX-License-Identifier: Apache-2.0 */
/*
 * top_columns.h - what `rl top` can say about a process
 *
 * Two families with the same names here and there: Podman's descriptors (with the AIX codes "%p"
 * of ps(1)), and the columns of ps(1) for Docker's "top CONTAINER aux". No ps is run.
 */
#pragma once

#include "cmd/format.h"
#include "core/base/strv.h"
#include "core/idmap.h"
#include "core/procs.h"

/* What all processes of a container share. */
struct top_ctx {
	size_t level;             /* of the container's pid namespace in procinfo.nspid */
	struct idmap uids, gids;  /* container to host */
	struct buf passwd, group; /* of the container, HOSTILE */
	int64_t hz, uptime;       /* ticks */
	int64_t now_ns, memory;   /* wall clock; KiB of the machine */
	const struct top_proc *all;
	size_t n;
};

struct top_proc {
	pid_t hpid;
	struct procinfo p;
};

typedef int (*top_print)(const struct top_ctx *x, const struct top_proc *p, struct buf *out);

struct top_column {
	const char *name, *code, *header;
	top_print print;
};

/**
 * top_parse() - Words after the container to columns
 * @words:	Podman's descriptors, blanks or commas between; or options of ps(1); none: default
 * @ret:	Array of pointers to static columns, NULL at the end; the caller frees it
 * @headers:	The headers, as many
 *
 * Return: 0, -EINVAL naming the word that is neither
 */
int top_parse(const char *const *words, size_t n, const struct top_column ***ret,
	      struct strv *headers, struct rl_err *err) RL_MUST_USE;
