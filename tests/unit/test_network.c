/* SPDX-License-Identifier: Apache-2.0 */
/* test_network.c - net/ip, net/lease, net/endpoint, net/network_subnet, net/names: values, records, names */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "net/dns.h"
#include "net/endpoint.h"
#include "net/lease.h"
#include "net/names.h"
#include "net/network.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define LEASES                                                          \
	ID_A " eth0 02:72:0a:59:00:02 10.89.0.2 fd12::2 Web,hosta,al\n" \
	     "nonsense\n" ID_B " eth1 02:72:0a:59:00:03 10.89.0.3 - db,hostb,al\n"

static void test_subnets_contain_and_overlap(void **state)
{
	struct cidr a, b;
	struct ip ip;
	char text[CIDR_TEXT];

	(void)state;
	assert_true(cidr_parse("10.1.2.3/16", &a));
	assert_string_equal(cidr_print(&a, text), "10.1.0.0/16");
	assert_true(cidr_parse("10.1.255.0/24", &b));
	assert_true(cidr_overlaps(&a, &b) && cidr_overlaps(&b, &a));
	assert_true(cidr_parse("10.2.0.0/24", &b));
	assert_false(cidr_overlaps(&a, &b));
	assert_true(cidr_parse("fd00:1::/64", &b));
	assert_false(cidr_overlaps(&a, &b));
	assert_true(ip_parse("10.1.255.255", &ip));
	assert_true(cidr_contains(&a, &ip));
	assert_false(cidr_is_usable(&a, &ip)); /* broadcast */
	ip = cidr_last(&b);
	assert_true(cidr_is_usable(&b, &ip));
	assert_true(ip_parse("10.1.0.255", &ip));
	ip = ip_add(&ip, 1);
	assert_string_equal(ip_print(&ip, text), "10.1.1.0");
	assert_false(cidr_parse("10.0.0.0/33", &a));
	assert_false(cidr_parse("10.0.0.0", &a));
	assert_false(cidr_parse("10.0.0/8", &a));
}

static void test_leases_come_back_as_written(void **state)
{
	auto_leases struct leases l = { 0 };
	auto_buf struct buf b = { 0 };

	(void)state;
	assert_int_equal(leases_parse(LEASES, strlen(LEASES), &l), 0);
	assert_int_equal(l.n, 2); /* the malformed line is passed over */
	assert_int_equal(l.v[0].names.n, 3);
	assert_int_equal(l.v[1].ip6.af, 0);
	assert_ptr_equal(leases_of(&l, ID_B), &l.v[1]);
	leases_drop(&l, 0);
	assert_int_equal(leases_print(&l, &b), 0);
	assert_string_equal(b.data, ID_B " eth1 02:72:0a:59:00:03 10.89.0.3 - db,hostb,al\n");
}

static void test_bad_leases_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		ID_A,
		ID_A " eth0 02:72:0a:59:00:02 10.89.0.2 -",
		ID_A " eth0 02:72:0a:59:00:02 10.89.0.2 - a b",
		ID_A " eth0 02:72:0a:59:00 10.89.0.2 - a",
		ID_A " eth0 02:72:0a:59:00:02 fd00::1 - a",
		ID_A " averylonginterfacename 02:72:0a:59:00:02 10.89.0.2 - a",
		"short eth0 02:72:0a:59:00:02 10.89.0.2 - a",
	};
	struct lease l;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(lease_parse(bad[i], strlen(bad[i]), &l), -EINVAL);
}

static void test_words_of_network(void **state)
{
	auto_endpoints struct endpoints e = { 0 };
	struct rl_err err;

	(void)state;
	assert_true(endpoint_is_named("web"));
	assert_true(endpoint_is_named("web:ip=10.1.1.1"));
	assert_false(endpoint_is_named("slirp4netns:mtu=1500"));
	assert_false(endpoint_is_named("container:web"));
	assert_false(endpoint_is_named("host"));
	assert_int_equal(endpoints_parse(&e,
					 "web:ip=10.1.1.7,ip6=fd12::7,mac=02:00:00:00:00:01,"
					 "alias=x,alias=y",
					 &err),
			 0);
	assert_int_equal(endpoints_parse(&e, "db", &err), 0);
	assert_string_equal(e.v[0].ifname, "eth0");
	assert_string_equal(e.v[1].ifname, "eth1");
	assert_int_equal(e.v[0].aliases.n, 2);
	assert_int_equal(endpoints_parse(&e, "web", &err), -EEXIST);
	assert_int_equal(endpoints_parse(&e, "c:interface_name=eth1", &err), -EEXIST);
	assert_int_equal(endpoints_parse(&e, "c:interface_name=tap0", &err), -EINVAL);
	assert_int_equal(endpoints_parse(&e, "c:alias=a b", &err), -EINVAL);
	assert_int_equal(endpoints_parse(&e, "c:ip=10.1.1.1,ip=10.1.1.2", &err), -EINVAL);
	assert_int_equal(endpoints_parse(&e, "c:mac=03:00:00:00:00:01", &err), -EINVAL);
	assert_int_equal(e.n, 2);
	endpoints_drop(&e, 0);
	assert_string_equal(e.v[0].network, "db");
}

static void test_endpoints_come_back_as_written(void **state)
{
	auto_endpoints struct endpoints e = { 0 }, back = { 0 };
	char dir[] = "/tmp/rl-test-XXXXXX";
	auto_fd int fd = FD_NONE;
	struct rl_err err;

	(void)state;
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(endpoints_read(fd, &back, &err), 0); /* none */
	assert_int_equal(back.n, 0);
	assert_int_equal(endpoints_parse(&e, "web:ip=10.1.1.7,alias=x", &err), 0);
	assert_int_equal(endpoints_parse(&e, "db:mac=02:00:00:00:00:01", &err), 0);
	assert_int_equal(endpoints_write(fd, &e, false, &err), 0);
	assert_int_equal(endpoints_read(fd, &back, &err), 0);
	assert_int_equal(back.n, 2);
	assert_true(ip_equal(&back.v[0].ip4, &e.v[0].ip4));
	assert_string_equal(back.v[0].aliases.v[0], "x");
	assert_true(back.v[1].has_mac && !back.v[0].has_mac);
	(void)unlinkat(fd, CONTAINER_NETWORKS, 0);
	(void)rmdir(dir);
}

static void test_free_subnets_meet_nothing_that_is_taken(void **state)
{
	struct network_taken t = { 0 };
	struct network n = { 0 };
	const struct network_req q = { .ipv6 = true };
	struct rl_err err;
	struct cidr c;
	char text[CIDR_TEXT];

	(void)state;
	assert_true(cidr_parse("10.89.0.0/23", &c));
	assert_int_equal(network_take(&t, &c, "wg0"), 0);
	assert_int_equal(network_plan(&n, &q, &t, &err), 0);
	assert_string_equal(cidr_print(&n.net4, text), "10.89.2.0/24");
	assert_string_equal(ip_print(&n.gw4, text), "10.89.2.1");
	assert_string_equal(ip_print(&n.last4, text), "10.89.2.254");
	assert_int_equal(n.net6.ip.b[0], 0xfd);
	assert_int_equal(n.net6.prefix, 64);
	network_taken_done(&t);
}

/* A query for @name, one label after the other. */
static size_t query(uint8_t *q, const char *name, uint16_t type)
{
	size_t n = DNS_HEADER;

	memset(q, 0, DNS_HEADER);
	q[5] = 1;
	for (const char *p = name; *p;) {
		size_t len = strcspn(p, ".");

		q[n++] = (uint8_t)len;
		memcpy(q + n, p, len);
		n += len;
		p += len + (p[len] == '.');
	}
	q[n++] = 0;
	q[n++] = (uint8_t)(type >> 8);
	q[n++] = (uint8_t)type;
	q[n++] = 0;
	q[n++] = 1;
	return n;
}

/* Answers to a question of a container on network "back"; -1: not found */
static int ask(const char *name, uint16_t type)
{
	char leases[] = LEASES;
	uint8_t q[512], out[NAMES_REPLY];
	size_t n = query(q, name, type);
	struct names_reply r = { .out = out, .room = sizeof(out) };

	return names_search(q, n, "back", leases, sizeof(leases) - 1, &r) ? (int)r.n_answers : -1;
}

static void test_names_of_containers(void **state)
{
	(void)state;
	assert_int_equal(ask("web", 1), 1);
	assert_int_equal(ask("WEB.rl.internal", 28), 1);
	assert_int_equal(ask("web.back", 1), 1);
	assert_int_equal(ask("web.back.rl.internal", 1), 1);
	assert_int_equal(ask("aaaaaaaaaaaa", 1), 1);
	assert_int_equal(ask("hostb", 1), 1);
	assert_int_equal(ask("db", 28), 0); /* known, without IPv6 */
	assert_int_equal(ask("al", 1), 2);  /* an alias of both */
	assert_int_equal(ask("al", 255), 3);
	assert_int_equal(ask("3.0.89.10.in-addr.arpa", 12), 1);
	assert_int_equal(
		ask("2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.1.d.f.ip6.arpa", 12),
		1);
	assert_int_equal(ask("we", 1), -1);
	assert_int_equal(ask("web.front", 1), -1);
	assert_int_equal(ask("web.example.com", 1), -1);
	assert_int_equal(ask("9.0.89.10.in-addr.arpa", 12), -1);
	assert_int_equal(ask("aaaaaaaaaaa", 1), -1); /* not the whole short id */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subnets_contain_and_overlap),
		cmocka_unit_test(test_leases_come_back_as_written),
		cmocka_unit_test(test_bad_leases_are_refused),
		cmocka_unit_test(test_words_of_network),
		cmocka_unit_test(test_endpoints_come_back_as_written),
		cmocka_unit_test(test_free_subnets_meet_nothing_that_is_taken),
		cmocka_unit_test(test_names_of_containers),
	};

	return cmocka_run_group_tests_name("net/network", tests, NULL, NULL);
}
