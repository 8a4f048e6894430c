/* SPDX-License-Identifier: Apache-2.0 */
/* meta.h - owner, mode, xattrs and times of a layer entry, put on the object just made */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "core/base/err.h"

struct archive_entry;

/* Times outside what the file system can hold are clamped by the kernel. */
struct timespec meta_mtime(struct archive_entry *e);
/* Owner as the entry says; -EINVAL for what is no id (negative, 2^32 - 1 and above). */
int meta_owner(struct archive_entry *e, uint32_t *ret_uid, uint32_t *ret_gid,
	       struct rl_err *err) RL_MUST_USE;
/* The message for a failed chown; an id outside the map gets the remedy. Return: -code. */
int meta_owner_error(int code, uint32_t uid, uint32_t gid, struct rl_err *err);
/**
 * meta_apply() - Owner, xattrs, mode and file capability of a regular file or folder
 * @fd:		Opened for writing, or a folder
 * @one_id:	Record the owner in user.rl.owner instead (apply.h)
 */
int meta_apply(int fd, struct archive_entry *e, bool one_id, struct rl_err *err) RL_MUST_USE;

enum meta_owner {
	META_CALLER, /* whoever makes the file */
	META_AS,     /* the ids that go with it */
	META_KEEP,   /* what the entry says, file capabilities too */
};
struct meta_who {
	enum meta_owner owner;
	uint32_t uid, gid; /* META_AS */
};
/*
 * The same for a copy into a tree that is in use. @set_id: with set-user-id and set-group-id bits,
 * which must not pass from a container to somebody else's files.
 */
int meta_apply_copy(int fd, struct archive_entry *e, const struct meta_who *who, bool set_id,
		    struct rl_err *err) RL_MUST_USE;
