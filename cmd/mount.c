/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount.c - `rl mount`, `rl unmount`: the files of containers as a folder, inside `rl unshare`
 *
 * What is shared with images is in cmd/mounting.h; where the mount comes from, in ctrfs_mount().
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/engine/ctrfs.h"
#include "cmd/mounting.h"
#include "cmd/select.h"
#include "cmd/unshare.h"
#include "core/base/cleanup.h"
#include "core/base/strv.h"
#include "core/ctr_state.h"
#include "core/mnt.h"

struct mount_opts {
	struct select_opts which;
	const char *format;
	bool no_trunc, force;
};

static int attach(struct container *c, const char *path, struct rl_err *err)
{
	auto_fd int fd = FD_NONE, at = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = mounting_session(&c->session, err);

	if (r == 0 && at < 0)
		r = rl_fail_sys(err, errno, "open '%s'", path);
	if (r < 0)
		return r;
	fd = ctrfs_mount(c, err);
	if (fd < 0)
		return fd;
	r = mnt_attach(fd, at);
	return r < 0 ? rl_fail_sys(err, -r, "mount on '%s'", path) : 0;
}

static int mount_one(struct rl *rl, const char *name, const void *opts, struct rl_err *err)
{
	struct container c;
	auto_free char *path = NULL;
	int r = engine_load(rl, name, false, &c, err);

	(void)opts;
	if (r < 0)
		return r;
	r = mounting_make(rl, c.ctr.id, &path, err);
	if (r == 0 && !mounting_is_there(path))
		r = attach(&c, path, err);
	if (r == 0)
		(void)puts(path); /* a closed stdout is seen when it is flushed at exit */
	container_done(&c);
	return r;
}

static int list(const struct rl *rl, const struct mount_opts *o, struct rl_err *err)
{
	json_auto_t *all = json_array();
	auto_strv struct strv ids = { 0 };
	int r = all ? ctr_list(rl, &ids, err) : rl_oom(err);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		auto_free char *path = mounting_place(rl, ids.v[i], err);
		struct rl_err ignored;
		struct ctr c;

		if (!path)
			return -err->code;
		if (!mounting_is_there(path) || ctr_open(rl, ids.v[i], &c, &ignored) < 0)
			continue;
		r = mounting_add(all, c.id, (const char *const *)&c.name, 1, path, err);
		ctr_done(&c);
	}
	return r < 0 ? r : mounting_print(all, o->format, o->no_trunc, err);
}

static int mount_run(struct rl *rl, const struct cmd_args *args, const void *opts,
		     struct rl_err *err)
{
	const struct mount_opts *o = opts;
	auto_strv struct strv names = { 0 };
	int r = mounting_check_format(o->format, err);

	if (r < 0)
		return r;
	if (args->n == 0 && !o->which.all && !o->which.latest)
		return list(rl, o, err);
	r = select_containers(rl, "mount", args, &o->which, SELECT_ANY, &names, err);
	if (r < 0)
		return r;
	if (!unshare_is_inside()) {
		rl_fail(err, EPERM, "containers can be mounted inside 'rl unshare' only");
		return rl_hint(err,
			       "rl unshare sh -c 'ls $(rl mount %s)'; 'rl cp' and 'rl export' read "
			       "files without it",
			       args->n ? args->v[0] : "CONTAINER");
	}
	return select_each(rl, "mount", &names, mount_one, o);
}

static int unmount_one(struct rl *rl, const char *name, const void *opts, struct rl_err *err)
{
	const struct mount_opts *o = opts;
	auto_free char *path = NULL, *what = str_printf("container '%s'", name);
	struct ctr c;
	int r = ctr_find(rl, name, &c, err);

	if (r < 0)
		return r;
	path = mounting_place(rl, c.id, err);
	if (!path || !what)
		r = rl_oom(err);
	else if (!o->which.all || mounting_is_there(path))
		r = mounting_undo(path, what, err);
	else
		path[0] = '\0'; /* nothing to undo, nothing to say */
	if (r == 0 && path[0])
		(void)puts(c.id); /* as above */
	ctr_done(&c);
	return r;
}

static int unmount_run(struct rl *rl, const struct cmd_args *args, const void *opts,
		       struct rl_err *err)
{
	const struct mount_opts *o = opts;

	return select_run(rl, "unmount", args, &o->which, SELECT_ANY, unmount_one, o, err);
}

static const struct opt mount_options[] = {
	SELECT_ALL('a', "all", struct mount_opts, which, "every container"),
	OPT_STR(0, "format", struct mount_opts, format, "json", "the list as JSON"),
	SELECT_LATEST(struct mount_opts, which),
	OPT_BOOL(0, "no-trunc", struct mount_opts, no_trunc, "whole ids in the list"),
	OPT_END,
};

const struct cmd cmd_mount = {
	.name = "mount",
	.args = "[CONTAINER...]",
	.summary = "Mount the files of containers, inside 'rl unshare'",
	.about = "Prints the folder where the files of each container are, for what runs inside the same "
		 "rl-unshare(1); the mount ends with it. What is written there, the container has. Of a "
		 "container that runs it is what it sees itself, without its volumes; one that does not run "
		 "should not be started before it is unmounted. Without CONTAINER it lists what is mounted. "
		 "Elsewhere it is an error that says what does the same: a mount of an ordinary user ends with "
		 "the command that made it.",
	.examples = {
		{ "rl mount web", "Inside rl unshare: print where the files of 'web' are." },
		{ "rl mount", "Inside rl unshare: list what is mounted." },
		{ "rl mount --all --format json", "Inside rl unshare: mount every container." },
	},
	.options = mount_options,
	.opts_size = sizeof(struct mount_opts),
	.max_args = CMD_ANY,
	.run = mount_run,
};

static const struct opt unmount_options[] = {
	SELECT_ALL('a', "all", struct mount_opts, which, "every container that is mounted"),
	OPT_BOOL('f', "force", struct mount_opts, force, "whoever looks at it (always)"),
	SELECT_LATEST(struct mount_opts, which),
	OPT_END,
};

const struct cmd cmd_unmount = {
	.name = "unmount",
	.args = "[CONTAINER...]",
	.summary = "Undo 'rl mount'",
	.about = "Inside the same rl-unshare(1). Prints the ids. Files that are open stay readable until they "
		 "are closed.",
	.examples = {
		{ "rl unmount web", "Unmount 'web'." },
		{ "rl unmount --all", "Unmount all that are mounted here." },
	},
	.options = unmount_options,
	.opts_size = sizeof(struct mount_opts),
	.max_args = CMD_ANY,
	.run = unmount_run,
};
