/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shift.c - `rl-image shift "DIFF_ID FROM_KEY TO_KEY,..." UIDS GIDS`: layers for another owner map
 *
 * The layer FROM_KEY holds owners as an identity container shows them. For a container with maps
 * UIDS and GIDS (text as in /proc/PID/uid_map, container to S) every object gets the owner that
 * the container will show as the same id. An overlay cannot translate owners for a user, so this
 * is a copy, unless "flatten" works: blocks are shared where the file system can (FICLONE), hard links,
 * holes, xattrs and times are kept. Several layers are copied at once, by a process each, with a bar on
 * a terminal and one line elsewhere; no lock is held but each layer's own. It is made once per layer and
 * map, and published like any layer.
 *
 * `rl-image flatten DIFF_ID TO_KEY UIDS GIDS KEY,...`: the same for all layers of an image at once,
 * without their data (Linux 6.16): one layer of stubs, as the layers together look. Overlay finds the data
 * of a stub by its path in the plain layers ("data-only lower layers" in the kernel's
 * overlayfs.rst), the topmost first; that is the right one, for what lies below it is hidden. A
 * file with several names has the path of the first that is visible. Overlay follows a stub only from the
 * lowest layer, hence one for all.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <search.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/strv.h"
#include "core/idmap.h"
#include "core/mnt.h"
#include "storage/digest.h"
#include "storage/elsewhere.h"
#include "storage/image/child.h"
#include "storage/image/cmds.h"
#include "storage/image/copy.h"
#include "storage/image/layers.h"
#include "storage/image/merge.h"
#include "storage/image/place.h"
#include "storage/image/progress.h"
#include "storage/layer.h"

/* The first name of a file with several */
struct link {
	ino_t ino;
	char path[];
};

#define COPIER     "the process that copies a layer"
#define REDRAW_MS  100
#define TOLD_BYTES (1 << 20) /* less is over at once */

struct shift {
	struct idmap uids, gids; /* container to S; without lines: as it is */
	bool stubs;              /* files are only named: their data is found in the plain layers */
	int to_root;
	void *links; /* tsearch tree of struct link */
	char path[PLACE_PATH_MAX + 1];
	int64_t files, size;
	int64_t *copied; /* bytes, of all processes; or NULL */
};

static int compare_links(const void *a, const void *b)
{
	const ino_t x = ((const struct link *)a)->ino, y = ((const struct link *)b)->ino;

	return x < y ? -1 : x > y;
}

static int map_owner(const struct shift *s, struct stat *st, struct rl_err *err)
{
	int64_t uid = s->uids.n ? idmap_to_outside(&s->uids, st->st_uid) : st->st_uid;
	int64_t gid = s->gids.n ? idmap_to_outside(&s->gids, st->st_gid) : st->st_gid;

	/* nobody's in the container, where it does not know the caller */
	if (uid < 0 && idmap_to_inside(&s->uids, 0) < 0)
		uid = 0;
	if (gid < 0 && idmap_to_inside(&s->gids, 0) < 0)
		gid = 0;
	if (uid < 0 || gid < 0) {
		rl_fail(err, EINVAL, "owner %u:%u is outside the container's ids", st->st_uid,
			st->st_gid);
		return rl_hint(err, "choose another --userns, or widen the ranges in /etc/subuid "
				    "and /etc/subgid");
	}
	st->st_uid = (uid_t)uid;
	st->st_gid = (gid_t)gid;
	return 0;
}

/* 1: linked to the first name, 0: this is the first one (now remembered), or -errno */
static int link_again(struct shift *s, int to, const char *name, const struct stat *st,
		      struct rl_err *err)
{
	const struct link key = { .ino = st->st_ino };
	struct link **found = tfind(&key, &s->links, compare_links), *new;
	size_t len = strlen(s->path) + 1;

	if (found) {
		if (linkat(s->to_root, (*found)->path, to, name, 0) < 0)
			return rl_fail_sys(err, errno, "link");
		return 1;
	}
	new = malloc(sizeof(*new) + len);
	if (!new)
		return rl_oom(err);
	new->ino = st->st_ino;
	memcpy(new->path, s->path, len);
	if (!tsearch(new, &s->links, compare_links)) {
		free(new);
		return rl_oom(err);
	}
	return 0;
}

/* What overlay calls a metacopy: it has all but the data, and says where below the data layers that is. */
static int make_stub(const struct shift *s, int in, int out, const struct stat *st,
		     struct rl_err *err)
{
	char redirect[PLACE_PATH_MAX + 2];
	int n = snprintf(redirect, sizeof(redirect), "/%s", s->path);

	/* one already, of data in another store: its marks are copied with the other attributes */
	if (st->st_size > 0 && fgetxattr(in, "user.overlay.redirect", NULL, 0) > 0)
		n = 0;
	if (n == 0 && ftruncate(out, st->st_size) < 0)
		return rl_fail_sys(err, errno, "create");
	if (st->st_size > 0 && n > 0 &&
	    (ftruncate(out, st->st_size) < 0 ||
	     fsetxattr(out, "user.overlay.metacopy", "", 0, 0) < 0 ||
	     fsetxattr(out, "user.overlay.redirect", redirect, (size_t)n, 0) < 0))
		return rl_fail_sys(err, errno, "create");
	return copy_meta(in, out, st, false, err);
}

static int shift_file(struct shift *s, int from, int to, const char *name, struct stat *st,
		      struct rl_err *err)
{
	auto_fd int in = FD_NONE, out = FD_NONE;
	int r = st->st_nlink > 1 ? link_again(s, to, name, st, err) : 0;

	if (r != 0)
		return r < 0 ? r : 0;
	in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (in < 0)
		return rl_fail_sys(err, errno, "open");
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return rl_fail_sys(err, errno, "create");
	if (s->stubs)
		return make_stub(s, in, out, st, err);
	s->size += st->st_size;
	r = copy_data(in, out, st->st_size, err);
	__atomic_add_fetch(s->copied, st->st_size, __ATOMIC_RELAXED);
	return r < 0 ? r : copy_meta(in, out, st, false, err);
}

/* Symlinks, whiteouts, FIFOs, sockets */
static int shift_special(int from, int to, const char *name, const struct stat *st,
			 struct rl_err *err)
{
	const struct timespec ts[2] = { st->st_mtim, st->st_mtim };
	char target[PLACE_PATH_MAX + 1];
	ssize_t n;

	if (S_ISLNK(st->st_mode)) {
		n = readlinkat(from, name, target, sizeof(target));
		if (n < 0 || n == (ssize_t)sizeof(target))
			return rl_fail_sys(err, n < 0 ? errno : ENAMETOOLONG, "read the link");
		target[n] = '\0';
		if (symlinkat(target, to, name) < 0)
			return rl_fail_sys(err, errno, "create the link");
	} else if (S_ISFIFO(st->st_mode) || S_ISSOCK(st->st_mode) || place_is_whiteout(st)) {
		if (mknodat(to, name, st->st_mode, st->st_rdev) < 0)
			return rl_fail_sys(err, errno, "create");
	} else {
		return rl_fail(err, EINVAL, "its type has no place in a layer");
	}
	if (fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    utimensat(to, name, ts, AT_SYMLINK_NOFOLLOW) < 0)
		return rl_fail_sys(err, errno, "set owner %u:%u", st->st_uid, st->st_gid);
	return 0;
}

static int shift_children(struct shift *s, int from, int to, struct rl_err *err);

static int shift_dir(struct shift *s, int from, int to, const char *name, const struct stat *st,
		     struct rl_err *err)
{
	auto_fd int in = FD_NONE, out = FD_NONE;
	int r;

	in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (in < 0)
		return rl_fail_sys(err, errno, "open");
	out = place_mkdir(to, name, false, err);
	if (out < 0)
		return out;
	r = shift_children(s, in, out, err);
	if (r < 0)
		return r;
	/* last: filling changes the times */
	return s->stubs ? copy_dir_meta(in, out, st, false, err)
			: copy_meta(in, out, st, false, err);
}

static int shift_entry(struct shift *s, int from, int to, const char *name, struct rl_err *err)
{
	struct stat st;
	int r;

	s->files++;
	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return rl_fail_sys(err, errno, "stat '%s'", s->path);
	if (s->stubs && place_is_whiteout(&st))
		return 0; /* of a single layer: nothing is below it */
	r = map_owner(s, &st, err);
	if (r < 0)
		return rl_wrap(err, "'%.300s'", s->path);
	if (S_ISDIR(st.st_mode)) {
		r = shift_dir(s, from, to, name, &st, err);
		return r; /* the deepest path is in the message */
	}
	r = S_ISREG(st.st_mode) ? shift_file(s, from, to, name, &st, err)
				: shift_special(from, to, name, &st, err);
	return r < 0 ? rl_wrap(err, "copy '%.300s'", s->path) : 0;
}

static int shift_children(struct shift *s, int from, int to, struct rl_err *err)
{
	const size_t len = strlen(s->path);
	int dup = fcntl(from, F_DUPFD_CLOEXEC, 3), r = 0;
	auto_dir DIR *d = dup < 0 ? NULL : fdopendir(dup);
	struct dirent *e;

	if (!d) {
		fd_close(dup);
		return rl_fail_sys(err, errno, "list '%s'", s->path);
	}
	for (errno = 0; r == 0 && (e = readdir(d)); errno = 0) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (len + 1 + strlen(e->d_name) > PLACE_PATH_MAX)
			return rl_fail(err, ENAMETOOLONG, "a name below '%.300s' is too long",
				       s->path);
		(void)snprintf(s->path + len, sizeof(s->path) - len, "%s%s", len ? "/" : "",
			       e->d_name);
		r = shift_entry(s, from, to, e->d_name, err);
		s->path[len] = '\0';
	}
	if (r == 0 && errno != 0)
		return rl_fail_sys(err, errno, "list '%s'", s->path);
	return r;
}

static int shift_layer(struct shift *s, int from, const struct layer_stage *st, struct rl_err *err)
{
	auto_fd int in = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat top;
	int r;

	if (in < 0 || fstat(in, &top) < 0)
		return rl_fail_sys(err, errno, "open the layer");
	s->to_root = st->diff_fd;
	r = map_owner(s, &top, err);
	if (r == 0)
		r = shift_children(s, in, st->diff_fd, err);
	if (r == 0)
		r = s->stubs ? copy_dir_meta(in, st->diff_fd, &top, false, err)
			     : copy_meta(in, st->diff_fd, &top, false, err);
	tdestroy(s->links, free);
	return r;
}

/* Three descriptors per level of a deep tree: take as many as the hard limit gives. */
static void raise_files(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < lim.rlim_max) {
		lim.rlim_cur = lim.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &lim); /* a deep tree fails by name otherwise */
	}
}

/* One of the layers that are asked for: "DIFF_ID FROM_KEY TO_KEY" */
struct job {
	struct strv words;
	struct child child;
};

static int shift_one(const struct rl *rl, struct shift *s, const struct strv *w, struct rl_err *err)
{
	auto_fd int from = layer_open(rl, w->v[1], err);
	auto_strv struct strv folders = { 0 };
	struct layer_stage st;
	int r = from < 0 ? from : elsewhere_of(rl, w->v[1], &folders, err);

	if (r == 0 && folders.n)
		r = rl_fail(err, ENOTSUP, "its files are in another store: '%s'", folders.v[0]);
	if (r == 0)
		r = layer_begin(rl, w->v[2], true, &st, err);
	if (r != 0)
		return r < 0 ? r : 0; /* 1: somebody else made it meanwhile */
	raise_files();
	(void)umask(0);
	r = shift_layer(s, from, &st, err);
	if (r == 0)
		r = layer_publish(rl, &st, w->v[0], s->size, s->files, err);
	if (r < 0)
		layer_abort(rl, &st);
	return r;
}

static int start_job(const struct rl *rl, struct shift *s, struct job *j, struct rl_err *err)
{
	int fd, r = child_fork(COPIER, &j->child, &fd, err);

	if (r != 0)
		return r;
	r = shift_one(rl, s, &j->words, err);
	if (r < 0)
		rl_wrap(err, "owners of layer '%.12s'", j->words.v[1]);
	child_answer(fd, r < 0 ? err : NULL, NULL, 0);
}

/* As many at once as there are processors; the bar follows what all of them have copied. */
static int run_jobs(const struct rl *rl, struct shift *s, struct job *jobs, size_t n,
		    struct progress *p, struct rl_err *err)
{
	auto_free struct pollfd *fds = calloc(n + 1, sizeof(*fds));
	const size_t most = (size_t)sysconf(_SC_NPROCESSORS_ONLN);
	size_t next = 0, busy = 0;
	int r = fds ? 0 : rl_oom(err);

	while (r == 0 && (next < n || busy > 0)) {
		while (r >= 0 && next < n && busy < most) {
			r = start_job(rl, s, &jobs[next], err);
			busy += r > 0;
			next++;
		}
		r = r < 0 ? r : 0;
		for (size_t i = 0; i < next; i++)
			fds[i] = (struct pollfd){ .fd = jobs[i].child.pid > 0
								? jobs[i].child.result_fd
								: FD_NONE,
						  .events = POLLIN };
		if (r == 0 && poll(fds, next, REDRAW_MS) < 0 && errno != EINTR)
			r = rl_fail_sys(err, errno, "wait for " COPIER);
		for (size_t i = 0; r == 0 && i < next; i++) {
			auto_buf struct buf nothing = { 0 };

			if (!fds[i].revents)
				continue;
			r = child_result(&jobs[i].child, COPIER, 0, &nothing, err);
			busy--;
		}
		progress_update(p, __atomic_load_n(s->copied, __ATOMIC_RELAXED));
	}
	for (size_t i = 0; i < next; i++)
		child_kill(&jobs[i].child);
	return r;
}

/* What the layers have, by their records */
static int64_t sum_sizes(const struct rl *rl, const struct job *jobs, size_t n)
{
	int64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += layers_recorded_size(rl, jobs[i].words.v[1]);
	return sum;
}

static int take_jobs(struct job *jobs, const struct strv *list, struct rl_err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strv_split(&jobs[i].words, list->v[i], ' ') < 0)
			return rl_oom(err);
		if (jobs[i].words.n != 3)
			return rl_fail(err, EINVAL, "usage: shift 'DIFF_ID FROM TO,...' UIDS GIDS");
		if (digest_check(jobs[i].words.v[0], "layer", err) < 0)
			return -err->code;
	}
	return 0;
}

int cmd_shift(const struct rl *rl, int argc, char **argv, struct rl_err *err)
{
	auto_strv struct strv list = { 0 };
	struct shift s = { 0 };
	struct progress p;
	struct job *jobs;
	char size[32];
	int r;

	if (argc != 4)
		return rl_fail(err, EINVAL, "usage: shift 'DIFF_ID FROM TO,...' UIDS GIDS");
	if (idmap_parse(argv[2], &s.uids) < 0 || idmap_parse(argv[3], &s.gids) < 0)
		return rl_fail(err, EINVAL, "the maps are not understood");
	s.copied = mmap(NULL, sizeof(*s.copied), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (s.copied == MAP_FAILED || strv_split(&list, argv[1], ',') < 0)
		return rl_oom(err);
	jobs = calloc(list.n, sizeof(*jobs));
	r = jobs ? take_jobs(jobs, &list, err) : rl_oom(err);
	if (r == 0) {
		progress_init(&p, false);
		progress_start(&p, sum_sizes(rl, jobs, list.n));
		progress_size(p.total, size);
		if (p.total >= TOLD_BYTES)
			progress_step(&p, "Copying %zu layer%s (%s) for other owners", list.n,
				      list.n == 1 ? "" : "s", size);
		r = run_jobs(rl, &s, jobs, list.n, &p, err);
		progress_end(&p);
	}
	for (size_t i = 0; jobs && i < list.n; i++)
		strv_done(&jobs[i].words);
	free(jobs);
	return r;
}

/* --- flatten ------------------------------------------------------------------------------- */

/* @data: folders where the data of what are stubs already is */
static int flatten(struct shift *s, const struct rl *rl, struct strv *names,
		   const struct strv *data, const struct layer_stage *st, struct rl_err *err)
{
	auto_strv struct strv both = { 0 };
	auto_fd int from = FD_NONE, check = FD_NONE;
	int r;

	/* an overlay shows only what is mounted where it is made */
	if (unshare(CLONE_NEWNS) < 0)
		return rl_fail_sys(err, errno, "make a mount namespace");
	from = names->n > 1 ? merge_mount(names, 0, err)
			    : open(names->v[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (from < 0)
		return names->n > 1 ? from : rl_fail_sys(err, errno, "open '%s'", names->v[0]);
	s->stubs = true;
	r = shift_layer(s, from, st, err);
	if (r == 0 && (strv_take(&both, str_printf("%s/%s/diff", rl->data_dir, st->name)) < 0 ||
		       strv_copy(&both, names) < 0 || strv_copy(&both, data) < 0))
		r = rl_oom(err);
	if (r < 0)
		return r;
	check = merge_mount(&both, names->n + data->n, err);
	r = check < 0 ? check : merge_has_data(check, 0, err);
	if (r < 0) { /* the caller has another way */
		err->code = EOPNOTSUPP;
		return -EOPNOTSUPP;
	}
	return 0;
}

int cmd_flatten(const struct rl *rl, int argc, char **argv, struct rl_err *err)
{
	auto_strv struct strv names = { 0 }, folders = { 0 }, data = { 0 };
	struct shift s = { 0 };
	struct layer_stage st;
	int r;

	if (argc != 6)
		return rl_fail(err, EINVAL, "usage: flatten DIFF_ID TO_KEY UIDS GIDS KEY,...");
	if (digest_check(argv[1], "layer", err) < 0)
		return -err->code;
	if (idmap_parse(argv[3], &s.uids) < 0 || idmap_parse(argv[4], &s.gids) < 0)
		return rl_fail(err, EINVAL, "the maps are not understood");
	r = merge_paths(rl, argv[5], &names, err);
	if (r == 0 && names.n == 1)
		r = elsewhere_of(rl, argv[5], &folders, err);
	if (r == 0)
		r = elsewhere_roots(&folders, &data, err);
	if (r < 0)
		return r;
	r = layer_begin(rl, argv[2], true, &st, err);
	if (r != 0)
		return r < 0 ? r : 0; /* 1: somebody else made it meanwhile */
	raise_files();
	(void)umask(0);
	r = flatten(&s, rl, &names, &data, &st, err);
	if (r == 0)
		r = merge_write_from(rl, &st, argv[5], err);
	if (r == 0)
		r = layer_publish(rl, &st, argv[1], 0, s.files, err);
	if (r < 0)
		layer_abort(rl, &st);
	return r < 0 ? rl_wrap(err, "owners of image layer '%.12s'", argv[2]) : 0;
}
