/* SPDX-License-Identifier: Apache-2.0 */
/* test_archive_in.c - storage/image/archive_in: members, links between them, refusals */
#include "config.h"

#include <errno.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/image/archive_in.h"
#include "tests/unit/tar.h"

static const struct archive_limits limits = { .max_bytes = 1 << 20, .max_members = 20 };

static int read_tar(struct tar *t, struct archive_members *m, char path[256], struct rl_err *err)
{
	int fd = scratch_make(path), in = tar_end(t), r;

	r = archive_in_read(in, fd, &limits, m, err);
	fd_close(in);
	fd_close(fd);
	return r;
}

static void test_members(void **state)
{
	struct tar t = tar_begin();
	auto_archive_members struct archive_members m = { 0 };
	const struct archive_member *f;
	auto_buf struct buf b = { 0 };
	struct rl_err err = { 0 };
	char path[256], file[300];

	(void)state;
	tar_add(&t, AE_IFDIR, "aa/", 0755, "");
	tar_add(&t, AE_IFREG, "./aa/layer.tar", 0644, "content");
	tar_add(&t, AE_IFLNK, "bb/layer.tar", 0777, "../aa/layer.tar");
	tar_add(&t, AE_IFLNK, "cc", 0777, "/bb/layer.tar");
	tar_add(&t, 0, "dd/hard", 0644, "aa/layer.tar");
	tar_add(&t, AE_IFLNK, "loop", 0777, "loop");
	tar_add(&t, AE_IFLNK, "out", 0777, "../../../etc/passwd");
	tar_add(&t, AE_IFREG, "twice", 0644, "1");
	tar_add(&t, AE_IFREG, "twice", 0644, "22");
	if (read_tar(&t, &m, path, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(m.n, 8);
	f = archive_find(&m, "aa/layer.tar");
	assert_non_null(f);
	assert_int_equal(f->size, 7);
	assert_ptr_equal(archive_find(&m, "bb/layer.tar"), f);
	assert_ptr_equal(archive_find(&m, "./cc"), f);
	assert_ptr_equal(archive_find(&m, "dd/hard"), f);
	assert_null(archive_find(&m, "loop"));
	assert_null(archive_find(&m, "out"));
	assert_null(archive_find(&m, "aa"));
	assert_null(archive_find(&m, "../aa/layer.tar"));
	assert_int_equal(archive_find(&m, "twice")->size, 2);
	(void)snprintf(file, sizeof(file), "%s/%d", path, (int)f->number);
	assert_int_equal(io_read_file(AT_FDCWD, file, 100, &b, &err), 0);
	assert_string_equal(b.data, "content");
	assert_int_equal(io_remove_tree(AT_FDCWD, path, &err), 0);
}

static void test_refusals(void **state)
{
	static const struct {
		unsigned type;
		const char *name, *why;
		int n;
	} bad[] = {
		{ AE_IFREG, "../x", "'..' in its name", 1 },
		{ AE_IFIFO, "fifo", "neither file, folder nor link", 1 },
		{ AE_IFREG, ".", "neither file, folder nor link", 1 },
		{ AE_IFREG, "x", "more than 20 members", 21 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct archive_members m = { 0 };
		struct tar t = tar_begin();
		struct rl_err err = { 0 };
		char path[256];

		for (int k = 0; k < bad[i].n; k++)
			tar_add(&t, bad[i].type, bad[i].name, 0644, "");
		assert_true(read_tar(&t, &m, path, &err) < 0);
		if (!strstr(err.msg, bad[i].why))
			fail_msg("%s", err.msg);
		assert_null(m.v);
		assert_int_equal(io_remove_tree(AT_FDCWD, path, &err), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests_name("storage/image/archive_in", tests, NULL, NULL);
}
