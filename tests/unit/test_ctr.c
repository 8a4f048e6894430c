/* SPDX-License-Identifier: Apache-2.0 */
/* test_ctr.c - core/ctr: claiming names, publishing, hiding, sweeping; crashes between the steps */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/ctr.h"

struct fixture {
	char dir[64];
	struct rl rl;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct rl_err err;

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/rl-test-ctr-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
	assert_int_equal(rl_open(&f->rl, f->dir, &err), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct rl_err err;

	rl_close(&f->rl);
	assert_int_equal(io_remove_tree(AT_FDCWD, f->dir, &err), 0);
	free(f);
	return 0;
}

static bool exists(const struct fixture *f, const char *fmt, const char *id)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "%s%s", fmt, id);
	return faccessat(f->rl.data_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void test_life(void **state)
{
	struct fixture *f = *state;
	struct ctr c;
	struct rl_err err;

	assert_int_equal(ctr_create(&f->rl, "web", &c, &err), 0);
	assert_true(exists(f, "containers/.new-", c.id));
	assert_true(exists(f, "container-names/", "web"));
	assert_int_equal(ctr_publish(&f->rl, &c, &err), 0);
	assert_true(exists(f, "containers/", c.id));
	assert_int_equal(ctr_sync(&f->rl, &c, &err), 0);
	assert_int_equal(ctr_hide(&f->rl, &c, &err), 0);
	assert_false(exists(f, "containers/", c.id));
	assert_false(exists(f, "container-names/", "web"));
	assert_int_equal(ctr_delete_hidden(&f->rl, &c, FD_NONE, false, &err), 0);
	assert_false(exists(f, "containers/.trash-", c.id));
	ctr_done(&c);
}

static void test_a_name_is_claimed_once(void **state)
{
	struct fixture *f = *state;
	struct ctr a, b;
	struct rl_err err;

	assert_int_equal(ctr_create(&f->rl, "web", &a, &err), 0);
	assert_int_equal(ctr_create(&f->rl, "web", &b, &err), -EEXIST);
	assert_non_null(strstr(err.msg, "'web' is already in use"));
	assert_true(exists(f, "container-names/", "web")); /* the loser did not free it */
	assert_int_equal(ctr_remove(&f->rl, &a, FD_NONE, &err), 0);
	ctr_done(&a);
	assert_int_equal(ctr_create(&f->rl, "web", &b, &err), 0);
	assert_int_equal(ctr_remove(&f->rl, &b, FD_NONE, &err), 0);
	ctr_done(&b);
}

/* A crash after the name was linked: the folder is gone, the link is free again. */
static void test_stale_name_is_free(void **state)
{
	struct fixture *f = *state;
	struct ctr c;
	struct rl_err err;
	char id[CTR_ID_LEN + 1];

	memset(id, 'a', CTR_ID_LEN);
	id[CTR_ID_LEN] = '\0';
	assert_int_equal(io_mkdirs(f->rl.data_fd, "container-names", 0700, &err), 0);
	assert_int_equal(symlinkat(id, f->rl.data_fd, "container-names/web"), 0);
	assert_int_equal(ctr_create(&f->rl, "web", &c, &err), 0);
	assert_int_equal(ctr_remove(&f->rl, &c, FD_NONE, &err), 0);
	ctr_done(&c);
}

static void test_bad_names(void **state)
{
	static const char *const bad[] = { "",    "-x", ".x",   "_x",      "a/b",
					   "a b", "..", "a\nb", "\xc3\xa4" };
	char longest[200];
	struct rl_err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(ctr_name_check(bad[i], &err), -EINVAL);
	memset(longest, 'a', sizeof(longest));
	longest[129] = '\0';
	assert_int_equal(ctr_name_check(longest, &err), -EINVAL);
	longest[128] = '\0';
	assert_int_equal(ctr_name_check(longest, &err), 0);
}

static void test_generated_names_differ(void **state)
{
	struct fixture *f = *state;
	struct ctr c[20];
	struct rl_err err;

	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		assert_int_equal(ctr_create(&f->rl, NULL, &c[i], &err), 0);
		assert_int_equal(ctr_name_check(c[i].name, &err), 0);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(c[i].name, c[k].name);
	}
	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		assert_int_equal(ctr_remove(&f->rl, &c[i], FD_NONE, &err), 0);
		ctr_done(&c[i]);
	}
}

/* What a dead process left is swept; what a live one works on is not. */
static void test_sweep(void **state)
{
	struct fixture *f = *state;
	struct ctr live, dead = { .dir_fd = FD_NONE, .lock_fd = FD_NONE };
	struct rl_err err;
	int p[2];
	pid_t pid;

	assert_int_equal(ctr_create(&f->rl, "live", &live, &err), 0);
	assert_int_equal(pipe(p), 0);
	pid = fork();
	if (pid == 0) {
		if (ctr_create(&f->rl, "dead", &dead, &err) == 0)
			_exit(write(p[1], dead.id, CTR_ID_LEN) == CTR_ID_LEN ? 0 : 1);
		_exit(1);
	}
	assert_int_equal(io_read_full(p[0], dead.id, CTR_ID_LEN), CTR_ID_LEN);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(exists(f, "containers/.new-", dead.id));
	ctr_sweep(&f->rl, false);
	assert_false(exists(f, "containers/.new-", dead.id));
	assert_true(exists(f, "containers/.new-", live.id));
	assert_int_equal(ctr_remove(&f->rl, &live, FD_NONE, &err), 0);
	ctr_done(&live);
	fd_close(p[0]);
	fd_close(p[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_life, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_name_is_claimed_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stale_name_is_free, setup, teardown),
		cmocka_unit_test(test_bad_names),
		cmocka_unit_test_setup_teardown(test_generated_names_differ, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sweep, setup, teardown),
	};

	return cmocka_run_group_tests_name("core/ctr", tests, NULL, NULL);
}
