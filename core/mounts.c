/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounts.c - the root of a container and the mounts of its spec
 *
 * Theory of operation: everything happens while the host's tree is still the root of init. Sources
 * are host paths of the user; targets are paths of the image, HOSTILE, and become descriptors by
 * rootpath.h before anything is attached to them. The container's root is attached on top of "/",
 * which hides nothing: a path walk starts below it, at init's own root. pivot_root comes last.
 *
 * What the kernel refuses to make anew in a namespace that is shared with the host (sysfs, proc,
 * mqueue, cgroup2) is the caller's own, bound recursively, with the flags that the new one was
 * going to have.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/chtree.h"
#include "core/copyup.h"
#include "core/idmount.h"
#include "core/init.h"
#include "core/mnt.h"
#include "core/rootpath.h"
#include "core/sources.h"

static bool is_slash(const char *path)
{
	return path && path[strspn(path, "/.")] == '\0' && *path == '/' && !strstr(path, "..");
}

/* A clone of "/" must not show the container's root on top of it. */
static int clone_slashes(struct init *in, struct rl_err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < INIT_SLASHES_MAX; i++)
		in->slash_fds[i] = FD_NONE;
	if (in->sources)
		return 0;
	for (size_t i = 0; i < in->spec->n_mounts; i++) {
		const struct spec_mount *m = &in->spec->mounts[i];

		if (!m->is_bind || !is_slash(m->source))
			continue;
		if (n == INIT_SLASHES_MAX)
			return rl_fail(err, E2BIG, "mount '%s': '/' of the host more than %d times",
				       m->dest, INIT_SLASHES_MAX);
		in->slash_fds[n] = sources_clone("/", NULL, false, m->recursive);
		if (in->slash_fds[n++] < 0)
			return rl_fail_sys(err, -in->slash_fds[n - 1],
					   "mount '%s': open source '/'", m->dest);
	}
	return 0;
}

/* In the order of clone_slashes(). */
static int take_slash(struct init *in)
{
	for (size_t i = 0; i < INIT_SLASHES_MAX; i++)
		if (in->slash_fds[i] >= 0)
			return TAKE_FD(in->slash_fds[i]);
	return -ENOENT;
}

int mounts_root(struct init *in, struct rl_err *err)
{
	auto_fd int fd = FD_NONE, top = FD_NONE;
	int r = clone_slashes(in, err);

	if (r < 0)
		return r;
	if (in->l->hooks.root) {
		r = in->l->hooks.root(in->l->hooks.arg, in->prepared_fd, &fd, err);
		if (r < 0)
			return r;
	} else if (!in->spec->root_path) {
		return rl_fail(err, EINVAL, "spec: 'root' has no path");
	} else {
		fd = mnt_clone(AT_FDCWD, in->spec->root_path, true);
		if (fd < 0)
			return rl_fail_sys(err, -fd, "open root file system '%s'",
					   in->spec->root_path);
	}
	r = mnt_set(fd, 0, 0, MS_PRIVATE, true);
	if (r < 0)
		return rl_fail_sys(err, -r, "make the root file system private");
	top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return rl_fail_sys(err, errno, "open '/'");
	r = mnt_attach(fd, top);
	if (r < 0)
		return rl_fail_sys(err, -r, "attach the root file system");
	in->root_fd = TAKE_FD(fd);
	return 0;
}

/*
 * Threat: the image's /proc, /sys or /dev is a symlink or a file, so that masks and checks apply
 * to something else (CVE-2019-16884, CVE-2026-41579).
 * Defence: these three are folders directly in the root, or the container does not start.
 */
static int open_fixed(struct init *in, const char *dest, struct rl_err *err)
{
	int fd;

	if (mkdirat(in->root_fd, dest + 1, 0755) < 0 && errno != EEXIST)
		return rl_fail_sys(err, errno, "create '%s' in the container", dest);
	fd = openat(in->root_fd, dest + 1, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return rl_fail(err, ENOTDIR,
			       "the image's '%s' is not a folder; refusing to mount there", dest);
	return fd < 0 ? rl_fail_sys(err, errno, "open '%s' in the container", dest) : fd;
}

static bool is_fixed(const char *dest)
{
	return strcmp(dest, "/proc") == 0 || strcmp(dest, "/sys") == 0 || strcmp(dest, "/dev") == 0;
}

/* Files below /proc that tools such as lxcfs replace; everything else there stays the kernel's. */
static bool may_cover_proc(const struct spec_mount *m)
{
	static const char *const files[] = {
		"/proc/cpuinfo",  "/proc/diskstats", "/proc/loadavg", "/proc/meminfo",
		"/proc/slabinfo", "/proc/stat",      "/proc/swaps",   "/proc/uptime",
	};

	for (size_t i = 0; m->is_bind && i < ARRAY_LEN(files); i++)
		if (strcmp(files[i], m->dest) == 0)
			return true;
	return false;
}

/* O_PATH descriptor of the target, made if missing. */
static int open_target(struct init *in, const struct spec_mount *m, bool dir, struct rl_err *err)
{
	struct statfs fs;
	int fd;

	if (is_fixed(m->dest))
		return open_fixed(in, m->dest, err);
	fd = rootpath_make(in->root_fd, m->dest, dir, err);
	if (fd < 0)
		return fd;
	/* also when a symlink of the image led here: nothing may lie over the kernel's files */
	if (fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC && !may_cover_proc(m)) {
		fd_close(fd);
		return rl_fail(err, EPERM, "mount '%s': it would cover a part of /proc", m->dest);
	}
	return fd;
}

/*
 * Threat: somebody who may write the root at the same time exchanges its "proc" for a symlink after the
 * mount, so that masks find nothing to lie on.
 * Defence: masks go by the mounts themselves.
 */
static int place(struct init *in, const struct spec_mount *m, int fd, int target,
		 struct rl_err *err)
{
	int *top = strcmp(m->dest, "/proc") == 0  ? &in->proc_top
		   : strcmp(m->dest, "/sys") == 0 ? &in->sys_top
						  : NULL;
	int r = mnt_attach(fd, target);

	if (r < 0)
		return rl_fail_sys(err, -r, "mount '%s'", m->dest);
	if (!top)
		return 0;
	fd_close(*top);
	*top = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return *top < 0 ? rl_fail_sys(err, errno, "keep mount '%s'", m->dest) : 0;
}

/* Attach @fd at the target of @m. @fd is borrowed. */
static int attach(struct init *in, const struct spec_mount *m, int fd, bool dir, struct rl_err *err)
{
	auto_fd int target = open_target(in, m, dir, err);

	return target < 0 ? target : place(in, m, fd, target, err);
}

/*
 * Flags of a bind mount. They are only ever added: flags that the host's mount already has are
 * locked in our user namespace, as they should be. Access times are locked as well in most
 * cases, and no matter of safety.
 */
static int set_flags(int fd, const struct spec_mount *m, struct rl_err *err)
{
	uint64_t propagation = m->propagation ? m->propagation : MS_PRIVATE;
	bool rec = !m->propagation || m->propagation_rec;
	int r = mnt_set(fd, (m->set | m->set_rec) & ~(uint64_t)MOUNT_ATTR__ATIME, 0, 0, true);

	if (r == 0)
		r = mnt_set(fd, 0, 0, propagation, rec);
	if (r < 0)
		return rl_fail_sys(err, -r, "set the options of mount '%s'", m->dest);
	if (m->clear & MOUNT_ATTR__ATIME)
		RL_IGNORE(mnt_set(fd, m->set & MOUNT_ATTR__ATIME, MOUNT_ATTR__ATIME, 0, false));
	return 0;
}

static int map_owners(const struct init *in, int fd, const struct spec_mount *m, struct rl_err *err)
{
	int r = idmount_apply(in->l, in->root_fd, fd, m->idmap_map, m->recursive, err);

	return r < 0 ? rl_wrap(err, "mount '%s'", m->dest) : 0;
}

/* An overlay of the spec: "O" of -v, an image. */
static int mount_overlay(struct init *in, const struct spec_mount *m, struct rl_err *err)
{
	const size_t i = (size_t)(m - in->spec->mounts);
	auto_fd int fd =
		in->sources ? fcntl(in->sources[i], F_DUPFD_CLOEXEC, 3) : sources_overlay(m, err);

	if (fd < 0)
		return in->sources ? rl_fail_sys(err, errno, "mount '%s'", m->dest) : fd;
	return attach(in, m, fd, true, err);
}

/* The joiner's, where it has opened the mounts of the spec. */
static int open_source(struct init *in, const struct spec_mount *m, const char *source,
		       bool recursive)
{
	const size_t i = (size_t)(m - in->spec->mounts);

	if (in->sources && i < in->spec->n_mounts && in->sources[i] >= 0)
		return fcntl(in->sources[i], F_DUPFD_CLOEXEC, 3);
	return is_slash(source) ? take_slash(in)
				: sources_clone(source, m->subpath,
						m->is_real && source == m->source, recursive);
}

/*
 * The place of a volume. Where the image has no such folder it is made, and the volume, which gets the
 * folder's owner while it is empty, is for the user that the container runs as.
 */
static int open_volume_target(struct init *in, const struct spec_mount *m, struct rl_err *err)
{
	auto_fd int there = rootpath_open(in->root_fd, m->dest, O_PATH, err);
	auto_fd int fd = open_target(in, m, true, err);

	if (fd >= 0 && there == -ENOENT &&
	    fchownat(fd, "", in->spec->uid, in->spec->gid, AT_EMPTY_PATH) < 0)
		return rl_fail_sys(err, errno, "mount '%s': give it its owner", m->dest);
	return fd < 0 ? fd : TAKE_FD(fd);
}

static int bind_mount(struct init *in, const struct spec_mount *m, const char *source,
		      bool recursive, struct rl_err *err)
{
	auto_fd int fd = open_source(in, m, source, recursive), target = FD_NONE;
	struct stat st;
	int r;

	if (fd < 0)
		return source == m->source ? sources_fail(m, -fd, err)
					   : rl_fail_sys(err, -fd, "mount '%s': open source '%s'",
							 m->dest, source);
	if (fstat(fd, &st) < 0)
		return rl_fail_sys(err, errno, "mount '%s': stat source '%s'", m->dest, source);
	target = m->copyup && S_ISDIR(st.st_mode) ? open_volume_target(in, m, err)
						  : open_target(in, m, S_ISDIR(st.st_mode), err);
	if (target < 0)
		return target;
	if (m->copyup && S_ISDIR(st.st_mode)) {
		r = copyup_volume(target, fd, err);
		if (r < 0)
			return rl_wrap(err, "copy the image's '%s' into its volume", m->dest);
		/* "U" holds for what was just copied as well */
		if (m->chown)
			r = chtree_give(fd, in->spec->uid, in->spec->gid, NULL, err);
		if (r < 0)
			return rl_wrap(err, "mount '%s': option U", m->dest);
	}
	r = set_flags(fd, m, err);
	if (r == 0 && m->idmap)
		r = map_owners(in, fd, m, err);
	if (r < 0)
		return r;
	return place(in, m, fd, target, err);
}

/* A new file system of @m's type with its options. */
static int new_fs(const struct spec_mount *m, const char *type, struct rl_err *err)
{
	return mnt_new(type, m->source ? m->source : type, m->opts, m->n_opts, m->set, err);
}

/*
 * A file system of the kernel: new, or where that is refused, the caller's at @host (NULL: an
 * error). @ret_fd: the new one's descriptor, FD_NONE when bound.
 */
static int new_or_bound(struct init *in, const struct spec_mount *m, const char *host, int *ret_fd,
			struct rl_err *err)
{
	auto_fd int fd = new_fs(m, m->type, err);
	int r;

	*ret_fd = FD_NONE;
	if (host && (fd == -EPERM || fd == -EACCES))
		return bind_mount(in, m, host, true, err);
	if (fd < 0)
		return rl_wrap(err, "mount '%s'", m->dest);
	r = attach(in, m, fd, true, err);
	if (r == 0)
		*ret_fd = TAKE_FD(fd);
	return r;
}

static bool has_opt(const struct spec_mount *m, const char *key)
{
	for (size_t i = 0; i < m->n_opts; i++)
		if (strcmp(m->opts[i].key, key) == 0)
			return true;
	return false;
}

static int mount_proc(struct init *in, const struct spec_mount *m, struct rl_err *err)
{
	int r, fd;

	if (strcmp(m->dest, "/proc") != 0)
		return rl_fail(err, EINVAL, "mount '%s': proc belongs at /proc", m->dest);
	r = new_or_bound(in, m, in->spec->ns[SPEC_NS_PID].path ? NULL : "/proc", &fd, err);
	if (r == -EPERM && in->spec->ns[SPEC_NS_PID].path)
		rl_hint(err, "the process namespace belongs to a user namespace that is not the "
			     "container's");
	if (r < 0)
		return r;
	fd_close(in->proc_fd);
	in->proc_fd = fd;
	if (fd < 0 || !has_opt(m, "subset"))
		return 0;
	/* it has no sys/, which init has to write to (procfs.c): a whole one, attached nowhere */
	in->proc_fd = mnt_new("proc", "proc", NULL, 0, 0, err);
	fd_close(fd);
	return in->proc_fd < 0 ? rl_wrap(err, "mount '/proc'") : 0;
}

static int mount_plain(struct init *in, const struct spec_mount *m, const char *host,
		       struct rl_err *err)
{
	int fd, r = new_or_bound(in, m, host, &fd, err);

	fd_close(fd);
	return r;
}

/*
 * With tmpcopyup a tmpfs starts with what the image has at its place; it is filled before it is
 * attached there and before it may get read-only.
 */
static int mount_tmpfs(struct init *in, const struct spec_mount *m, struct rl_err *err)
{
	auto_fd int fd = FD_NONE, target = FD_NONE;
	uint64_t late = m->copyup ? m->set & MOUNT_ATTR_RDONLY : 0;
	int r;

	fd = mnt_new("tmpfs", m->source ? m->source : "tmpfs", m->opts, m->n_opts, m->set & ~late,
		     err);
	if (fd < 0)
		return rl_wrap(err, "mount '%s'", m->dest);
	target = open_target(in, m, true, err);
	if (target < 0)
		return target;
	r = m->copyup ? copyup_tree(target, fd, err) : 0;
	if (r == -ENOSPC)
		rl_hint(err,
			"the image has more at '%s' than the tmpfs may hold: give it a larger "
			"size=, or notmpcopyup",
			m->dest);
	if (r < 0)
		return rl_wrap(err, "fill the tmpfs '%s'", m->dest);
	/* with the container's own map nothing is to be done: it is the container's */
	if (m->idmap && m->idmap_map && map_owners(in, fd, m, err) < 0)
		return -err->code;
	r = late ? mnt_set(fd, late, 0, 0, false) : 0;
	if (r == 0)
		r = mnt_attach(fd, target);
	return r < 0 ? rl_fail_sys(err, -r, "mount '%s'", m->dest) : 0;
}

/* With the host's ipc namespace, and no mount of it there, the container has none either. */
static int mount_mqueue(struct init *in, const struct spec_mount *m, struct rl_err *err)
{
	int r;

	if (!in->spec->ns[SPEC_NS_IPC].is_listed && access("/dev/mqueue", F_OK) < 0)
		return 0;
	if (!in->spec->ns[SPEC_NS_IPC].path)
		return mount_plain(in, m, "/dev/mqueue", err);
	r = mount_plain(in, m, NULL, err); /* only who owns the namespace may, others do without */
	return r == -EPERM ? 0 : r;
}

/* gid=5 (tty) is in every spec; a map with few ids does not have it. */
static int mount_devpts(struct init *in, const struct spec_mount *m, struct rl_err *err)
{
	struct spec_mount copy = *m;
	auto_free struct mnt_opt *opts = calloc(m->n_opts + 1, sizeof(*opts));
	int r, fd;

	if (!opts)
		return rl_oom(err);
	copy.opts = opts;
	copy.n_opts = 0;
	for (size_t i = 0; i < m->n_opts; i++) {
		const struct mnt_opt *o = &m->opts[i];

		if (strcmp(o->key, "gid") == 0 && o->val && strcmp(o->val, "5") == 0 &&
		    idmap_to_outside(&in->l->gids, 5) < 0)
			continue;
		opts[copy.n_opts++] = *o;
	}
	fd = new_fs(&copy, "devpts", err);
	if (fd < 0)
		return rl_wrap(err, "mount '%s'", m->dest);
	r = attach(in, m, fd, true, err);
	if (r < 0 || in->pts_fd >= 0)
		fd_close(fd);
	else
		in->pts_fd = fd;
	return r;
}

/*
 * The cgroup file system shows the cgroup namespace of whoever mounts it, which init only gets
 * after launch_exec(): the target is kept and filled then.
 */
static int mount_cgroup(struct init *in, const struct spec_mount *m, struct rl_err *err)
{
	struct spec_mount ro = *m;

	if (in->spec->ns[SPEC_NS_CGROUP].path) {
		ro.type = "cgroup2"; /* we are in it already */
		return mount_plain(in, &ro, NULL, err);
	}
	if (in->l->new_cgroupns && in->cgroup_fd < 0) {
		in->cgroup_fd = open_target(in, m, true, err);
		in->cgroup_attrs = m->set;
		return in->cgroup_fd < 0 ? in->cgroup_fd : 0;
	}
	ro.set |= MOUNT_ATTR_RDONLY; /* the host's tree, also where v1 has a release_agent (S15) */
	return bind_mount(in, &ro, "/sys/fs/cgroup", true, err);
}

int mounts_cgroup(struct init *in, struct rl_err *err)
{
	auto_fd int fd = FD_NONE;
	int r;

	if (in->cgroup_fd < 0)
		return 0;
	fd = mnt_new("cgroup2", "cgroup", NULL, 0, in->cgroup_attrs, err);
	if (fd < 0)
		return fd;
	r = mnt_attach(fd, in->cgroup_fd);
	return r < 0 ? rl_fail_sys(err, -r, "mount the cgroup file system") : 0;
}

static int mount_one(struct init *in, const struct spec_mount *m, struct rl_err *err)
{
	const char *t = m->type;

	if (strspn(m->dest, "/") == strlen(m->dest))
		return rl_fail(err, EINVAL, "mount '%s': the root has a place of its own", m->dest);
	if (strcmp(t, "proc") == 0)
		return mount_proc(in, m, err);
	if (strcmp(m->dest, "/proc") == 0 && !(m->is_bind && strcmp(m->source, "/proc") == 0))
		return rl_fail(err, EPERM, "mount '/proc': only the kernel's proc may be there");
	if (m->is_bind)
		return bind_mount(in, m, m->source, m->recursive, err);
	if (strcmp(t, "tmpfs") == 0 && strcmp(m->dest, "/dev") == 0)
		return 0; /* dev_make() made it */
	if (strcmp(t, "tmpfs") == 0 && strcmp(m->dest, "/dev/shm") == 0 && in->shm_fd >= 0)
		return attach(in, m, in->shm_fd, true, err);
	if (strcmp(t, "tmpfs") == 0)
		return mount_tmpfs(in, m, err);
	if (strcmp(t, "overlay") == 0)
		return mount_overlay(in, m, err);
	if (strcmp(t, "devpts") == 0)
		return mount_devpts(in, m, err);
	if (strcmp(t, "cgroup") == 0 || strcmp(t, "cgroup2") == 0)
		return mount_cgroup(in, m, err);
	if (strcmp(t, "sysfs") == 0)
		return mount_plain(in, m, "/sys", err);
	if (strcmp(t, "mqueue") == 0)
		return mount_mqueue(in, m, err);
	return mount_plain(in, m, NULL, err);
}

int mounts_spec(struct init *in, struct rl_err *err)
{
	for (size_t i = 0; i < in->spec->n_mounts; i++) {
		int r = mount_one(in, &in->spec->mounts[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}
