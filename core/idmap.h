/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idmap.h - uid and gid maps of a user namespace: ranges, lookups, composition
 *
 * "inside" is the id in the namespace, "outside" the id in the parent namespace, as in the three
 * columns of /proc/PID/uid_map (user_namespaces(7)).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

#define IDMAP_MAX 340 /* lines the kernel takes (user_namespaces(7)) */

struct idrange {
	uint32_t inside, outside, count;
};

struct idmap {
	struct idrange v[16]; /* more than any map that rl makes; a longer one is refused */
	size_t n;
};

/* Id in the parent for id @inside, or -1 when it is not mapped. */
int64_t idmap_to_outside(const struct idmap *m, uint32_t inside);
int64_t idmap_to_inside(const struct idmap *m, uint32_t outside);
/* Total number of ids; the highest inside id + 1 is the same for maps without holes. */
uint64_t idmap_count(const struct idmap *m);
bool idmap_equal(const struct idmap *a, const struct idmap *b);

/* The map of a container namespace C nested in S (whose own map is @s): every id of S to itself.
 * Lines are cut where S's lines end: the kernel refuses one that spans two. */
int idmap_identity(const struct idmap *s, struct idmap *ret, struct rl_err *err) RL_MUST_USE;
/* keep-id: id @id in C is 0 in S (the caller); the ids below and above it take the others in order. */
int idmap_keep_id(const struct idmap *s, uint32_t id, struct idmap *ret,
		  struct rl_err *err) RL_MUST_USE;

/* "inside outside count\n" lines; the text for /proc/PID/uid_map. Room for 512 bytes. */
size_t idmap_format(const struct idmap *m, char out[512]);
/* Parse the same text (also /proc/PID/uid_map). 0 or -EINVAL. */
int idmap_parse(const char *text, struct idmap *ret) RL_MUST_USE;
