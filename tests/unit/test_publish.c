/* SPDX-License-Identifier: Apache-2.0 */
/* test_publish.c - net/publish: what -p and --expose say, and the sockets */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/cleanup.h"
#include "net/publish.h"

static void test_good(void **state)
{
	static const struct {
		const char *in, *ip;
		unsigned host, ctr, range, proto;
	} good[] = {
		{ "80", "", 0, 80, 1, IPPROTO_TCP },
		{ "8080:80", "", 8080, 80, 1, IPPROTO_TCP },
		{ "8080:80/tcp", "", 8080, 80, 1, IPPROTO_TCP },
		{ "53:53/UDP", "", 53, 53, 1, IPPROTO_UDP },
		{ "127.0.0.1:8080:80", "127.0.0.1", 8080, 80, 1, IPPROTO_TCP },
		{ "127.0.0.1::80", "127.0.0.1", 0, 80, 1, IPPROTO_TCP },
		{ "[::1]:8080:80", "::1", 8080, 80, 1, IPPROTO_TCP },
		{ "[::]::80/udp", "::", 0, 80, 1, IPPROTO_UDP },
		{ ":80", "", 0, 80, 1, IPPROTO_TCP },
		{ "8000-8002:80-82", "", 8000, 80, 3, IPPROTO_TCP },
		{ "65535:65535", "", 65535, 65535, 1, IPPROTO_TCP },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct publish p = { 0 };
		struct rl_err err = { 0 };

		if (publish_parse(&p, good[i].in, &err) < 0)
			fail_msg("%s: %s", good[i].in, err.msg);
		assert_int_equal(p.n, 1);
		assert_string_equal(p.v[0].host_ip, good[i].ip);
		assert_int_equal(p.v[0].host_port, good[i].host);
		assert_int_equal(p.v[0].ctr_port, good[i].ctr);
		assert_int_equal(p.v[0].range, good[i].range);
		assert_int_equal(p.v[0].proto, good[i].proto);
		publish_done(&p);
	}
}

static void test_bad(void **state)
{
	static const char *const bad[] = { "",
					   "0",
					   "65536",
					   "80:",
					   "a:80",
					   "8080:80:",
					   "1:2:3:4",
					   "localhost:80:80",
					   "::1:80:80",
					   "[::1]80:80",
					   "[::1:80:80",
					   "80/sctp",
					   "80/icmp",
					   "80/",
					   "82-80",
					   "1-2:3-5",
					   "1-2:3",
					   "80-",
					   "-80",
					   " 80",
					   "1.2.3:80:80",
					   "1-1025:1-1025" };
	struct publish p = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct rl_err err = { 0 };

		if (publish_parse(&p, bad[i], &err) == 0)
			fail_msg("'%s' was taken", bad[i]);
		assert_true(err.msg[0]);
	}
	assert_int_equal(p.n, 0);
	publish_done(&p);
}

static void test_exposed(void **state)
{
	struct publish p = { 0 };
	struct rl_err err;

	(void)state;
	assert_int_equal(publish_parse(&p, "8080-8081:80-81", &err), 0);
	assert_int_equal(publish_exposed(&p, "80-82", &err), 0);
	assert_int_equal(publish_exposed(&p, "80/udp", &err), 0);
	assert_int_equal(p.n, 3); /* 82/tcp and 80/udp are new */
	assert_int_equal(p.v[1].ctr_port, 82);
	assert_int_equal(p.v[2].proto, IPPROTO_UDP);
	publish_done(&p);
}

static void test_bind(void **state)
{
	struct publish p = { 0 }, again = { 0 };
	struct publish_sockets s, s2;
	struct rl_err err;

	(void)state;
	assert_int_equal(publish_parse(&p, "127.0.0.1::80", &err), 0);
	assert_int_equal(publish_parse(&p, "127.0.0.1::53/udp", &err), 0);
	assert_int_equal(publish_bind(&p, &s, &err), 0);
	assert_int_equal(s.n, 2);
	assert_true(p.v[0].host_port > 0 && p.v[1].host_port > 0);
	assert_int_equal(publish_add(&again, "127.0.0.1", p.v[0].host_port, 80, 1, "tcp"), 0);
	assert_int_equal(publish_bind(&again, &s2, &err), -EADDRINUSE);
	assert_non_null(strstr(err.msg, "in use"));
	assert_int_equal(s2.n, 0);
	publish_close(&s);
	assert_int_equal(publish_bind(&again, &s2, &err), 0); /* free again */
	publish_close(&s2);
	publish_done(&p);
	publish_done(&again);
}

static void test_record(void **state)
{
	struct publish p = { 0 };

	(void)state;
	assert_int_equal(publish_add(&p, NULL, -1, 80, 1, "tcp"), -EINVAL);
	assert_int_equal(publish_add(&p, NULL, 0, 0, 1, "tcp"), -EINVAL);
	assert_int_equal(publish_add(&p, NULL, 65535, 80, 2, "tcp"), -EINVAL);
	assert_int_equal(publish_add(&p, NULL, 80, 80, 0, "tcp"), -EINVAL);
	assert_int_equal(publish_add(&p, "x", 80, 80, 1, "tcp"), -EINVAL);
	assert_int_equal(publish_add(&p, NULL, 80, 80, 1, NULL), -EINVAL);
	assert_int_equal(publish_add(&p, "", 80, 80, 1, "udp"), 0);
	publish_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),    cmocka_unit_test(test_bad),
		cmocka_unit_test(test_exposed), cmocka_unit_test(test_bind),
		cmocka_unit_test(test_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
