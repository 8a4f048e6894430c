/* SPDX-License-Identifier: Apache-2.0 */
/* test_cgroup.c - core/cgroup_fs: what /proc says about our place, and the files of a group */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/cgroup.h"
#include "core/cgroup_fs.h"
#include "core/cgroup_limits.h"

#define HEAD "24 30 0:22 / /proc rw,nosuid - proc proc rw\n"

static void test_self(void **state)
{
	static const struct {
		const char *in, *out;
	} all[] = {
		{ "0::/user.slice/user-1000.slice/session-1.scope\n",
		  "/user.slice/user-1000.slice/session-1.scope" },
		{ "12:cpu,cpuacct:/x\n1:name=systemd:/a\n0::/b c\n", "/b c" },
		{ "0::/", "/" },
		{ "12:cpu:/x\n", NULL },
		{ "10::/x\n", NULL },
		{ "0::\n", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		auto_free char *got = cgfs_parse_self(all[i].in);

		if (all[i].out)
			assert_string_equal(got, all[i].out);
		else
			assert_null(got);
	}
}

static void test_v1(void **state)
{
	(void)state;
	assert_true(cgfs_has_v1("4:memory:/\n0::/\n"));
	assert_true(cgfs_has_v1("0::/\n3:cpu,cpuacct:/a\n"));
	assert_false(cgfs_has_v1("1:name=systemd:/\n0::/user.slice\n"));
	assert_false(cgfs_has_v1("0::/a:b\n"));
	assert_false(cgfs_has_v1(""));
}

static void test_mounts(void **state)
{
	static const struct {
		const char *in, *root, *point;
	} all[] = {
		{ HEAD "32 24 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n", "/",
		  "/sys/fs/cgroup" },
		/* no optional fields, several of them, no newline */
		{ "32 24 0:27 /a\\040b /m\\134x rw - cgroup2 c rw", "/a b", "/m\\x" },
		{ "32 24 0:27 / /m rw master:1 propagate_from:2 unbindable - cgroup2 c rw\n", "/",
		  "/m" },
		/* a mount that shows what lies outside our namespace is passed over */
		{ "31 24 0:27 /../.. /out rw - cgroup2 c rw\n32 24 0:27 / /in rw - cgroup2 c rw\n",
		  "/", "/in" },
		{ HEAD, NULL, NULL },
		{ "32 24 0:27 / /m rw - cgroup c rw,cpu\n", NULL, NULL },
		{ "32 24 0:27 / /m rw shared:9\n", NULL, NULL },
		{ "- cgroup2\n", NULL, NULL },
		{ "", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct cgfs_mount m = { 0 };
		int r = cgfs_parse_mounts(all[i].in, &m);

		if (!all[i].root) {
			assert_int_equal(r, -ENOENT);
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(m.root, all[i].root);
		assert_string_equal(m.point, all[i].point);
		cgfs_mount_done(&m);
	}
}

static void test_folder(void **state)
{
	char top[] = "/", point[] = "/sys/fs/cgroup", bound[] = "/docker/1";
	static const struct {
		bool bound;
		const char *path, *out;
	} all[] = {
		{ false, "/", "/sys/fs/cgroup" },
		{ false, "/a/b", "/sys/fs/cgroup/a/b" },
		{ false, "/../b", NULL },
		{ true, "/docker/1", "/sys/fs/cgroup" },
		{ true, "/docker/1/x", "/sys/fs/cgroup/x" },
		{ true, "/docker/12", NULL },
		{ true, "/", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const struct cgfs_mount m = { .root = all[i].bound ? bound : top, .point = point };
		auto_free char *got = cgfs_folder(&m, all[i].path);

		if (all[i].out)
			assert_string_equal(got, all[i].out);
		else
			assert_null(got);
	}
}

static void put(int dir, const char *name, const char *text)
{
	struct rl_err err;

	assert_int_equal(io_replace_file(dir, name, text, strlen(text), 0600, IO_NOSYNC, &err), 0);
}

static void test_files(void **state)
{
	char dir[] = "/tmp/rl-test-cgroup-XXXXXX";
	struct cgroup c = CGROUP_INIT;
	struct cgroup_usage u;
	struct rl_err err;
	int64_t v = 7;

	(void)state;
	assert_non_null(mkdtemp(dir));
	c.dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(c.dir_fd >= 0);
	put(c.dir_fd, "cgroup.controllers", "cpuset cpu io memory\n");
	assert_true(cgfs_lists(c.dir_fd, "cgroup.controllers", "cpu"));
	assert_true(cgfs_lists(c.dir_fd, "cgroup.controllers", "cpuset"));
	assert_true(cgfs_lists(c.dir_fd, "cgroup.controllers", "memory"));
	assert_false(cgfs_lists(c.dir_fd, "cgroup.controllers", "mem"));
	assert_false(cgfs_lists(c.dir_fd, "cgroup.controllers", "pids"));
	assert_false(cgfs_lists(c.dir_fd, "nothing", "pids"));
	put(c.dir_fd, "memory.events", "low 0\noom 3\noom_kill 2\noom_group_kill 1\n");
	put(c.dir_fd, "memory.max", "max\n");
	put(c.dir_fd, "memory.peak", "4096\n");
	put(c.dir_fd, "cpu.stat", "usage_usec 12345\nuser_usec 1\n");
	cgfs_number(c.dir_fd, "memory.events", "oom_group", &v);
	assert_int_equal(v, 7); /* no such key */
	assert_int_equal(cgroup_read(&c, &u), 0);
	assert_int_equal(u.oom_kills, 2);
	assert_int_equal(u.memory_max, 0);
	assert_int_equal(u.memory_peak, 4096);
	assert_int_equal(u.cpu_usec, 12345);
	assert_int_equal(u.pids, 0);
	fd_close(c.dir_fd);
	assert_int_equal(io_remove_tree(AT_FDCWD, dir, &err), 0);
}

/* Limits as files, each line whole; and one file changed, then the other refused: all as it was. */
static void test_update(void **state)
{
	char dir[] = "/tmp/rl-test-cgroup-XXXXXX", text[200];
	struct cgroup_limits old = { .memory_max = 1 << 20, .n_devices = 1, .io_weight = 7 }, new;
	struct cgroup_knob k[CGROUP_KNOBS];
	struct rl_err err;
	auto_fd int fd = FD_NONE;

	(void)state;
	old.devices[0] = (struct cgroup_device){ 8, 16, 300, { 1, 0, 3, 0 } };
	old.n_confs = 1;
	(void)snprintf(old.conf[0], sizeof(old.conf[0]), "memory.high 55");
	assert_int_equal(cgroup_knobs(&old, k), 5);
	assert_string_equal(k[1].value, "default 7");
	assert_string_equal(k[2].value, "8:16 300");
	assert_string_equal(k[3].value, "8:16 rbps=1 wbps=max riops=3 wiops=max");
	assert_string_equal(k[4].file, "memory.high");
	assert_string_equal(k[4].controller, "memory");
	assert_string_equal(k[4].value, "55");
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put(fd, "memory.max", "1048576");
	put(fd, "io.max", "");
	put(fd, "io.weight", "");
	new = old;
	new.devices[0].max[CGROUP_RBPS] = 0;
	new.devices[0].weight = 0;
	new.memory_max = 2 << 20;
	assert_int_equal(cgroup_update(dir, &old, &new, &err), 0);
	assert_true(cgfs_read(fd, "memory.max", text, sizeof(text)) > 0);
	assert_string_equal(text, "2097152");
	assert_true(cgfs_read(fd, "io.max", text, sizeof(text)) > 0);
	assert_string_equal(text, "8:16 rbps=max wbps=max riops=3 wiops=max");
	assert_true(cgfs_read(fd, "io.weight", text, sizeof(text)) > 0);
	assert_string_equal(text, "8:16 default");
	old = new;
	new.memory_max = 3 << 20;
	new.devices[0].max[CGROUP_RIOPS] = 9;
	new.pids_max = 5; /* there is no such file */
	assert_int_equal(cgroup_update(dir, &old, &new, &err), -ENOTSUP);
	assert_true(cgfs_read(fd, "memory.max", text, sizeof(text)) > 0);
	assert_string_equal(text, "2097152");
	assert_int_equal(io_remove_tree(AT_FDCWD, dir, &err), 0);
}

/* Nothing was ever placed: all of the end is quiet. */
static void test_nothing(void **state)
{
	struct cgroup c = CGROUP_INIT;
	struct cgroup_usage u;

	(void)state;
	assert_int_equal(cgroup_read(&c, &u), -ENOENT);
	cgroup_remove(&c);
	cgroup_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_self),    cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_folder),  cmocka_unit_test(test_files),
		cmocka_unit_test(test_nothing), cmocka_unit_test(test_v1),
		cmocka_unit_test(test_update),
	};

	return cmocka_run_group_tests_name("core/cgroup", tests, NULL, NULL);
}
