/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.c - `rl load`: bring in the images of an archive
 *
 * One line per image on stdout, as scripts know it: "Loaded image: NAME".
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cmd/cmd.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/fetch.h"

struct load_opts {
	const char *input;
	bool quiet;
};

static const struct opt load_options[] = {
	OPT_STR('i', "input", struct load_opts, input, "FILE",
		"read FILE, or the OCI layout in folder FILE, and not stdin"),
	OPT_BOOL('q', "quiet", struct load_opts, quiet, "no progress"),
	OPT_IGNORE("signature-policy"),
	OPT_END,
};

static int load_run(struct rl *rl, const struct cmd_args *args, const void *opts,
		    struct rl_err *err)
{
	const struct load_opts *o = opts;
	auto_strv struct strv names = { 0 };
	const char *input = o->input ? o->input : args->n > 0 ? args->v[0] : NULL;
	int r = fetch_load(rl, input, NULL, o->quiet, &names, NULL, err);

	for (size_t i = 0; i < names.n; i++) {
		auto_free char *line = str_printf("Loaded image: %s\n", names.v[i]);
		int w = line ? io_write_all(STDOUT_FILENO, line, strlen(line)) : -ENOMEM;

		if (w < 0 && r == 0)
			r = rl_fail_sys(err, -w, "write to stdout");
	}
	return r < 0 ? rl_wrap(err, "load '%s'", input ? input : "stdin") : r;
}

const struct cmd cmd_load = {
	.name = "load",
	.args = "[FILE]",
	.summary = "Bring in images from an archive or an OCI layout",
	.about = "Brings in the images of an archive, made by 'docker save', 'podman "
		 "save' or 'skopeo copy' (docker-archive or oci-archive, packed or "
		 "not), or of a folder that holds an OCI layout, or one image as 'rl save "
		 "--format docker-dir' and 'skopeo copy' (dir:) write it. Without FILE and "
		 "-i the archive is read from stdin.\n\n"
		 "One line per image is printed: 'Loaded image: NAME'.",
	.examples = {
		{ "rl load -i alpine.tar",
		  "Bring in all images of an archive." },
		{ "xz -dc image.tar.xz | rl load",
		  "Read the archive from stdin." },
	},
	.options = load_options,
	.opts_size = sizeof(struct load_opts),
	.max_args = 1,
	.run = load_run,
};
