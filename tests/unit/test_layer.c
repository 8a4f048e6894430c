/* SPDX-License-Identifier: Apache-2.0 */
/* test_layer.c - storage/layer: keys, staging, publishing once, what is left behind */
#include "config.h"

#include <errno.h>
#include <sys/xattr.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/layer.h"
#include "tests/unit/unit.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID  "sha256:" HEX

static struct session full(void)
{
	struct session s = { .userns_fd = FD_NONE, .rung = SESSION_FULL };

	assert_int_equal(idmap_add(&s.uids, 0, 1000, 1), 0);
	assert_int_equal(idmap_add(&s.uids, 1, 100000, 65536), 0);
	s.gids = s.uids;
	return s;
}

static void test_keys(void **state)
{
	struct session s = full(), one = { .rung = SESSION_ONE_ID };
	char a[LAYER_KEY_MAX], b[LAYER_KEY_MAX], c[LAYER_KEY_MAX];
	struct idmap identity, keep;
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(layer_key(ID, &s, NULL, NULL, a, &err), 0);
	assert_string_equal(a, HEX "-100000.65536");
	assert_int_equal(layer_key(ID, &one, NULL, NULL, a, &err), 0);
	assert_string_equal(a, HEX "-one");

	assert_int_equal(idmap_identity(&s.uids, &identity, &err), 0);
	assert_int_equal(layer_key(ID, &s, &identity, &identity, a, &err), 0);
	assert_string_equal(a, HEX "-100000.65536");
	assert_int_equal(idmap_keep_id(&s.uids, 1000, &keep, &err), 0);
	assert_int_equal(layer_key(ID, &s, &keep, &keep, a, &err), 0);
	assert_memory_equal(a, HEX "-100000.65536-s", 64 + 15);
	assert_int_equal(layer_key(ID, &s, &keep, &identity, b, &err), 0);
	assert_string_not_equal(a, b);

	/* another range, another key; several ranges too */
	s.uids.v[1].outside = 200000;
	assert_int_equal(layer_key(ID, &s, NULL, NULL, b, &err), 0);
	assert_memory_equal(b, HEX "-m", 66);
	assert_int_equal(idmap_add(&s.uids, 70000, 900000, 5), 0);
	assert_int_equal(layer_key(ID, &s, NULL, NULL, c, &err), 0);
	assert_string_not_equal(b, c);
}

static void test_bad_ids(void **state)
{
	static const char *const bad[] = {
		"", HEX, "sha256:../../x", "sha512:" HEX, "sha256:" HEX "0", "SHA256:" HEX,
	};
	const struct session s = full();
	struct rl_err err = { 0 };
	char key[LAYER_KEY_MAX] = "mark";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(layer_key(bad[i], &s, NULL, NULL, key, &err), -EINVAL);
	assert_string_equal(key, "mark");
}

static int count(int dir_fd, const char *prefix)
{
	DIR *d = fdopendir(openat(dir_fd, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *e;
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += strncmp(e->d_name, prefix, strlen(prefix)) == 0 &&
		     strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	(void)closedir(d);
	return n;
}

static void put_opaque(int dir_fd, const char *path)
{
	int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fsetxattr(fd, "user.overlay.opaque", "y", 1, 0), 0);
	fd_close(fd);
}

static void test_life(void **state)
{
	struct layer_stage st, other;
	struct rl rl = { 0 };
	struct rl_err err = { 0 };
	char path[256];
	int fd;

	(void)state;
	rl.data_fd = scratch_make(path);
	assert_false(layer_exists(&rl, "k"));
	assert_int_equal(layer_open(&rl, "k", &err), -ENOENT);
	assert_int_equal(layer_begin(&rl, "../k", true, &st, &err), -EINVAL);

	assert_int_equal(layer_begin(&rl, "k", true, &st, &err), 0);
	assert_int_equal(layer_begin(&rl, "k", false, &other, &err), -EAGAIN);
	put_file(st.diff_fd, "file", "content");
	layer_sweep(&rl); /* it is alive */
	assert_int_equal(count(rl.data_fd, ".tmp-"), 1);
	assert_false(layer_exists(&rl, "k"));
	assert_int_equal(layer_publish(&rl, &st, ID, 7, 1, &err), 0);
	assert_true(layer_exists(&rl, "k"));
	fd = layer_open(&rl, "k", &err);
	assert_true(fd >= 0);
	assert_int_equal(faccessat(fd, "file", F_OK, 0), 0);
	assert_false(layer_is_opaque(fd));
	put_opaque(rl.data_fd, "layers/k/diff");
	assert_true(layer_is_opaque(fd));
	fd_close(fd);
	assert_int_equal(layer_begin(&rl, "k", true, &st, &err), 1);
	assert_int_equal(count(rl.data_fd, ""), 1); /* no lock, no staging is left */

	assert_int_equal(layer_begin(&rl, "k2", true, &st, &err), 0);
	put_file(st.diff_fd, "file", "content");
	layer_abort(&rl, &st);
	assert_false(layer_exists(&rl, "k2"));
	assert_int_equal(count(rl.data_fd, ""), 1);
	fd_close(rl.data_fd);
	assert_int_equal(io_remove_tree(AT_FDCWD, path, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_bad_ids),
		cmocka_unit_test(test_life),
	};

	return cmocka_run_group_tests_name("storage/layer", tests, NULL, NULL);
}
