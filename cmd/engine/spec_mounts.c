/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_mounts.c - the "mounts" of a container: its own kernel file systems, the user's wishes,
 * the image's VOLUMEs, generated files
 *
 * Theory of operation: all words are checked first; then volumes are made, then files written.
 * /dev is always a fresh one made by core, /proc always a real proc: nothing is mounted over
 * them (SECURITY S5 to S10).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cmd/engine/container.h"
#include "cmd/engine/mntlist.h"
#include "cmd/engine/spec_mounts.h"
#include "cmd/engine/spec_text.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"

#define SHM_SIZE_DEFAULT (INT64_C(64) << 20)

#define OPTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* A default: somebody else at its place is fine. */
static int add(struct mntlist *l, const char *dest, const char *type, const char *source,
	       const char *const *options, struct rl_err *err)
{
	int r = mntlist_add(l, MNT_DEFAULT, dest, type, source, options, err);

	return r < 0 ? r : 0;
}

/* A namespace shared with the host: the kernel refuses a fresh mount, so the host's is bound. */
static int add_bound(struct mntlist *l, const char *dest, const char *ro, struct rl_err *err)
{
	return add(l, dest, "bind", dest,
		   OPTS("rbind", "rprivate", "nosuid", "noexec", "nodev", ro), err);
}

static int add_dev(struct spec_ctx *x, struct mntlist *l, struct rl_err *err)
{
	const char *gid = idmap_to_outside(&x->out->gids, 5) >= 0 ? "gid=5" : ""; /* tty */
	int64_t bytes = SHM_SIZE_DEFAULT;
	char size[40];
	int r;

	if (x->req->shm_size && (parse_size(x->req->shm_size, &bytes) < 0))
		return rl_fail(err, EINVAL, "'--shm-size %s' is not a size such as 64m",
			       x->req->shm_size);
	if (x->req->shm_size && (x->host_ipc || x->no_shm || x->ns_path[SPEC_NS_IPC]))
		return rl_fail(err, EINVAL, "'--shm-size' and '--ipc %s' exclude each other",
			       x->req->ipc);
	(void)snprintf(size, sizeof(size), "size=%lld",
		       (long long)(bytes > 0 ? bytes : SHM_SIZE_DEFAULT));
	r = add(l, "/dev", "tmpfs", "tmpfs",
		OPTS("nosuid", "noexec", "strictatime", "mode=755", "size=1m"), err);
	if (r == 0)
		r = add(l, "/dev/pts", "devpts", "devpts",
			OPTS("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", gid),
			err);
	if (r < 0)
		return r;
	if (x->host_ipc) {
		r = add_bound(l, "/dev/shm", "", err);
		/* not every host has one mounted */
		return r < 0 || access("/dev/mqueue", F_OK) < 0
			       ? r
			       : add_bound(l, "/dev/mqueue", "", err);
	}
	/* of a container whose IPC namespace it joins, core takes that one's instead */
	if (!x->no_shm)
		r = add(l, "/dev/shm", "tmpfs", "shm",
			OPTS("nosuid", "noexec", "nodev", "mode=1777", size), err);
	if (r == 0)
		r = add(l, "/dev/mqueue", "mqueue", "mqueue", OPTS("nosuid", "noexec", "nodev"),
			err);
	return r;
}

static int add_proc(struct spec_ctx *x, struct mntlist *l, struct rl_err *err)
{
	const struct strv *more = &x->sec.proc_opts;
	const char *opts[16] = { "nosuid", "noexec", "nodev" };

	if (x->host_pid && more->n > 0)
		return rl_fail(err, EINVAL,
			       "'--security-opt proc-opts' and '--pid host' exclude each other: "
			       "/proc is the host's");
	if (x->host_pid)
		return add_bound(l, "/proc", "", err);
	if (more->n + 4 > ARRAY_LEN(opts))
		return rl_fail(err, E2BIG, "too many '--security-opt proc-opts'");
	for (size_t i = 0; i < more->n; i++)
		opts[3 + i] = more->v[i];
	return add(l, "/proc", "proc", "proc", opts, err);
}

static int add_kernel(struct spec_ctx *x, struct mntlist *l, struct rl_err *err)
{
	struct statfs fs;
	int r;

	r = add_proc(x, l, err);
	if (r == 0)
		r = add_dev(x, l, err);
	if (r < 0)
		return r;
	if (spec_foreign_net(x))
		r = add_bound(l, "/sys", "rro", err);
	else
		r = add(l, "/sys", "sysfs", "sysfs", OPTS("nosuid", "noexec", "nodev", "ro"), err);
	/* without a pure v2 tree there is nothing that could be shown safely (SECURITY S15) */
	if (r < 0 || statfs("/sys/fs/cgroup", &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
		return r;
	if (x->host_cgroupns)
		return add_bound(l, "/sys/fs/cgroup", "rro", err);
	return add(l, "/sys/fs/cgroup", "cgroup", "cgroup",
		   OPTS("nosuid", "noexec", "nodev", "relatime", "ro"), err);
}

static int add_read_only_tmpfs(struct spec_ctx *x, struct mntlist *l, struct rl_err *err)
{
	static const char *const paths[] = { "/tmp", "/run", "/var/tmp" };
	int r = 0;

	if (!x->req->read_only || x->req->no_read_only_tmpfs)
		return 0;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(paths); i++)
		r = add(l, paths[i], "tmpfs", "tmpfs",
			OPTS("rprivate", "nosuid", "nodev", "tmpcopyup",
			     i == 1 ? "mode=755" : "mode=1777"),
			err);
	return r;
}

/* New in a new folder: plain writing will do. Over an older one (a restart) it is replaced whole. */
static int write_file(int dir_fd, const char *name, const struct buf *text, struct rl_err *err)
{
	auto_fd int fd =
		openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	const char *data = text->data ? text->data : "";
	int r;

	if (fd < 0 && errno == EEXIST)
		return io_replace_file(dir_fd, name, data, text->len, 0644, IO_NOSYNC, err);
	if (fd < 0)
		return rl_fail_sys(err, errno, "create '%s'", name);
	r = io_write_all(fd, data, text->len);
	if (r == 0 &&
	    fchmod(fd, 0644) < 0) /* whatever the umask: all users of a container read it */
		r = -errno;
	return r < 0 ? rl_fail_sys(err, -r, "write '%s'", name) : 0;
}

/* Write one generated file and bind it, unless the user has put something there. */
static int add_file(struct spec_ctx *x, struct mntlist *l, const char *name, const char *dest,
		    const struct buf *text, const char *ro, struct rl_err *err)
{
	auto_free char *source = str_printf("%s/%s", x->in->ctr_dir, name);
	int r;

	if (!source)
		return rl_oom(err);
	r = write_file(x->in->ctr_fd, name, text, err);
	if (r < 0)
		return rl_wrap(err, "file for '%s'", dest);
	/* "copyup": the container's root owns it where the caller is nobody there */
	return add(l, dest, "bind", source,
		   OPTS("bind", "rprivate", "nosuid", "noexec", "nodev", ro,
			idmap_to_inside(&x->out->uids, 0) < 0 ? "copyup" : ""),
		   err);
}

static int add_made(struct spec_ctx *x, struct mntlist *l, const char *name, const char *dest,
		    int (*make)(struct spec_ctx *, struct buf *, struct rl_err *),
		    struct rl_err *err)
{
	auto_buf struct buf text = { 0 };
	int r;

	if (mntlist_covers(l, dest))
		return 0;
	r = make(x, &text, err);
	if (r == 1)
		return 0; /* not wanted */
	return r < 0 ? r : add_file(x, l, name, dest, &text, x->req->read_only ? "ro" : "rw", err);
}

/* A file that describes the network, which is another container's: so is the file. */
static int add_other(struct spec_ctx *x, struct mntlist *l, const char *dest, struct rl_err *err)
{
	const struct spec *s = &x->other->spec;

	for (size_t i = 0; i < s->n_mounts; i++)
		if (s->mounts[i].is_bind && strcmp(s->mounts[i].dest, dest) == 0)
			return add(l, dest, "bind", s->mounts[i].source,
				   OPTS("bind", "rprivate", "nosuid", "noexec", "nodev",
					x->req->read_only ? "ro" : "rw"),
				   err);
	return 0; /* it has none of its own */
}

/* hosts and resolv.conf */
static int add_net_file(struct spec_ctx *x, struct mntlist *l, const char *name, const char *dest,
			int (*make)(struct spec_ctx *, struct buf *, struct rl_err *),
			struct rl_err *err)
{
	return x->out->netmode == NETMODE_JOINED ? add_other(x, l, dest, err)
						 : add_made(x, l, name, dest, make, err);
}

static int make_hostname(struct spec_ctx *x, struct buf *out, struct rl_err *err)
{
	if (x->req->no_hostname)
		return 1;
	return buf_printf(out, "%s\n", x->out->hostname) < 0 ? rl_oom(err) : 0;
}

/* Programs look for this file to learn that they are in a container, and in which. */
static int make_containerenv(struct spec_ctx *x, struct buf *out, struct rl_err *err)
{
	const struct image *img = x->in->image;

	if (buf_printf(out,
		       "engine=\"rl-%s\"\nid=\"%s\"\nname=\"%s\"\nimageid=\"%s\"\nrootless=%d\n",
		       PACKAGE_VERSION, x->in->id, x->in->name ? x->in->name : "",
		       img ? img->id : "", x->in->rl->uid != 0) < 0)
		return rl_oom(err);
	return 0;
}

static int add_timezone(struct spec_ctx *x, struct mntlist *l, struct rl_err *err)
{
	const char *tz = x->req->tz;
	auto_free char *path = NULL, *real = NULL;

	if (!tz || mntlist_covers(l, "/etc/localtime"))
		return 0;
	if (!*tz || *tz == '/' || strstr(tz, "..") || !text_is_plain(tz, 128))
		return rl_fail(err, EINVAL, "'--tz %.80s' is not a time zone", tz);
	path = strcmp(tz, "local") == 0 ? strdup("/etc/localtime")
					: str_printf("/usr/share/zoneinfo/%s", tz);
	if (!path)
		return rl_oom(err);
	real = realpath(path, NULL);
	if (!real)
		return rl_fail_sys(err, errno, "time zone '%s': '%s'", tz, path);
	return add(l, "/etc/localtime", "bind", real,
		   OPTS("bind", "rprivate", "nosuid", "noexec", "nodev", "ro"), err);
}

static int add_host_resolv(struct spec_ctx *x, struct mntlist *l, struct rl_err *err)
{
	auto_free char *real = NULL;

	if (x->out->netmode != NETMODE_HOST || mntlist_covers(l, "/etc/resolv.conf") ||
	    mntlist_has(l, "/etc/resolv.conf") || strv_has(&x->req->dns, "none"))
		return 0;
	real = realpath("/etc/resolv.conf", NULL);
	if (!real)
		return 0; /* the host has none either */
	return add(l, "/etc/resolv.conf", "bind", real,
		   OPTS("bind", "rprivate", "nosuid", "noexec", "nodev", "ro"), err);
}

static int add_files(struct spec_ctx *x, struct mntlist *l, struct rl_err *err)
{
	int r = add_net_file(x, l, "hosts", "/etc/hosts", spec_file_hosts, err);

	if (r == 0)
		r = add_made(x, l, "hostname", "/etc/hostname", make_hostname, err);
	if (r == 0)
		r = add_net_file(x, l, "resolv.conf", "/etc/resolv.conf", spec_file_resolv, err);
	if (r == 0)
		r = add_host_resolv(x, l, err);
	if (r == 0)
		r = add_made(x, l, "passwd", "/etc/passwd", spec_file_passwd, err);
	if (r == 0)
		r = add_made(x, l, "group", "/etc/group", spec_file_group, err);
	if (r == 0)
		r = add_made(x, l, "containerenv", "/run/.containerenv", make_containerenv, err);
	if (r == 0)
		r = add_timezone(x, l, err);
	return r;
}

int spec_make_mounts(struct spec_ctx *x, struct rl_err *err)
{
	struct mntlist l = { 0 };
	struct usermnt u = { 0 };
	int r = usermnt_check(x, &u, &l, err);

	if (r == 0)
		r = add_kernel(x, &l, err);
	if (r == 0)
		r = add_read_only_tmpfs(x, &l, err);
	if (r == 0)
		r = usermnt_make_volumes(x, &u, &l, err);
	if (r == 0)
		r = add_files(x, &l, err);
	if (r == 0)
		r = mntlist_finish(&l, json_object_get(x->spec, "mounts"), err);
	if (r == 0 && x->req->hardened)
		r = spec_mounts_nosuid(json_object_get(x->spec, "mounts"), err);
	if (r < 0)
		usermnt_undo(x);
	usermnt_done(&u);
	mntlist_done(&l);
	return r;
}
