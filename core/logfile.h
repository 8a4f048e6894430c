/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logfile.h - a container's log: Podman's k8s-file format, capped and rotated
 *
 * One entry a line: "<RFC 3339 time> <stdout|stderr> <P|F> <text>\n"; P marks text that the next
 * entry of the same stream continues. Files "ctr.log" and, older, "ctr.log.1" in the container's
 * log folder. With a file of the user's (--log-opt path=) there is only that one, which is emptied when
 * it is full. The writer sits in the pump, is sandboxed and needs only the folder's descriptor.
 * When the disk is full, bytes are counted and dropped, never waited for; the first entry that fits
 * again says how many.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOGFILE_NAME        "ctr.log"
#define LOGFILE_OLD         "ctr.log.1"
#define LOGFILE_MAX_DEFAULT (INT64_C(128) << 20) /* bytes before a rotation */

struct logfile {
	int dir_fd; /* borrowed; FD_NONE: a file of the user's, or no log */
	int fd;     /* open ctr.log, or the user's file; FD_NONE with FD_NONE: no log is kept */
	int64_t size, max;
	uint64_t dropped;   /* bytes lost since the last good write */
	bool is_partial[2]; /* the stream's last entry was P */
	size_t len;         /* used bytes of @buf */
	char buf[16384];
};

/* Open or create ctr.log for appending. A failure keeps @l usable: everything is dropped. */
void logfile_open(struct logfile *l, int dir_fd, int64_t max);
/* The same with an open file of the user's, borrowed. */
void logfile_open_file(struct logfile *l, int fd, int64_t max);
/* Add what the container wrote to @stream (1 stdout, 2 stderr) and put it on disk. */
void logfile_add(struct logfile *l, int stream, const char *data, size_t n);
void logfile_close(struct logfile *l);
