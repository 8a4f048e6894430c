/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events_tail.h - reading the log of events (core/events.h) from its start, and following it
 *
 * A rotation loses nothing: the part that was being read is read on, because a slow writer may
 * still add to it, beside the new one. Two descriptors and at most one inotify instance.
 */
#pragma once

#include "core/base/buf.h"
#include "core/events.h"

struct events_part {
	int fd;          /* FD_NONE: not there */
	struct buf rest; /* of a line that is not whole yet */
};

struct events_tail {
	int dir_fd, watch;           /* owned; @watch is FD_NONE unless followed */
	struct events_part old, now; /* private */
};

/* @follow: events_tail_wait() will be called. */
int events_tail_open(const struct rl *rl, bool follow, struct events_tail *ret,
		     struct rl_err *err) RL_MUST_USE;

/**
 * events_tail_read() - Hand over all events that were not handed over yet
 * @each:	Called with each, borrowed; anything but 0 ends the reading and is returned
 *
 * Lines that are no events are left out.
 */
int events_tail_read(struct events_tail *t, int (*each)(json_t *event, void *arg), void *arg,
		     struct rl_err *err) RL_MUST_USE;

/* Wait until the log has changed. @timeout_ms: -1 = for ever. 0, or -ETIMEDOUT. */
int events_tail_wait(struct events_tail *t, int timeout_ms, struct rl_err *err) RL_MUST_USE;
void events_tail_close(struct events_tail *t);
