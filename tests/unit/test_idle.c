/* SPDX-License-Identifier: Apache-2.0 */
/* test_idle.c - core/base/idle: what poll says, and nothing that is in use goes away */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/cleanup.h"
#include "core/base/idle.h"
#include "core/base/io.h"

static char written[3] = "no"; /* in a page that is relocated or written: must stay */

static void test_times_and_events(void **state)
{
	struct pollfd f = { .events = POLLIN };
	int64_t t0 = now_ms();
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	f.fd = p[0];
	assert_int_equal(idle_poll(&f, 1, 0), 0);
	assert_int_equal(idle_poll(&f, 1, 20), 0);
	assert_true(now_ms() - t0 >= 20);
	t0 = now_ms();
	assert_int_equal(idle_poll(&f, 1, 600), 0);
	assert_in_range(now_ms() - t0, 600, 5000);
	assert_int_equal(write(p[1], "x", 1), 1);
	assert_int_equal(idle_poll(&f, 1, -1), 1);
	assert_int_equal(f.revents, POLLIN);
	fd_close(p[0]);
	fd_close(p[1]);
}

static size_t resident(void)
{
	auto_file FILE *f = fopen("/proc/self/statm", "re");
	unsigned long size = 0, rss = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &size, &rss), 2);
	return rss * (size_t)sysconf(_SC_PAGESIZE);
}

/* Nested calls leave dirty stack below us. */
static int __attribute__((noinline)) deep(int n)
{
	volatile char room[512];

	for (size_t i = 0; i < sizeof(room); i++)
		room[i] = (char)n;
	return n == 0 ? room[5] : deep(n - 1) + room[7];
}

static void test_memory(void **state)
{
	char on_stack[4096], *kept[64], *given[64];
	size_t before;

	(void)state;
	memset(on_stack, 'S', sizeof(on_stack));
	written[0] = 'y';
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		kept[i] = malloc(100);
		given[i] = malloc(64 * 1024);
		assert_true(kept[i] && given[i]);
		memset(kept[i], (int)i, 100);
		memset(given[i], 1, 64 * 1024);
	}
	assert_int_not_equal(deep(200), 1);
	for (size_t i = 0; i < ARRAY_LEN(given); i++)
		free(given[i]);
	before = resident();
	assert_int_equal(idle_poll(NULL, 0, 510), 0);
	if (!getenv("ASAN_OPTIONS")) /* a sanitizer keeps memory in its own way */
		assert_true(resident() + 2 * 1024 * 1024 < before);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		for (size_t k = 0; k < 100; k++)
			assert_int_equal(kept[i][k], i);
		free(kept[i]);
	}
	for (size_t i = 0; i < sizeof(on_stack); i++)
		assert_int_equal(on_stack[i], 'S');
	assert_string_equal(written, "yo");
}

/* Whole pages of what matters no more are given back, and nothing beside them. */
static void test_spare(void **state)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), len = 4 * page;
	auto_free char *room = malloc(len + 2);

	(void)state;
	assert_non_null(room);
	memset(room, 'x', len + 2);
	assert_int_equal(idle_poll_spare(NULL, 0, 510, room + 1, len), 0);
	assert_int_equal(room[0], 'x');
	assert_int_equal(room[1 + len], 'x');
	assert_int_equal(room[len / 2], 0);
	memset(room, 'x', len + 2);
	assert_int_equal(idle_poll_spare(NULL, 0, 510, room + 1, 3), 0);
	for (size_t i = 0; i < len + 2; i++)
		assert_int_equal(room[i], 'x');
}

/* KiB of code of files that process @pid has mapped */
static size_t code_of(pid_t pid)
{
	char path[64], line[512], perms[5] = "", file[2] = "";
	auto_file FILE *f = NULL;
	size_t sum = 0, kib;

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Rss: %zu", &kib) == 1 && perms[2] == 'x' && file[0] == '/')
			sum += kib;
		else if (sscanf(line, "%*x-%*x %4s %*s %*s %*s %1s", perms, file) == 1)
			file[0] = 0; /* no file */
	}
	return sum;
}

/* Of its code a sleeper keeps a few pages; without the care taken it would be some hundred KiB. */
static void test_code(void **state)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE) / 1024;
	const int64_t until = now_ms() + 20000;
	size_t kib;
	pid_t pid;

	(void)state;
	if (getenv("ASAN_OPTIONS"))
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		RL_IGNORE(idle_poll(NULL, 0, 60000));
		_exit(0);
	}
	do { /* not at once: a new process has nothing mapped yet */
		assert_int_equal(poll(NULL, 0, 700), 0);
		kib = code_of(pid);
	} while ((kib < page || kib > 10 * page) && now_ms() < until);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_in_range(kib, page, 10 * page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times_and_events),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_spare),
		cmocka_unit_test(test_code),
	};

	return cmocka_run_group_tests_name("core/base/idle", tests, NULL, NULL);
}
