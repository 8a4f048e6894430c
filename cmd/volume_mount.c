/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume_mount.c - `rl volume mount` and `rl volume unmount`
 *
 * A volume's files are in a folder of the user's at all times, so there is nothing to mount: its path is
 * printed. What is behind a volume with options is mounted in containers only.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "storage/volume.h"

static int find(const struct rl *rl, const char *name, struct volume *ret, struct rl_err *err)
{
	int r = volume_load(rl, name, ret, err);

	if (r < 0 || json_object_size(ret->options) == 0)
		return r;
	return rl_fail(err, ENOTSUP, "it has options, and is mounted in containers only");
}

static int mount_one(struct rl *rl, const char *name, const void *opts, struct rl_err *err)
{
	auto_volume struct volume v = { 0 };
	int r = find(rl, name, &v, err);

	(void)opts;
	if (r == 0)
		(void)puts(v.path); /* a closed stdout is seen when it is flushed at exit */
	return r;
}

static int unmount_one(struct rl *rl, const char *name, const void *opts, struct rl_err *err)
{
	auto_volume struct volume v = { 0 };
	int r = find(rl, name, &v, err);

	(void)opts;
	if (r == 0)
		(void)puts(v.name); /* as above */
	return r;
}

const struct cmd cmd_volume_mount = {
	.name = "volume mount",
	.args = "VOLUME...",
	.summary = "Print where the files of volumes are",
	.about = "Prints the folder of each volume. It is there at all times, so nothing is mounted; "
		 "files that containers made may belong to subordinate ids.",
	.examples = {
		{ "rl volume mount data", "The folder of 'data'." },
		{ "ls \"$(rl volume mount data)\"", "What is in it." },
	},
	.min_args = 1,
	.max_args = CMD_ANY,
	.each = mount_one,
};

const struct cmd cmd_volume_unmount = {
	.name = "volume unmount",
	.args = "VOLUME...",
	.summary = "Nothing: for scripts that undo volume mount",
	.about = "Prints the names; since nothing was mounted, nothing else is done.",
	.examples = {
		{ "rl volume unmount data", "For the sake of a script." },
		{ "rl volume unmount data cache", "The same for two." },
	},
	.min_args = 1,
	.max_args = CMD_ANY,
	.each = unmount_one,
};
