/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tap.c - the container's end of a private network: a tap device, addressed and routed
 *
 * Theory of operation: runs in init, inside the new network namespace, where it has
 * CAP_NET_ADMIN. Everything that could make the kernel talk by itself is silenced, because the
 * monitor takes the first frame as the sign that somebody in there uses the network:
 *  - addr_gen_mode none: no link-local address, hence no router solicitation and no DAD for it;
 *  - the static IPv6 address is "nodad"; accept_ra is 0 (a frame from outside configures nothing);
 *  - gateway and DNS have permanent neighbour entries: no ARP, no neighbour solicitation;
 *  - what is left (multicast listener reports when IPv6 comes up) is dropped by a classic socket
 *    filter on the tap, which rl-net takes off (TUNDETACHFILTER) when it starts.
 * Frames sent before rl-net reads wait in the tap's queue (tx_queue_len, 500 frames here).
 *
 * The tap is made without a name clash check: the namespace is new. Requests that may fail without
 * harm (no IPv6 in the kernel) are marked NL_OPTIONAL.
 */
#include "config.h"

#include "net/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "net/addr.h"
#include "net/netlink.h"

#define LO_INDEX  1 /* loopback is the first device of every network namespace */
#define QUEUE_LEN 500

/* Does the host have an IPv6 address that is not only for itself or its link? */
static bool host_has_ipv6(void)
{
	auto_buf struct buf b = { 0 };
	struct rl_err err;
	bool usable = false;

	/* address, index, prefix length, scope (0 = global), flags, device; missing: no IPv6 */
	if (io_read_file(AT_FDCWD, "/proc/net/if_inet6", 1 << 16, &b, &err) < 0 || b.len == 0)
		return false;
	for (const char *line = b.data; line && *line && !usable;) {
		unsigned scope = 1;

		usable = sscanf(line, "%*32s %*x %*x %x", &scope) == 1 && scope == 0;
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return usable;
}

void net_config_default(struct net_config *c)
{
	*c = (struct net_config){
		.ipv6 = host_has_ipv6(), .mtu = NET_MTU, .ctr_fd = FD_NONE, .networks_fd = FD_NONE
	};
}

static void link_up(struct nl_batch *b, const char *what, int index)
{
	const struct ifinfomsg up = { .ifi_index = index,
				      .ifi_flags = IFF_UP,
				      .ifi_change = IFF_UP };

	nl_begin(b, what, NL_REQUIRED, RTM_NEWLINK, 0, &up, sizeof(up));
}

int net_loopback_up(struct rl_err *err)
{
	auto_fd int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct nl_batch b = { 0 };

	if (sock < 0)
		return rl_fail_sys(err, errno, "open a netlink socket");
	link_up(&b, "bring up the loopback device", LO_INDEX);
	return nl_exchange(&b, sock, err);
}

/* The device file and what stands in the way of it, in the user's words (F47). */
static int open_tun(int *ret_fd, struct rl_err *err)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), e = errno;

	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	rl_fail_sys(err, e, "open '/dev/net/tun' for the private network");
	if (e == EACCES || e == EPERM)
		return rl_hint(
			err, "as root: chmod 666 /dev/net/tun; or run with --network host or none");
	if (e == ENOENT || e == ENODEV || e == ENXIO)
		return rl_hint(err, "as root: modprobe tun (in an outer container: start it with "
				    "--device /dev/net/tun); or run with --network host or none");
	return -e;
}

/*
 * Nothing multicast leaves, broadcast (ARP) does: bit 0 of the first byte of the destination is
 * set for both, and only broadcast begins with 0xff.
 */
static int silence(int tap, struct rl_err *err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xff, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 1, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { .len = ARRAY_LEN(code), .filter = code };

	if (ioctl(tap, TUNATTACHFILTER, &prog) < 0)
		return rl_fail_sys(err, errno, "set the filter of '%s'", NET_TAP_NAME);
	return 0;
}

static int make_tap(int *ret_tap, int *ret_index, int sock, struct rl_err *err)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	auto_fd int tap = FD_NONE;
	int r = open_tun(&tap, err);

	if (r < 0)
		return r;
	memcpy(ifr.ifr_name, NET_TAP_NAME, sizeof(NET_TAP_NAME));
	if (ioctl(tap, TUNSETIFF, &ifr) < 0) {
		rl_fail_sys(err, errno, "make the network device '%s'", NET_TAP_NAME);
		if (err->code == EPERM)
			rl_hint(err, "a security module or an outer container forbids it; try "
				     "--network host or none");
		return -err->code;
	}
	if (ioctl(sock, SIOCGIFINDEX, &ifr) < 0)
		return rl_fail_sys(err, errno, "find the network device '%s'", NET_TAP_NAME);
	*ret_index = ifr.ifr_ifindex;
	*ret_tap = TAKE_FD(tap);
	return 0;
}

struct family {
	const char *name; /* for messages */
	uint8_t af, prefix;
	size_t len; /* bytes of an address */
	uint8_t ip[16], gateway[16], dns[16];
	const uint8_t *gateway_mac, *dns_mac;
};

static void neighbour(struct nl_batch *b, const struct family *f, enum nl_need need, int index,
		      const uint8_t *ip, const uint8_t *mac)
{
	const struct ndmsg m = { .ndm_family = f->af,
				 .ndm_ifindex = index,
				 .ndm_state = NUD_PERMANENT };

	nl_begin(b, f->name, need, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &m, sizeof(m));
	nl_attr(b, NDA_DST, ip, f->len);
	nl_attr(b, NDA_LLADDR, mac, NET_MAC_LEN);
}

/* Address, neighbours, default route. */
static void add_family(struct nl_batch *b, const struct family *f, enum nl_need need, int index)
{
	const struct ifaddrmsg a = { .ifa_family = f->af,
				     .ifa_prefixlen = f->prefix,
				     .ifa_flags = f->af == AF_INET6 ? IFA_F_NODAD : 0,
				     .ifa_index = (unsigned)index };
	const struct rtmsg route = { .rtm_family = f->af,
				     .rtm_table = RT_TABLE_MAIN,
				     .rtm_protocol = RTPROT_BOOT,
				     .rtm_scope = RT_SCOPE_UNIVERSE,
				     .rtm_type = RTN_UNICAST };

	nl_begin(b, f->name, need, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &a, sizeof(a));
	nl_attr(b, IFA_LOCAL, f->ip, f->len);
	nl_attr(b, IFA_ADDRESS, f->ip, f->len);
	neighbour(b, f, need, index, f->gateway, f->gateway_mac);
	neighbour(b, f, need, index, f->dns, f->dns_mac);
	nl_begin(b, f->name, need, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof(route));
	nl_attr(b, RTA_GATEWAY, f->gateway, f->len);
	nl_attr_u32(b, RTA_OIF, (uint32_t)index);
}

static void put4(uint8_t *p, uint32_t ip)
{
	const uint32_t be = htonl(ip);

	memcpy(p, &be, sizeof(be));
}

static int configure(const struct net_config *c, int index, int sock, struct rl_err *err)
{
	const struct ifinfomsg link = { .ifi_index = index };
	struct nl_batch b = { 0 };
	struct family f = { .name = "give the container its IPv4 address and route",
			    .af = AF_INET,
			    .prefix = NET_PREFIX4,
			    .len = 4,
			    .gateway_mac = net_gateway4_mac,
			    .dns_mac = net_dns4_mac };
	size_t spec, inet6;

	link_up(&b, "bring up the loopback device", LO_INDEX);
	/* before the device goes up; alone, because a kernel without IPv6 refuses all of it */
	nl_begin(&b, "switch off IPv6 link-local addresses", NL_OPTIONAL, RTM_NEWLINK, 0, &link,
		 sizeof(link));
	spec = nl_nest(&b, IFLA_AF_SPEC);
	inet6 = nl_nest(&b, AF_INET6);
	nl_attr_u8(&b, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nl_nest_end(&b, inet6);
	nl_nest_end(&b, spec);
	nl_begin(&b, "set up the network device '" NET_TAP_NAME "'", NL_REQUIRED, RTM_NEWLINK, 0,
		 &(struct ifinfomsg){
			 .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP },
		 sizeof(struct ifinfomsg));
	nl_attr(&b, IFLA_ADDRESS, net_container_mac, NET_MAC_LEN);
	nl_attr_u32(&b, IFLA_MTU, c->mtu);
	nl_attr_u32(&b, IFLA_TXQLEN, QUEUE_LEN);
	put4(f.ip, NET_CONTAINER4);
	put4(f.gateway, NET_GATEWAY4);
	put4(f.dns, NET_DNS4);
	add_family(&b, &f, NL_REQUIRED, index);
	if (c->ipv6) {
		f = (struct family){ .name = "give the container its IPv6 address and route",
				     .af = AF_INET6,
				     .prefix = NET_PREFIX6,
				     .len = 16,
				     .gateway_mac = net_gateway6_mac,
				     .dns_mac = net_dns6_mac };
		memcpy(f.ip, net_container6, 16);
		memcpy(f.gateway, net_gateway6, 16);
		memcpy(f.dns, net_dns6, 16);
		add_family(&b, &f, NL_OPTIONAL, index);
	}
	return nl_exchange(&b, sock, err);
}

/*
 * Router advertisements configure nothing. rtnetlink cannot say it; the file is that of our own
 * network namespace, whichever procfs it is reached through. rl-net sends none, so where the file
 * cannot be written (a read-only /proc of an outer container) nothing is lost but depth.
 */
static void refuse_advertisements(void)
{
	auto_fd int fd =
		open("/proc/sys/net/ipv6/conf/" NET_TAP_NAME "/accept_ra", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "0", 1) != 1)
		log_debug("accept_ra of '%s' stays: %s", NET_TAP_NAME, strerror(errno));
}

int net_tap_setup(const struct net_config *c, int *ret_tap, struct rl_err *err)
{
	auto_fd int sock = FD_NONE, tap = FD_NONE;
	int index, r;

	if (c->mtu < NET_MTU_MIN || c->mtu > NET_MTU)
		return rl_fail(err, EINVAL, "network MTU %u is not between %d and %d", c->mtu,
			       NET_MTU_MIN, NET_MTU);
	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (sock < 0)
		return rl_fail_sys(err, errno, "open a netlink socket");
	r = make_tap(&tap, &index, sock, err);
	if (r < 0)
		return r;
	r = silence(tap, err);
	if (r < 0)
		return r;
	refuse_advertisements();
	r = configure(c, index, sock, err);
	if (r < 0)
		return r;
	*ret_tap = TAKE_FD(tap);
	return 0;
}
