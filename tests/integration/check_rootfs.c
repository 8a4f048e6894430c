/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_rootfs.c - a root file system made from layers, as rootfs.sh looks at it
 *
 *	layers		make three layers in the store (inside S), with all that layers can hold
 *	many N		make N layers of one file each
 *	show [-k] [N]	mount the three (or the N) in a namespace nested in S, as a container would,
 *			list the tree; -k: with the maps of keep-id 1000
 *	change		the same, then change it from inside and list it again, without what is in
 *			the layers
 *	dir PATH	the tree of PATH through the rung for --rootfs
 *	pick		the rung of the store
 *	old [N]		like show, mounted the way that kernels before 6.7 need
 *	rm [N]		like show, for a container that is removed at its end
 * Errors are printed as rl prints them, exit status 125.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/parse.h"
#include "storage/inside.h"
#include "storage/layer.h"
#include "storage/rootfs_parts.h"

struct check {
	struct rl rl;
	struct session s;
	uint64_t n;
	bool keep_id, change, old, rm;
	struct rootfs r;
	struct idmap uids, gids;
	const char *dir;
};

static void diff_id(char out[72], unsigned i)
{
	(void)snprintf(out, 72, "sha256:%064x", i);
}

/* --- layers ------------------------------------------------------------------------------ */

static int file(int fd, const char *path, mode_t mode, uid_t uid, const char *text)
{
	auto_fd int f = openat(fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return f < 0 || io_write_all(f, text, strlen(text)) < 0 || fchown(f, uid, uid) < 0 ||
			       fchmod(f, mode) < 0
		       ? -1
		       : 0;
}

static int whiteout(int fd, const char *path)
{
	return mknodat(fd, path, S_IFCHR, makedev(0, 0));
}

static int set(int fd, const char *path, const char *name, const char *value)
{
	auto_fd int f = openat(fd, path, O_RDONLY | O_CLOEXEC);

	return f < 0 ? -1 : fsetxattr(f, name, value, strlen(value), 0);
}

static int fill_0(int fd)
{
	if (mkdirat(fd, "etc", 0755) < 0 || mkdirat(fd, "dir", 0750) < 0 ||
	    mkdirat(fd, "dir/sub", 0700) < 0 || mkdirat(fd, "opaque", 0755) < 0 ||
	    mkdirat(fd, "gone", 0755) < 0 || mkdirat(fd, "becomes-file", 0755) < 0)
		return -1;
	if (file(fd, "etc/passwd", 0644, 0, "root\n") < 0 ||
	    file(fd, "etc/shadow", 0600, 42, "x\n") < 0 ||
	    file(fd, "dir/user", 04755, 1000, "setuid\n") < 0 ||
	    file(fd, "opaque/old", 0644, 0, "old\n") < 0 ||
	    file(fd, "gone/file", 0644, 0, "gone\n") < 0 ||
	    file(fd, "becomes-dir", 0644, 0, "file\n") < 0 ||
	    file(fd, "becomes-file/x", 0644, 0, "x\n") < 0 ||
	    file(fd, "replaced", 0644, 0, "first\n") < 0)
		return -1;
	if (symlinkat("../etc/passwd", fd, "dir/link") < 0 ||
	    symlinkat("/etc", fd, "becomes-real") < 0 ||
	    linkat(fd, "etc/passwd", fd, "etc/hard", 0) < 0 || mkfifoat(fd, "fifo", 0622) < 0 ||
	    set(fd, "etc/passwd", "user.note", "hello") < 0 ||
	    fchownat(fd, "dir", 1000, 1000, 0) < 0)
		return -1;
	return 0;
}

static int fill_1(int fd)
{
	if (whiteout(fd, "gone") < 0 || whiteout(fd, "becomes-file") < 0 ||
	    mkdirat(fd, "opaque", 0711) < 0 || set(fd, "opaque", "user.overlay.opaque", "y") < 0 ||
	    file(fd, "opaque/new", 0644, 0, "new\n") < 0 || mkdirat(fd, "dir", 0750) < 0 ||
	    fchownat(fd, "dir", 1000, 1000, 0) < 0 || whiteout(fd, "dir/sub") < 0 ||
	    mkdirat(fd, "becomes-dir", 0755) < 0 || file(fd, "becomes-dir/in", 0640, 7, "in\n") < 0)
		return -1;
	return 0;
}

static int fill_2(int fd)
{
	if (file(fd, "becomes-file", 0644, 0, "now a file\n") < 0 ||
	    file(fd, "replaced", 0600, 65534, "third\n") < 0 ||
	    mkdirat(fd, "becomes-real", 0755) < 0 ||
	    file(fd, "becomes-real/here", 0644, 0, "here\n") < 0 || fchmod(fd, 0751) < 0 ||
	    fchown(fd, 5, 6) < 0)
		return -1;
	return 0;
}

struct fill {
	struct check *c;
	struct layer_stage *stage;
	unsigned i;
};

static int fill(void *arg, struct rl_err *err)
{
	static int (*const fills[])(int) = { fill_0, fill_1, fill_2 };
	const struct fill *f = arg;
	char name[16];
	int r;

	(void)umask(0);
	(void)snprintf(name, sizeof(name), "f%u", f->i);
	r = f->c->n ? file(f->stage->diff_fd, name, 0644, 0, name) : fills[f->i](f->stage->diff_fd);
	return r < 0 ? rl_fail_sys(err, errno, "fill layer %u", f->i) : 0;
}

static int make_layer(struct check *c, unsigned i, struct rl_err *err)
{
	struct layer_stage stage;
	char key[LAYER_KEY_MAX], id[72];
	int r;

	diff_id(id, c->n ? 1000 + i : i);
	r = layer_key(id, &c->s, NULL, NULL, key, err);
	if (r == 0)
		r = layer_begin(&c->rl, key, true, &stage, err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = inside_run(&c->s, fill, &(struct fill){ c, &stage, i }, -1, err);
	return r < 0 ? r : layer_publish(&c->rl, &stage, id, 1, 1, err);
}

static int make_layers(struct check *c, struct rl_err *err)
{
	unsigned n = c->n ? (unsigned)c->n : 3;
	int r = 0;

	for (unsigned i = 0; i < n && r == 0; i++)
		r = make_layer(c, i, err);
	return r;
}

/* --- looking ----------------------------------------------------------------------------- */

static void show_file(int fd, const char *name)
{
	auto_fd int f = openat(fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char text[64] = "", note[64] = "";

	if (f < 0) {
		(void)printf(" (%s)", strerror(errno));
		return;
	}
	if (io_read_full(f, text, sizeof(text) - 1) < 0)
		(void)printf(" (unreadable)");
	text[strcspn(text, "\n")] = '\0';
	if (fgetxattr(f, "user.note", note, sizeof(note) - 1) > 0)
		(void)printf(" note=%s", note);
	(void)printf(" '%s'", text);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int names_of(int fd, struct strv *ret)
{
	auto_fd int dup = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = dup < 0 ? NULL : fdopendir(dup);
	const struct dirent *e;

	if (!d)
		return -1;
	dup = FD_NONE;
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    strv_add(ret, e->d_name) < 0)
			return -1;
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	return 0;
}

static void show_tree(int fd, const char *path);

static void show_entry(int fd, const char *path, const char *name)
{
	auto_free char *full = str_printf("%s/%s", path, name);
	char target[256] = "";
	struct stat st;

	if (!full || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		(void)printf("%s/%s: %s\n", path, name, strerror(errno));
		return;
	}
	(void)printf("%s %o %u:%u", full, (unsigned)st.st_mode, st.st_uid, st.st_gid);
	if (!S_ISDIR(st.st_mode))
		(void)printf(" links=%lu", (unsigned long)st.st_nlink);
	if (S_ISLNK(st.st_mode) && readlinkat(fd, name, target, sizeof(target) - 1) >= 0)
		(void)printf(" -> %s", target);
	if (S_ISREG(st.st_mode))
		show_file(fd, name);
	(void)printf("\n");
	if (S_ISDIR(st.st_mode)) {
		auto_fd int sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		show_tree(sub, full);
	}
}

static void show_tree(int fd, const char *path)
{
	auto_strv struct strv names = { 0 };

	if (names_of(fd, &names) < 0)
		(void)printf("%s: %s\n", path, strerror(errno));
	for (size_t i = 0; i < names.n; i++)
		show_entry(fd, path, names.v[i]);
}

static int change(int fd, struct rl_err *err)
{
	if (unlinkat(fd, "etc/passwd", 0) < 0 || unlinkat(fd, "opaque/new", 0) < 0 ||
	    unlinkat(fd, "opaque", AT_REMOVEDIR) < 0 || mkdirat(fd, "opaque", 0755) < 0 ||
	    file(fd, "opaque/mine", 0644, 33, "mine\n") < 0 ||
	    renameat(fd, "replaced", fd, "dir/renamed") < 0 ||
	    fchmodat(fd, "becomes-file", 0600, 0) < 0 ||
	    fchownat(fd, "becomes-dir/in", 9, 9, 0) < 0)
		return rl_fail_sys(err, errno, "change the tree");
	return 0;
}

/* --- like the joiner and init ------------------------------------------------------------ */

static int write_map(pid_t pid, const char *which, const struct idmap *m)
{
	auto_free char *path = str_printf("/proc/%d/%s", (int)pid, which);
	char text[IDMAP_TEXT];
	size_t n = idmap_format(m, text);
	auto_fd int fd = path ? open(path, O_WRONLY | O_CLOEXEC) : FD_NONE;

	return fd < 0 || write(fd, text, n) != (ssize_t)n ? -errno : 0;
}

/* Init: waits for its maps, mounts, looks. */
static int init(struct check *c, int prepared, int go)
{
	struct rl_err err = { 0 };
	auto_fd int root = FD_NONE;
	struct stat st;
	char b;

	if (read(go, &b, 1) != 1 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return 125;
	if (c->old)
		root = overlay_mount_old(&c->r, &err);
	if ((c->old && root < 0) ||
	    (!c->old && rootfs_root_hook(&c->r, prepared, &root, &err) < 0) ||
	    (c->change && change(root, &err) < 0)) {
		rl_report(&err);
		return 125;
	}
	if (fstatat(root, "", &st, AT_EMPTY_PATH) == 0)
		(void)printf("/ %o %u:%u\n", (unsigned)st.st_mode, st.st_uid, st.st_gid);
	show_tree(root, "");
	(void)fflush(stdout);
	return 0;
}

/* The joiner: uid 0 in S. */
static int join(void *arg, struct rl_err *err)
{
	struct check *c = arg;
	auto_fd int prepared = FD_NONE, go_in = FD_NONE, go_out = FD_NONE, ready_in = FD_NONE,
		    ready_out = FD_NONE;
	int p[2], q[2], status;
	char b = 0;
	pid_t pid;

	if (rootfs_prepare_hook(&c->r, &prepared, err) < 0)
		return -err->code;
	if (pipe2(p, O_CLOEXEC) < 0 || pipe2(q, O_CLOEXEC) < 0)
		return rl_fail_sys(err, errno, "pipe");
	go_in = p[0], go_out = p[1], ready_in = q[0], ready_out = q[1];
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 || write(ready_out, &b, 1) != 1)
			_exit(125);
		_exit(init(c, prepared, go_in));
	}
	if (pid < 0 || read(ready_in, &b, 1) != 1)
		return rl_fail_sys(err, errno, "fork");
	status = write_map(pid, "uid_map", &c->uids);
	if (status == 0)
		status = write_map(pid, "gid_map", &c->gids);
	if (status < 0 || write(go_out, &b, 1) != 1)
		return rl_fail_sys(err, -status, "write the maps");
	return waitpid(pid, &status, 0) == pid && status == 0
		       ? 0
		       : rl_fail(err, EIO, "init ended with status %x", (unsigned)status);
}

static int show(struct check *c, struct rl_err *err)
{
	auto_strv struct strv ids = { 0 };
	auto_fd int ctr = FD_NONE;
	char dir[64] = "containers/", id[72];
	int r;

	rand_hex(dir + strlen(dir), 8);
	r = io_mkdirs(c->rl.data_fd, dir, 0700, err);
	ctr = r < 0 ? r : io_open_dir(c->rl.data_fd, dir, err);
	for (unsigned i = 0; i < (c->n ? c->n : 3); i++) {
		diff_id(id, c->n ? 1000 + i : i);
		if (strv_add(&ids, id) < 0)
			return rl_oom(err);
	}
	r = c->keep_id ? idmap_keep_id(&c->s.uids, 1000, &c->uids, err)
		       : idmap_identity(&c->s.uids, &c->uids, err);
	if (r == 0)
		r = c->keep_id ? idmap_keep_id(&c->s.gids, 1000, &c->gids, err)
			       : idmap_identity(&c->s.gids, &c->gids, err);
	if (r == 0 && c->dir)
		c->r = (struct rootfs){ .rung = ROOTFS_DIR, .dir = c->dir, .read_only = true };
	else if (r == 0)
		r = rootfs_open(&c->rl, &c->s, &ids, &c->uids, &c->gids, ctr, &c->r, err);
	c->r.ephemeral = c->rm;
	if (r == 0)
		r = inside_run(&c->s, join, c, 60000, err);
	rootfs_close(&c->r);
	return r;
}

static int pick(struct check *c, struct rl_err *err)
{
	enum rootfs_rung rung;
	auto_free char *why = NULL;
	int r = rootfs_pick(&c->rl, &c->s, &rung, &why, err);

	if (r == 0)
		(void)printf("%s%s%s\n", rootfs_rung_name(rung), why ? ": " : "", why ? why : "");
	return r;
}

static int run(struct check *c, int argc, char **argv, struct rl_err *err)
{
	const char *what = argc > 1 ? argv[1] : "";
	int i = 2;

	if (strcmp(what, "dir") == 0) {
		c->dir = argc > 2 ? argv[2] : "/";
		return show(c, err);
	}
	if (argc > i && strcmp(argv[i], "-k") == 0) {
		c->keep_id = true;
		i++;
	}
	if (argc > i && parse_uint(argv[i], 2000, &c->n) < 0)
		return rl_fail(err, EINVAL, "bad number");
	c->change = strcmp(what, "change") == 0;
	if (strcmp(what, "layers") == 0 || strcmp(what, "many") == 0)
		return make_layers(c, err);
	c->old = strcmp(what, "old") == 0;
	c->rm = strcmp(what, "rm") == 0;
	if (strcmp(what, "show") == 0 || c->change || c->old || c->rm)
		return show(c, err);
	if (strcmp(what, "pick") == 0)
		return pick(c, err);
	return rl_fail(err, EINVAL, "no such check: '%s'", what);
}

int main(int argc, char **argv)
{
	struct check c = { .s = { .userns_fd = FD_NONE } };
	struct rl_err err = { 0 };
	int r;

	(void)umask(077);
	if (getenv("CHECK_DEBUG"))
		log_set_level(LOG_DEBUG);
	r = rl_open(&c.rl, NULL, &err);
	if (r == 0)
		r = session_open(&c.rl, &c.s, &err);
	if (r == 0)
		r = run(&c, argc, argv, &err);
	if (r < 0)
		rl_report(&err);
	session_close(&c.s);
	rl_close(&c.rl);
	return r < 0 ? 125 : 0;
}
