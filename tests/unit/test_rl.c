/* SPDX-License-Identifier: Apache-2.0 */
/* test_rl.c - core/rl: which folders are used, that they are private, which are refused */
#include "config.h"

#include <errno.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/rl.h"
#include "tests/unit/unit.h"

static char path[256]; /* the scratch folder of the running test */

static int setup(void **state)
{
	(void)state;
	fd_close(scratch_make(path));
	assert_int_equal(setenv("HOME", path, 1), 0);
	(void)unsetenv("RL_ROOT");
	(void)unsetenv("XDG_DATA_HOME");
	(void)unsetenv("XDG_RUNTIME_DIR");
	return 0;
}

static int teardown(void **state)
{
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(io_remove_tree(AT_FDCWD, path, &err), 0);
	return 0;
}

/* Open with --root @root; both folders must be below the scratch folder at these places. */
static void expect(const char *root, const char *data, const char *run)
{
	auto_free char *d = str_printf("%s/%s", path, data), *r = str_printf("%s/%s", path, run);
	struct rl rl;
	struct rl_err err = { 0 };
	struct stat st;

	assert_int_equal(rl_open(&rl, root, &err), 0);
	assert_string_equal(rl.data_dir, d);
	assert_string_equal(rl.run_dir, r);
	assert_int_equal(fstat(rl.data_fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(fstat(rl.run_fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_true(fcntl(rl.data_fd, F_GETFD) & FD_CLOEXEC);
	rl_close(&rl);
	rl_close(&rl); /* fine on a closed struct */
}

static void test_places(void **state)
{
	auto_free char *root = str_printf("%s/root", path), *xdg = str_printf("%s/xdg", path);
	mode_t old = umask(0);

	(void)state;
	expect(NULL, ".local/share/rl", ".local/share/rl/run");
	assert_int_equal(setenv("XDG_DATA_HOME", "relative", 1), 0); /* ignored, says XDG */
	expect(NULL, ".local/share/rl", ".local/share/rl/run");
	assert_int_equal(setenv("XDG_DATA_HOME", xdg, 1), 0);
	expect(NULL, "xdg/rl", "xdg/rl/run");
	assert_int_equal(setenv("RL_ROOT", root, 1), 0);
	expect(NULL, "root", "root/run");
	expect(xdg, "xdg", "xdg/run"); /* --root is stronger */
	umask(old);
}

static void test_runtime_folder(void **state)
{
	auto_free char *run = str_printf("%s/r", path);

	(void)state;
	assert_int_equal(setenv("XDG_RUNTIME_DIR", run, 1), 0);
	expect(NULL, ".local/share/rl", ".local/share/rl/run"); /* missing: own fallback */
	assert_int_equal(mkdir(run, 0700), 0);
	expect(NULL, ".local/share/rl", "r/rl");
	assert_int_equal(chmod(run, 0777), 0); /* anybody may put a socket there */
	expect(NULL, ".local/share/rl", ".local/share/rl/run");
	if (geteuid() == 0) {
		assert_int_equal(chmod(run, 0700), 0);
		assert_int_equal(chown(run, 65534, 65534), 0);
		expect(NULL, ".local/share/rl", ".local/share/rl/run");
	}
}

static void refused(const char *root, int code, const char *why)
{
	struct rl rl;
	struct rl_err err = { 0 };

	assert_int_equal(rl_open(&rl, root, &err), -code);
	assert_non_null(strstr(err.msg, why));
	assert_non_null(
		strstr(err.hint, code == EPERM && strstr(why, "write") ? "chmod" : "RL_ROOT"));
	rl_close(&rl);
}

static void test_refused(void **state)
{
	auto_free char *root = str_printf("%s/root", path), *file = str_printf("%s/file", path);
	struct stat st;

	(void)state;
	assert_int_equal(mkdir(root, 0755), 0);
	assert_int_equal(chmod(root, 0777), 0);
	refused(root, EPERM, "others may write into folder");
	assert_int_equal(stat(root, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0777); /* not touched */
	put_file(AT_FDCWD, file, "");
	refused(file, ENOTDIR, "not a folder");
	refused("/proc/rl-none", ENOENT, "/proc/rl-none");
	if (geteuid() == 0) {
		assert_int_equal(chmod(root, 0700), 0);
		assert_int_equal(chown(root, 65534, 65534), 0);
		refused(root, EPERM, "belongs to uid 65534");
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(test_places), T(test_runtime_folder),
					    T(test_refused) };

	return cmocka_run_group_tests_name("core/rl", tests, NULL, NULL);
}
