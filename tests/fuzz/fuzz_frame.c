/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_frame.c - frames of a hostile container through the gate into libslirp: no crash, and no
 * packet ever leaves for the host's loopback, whatever the frame says
 *
 * Input: frames, each with a 2-byte length in front; the first bit of it asks for right checksums,
 * or hardly one would get past the first test. Runs in a network namespace of its own in which
 * every address is local, so that connections get somewhere and the real network gets nothing;
 * where that cannot be had, the gate alone is tried. connect() and sendto() of this program stand
 * in front of the libc's for libslirp too.
 */
#include "config.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "net/frame.h"
#include "net/loop.h"
#include "net/net.h"
#include "net/netlink.h"

#define MTU 65520

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Must not: the host itself. */
static void check_destination(const struct sockaddr *a)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)a;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)a;
	uint32_t ip;

	if (a && a->sa_family == AF_INET) {
		ip = ntohl(in->sin_addr.s_addr);
		assert(ip >> 24 != 127 && ip >> 24 != 0);
	} else if (a && a->sa_family == AF_INET6) {
		assert(!IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr));
		assert(!IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr));
		assert(!IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr));
	}
}

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	check_destination(addr);
	return (int)syscall(SYS_connect, fd, addr, len);
}

ssize_t sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr,
	       socklen_t len)
{
	if (addr && addr->sa_family != AF_NETLINK)
		check_destination(addr);
	return syscall(SYS_sendto, fd, buf, n, flags, addr, len);
}

/* Before main(): the fuzzer's threads would be in the way of a new user namespace. */
static bool own_network;

__attribute__((constructor)) static void enter_own_network(void)
{
	auto_fd int sock = FD_NONE;
	const struct rtmsg all = { .rtm_family = AF_INET,
				   .rtm_table = RT_TABLE_LOCAL,
				   .rtm_protocol = RTPROT_BOOT,
				   .rtm_scope = RT_SCOPE_HOST,
				   .rtm_type = RTN_LOCAL };
	struct nl_batch b = { 0 };
	struct rl_err err;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 || net_loopback_up(&err) < 0)
		return;
	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	nl_begin(&b, "route", NL_OPTIONAL, RTM_NEWROUTE, NLM_F_CREATE, &all, sizeof(all));
	nl_attr_u32(&b, RTA_OIF, 1);
	own_network = sock >= 0 && nl_exchange(&b, sock, &err) == 0;
}

static uint32_t sum(const uint8_t *p, size_t n, uint32_t acc)
{
	for (size_t i = 0; i < n; i++)
		acc += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return acc;
}

static void put_sum(uint8_t *p, uint32_t acc)
{
	p[0] = (uint8_t)(~acc >> 8);
	p[1] = (uint8_t)~acc;
}

/* Right checksums for what claims to be TCP, UDP or ICMP, as far as the frame holds them. */
static void mend(uint8_t *f, size_t len)
{
	const bool v4 = len >= 34 && f[12] == 8 && f[13] == 0;
	const bool v6 = len >= 54 && f[12] == 0x86 && f[13] == 0xdd;
	size_t head, addrs = v4 ? 8 : 32, at, n;
	uint8_t proto, *p;

	if (!v4 && !v6)
		return;
	head = v4 ? 14 + 4U * (f[14] & 15) : 54;
	proto = f[v4 ? 23 : 20];
	at = proto == 6 ? 16 : proto == 17 ? 6 : 2;
	if (v4 && head >= 34 && head <= len) {
		f[16] = (uint8_t)((len - 14) >> 8);
		f[17] = (uint8_t)(len - 14);
		memset(f + 24, 0, 2);
		put_sum(f + 24, sum(f + 14, head - 14, 0));
	} else if (v6) {
		f[18] = (uint8_t)((len - 54) >> 8);
		f[19] = (uint8_t)(len - 54);
	}
	if (head < 34 || len < head + at + 2)
		return;
	p = f + head;
	n = len - head;
	memset(p + at, 0, 2);
	if (v4 && proto == 1)
		put_sum(p + at, sum(p, n, 0));
	else
		put_sum(p + at, sum(p, n, sum(f + (v4 ? 26 : 22), addrs, proto + (uint32_t)n)));
}

static void on_output(void *arg, const uint8_t *frame, size_t len)
{
	(void)arg;
	assert(len >= 14 && len <= MTU + 14);
	assert(!(frame[12] == 0x86 && frame[13] == 0xdd && len > 54 && frame[20] == 58 &&
		 frame[54] == 134)); /* no router advertisements */
}

/* What is taken for the host's may be refused: by a frame that fits. */
static void reset(const uint8_t *f, size_t n)
{
	uint8_t out[128];
	uint16_t port;

	if (frame_to_host(f, n, &port))
		assert(frame_tcp_reset(f, n, out, sizeof(out)) <= 74);
}

static void gate(const uint8_t *f, size_t n)
{
	struct frame_udp u;
	struct frame_tcp t;

	switch (frame_check(f, n, true, &u)) {
	case FRAME_DNS:
		assert(u.data >= f && u.data + u.len <= f + n);
		break;
	case FRAME_DNS_TCP:
		if (frame_tcp_read(f, n, &t))
			assert(t.data >= f && t.data + t.len <= f + n && t.dport == 53);
		break;
	case FRAME_DROP:
	case FRAME_PASS:
	case FRAME_REFUSE:
		break;
	}
	reset(f, n);
}

static void feed(struct loop *l, const uint8_t *data, size_t size)
{
	struct rl_err err;

	while (size > 2) {
		bool right = data[0] & 0x80;
		size_t n = (size_t)(data[0] & 0x7f) << 8 | data[1];
		uint8_t *f;

		data += 2;
		size -= 2;
		n = n < size ? n : size;
		f = malloc(n ? n : 1); /* exactly, for the sanitizer */
		assert(f);
		memcpy(f, data, n);
		if (right)
			mend(f, n);
		if (l) {
			loop_frame(l, f, n);
			assert(loop_turn(l, 0, &err) == 1);
		} else {
			gate(f, n);
		}
		free(f);
		data += n;
		size -= n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int tap[2] = { -1, -1 }, control[2];
	struct loop_config c = { .ipv6 = true, .mtu = MTU, .output = on_output };
	struct loop *l = NULL;
	struct rl_err err;

	if (tap[0] < 0) {
		assert(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, tap) == 0);
		assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
				  control) == 0);
	}
	c.tap_fd = tap[0];
	c.control_fd = control[0];
	c.reader_fd = FD_NONE;
	if (own_network)
		assert(loop_new(&c, &l, &err) == 0);
	feed(l, data, size);
	loop_free(l);
	return 0;
}
