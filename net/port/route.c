/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route.c - make the container's answers to foreign addresses come to our sockets
 *
 * What the container sends to a client's address would leave by its default route. TCP: our
 * connections carry a mark, tcp_fwmark_accept copies it to the server's end, and one rule per
 * family sends what is marked to a table in which every address is local. UDP has no such copy:
 * each flow gets a rule of its own by protocol and both ports. Rules on a port alone would break
 * the container's other traffic. Sources: ip-rule(8), ip-sysctl (tcp_fwmark_accept).
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/log.h"
#include "net/addr.h"
#include "net/netlink.h"
#include "net/port/port.h"

#define LO_INDEX  1
#define RULE_PREF 100 /* behind the table of local addresses, before all others */

static void add_table(struct nl_batch *b, uint8_t family)
{
	const struct rtmsg route = { .rtm_family = family,
				     .rtm_table = RT_TABLE_UNSPEC,
				     .rtm_protocol = RTPROT_STATIC,
				     .rtm_scope = RT_SCOPE_HOST,
				     .rtm_type = RTN_LOCAL };
	const struct fib_rule_hdr rule = { .family = family, .action = FR_ACT_TO_TBL };
	size_t metrics;

	nl_begin(b, "route answers of the container to the forwarder", NL_REQUIRED, RTM_NEWROUTE,
		 NLM_F_CREATE | NLM_F_REPLACE, &route, sizeof(route));
	nl_attr_u32(b, RTA_TABLE, PORT_TABLE);
	nl_attr_u32(b, RTA_OIF, LO_INDEX);
	metrics = nl_nest(
		b, RTA_METRICS); /* a server's end takes it from here (ip-route(8) congctl) */
	nl_attr(b, RTAX_CC_ALGO, PORT_CONGESTION, sizeof(PORT_CONGESTION));
	nl_nest_end(b, metrics);
	/* else what has no address yet (UDP) would get the client's, as one of our own */
	if (family == AF_INET)
		nl_attr_u32(b, RTA_PREFSRC, htonl(NET_CONTAINER4));
	else
		nl_attr(b, RTA_PREFSRC, net_container6, 16);
	nl_begin(b, "route marked answers to the forwarder", NL_OPTIONAL /* there already */,
		 RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, &rule, sizeof(rule));
	nl_attr_u32(b, FRA_TABLE, PORT_TABLE);
	nl_attr_u32(b, FRA_PRIORITY, RULE_PREF);
	nl_attr_u32(b, FRA_FWMARK, PORT_MARK);
}

static int set_up(struct port *p, uint8_t family, struct rl_err *err)
{
	struct nl_batch b = { 0 };

	add_table(&b, family);
	return nl_exchange(&b, p->route, err);
}

/* The file is the one of the network namespace we are in. */
static int accept_marks(void)
{
	auto_fd int fd = open("/proc/sys/net/ipv4/tcp_fwmark_accept", O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, "1", 1) == 1 ? 0 : -errno;
}

int port_route_open(struct port *p, struct rl_err *err)
{
	struct rl_err why = { 0 };
	int r = accept_marks();

	p->route = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (p->route < 0)
		return rl_fail_sys(err, errno, "open a netlink socket");
	if (r < 0) { /* a read-only /proc/sys of an outer container */
		log_debug("clients keep no address of their own: tcp_fwmark_accept: %s",
			  strerror(-r));
		return 0;
	}
	p->real4 = set_up(p, AF_INET, &why) == 0;
	if (!p->real4)
		log_debug("%s", why.msg);
	p->real6 = p->ipv6 && set_up(p, AF_INET6, &why) == 0;
	return 0;
}

int port_route_flow(struct port *p, bool add, const union port_addr *client, uint16_t ctr_port)
{
	const bool v4 = client->sa.sa_family == AF_INET;
	const uint16_t port = ntohs(v4 ? client->in.sin_port : client->in6.sin6_port);
	const struct fib_rule_hdr rule = { .family = (uint8_t)client->sa.sa_family,
					   .dst_len = v4 ? 32 : 128,
					   .action = FR_ACT_TO_TBL };
	const struct fib_rule_port_range from = { ctr_port, ctr_port }, to = { port, port };
	struct nl_batch b = { 0 };
	struct rl_err why;

	nl_begin(&b, "route answers to a UDP client", NL_REQUIRED, add ? RTM_NEWRULE : RTM_DELRULE,
		 add ? NLM_F_CREATE : 0, &rule, sizeof(rule));
	nl_attr_u32(&b, FRA_TABLE, PORT_TABLE);
	nl_attr_u32(&b, FRA_PRIORITY, RULE_PREF);
	nl_attr_u8(&b, FRA_IP_PROTO, IPPROTO_UDP);
	if (v4)
		nl_attr(&b, FRA_DST, &client->in.sin_addr, 4);
	else
		nl_attr(&b, FRA_DST, &client->in6.sin6_addr, 16);
	nl_attr(&b, FRA_SPORT_RANGE, &from, sizeof(from));
	nl_attr(&b, FRA_DPORT_RANGE, &to, sizeof(to));
	return nl_exchange(&b, p->route, &why);
}
