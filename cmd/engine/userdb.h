/* SPDX-License-Identifier: Apache-2.0 */
/*
 * userdb.h - users and groups of an image, from its own /etc/passwd and /etc/group
 *
 * The files are HOSTILE (SECURITY S23 to S26): found below a layer's descriptor with openat2
 * (RESOLVE_IN_ROOT, no magic links), opened O_NONBLOCK, regular files of at most 1 MiB only,
 * looked for in the topmost layer first, honouring whiteouts and opaque folders. No libc look-up
 * is ever made with an image's data. A number is always a number, never the name of an entry.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

#define USERDB_FILE_MAX   (1 << 20)
#define USERDB_GROUPS_MAX 1024 /* supplementary groups of one user */
#define USERDB_NAME_MAX   256

/* One user as a process of the container needs it. */
struct userdb_user {
	uint32_t uid, gid;
	uint32_t groups[USERDB_GROUPS_MAX]; /* supplementary, without gid, ascending as found */
	size_t n_groups;
	char name[USERDB_NAME_MAX + 1]; /* "" when there is no entry */
	char home[1024];                /* "" when there is no entry or it is not usable */
	bool has_entry;
};

/* The whole text of such a file. 0 (empty when there is none), or -errno. */
int userdb_read(const int *layer_fds, size_t n_layers, const char *dir, const char *name,
		struct buf *out, struct rl_err *err) RL_MUST_USE;

/**
 * userdb_resolve() - "name|uid[:group|gid]" to ids
 * @spec:	NULL or "": user 0, group 0
 * @passwd, @group: Text of the files, any bytes
 *
 * Without a group the passwd entry gives it (0 when there is none), and the group file the
 * supplementary groups. With one, there are no supplementary groups.
 * Return: 0, -EINVAL (malformed), -ERANGE (4294967295 and above), -ENOENT (unknown name)
 */
int userdb_resolve(const char *spec, const struct buf *passwd, const struct buf *group,
		   struct userdb_user *ret, struct rl_err *err) RL_MUST_USE;
/* The other way round, in passwd or group: the name of @id, or NULL; the caller frees it. */
char *userdb_name_of(const struct buf *file, uint32_t id);
/* One group by name or number (--group-add). */
int userdb_group(const char *word, const struct buf *group, uint32_t *ret,
		 struct rl_err *err) RL_MUST_USE;
