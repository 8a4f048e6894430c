/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack.c - test tool: apply the layer on stdin to a folder, the way rl-image does
 *
 *	unpack [-1] [-h] [-s] [-b BYTES] [-n ENTRIES] DIR [LOWER...]	LOWER: bottom first
 *
 * -1: one id; -h: here, without the sandbox; -s: print the child's security lines of
 * /proc/PID/status. Prints "DIGEST TARBYTES DISKBYTES ENTRIES", or the error: exit 1, and 2 when
 * the layer needs lower ones. The child's memory peak is the last line on stderr.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "storage/image/unpack.h"

/* Called while the child waits for input: it is confined by then or about to be. */
static void show_status(pid_t pid)
{
	static const char *const keys[] = { "NoNewPrivs:", "Seccomp:", "CapEff:", "CapPrm:" };
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	for (int tries = 0; tries < 500; tries++) {
		auto_buf struct buf b = { 0 };
		struct rl_err err;

		if (io_read_file(AT_FDCWD, path, 65536, &b, &err) < 0)
			return;
		if (!strstr(b.data, "Seccomp:\t2")) {
			(void)usleep(2000);
			continue;
		}
		for (char *line = b.data, *end; (end = strchr(line, '\n')); line = end + 1) {
			*end = '\0';
			for (size_t i = 0; i < ARRAY_LEN(keys); i++)
				if (strncmp(line, keys[i], strlen(keys[i])) == 0)
					(void)puts(line);
		}
		return;
	}
}

static int run(bool here, bool one_id, bool status, int fd, const struct unpack_limits *limits,
	       struct unpack_result *res, struct rl_err *err)
{
	struct unpack u = { 0 };
	int r;

	if (here)
		return unpack_here(0, fd, one_id, limits, res, err);
	r = unpack_start(0, fd, one_id, limits, &u, err);
	if (r < 0)
		return r;
	if (status)
		show_status(u.pid);
	return unpack_finish(&u, res, err);
}

static int usage(void)
{
	(void)fputs("usage: unpack [-1hs] [-b BYTES] [-n ENTRIES] DIR [LOWER...]\n", stderr);
	return 125;
}

int main(int argc, char **argv)
{
	uint64_t bytes = UINT64_C(64) << 30, entries = 4000000;
	bool here = false, one_id = false, status = false;
	struct unpack_limits limits = { 0 };
	struct unpack_result res;
	struct rl_err err = { 0 };
	int lower[64], c, fd, r;
	struct rusage ru;

	while ((c = getopt(argc, argv, "1hsb:n:")) >= 0) {
		here |= c == 'h';
		one_id |= c == '1';
		status |= c == 's';
		if (c == '?' || (c == 'b' && parse_uint(optarg, INT64_MAX, &bytes) < 0) ||
		    (c == 'n' && parse_uint(optarg, INT64_MAX, &entries) < 0))
			return usage();
	}
	if (optind >= argc)
		return usage();
	fd = open(argv[optind++], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return usage();
	while (optind < argc && limits.n_lower < ARRAY_LEN(lower)) {
		lower[limits.n_lower] = open(argv[optind++], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (lower[limits.n_lower++] < 0)
			return usage();
	}
	limits.lower_fds = lower;
	limits.max_bytes = (int64_t)bytes;
	limits.max_entries = (int64_t)entries;
	r = run(here, one_id, status, fd, &limits, &res, &err);
	if (getrusage(here ? RUSAGE_SELF : RUSAGE_CHILDREN, &ru) == 0)
		(void)fprintf(stderr, "peak %ld KiB\n", ru.ru_maxrss);
	if (r < 0) {
		rl_report(&err);
		return err.code == UNPACK_NEEDS_LOWER ? 2 : 1;
	}
	(void)printf("%s %lld %lld %lld\n", res.diff_id, (long long)res.tar_bytes,
		     (long long)res.disk_bytes, (long long)res.files);
	return 0;
}
