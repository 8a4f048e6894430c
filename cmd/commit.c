/* SPDX-License-Identifier: Apache-2.0 */
/* commit.c - `rl commit`: an image of what a container has become; prints its id */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/engine/newimage.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"

struct commit_opts {
	struct newimage_req q;
	const char *iidfile;
	bool quiet;
};

#define C struct commit_opts

static const struct opt commit_options[] = {
	OPT_STR('a', "author", C, q.author, "NAME", "who made the image, noted in it"),
	OPT_LIST('c', "change", C, q.change, "LINE",
		 "CMD, ENV, LABEL, USER ... of a Containerfile"),
	OPT_STR(0, "config", C, q.config_file, "FILE", "JSON whose members replace the config's"),
	OPT_STR('f', "format", C, q.format, "FORMAT", "oci (default) or docker"),
	OPT_STR(0, "iidfile", C, iidfile, "FILE", "write the id to FILE"),
	OPT_BOOL(0, "include-volumes", C, q.include_volumes, "the container's volumes are VOLUMEs"),
	OPT_STR('m', "message", C, q.message, "TEXT", "comment in the history"),
	OPT_BOOL('p', "pause", C, q.pause, "pause the container meanwhile"),
	OPT_BOOL('q', "quiet", C, quiet,
		 "taken for Podman's sake: there is no progress to leave out"),
	OPT_BOOL('s', "squash", C, q.squash, "one layer with everything, also what is below"),
	OPT_END,
};

static int commit(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct commit_opts *o = opts;
	struct newimage_req req = o->q;
	struct container c;
	char id[65];
	int r = engine_load(rl, args->v[0], true, &c, err);

	if (r < 0)
		return r;
	req.name = args->n > 1 ? args->v[1] : NULL;
	r = engine_commit(&c, &req, id, err);
	container_done(&c);
	if (r == 0 && o->iidfile)
		r = io_replace_file(AT_FDCWD, o->iidfile, id, strlen(id), 0644, IO_NOSYNC, err);
	if (r < 0)
		return rl_wrap(err, "commit '%s'", args->v[0]);
	(void)puts(id); /* a closed stdout is seen when it is flushed at exit */
	return 0;
}

const struct cmd cmd_commit = {
	.name = "commit",
	.args = "CONTAINER [IMAGE]",
	.summary = "Make an image of what a container has become",
	.about = "Makes a new image: that of the container, and on top of it a layer with what the "
		 "container changed. What is mounted there, volumes too, is not part of it. The new "
		 "image runs what the container runs unless --change says otherwise. The id is "
		 "printed. With SOURCE_DATE_EPOCH in the environment the same changes make the same "
		 "image.",
	.examples = {
		{ "rl commit web app:2", "The image localhost/app:2." },
		{ "rl commit -c 'CMD [\"nginx\"]' -c 'ENV LANG=C' web app", "With other settings." },
		{ "rl commit --squash -m 'as it was' web snapshot", "In a single layer." },
	},
	.options = commit_options,
	.opts_size = sizeof(struct commit_opts),
	.min_args = 1,
	.max_args = 2,
	.run = commit,
};
