/* SPDX-License-Identifier: Apache-2.0 */
/*
 * save.c - `rl save`: images to an archive or a folder
 *
 * A file is written under a temporary name and renamed, so that an old archive stays when something
 * fails. Several words are several images; the word says under which name each is found there.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cmd/archive_out.h"
#include "cmd/cmd.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "storage/fetch_out.h"

struct save_opts {
	bool multi, quiet;
	const char *format, *output;
};

static const struct opt save_options[] = {
	OPT_STR(0, "format", struct save_opts, format,
		"docker-archive|oci-archive|oci-dir|docker-dir", "what to write (docker-archive)"),
	OPT_BOOL('m', "multi-image-archive", struct save_opts, multi,
		 "several words are several images (always so)"),
	OPT_STR('o', "output", struct save_opts, output, "FILE", "write to FILE, not to stdout"),
	OPT_BOOL('q', "quiet", struct save_opts, quiet, "no progress"),
	OPT_IGNORE_BOOL("compress"),
	OPT_IGNORE_BOOL("uncompressed"),
	OPT_IGNORE("signature-policy"),
	OPT_END,
};

static int check_format(const char *f, bool *ret_dir, struct rl_err *err)
{
	static const char *const known[] = { "docker-archive", "oci-archive", "oci-dir",
					     "docker-dir" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(f, known[i]) != 0)
			continue;
		*ret_dir = i >= 2;
		return 0;
	}
	return rl_fail(err, EINVAL,
		       "unknown format '%s': expected docker-archive, oci-archive, oci-dir or "
		       "docker-dir",
		       f);
}

/* "ID NAME" of each word, or "ID" of one that is no name. */
static int find(const struct rl *rl, const struct cmd_args *args, struct strv *ret,
		struct rl_err *err)
{
	for (size_t i = 0; i < args->n; i++) {
		auto_image struct image img = { 0 };
		bool named;
		int r = image_find(rl, args->v[i], NULL, &img, err);

		if (r < 0)
			return r;
		named = img.name && !strchr(img.name, '@'); /* archives name by tag only */
		if (strv_take(ret, str_printf("%s%s%s", img.id, named ? " " : "",
					      named ? img.name : "")) < 0)
			return rl_oom(err);
	}
	return 0;
}

static int save(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct save_opts *o = opts;
	auto_strv struct strv ids = { 0 };
	bool is_dir = false;
	int r = check_format(o->format, &is_dir, err);

	if (r == 0 && strcmp(o->format, "docker-dir") == 0 && args->n > 1)
		r = rl_fail(err, EINVAL, "a docker-dir holds one image only");
	if (r == 0 && !o->output && !is_dir && isatty(STDOUT_FILENO)) {
		rl_fail(err, EINVAL, "refusing to save to a terminal");
		return rl_hint(err, "name a file with -o, or redirect stdout");
	}
	if (r == 0)
		r = find(rl, args, &ids, err);
	if (r < 0)
		return r;
	if (is_dir || o->output)
		return archive_out(rl, &ids, o->format, o->output, o->quiet, err);
	return fetch_save(rl, &ids, o->format, o->quiet, STDOUT_FILENO, err);
}

const struct cmd cmd_save = {
	.name = "save",
	.args = "IMAGE...",
	.summary = "Write images to an archive or a folder",
	.about = "Writes images to stdout or, with -o, to a file or folder: docker-archive, "
		 "which 'docker load' and 'podman load' read, oci-archive, or an OCI "
		 "layout in a folder (oci-dir). Layers that images share are written "
		 "once. 'rl load' brings them back; the OCI forms keep manifests and "
		 "packed layers byte for byte.",
	.examples = {
		{ "rl save -o alpine.tar alpine", "Write one image to an archive." },
		{ "rl save alpine app | ssh host rl load", "Give two images to another machine." },
		{ "rl save --format oci-dir -o layout alpine", "Write an OCI layout." },
	},
	.options = save_options,
	.defaults = &(const struct save_opts){ .format = "docker-archive" },
	.opts_size = sizeof(struct save_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.run = save,
};
