/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_read.h - what a container wrote, entry by entry, wherever its log driver keeps it
 *
 * A source is read once (log_source_read()) and then, to follow it, again whenever its descriptor
 * or the log's folder says that there is more. Entries go to stdout and stderr as they came.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "core/base/buf.h"
#include "core/ctr.h"

/* How entries are shown; one for each container. */
struct log_view {
	bool timestamps, color;
	const char *name; /* in front of each line, or NULL */
	unsigned number;  /* of the container, for its color */
	int64_t since_ns, until_ns;
	uint64_t tail; /* the last N lines only; UINT64_MAX = all */
	uint64_t skip; /* lines that are left out to get there */
	bool in_line[2];
	struct log_turn *turn; /* shared by all that are shown together, or NULL; borrowed */
	struct buf *into; /* entries go there in place of stdout and stderr, or NULL; borrowed */
};

/* Whose line on stdout, stderr has no end yet */
struct log_turn {
	struct log_view *open[2];
};

struct log_entry {
	const char *time, *text;
	int stream; /* 1 or 2 */
	bool full;  /* ends its line */
	size_t len;
};

/* 0, or -EPIPE when nobody reads our output any more. */
int log_show(struct log_view *v, const struct log_entry *e) RL_MUST_USE;

struct log_source {
	struct log_view view;
	/* a file: core/logfile.h */
	int dir_fd;       /* of ctr.log; FD_NONE: @path, or the journal */
	const char *path; /* --log-opt path=, borrowed */
	FILE *file;       /* while followed */
	/* the journal: a journalctl that we read from */
	int pipe_fd, pidfd; /* FD_NONE: none */
	pid_t pid;
	struct buf rest;
};

/**
 * log_source_open() - Find out where the output of @c is
 * @state:	Its state.json; strings are borrowed from it
 * @follow:	More may be read later
 *
 * Return: 0; -ENOENT with the reason when the driver keeps nothing; -errno
 */
int log_source_open(const struct ctr *c, const json_t *state, const struct log_view *view,
		    bool follow, struct log_source *ret, struct rl_err *err) RL_MUST_USE;
/* Show all that is new. 0, -EPIPE, -errno. */
int log_source_read(struct log_source *s, struct rl_err *err) RL_MUST_USE;
void log_source_close(struct log_source *s);

/* log_journal.c; the same three steps */
int log_journal_start(struct log_source *s, const char *id, bool follow,
		      struct rl_err *err) RL_MUST_USE;
int log_journal_read(struct log_source *s, struct rl_err *err) RL_MUST_USE;
/* One line of journalctl's JSON. 0, -EPIPE; what is no entry is passed over. */
int log_journal_line(struct log_view *v, const char *line, size_t len) RL_MUST_USE;
void log_journal_stop(struct log_source *s);
