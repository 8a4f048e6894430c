/* SPDX-License-Identifier: Apache-2.0 */
/* wire.c - bridges, veth pairs, addresses, routes; the header is the manual */
#include "config.h"

#include "net/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/veth.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/session.h"
#include "net/addr.h"
#include "net/netlink.h"

#define CHILD_MS           10000
#define LEARNED_MAX        8192
#define DEVICES_MAX        (1U << 20)
#define BR_FDB_MAX_LEARNED 49 /* IFLA_BR_FDB_MAX_LEARNED, Linux 6.7; others pass it over */

/* --- the child -------------------------------------------------------------------------------- */

struct answer {
	int32_t r;
	struct rl_err err;
};

typedef int (*work_fn)(const void *arg, int *ret_fd, struct rl_err *err);

static _Noreturn void child(int sock, int userns_fd, work_fn work, const void *arg)
{
	const struct session s = { .userns_fd = userns_fd };
	struct answer a = { 0 };
	int fd = FD_NONE;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		_exit(125);
	a.r = session_enter(&s, &a.err);
	if (a.r == 0)
		a.r = work(arg, &fd, &a.err);
	RL_IGNORE(
		fd_send(sock, &a, sizeof(a), &fd, fd >= 0 ? 1 : 0)); /* the parent hears our end */
	_exit(0);
}

/* Run @work in a child that is root of S. @ret_fd: what it made, or NULL. */
static int in_session(int userns_fd, work_fn work, const void *arg, int *ret_fd, struct rl_err *err)
{
	auto_fd int ours = FD_NONE, theirs = FD_NONE, pidfd = FD_NONE, fd = FD_NONE;
	struct answer a = { 0 };
	ssize_t n = 0;
	pid_t pid;
	int pair[2], status;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return rl_fail_sys(err, errno, "socketpair");
	ours = pair[0];
	theirs = pair[1];
	pid = fork();
	if (pid < 0)
		return rl_fail_sys(err, errno, "fork");
	if (pid == 0)
		child(theirs, userns_fd, work, arg);
	fd_close(TAKE_FD(theirs));
	pidfd = proc_pidfd_open(pid);
	if (pidfd < 0 || proc_wait(pidfd, pid, CHILD_MS, &status) < 0) {
		if (kill(pid, SIGKILL) == 0 && pidfd >= 0)
			RL_IGNORE(proc_wait(pidfd, pid, -1, &status)); /* killed: it ends */
		return rl_fail(err, ETIMEDOUT, "the kernel takes too long for the network");
	}
	n = fd_recv(ours, &a, sizeof(a), &fd, 1);
	if (n != sizeof(a))
		return rl_fail(err, ECHILD, "the helper for the network died");
	if (a.r < 0) {
		*err = a.err;
		return a.r;
	}
	if (ret_fd)
		*ret_fd = TAKE_FD(fd);
	return 0;
}

static int open_netlink(struct rl_err *err)
{
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	return sock < 0 ? rl_fail_sys(err, errno, "open a netlink socket") : sock;
}

/* Enter the container's network. A netlink socket there, or -errno. */
static int enter_container(int tap, struct rl_err *err)
{
	/* not by a pidfd of its first process, which nobody may look into before it has executed */
	auto_fd int ns = ioctl(tap, TUNGETDEVNETNS);

	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		return rl_fail_sys(err, errno, "enter the container's network");
	return open_netlink(err);
}

/* The same for the network's namespace */
static int enter_network(int net_fd, struct rl_err *err)
{
	if (setns(net_fd, CLONE_NEWNET) < 0)
		return rl_fail_sys(err, errno, "enter the network's namespace");
	return open_netlink(err);
}

static int index_of(int sock, const char *name)
{
	struct ifreq ifr = { 0 };

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	return ioctl(sock, SIOCGIFINDEX, &ifr) < 0 ? -errno : ifr.ifr_ifindex;
}

/* Best effort: the files are those of the network namespace that we are in. */
static void write_conf(const char *family, const char *ifname, const char *key, const char *value)
{
	char path[128];
	auto_fd int fd = FD_NONE;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, ifname, key);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		log_debug("'%s' stays: %s", path, strerror(errno));
}

static void begin_link(struct nl_batch *b, const char *what, int index, bool up)
{
	const struct ifinfomsg m = { .ifi_index = index,
				     .ifi_flags = up ? IFF_UP : 0,
				     .ifi_change = up ? IFF_UP : 0 };

	nl_begin(b, what, NL_REQUIRED, RTM_NEWLINK, 0, &m, sizeof(m));
}

static void add_address(struct nl_batch *b, const char *what, int index, const struct ip *a,
			unsigned prefix)
{
	const struct ifaddrmsg m = { .ifa_family = a->af,
				     .ifa_prefixlen = (uint8_t)prefix,
				     .ifa_flags = a->af == AF_INET6 ? IFA_F_NODAD : 0,
				     .ifa_index = (unsigned)index };
	const struct cidr net = { *a, (uint8_t)prefix };
	const struct ip last = cidr_last(&net);

	if (!a->af)
		return;
	nl_begin(b, what, NL_REQUIRED, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &m, sizeof(m));
	nl_attr(b, IFA_LOCAL, a->b, ip_len(a));
	nl_attr(b, IFA_ADDRESS, a->b, ip_len(a));
	if (a->af == AF_INET)
		nl_attr(b, IFA_BROADCAST, last.b, 4);
}

/* No link-local address where the network has no IPv6. Alone: a kernel without IPv6 refuses all of it. */
static void no_link_local(struct nl_batch *b, int index)
{
	const struct ifinfomsg m = { .ifi_index = index };
	size_t spec, inet6;

	nl_begin(b, "switch off IPv6 link-local addresses", NL_OPTIONAL, RTM_NEWLINK, 0, &m,
		 sizeof(m));
	spec = nl_nest(b, IFLA_AF_SPEC);
	inet6 = nl_nest(b, AF_INET6);
	nl_attr_u8(b, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nl_nest_end(b, inet6);
	nl_nest_end(b, spec);
}

/* --- the network's namespace --------------------------------------------------------------- */

static void add_bridge(struct nl_batch *b, const char *name)
{
	const struct ifinfomsg none = { 0 };
	size_t info, data;

	nl_begin(b, "make the network's bridge", NL_REQUIRED, RTM_NEWLINK,
		 NLM_F_CREATE | NLM_F_EXCL, &none, sizeof(none));
	nl_attr(b, IFLA_IFNAME, name, strlen(name) + 1);
	info = nl_nest(b, IFLA_LINKINFO);
	nl_attr(b, IFLA_INFO_KIND, "bridge", sizeof("bridge"));
	data = nl_nest(b, IFLA_INFO_DATA);
	nl_attr_u32(b, IFLA_BR_FORWARD_DELAY, 0);
	nl_attr_u8(b, IFLA_BR_MCAST_SNOOPING, 0); /* nobody asks who wants what: flood */
	/* a container that sends from ever new addresses shall not fill the host's memory */
	nl_attr_u32(b, BR_FDB_MAX_LEARNED, LEARNED_MAX);
	nl_nest_end(b, data);
	nl_nest_end(b, info);
}

static int make_network(const void *arg, int *ret_fd, struct rl_err *err)
{
	const struct wire_bridge *br = arg;
	struct nl_batch b = { 0 };
	auto_fd int sock = FD_NONE;
	int index, r, fd;

	if (unshare(CLONE_NEWNET) < 0)
		return rl_fail_sys(err, errno, "make the network's namespace");
	sock = open_netlink(err);
	if (sock < 0)
		return sock;
	add_bridge(&b, br->name);
	r = nl_exchange(&b, sock, err);
	if (r < 0)
		return rl_hint(err, "as root: modprobe bridge veth");
	index = index_of(sock, br->name);
	if (index < 0)
		return rl_fail_sys(err, -index, "find the network's bridge");
	/* it has a way to nowhere, and none of what the host may have set applies */
	write_conf("ipv4", "all", "forwarding", "0");
	write_conf("ipv6", "all", "forwarding", "0");
	write_conf("ipv6", br->name, "accept_ra", "0");
	b = (struct nl_batch){ 0 };
	if (!br->gw6.af)
		no_link_local(&b, index);
	begin_link(&b, "bring up the network's bridge", index, true);
	nl_attr_u32(&b, IFLA_MTU, br->mtu);
	add_address(&b, "give the bridge its IPv4 address", index, &br->gw4, br->prefix4);
	add_address(&b, "give the bridge its IPv6 address", index, &br->gw6, br->prefix6);
	r = nl_exchange(&b, sock, err);
	if (r < 0)
		return r;
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return rl_fail_sys(err, errno, "keep the network's namespace");
	*ret_fd = fd;
	return 0;
}

int wire_network(int userns_fd, const struct wire_bridge *b, struct rl_err *err)
{
	int fd = FD_NONE, r = in_session(userns_fd, make_network, b, &fd, err);

	return r < 0 ? r : fd;
}

/* --- a container's end ---------------------------------------------------------------------- */

static int delete_link(int sock, const char *ifname, struct rl_err *err)
{
	struct ifinfomsg m = { .ifi_index = index_of(sock, ifname) };
	struct nl_batch b = { 0 };

	if (m.ifi_index < 0)
		return 0;
	nl_begin(&b, "remove the container's interface", NL_REQUIRED, RTM_DELLINK, 0, &m,
		 sizeof(m));
	return nl_exchange(&b, sock, err);
}

static void add_pair(struct nl_batch *b, const struct wire *w, int ctr_ns, int bridge)
{
	const struct ifinfomsg none = { 0 };
	size_t info, data, peer;

	nl_begin(b, "plug the container into the network", NL_REQUIRED, RTM_NEWLINK,
		 NLM_F_CREATE | NLM_F_EXCL,
		 &(struct ifinfomsg){ .ifi_flags = IFF_UP, .ifi_change = IFF_UP }, sizeof(none));
	nl_attr(b, IFLA_IFNAME, w->port, strlen(w->port) + 1);
	nl_attr_u32(b, IFLA_MTU, w->mtu);
	nl_attr_u32(b, IFLA_MASTER, (uint32_t)bridge);
	info = nl_nest(b, IFLA_LINKINFO);
	nl_attr(b, IFLA_INFO_KIND, "veth", sizeof("veth"));
	data = nl_nest(b, IFLA_INFO_DATA);
	peer = nl_nest(b, VETH_INFO_PEER);
	nl_zeros(b, sizeof(none)); /* nothing is said about it in the fixed part */
	nl_attr(b, IFLA_IFNAME, w->ifname, strlen(w->ifname) + 1);
	nl_attr(b, IFLA_ADDRESS, w->mac, 6);
	nl_attr_u32(b, IFLA_MTU, w->mtu);
	nl_attr_u32(b, IFLA_NET_NS_FD, (uint32_t)ctr_ns);
	nl_nest_end(b, peer);
	nl_nest_end(b, data);
	nl_nest_end(b, info);
}

/* Ports of nobody; we are in the network's namespace, whose devices this file lists. */
static void sweep_ports(const struct wire *w, int sock)
{
	auto_buf struct buf b = { 0 };
	struct rl_err err;

	if (io_read_file(AT_FDCWD, "/proc/thread-self/net/dev", DEVICES_MAX, &b, &err) < 0)
		return;
	for (char *line = b.data, *next; line && *line; line = next) {
		char *name = line + strspn(line, " "), *colon = strchr(name, ':');

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!colon || (next && colon > next) || colon - name != LEASE_IF_LEN - 1 ||
		    *name != 'v')
			continue;
		*colon = '\0';
		if (strcmp(name, w->bridge) != 0 && !strv_has(w->others, name) &&
		    delete_link(sock, name, &err) < 0)
			log_debug("%s", err.msg);
	}
}

static void add_route(struct nl_batch *b, const struct wire_route *r, int index)
{
	const struct rtmsg m = { .rtm_family = r->to.ip.af,
				 .rtm_dst_len = r->to.prefix,
				 .rtm_table = RT_TABLE_MAIN,
				 .rtm_protocol = RTPROT_STATIC,
				 .rtm_scope = RT_SCOPE_UNIVERSE,
				 .rtm_type = r->gw.af ? RTN_UNICAST : RTN_UNREACHABLE };

	nl_begin(b, "set a route of the network", NL_REQUIRED, RTM_NEWROUTE,
		 NLM_F_CREATE | NLM_F_REPLACE, &m, sizeof(m));
	nl_attr(b, RTA_DST, r->to.ip.b, ip_len(&r->to.ip));
	nl_attr_u32(b, RTA_PRIORITY, r->metric);
	if (!r->gw.af)
		return;
	nl_attr(b, RTA_GATEWAY, r->gw.b, ip_len(&r->gw));
	nl_attr_u32(b, RTA_OIF, (uint32_t)index);
}

/* In the container's network, where our end of the pair has come */
static int set_up(const struct wire *w, int sock, struct rl_err *err)
{
	struct nl_batch b = { 0 };
	int index = index_of(sock, w->ifname), r;

	if (index < 0)
		return rl_fail_sys(err, -index, "find the interface '%s'", w->ifname);
	write_conf("ipv6", w->ifname, "accept_ra", "0"); /* neighbours configure nothing */
	if (!w->ip6.af)
		no_link_local(&b, index);
	begin_link(&b, "bring up the container's interface", index, true);
	add_address(&b, "give the container its IPv4 address", index, &w->ip4, w->prefix4);
	add_address(&b, "give the container its IPv6 address", index, &w->ip6, w->prefix6);
	r = nl_exchange(&b, sock, err);
	for (size_t i = 0; r == 0 && i < w->n_routes; i++) {
		b = (struct nl_batch){ 0 };
		add_route(&b, &w->routes[i], index);
		r = nl_exchange(&b, sock, err);
	}
	return r;
}

static int plug(const void *arg, int *ret_fd, struct rl_err *err)
{
	const struct wire *w = arg;
	auto_fd int sock = FD_NONE, net_sock = FD_NONE, ctr_ns = FD_NONE;
	struct nl_batch b = { 0 };
	int index, r;

	(void)ret_fd;
	sock = enter_container(w->tap, err);
	if (sock < 0)
		return sock;
	ctr_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (ctr_ns < 0)
		return rl_fail_sys(err, errno, "keep the container's network");
	r = delete_link(sock, w->ifname, err); /* of a monitor's helper that died half-way */
	if (r < 0)
		return r;
	net_sock = enter_network(w->net_fd, err);
	if (net_sock < 0)
		return net_sock;
	r = delete_link(net_sock, w->port, err); /* of a run whose namespace others still use */
	if (r < 0)
		return r;
	sweep_ports(w, net_sock);
	index = index_of(net_sock, w->bridge);
	if (index < 0)
		return rl_fail_sys(err, -index, "find the network's bridge");
	add_pair(&b, w, ctr_ns, index);
	r = nl_exchange(&b, net_sock, err);
	if (r < 0)
		return r;
	if (setns(ctr_ns, CLONE_NEWNET) < 0)
		return rl_fail_sys(err, errno, "enter the container's network");
	return set_up(w, sock, err);
}

int wire_plug(const struct wire *w, struct rl_err *err)
{
	return in_session(w->userns_fd, plug, w, NULL, err);
}

static int unplug(const void *arg, int *ret_fd, struct rl_err *err)
{
	const struct wire *w = arg;
	auto_fd int sock = enter_network(w->net_fd, err);

	(void)ret_fd;
	return sock < 0 ? sock : delete_link(sock, w->port, err);
}

int wire_unplug(int userns_fd, int net_fd, const char *port, struct rl_err *err)
{
	const struct wire w = { .net_fd = net_fd, .port = port };

	return in_session(userns_fd, unplug, &w, NULL, err);
}

/* --- the way out ---------------------------------------------------------------------------- */

struct outbound {
	int tap;
	bool on, ipv6;
	struct ip src4, src6;
};

static void default_route(struct nl_batch *b, const struct outbound *o, int index, uint8_t af)
{
	const struct rtmsg m = { .rtm_family = af,
				 .rtm_table = RT_TABLE_MAIN,
				 .rtm_protocol = RTPROT_BOOT,
				 .rtm_scope = o->on ? RT_SCOPE_UNIVERSE : RT_SCOPE_NOWHERE,
				 .rtm_type = o->on ? RTN_UNICAST : 0 };
	const uint32_t gw4 = htonl(NET_GATEWAY4);

	nl_begin(b, "set the container's default route", o->on ? NL_REQUIRED : NL_OPTIONAL,
		 o->on ? RTM_NEWROUTE : RTM_DELROUTE, o->on ? NLM_F_CREATE | NLM_F_REPLACE : 0, &m,
		 sizeof(m));
	if (af == AF_INET)
		nl_attr(b, RTA_GATEWAY, &gw4, 4);
	else
		nl_attr(b, RTA_GATEWAY, net_gateway6, 16);
	nl_attr_u32(b, RTA_OIF, (uint32_t)index);
	if (o->on && af == AF_INET && o->src4.af)
		nl_attr(b, RTA_PREFSRC, o->src4.b, 4);
	if (o->on && af == AF_INET6 && o->src6.af)
		nl_attr(b, RTA_PREFSRC, o->src6.b, 16);
}

static int set_outbound(const void *arg, int *ret_fd, struct rl_err *err)
{
	const struct outbound *o = arg;
	auto_fd int sock = enter_container(o->tap, err);
	struct nl_batch b = { 0 };
	int index;

	(void)ret_fd;
	if (sock < 0)
		return sock;
	index = index_of(sock, NET_TAP_NAME);
	if (index < 0)
		return 0; /* none: no way out to speak of */
	default_route(&b, o, index, AF_INET);
	if (o->ipv6)
		default_route(&b, o, index, AF_INET6);
	return nl_exchange(&b, sock, err);
}

int wire_outbound(int userns_fd, int tap, bool on, const struct ip *src4, const struct ip *src6,
		  bool ipv6, struct rl_err *err)
{
	const struct outbound o = { tap, on, ipv6, *src4, *src6 };

	return in_session(userns_fd, set_outbound, &o, NULL, err);
}
