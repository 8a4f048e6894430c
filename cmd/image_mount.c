/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_mount.c - `rl image mount`, `rl image unmount`: what there is in place of them
 *
 * An ordinary user's mount lives in a mount namespace of its own, which ends with the command that
 * made it; nothing that a later command could look at would be left. What people want with it can
 * be had otherwise, and that is said. No image is ever mounted, so there is none to list or unmount.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "storage/image.h"

struct image_mount_opts {
	bool all, force;
};

static int mount(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct image_mount_opts *o = opts;

	if (args->n == 0 && !o->all)
		return 0; /* the list of those that are mounted */
	for (size_t i = 0; i < args->n; i++) {
		char id[65], *name = NULL;
		int r = image_resolve(rl, args->v[i], NULL, id, &name, err);

		free(name);
		if (r < 0)
			return r;
	}
	rl_fail(err, EPERM, "an image cannot be mounted where other commands would see it");
	return rl_hint(err,
		       "'rl run --mount type=image,src=%s,dst=/mnt ...' shows it in a "
		       "container, 'rl create' and 'rl export' give its files",
		       args->n ? args->v[0] : "IMAGE");
}

static int unmount(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct image_mount_opts *o = opts;

	(void)rl;
	if (o->all)
		return 0;
	if (args->n == 0)
		return rl_fail(err, EINVAL, "image unmount needs IMAGE... or --all");
	return rl_fail(err, EINVAL, "image '%s' is not mounted", args->v[0]);
}

static const struct opt mount_options[] = {
	OPT_BOOL('a', "all", struct image_mount_opts, all, "all images"),
	OPT_IGNORE("format"),
	OPT_END,
};

const struct cmd cmd_image_mount = {
	.name = "image mount",
	.args = "[IMAGE...]",
	.summary = "Say how to get at the files of an image",
	.about = "A mount of an ordinary user ends with the command that made it, so rl mounts no "
		 "image for others to look at: the command ends in an error that says what does the "
		 "same. Without IMAGE it lists mounted images, of which there are none.",
	.examples = {
		{ "rl image mount alpine", "Tell how to get at the files of 'alpine'." },
		{ "rl image mount", "List mounted images." },
	},
	.options = mount_options,
	.opts_size = sizeof(struct image_mount_opts),
	.max_args = CMD_ANY,
	.run = mount,
};

static const struct opt unmount_options[] = {
	OPT_BOOL('a', "all", struct image_mount_opts, all, "all that are mounted"),
	OPT_BOOL('f', "force", struct image_mount_opts, force, "whoever looks at it"),
	OPT_END,
};

const struct cmd cmd_image_unmount = {
	.name = "image unmount",
	.args = "[IMAGE...]",
	.summary = "The other half of 'rl image mount'",
	.about = "No image is ever mounted (see rl-image-mount(1)): with --all there is nothing to "
		 "do, an IMAGE is an error.",
	.examples = {
		{ "rl image unmount --all", "Do nothing, successfully." },
		{ "rl image unmount alpine", "An error: it is not mounted." },
	},
	.options = unmount_options,
	.opts_size = sizeof(struct image_mount_opts),
	.max_args = CMD_ANY,
	.run = unmount,
};
