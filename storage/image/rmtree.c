/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rmtree.c - `rl-image rmtree PATH...`: remove trees of ours that hold subordinate owners
 *
 * Several are removed at once, each by a process of its own.
 *
 * Runs in S, where all those owners are mapped. The path is relative to the data folder and is
 * opened component by component without following links: a container may have left symlinks
 * below its own folder.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/image/child.h"
#include "storage/image/cmds.h"
#include "storage/image/place.h"

#define WHAT      "the process that removes a tree"
#define TREES_MAX 16

static int remove_one(const struct rl *rl, const char *typed, struct rl_err *err)
{
	char path[PLACE_PATH_MAX + 1];
	auto_fd int fd = FD_NONE;
	struct place at;
	char *slash;

	if (typed[0] == '/')
		return rl_fail(err, EINVAL, "'%.300s' is not below the data folder", typed);
	if (place_clean(typed, path, err) < 0)
		return rl_wrap(err, "'%.300s'", typed);
	if (*path == '\0')
		return rl_fail(err, EINVAL, "'%.300s' is the data folder itself", typed);
	slash = strrchr(path, '/');
	if (slash)
		*slash = '\0';
	place_init(&at, rl->data_fd, false);
	fd = place_open_dir(&at, slash ? path : "");
	if (fd == -ENOENT)
		return 0; /* gone is what was asked for */
	if (fd < 0)
		return rl_fail_sys(err, -fd, "open the folder of '%.300s'", typed);
	return io_remove_tree(fd, slash ? slash + 1 : path, err);
}

static int start(const struct rl *rl, const char *path, struct child *c, struct rl_err *err)
{
	struct rl_err why = { 0 };
	int answer, r = child_fork(WHAT, c, &answer, err);

	if (r == 0) {
		r = remove_one(rl, path, &why);
		child_answer(answer, r < 0 ? &why : NULL, NULL, 0);
	}
	return r < 0 ? r : 0;
}

int cmd_rmtree(const struct rl *rl, int argc, char **argv, struct rl_err *err)
{
	struct child v[TREES_MAX] = { 0 };
	struct rl_err why = { 0 };
	int n = argc - 1, r = 0;

	if (n < 1 || n > TREES_MAX)
		return rl_fail(err, EINVAL, "usage: rmtree PATH... (at most %d)", TREES_MAX);
	if (n == 1)
		return remove_one(rl, argv[1], err);
	for (int i = 0; i < n && r == 0; i++)
		r = start(rl, argv[1 + i], &v[i], err);
	for (int i = 0; i < n; i++) {
		auto_buf struct buf nothing = { 0 };

		/* the first failure is told, the others go on all the same */
		if (v[i].pid > 0 && child_result(&v[i], WHAT, 0, &nothing, r < 0 ? &why : err) < 0)
			r = r < 0 ? r : -err->code;
	}
	return r;
}
