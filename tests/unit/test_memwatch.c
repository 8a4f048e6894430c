/* SPDX-License-Identifier: Apache-2.0 */
/* test_memwatch.c - core/memwatch, core/approx: looks at memory, what there is without a cgroup */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h> /* needs the headers above */

#include "core/approx.h"
#include "core/base/cleanup.h"
#include "core/memwatch.h"

static pid_t child_that_waits(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			(void)pause();
	assert_true(pid > 0);
	return pid;
}

static void end_child(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

/* Our own processes: there is a number, it keeps still, and a limit below it is over. */
static void test_look(void **state)
{
	struct memwatch w = MEMWATCH_INIT;
	int first, calm = 0;

	(void)state;
	memwatch_start(&w, INT64_MAX / 4, getpid());
	first = memwatch_look(&w, getpid());
	if (w.peak == 0) { /* the processes of another user namespace cannot be listed here */
		memwatch_stop(&w);
		skip();
	}
	assert_false(w.is_over);
	assert_true(w.peak > 100000);
	assert_in_range(first, 1, 1000);
	for (int i = 0; i < 20; i++)
		calm = memwatch_look(&w, getpid());
	assert_in_range(calm, first, 1000);
	w.max = 4096;
	(void)memwatch_look(&w, getpid());
	assert_true(w.is_over);
	assert_non_null(strstr(w.biggest, " MiB)"));
	memwatch_stop(&w);
	assert_int_equal(w.max, 0);
}

static void test_flags(void **state)
{
	(void)state;
	assert_true(approx_can("--cpus"));
	assert_true(approx_can("--cpus 0.5"));
	assert_true(approx_can("--memory: why"));
	assert_false(approx_can("--memory-swap"));
	assert_false(approx_can("--cpu"));
	assert_false(approx_can("--device-read-bps"));
}

static void test_cpus(void **state)
{
	struct cgroup_limits l = { .cpu_quota_us = 50000, .cpu_period_us = 100000 };
	struct approx a = { 0 };
	struct rl_err err = { 0 };
	char how[APPROX_TEXT];
	pid_t pid = child_that_waits();
	cpu_set_t all, set;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	assert_int_equal(approx_cpus(&a, &l, pid, how, &err), 0);
	assert_int_equal(sched_getaffinity(pid, sizeof(set), &set), 0);
	assert_int_equal(CPU_COUNT(&set), 1);
	assert_non_null(strstr(how, "1 whole processor by affinity: "));
	/* as many as there are, again: what we gave up ourselves is not forgotten */
	l.cpu_quota_us = 1000LL * 100000;
	assert_int_equal(approx_cpus(&a, &l, pid, how, &err), 0);
	assert_int_equal(sched_getaffinity(pid, sizeof(set), &set), 0);
	assert_true(CPU_EQUAL(&set, &all));
	(void)snprintf(l.cpuset_cpus, sizeof(l.cpuset_cpus), "1000-1010,4000000000,x");
	assert_int_equal(approx_cpus(&a, &l, pid, how, &err), -EINVAL);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	end_child(pid);
}

static void test_pids(void **state)
{
	struct approx a = { 0 };
	struct rl_err err = { 0 };
	pid_t pid = child_that_waits();
	struct rlimit l;
	int r = approx_pids(&a, 77, pid, &err);

	(void)state;
	if (r == 0) {
		assert_int_equal(prlimit(pid, RLIMIT_NPROC, NULL, &l), 0);
		assert_true(l.rlim_max <= 77 && l.rlim_cur == l.rlim_max);
		assert_int_equal(a.nproc, 77);
	} else { /* an old kernel, or real root */
		assert_int_equal(r, -ENOTSUP);
	}
	end_child(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_cpus),
		cmocka_unit_test(test_pids),
	};

	return cmocka_run_group_tests_name("core/memwatch", tests, NULL, NULL);
}
