/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - main() of a fuzz target in ordinary builds: run it over its kept inputs
 *
 * "fuzz_ref" reads tests/fuzz/corpus/ref/ below $srcdir (set by `make check`); arguments name other
 * files or folders. The empty input is always tried. A property that does not hold aborts.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"

#define INPUT_MAX (16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(int dir_fd, const char *name)
{
	auto_buf struct buf b = { 0 };
	auto_free void *exact = NULL;
	struct rl_err err = { 0 };

	if (io_read_file(dir_fd, name, INPUT_MAX, &b, &err) < 0) {
		rl_report(&err);
		return -1;
	}
	/* a block of the exact size, so that a sanitizer sees the first byte read past the end */
	exact = malloc(b.len ? b.len : 1);
	if (!exact)
		return -1;
	if (b.len)
		memcpy(exact, b.data, b.len);
	(void)fprintf(stderr, "# %s, %zu bytes\n", name, b.len); /* the last one shown crashed */
	return LLVMFuzzerTestOneInput(exact, b.len);
}

static int replay_dir(const char *path, unsigned *count)
{
	auto_dir DIR *d = opendir(path);
	struct dirent *e;

	if (!d) {
		(void)fprintf(stderr, "open folder '%s': %s\n", path, strerror(errno));
		return -1;
	}
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		if (replay_file(dirfd(d), e->d_name) < 0)
			return -1;
		(*count)++;
	}
	return 0;
}

static int replay(const char *path, unsigned *count)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return replay_dir(path, count);
	(*count)++;
	return replay_file(AT_FDCWD, path);
}

int main(int argc, char **argv)
{
	static const char prefix[] = "fuzz_";
	const char *src = getenv("srcdir"), *name = strrchr(argv[0], '/');
	auto_free char *dir = NULL;
	unsigned count = 0;

	name = name ? name + 1 : argv[0];
	if (strncmp(name, prefix, sizeof(prefix) - 1) == 0)
		name += sizeof(prefix) - 1;
	if (LLVMFuzzerTestOneInput((const uint8_t *)"", 0) < 0)
		return 1;
	for (int i = 1; i < argc; i++)
		if (replay(argv[i], &count) < 0)
			return 1;
	if (argc < 2) {
		dir = str_printf("%s/tests/fuzz/corpus/%s", src ? src : ".", name);
		if (!dir || replay(dir, &count) < 0)
			return 1;
		if (count == 0) {
			(void)fprintf(stderr, "no seeds in '%s'\n", dir);
			return 1;
		}
	}
	(void)printf("%s: %u inputs\n", name, count);
	return 0;
}
