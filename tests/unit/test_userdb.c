/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_userdb.c - cmd/engine/userdb: users and groups out of layers; links, FIFOs, devices and huge
 * files are no way out and no trap (SECURITY S23, S24, S26)
 */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/xattr.h>

#include "cmd/engine/userdb.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"

static char dir[256];
static int top = FD_NONE, low = FD_NONE, high = FD_NONE;

/* Two layers with an /etc each; every test starts with empty ones. */
static int setup(void **state)
{
	(void)state;
	top = scratch_make(dir);
	assert_int_equal(mkdirat(top, "low", 0755), 0);
	assert_int_equal(mkdirat(top, "low/etc", 0755), 0);
	assert_int_equal(mkdirat(top, "high", 0755), 0);
	assert_int_equal(mkdirat(top, "high/etc", 0755), 0);
	low = openat(top, "low", O_PATH | O_DIRECTORY | O_CLOEXEC);
	high = openat(top, "high", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(low >= 0 && high >= 0);
	return 0;
}

static int teardown(void **state)
{
	struct rl_err err;

	(void)state;
	fd_close(low);
	fd_close(high);
	fd_close(top);
	return io_remove_tree(AT_FDCWD, dir, &err);
}

static int look(struct buf *out, struct rl_err *err)
{
	const int fds[2] = { low, high };

	return userdb_read(fds, 2, "etc", "passwd", out, err);
}

static void assert_text(const char *want)
{
	auto_buf struct buf b = { 0 };
	struct rl_err err = { 0 };

	if (look(&b, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(b.data ? b.data : "", want);
}

static void assert_refused(const char *why)
{
	auto_buf struct buf b = { 0 };
	struct rl_err err = { 0 };

	assert_true(look(&b, &err) < 0);
	if (!strstr(err.msg, why))
		fail_msg("'%s' does not say '%s'", err.msg, why);
}

static void test_topmost_wins(void **state)
{
	(void)state;
	assert_text("");
	put_file(top, "low/etc/passwd", "low\n");
	assert_text("low\n");
	put_file(top, "high/etc/passwd", "high\n");
	assert_text("high\n");
}

/* Device numbers 0:0 need root or a user namespace; opaque folders need nothing. */
static void test_hidden_by_upper(void **state)
{
	(void)state;
	put_file(top, "low/etc/passwd", "low\n");
	if (mknodat(top, "high/etc/passwd", S_IFCHR, 0) == 0) {
		assert_text("");
		assert_int_equal(unlinkat(top, "high/etc/passwd", 0), 0);
	}
	assert_text("low\n");
	{
		auto_fd int fd = openat(top, "high/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) < 0)
			skip(); /* no user xattrs on this file system */
	}
	assert_text("");
	assert_int_equal(unlinkat(top, "high/etc", AT_REMOVEDIR), 0);
	assert_text("low\n");
	put_file(top, "high/etc", "a file where a folder was");
	assert_text("");
}

static void test_links_stay_inside(void **state)
{
	(void)state;
	put_file(top, "low/etc/passwd", "low\n");
	put_file(top, "high/real", "real\n");
	assert_int_equal(symlinkat("../../../../real", top, "high/etc/passwd"), 0);
	assert_text("real\n"); /* clamped at the layer's root */
	assert_int_equal(unlinkat(top, "high/etc/passwd", 0), 0);

	/* the host has /etc/hostname or /etc/os-release, the layer has not */
	assert_int_equal(symlinkat("/etc/os-release", top, "high/etc/passwd"), 0);
	assert_text("");
	assert_int_equal(unlinkat(top, "high/etc/passwd", 0), 0);

	assert_int_equal(symlinkat("/proc/self/fd/0", top, "high/etc/passwd"), 0);
	assert_text("");
	assert_int_equal(unlinkat(top, "high/etc/passwd", 0), 0);

	assert_int_equal(symlinkat("passwd", top, "high/etc/passwd"), 0); /* a loop */
	assert_text("");

	assert_int_equal(unlinkat(top, "high/etc/passwd", 0), 0);
	assert_int_equal(unlinkat(top, "high/etc", AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("/", top, "high/etc"), 0);
	put_file(top, "high/passwd", "by folder link\n");
	assert_text("by folder link\n");
}

static void test_odd_files(void **state)
{
	int64_t before = now_ms();

	(void)state;
	assert_int_equal(mkfifoat(top, "high/etc/passwd", 0666), 0);
	assert_refused("not a regular file");
	assert_int_equal(unlinkat(top, "high/etc/passwd", 0), 0);
	assert_int_equal(mkdirat(top, "high/etc/passwd", 0755), 0);
	assert_refused("not a regular file");
	assert_int_equal(unlinkat(top, "high/etc/passwd", AT_REMOVEDIR), 0);
	{
		auto_fd int fd =
			openat(top, "high/etc/passwd", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

		assert_int_equal(ftruncate(fd, (off_t)8 << 30), 0); /* sparse */
	}
	assert_refused("larger than");
	assert_true(now_ms() - before < 1000);
}

static void resolve(const char *spec, struct userdb_user *u)
{
	static char p[] = "root:x:0:0:root:/root:/bin/sh\n"
			  "1000:x:0:0:trap:/:/bin/sh\n"
			  "bad:x:-1:0:::\n"
			  "big:x:4294967295:0:::\n"
			  "web:x:33:34:www:/srv:/x\r\n"
			  "web:x:0:0:second::\n"
			  "esc:x:35:35::/a\033b:/x\n";
	static char g[] = "adm:x:4:root,web\nweb:x:34:web\nlog:x:7:web,root\nlog2:x:7:web\n"
			  "neg:x:-5:web\n";
	const struct buf passwd = { p, sizeof(p) - 1, 0 }, group = { g, sizeof(g) - 1, 0 };
	struct rl_err err = { 0 };

	if (userdb_resolve(spec, &passwd, &group, u, &err) < 0)
		fail_msg("%s: %s", spec, err.msg);
}

static void test_resolve(void **state)
{
	struct userdb_user u;

	(void)state;
	resolve(NULL, &u);
	assert_int_equal(u.uid, 0);
	assert_string_equal(u.home, "/root");
	assert_int_equal(u.n_groups, 2);
	resolve("1000", &u);
	assert_int_equal(u.uid, 1000); /* not the entry of that name */
	assert_false(u.has_entry);
	resolve("web", &u);
	assert_int_equal(u.uid, 33);
	assert_int_equal(u.gid, 34);
	assert_int_equal(u.n_groups, 2); /* 4 and 7 once; not its own 34, not -5 */
	assert_int_equal(u.groups[0], 4);
	assert_int_equal(u.groups[1], 7);
	resolve("33:log", &u);
	assert_int_equal(u.gid, 7);
	assert_int_equal(u.n_groups, 0);
	resolve("esc", &u);
	assert_string_equal(u.home, "");
}

/* No user of hostile files may end up as somebody that the line does not name. */
static void test_resolve_refuses(void **state)
{
	static const char *const bad[] = {
		"bad", "big", ":", "a:", "+web", "we b", "we\nb", "a:b:c"
	};
	static char p[] = "bad:x:-1:0:::\nbig:x:4294967295:0:::\n+web:x:0:0:::\n";
	const struct buf passwd = { p, sizeof(p) - 1, 0 }, group = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct userdb_user u;
		struct rl_err err = { 0 };

		if (userdb_resolve(bad[i], &passwd, &group, &u, &err) >= 0)
			fail_msg("'%s' was taken", bad[i]);
	}
}

/* A million groups cost no more than reading them. */
static void test_many_groups(void **state)
{
	auto_buf struct buf g = { 0 };
	const struct buf none = { 0 };
	char p[] = "a:x:1:1:::\n";
	const struct buf passwd = { p, sizeof(p) - 1, 0 };
	struct userdb_user u;
	struct rl_err err;
	int64_t before = now_ms();

	(void)state;
	(void)none;
	for (int i = 0; g.len < USERDB_FILE_MAX - 64; i++)
		assert_int_equal(buf_printf(&g, "g%d:x:%d:a\n", i, i + 2), 0);
	assert_int_equal(userdb_resolve("a", &passwd, &g, &u, &err), 0);
	assert_int_equal(u.n_groups, USERDB_GROUPS_MAX);
	assert_true(now_ms() - before < 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_topmost_wins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hidden_by_upper, setup, teardown),
		cmocka_unit_test_setup_teardown(test_links_stay_inside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_odd_files, setup, teardown),
		cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_resolve_refuses),
		cmocka_unit_test(test_many_groups),
	};

	return cmocka_run_group_tests_name("cmd/engine/userdb", tests, NULL, NULL);
}
