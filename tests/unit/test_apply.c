/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_apply.c - storage/image: layer entries to files, names, whiteouts, the confined child
 *
 * The rules in full are tested by the hostile corpus (tests/integration/hostile_layers.sh).
 */
#include "config.h"

#include <errno.h>
#include <sys/xattr.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/image/copy.h"
#include "storage/image/place.h"
#include "storage/image/unpack.h"
#include "tests/unit/tar.h"

static const struct unpack_limits limits = { .max_bytes = 1 << 20, .max_entries = 100 };

static void test_names(void **state)
{
	static const struct {
		const char *in, *out; /* out: NULL = refused */
	} t[] = {
		{ "a", "a" },       { "/a", "a" },      { "./a/./b/", "a/b" }, { "//a//b", "a/b" },
		{ ".", "" },        { "/", "" },        { "./", "" },          { "...", "..." },
		{ "a..b", "a..b" }, { "", NULL },       { "..", NULL },        { "a/..", NULL },
		{ "../a", NULL },   { "a/../b", NULL },
	};
	char out[PLACE_PATH_MAX + 1], big[6000];
	struct rl_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		int r = place_clean(t[i].in, out, &err);

		assert_int_equal(r, t[i].out ? 0 : -EINVAL);
		if (t[i].out)
			assert_string_equal(out, t[i].out);
	}
	memset(big, 'a', sizeof(big));
	big[256] = '\0';
	assert_int_equal(place_clean(big, out, &err), -ENAMETOOLONG);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = i % 100 == 99 ? '/' : 'a';
	big[5000] = '\0';
	assert_int_equal(place_clean(big, out, &err), -ENAMETOOLONG);
	big[4095] = '\0';
	assert_int_equal(place_clean(big, out, &err), 0);
}

/* A whiteout and the same name in one layer: the name stays, a folder hides the lower one. */
static void fill_whiteouts(struct tar *t)
{
	tar_add(t, AE_IFREG, ".wh.a", 0644, "");
	tar_add(t, AE_IFREG, "a", 0640, "one");
	tar_add(t, AE_IFREG, "b", 0644, "two");
	tar_add(t, AE_IFREG, ".wh.b", 0644, "");
	tar_add(t, AE_IFREG, ".wh.d", 0644, "");
	tar_add(t, AE_IFDIR, "d", 0711, "");
	tar_add(t, AE_IFREG, "d/.wh.x", 0644, "");
	tar_add(t, AE_IFLNK, "l", 0777, "d");
	tar_add(t, AE_IFREG, "l/y", 0600, "through");
	tar_add(t, 0, "h", 0777, "a");
}

static void check_whiteouts(int fd)
{
	struct stat st;
	char y = 0;

	assert_int_equal(fstatat(fd, "a", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0640); /* not the link's 0777 */
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(st.st_size, 3);
	assert_int_equal(st.st_mtim.tv_sec, 1000000000);
	assert_int_equal(st.st_mtim.tv_nsec, 5);
	assert_int_equal(fstatat(fd, "b", &st, 0), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(fstatat(fd, "d", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0711);
	assert_int_equal(st.st_mtim.tv_sec, 1000000000); /* though it was filled afterwards */
	assert_int_equal(fstatat(fd, "d/x", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(place_is_whiteout(&st));
	assert_int_equal(fstatat(fd, "d/y", &st, AT_SYMLINK_NOFOLLOW), 0);
	fd = openat(fd, "d", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fgetxattr(fd, "user.overlay.opaque", &y, 1), 1);
	assert_int_equal(y, 'y');
	fd_close(fd);
}

static void run_both(void (*fill)(struct tar *), void (*check)(int fd), const char *error)
{
	for (int child = 0; child < 2; child++) {
		struct tar t = tar_begin();
		struct unpack_result res = { 0 };
		struct unpack u = { 0 };
		struct rl_err err = { 0 };
		char path[256];
		int fd = scratch_make(path), in, r;

		fill(&t);
		in = tar_end(&t);
		if (child) {
			assert_int_equal(unpack_start(in, fd, 1, &limits, &u, &err), 0);
			r = unpack_finish(&u, &res, &err);
		} else {
			r = unpack_here(in, fd, 1, &limits, &res, &err);
		}
		if (error) {
			assert_true(r < 0);
			if (!strstr(err.msg, error))
				fail_msg("%s", err.msg);
		} else {
			if (r < 0)
				fail_msg("%s", err.msg);
			assert_memory_equal(res.diff_id, "sha256:", 7);
			assert_true(res.tar_bytes >= 1024 && res.files > 0);
			check(fd);
		}
		fd_close(in);
		fd_close(fd);
		assert_int_equal(io_remove_tree(AT_FDCWD, path, &err), 0);
	}
}

static void test_whiteouts(void **state)
{
	(void)state;
	run_both(fill_whiteouts, check_whiteouts, NULL);
}

static void fill_dotdot(struct tar *t)
{
	tar_add(t, AE_IFREG, "ok", 0644, "1");
	tar_add(t, AE_IFREG, "../evil", 0644, "1");
}

static void fill_link_out(struct tar *t)
{
	tar_add(t, AE_IFLNK, "a", 0777, "/etc");
	tar_add(t, AE_IFREG, "a/evil", 0644, "1");
}

static void fill_foreign_link(struct tar *t)
{
	tar_add(t, 0, "a", 0777, "/etc/passwd");
}

static void fill_many(struct tar *t)
{
	char name[16];

	for (int i = 0; i < 101; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		tar_add(t, AE_IFREG, name, 0644, "");
	}
}

static void test_refusals(void **state)
{
	(void)state;
	run_both(fill_dotdot, NULL, "entry '../evil': '..' in its name");
	run_both(fill_link_out, NULL, "'a' in its path is a link that leads to no folder");
	run_both(fill_foreign_link, NULL, "etc/passwd', which is not in this layer");
	run_both(fill_many, NULL, "more than 100 entries");
}

/* Where an outer filter refuses openat2: the same without following any symlink. */
static void test_without_openat2(void **state)
{
	struct rl_err err = { 0 };
	const char *base = NULL;
	struct place p;
	char path[256];
	int top = scratch_make(path);

	(void)state;
	assert_int_equal(symlinkat("/etc", top, "out"), 0);
	assert_int_equal(mkdirat(top, "d", 0755), 0);
	place_init(&p, top, true);
	p.no_openat2 = true;
	assert_true(place_find(&p, "d/new/x", true, &base, &err) >= 0);
	assert_string_equal(base, "x");
	assert_true(exists(top, "d/new"));
	assert_true(place_find(&p, "out/x", true, &base, &err) < 0);
	assert_non_null(strstr(err.msg, "leads to no folder"));
	assert_true(place_find(&p, "x", true, &base, &err) >= 0);
	assert_int_equal(place_open_dir(&p, "out"), -ENOTDIR);
	place_done(&p);
	fd_close(top);
	assert_int_equal(io_remove_tree(AT_FDCWD, path, &err), 0);
}

static void fill_bare(struct tar *t)
{
	tar_add(t, AE_IFREG, "d/e/f", 0644, "x");  /* both folders as below */
	tar_add(t, AE_IFREG, "late/f", 0644, "x"); /* described after its content */
	tar_add(t, AE_IFDIR, "late", 0711, "");
	tar_add(t, AE_IFREG, "w/.wh.gone", 0644, "");     /* only a whiteout in it */
	tar_add(t, AE_IFREG, "o/.wh..wh..opq", 0644, ""); /* its content goes, not itself */
	tar_add(t, AE_IFREG, "o/in/f", 0644, "x");        /* the lower one is hidden */
	tar_add(t, AE_IFREG, ".wh.new", 0644, "");        /* another folder of that name */
	tar_add(t, AE_IFREG, "new/f", 0644, "x");
	tar_add(t, AE_IFREG, "new2/f", 0644, "x");
	tar_add(t, AE_IFREG, ".wh.new2", 0644, "");
	tar_add(t, AE_IFREG, "file/f", 0644, "x"); /* a file below, a folder here */
}

static mode_t mode_at(int top, const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(top, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777;
}

static const struct timespec old_time = { .tv_sec = 1234567890, .tv_nsec = 7 };

static void lower_dir(int top, const char *path, mode_t mode)
{
	const struct timespec ts[2] = { old_time, old_time };

	assert_int_equal(mkdirat(top, path, 0755), 0);
	assert_int_equal(fchmodat(top, path, mode, 0), 0);
	assert_int_equal(utimensat(top, path, ts, 0), 0);
}

static void unpack_bare(int top, const char *dir, const struct unpack_limits *l,
			struct unpack_result *ret)
{
	struct tar t = tar_begin();
	struct rl_err err = { 0 };
	int in, fd;

	fill_bare(&t);
	in = tar_end(&t);
	assert_int_equal(mkdirat(top, dir, 0755), 0);
	fd = openat(top, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(unpack_here(in, fd, 1, l, ret, &err), 0);
	fd_close(in);
	fd_close(fd);
}

static int dress(int top, const char *dir, const struct buf *bare, const struct unpack_limits *l,
		 struct rl_err *err)
{
	int fd = openat(top, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct unpack u = { 0 };

	assert_int_equal(unpack_dress_start(bare, fd, 1, l, &u, err), 0);
	fd_close(fd);
	return unpack_dress_finish(&u, err);
}

static void test_dress_hostile(void **state)
{
	struct unpack_limits l = { .max_bytes = 1 << 20, .max_entries = 100 };
	struct buf bare = { .data = (char[]){ "../out" }, .len = 7 };
	struct rl_err err = { 0 };
	int top, fd;
	char path[256];

	(void)state;
	top = scratch_make(path);
	assert_int_equal(mkdirat(top, "layer", 0755), 0);
	lower_dir(top, "out", 0700);
	lower_dir(top, "lower", 0755);
	lower_dir(top, "lower/link", 0711);
	assert_int_equal(symlinkat("../out", top, "layer/link"), 0);
	fd = openat(top, "lower", O_PATH | O_DIRECTORY | O_CLOEXEC);
	l.lower_fds = &fd;
	l.n_lower = 1;
	assert_int_equal(dress(top, "layer", &bare, &l, &err), -EINVAL);
	bare = (struct buf){ .data = (char[]){ "link" }, .len = 5 };
	assert_true(dress(top, "layer", &bare, &l, &err) < 0);
	assert_int_equal(mode_at(top, "out"), 0700);
	fd_close(fd);
	fd_close(top);
	assert_int_equal(io_remove_tree(AT_FDCWD, path, &err), 0);
}

static void check_dressed(int top)
{
	struct stat st;
	char v[8] = "";
	int fd;

	assert_int_equal(mode_at(top, "top/d"), 0750);
	assert_int_equal(mode_at(top, "top/d/e"), 01777);
	assert_int_equal(fstatat(top, "top/d/e", &st, 0), 0);
	assert_int_equal(st.st_mtim.tv_sec, old_time.tv_sec);
	assert_int_equal(st.st_mtim.tv_nsec, old_time.tv_nsec);
	assert_int_equal(mode_at(top, "top/late"), 0711);
	assert_int_equal(mode_at(top, "top/w"), 0710);
	assert_int_equal(mode_at(top, "top/o"), 0720);
	assert_int_equal(mode_at(top, "top/o/in"), 0755);
	assert_int_equal(mode_at(top, "top/new"), 0755);
	assert_int_equal(mode_at(top, "top/new2"), 0755);
	assert_int_equal(mode_at(top, "top/file"), 0755);
	fd = openat(top, "top/w", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fgetxattr(fd, "user.x", v, sizeof(v)), 1);
	assert_int_equal(fgetxattr(fd, "user.rl.owner", v, sizeof(v)), 5);
	assert_true(fgetxattr(fd, "user.overlay.opaque", v, sizeof(v)) < 0);
	fd_close(fd);
}

/* A folder that a layer does not describe keeps what the layer below says of it. */
static void test_bare_folders(void **state)
{
	struct unpack_limits l = { .max_bytes = 1 << 20, .max_entries = 100 };
	struct unpack_result res = { 0 };
	auto_buf struct buf bare = { 0 };
	struct rl_err err = { 0 };
	char path[256];
	int top = scratch_make(path), fds[2], fd;

	(void)state;
	unpack_bare(top, "bottom", &l, &res); /* nothing below */
	assert_int_equal((int)res.bare.len, 0);
	assert_int_equal(mode_at(top, "bottom/d/e"), 0755);
	l.lower_later = 1;
	unpack_bare(top, "early", &l, &res);
	bare = res.bare;
	assert_true(bare.len > 0);

	assert_int_equal(mkdirat(top, "0", 0755), 0);
	assert_int_equal(mkdirat(top, "1", 0755), 0);
	lower_dir(top, "0/d", 0700);
	lower_dir(top, "0/d/e", 01777);
	lower_dir(top, "1/d", 0750); /* the upper one of both counts */
	lower_dir(top, "0/late", 0700);
	lower_dir(top, "0/w", 0710);
	lower_dir(top, "0/o", 0720);
	lower_dir(top, "0/o/in", 0700);
	lower_dir(top, "0/new", 0700);
	lower_dir(top, "0/new2", 0700);
	put_file(top, "0/file", "lower");
	fds[0] = openat(top, "0", O_PATH | O_DIRECTORY | O_CLOEXEC);
	fds[1] = openat(top, "1", O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = openat(top, "0/w", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fsetxattr(fd, "user.x", "1", 1, 0), 0);
	assert_int_equal(fsetxattr(fd, "user.rl.owner", "5:6:0", 5, 0), 0);
	assert_int_equal(fsetxattr(fd, "user.overlay.opaque", "y", 1, 0), 0);
	fd_close(fd);
	l.lower_fds = fds;
	l.n_lower = 2;
	l.lower_later = 0;
	unpack_bare(top, "top", &l, &res);
	assert_int_equal((int)res.bare.len, 0);
	assert_int_equal(dress(top, "early", &bare, &l, &err), 0);
	check_dressed(top);
	assert_int_equal(io_remove_tree(top, "top", &err), 0);
	assert_int_equal(renameat(top, "early", top, "top"), 0); /* in two passes */
	check_dressed(top);
	fd_close(fds[0]);
	fd_close(fds[1]);
	fd_close(top);
	assert_int_equal(io_remove_tree(AT_FDCWD, path, &err), 0);
}

static void test_killed_child(void **state)
{
	struct unpack u = { 0 };
	struct rl_err err = { 0 };
	char path[256];
	int fd = scratch_make(path), p[2];

	(void)state;
	unpack_kill(&u); /* nothing started: fine */
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(unpack_start(p[0], fd, 1, &limits, &u, &err), 0);
	unpack_kill(&u);
	assert_int_equal(u.pid, 0);
	fd_close(p[0]);
	fd_close(p[1]);
	fd_close(fd);
	assert_int_equal(io_remove_tree(AT_FDCWD, path, &err), 0);
}

/* What an overlay of the layers shows, without mounting one. */
static void test_lower(void **state)
{
	char path[256];
	int top = scratch_make(path), fds[2], fd;
	struct rl_err err = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(mkdirat(top, "0", 0755), 0);
	assert_int_equal(mkdirat(top, "0/d", 0755), 0);
	assert_int_equal(mkdirat(top, "0/o", 0755), 0);
	assert_int_equal(mkdirat(top, "1", 0755), 0);
	assert_int_equal(mkdirat(top, "1/o", 0755), 0);
	put_file(top, "0/a", "lower");
	put_file(top, "0/d/b", "lower");
	put_file(top, "0/o/c", "lower");
	put_file(top, "1/a", "up");
	assert_int_equal(symlinkat("d", top, "0/l"), 0);
	fds[0] = openat(top, "0", O_PATH | O_CLOEXEC);
	fds[1] = openat(top, "1", O_PATH | O_CLOEXEC);
	fd = openat(top, "1/o", O_RDONLY | O_CLOEXEC);
	assert_int_equal(place_set_opaque(fd, &err), 0);
	fd_close(fd);

	fd = copy_find_lower(fds, 2, "a", S_IFREG, &st);
	assert_true(fd >= 0 && st.st_size == 2);
	fd_close(fd);
	fd = copy_find_lower(fds, 2, "d/b", S_IFREG, &st);
	assert_true(fd >= 0 && st.st_size == 5);
	fd_close(fd);
	assert_int_equal(copy_find_lower(fds, 2, "o/c", S_IFREG, &st), -ENOENT); /* opaque above */
	assert_int_equal(copy_find_lower(fds, 2, "l/b", S_IFREG, &st),
			 -ENOENT); /* through a link */
	assert_int_equal(copy_find_lower(fds, 2, "d", S_IFREG, &st), -ENOENT);
	assert_int_equal(copy_find_lower(fds, 2, "a/x", S_IFREG, &st), -ENOENT);
	fd_close(fds[0]);
	fd_close(fds[1]);
	fd_close(top);
	assert_int_equal(io_remove_tree(AT_FDCWD, path, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),           cmocka_unit_test(test_whiteouts),
		cmocka_unit_test(test_refusals),        cmocka_unit_test(test_killed_child),
		cmocka_unit_test(test_lower),           cmocka_unit_test(test_bare_folders),
		cmocka_unit_test(test_dress_hostile),   cmocka_unit_test(test_dress_hostile),
		cmocka_unit_test(test_without_openat2),
	};

	return cmocka_run_group_tests_name("storage/image/apply", tests, NULL, NULL);
}
