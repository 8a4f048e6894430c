/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idmap.h - uid and gid maps of a user namespace: ranges, lookups, composition
 *
 * "inside" is the id in the namespace, "outside" the id in the parent namespace, as in the three
 * columns of /proc/PID/uid_map (user_namespaces(7)). No id above 4294967294 exists: (uid_t)-1
 * means "no id" to the kernel.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

#define IDMAP_MAX  340 /* lines the kernel takes (user_namespaces(7)) */
#define IDMAP_TEXT 544 /* room for idmap_format(): 16 lines of three ten-digit numbers */

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

/*
 * Append one line; @count 0 adds nothing. -EINVAL when an id would be mapped twice or lies above
 * the last one, -E2BIG when the map is full; @m is unchanged then.
 */
int idmap_add(struct idmap *m, uint32_t inside, uint32_t outside, uint32_t count) RL_MUST_USE;

/* The map of a container namespace C nested in S (whose own map is @s): every id of S to itself.
 * Lines are cut where S's lines end: the kernel refuses one that spans two. */
int idmap_identity(const struct idmap *s, struct idmap *ret, struct rl_err *err) RL_MUST_USE;
/* keep-id: id @id in C is 0 in S (the caller); the ids below and above it take the others in order. */
int idmap_keep_id(const struct idmap *s, uint32_t id, struct idmap *ret,
		  struct rl_err *err) RL_MUST_USE;
/*
 * Append a line and take what it needs from the lines before it: no id stays mapped twice. The same
 * errors as idmap_add(), but for an id that is mapped already.
 */
int idmap_put(struct idmap *m, uint32_t inside, uint32_t outside, uint32_t count) RL_MUST_USE;
/* @m, whose outside ids are S's, with its lines cut where those of @s end; -EINVAL names the first
 * line that asks for ids which S does not have. */
int idmap_within(const struct idmap *m, const struct idmap *s, struct idmap *ret,
		 struct rl_err *err) RL_MUST_USE;
/* Leave out the inside ids from @size on. */
void idmap_truncate(struct idmap *m, uint32_t size);
/* NULL, or every id of it to itself */
bool idmap_is_identity(const struct idmap *m);

/* "inside outside count\n" lines; the text for /proc/PID/uid_map. Return: its length. */
size_t idmap_format(const struct idmap *m, char out[IDMAP_TEXT]);
/* Parse the same text (also /proc/PID/uid_map, with its padding). Empty text is an empty map.
 * 0, -EINVAL, or -E2BIG when it has more lines than rl takes. */
int idmap_parse(const char *text, struct idmap *ret) RL_MUST_USE;
