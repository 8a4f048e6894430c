/* SPDX-License-Identifier: Apache-2.0 */
/* test_pack.c - storage/pack, storage/tarout and storage/image/extract: trees there and back */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/image/extract.h"
#include "storage/image/tarin.h"
#include "storage/image/unpack.h"
#include "storage/pack.h"
#include "tests/unit/tar.h"

static char base[64];
static int base_fd;

static int set_up(void **state)
{
	(void)state;
	(void)umask(0);
	(void)snprintf(base, sizeof(base), "/tmp/rl-test-pack-XXXXXX");
	assert_non_null(mkdtemp(base));
	base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(base_fd, "from", 0755), 0);
	assert_int_equal(mkdirat(base_fd, "to", 0755), 0);
	return 0;
}

static int tear_down(void **state)
{
	struct rl_err err;

	(void)state;
	fd_close(base_fd);
	return io_remove_tree(AT_FDCWD, base, &err);
}

static void put(const char *path, const char *text, mode_t mode)
{
	auto_fd int fd = openat(base_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, text, strlen(text)), 0);
}

static struct stat look(const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(base_fd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static int pack(const char *path, const struct pack_opts *opts)
{
	auto_free struct tarout *t = malloc(sizeof(*t));
	auto_fd int from = pack_open(base_fd, path, false);
	int fd = memfd_create("tar", MFD_CLOEXEC);
	struct pack_result res;
	struct rl_err err = { 0 };

	assert_true(from >= 0 && fd >= 0 && t);
	tarout_init(t, tarout_to_fd, &fd);
	assert_int_equal(pack_tree(t, from, opts, &res, &err), 0);
	assert_int_equal(tarout_end(t, &err), 0);
	assert_int_equal(t->total % 512, 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static int extract_to(int fd, const char *to, const struct extract_opts *opts, struct rl_err *err)
{
	auto_fd int dest = openat(base_fd, to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct tarin *t = NULL;
	int r;

	assert_true(dest >= 0);
	assert_int_equal(tarin_open(fd, INT64_MAX, &t, err), 0);
	r = extract_all(dest, t, opts, err);
	tarin_free(t);
	return r;
}

static const struct extract_opts plain = { .who = { .owner = META_CALLER } };

static void make_tree(char *long_path)
{
	const struct timespec ts[2] = { { 1000000000, 123456789 }, { 1000000000, 123456789 } };
	auto_fd int fd = FD_NONE;
	size_t n = (size_t)snprintf(long_path, 400, "from");

	for (int i = 0; i < 3; i++) { /* over the 100 bytes of a header, not ASCII */
		n += (size_t)snprintf(long_path + n, 400 - n, "/%080d\xc3\xa4", i);
		assert_int_equal(mkdirat(base_fd, long_path, 0755), 0);
	}
	put("from/plain", "text", 0640);
	assert_int_equal(utimensat(base_fd, "from/plain", ts, 0), 0);
	assert_int_equal(linkat(base_fd, "from/plain", base_fd, "from/twin", 0), 0);
	assert_int_equal(symlinkat("../../plain", base_fd, "from/link"), 0);
	assert_int_equal(mknodat(base_fd, "from/fifo", S_IFIFO | 0600, 0), 0);
	put("from/sparse", "begin", 0644);
	fd = openat(base_fd, "from/sparse", O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "middle", 6, 5000000), 6);
	assert_int_equal(ftruncate(fd, 9000000), 0);
	put("from/.wh.name", "no whiteout here", 0644);
	assert_int_equal(mkdirat(base_fd, "from/closed", 0555), 0);
}

static void test_tree_there_and_back(void **state)
{
	const struct pack_opts opts = { .as = "name", .newest = -1 };
	char path[400], there[420], text[8];
	auto_fd int tar = FD_NONE, fd = FD_NONE;
	struct rl_err err = { 0 };
	struct stat a, b;

	(void)state;
	make_tree(path);
	fd = openat(base_fd, "from/plain", O_RDONLY | O_CLOEXEC);
	(void)fsetxattr(fd, "user.note", "v", 1, 0); /* not on every file system */
	(void)fsetxattr(fd, "user.overlay.opaque", "y", 1, 0);
	tar = pack("from", &opts);
	assert_true(lseek(tar, 0, SEEK_END) < 60000); /* holes are not written */
	assert_int_equal(lseek(tar, 0, SEEK_SET), 0);
	assert_int_equal(extract_to(tar, "to", &plain, &err), 0);

	(void)snprintf(there, sizeof(there), "to/name%s", path + 4);
	assert_true(S_ISDIR(look(there).st_mode));
	a = look("from/plain");
	b = look("to/name/plain");
	assert_int_equal(b.st_mode, a.st_mode);
	assert_int_equal(b.st_size, 4);
	assert_int_equal(b.st_mtim.tv_nsec, 123456789);
	assert_int_equal(b.st_ino, look("to/name/twin").st_ino);
	assert_true(S_ISLNK(look("to/name/link").st_mode));
	assert_true(S_ISFIFO(look("to/name/fifo").st_mode));
	assert_true(S_ISREG(look("to/name/.wh.name").st_mode));
	assert_int_equal(look("to/name/closed").st_mode & 07777, 0555);
	b = look("to/name/sparse");
	assert_int_equal(b.st_size, 9000000);
	assert_true(b.st_blocks < 1000);
	cleanup_fd(&fd);
	fd = openat(base_fd, "to/name/sparse", O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, text, 6, 5000000), 6);
	assert_memory_equal(text, "middle", 6);
	cleanup_fd(&fd);
	fd = openat(base_fd, "to/name/plain", O_RDONLY | O_CLOEXEC);
	if (fgetxattr(fd, "user.note", text, 1) < 0)
		assert_true(errno == ENODATA || errno == EOPNOTSUPP);
	assert_int_equal(fgetxattr(fd, "user.overlay.opaque", text, 1), -1);
}

/* What is no more than a promise of the number formats: sizes, ids and times at their ends. */
static void test_large_numbers(void **state)
{
	static const struct tarout_xattr x = { "user.bytes", "a\0=\nb", 5 };
	struct tarout_entry e = { .type = TAROUT_DIR,
				  .path = "dir",
				  .mode = 01777,
				  .uid = 4000000000u,
				  .gid = 2097152,
				  .mtime = { -2, 750000000 },
				  .xattrs = &x,
				  .n_xattrs = 1 };
	auto_free struct tarout *t = malloc(sizeof(*t));
	auto_fd int fd = memfd_create("tar", MFD_CLOEXEC);
	struct archive_entry *got;
	struct tarin *in = NULL;
	struct rl_err err = { 0 };
	const void *value;
	const char *name;
	size_t n;

	(void)state;
	assert_non_null(t);
	tarout_init(t, tarout_to_fd, &fd);
	assert_int_equal(tarout_entry(t, &e, &err), 0);
	e = (struct tarout_entry){ .type = TAROUT_FILE, .path = "big", .size = INT64_C(9) << 30 };
	assert_int_equal(tarout_entry(t, &e, &err), 0);
	assert_int_equal(t->sink(t->arg, t->buf, t->n, &err), 0); /* the header is enough */
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(tarin_open(fd, INT64_MAX, &in, &err), 0);
	assert_int_equal(tarin_next(in, &got, &err), 1);
	assert_string_equal(archive_entry_pathname(got), "dir/");
	assert_int_equal(archive_entry_uid(got), 4000000000u);
	assert_int_equal(archive_entry_gid(got), 2097152);
	assert_int_equal(archive_entry_perm(got), 01777);
	assert_int_equal(archive_entry_mtime(got) * 1000000000 + archive_entry_mtime_nsec(got),
			 INT64_C(-2000000000));
	assert_int_equal(archive_entry_xattr_reset(got), 1);
	assert_int_equal(archive_entry_xattr_next(got, &name, &value, &n), 0);
	assert_string_equal(name, "user.bytes");
	assert_int_equal(n, 5);
	assert_memory_equal(value, x.value, 5);
	assert_int_equal(tarin_next(in, &got, &err), 1);
	assert_int_equal(archive_entry_size(got), INT64_C(9) << 30);
	tarin_free(in);
}

static void test_same_bytes_again(void **state)
{
	const struct pack_opts opts = { .as = "", .newest = 5, .whole_seconds = true };
	auto_fd int a = FD_NONE, b = FD_NONE;
	char path[400], x[4096], y[4096];
	ssize_t n;

	(void)state;
	make_tree(path);
	a = pack("from", &opts);
	assert_int_equal(renameat(base_fd, "from/plain", base_fd, "from/zz"), 0);
	assert_int_equal(renameat(base_fd, "from/zz", base_fd, "from/plain"), 0);
	b = pack("from", &opts);
	while ((n = io_read_full(a, x, sizeof(x))) > 0) {
		assert_int_equal(io_read_full(b, y, sizeof(y)), n);
		assert_memory_equal(x, y, (size_t)n);
	}
	assert_int_equal(io_read_full(b, y, 1), 0);
}

/* Nothing that is there is written through, and no link in a name is followed. */
static void test_hostile_archives(void **state)
{
	static const struct {
		unsigned type;
		const char *name, *text, *why; /* why: NULL = accepted */
	} t[] = {
		{ AE_IFREG, "../out", "x", "'..'" },
		{ AE_IFREG, "link/x", "x", "in the way" },
		{ AE_IFDIR, "link", "", "in the way" },
		{ AE_IFREG, "dir", "x", "in the way" },
		{ 0, "hard", "old", "not in the archive" },
		{ 0, "hard", "../secret", "'..'" },
		{ AE_IFREG, "link", "x", NULL },
		{ AE_IFREG, "old", "x", NULL },
	};

	(void)state;
	put("secret", "secret", 0600);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct tar tar = tar_begin();
		struct rl_err err = { 0 };
		auto_fd int fd = FD_NONE;
		int r;

		put("to/old", "old", 0644);
		(void)mkdirat(base_fd, "to/dir", 0755);
		(void)unlinkat(base_fd, "to/link", 0);
		assert_int_equal(symlinkat("..", base_fd, "to/link"), 0);
		tar_add(&tar, t[i].type, t[i].name, 0777, t[i].text);
		fd = tar_end(&tar);
		r = extract_to(fd, "to", &plain, &err);
		if (t[i].why) {
			assert_true(r < 0);
			assert_non_null(strstr(err.msg, t[i].why));
		} else {
			assert_int_equal(r, 0);
		}
		assert_int_equal(look("secret").st_size, 6);
		assert_int_equal(look("secret").st_nlink, 1);
		assert_int_equal(look("secret").st_mode & 07777, 0600);
		assert_int_equal(faccessat(base_fd, "out", F_OK, 0), -1);
		assert_int_equal(faccessat(base_fd, "x", F_OK, 0), -1);
	}
}

static void test_set_id_bits_stay_behind(void **state)
{
	struct extract_opts opts = plain;
	struct rl_err err = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct tar tar = tar_begin();
		auto_fd int fd = FD_NONE;

		opts.set_id = i;
		tar_add(&tar, AE_IFREG, "tool", 06755, "x");
		fd = tar_end(&tar);
		assert_int_equal(extract_to(fd, "to", &opts, &err), 0);
		assert_int_equal(look("to/tool").st_mode & 07777, i ? 06755 : 0755);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tree_there_and_back, set_up, tear_down),
		cmocka_unit_test(test_large_numbers),
		cmocka_unit_test_setup_teardown(test_same_bytes_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hostile_archives, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_set_id_bits_stay_behind, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("storage/pack", tests, NULL, NULL);
}
