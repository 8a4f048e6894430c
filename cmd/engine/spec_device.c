/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_device.c - --device, and all that the caller may open with --privileged
 *
 * Without root nobody makes device nodes: the host's are bound, and their own mode decides who may open
 * them. Whoever asks for a device that he may not open himself is told so before anything starts, with the
 * group that would let him in. A right that comes from a supplementary group only is lost inside,
 * unless the groups are kept.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/engine/mntlist.h"
#include "cmd/engine/spec_mounts.h"
#include "cmd/engine/spec_text.h"
#include "cmd/engine/userdb.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"

#define DEV_DEPTH_MAX 3
#define DEV_MAX       256

/* What core makes in a fresh /dev. */
static const char *const own_devs[] = {
	"/dev/null",  "/dev/zero",   "/dev/full",   "/dev/random",  "/dev/urandom",
	"/dev/tty",   "/dev/ptmx",   "/dev/pts",    "/dev/console", "/dev/fd",
	"/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/core",
};

bool spec_is_own_device(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(own_devs); i++)
		if (text_path_below(path, own_devs[i]))
			return true;
	return false;
}

static int add(struct mntlist *l, enum mnt_rank rank, const char *source, const char *dest,
	       struct rl_err *err)
{
	int r = mntlist_add(l, rank, dest, "bind", source,
			    (const char *const[]){ "bind", "rprivate", "nosuid", "noexec", NULL },
			    err);

	return r < 0 ? r : 0;
}

/* The host's name of an id; "1234" when it has none. Caller frees; NULL: out of memory. */
static char *host_name(const char *file, uint32_t id)
{
	auto_buf struct buf text = { 0 };
	struct rl_err ignored;
	char *name = NULL;

	if (io_read_file(AT_FDCWD, file, USERDB_FILE_MAX, &text, &ignored) == 0)
		name = userdb_name_of(&text, id);
	return name ? name : str_printf("%u", id);
}

/* Neither reading nor writing: whose it is, and what would help. */
static int explain(const char *path, const struct stat *st, struct rl_err *err)
{
	auto_free char *owner = host_name("/etc/passwd", st->st_uid);
	auto_free char *group = host_name("/etc/group", st->st_gid);

	if (!owner || !group)
		return rl_oom(err);
	rl_fail(err, EACCES, "device '%s': you may not open it: owner %s, group %s, mode %04o",
		path, owner, group, (unsigned)st->st_mode & 07777);
	return st->st_mode & 060
		       ? rl_hint(err, "sudo usermod -aG %s $USER, then log in again", group)
		       : -EACCES;
}

/* May only a group that the container's processes do not have open it? */
static bool needs_group(const struct spec_ctx *x, const struct stat *st)
{
	return !strv_has(&x->req->group_add, "keep-groups") && st->st_uid != x->in->rl->uid &&
	       st->st_gid != x->in->rl->gid && !(st->st_mode & 06);
}

static int check_open(const struct spec_ctx *x, const char *path, const struct stat *st,
		      struct rl_err *err)
{
	auto_free char *group = NULL;

	if (access(path, R_OK) < 0 && access(path, W_OK) < 0)
		return explain(path, st, err);
	if (!needs_group(x, st))
		return 0;
	group = host_name("/etc/group", st->st_gid);
	log_warn("device '%s' is open to you as a member of group %s, which the container has not "
		 "got: "
		 "add '--group-add keep-groups'",
		 path, group ? group : "");
	return 0;
}

static int device(const struct spec_ctx *x, struct mntlist *l, const char *word, struct rl_err *err)
{
	auto_devopt struct devopt d = { 0 };
	struct stat st;
	int r = volopt_device(word, &d, err);

	if (r < 0)
		return r;
	if (stat(d.source, &st) < 0)
		return rl_fail_sys(err, errno, "device '%s'", d.source);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode) && !S_ISDIR(st.st_mode))
		return rl_fail(err, EINVAL, "'%s' is not a device", d.source);
	if (strcmp(d.source, d.dest) == 0 && !S_ISDIR(st.st_mode) && spec_is_own_device(d.dest))
		return 0; /* it is there anyway */
	r = usermnt_check_dest(d.dest, err);
	if (r == 0 && !S_ISDIR(st.st_mode))
		r = check_open(x, d.source, &st, err);
	return r < 0 ? r : add(l, MNT_USER, d.source, d.dest, err);
}

int spec_devices_asked(const struct spec_ctx *x, struct mntlist *l, struct rl_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < x->req->device.n; i++)
		r = device(x, l, x->req->device.v[i], err);
	return r;
}

static int add_all(struct mntlist *l, const char *dir, int depth, struct rl_err *err)
{
	auto_dir DIR *d = opendir(dir);
	struct dirent *e;
	int r = 0;

	while (d && r == 0 && (e = readdir(d))) {
		auto_free char *path = str_printf("%s/%s", dir, e->d_name);
		struct stat st;

		if (!path)
			return rl_oom(err);
		if (e->d_name[0] == '.' || spec_is_own_device(path) ||
		    strcmp(path, "/dev/shm") == 0 || strcmp(path, "/dev/mqueue") == 0 ||
		    lstat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < DEV_DEPTH_MAX)
			r = add_all(l, path, depth + 1, err);
		else if ((S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) &&
			 access(path, R_OK | W_OK) == 0 && l->n < DEV_MAX)
			r = add(l, MNT_DEFAULT, path, path, err);
	}
	return r;
}

int spec_devices_all(struct mntlist *l, struct rl_err *err)
{
	return add_all(l, "/dev", 1, err);
}
