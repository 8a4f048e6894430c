/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subid.h - the subordinate ids that the system grants to a user
 *
 * Sources, first answer wins: /etc/subuid and /etc/subgid (subuid(5)), by name and by uid; then
 * libsubid, which knows LDAP and kin through nsswitch.conf. A range that would hand out the ids
 * of real users is refused by file and line, whoever wrote it there (CVE-2024-56433: two tools
 * granted overlapping ranges, and one user could act as another).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

#define SUBID_LINES_MAX 65536 /* as many ranges of 65536 ids as exist at all */
#define SUBID_FILE_MAX  (8 << 20)

struct subid_span {
	uint32_t start, count;
};

struct subids {
	struct subid_span v[12]; /* more are left out; rl's maps have 16 lines */
	size_t n;
	const char *from; /* who answered: a constant; NULL when nobody did */
};

/**
 * struct subid_who - Whose ranges are looked for, and what they must not hold
 * @name:	Login name, or NULL when the uid has none
 * @uid:	Matches lines that name the owner by number
 * @own_id:	The uid (or gid, for subgid) that the user already is
 * @low_ok:	Ids below 65536 may be granted: in a nested namespace they are nobody's login
 */
struct subid_who {
	const char *name;
	uint32_t uid, own_id;
	bool low_ok;
};

/**
 * subid_parse() - The ranges of one user out of the text of /etc/subuid or /etc/subgid
 * @file:	Its name, for messages
 * @ret:	Written on success; empty when no line is the user's
 *
 * Lines of others that make no sense are skipped; one of the user's own is refused, as are ranges
 * that wrap, hold @own_id or ids below 65536, or overlap another user's.
 *
 * Return: 0, -EINVAL, -E2BIG for a file of more than SUBID_LINES_MAX lines
 */
int subid_parse(const char *text, size_t len, const char *file, const struct subid_who *who,
		struct subids *ret, struct rl_err *err) RL_MUST_USE;

enum subid_kind { SUBID_UID, SUBID_GID };

/* Ask the sources. 0, with an empty list when no source knows the user; or as subid_parse(). */
int subid_find(enum subid_kind kind, const struct subid_who *who, struct subids *ret,
	       struct rl_err *err) RL_MUST_USE;

/* First id of a range of 65536 that neither file has granted yet, for advice; 0 = none found. */
uint32_t subid_free_start(void);
