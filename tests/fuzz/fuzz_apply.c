/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_apply.c - any tar: no crash, nothing outside the staging folder changes, and what was
 * accepted is accepted again with the same result
 *
 * Checksums of what looks like a ustar header are mended first, so that mutations get past them.
 */
#include "config.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/image/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char base[64];
static int base_fd = FD_NONE;
static struct stat sentinel;

static void leave(void)
{
	struct rl_err err;

	RL_IGNORE(io_remove_tree(AT_FDCWD, base, &err)); /* a scratch folder */
}

static void enter(void)
{
	int fd;

	if (base_fd >= 0)
		return;
	(void)snprintf(base, sizeof(base), "/tmp/rl-fuzz-apply-XXXXXX");
	assert(mkdtemp(base));
	base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = openat(base_fd, "sentinel", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert(base_fd >= 0 && fd >= 0 && write(fd, "secret", 6) == 6);
	assert(fstat(fd, &sentinel) == 0);
	fd_close(fd);
	(void)atexit(leave);
}

static void check_sentinel(void)
{
	struct stat st;
	DIR *d = opendir(base);
	int n = 0;

	assert(fstatat(base_fd, "sentinel", &st, AT_SYMLINK_NOFOLLOW) == 0);
	assert(st.st_ino == sentinel.st_ino && st.st_mode == sentinel.st_mode && st.st_size == 6 &&
	       st.st_nlink == 1 && st.st_mtim.tv_nsec == sentinel.st_mtim.tv_nsec &&
	       st.st_mtim.tv_sec == sentinel.st_mtim.tv_sec && st.st_uid == sentinel.st_uid &&
	       st.st_ctim.tv_nsec == sentinel.st_ctim.tv_nsec);
	assert(d);
	while (readdir(d))
		n++;
	(void)closedir(d);
	assert(n == 4); /* . .. sentinel stage */
}

static int apply(int in_fd, struct unpack_result *res)
{
	const struct unpack_limits limits = { .max_bytes = 8 << 20, .max_entries = 1000 };
	auto_fd int fd = FD_NONE;
	struct rl_err err = { 0 };
	int r;

	assert(mkdirat(base_fd, "stage", 0755) == 0);
	fd = openat(base_fd, "stage", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(fd >= 0 && lseek(in_fd, 0, SEEK_SET) == 0);
	r = unpack_here(in_fd, fd, 1, &limits, res, &err);
	assert(r == 0 || (err.code > 0 && err.msg[0]));
	check_sentinel();
	assert(fchmod(fd, 0700) == 0);
	if (io_remove_tree(base_fd, "stage", &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		assert(0);
	}
	return r;
}

static void mend(uint8_t *b)
{
	unsigned sum = 0;
	char text[8];

	memset(b + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += b[i];
	(void)snprintf(text, sizeof(text), "%06o", sum);
	memcpy(b + 148, text, 7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_fd int fd = memfd_create("tar", MFD_CLOEXEC);
	struct unpack_result a = { 0 }, b = { 0 };
	auto_free uint8_t *copy = malloc(size + 1);

	if (size > 1 << 20 || fd < 0 || !copy)
		return 0;
	enter();
	memcpy(copy, data, size);
	for (size_t at = 0; at + 512 <= size; at += 512)
		if (memcmp(copy + at + 257, "ustar", 5) == 0)
			mend(copy + at);
	assert(io_write_all(fd, copy, size) == 0);
	if (apply(fd, &a) < 0)
		return 0;
	assert(apply(fd, &b) == 0);
	assert(memcmp(&a, &b, sizeof(a)) == 0);
	return 0;
}
