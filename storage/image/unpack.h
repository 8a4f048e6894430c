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

#include <stdint.h>
#include <sys/types.h>

#include "core/base/err.h"

struct unpack_limits {
	int64_t max_bytes; /* of the uncompressed tar */
	int64_t max_entries;
};

struct unpack_result {
	char diff_id[72]; /* "sha256:<64 hex>" of the uncompressed stream */
	int64_t tar_bytes, disk_bytes, files;
};

struct unpack {
	pid_t pid;
	int pidfd;
	int result_fd;
};

/**
 * unpack_start() - Fork the child
 * @in_fd:	Borrowed; the child has its own copy, so close yours
 * @one_id:	Store owner, mode and device in user.rl.* xattrs instead of applying them (S has
 *		one id only)
 */
int unpack_start(int in_fd, int diff_fd, int one_id, const struct unpack_limits *limits,
		 struct unpack *ret, struct rl_err *err) RL_MUST_USE;
/* Wait for its result; its error (with the entry's name) becomes ours. Reaps and closes. */
int unpack_finish(struct unpack *u, struct unpack_result *ret, struct rl_err *err) RL_MUST_USE;
void unpack_kill(struct unpack *u); /* fine on a zeroed or finished struct */
