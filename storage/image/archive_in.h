/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_in.h - an outer tar (docker-archive, oci-archive) to numbered files, in a confined child
 *
 * Regular members become files "0", "1", ... in the staging folder; names from the archive are
 * never used as file names. Links (docker-archive shares layers by them) are only reported.
 * Folders are left out; anything else is an error.
 */
#pragma once

#include <stdint.h>

#include "core/base/err.h"

struct archive_member {
	char *name;     /* canonical: relative, without "." and ".." parts */
	char *link;     /* target as the archive has it, or NULL */
	int64_t size;   /* of a file */
	int64_t number; /* name of its file in the staging folder; -1 for a link */
};

struct archive_members {
	struct archive_member *v;
	size_t n;
};

struct archive_limits {
	int64_t max_bytes; /* of the uncompressed archive */
	int64_t max_members;
	const int *cancel_fd; /* readable: give up with -EINTR; NULL = never */
};

/**
 * archive_in_read() - Read @in_fd (gzip, zstd or plain) to its end
 * @stage_fd:	An empty folder of ours; what was written stays there on failure
 * @ret:	Release with archive_members_done()
 *
 * Of two members of one name the later one counts.
 */
int archive_in_read(int in_fd, int stage_fd, const struct archive_limits *limits,
		    struct archive_members *ret, struct rl_err *err) RL_MUST_USE;
/* By name, through links inside the archive. NULL when there is no such file. */
const struct archive_member *archive_find(const struct archive_members *m, const char *name);
void archive_members_done(struct archive_members *m);
#define auto_archive_members __attribute__((cleanup(archive_members_done)))
