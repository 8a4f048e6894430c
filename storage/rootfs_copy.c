/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootfs_copy.c - last rung: a folder of its own, filled from the layers
 *
 * Filled as rootfs.tmp and renamed, so that a container that is started again finds it whole.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/mnt.h"
#include "storage/rootfs_parts.h"
#include "storage/tree.h"

#define TMP "rootfs.tmp"

int copy_prepare(const struct rootfs *r, struct rl_err *err)
{
	auto_fd int to = FD_NONE;
	int rc;

	if (io_exists(r->ctr_fd, "rootfs"))
		return 0;
	rc = io_remove_tree(r->ctr_fd, TMP, err);
	if (rc < 0)
		return rc;
	if (mkdirat(r->ctr_fd, TMP, 0755) < 0)
		return rl_fail_sys(err, errno, "create the container's folder '" TMP "'");
	to = io_open_dir(r->ctr_fd, TMP, err);
	if (to < 0)
		return to;
	for (size_t i = 0; i < r->n_layers; i++) {
		rc = tree_apply(r->layer_fds[i], to, err);
		if (rc < 0)
			return rl_wrap(err, "copy layer %zu of the image", i + 1);
	}
	if (renameat(r->ctr_fd, TMP, r->ctr_fd, "rootfs") < 0)
		return rl_fail_sys(err, errno, "rename the container's folder '" TMP "'");
	return 0;
}

int copy_mount(const struct rootfs *r, struct rl_err *err)
{
	auto_fd int dir =
		openat(r->ctr_fd, "rootfs", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_fd int here = FD_NONE;
	int fd;

	if (dir < 0)
		return rl_fail_sys(err, errno, "open the container's folder 'rootfs'");
	here = rootfs_reopen(dir, err);
	if (here < 0)
		return here;
	fd = mnt_clone(here, "", false);
	return fd < 0 ? rl_fail_sys(err, -fd, "take the container's folder 'rootfs'") : fd;
}
