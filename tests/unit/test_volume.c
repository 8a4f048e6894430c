/* SPDX-License-Identifier: Apache-2.0 */
/* test_volume.c - storage/volume: names, creation on demand, the record */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/wait.h>

#include "core/base/buf.h"
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

/* What storage knows of containers: a file in the folder of each */
static void uses(const char *folder, const char *text)
{
	auto_free char *path = str_printf("containers/%s", folder);
	auto_free char *file = str_printf("containers/%s/volumes", folder);
	struct rl_err err;

	assert_int_equal(io_mkdirs(rl.data_fd, path, 0700, &err), 0);
	assert_int_equal(
		io_replace_file(rl.data_fd, file, text, strlen(text), 0600, IO_NOSYNC, &err), 0);
}

static void test_list_users_remove(void **state)
{
	static const char *const options[] = { "type=tmpfs", "o=size=1m" };
	const struct strv o = { (char **)(uintptr_t)options, 2 };
	const struct volume_req with = { .name = "used", .options = &o, .no_copy = true };
	const struct volume_req free_one = { .name = "unused" };
	auto_volume struct volume a = { 0 }, b = { 0 }, c = { 0 };
	auto_strv struct strv names = { 0 }, users = { 0 }, ids = { 0 };
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(volume_load(&rl, "used", &c, &err), -ENOENT);
	assert_int_equal(volume_load(&rl, "../x", &c, &err), -EINVAL);
	assert_int_equal(volume_get(&rl, &with, &a, &err), 0);
	assert_int_equal(volume_get(&rl, &free_one, &b, &err), 0);
	assert_int_equal(volume_load(&rl, "used", &c, &err), 0);
	assert_string_equal(json_string_value(json_object_get(c.options, "o")), "size=1m");
	assert_false(c.copy_up);
	assert_true(c.created_ns > 0);

	uses("1111", "- used\nx other\n");
	uses(".new-2222", "x used\n\n- \nz\n");
	uses(".trash-3333", "- unused\n");
	assert_int_equal(volume_users(&rl, &users, &err), 0);
	assert_int_equal(users.n, 3);
	assert_int_equal(volume_users_of(&rl, "used", &ids, &err), 0);
	assert_int_equal(ids.n, 2);
	assert_int_equal(volume_remove(&rl, NULL, "used", &err), -EBUSY);
	assert_int_equal(err.exit_code, 2);
	assert_non_null(strstr(err.msg, "1111"));
	assert_int_equal(volume_remove(&rl, NULL, "unused", &err), 0);
	assert_int_equal(volume_remove(&rl, NULL, "unused", &err), -ENOENT);
	assert_int_equal(err.exit_code, 1);
	assert_int_equal(volume_list(&rl, &names, &err), 0);
	assert_true(strv_has(&names, "used"));
	assert_false(strv_has(&names, "unused"));
	assert_int_equal(io_remove_tree(rl.data_fd, "containers", &err), 0);
	assert_int_equal(volume_remove(&rl, NULL, "used", &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),     cmocka_unit_test(test_create_and_find),
		cmocka_unit_test(test_anonymous), cmocka_unit_test(test_damaged_record),
		cmocka_unit_test(test_race),      cmocka_unit_test(test_list_users_remove),
	};

	return cmocka_run_group_tests_name("storage/volume", tests, setup, teardown);
}
