/* SPDX-License-Identifier: Apache-2.0 */
/* pollset.h - the descriptors of one turn of the loop; grows, never shrinks */
#pragma once

#include <poll.h>
#include <stddef.h>

struct pollset {
	struct pollfd *v;
	size_t n, cap;
};

/* Watch @fd for @events (POLLIN...). Index for pollset_events(), or -1 when out of memory. */
int pollset_add(struct pollset *s, int fd, short events);
/* What poll() reported for an index; 0 for -1. */
short pollset_events(const struct pollset *s, int index);
