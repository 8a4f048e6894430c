/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy.c - engine: `rl cp`; the header has the rules
 *
 * Theory of operation: two children and a helper, joined by a pipe. The sender finds the source
 * and says what it is; the finder does the same for the destination and hands over a descriptor on
 * the folder where things will appear; with both known we tell the sender under which name to
 * pack, and rl-image extracts below that descriptor (storage/image/extract.h). A sender or finder
 * for a container works inside of it (ctrfs.h), one for the host as the caller.
 */
#include "config.h"

#include "cmd/engine/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/engine/ctrfs.h"
#include "cmd/engine/life.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/rootpath.h"
#include "storage/fetch.h"
#include "storage/pack.h"

#define LINKS_MAX 40 /* as the kernel's own walk (path_resolution(7)) */

enum found_kind { FOUND_NOTHING, FOUND_FILE, FOUND_FOLDER };

/* Either a folder itself, or the folder that holds @base, which is a file, a link or not there */
struct found {
	enum found_kind kind;
	int dir_fd; /* owned */
	char base[NAME_MAX + 1];
};

/* One end, with what its name alone says */
struct end {
	const struct copy_end *e;
	const struct ctrfs *fs; /* NULL: the host */
	char *path;             /* absolute */
	bool folder;            /* the name says so: "x/", "x/.", "." */
	bool contents;          /* "x/.", "." */
	bool follow;
	char base[NAME_MAX + 1]; /* last part, "" when there is none */
};

/* --- names --------------------------------------------------------------------------------- */

static bool is_dots(const char *s)
{
	return strcmp(s, ".") == 0 || strcmp(s, "..") == 0;
}

/* Length of @path without slashes and "." parts at its end. */
static size_t trim(const char *path)
{
	size_t n = strlen(path);

	for (;;) {
		while (n > 0 && path[n - 1] == '/')
			n--;
		if (n > 0 && path[n - 1] == '.' && (n == 1 || path[n - 2] == '/'))
			n--;
		else
			return n;
	}
}

static int end_open(struct end *x, const struct copy_end *e, bool follow, struct rl_err *err)
{
	auto_free char *cwd = e->c || *e->path == '/' ? NULL : getcwd(NULL, 0);
	const size_t all = strlen(e->path), n = trim(e->path);
	const char *last = memrchr(e->path, '/', n);

	*x = (struct end){ .e = e, .follow = follow };
	if (all == 0)
		return rl_fail(err, EINVAL, "a path is empty");
	x->path = str_printf("%s/%s", cwd ? cwd : "", e->path);
	if (!x->path || (!e->c && *e->path != '/' && !cwd))
		return rl_oom(err);
	if (strlen(x->path) >= PATH_MAX)
		return rl_fail(err, ENAMETOOLONG, "'%.100s...' is too long", e->path);
	last = last ? last + 1 : e->path;
	if (n - (size_t)(last - e->path) > NAME_MAX)
		return rl_fail(err, ENAMETOOLONG, "'%.100s...' is too long", e->path);
	memcpy(x->base, last, n - (size_t)(last - e->path));
	x->contents = e->path[all - 1] == '.' && (all == 1 || e->path[all - 2] == '/');
	if (is_dots(x->base))
		x->base[0] = '\0';
	if (x->base[0] == '\0') /* "/", "..": no name to copy under */
		x->contents = true;
	x->folder = n < all || x->contents;
	return 0;
}

static int missing(const struct end *x, int code, struct rl_err *err)
{
	if (x->e->c)
		return rl_fail_sys(err, code, "'%s' in container '%s'", x->e->path,
				   x->e->c->ctr.name);
	return rl_fail_sys(err, code, "'%s'", x->e->path);
}

/* --- in children: finding ------------------------------------------------------------------ */

/* "/a/link" and what the link says: the path to go on with, in place. 0 or -errno */
static int follow_link(int dir_fd, const char *base, char path[PATH_MAX])
{
	char target[PATH_MAX], out[PATH_MAX];
	ssize_t n = readlinkat(dir_fd, base, target, sizeof(target) - 1);
	const size_t end = trim(path);
	const char *slash = memrchr(path, '/', end);
	int len;

	if (n < 0)
		return -errno;
	target[n] = '\0';
	len = snprintf(out, sizeof(out), "%.*s%s",
		       *target == '/' || !slash ? 0 : (int)(slash - path + 1), path, target);
	if (len < 0 || (size_t)len >= sizeof(out))
		return -ENAMETOOLONG;
	memcpy(path, out, (size_t)len + 1);
	return 0;
}

/* Open the folder that holds the last part of @path, which goes to @f. */
static int find_parent(int root_fd, const char *path, struct found *f)
{
	const size_t end = trim(path);
	const char *slash = memrchr(path, '/', end), *base = slash ? slash + 1 : path;
	char dir[PATH_MAX];
	struct rl_err ignored;
	size_t n = end - (size_t)(base - path);

	if (n == 0 || n > NAME_MAX)
		return n ? -ENAMETOOLONG : -ENOENT;
	memcpy(f->base, base, n);
	f->base[n] = '\0';
	if (is_dots(f->base))
		return -ENOENT;
	n = (size_t)(base - path);
	memcpy(dir, path, n);
	dir[n] = '\0';
	f->dir_fd = rootpath_open(root_fd, n ? dir : "/", O_PATH | O_DIRECTORY, &ignored);
	return f->dir_fd < 0 ? f->dir_fd : 0;
}

/* What @x names, below @root_fd. Its folder must be there. 0 or -errno */
static int find(int root_fd, const struct end *x, struct found *ret)
{
	const bool follow = x->follow || x->folder;
	const int flags = O_PATH | O_DIRECTORY | (follow ? 0 : O_NOFOLLOW);
	char path[PATH_MAX];
	struct rl_err ignored;

	(void)snprintf(path, sizeof(path), "%s", x->path);
	for (int links = 0; links < LINKS_MAX; links++) {
		struct found f = { .dir_fd = rootpath_open(root_fd, path, flags, &ignored) };
		struct stat st;
		int r;

		if (f.dir_fd >= 0) {
			f.kind = FOUND_FOLDER;
			*ret = f;
			return 0;
		}
		if (f.dir_fd != -ENOTDIR && f.dir_fd != -ENOENT && f.dir_fd != -ELOOP)
			return f.dir_fd;
		r = find_parent(root_fd, path, &f);
		if (r < 0)
			return r;
		r = fstatat(f.dir_fd, f.base, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
		if (r == 0 && S_ISLNK(st.st_mode) && follow) {
			r = follow_link(f.dir_fd, f.base, path);
			fd_close(f.dir_fd);
			if (r < 0)
				return r;
			continue;
		}
		if (r == 0 && x->folder)
			r = -ENOTDIR;
		if (r == 0)
			f.kind = FOUND_FILE;
		if (r < 0 && r != -ENOENT) {
			fd_close(f.dir_fd);
			return r;
		}
		*ret = f;
		return 0;
	}
	return -ELOOP;
}

static int finder(int root_fd, int sock, void *arg, struct rl_err *err)
{
	const struct end *x = arg;
	struct ctrfs_msg m = { 0 };
	struct found f;
	int r = find(root_fd, x, &f);

	if (r < 0)
		return missing(x, -r, err);
	m.kind = f.kind;
	(void)snprintf(m.text, sizeof(m.text), "%s", f.base);
	r = ctrfs_say(sock, &m, f.dir_fd);
	return r < 0 ? rl_fail_sys(err, -r, "tell what was found") : 0;
}

/* --- in children: sending ------------------------------------------------------------------ */

struct sender {
	const struct end *x;
	int out;
};

static int open_source(int root_fd, const struct end *x, bool *ret_folder, struct rl_err *err)
{
	struct found f;
	struct stat st;
	int fd, r = find(root_fd, x, &f);

	if (r == 0 && f.kind == FOUND_NOTHING) {
		fd_close(f.dir_fd);
		r = -ENOENT;
	}
	if (r < 0)
		return missing(x, -r, err);
	fd = pack_open(f.dir_fd, f.kind == FOUND_FOLDER ? "." : f.base, false);
	fd_close(f.dir_fd);
	if (fd < 0 || fstat(fd, &st) < 0)
		return missing(x, fd < 0 ? -fd : errno, err);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)) {
		fd_close(fd);
		return rl_fail(err, EINVAL, "'%s' is neither a file nor a folder nor a link",
			       x->e->path);
	}
	*ret_folder = S_ISDIR(st.st_mode);
	return fd;
}

static int send_tree(int fd, const char *as, int out_fd, int64_t *ret_skipped, struct rl_err *err)
{
	auto_free struct tarout *t = malloc(sizeof(*t));
	const struct pack_opts opts = { .as = as, .newest = -1 };
	struct pack_result res;
	int r;

	if (!t)
		return rl_oom(err);
	tarout_init(t, tarout_to_fd, &out_fd);
	r = pack_tree(t, fd, &opts, &res, err);
	if (r == 0)
		r = tarout_end(t, err);
	*ret_skipped = res.skipped;
	return r;
}

static int sender(int root_fd, int sock, void *arg, struct rl_err *err)
{
	const struct sender *s = arg;
	struct ctrfs_msg m = { 0 };
	bool folder = false;
	int64_t skipped = 0;
	int r, fd = open_source(root_fd, s->x, &folder, err);

	if (fd < 0)
		return fd;
	m.kind = folder ? FOUND_FOLDER : FOUND_FILE;
	r = ctrfs_say(sock, &m, FD_NONE);
	/* the name to pack under; nothing comes when the destination does not fit */
	if (r < 0 || fd_recv(sock, &m, sizeof(m), NULL, 0) != (ssize_t)sizeof(m))
		return 0;
	m.text[sizeof(m.text) - 1] = '\0';
	r = send_tree(fd, m.text, s->out, &skipped, err);
	return r < 0 ? r : (int)(skipped < INT_MAX ? skipped : INT_MAX);
}

/* --- the parent ---------------------------------------------------------------------------- */

static void tell_skipped(int64_t n)
{
	if (n > 0)
		log_warn("%lld sockets were left out: an archive has no word for them",
			 (long long)n);
}

/* Start a sender and hear what the source is. */
static int start_sender(struct sender *s, struct ctrfs_child *ch, bool *ret_folder,
			struct rl_err *err)
{
	struct ctrfs_msg m;
	int r = ctrfs_fork(s->x->fs, sender, s, s->out, ch, err);

	if (r == 0)
		r = ctrfs_hear(ch, &m, NULL, err);
	if (r == 0)
		*ret_folder = m.kind == FOUND_FOLDER;
	return r;
}

static int tell_name(struct ctrfs_child *ch, const char *as, struct rl_err *err)
{
	struct ctrfs_msg m = { 0 };
	int r;

	(void)snprintf(m.text, sizeof(m.text), "%s", as);
	r = ctrfs_say(ch->sock, &m, FD_NONE);
	return r < 0 ? rl_fail_sys(err, -r, "talk to the process inside the container") : 0;
}

static int find_dest(const struct end *x, struct found *ret, struct rl_err *err)
{
	struct ctrfs_child ch = { 0 };
	struct ctrfs_msg m;
	int fd = FD_NONE, r = ctrfs_fork(x->fs, finder, (void *)(uintptr_t)x, FD_NONE, &ch, err);

	if (r == 0)
		r = ctrfs_hear(&ch, &m, &fd, err);
	if (r < 0)
		return r;
	ctrfs_kill(&ch); /* it has nothing more to say */
	if (fd < 0)
		return rl_fail(err, EPROTO, "the process inside the container sent no folder");
	*ret = (struct found){ .kind = (enum found_kind)m.kind, .dir_fd = fd };
	(void)snprintf(ret->base, sizeof(ret->base), "%.255s", m.text);
	return 0;
}

/* The rules: the name, below the found folder, that the source's top gets; "" = only content. */
static int choose_name(const struct end *from, const struct end *to, bool folder,
		       const struct found *f, const char **ret, struct rl_err *err)
{
	if (f->kind == FOUND_FILE && folder)
		return rl_fail(err, ENOTDIR,
			       "'%s' is a folder and cannot be copied to the file '%s'",
			       from->e->path, to->e->path);
	if (f->kind == FOUND_NOTHING && to->folder && !folder)
		return missing(to, ENOENT, err);
	if (f->kind == FOUND_FOLDER)
		*ret = folder && from->contents ? "" : from->base;
	else
		*ret = f->base;
	return 0;
}

static int extract(const struct rl *rl, const struct copy_req *req, const struct end *to, int in_fd,
		   int dest_fd, struct rl_err *err)
{
	const struct container *c = to->e->c;
	const bool keep = req->archive && (c || rl->uid == 0);
	const struct fetch_extract x = {
		.in_fd = in_fd,
		.dest_fd = dest_fd,
		.enter_fd = c ? to->fs->user_fd : FD_NONE,
		.session = c ? &c->session : NULL,
		.owner = keep ? FETCH_KEEP
			 : c  ? FETCH_AS
			      : FETCH_CALLER,
		.uid = c ? c->spec.uid : 0,
		.gid = c ? c->spec.gid : 0,
		.set_id = c || req->archive,
		.overwrite = req->overwrite,
	};

	return fetch_extract(rl, &x, err);
}

/* The sender's own error says more than what became of a stream that was cut. */
static int finish(struct ctrfs_child *ch, int r, struct rl_err *err)
{
	struct rl_err why = { 0 };
	int64_t skipped = 0;
	int s = ctrfs_join(ch, &skipped, &why);

	tell_skipped(skipped);
	if (s < 0 && s != -EPIPE && (r == 0 || r == -EBADMSG)) {
		*err = why;
		return s;
	}
	return r;
}

static int copy_across(const struct rl *rl, const struct copy_req *req, struct end *from,
		       struct end *to, struct rl_err *err)
{
	struct found dest = { .dir_fd = FD_NONE };
	struct ctrfs_child ch = { .sock = FD_NONE };
	auto_fd int rd = FD_NONE, wr = FD_NONE;
	const char *as = NULL;
	bool folder = false;
	int p[2], r;

	if (pipe2(p, O_CLOEXEC) < 0)
		return rl_fail_sys(err, errno, "pipe");
	rd = p[0];
	wr = p[1];
	r = start_sender(&(struct sender){ from, wr }, &ch, &folder, err);
	cleanup_fd(&wr);
	if (r == 0)
		r = find_dest(to, &dest, err);
	if (r == 0)
		r = choose_name(from, to, folder, &dest, &as, err);
	if (r == 0)
		r = tell_name(&ch, as, err);
	if (r == 0) {
		r = extract(rl, req, to, rd, dest.dir_fd, err);
		cleanup_fd(&rd); /* a sender that still writes must not wait for us */
		r = finish(&ch, r, err);
	}
	ctrfs_kill(&ch);
	fd_close(dest.dir_fd);
	return r;
}

static int copy_out(const struct end *from, struct rl_err *err)
{
	struct ctrfs_child ch = { .sock = FD_NONE };
	struct sender s = { from, STDOUT_FILENO };
	bool folder = false;
	int r;

	if (isatty(STDOUT_FILENO)) {
		rl_fail(err, EINVAL, "a tar does not belong on a terminal");
		return rl_hint(err, "send it to a file or a pipe: ... - > FILE");
	}
	r = start_sender(&s, &ch, &folder, err);
	if (r == 0)
		r = tell_name(&ch, folder && from->contents ? "" : from->base, err);
	if (r == 0)
		r = finish(&ch, 0, err);
	ctrfs_kill(&ch);
	return r;
}

static int copy_in(const struct rl *rl, const struct copy_req *req, const struct end *to,
		   struct rl_err *err)
{
	struct found dest = { .dir_fd = FD_NONE };
	int r = find_dest(to, &dest, err);

	if (r == 0 && dest.kind != FOUND_FOLDER)
		r = rl_fail(err, ENOTDIR,
			    "destination '%s' must be a folder that is there when a tar is copied",
			    to->e->path);
	if (r == 0)
		r = extract(rl, req, to, STDIN_FILENO, dest.dir_fd, err);
	fd_close(dest.dir_fd);
	return r;
}

static bool is_std(const struct copy_end *e)
{
	return !e->c && strcmp(e->path, "-") == 0;
}

static int with_ends(const struct rl *rl, const struct copy_req *req, const struct ctrfs *from_fs,
		     const struct ctrfs *to_fs, struct rl_err *err)
{
	struct end from = { 0 }, to = { 0 };
	int r = is_std(&req->from) ? 0 : end_open(&from, &req->from, req->follow, err);

	if (r == 0 && !is_std(&req->to))
		r = end_open(&to, &req->to, true, err);
	from.fs = req->from.c ? from_fs : NULL;
	to.fs = req->to.c ? to_fs : NULL;
	if (r == 0) {
		if (is_std(&req->to))
			r = copy_out(&from, err);
		else if (is_std(&req->from))
			r = copy_in(rl, req, &to, err);
		else
			r = copy_across(rl, req, &from, &to, err);
	}
	free(from.path);
	free(to.path);
	return r;
}

/* @ret_over: one of them has ended before anything was copied */
static int copy_once(const struct rl *rl, const struct copy_req *req, bool *ret_over,
		     struct rl_err *err)
{
	struct container *a = req->from.c, *b = req->to.c;
	struct ctrfs fa = { .user_fd = FD_NONE, .mount_fd = FD_NONE }, fb = fa;
	const bool same = a && b && strcmp(a->ctr.id, b->ctr.id) == 0;
	int r = 0;

	if (a)
		r = ctrfs_open(a, &fa, err);
	if (r == 0 && b && !same)
		r = ctrfs_open(b, &fb, err);
	if (r == 0)
		r = with_ends(rl, req, &fa, same ? &fa : &fb, err);
	*ret_over = ctrfs_is_over(&fa, r) || ctrfs_is_over(&fb, r);
	ctrfs_close(&fa);
	ctrfs_close(&fb);
	return r;
}

int engine_copy(const struct rl *rl, const struct copy_req *req, struct rl_err *err)
{
	bool over = true;
	struct stat st;
	int r = 0;

	if (!req->from.c && !req->to.c)
		return rl_fail(err, EINVAL, "one of the two must be CONTAINER:PATH");
	if (!req->to.c && !is_std(&req->to) && stat(req->to.path, &st) == 0 &&
	    !S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) {
		rl_fail(err, EINVAL, "'%s' is neither a folder nor a regular file", req->to.path);
		return rl_hint(err, "'-' writes a tar to stdout");
	}
	if (is_std(&req->from) && isatty(STDIN_FILENO))
		return rl_fail(err, EINVAL, "stdin is a terminal, a tar is expected there");
	for (int i = 0; over && i < CTRFS_TRIES; i++)
		r = copy_once(rl, req, &over, err);
	if (req->from.c)
		r = life_gone(rl, &req->from.c->ctr, r, err);
	if (req->to.c)
		r = life_gone(rl, &req->to.c->ctr, r, err);
	return r;
}
