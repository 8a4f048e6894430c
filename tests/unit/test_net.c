/* SPDX-License-Identifier: Apache-2.0 */
/* test_net.c - net/net.h: what needs neither a namespace nor rights */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/cleanup.h"
#include "net/net.h"

static void test_config_and_resolv_conf(void **state)
{
	struct net_config c;
	auto_free char *four = NULL, *six = NULL;

	(void)state;
	net_config_default(&c);
	assert_int_equal(c.mtu, 65520);
	assert_false(c.host_loopback);
	c.ipv6 = false;
	four = net_resolv_conf(&c);
	/* the machine's search list may stand in front */
	assert_non_null(strstr(four, "nameserver 10.0.2.3\n"));
	assert_null(strstr(four, "fd00"));
	c.ipv6 = true;
	six = net_resolv_conf(&c);
	assert_non_null(strstr(six, "nameserver 10.0.2.3\nnameserver fd00::3\n"));
}

/* The second is what podman-run(1) gives as equal to slirp4netns. */
static void test_pasta(void **state)
{
	struct net_config c = { .ipv6 = true, .mtu = 65520 };
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(net_config_set(&c, "pasta:--map-gw,-q,--no-ra", &err), 0);
	assert_true(c.host_loopback && c.ipv6);
	c = (struct net_config){ .ipv6 = true, .mtu = 65520 };
	assert_int_equal(
		net_config_set(&c,
			       "pasta:--ipv4-only,-a,10.0.2.0,-n,24,-g,10.0.2.2,--dns-forward,"
			       "10.0.2.3,-m,1500,--no-ndp,--no-dhcpv6,--no-dhcp",
			       &err),
		0);
	assert_true(c.mtu == 1500 && !c.ipv6 && !c.host_loopback);
	assert_int_equal(net_config_set(&c,
					"pasta:--mtu=1400,-t,none,-T,none,-I,tap0,-o,192.0.2.7,"
					"--map-host-loopback=10.0.2.2,--map-guest-addr,none",
					&err),
			 0);
	assert_true(c.mtu == 1400 && c.host_loopback);
	assert_string_equal(c.outbound4, "192.0.2.7");
}

static void test_options(void **state)
{
	static const char *const bad[] = {
		"slirp4netns:mtu=70000",
		"slirp4netns:mtu",
		"slirp4netns:cidr=10.9.0.0/24",
		"slirp4netns:enable_ipv6=x",
		"slirp4netns:what=1",
		"slirp4netns:outbound_addr=eth0",
		"pasta:-t,auto",
		"pasta:--mtu",
		"pasta:-m,9",
		"slirp4netns:port_handler=x",
		"pasta:-6",
		"pasta:-a,10.9.0.1",
		"pasta:--address=10.9.0.1",
		"pasta:--map-gw=1",
		"pasta:--map-host-loopback,192.0.2.1",
		"pasta:-I",
		"pasta:-T,5201",
		"pasta:--nonsense",
		"pasta:nonsense",
	};
	struct net_config c = { .ipv6 = true, .mtu = 65520 };
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(net_config_set(&c, "container:x", &err), 0); /* not ours to judge */
	assert_int_equal(
		net_config_set(&c,
			       "slirp4netns:mtu=1500,enable_ipv6=false,allow_host_loopback="
			       "true,outbound_addr=192.0.2.1,port_handler=slirp4netns",
			       &err),
		0);
	assert_int_equal(c.mtu, 1500);
	assert_true(!c.ipv6 && c.host_loopback);
	assert_string_equal(c.outbound4, "192.0.2.1");
	assert_int_equal(net_config_set(&c, "slirp4netns:enable_ipv6=true", &err), 0);
	assert_false(c.ipv6); /* the host has none */
	assert_int_equal(net_config_set(&c, "pasta:--no-map-gw,-m,9000,-4", &err), 0);
	assert_true(c.mtu == 9000 && !c.host_loopback);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (net_config_set(&c, bad[i], &err) == 0)
			fail_msg("'%s' was taken", bad[i]);
	assert_int_equal(net_config_host_port(&c, "5432", &err), 0);
	assert_int_equal(c.host_ports[0], 5432);
	assert_int_equal(net_config_host_port(&c, "0", &err), -EINVAL);
	assert_int_equal(net_config_host_port(&c, "65536", &err), -EINVAL);
	for (int i = 1; i < NET_HOST_PORTS_MAX; i++)
		assert_int_equal(net_config_host_port(&c, "1", &err), 0);
	assert_int_equal(net_config_host_port(&c, "1", &err), -E2BIG);
}

static void test_bad_mtu_is_refused(void **state)
{
	static const unsigned bad[] = { 0, 1279, 65521, UINT32_MAX };
	int tap = 77;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct net_config c = { .mtu = bad[i] };
		struct rl_err err = { 0 };

		assert_int_equal(net_tap_setup(&c, &tap, &err), -EINVAL);
		assert_non_null(strstr(err.msg, "MTU"));
	}
	assert_int_equal(tap, 77);
}

static void test_the_last_words_of_a_helper(void **state)
{
	struct net_helper h = { 0 };
	char text[16];
	int pair[2];

	(void)state;
	net_stop(&h); /* nothing to stop */
	assert_int_equal(net_why(&h, text, sizeof(text)), -ENODATA);
	assert_string_equal(text, "");
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	h.pid = 1;
	h.control_fd = pair[0];
	assert_int_equal(net_why(&h, text, sizeof(text)), -ENODATA);
	assert_int_equal(send(pair[1], "a warning\n", 10, 0), 10);
	assert_int_equal(send(pair[1], "the reason and more", 19, 0), 19);
	assert_int_equal(send(pair[1], "\n", 1, 0), 1);
	assert_int_equal(net_why(&h, text, sizeof(text)), 0);
	assert_string_equal(text, "the reason and ");
	fd_close(pair[0]);
	fd_close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_and_resolv_conf),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_pasta),
		cmocka_unit_test(test_bad_mtu_is_refused),
		cmocka_unit_test(test_the_last_words_of_a_helper),
	};

	return cmocka_run_group_tests_name("net/net", tests, NULL, NULL);
}
