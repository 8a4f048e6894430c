/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cp.c - `rl cp`: copy files and folders between the host and containers
 *
 * Theory of operation: "NAME:PATH" is a path of a container unless the part before the colon
 * starts with '.' or '/': then, and without a colon, it is one of the host (docker-cp(1)).
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/engine/copy.h"
#include "core/base/cleanup.h"

struct cp_opts {
	bool archive, follow, overwrite, quiet;
};

static const struct opt cp_options[] = {
	OPT_BOOL('a', "archive", struct cp_opts, archive,
		 "keep owners; files in a container are its user's otherwise"),
	OPT_BOOL('L', "follow-link", struct cp_opts, follow,
		 "copy what a link as SOURCE leads to, not the link"),
	OPT_BOOL(0, "overwrite", struct cp_opts, overwrite,
		 "folders may take the place of files, and files that of folders"),
	OPT_BOOL('q', "quiet", struct cp_opts, quiet,
		 "taken for Docker's sake: nothing is printed"),
	OPT_IGNORE_BOOL("extract"),
	OPT_IGNORE_BOOL("pause"),
	OPT_END,
};

/* Split one word; the name of the container is a new string in @ret_name. */
static int split(const char *word, char **ret_name, const char **ret_path, struct rl_err *err)
{
	const char *colon = strchr(word, ':');

	*ret_path = word;
	if (!colon || colon == word || *word == '/' || *word == '.')
		return 0;
	*ret_name = strndup(word, (size_t)(colon - word));
	*ret_path = colon + 1;
	return *ret_name ? 0 : rl_oom(err);
}

static int load(struct rl *rl, const char *word, struct container *c, struct copy_end *ret,
		struct rl_err *err)
{
	auto_free char *name = NULL;
	int r = split(word, &name, &ret->path, err);

	if (r == 0 && name) {
		r = engine_load(rl, name, true, c, err);
		if (r == 0)
			ret->c = c;
	}
	return r;
}

static int cp(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct cp_opts *o = opts;
	struct container a = { .ctr = { .dir_fd = FD_NONE, .lock_fd = FD_NONE },
			       .session = { .userns_fd = FD_NONE } };
	struct container b = a;
	struct copy_req req = { .archive = o->archive,
				.follow = o->follow,
				.overwrite = o->overwrite };
	int r = load(rl, args->v[0], &a, &req.from, err);

	if (r == 0)
		r = load(rl, args->v[1], &b, &req.to, err);
	if (r == 0)
		r = engine_copy(rl, &req, err);
	container_done(&a);
	container_done(&b);
	return r;
}

const struct cmd cmd_cp = {
	.name = "cp",
	.args = "[CONTAINER:]SOURCE [CONTAINER:]DEST",
	.summary = "Copy files and folders between the host and containers",
	.about = "Copies as docker does: a file goes to DEST, or into DEST when that is a folder; a "
		 "folder becomes DEST, or goes into it when it is there; of 'SOURCE/.' only the "
		 "content is copied. A DEST that ends in '/' must be a folder. With '-' as DEST a "
		 "tar is written to stdout, with '-' as SOURCE one is read from stdin. The container "
		 "need not run."
		 "\n\n"
		 "What arrives in a container belongs to the user that it runs as, what arrives on the host to the "
		 "caller. Modes, times, links, holes and user attributes are kept; set-user-id bits "
		 "do not leave a container without -a. A word with a colon is a path of a container, "
		 "unless it starts with '.' or '/'.",
	.examples = {
		{ "rl cp web:/var/log/app.log .", "The file appears here." },
		{ "rl cp site/. web:/srv/www", "The content of site, not the folder itself." },
		{ "rl cp web:/etc - | tar -t", "The names of a tar of /etc." },
		{ "rl cp one:/data two:/data", "From one container to another." },
	},
	.options = cp_options,
	.opts_size = sizeof(struct cp_opts),
	.min_args = 2,
	.max_args = 2,
	.run = cp,
};
