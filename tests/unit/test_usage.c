/* SPDX-License-Identifier: Apache-2.0 */
/* test_usage.c - core/usage: sums over what the kernel prints, odd texts; our own use */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>

#include "core/usage.h"

static void test_net_dev(void **state)
{
	static const char text[] =
		"Inter-|   Receive                                                |  Transmit\n"
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes    "
		"packets\n"
		"    lo:  999      9    0    0    0     0          0         0      999       9    "
		"0\n"
		"  eth0: 1000      9    0    0    0     0          0         0      200       9    "
		"0\n"
		"  tap0:23 9 0 0 0 0 0 0 4 9 0 0 0 0 0 0\n";
	int64_t in, out;

	(void)state;
	usage_parse_net_dev(text, &in, &out);
	assert_int_equal(in, 1023);
	assert_int_equal(out, 204);
	usage_parse_net_dev("", &in, &out);
	assert_int_equal(in, 0);
	usage_parse_net_dev("eth0: 5\neth1:", &in, &out); /* short lines */
	assert_int_equal(in, 5);
	assert_int_equal(out, 0);
	usage_parse_net_dev("a: 99999999999999999999999 1\nb: 5 1\n", &in, &out);
	assert_true(in == INT64_MAX);
}

static void test_io_stat(void **state)
{
	int64_t in, out;

	(void)state;
	usage_parse_io_stat("8:0 rbytes=100 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n"
			    "253:0 rbytes=1 wbytes=2 rios=1\n",
			    &in, &out);
	assert_int_equal(in, 101);
	assert_int_equal(out, 22);
	usage_parse_io_stat("8:0 rbytes= wbytes=x\n", &in, &out);
	assert_int_equal(in, 0);
	assert_int_equal(out, 0);
}

static void test_without_a_cgroup(void **state)
{
	struct ctr_state s = { .pid = getpid() };
	struct usage u;
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(usage_read(&s, false, &u, &err), 0);
	assert_true(u.cpu_ns >= 0);
	assert_true(u.pids >= 1);
	assert_true(u.memory != 0);
	assert_true(u.memory_limit > 0);
	assert_int_equal(u.net_in, -1);
	s.pid = 0x7ffffff0;
	assert_int_equal(usage_read(&s, false, &u, &err), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_net_dev),
		cmocka_unit_test(test_io_stat),
		cmocka_unit_test(test_without_a_cgroup),
	};

	return cmocka_run_group_tests_name("core/usage", tests, NULL, NULL);
}
