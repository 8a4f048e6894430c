/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootfs.h - the root file system of one container, assembled from layers
 *
 * Ladder, tried for real once per store and remembered in data_dir/cache: kernel overlay
 * (userxattr) > fuse-overlayfs > a copy of the layers. Writable state is below the container's
 * own folder: upper/ and work/ (overlay), or rootfs/ (copy). $STORAGE_DRIVER "fuse-overlayfs" and
 * "vfs" (the copy) choose a rung, as Podman's users know it; other values do nothing.
 *
 * Descriptors that were opened in the host's mount namespace do not do for mounts in another one:
 * the root hook finds the same folders again by the names that /proc/self/fd gives them.
 */
#pragma once

#include "core/base/strv.h"
#include "core/rl.h"
#include "core/session.h"

enum rootfs_rung { ROOTFS_OVERLAY, ROOTFS_FUSE, ROOTFS_COPY, ROOTFS_DIR };

struct rootfs {
	enum rootfs_rung rung;
	int *layer_fds; /* O_PATH on layers/<key>/diff, bottom first; owned */
	size_t n_layers;
	size_t n_data;   /* so many of them, from the bottom, only have the data of the one above */
	int ctr_fd;      /* the container's folder; borrowed */
	const char *dir; /* with ROOTFS_DIR: the user's --rootfs folder; borrowed */
	bool in_session; /* C sees other ids than S: mounted by the prepare hook, as root of S */
	bool read_only;  /* the mount itself is made read-only */
	bool ephemeral;  /* --rm: nothing needs to reach the disk; may be set after rootfs_open() */
};

/**
 * rootfs_open() - In the host's namespaces: pick the rung, open the layers, make upper and work
 * @diff_ids:	Bottom first (struct image)
 * @uids, @gids: C's maps into S: when they are not the identity, layers with shifted owners are
 *		made first (once per layer and map)
 */
int rootfs_open(const struct rl *rl, const struct session *s, const struct strv *diff_ids,
		const struct idmap *uids, const struct idmap *gids, int ctr_fd, struct rootfs *ret,
		struct rl_err *err) RL_MUST_USE;
/*
 * The same over a folder of the user's (--rootfs DIR:O), which stays as it is; what is mounted below
 * it is not seen.
 */
int rootfs_open_over(const struct rl *rl, const struct session *s, const char *dir, int ctr_fd,
		     struct rootfs *ret, struct rl_err *err) RL_MUST_USE;
void rootfs_close(struct rootfs *r); /* fine on a zeroed struct */

/*
 * The rung of this store, for rl info and rl doctor as well: from the cache, else by trial.
 * @ret_why: why a better rung was not taken, or NULL; caller frees. May itself be NULL.
 */
int rootfs_pick(const struct rl *rl, const struct session *s, enum rootfs_rung *ret, char **ret_why,
		struct rl_err *err) RL_MUST_USE;
/* One rung by trial, in a folder of its own below @dir_fd that is removed again: 0, or why not. */
int rootfs_try(int dir_fd, const struct session *s, enum rootfs_rung rung,
	       struct rl_err *err) RL_MUST_USE;
#define ROOTFS_FUSE_PROGRAM "fuse-overlayfs"
const char *rootfs_rung_name(enum rootfs_rung rung);

/* launch hooks (core/launch.h); @arg is a struct rootfs */
int rootfs_prepare_hook(void *arg, int *ret_fd, struct rl_err *err);
int rootfs_root_hook(void *arg, int prepared_fd, int *ret_mount_fd, struct rl_err *err);
