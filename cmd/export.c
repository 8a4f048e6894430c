/* SPDX-License-Identifier: Apache-2.0 */
/* export.c - `rl export`: the files of a container as a tar */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/engine/newimage.h"
#include "core/base/cleanup.h"

struct export_opts {
	const char *output;
};

static const struct opt export_options[] = {
	OPT_STR('o', "output", struct export_opts, output, "FILE", "write to FILE, not to stdout"),
	OPT_END,
};

static int open_output(const char *path, struct rl_err *err)
{
	int fd;

	if (path) {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		return fd < 0 ? rl_fail_sys(err, errno, "create '%s'", path) : fd;
	}
	if (isatty(STDOUT_FILENO)) {
		rl_fail(err, EINVAL, "a tar does not belong on a terminal");
		return rl_hint(err, "-o FILE, or a pipe");
	}
	fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? rl_fail_sys(err, errno, "write to stdout") : fd;
}

static int export_run(struct rl *rl, const struct cmd_args *args, const void *opts,
		      struct rl_err *err)
{
	const struct export_opts *o = opts;
	auto_fd int fd = FD_NONE;
	struct container c;
	struct stat st;
	int r = engine_load(rl, args->v[0], true, &c, err);

	if (r < 0)
		return r;
	fd = open_output(o->output, err);
	r = fd < 0 ? fd : engine_export(&c, fd, err);
	container_done(&c);
	/* half an archive is none */
	if (r < 0 && fd >= 0 && o->output && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		(void)unlink(o->output);
	return r < 0 ? rl_wrap(err, "export '%s'", args->v[0]) : 0;
}

const struct cmd cmd_export = {
	.name = "export",
	.args = "CONTAINER",
	.summary = "Write the files of a container as a tar",
	.about = "Writes the container's whole file system, image and changes together, as a tar to "
		 "stdout or a file. What is mounted in it, volumes too, shows as empty folders. The "
		 "container need not run. 'rl import' makes an image of the tar.",
	.examples = {
		{ "rl export -o web.tar web", "Into a file." },
		{ "rl export web | tar -t", "The names of all its files." },
	},
	.options = export_options,
	.opts_size = sizeof(struct export_opts),
	.min_args = 1,
	.max_args = 1,
	.run = export_run,
};
