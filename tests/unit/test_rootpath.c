/* SPDX-License-Identifier: Apache-2.0 */
/* test_rootpath.c - core/rootpath: links, missing parts, and every way out that must not be one */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/rootpath.h"
#include "tests/unit/unit.h"

/* scratch/root is the container, scratch/host must never change. */
struct tree {
	char path[256];
	int fd, root;
};

static int setup(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->fd = scratch_make(t->path);
	assert_int_equal(mkdirat(t->fd, "root", 0755), 0);
	assert_int_equal(mkdirat(t->fd, "host", 0755), 0);
	put_file(t->fd, "host/secret", "secret");
	t->root = openat(t->fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(t->root >= 0);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct tree *t = *state;
	struct rl_err err;

	fd_close(t->root);
	fd_close(t->fd);
	assert_int_equal(io_remove_tree(AT_FDCWD, t->path, &err), 0);
	free(t);
	return 0;
}

static void link_to(const struct tree *t, const char *target, const char *name)
{
	assert_int_equal(symlinkat(target, t->root, name), 0);
}

static void test_missing_parts_are_made(void **state)
{
	const struct tree *t = *state;
	struct rl_err err;
	struct stat st;
	auto_fd int dir = rootpath_make(t->root, "/a/b//c/", true, &err);
	auto_fd int file = rootpath_make(t->root, "a/x/f", false, &err);

	assert_true(dir >= 0 && file >= 0);
	assert_int_equal(fstatat(t->root, "a/b/c", &st, 0), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(fstatat(t->root, "a/x/f", &st, 0), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(rootpath_make(t->root, "/a/b", false, &err), -EISDIR);
	assert_int_equal(rootpath_make(t->root, "/a/x/f", true, &err), -ENOTDIR);
	assert_int_equal(rootpath_make(t->root, "/a/x/f/g", false, &err), -ENOTDIR);
}

static void test_links_stay_inside(void **state)
{
	const struct tree *t = *state;
	auto_free char *abs = str_printf("%s/host", t->path);
	struct rl_err err;
	int fd;

	link_to(t, "../host", "up");
	link_to(t, abs, "abs");
	link_to(t, "../../../../../../../../../../etc", "far");
	assert_int_equal(rootpath_open(t->root, "up/secret", O_RDONLY, &err), -ENOENT);
	assert_int_equal(rootpath_open(t->root, "../host/secret", O_RDONLY, &err), -ENOENT);
	assert_int_equal(rootpath_open(t->root, "far/passwd", O_RDONLY, &err), -ENOENT);
	fd = rootpath_make(t->root, "/abs/new/dir", true, &err);
	assert_true(fd >= 0);
	fd_close(fd);
	fd = rootpath_make(t->root, "/up/file", false, &err);
	assert_true(fd >= 0);
	fd_close(fd);
	assert_false(exists(t->fd, "host/new"));
	assert_false(exists(t->fd, "host/file"));
	assert_true(exists(t->root, "host/file")); /* ".." of the root is the root */
}

static void test_dangling_links_get_their_target(void **state)
{
	const struct tree *t = *state;
	struct rl_err err;
	int fd;

	assert_int_equal(mkdirat(t->root, "var", 0755), 0);
	link_to(t, "/run", "var/run");
	link_to(t, "../run/x", "var/rel");
	fd = rootpath_make(t->root, "/var/run/a/b", true, &err);
	assert_true(fd >= 0);
	fd_close(fd);
	assert_true(exists(t->root, "run/a/b"));
	fd = rootpath_make(t->root, "/var/rel", false, &err);
	assert_true(fd >= 0);
	fd_close(fd);
	assert_true(exists(t->root, "run/x"));
}

static void test_loops_and_lengths(void **state)
{
	const struct tree *t = *state;
	char name[NAME_MAX + 2], path[PATH_MAX + 2];
	struct rl_err err;

	link_to(t, "loop2", "loop1");
	link_to(t, "loop1", "loop2");
	link_to(t, "grow/x", "grow");
	assert_int_equal(rootpath_make(t->root, "/loop1/a", true, &err), -ELOOP);
	assert_int_equal(rootpath_make(t->root, "/grow/a", true, &err), -ELOOP);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(rootpath_make(t->root, name, true, &err), -ENAMETOOLONG);
	memset(path, '/', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(rootpath_make(t->root, path, true, &err), -ENAMETOOLONG);
	assert_int_equal(rootpath_open(t->root, "/loop1", O_PATH, &err), -ELOOP);
}

static void test_magic_links_are_refused(void **state)
{
	const struct tree *t = *state;
	auto_fd int proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct rl_err err;

	(void)t;
	assert_true(proc >= 0);
	assert_int_equal(rootpath_open(proc, "root/etc", O_PATH, &err), -ELOOP);
	assert_int_equal(rootpath_open(proc, "cwd", O_PATH, &err), -ELOOP);
	assert_int_equal(rootpath_make(proc, "fd/0/x", true, &err), -ELOOP);
}

/* A child swaps a folder for a link to the host while we make things below it. */
static void test_swapped_folder(void **state)
{
	const struct tree *t = *state;
	pid_t pid;
	int made = 0;

	assert_int_equal(mkdirat(t->root, "d", 0755), 0);
	link_to(t, "../host", "l");
	pid = fork();
	if (pid == 0)
		for (;;)
			(void)renameat2(t->root, "d", t->root, "l", 1 << 1 /* RENAME_EXCHANGE */);
	for (int i = 0; i < 2000; i++) {
		char name[32];
		struct rl_err err;
		int fd;

		(void)snprintf(name, sizeof(name), "d/s%d/t", i);
		fd = rootpath_make(t->root, name, i & 1, &err);
		made += fd >= 0;
		fd_close(fd);
		(void)snprintf(name, sizeof(name), "d/s%d", i);
		assert_int_equal(rootpath_open(t->root, "d/secret", O_PATH, &err) >= 0, 0);
	}
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(made > 0);
	for (int i = 0; i < 2000; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "host/s%d", i);
		assert_false(exists(t->fd, name));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_missing_parts_are_made, setup, teardown),
		cmocka_unit_test_setup_teardown(test_links_stay_inside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dangling_links_get_their_target, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_loops_and_lengths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_magic_links_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_swapped_folder, setup, teardown),
	};

	return cmocka_run_group_tests_name("core/rootpath", tests, NULL, NULL);
}
