/* SPDX-License-Identifier: Apache-2.0 */
/* test_volume.c - storage/volume: names, creation on demand, the record */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/wait.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/volume.h"

static struct rl rl;
static char dir[256];

static int setup(void **state)
{
	(void)state;
	rl = (struct rl){ .uid = getuid(), .data_dir = dir, .run_fd = FD_NONE };
	rl.data_fd = scratch_make(dir);
	return 0;
}

static int teardown(void **state)
{
	struct rl_err err;

	(void)state;
	fd_close(rl.data_fd);
	return io_remove_tree(AT_FDCWD, dir, &err);
}

static void test_names(void **state)
{
	static const char *const good[] = { "a", "A9", "a.b-c_d", "0" };
	static const char *const bad[] = { "",    ".",    "..",  "-o", "_a", "a/b",  "../x",
					   "a b", "a\nb", "a:b", "é",  "/a", "a\033" };
	struct rl_err err;
	char lengthy[VOLUME_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(volume_check_name(good[i], &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(volume_check_name(bad[i], &err), -EINVAL);
	memset(lengthy, 'a', sizeof(lengthy));
	lengthy[VOLUME_NAME_MAX + 1] = '\0';
	assert_int_equal(volume_check_name(lengthy, &err), -EINVAL);
	lengthy[VOLUME_NAME_MAX] = '\0';
	assert_int_equal(volume_check_name(lengthy, &err), 0);
}

static void test_create_and_find(void **state)
{
	const struct volume_req q = { .name = "data" };
	auto_volume struct volume a = { 0 }, b = { 0 }, c = { 0 };
	struct rl_err err = { 0 };
	struct stat st;
	mode_t old = umask(0077);

	(void)state;
	assert_int_equal(volume_get(&rl, &q, &a, &err), 0);
	(void)umask(old);
	assert_true(a.created && a.copy_up && !a.anonymous);
	assert_int_equal(stat(a.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755); /* whatever the umask */
	assert_int_equal(fstatat(rl.data_fd, "volumes", &st, 0), 0);
	assert_int_equal(st.st_mode & 077, 0); /* SECURITY S61 */
	assert_int_equal(volume_get(&rl, &q, &b, &err), 0);
	assert_true(!b.created && b.copy_up);
	assert_string_equal(a.path, b.path);
	assert_int_equal(volume_set_copied(&rl, "data", &err), 0);
	assert_int_equal(volume_get(&rl, &q, &c, &err), 0);
	assert_false(c.copy_up);
}

static void test_anonymous(void **state)
{
	auto_volume struct volume a = { 0 }, b = { 0 };
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(volume_get(&rl, &(struct volume_req){ .no_sync = true }, &a, &err), 0);
	assert_int_equal(volume_get(&rl, &(struct volume_req){ .no_copy = true }, &b, &err), 0);
	assert_int_equal(strlen(a.name), 64);
	assert_true(a.anonymous && a.copy_up && !b.copy_up);
	assert_string_not_equal(a.name, b.name);
}

static void test_damaged_record(void **state)
{
	const struct volume_req q = { .name = "bad" };
	auto_volume struct volume v = { 0 };
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(mkdirat(rl.data_fd, "volumes/bad", 0700), 0);
	put_file(rl.data_fd, "volumes/bad/volume.json", "{\"version\":2}");
	assert_int_equal(volume_get(&rl, &q, &v, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "version 2"));
	put_file(rl.data_fd, "volumes/bad/volume.json", "");
	assert_true(volume_get(&rl, &q, &v, &err) < 0);
	assert_non_null(strstr(err.msg, "'bad'"));
}

/* Of many that want the same new volume exactly one makes it, and all get it (SECURITY F27). */
static void test_race(void **state)
{
	enum { N = 12 };
	pid_t pid[N];
	int made = 0;

	(void)state;
	for (int i = 0; i < N; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			struct volume v = { 0 };
			struct rl_err err;

			if (volume_get(&rl, &(struct volume_req){ .name = "one" }, &v, &err) < 0)
				_exit(99);
			_exit(v.created ? 1 : 0);
		}
	}
	for (int i = 0; i < N; i++) {
		int status;

		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		made += WEXITSTATUS(status);
	}
	assert_int_equal(made, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),     cmocka_unit_test(test_create_and_find),
		cmocka_unit_test(test_anonymous), cmocka_unit_test(test_damaged_record),
		cmocka_unit_test(test_race),
	};

	return cmocka_run_group_tests_name("storage/volume", tests, setup, teardown);
}
