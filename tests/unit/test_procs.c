/* SPDX-License-Identifier: Apache-2.0 */
/* test_procs.c - core/procs: what /proc says, odd names, cut texts, our own process */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>

#include "core/base/cleanup.h"
#include "core/procs.h"

#define STAT_TAIL \
	" S 7 42 41 34816 42 4194560 1 2 3 4 100 20 3 1 20 5 2 0 12345 2322432 348 1844674407\n"

static void test_stat(void **state)
{
	struct procinfo p = { 0 };

	(void)state;
	assert_int_equal(procinfo_parse_stat("42 (sh)" STAT_TAIL, &p), 0);
	assert_string_equal(p.comm, "sh");
	assert_int_equal(p.state, 'S');
	assert_int_equal(p.ppid, 7);
	assert_int_equal(p.pgrp, 42);
	assert_int_equal(p.session, 41);
	assert_int_equal(p.tty, 34816);
	assert_int_equal(p.utime, 100);
	assert_int_equal(p.stime, 20);
	assert_int_equal(p.cutime, 3);
	assert_int_equal(p.cstime, 1);
	assert_int_equal(p.nice, 5);
	assert_int_equal(p.threads, 2);
	assert_int_equal(p.start, 12345);
	assert_int_equal(p.vsz, 2322432);
}

static void test_odd_names(void **state)
{
	struct procinfo p = { 0 };

	(void)state;
	assert_int_equal(procinfo_parse_stat("42 (a) R 1 (b)" STAT_TAIL, &p), 0);
	assert_string_equal(p.comm, "a) R 1 (b");
	assert_int_equal(p.ppid, 7);
	assert_int_equal(procinfo_parse_stat("", &p), -EINVAL);
	assert_int_equal(procinfo_parse_stat(")(", &p), -EINVAL);
	assert_int_equal(procinfo_parse_stat("1 (x) S 1", &p), -EINVAL);
}

static void test_status(void **state)
{
	struct procinfo p = { 0 };

	(void)state;
	assert_int_equal(procinfo_parse_status("Name:\tx\nUid:\t10\t11\t10\t10\n"
					       "Gid:\t20\t21\t20\t20\nGroups:\t1 2 3 \n"
					       "NSpid:\t500\t7\t1\nNSpgid:\t500\t7\t1\n"
					       "CapEff:\t00000000000000ff\nSeccomp:\t2\n",
					       &p),
			 0);
	assert_int_equal(p.uid, 10);
	assert_int_equal(p.euid, 11);
	assert_int_equal(p.gid, 20);
	assert_int_equal(p.egid, 21);
	assert_int_equal(p.n_groups, 3);
	assert_int_equal(p.groups[2], 3);
	assert_int_equal(p.levels, 3);
	assert_int_equal(p.nspid[1], 7);
	assert_int_equal(p.caps[PROCS_EFF], 0xff);
	assert_int_equal(p.seccomp, 2);
	p = (struct procinfo){ 0 };
	assert_int_equal(procinfo_parse_status("NSpid:", &p), -EINVAL);
}

static void test_ourselves(void **state)
{
	auto_procs struct procs list = { 0 };
	auto_buf struct buf args = { 0 };
	struct procinfo p;
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(procinfo_read(getpid(), &p), 0);
	assert_int_equal(p.ppid, getppid());
	assert_int_equal(p.uid, getuid());
	assert_int_equal(p.nspid[p.levels - 1], getpid());
	assert_true(p.start <= procs_uptime_ticks());
	assert_int_equal(procinfo_args(getpid(), &p, &args), 0);
	assert_non_null(strstr(args.data, "test_procs"));
	/* not in a user namespace of its own: itself and nobody else */
	assert_int_equal(procs_list(getpid(), "", &list, &err), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(list.v[0], getpid());
	assert_int_equal(procinfo_read(0x7ffffff0, &p), -ESRCH);
	procs_done(&list);
	assert_int_equal(procs_list(0x7ffffff0, "", &list, &err), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_odd_names),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_ourselves),
	};

	return cmocka_run_group_tests_name("core/procs", tests, NULL, NULL);
}
