/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - rl-net: the packet loop of one private network
 *
 *	rl-net [--ipv6] [--host-loopback] [--host-port N]... [--outbound ADDRESS]... --mtu N
 *		[--internal] [--names] [--search] [--server ADDRESS]...
 *
 * Protocol: descriptor 3 is the container's tap (non-blocking), 4 the control socket
 * (SOCK_SEQPACKET) whose other end only the monitor holds; with --names 5 is the container's folder
 * and 6 that of all networks, for the reader of resolver.h alone. The helper ends with status 0 when the
 * control socket closes, however the monitor ended; until then it may be told other name servers there
 * (NET_TELL_SERVERS). Before any other end it sends a message with
 * the reason on the control socket (net_why() reads the last one). Standard error goes the same way
 * once the packets flow: the last words of a failed assertion in libslirp arrive, and warnings
 * that a container provokes fill that socket's buffer and nothing else. It is started when the first frame
 * waits in the tap, and may be started again on the same tap after a crash.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/parse.h"
#include "net/addr.h"
#include "net/jail.h"
#include "net/loop.h"
#include "net/resolver.h"

#define TAP_FD      3
#define CONTROL_FD  4
#define CTR_FD      5
#define NETWORKS_FD 6

static int outbound(struct loop_config *c, const char *text, struct rl_err *err)
{
	if (inet_pton(AF_INET, text, &c->outbound4.sin_addr) == 1)
		c->outbound4.sin_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &c->outbound6.sin6_addr) == 1)
		c->outbound6.sin6_family = AF_INET6;
	else
		return rl_fail(err, EINVAL, "bad address '%s'", text);
	return 0;
}

static int host_port(struct loop_config *c, const char *text, struct rl_err *err)
{
	uint64_t n;

	if (c->n_host_ports == NET_HOST_PORTS_MAX || parse_uint(text, 65535, &n) < 0)
		return rl_fail(err, EINVAL, "bad port '%s'", text);
	c->host_ports[c->n_host_ports++] = (uint16_t)n;
	return 0;
}

static int server(struct loop_config *c, const char *text, struct rl_err *err)
{
	const size_t n = strlen(c->servers), room = sizeof(c->servers) - n;
	uint8_t raw[16];

	if (inet_pton(AF_INET, text, raw) != 1 && inet_pton(AF_INET6, text, raw) != 1)
		return rl_fail(err, EINVAL, "bad address '%s'", text);
	if ((size_t)snprintf(c->servers + n, room, "nameserver %s\n", text) >= room)
		return rl_fail(err, E2BIG, "too many name servers");
	return 0;
}

static int parse_args(char **argv, struct loop_config *c, struct rl_err *err)
{
	int r = 0;

	for (size_t i = 1; r == 0 && argv[i]; i++) {
		uint64_t mtu;

		if (strcmp(argv[i], "--ipv6") == 0) {
			c->ipv6 = true;
		} else if (strcmp(argv[i], "--host-loopback") == 0) {
			c->host_loopback = true;
		} else if (strcmp(argv[i], "--internal") == 0) {
			c->internal = true;
		} else if (strcmp(argv[i], "--names") == 0) {
			c->names = true;
		} else if (strcmp(argv[i], "--search") == 0) {
			c->search = true;
		} else if (strcmp(argv[i], "--server") == 0 && argv[i + 1]) {
			r = server(c, argv[++i], err);
		} else if (strcmp(argv[i], "--mtu") == 0 && argv[i + 1]) {
			if (parse_uint(argv[++i], NET_MTU, &mtu) < 0 || mtu < NET_MTU_MIN)
				return rl_fail(err, EINVAL, "bad MTU '%s'", argv[i]);
			c->mtu = (unsigned)mtu;
		} else if (strcmp(argv[i], "--outbound") == 0 && argv[i + 1]) {
			r = outbound(c, argv[++i], err);
		} else if (strcmp(argv[i], "--host-port") == 0 && argv[i + 1]) {
			r = host_port(c, argv[++i], err);
		} else {
			return rl_fail(err, EINVAL, "unknown argument '%s'", argv[i]);
		}
	}
	return r;
}

/* The descriptors we were given: present, non-blocking, and for nobody else. */
static int check_fds(struct rl_err *err)
{
	static const int fds[] = { TAP_FD, CONTROL_FD };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		int flags = fcntl(fds[i], F_GETFL);

		if (flags < 0 || fcntl(fds[i], F_SETFL, flags | O_NONBLOCK) < 0 ||
		    fcntl(fds[i], F_SETFD, FD_CLOEXEC) < 0) {
			rl_fail_sys(err, errno, "descriptor %d", fds[i]);
			return rl_hint(err, "rl-net is a helper that rl starts by itself");
		}
	}
	return 0;
}

static int serve(char **argv, struct rl_err *err)
{
	struct loop_config c = {
		.mtu = NET_MTU, .tap_fd = TAP_FD, .control_fd = CONTROL_FD, .reader_fd = FD_NONE
	};
	struct loop *l;
	int r = parse_args(argv, &c, err);

	if (r < 0)
		return r;
	r = check_fds(err);
	if (r < 0)
		return r;
	/* it silenced the tap until we came (tap.c); a tap without filter says EINVAL */
	(void)ioctl(TAP_FD, TUNDETACHFILTER, &(struct sock_fprog){ 0 });
	r = jail_leave_root(err);
	if (r < 0)
		return r;
	r = jail_limits(err);
	if (r < 0)
		return r;
	r = resolv_reader_start(c.names ? CTR_FD : FD_NONE, NETWORKS_FD, &c.reader_fd, err);
	if (r < 0)
		return r;
	if (c.names) {
		(void)close(CTR_FD); /* the reader has them, this process shall not */
		(void)close(NETWORKS_FD);
	}
	r = jail_enter(err);
	if (r < 0)
		return r;
	if (dup3(CONTROL_FD, STDERR_FILENO, O_CLOEXEC) < 0)
		return rl_fail_sys(err, errno, "redirect standard error");
	r = loop_new(&c, &l, err);
	if (r < 0)
		return r;
	return loop_run(l, err); /* the kernel takes everything back faster than we could */
}

int main(int argc, char **argv)
{
	struct rl_err err;

	(void)argc;
	if (serve(argv, &err) == 0)
		_exit(0);
	rl_report(&err); /* for a person who runs this by hand */
	(void)send(CONTROL_FD, err.msg, strlen(err.msg), MSG_NOSIGNAL | MSG_DONTWAIT);
	_exit(1);
}
