/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_mounts.h - the mounts that the user or the image asks for; between spec_mounts.c and
 * spec_usermnt.c
 */
#pragma once

#include "cmd/engine/mntlist.h"
#include "cmd/engine/spec_parts.h"
#include "cmd/engine/volopt.h"

/* Volumes that are still to be found or made; everything else goes straight into the list. */
struct usermnt {
	struct volopt *v;
	size_t n;
};

/* Check -v, --mount, --tmpfs, --device and the image's VOLUMEs; nothing is made yet. */
int usermnt_check(struct spec_ctx *x, struct usermnt *u, struct mntlist *l,
		  struct rl_err *err) RL_MUST_USE;
int usermnt_make_volumes(struct spec_ctx *x, const struct usermnt *u, struct mntlist *l,
			 struct rl_err *err) RL_MUST_USE;
/* Remove the anonymous volumes of a request that failed. */
void usermnt_undo(struct spec_ctx *x);
void usermnt_done(struct usermnt *u);

/* spec_mntkinds.c: one mount of each kind into the list */
int usermnt_bind(struct mntlist *l, const struct volopt *v, struct rl_err *err) RL_MUST_USE;
int usermnt_glob(struct mntlist *l, const struct volopt *v, struct rl_err *err) RL_MUST_USE;
int usermnt_tmpfs(const struct spec_ctx *x, struct mntlist *l, const struct volopt *v,
		  struct rl_err *err) RL_MUST_USE;
/* ramfs, devpts */
int usermnt_kernel(const struct spec_ctx *x, struct mntlist *l, const struct volopt *v,
		   struct rl_err *err) RL_MUST_USE;
/* "O": a layer of the container's own over @path, or over the source of a bind (NULL) */
int usermnt_over(const struct spec_ctx *x, struct mntlist *l, const struct volopt *v,
		 const char *path, struct rl_err *err) RL_MUST_USE;
/* The files of an image, pulled if it is missing */
int usermnt_image(const struct spec_ctx *x, struct mntlist *l, const struct volopt *v,
		  struct rl_err *err) RL_MUST_USE;

/* Nothing may be mounted over /proc (but some files), /dev and what core makes in it. */
int usermnt_check_dest(const char *dest, struct rl_err *err) RL_MUST_USE;

/* spec_device.c: what core makes in a fresh /dev; --device; every device that the caller may open */
bool spec_is_own_device(const char *path);
int spec_devices_asked(const struct spec_ctx *x, struct mntlist *l, struct rl_err *err) RL_MUST_USE;
int spec_devices_all(struct mntlist *l, struct rl_err *err) RL_MUST_USE;
