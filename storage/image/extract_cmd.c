/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extract_cmd.c - "rl-image extract": a tar on stdin into the folder on descriptor 3
 *
 * Theory of operation: for a folder of a container we are started in S and enter the container's
 * user namespace (descriptor 4, the namespace or a pidfd of a process in it), so
 * that owners mean what they mean there. The mount namespace stays ours: the folder is reached
 * by its descriptor alone, and no name of the container's is ever looked up from a root. For a
 * folder of the caller we run as the caller. Confined before the first byte is read.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "storage/image/calls.h"
#include "storage/image/cmds.h"
#include "storage/image/extract.h"
#include "storage/image/inflate.h"
#include "storage/image/tarin.h"

#define DEST_FD   3
#define ENTER_FD  4
#define MEMORY    ((size_t)(1 << INFLATE_WINDOW_LOG) + (size_t)(256 << 20))
#define FILES     4096
#define BYTES_MAX INT64_MAX

static int parse(int argc, char **argv, struct extract_opts *o, bool *ret_enter, struct rl_err *err)
{
	*o = (struct extract_opts){ .who = { .owner = META_CALLER } };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "enter") == 0)
			*ret_enter = true;
		else if (sscanf(argv[i], "as=%" SCNu32 ":%" SCNu32, &o->who.uid, &o->who.gid) == 2)
			o->who.owner = META_AS;
		else if (strcmp(argv[i], "keep") == 0)
			o->who.owner = META_KEEP;
		else if (strcmp(argv[i], "set-id") == 0)
			o->set_id = true;
		else if (strcmp(argv[i], "overwrite") == 0)
			o->overwrite = true;
		else
			return rl_fail(err, EINVAL, "extract: '%.40s' is not understood", argv[i]);
	}
	return 0;
}

/* Non-dumpable first: the container's processes share that namespace. */
static int enter(struct rl_err *err)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setns(ENTER_FD, CLONE_NEWUSER) < 0)
		return rl_fail_sys(err, errno, "enter the container's user namespace");
	/* a map without 0 has no root: all capabilities are there all the same */
	if ((setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) && errno != EINVAL)
		return rl_fail_sys(err, errno, "become root of the container");
	(void)close(ENTER_FD);
	return 0;
}

static int lock_in(struct rl_err *err)
{
	const int fds[] = { 0, 1 };
	const struct sandbox_dir dir = { .fd = DEST_FD, .access = SANDBOX_WRITE };
	const struct sandbox c = {
		.calls = { calls_base, calls_open, calls_tree },
		.other = CALLS_OTHER,
		.dirs = &dir,
		.n_dirs = 1,
		.caps = CALLS_UNPACK_CAPS,
		.memory = MEMORY,
		.files = FILES,
		.fds = fds,
		.n_fds = ARRAY_LEN(fds),
	};

	return sandbox_enter(&c, err);
}

int cmd_extract(const struct rl *rl, int argc, char **argv, struct rl_err *err)
{
	struct extract_opts o;
	struct tarin *t = NULL;
	char digest[TARIN_DIGEST_SIZE];
	int64_t bytes;
	bool enters = false;
	int r = parse(argc, argv, &o, &enters, err);

	(void)rl;
	(void)umask(0);
	if (r == 0)
		r = tarin_open(0, BYTES_MAX, &t, err);
	if (r == 0 && enters)
		r = enter(err);
	if (r == 0)
		r = lock_in(err);
	if (r == 0)
		r = extract_all(DEST_FD, t, &o, err);
	if (r == 0) /* whoever writes must not find the pipe closed before its end */
		r = tarin_end(t, digest, &bytes, err);
	tarin_free(t);
	return r;
}
