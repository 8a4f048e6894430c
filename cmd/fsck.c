/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fsck.c - `rl fsck`: is what is kept on disk whole, and what helps where it is not
 *
 * Theory of operation: rl-image looks (it may read files of all owners, and it can hash) and gives
 * a line for each damage; here they are only printed and counted. Without --repair nothing is
 * written.
 */
#include "config.h"

#include "cmd/cmd.h"
#include "cmd/format.h"
#include "core/base/cleanup.h"
#include "storage/fetch_fsck.h"

static const struct opt fsck_options[] = {
	OPT_LATER('f', "force"),
	OPT_BOOL(0, "quick", struct fsck_req, quick, "do not read the packed layers"),
	OPT_BOOL('q', "quiet", struct fsck_req, quiet, "no progress and no list, only the status"),
	OPT_BOOL('r', "repair", struct fsck_req, repair,
		 "remove what is damaged and not in use, so that a pull brings just that"),
	OPT_END,
};

static int fsck_run(struct rl *rl, const struct cmd_args *args, const void *opts,
		    struct rl_err *err)
{
	const struct fsck_req *o = opts;
	auto_strv struct strv lines = { 0 };
	auto_buf struct buf out = { 0 };
	size_t left = 0;
	int r = fetch_fsck(rl, o, &lines, &left, err);

	(void)args;
	for (size_t i = 0; i < lines.n && r == 0 && !o->quiet; i++)
		if (buf_printf(&out, "%s\n", lines.v[i]) < 0)
			r = rl_oom(err);
	if (r == 0 && out.len > 0)
		r = format_print(&out, err);
	return r < 0 ? r : left > 0;
}

const struct cmd cmd_fsck = {
	.name = "fsck",
	.args = "",
	.summary = "Look whether the store is whole",
	.about = "Checks that the records of all images can be read, that their configs, manifests "
		 "and packed layers have the digests they are named by, that all layers are there, "
		 "that names lead to images, that the records of containers can be read, and that no "
		 "temporary files were left behind. Each damage is a line with what helps, mostly "
		 "'rl pull NAME', which fetches only what is missing.\n\n"
		 "With --repair damaged layers, packed layers and names and left temporary files are "
		 "removed and records are written anew where that can be done. Images, and layers that "
		 "a container uses, are never removed.",
	.examples = {
		{ "rl fsck", "Look, and change nothing." },
		{ "rl fsck --repair", "Remove what is damaged; the next pull fetches just that." },
	},
	.exits = {
		{ "1", "Something is damaged, or with --repair still missing." },
	},
	.options = fsck_options,
	.opts_size = sizeof(struct fsck_req),
	.run = fsck_run,
};
