/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rmtree.c - `rl-image rmtree PATH`: remove a tree of ours that holds subordinate owners
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
#include "storage/image/cmds.h"
#include "storage/image/place.h"

int cmd_rmtree(const struct rl *rl, int argc, char **argv, struct rl_err *err)
{
	char path[PLACE_PATH_MAX + 1];
	auto_fd int fd = FD_NONE;
	struct place at;
	char *slash;

	if (argc != 2 || argv[1][0] == '/')
		return rl_fail(err, EINVAL, "usage: rmtree PATH (below the data folder)");
	if (place_clean(argv[1], path, err) < 0)
		return rl_wrap(err, "'%.300s'", argv[1]);
	if (*path == '\0')
		return rl_fail(err, EINVAL, "'%.300s' is the data folder itself", argv[1]);
	slash = strrchr(path, '/');
	if (slash)
		*slash = '\0';
	place_init(&at, rl->data_fd, false);
	fd = place_open_dir(&at, slash ? path : "");
	if (fd == -ENOENT)
		return 0; /* gone is what was asked for */
	if (fd < 0)
		return rl_fail_sys(err, -fd, "open the folder of '%.300s'", argv[1]);
	return io_remove_tree(fd, slash ? slash + 1 : path, err);
}
