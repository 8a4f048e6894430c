/* SPDX-License-Identifier: Apache-2.0 */
/* import.c - `rl import`: an image with one layer, made of a tar; prints its id */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/engine/newimage.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"

struct import_opts {
	struct newimage_req q;
	const char *os, *arch, *variant;
	bool quiet;
};

#define I struct import_opts

static const struct opt import_options[] = {
	OPT_STR(0, "arch", I, arch, "ARCH", "architecture of what is in it"),
	OPT_LIST('c', "change", I, q.change, "LINE",
		 "CMD, ENV, LABEL, USER ... of a Containerfile"),
	OPT_STR('m', "message", I, q.message, "TEXT", "comment in the history"),
	OPT_STR(0, "os", I, os, "OS", "operating system of what is in it"),
	OPT_STR(0, "platform", I, q.platform, "OS/ARCH",
		"system and architecture in one, such as linux/arm64"),
	OPT_BOOL('q', "quiet", I, quiet,
		 "taken for Podman's sake: there is no progress to leave out"),
	OPT_STR(0, "variant", I, variant, "VARIANT", "variant of the architecture"),
	OPT_IGNORE("signature-policy"),
	OPT_END,
};

/* --os, --arch, --variant and the host's for what is missing, as one text. */
static int make_platform(const struct import_opts *o, char **ret, struct rl_err *err)
{
	struct platform p;

	if (!o->os && !o->arch && !o->variant)
		return 0;
	if (o->q.platform)
		return rl_fail(err, EINVAL,
			       "'--platform' and '--os', '--arch' or '--variant' exclude each "
			       "other");
	platform_host(&p);
	*ret = str_printf("%s/%s%s%s", o->os ? o->os : p.os, o->arch ? o->arch : p.arch,
			  o->variant ? "/" : "", o->variant ? o->variant : "");
	return *ret ? 0 : rl_oom(err);
}

static int open_input(const char *path, struct rl_err *err)
{
	int fd;

	if (strncmp(path, "http://", 7) == 0 || strncmp(path, "https://", 8) == 0) {
		rl_fail(err, ENOTSUP, "'%s': addresses are not fetched", path);
		return rl_hint(err, "curl -fL %s | rl import - NAME", path);
	}
	if (strcmp(path, "-") == 0) {
		if (isatty(STDIN_FILENO))
			return rl_fail(err, EINVAL, "stdin is a terminal, a tar is expected there");
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	} else {
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	return fd < 0 ? rl_fail_sys(err, errno, "open '%s'", path) : fd;
}

static int import(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct import_opts *o = opts;
	struct newimage_req req = o->q;
	auto_free char *platform = NULL;
	auto_fd int fd = FD_NONE;
	char id[65];
	int r = make_platform(o, &platform, err);

	if (r < 0)
		return r;
	if (platform)
		req.platform = platform;
	req.name = args->n > 1 ? args->v[1] : NULL;
	fd = open_input(args->v[0], err);
	r = fd < 0 ? fd : engine_import(rl, fd, &req, id, err);
	if (r < 0)
		return rl_wrap(err, "import '%s'", args->v[0]);
	(void)printf("sha256:%s\n", id); /* a closed stdout is seen when it is flushed at exit */
	return 0;
}

const struct cmd cmd_import = {
	.name = "import",
	.args = "FILE [IMAGE]",
	.summary = "Make an image of a tar with a root file system",
	.about = "Makes an image with one layer of FILE, or of stdin for '-': a tar, plain or packed by "
		 "gzip or zstd, such as 'rl export' writes. Nothing is known of what it should run: "
		 "--change CMD tells. The id is printed.",
	.examples = {
		{ "rl import root.tar.gz base", "The image localhost/base:latest." },
		{ "rl import -c 'CMD [\"sh\"]' web.tar flat", "What 'rl export' wrote, in one layer." },
	},
	.options = import_options,
	.opts_size = sizeof(struct import_opts),
	.min_args = 1,
	.max_args = 2,
	.run = import,
};
