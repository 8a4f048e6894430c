/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume_tar.c - `rl volume export` and `rl volume import`: a volume's files as a tar
 *
 * Theory of operation: files belong to subordinate owners, so both run in S, where those are mapped:
 * the archive holds the ids that containers see. The writer is a child of ours (storage/pack.h), the
 * reader the helper that `rl cp` uses, which takes an archive for HOSTILE (storage/image/extract.h).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/session.h"
#include "storage/fetch.h"
#include "storage/inside.h"
#include "storage/pack.h"
#include "storage/volume.h"

/* A volume whose files are ours: one with options has them elsewhere. */
static int find_volume(const struct rl *rl, const char *name, struct volume *ret,
		       struct rl_err *err)
{
	int r = volume_load(rl, name, ret, err);

	if (r < 0)
		return rl_wrap(err, "volume '%s'", name);
	if (json_object_size(ret->options) == 0)
		return 0;
	rl_fail(err, ENOTSUP, "volume '%s' holds no files itself, it is mounted by containers",
		name);
	return rl_hint(err, "run a container that mounts it: rl run --rm -v %s:/v IMAGE tar -c /v",
		       name);
}

/* --- export ------------------------------------------------------------------------------ */

struct export_opts {
	const char *output;
};

static const struct opt export_options[] = {
	OPT_STR('o', "output", struct export_opts, output, "FILE", "write to FILE, not to stdout"),
	OPT_END,
};

struct packing {
	const char *path;
	int out_fd;
	bool one_id;
};

static int pack_inside(void *arg, struct rl_err *err)
{
	const struct packing *p = arg;
	const struct pack_opts opts = { .as = "", .one_id = p->one_id, .newest = -1 };
	auto_free struct tarout *t = malloc(sizeof(*t));
	auto_fd int fd = open(p->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct pack_result res = { 0 };
	int out = p->out_fd, r;

	if (!t)
		return rl_oom(err);
	if (fd < 0)
		return rl_fail_sys(err, errno, "open '%s'", p->path);
	tarout_init(t, tarout_to_fd, &out);
	r = pack_tree(t, fd, &opts, &res, err);
	if (r == 0)
		r = tarout_end(t, err);
	if (r == 0 && res.skipped > 0)
		log_warn("%lld sockets are left out, a tar cannot hold them",
			 (long long)res.skipped);
	return r;
}

static int open_output(const char *path, struct rl_err *err)
{
	int fd;

	if (path && strcmp(path, "-") != 0) {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		return fd < 0 ? rl_fail_sys(err, errno, "create '%s'", path) : fd;
	}
	if (isatty(STDOUT_FILENO)) {
		rl_fail(err, EINVAL, "an archive is nothing for a terminal");
		return rl_hint(err, "use -o FILE, or send stdout elsewhere");
	}
	fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? rl_fail_sys(err, errno, "duplicate stdout") : fd;
}

static int volume_export(struct rl *rl, const struct cmd_args *args, const void *opts,
			 struct rl_err *err)
{
	const struct export_opts *o = opts;
	struct session s = { .userns_fd = FD_NONE };
	auto_volume struct volume v = { 0 };
	struct packing p = { .out_fd = FD_NONE };
	int r = find_volume(rl, args->v[0], &v, err);

	if (r == 0)
		r = session_open(rl, &s, err);
	if (r == 0) {
		p.path = v.path;
		p.one_id = s.rung == SESSION_ONE_ID;
		p.out_fd = open_output(o->output, err);
		r = p.out_fd < 0 ? p.out_fd : inside_run(&s, pack_inside, &p, -1, err);
	}
	if (p.out_fd >= 0 && close(p.out_fd) < 0 && r == 0) /* a full disk may show only now */
		r = rl_fail_sys(err, errno, "write '%s'", o->output ? o->output : "stdout");
	session_close(&s);
	return r;
}

/* --- import ------------------------------------------------------------------------------ */

static int open_input(const char *path, struct rl_err *err)
{
	int fd = path && strcmp(path, "-") != 0 ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
						: fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

	return fd < 0 ? rl_fail_sys(err, errno, "open '%s'", path ? path : "stdin") : fd;
}

static int volume_import(struct rl *rl, const struct cmd_args *args, const void *opts,
			 struct rl_err *err)
{
	const char *path = args->n > 1 ? args->v[1] : NULL;
	struct session s = { .userns_fd = FD_NONE };
	struct fetch_extract x = { .in_fd = FD_NONE,
				   .dest_fd = FD_NONE,
				   .enter_fd = FD_NONE,
				   .session = &s,
				   .owner = FETCH_KEEP,
				   .set_id = true,
				   .overwrite = true };
	auto_volume struct volume v = { 0 };
	int r = find_volume(rl, args->v[0], &v, err);

	(void)opts;
	if (r == 0)
		r = session_open(rl, &s, err);
	if (r == 0) {
		x.in_fd = open_input(path, err);
		r = x.in_fd < 0 ? x.in_fd : 0;
	}
	if (r == 0) {
		x.dest_fd = open(v.path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = x.dest_fd < 0 ? rl_fail_sys(err, errno, "open '%s'", v.path)
				  : fetch_extract(rl, &x, err);
	}
	/* what an image has at the place is not wanted any more */
	if (r == 0 && v.copy_up)
		r = volume_set_copied(rl, v.name, err);
	fd_close(x.in_fd);
	fd_close(x.dest_fd);
	session_close(&s);
	return r < 0 ? rl_wrap(err, "import into '%s'", args->v[0]) : 0;
}

const struct cmd cmd_volume_export = {
	.name = "volume export",
	.args = "VOLUME",
	.summary = "Write the files of a volume as a tar",
	.about = "Writes all files of the volume as a tar to stdout, or to a file. Owners are those "
		 "that containers see.",
	.examples = {
		{ "rl volume export -o data.tar data", "Into a file." },
		{ "rl volume export data | gzip >data.tar.gz", "Packed on the way." },
	},
	.options = export_options,
	.opts_size = sizeof(struct export_opts),
	.min_args = 1,
	.max_args = 1,
	.run = volume_export,
};

const struct cmd cmd_volume_import = {
	.name = "volume import",
	.args = "VOLUME [FILE]",
	.summary = "Fill a volume from a tar",
	.about = "Unpacks a tar, packed or not, into a volume that is there; what is in it stays, "
		 "unless the archive has something of the name. Without FILE, or with '-', the archive "
		 "is read from stdin. Devices are left out.",
	.examples = {
		{ "rl volume import data data.tar.gz", "From a file." },
		{ "tar -c -C site . | rl volume import data", "A folder of ours." },
	},
	.min_args = 1,
	.max_args = 2,
	.run = volume_import,
};
