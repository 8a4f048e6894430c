/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logjournal.h - a container's output as entries of the systemd journal
 *
 * The native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): one datagram an entry. Each line is an
 * entry; text that does not end its line goes out with CONTAINER_PARTIAL_MESSAGE=true, as Podman's
 * conmon does it, so that nothing is kept back and nothing grows. A journal that takes nothing
 * loses entries, never the container's time; the next entry that is taken says how many.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

#define LOGJOURNAL_SOCKET     "/run/systemd/journal/socket"
#define LOGJOURNAL_FIELDS_MAX 4096
#define LOGJOURNAL_TEXT_MAX   32768
#define LOGJOURNAL_PACKET     (LOGJOURNAL_FIELDS_MAX + LOGJOURNAL_TEXT_MAX + 128)

/* The fields that each entry of a container has. */
struct logjournal_id {
	const char *id, *name, *image, *tag;
};

struct logjournal {
	int fd;             /* connected SOCK_DGRAM; borrowed; FD_NONE: no journal */
	const char *fields; /* logjournal_fields(); borrowed */
	uint64_t dropped;   /* entries lost since the last good one */
	char *packet;       /* room for an entry, LOGJOURNAL_PACKET bytes; borrowed */
};

/* Connect to the journal's socket. fd, or -errno with a hint when there is no journal. */
int logjournal_connect(const char *path, struct rl_err *err) RL_MUST_USE;
/* "KEY=VALUE\n" lines, caller frees; control bytes become '?'. NULL when out of memory. */
char *logjournal_fields(const struct logjournal_id *id);
/* Send what the container wrote to @stream (1 stdout, 2 stderr). */
void logjournal_add(struct logjournal *j, int stream, const char *data, size_t n);
