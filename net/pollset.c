/* SPDX-License-Identifier: Apache-2.0 */
/* pollset.c - the descriptors of one turn of the loop */
#include "config.h"

#include "net/pollset.h"

#include <stdlib.h>

int pollset_add(struct pollset *s, int fd, short events)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		struct pollfd *v = reallocarray(s->v, cap, sizeof(*v));

		if (!v)
			return -1;
		s->v = v;
		s->cap = cap;
	}
	s->v[s->n] = (struct pollfd){ .fd = fd, .events = events };
	return (int)s->n++;
}

short pollset_events(const struct pollset *s, int index)
{
	return index >= 0 && (size_t)index < s->n ? s->v[index].revents : 0;
}
