/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.h - the log of what happened: append-only, bounded, without locks for writers
 *
 *	events/log	one JSON object a line, in the layout of `rl events --format json`
 *	events/log.1	the older part; both together are the whole log
 *	events/lock	held for a moment by whoever makes log the older part
 *
 * Each writer opens the file, appends its lines by one write(2) and leaves: the kernel keeps
 * appending writes apart. Nothing is synced, and nothing that goes wrong here concerns the caller.
 * Keys of a line: v (EVENTS_FORMAT), Type, Status, ID, Name, Image, timeNano, Attributes,
 * ContainerExitCode, HealthStatus; what is not known is left out.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "core/ctr.h"

#define EVENTS_DIR      "events"
#define EVENTS_LOG      "log"
#define EVENTS_OLD      "log.1"
#define EVENTS_FORMAT   1
#define EVENTS_MAX      (1 << 20)  /* bytes before log becomes the older part */
#define EVENTS_LINE_MAX (32 << 10) /* a longer event goes without its attributes */

/* One event; all borrowed, NULL = not known. */
struct event {
	const char *type; /* "container", "image", "volume", "network", "pod", "secret", "system" */
	const char *status; /* "create", "died", ...: CLI.md "Event statuses" */
	const char *id, *name, *image;
	const json_t *attributes; /* labels: an object of strings */
	const char *health;       /* with health_status */
	bool has_exit_code;
	int exit_code;
};

/* Append @n events that happened together, in this order. */
void events_emit(const struct rl *rl, const struct event *v, size_t n);
/* The same for one event of a container; image and labels come from its state.json. @x: with
 * "died", else NULL. */
void events_ctr(const struct rl *rl, const struct ctr *c, const char *status,
		const struct ctr_exit *x);
/* One event of an image (or, with another @type, of a volume or network, @id NULL). */
void events_thing(const struct rl *rl, const char *type, const char *status, const char *id,
		  const char *name);

/**
 * events_parse() - One line of the log
 * @line:	Without the line feed; names and labels in it come from strangers
 *
 * A line that a full disk cut short, with the next one behind it, gives the latter.
 * Return: 0 with a new reference whose Type, Status are strings, timeNano an integer, Attributes
 * (if any) an object of strings; -EINVAL for anything else
 */
int events_parse(const char *line, size_t len, json_t **ret) RL_MUST_USE;
