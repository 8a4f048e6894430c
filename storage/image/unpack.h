/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack.h - a sandboxed child that turns one compressed layer stream into a staging folder
 *
 * Runs inside rl-image (already in S). The child reads @in_fd to the end, recognises gzip, zstd or
 * plain tar by its first bytes, inflates, hashes the tar (diff_id) and applies it below @diff_fd,
 * all in one pass. It can write nothing but that folder (Landlock, seccomp, no network, no exec,
 * rlimits). The compressed bytes are hashed by whoever feeds @in_fd.
 */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/buf.h"
#include "core/base/err.h"

struct unpack_limits {
	int64_t max_bytes; /* of the uncompressed tar */
	int64_t max_entries;
	/*
	 * diff folders of the layers below, bottom first, borrowed; for hard links to files of lower
	 * layers, and for folders that the tar names only as a part of a path: they look as they do
	 * below. Without lower layers the first fails with UNPACK_NEEDS_LOWER: begin anew, with a fresh
	 * stream and folder, when the layers below are there. The second are listed in the result
	 * where @lower_later: then unpack_dress_start() ends it.
	 */
	const int *lower_fds;
	size_t n_lower;
	int lower_later;
	/*
	 * The same layer as another store has it unpacked, "<key>/diff" of its layers/, or NULL, and that
	 * folder, borrowed: its files are compared and stay where they are (storage/elsewhere.h). One
	 * that is not the same ends it with UNPACK_NOT_SAME: begin anew, without it.
	 */
	const char *there;
	int there_fd;
};

#define UNPACK_NEEDS_LOWER ENOLINK /* err.code of unpack_finish() */
#define UNPACK_NOT_SAME    EUCLEAN

struct unpack_result {
	char diff_id[72];   /* "sha256:<64 hex>" of the uncompressed stream */
	int64_t tar_bytes;  /* uncompressed */
	int64_t disk_bytes; /* content of files */
	int64_t files;      /* entries of any kind */
	int64_t stubs;      /* files whose data stay in the other store */
	int lower_stubs;    /* it has such files of layers below */
	struct buf bare;    /* only with @lower_later, owned: paths, each with its NUL */
};

struct unpack {
	pid_t pid; /* 0: nothing started, or finished */
	int pidfd;
	int result_fd;
};

/**
 * unpack_start() - Fork the child
 * @in_fd:	Borrowed; the child has its own copy, so close yours
 * @diff_fd:	The empty folder to fill; any descriptor on it, borrowed
 * @one_id:	Store owner, mode and device in user.rl.* xattrs instead of applying them (S has
 *		one id only)
 */
int unpack_start(int in_fd, int diff_fd, int one_id, const struct unpack_limits *limits,
		 struct unpack *ret, struct rl_err *err) RL_MUST_USE;
/**
 * unpack_dress_start() - Give folders that an unpacked layer did not describe their looks
 * @limits:	Only its lower layers count
 * @bare:	From unpack_finish()
 *
 * Forks a child as unpack_start() does, which unpack_dress_finish() waits for.
 */
int unpack_dress_start(const struct buf *bare, int diff_fd, int one_id,
		       const struct unpack_limits *limits, struct unpack *ret,
		       struct rl_err *err) RL_MUST_USE;
/* In this process, without a sandbox: what the child does. For tests and fuzzing. */
int unpack_here(int in_fd, int diff_fd, int one_id, const struct unpack_limits *limits,
		struct unpack_result *ret, struct rl_err *err) RL_MUST_USE;
/* Wait for its result; its error (with the entry's name) becomes ours. Reaps and closes. */
int unpack_finish(struct unpack *u, struct unpack_result *ret, struct rl_err *err) RL_MUST_USE;
int unpack_dress_finish(struct unpack *u, struct rl_err *err) RL_MUST_USE;
void unpack_kill(struct unpack *u); /* fine on a zeroed or finished struct */
