/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarout.h - the tar writer of the project: entries to a stream
 *
 * ustar headers; a pax header goes in front where ustar cannot say it: names over 100 bytes, sizes
 * of 8 GiB and more, large ids, times that are no whole seconds, extended attributes
 * (SCHILY.xattr.*), sparse files (GNU sparse format 1.0). The same entries give the same bytes.
 * Sources: pax(1) "EXTENDED DESCRIPTION", GNU tar manual "Storing Sparse Files".
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "core/base/err.h"

enum tarout_type {
	TAROUT_FILE = '0',
	TAROUT_HARDLINK = '1',
	TAROUT_SYMLINK = '2',
	TAROUT_CHAR = '3',
	TAROUT_BLOCK = '4',
	TAROUT_DIR = '5',
	TAROUT_FIFO = '6',
};

struct tarout_xattr {
	const char *name; /* with '=' in it: left out, the format cannot say it */
	const void *value;
	size_t len;
};

/* A piece of a sparse file that holds data; ascending, not touching */
struct tarout_extent {
	int64_t off, len;
};

struct tarout_entry {
	enum tarout_type type;
	const char *path; /* without a slash at the end */
	const char *link; /* of links */
	mode_t mode;      /* permission bits */
	uint32_t uid, gid;
	int64_t size; /* of a file, holes included */
	struct timespec mtime;
	unsigned major, minor;
	const struct tarout_xattr *xattrs;
	size_t n_xattrs;
	const struct tarout_extent *extents; /* NULL: not sparse; else only these are written */
	size_t n_extents;
};

/* Where the bytes go: 0 or -errno with err. */
typedef int (*tarout_sink)(void *arg, const void *p, size_t n, struct rl_err *err);

#define TAROUT_BUF (64 << 10)

struct tarout {
	tarout_sink sink;
	void *arg;
	int64_t left;  /* bytes of the entry's data still to come */
	int64_t total; /* written so far */
	size_t n;      /* bytes in @buf */
	char buf[TAROUT_BUF];
};

void tarout_init(struct tarout *t, tarout_sink sink, void *arg);
/* A sink that writes to the descriptor that @arg points to. */
int tarout_to_fd(void *arg, const void *p, size_t n, struct rl_err *err);

/* Header of the next entry; the data of the last one must be complete. */
int tarout_entry(struct tarout *t, const struct tarout_entry *e, struct rl_err *err) RL_MUST_USE;
/* Data of a file, @size bytes in all (of a sparse one the sum of its extents). */
int tarout_data(struct tarout *t, const void *p, size_t n, struct rl_err *err) RL_MUST_USE;
/* The end of the archive, and everything out. */
int tarout_end(struct tarout *t, struct rl_err *err) RL_MUST_USE;
