/* SPDX-License-Identifier: Apache-2.0 */
/* test_netlink.c - net/netlink: how requests are laid out, what happens when they do not fit */
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
#include "net/netlink.h"

static const struct ifinfomsg link_one = { .ifi_index = 1 };

static void test_layout(void **state)
{
	struct nl_batch b = { 0 };
	const struct nlmsghdr *h;
	const struct rtattr *a;
	size_t outer, inner;

	(void)state;
	nl_begin(&b, "one", NL_REQUIRED, RTM_NEWLINK, NLM_F_CREATE, &link_one, sizeof(link_one));
	nl_attr(&b, IFLA_ADDRESS, "\1\2\3\4\5\6", 6);
	nl_attr_u32(&b, IFLA_MTU, 65520);
	nl_begin(&b, "two", NL_OPTIONAL, RTM_NEWLINK, 0, &link_one, sizeof(link_one));
	outer = nl_nest(&b, IFLA_AF_SPEC);
	inner = nl_nest(&b, 10);
	nl_attr_u8(&b, 8, 1);
	nl_nest_end(&b, inner);
	nl_nest_end(&b, outer);

	assert_false(b.overflow);
	assert_int_equal(b.n, 2);
	h = (const struct nlmsghdr *)(const void *)b.buf;
	assert_int_equal(h->nlmsg_len, 16 + 16 + 12 + 8);
	assert_int_equal(h->nlmsg_seq, 1);
	assert_int_equal(h->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE);
	a = (const struct rtattr *)(const void *)(b.buf + 32);
	assert_int_equal(a->rta_type, IFLA_ADDRESS);
	assert_int_equal(a->rta_len, 10); /* without the padding */
	h = (const struct nlmsghdr *)(const void *)(b.buf + h->nlmsg_len);
	assert_int_equal(h->nlmsg_seq, 2);
	assert_int_equal(h->nlmsg_len, 16 + 16 + 16);
	a = (const struct rtattr *)(const void *)((const uint8_t *)h + 32);
	assert_int_equal(a->rta_type, IFLA_AF_SPEC | NLA_F_NESTED);
	assert_int_equal(a->rta_len, 16);
	assert_int_equal(b.len, 52 + 48);
}

static void test_overflow_fails_the_exchange(void **state)
{
	struct nl_batch b = { 0 };
	struct rl_err err = { 0 };
	char big[NL_ROOM] = "";

	(void)state;
	assert_int_equal(nl_exchange(&b, -1, &err), -ENOBUFS); /* empty */
	nl_begin(&b, "one", NL_REQUIRED, RTM_NEWLINK, 0, &link_one, sizeof(link_one));
	nl_attr(&b, 1, big, sizeof(big));
	assert_true(b.overflow);
	nl_attr_u32(&b, 1, 1); /* harmless */
	nl_nest_end(&b, nl_nest(&b, 1));
	assert_int_equal(nl_exchange(&b, -1, &err), -ENOBUFS);

	b = (struct nl_batch){ 0 };
	for (int i = 0; i <= NL_REQUESTS_MAX; i++)
		nl_begin(&b, "many", NL_REQUIRED, RTM_NEWLINK, 0, &link_one, sizeof(link_one));
	assert_int_equal(b.n, NL_REQUESTS_MAX);
	assert_int_equal(nl_exchange(&b, -1, &err), -ENOBUFS);
}

/* The kernel refuses: no such device. Needs no rights. */
static void test_errors_are_told_or_passed_over(void **state)
{
	auto_fd int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	const struct ifinfomsg nobody = { .ifi_index = 0x7ffffff0 };
	struct nl_batch b = { 0 };
	struct rl_err err = { 0 };

	(void)state;
	if (sock < 0)
		skip();
	nl_begin(&b, "find the device", NL_REQUIRED, RTM_GETLINK, 0, &nobody, sizeof(nobody));
	nl_begin(&b, "find it again", NL_OPTIONAL, RTM_GETLINK, 0, &nobody, sizeof(nobody));
	assert_int_equal(nl_exchange(&b, sock, &err), -ENODEV);
	assert_string_equal(err.msg, "find the device: No such device");
	fd_close(TAKE_FD(sock));

	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	b = (struct nl_batch){ 0 };
	nl_begin(&b, "find the device", NL_OPTIONAL, RTM_GETLINK, 0, &nobody, sizeof(nobody));
	nl_begin(&b, "find it again", NL_OPTIONAL, RTM_GETLINK, 0, &nobody, sizeof(nobody));
	assert_int_equal(nl_exchange(&b, sock, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_overflow_fails_the_exchange),
		cmocka_unit_test(test_errors_are_told_or_passed_over),
	};

	return cmocka_run_group_tests_name("net/netlink", tests, NULL, NULL);
}
