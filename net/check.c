/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.c - does the network of a container work
 *
 * Theory of operation: the child enters the container's user and network namespaces and reads what
 * the kernel says about addresses and routes; then its mount namespace, for the one file
 * /etc/resolv.conf; then it gives up all rights but internet sockets, speaks to strangers, and
 * sends a struct of fixed size to the parent, which believes nothing but its numbers.
 *
 * Threat: the container answers as a name server, or its resolv.conf is a device or a link.
 * Defence: an ordinary file, bounded, and a filter on system calls before the first packet.
 */
#include "config.h"

#include "net/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/proc.h"
#include "core/sandbox.h"
#include "net/dns.h"
#include "net/resolver.h"

#define REPORT_MS 20000
#define PROC_MAX  (1U << 20)

static uint64_t micros_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static socklen_t len_of(const union resolv_addr *a)
{
	return a->sa.sa_family == AF_INET ? sizeof(a->in) : sizeof(a->in6);
}

static void print_addr(const union resolv_addr *a, char *out, size_t room)
{
	const void *raw = a->sa.sa_family == AF_INET ? (const void *)&a->in.sin_addr
						     : (const void *)&a->in6.sin6_addr;

	if (!inet_ntop(a->sa.sa_family, raw, out, (socklen_t)room))
		out[0] = '\0';
}

/* --- what is configured ---------------------------------------------------------------------- */

static int prefix_of(const struct sockaddr *mask)
{
	const uint8_t *p = mask->sa_family == AF_INET
				   ? (const uint8_t *)&((const struct sockaddr_in *)mask)->sin_addr
				   : ((const struct sockaddr_in6 *)mask)->sin6_addr.s6_addr;
	int n = 0;

	for (int i = 0; i < (mask->sa_family == AF_INET ? 4 : 16); i++)
		n += __builtin_popcount(p[i]);
	return n;
}

static void get_addresses(struct net_report *out)
{
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *i = all; i && out->n_addresses < CHECK_ITEMS; i = i->ifa_next) {
		char text[INET6_ADDRSTRLEN];
		union resolv_addr a = { 0 };

		if (!i->ifa_addr || !i->ifa_netmask || i->ifa_flags & IFF_LOOPBACK ||
		    (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		memcpy(&a, i->ifa_addr,
		       i->ifa_addr->sa_family == AF_INET ? sizeof(a.in) : sizeof(a.in6));
		print_addr(&a, text, sizeof(text));
		(void)snprintf(out->addresses[out->n_addresses++], CHECK_TEXT, "%s/%d %.15s", text,
			       prefix_of(i->ifa_netmask), i->ifa_name);
	}
	freeifaddrs(all);
}

static void add_route(struct net_report *out, const union resolv_addr *gateway, const char *device,
		      union resolv_addr *gateways)
{
	char text[INET6_ADDRSTRLEN];

	if (out->n_routes == CHECK_ITEMS)
		return;
	print_addr(gateway, text, sizeof(text));
	(void)snprintf(out->routes[out->n_routes++], CHECK_TEXT, "default via %s dev %.15s", text,
		       device);
	gateways[out->n_gateways] = *gateway;
	(void)snprintf(out->gateways[out->n_gateways++].what, CHECK_TEXT, "%s", text);
}

/* Default routes. /proc/self/net shows the network namespace that we are in (proc(5)). */
static void get_routes4(struct net_report *out, union resolv_addr *gateways)
{
	auto_buf struct buf b = { 0 };
	struct rl_err err;

	if (io_read_file(AT_FDCWD, "/proc/self/net/route", PROC_MAX, &b, &err) < 0 || !b.data)
		return;
	for (const char *line = b.data; line; line = strchr(line, '\n')) {
		union resolv_addr a = { .in = { .sin_family = AF_INET } };
		char device[16];
		unsigned to, gateway;

		line += *line == '\n';
		if (sscanf(line, "%15s %8x %8x", device, &to, &gateway) != 3 || to != 0)
			continue;
		a.in.sin_addr.s_addr = gateway; /* printed as the bytes lie in memory */
		add_route(out, &a, device, gateways);
	}
}

static void get_routes6(struct net_report *out, union resolv_addr *gateways)
{
	auto_buf struct buf b = { 0 };
	struct rl_err err;

	if (io_read_file(AT_FDCWD, "/proc/self/net/ipv6_route", PROC_MAX, &b, &err) < 0 || !b.data)
		return; /* a kernel without IPv6 */
	for (const char *line = b.data; line; line = strchr(line, '\n')) {
		union resolv_addr a = { .in6 = { .sin6_family = AF_INET6 } };
		char hex[33], device[16];
		unsigned prefix;

		line += *line == '\n';
		if (sscanf(line, "%*32s %x %*32s %*x %32s %*x %*x %*x %*x %15s", &prefix, hex,
			   device) != 3 ||
		    prefix != 0 || strlen(hex) != 32 || strspn(hex, "0") == 32)
			continue;
		for (size_t i = 0; i < 16; i++) {
			unsigned byte = 0;

			(void)sscanf(hex + 2 * i, "%2x", &byte); /* what is no digit stays 0 */
			a.in6.sin6_addr.s6_addr[i] = (uint8_t)byte;
		}
		add_route(out, &a, device, gateways);
	}
}

/* Of the container's own tree; nothing in there is trusted to be what it should be. */
static void get_resolvers(struct resolv_servers *servers)
{
	auto_fd int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char text[RESOLV_TEXT_MAX];
	struct stat st;
	ssize_t n;

	servers->n = 0;
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	n = io_read_full(fd, text, sizeof(text));
	if (n > 0)
		resolv_parse(text, (size_t)n, servers);
}

/* --- whether it answers ---------------------------------------------------------------------- */

static int connected(const union resolv_addr *to, int type, int protocol)
{
	auto_fd int fd = socket(to->sa.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	if (fd < 0 || (connect(fd, &to->sa, len_of(to)) < 0 && errno != EINPROGRESS))
		return -errno;
	return TAKE_FD(fd);
}

/* 0 when @events come in time, or -errno */
static int wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	int r, e = 0;
	socklen_t len = sizeof(e);

	do
		r = poll(&p, 1, CHECK_WAIT_MS);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return -ETIMEDOUT;
	return r < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0 ? -errno : -e;
}

/* An echo, by a socket that needs no rights (net.ipv4.ping_group_range). */
static int echo(const union resolv_addr *to)
{
	const bool v4 = to->sa.sa_family == AF_INET;
	const uint8_t ask[16] = { v4 ? ICMP_ECHO : 128 /* RFC 4443 section 4.1 */ };
	uint8_t answer[256];
	auto_fd int fd = connected(to, SOCK_DGRAM, v4 ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6);
	int r;

	if (fd < 0)
		return fd;
	if (send(fd, ask, sizeof(ask), MSG_NOSIGNAL) < 0)
		return -errno;
	r = wait_for(fd, POLLIN);
	if (r == 0 && recv(fd, answer, sizeof(answer), MSG_DONTWAIT) < 0)
		r = -errno;
	return r;
}

/* Ask one server; bytes of the answer or -errno. */
static int ask(const union resolv_addr *server, const char *name, uint16_t type, uint8_t *answer,
	       size_t room)
{
	uint8_t query[DNS_QUERY_MAX];
	size_t n = dns_make_query(name, type, query, sizeof(query));
	auto_fd int fd = connected(server, SOCK_DGRAM, 0);
	ssize_t len;
	int r;

	if (fd < 0)
		return fd;
	if (n == 0)
		return -EINVAL;
	if (getrandom(query, 2, 0) != 2 || send(fd, query, n, MSG_NOSIGNAL) < 0)
		return -errno;
	r = wait_for(fd, POLLIN);
	if (r < 0)
		return r;
	len = recv(fd, answer, room, MSG_DONTWAIT);
	if (len < 0)
		return -errno;
	return dns_is_answer(query, n, answer, (size_t)len) ? (int)len : -EBADMSG;
}

/* Any word from it will do, but "I could not": the host has no way to its own servers then. */
static int try_resolver(const union resolv_addr *server)
{
	uint8_t answer[4096];
	int n = ask(server, ".", 2 /* NS */, answer, sizeof(answer));

	if (n < 0)
		return n;
	return (answer[3] & 15) == DNS_SERVFAIL ? -EHOSTUNREACH : 0;
}

static int look_up(const struct resolv_servers *servers, const char *name, union resolv_addr *ret)
{
	static const uint16_t types[] = { 1, 28 }; /* A, AAAA */
	uint8_t answer[4096], raw[16];

	for (size_t i = 0; i < 2; i++)
		for (size_t s = 0; s < servers->n; s++) {
			int n = ask(&servers->v[s], name, types[i], answer, sizeof(answer));
			size_t len =
				n > 0 ? dns_first_address(answer, (size_t)n, types[i], raw) : 0;

			if (len == 4) {
				ret->in.sin_family = AF_INET;
				memcpy(&ret->in.sin_addr, raw, 4);
			} else if (len == 16) {
				ret->in6.sin6_family = AF_INET6;
				memcpy(&ret->in6.sin6_addr, raw, 16);
			}
			if (len > 0)
				return 0;
		}
	return -ENOENT;
}

static int try_target(const struct resolv_servers *servers, const char *target, uint16_t port,
		      struct net_probe *out)
{
	union resolv_addr a = { 0 };
	char text[INET6_ADDRSTRLEN];
	auto_fd int fd = FD_NONE;
	int r = 0;

	if (inet_pton(AF_INET, target, &a.in.sin_addr) == 1)
		a.in.sin_family = AF_INET;
	else if (inet_pton(AF_INET6, target, &a.in6.sin6_addr) == 1)
		a.in6.sin6_family = AF_INET6;
	else
		r = look_up(servers, target, &a);
	if (r < 0)
		return r;
	a.in.sin_port = htons(port); /* at the same place in both */
	print_addr(&a, text, sizeof(text));
	(void)snprintf(out->what, sizeof(out->what),
		       a.sa.sa_family == AF_INET ? "%s:%u" : "[%s]:%u", text, port);
	fd = connected(&a, SOCK_STREAM, 0);
	return fd < 0 ? fd : wait_for(fd, POLLOUT);
}

static void note(struct net_probe *p, uint64_t began, int r)
{
	p->code = -r;
	p->micros = (uint32_t)(micros_now() - began);
}

/* --- child and parent ------------------------------------------------------------------------ */

static const struct sandbox_call calls[] = {
#ifdef SYS_poll
	SANDBOX_CALL(poll),
#endif
	SANDBOX_CALL(ppoll),
	SANDBOX_CALL(connect),
	SANDBOX_CALL(sendto),
	SANDBOX_CALL(recvfrom),
	SANDBOX_CALL(getsockopt),
	SANDBOX_CALL(close),
	SANDBOX_CALL(getrandom),
	SANDBOX_CALL(exit_group),
	SANDBOX_CALL(clock_gettime),
	SANDBOX_CALL(write),
	SANDBOX_WHEN(socket, SANDBOX_IS(0, AF_INET)),
	SANDBOX_WHEN(socket, SANDBOX_IS(0, AF_INET6)),
	SANDBOX_END,
};

static void look(int pidfd, bool own_net, const char *target, uint16_t port, struct net_report *out)
{
	union resolv_addr gateways[CHECK_ITEMS];
	struct resolv_servers servers = { 0 };
	struct rl_err err;

	if (setns(pidfd, CLONE_NEWUSER | (own_net ? CLONE_NEWNET : 0)) < 0) {
		out->failed = errno;
		return;
	}
	get_addresses(out);
	get_routes4(out, gateways);
	get_routes6(out, gateways);
	if (setns(pidfd, CLONE_NEWNS) < 0) {
		out->failed = errno;
		return;
	}
	get_resolvers(&servers);
	if (sandbox_enter(&(struct sandbox){ .calls = { calls }, .other = SANDBOX_KILL }, &err) <
	    0) {
		out->failed = err.code;
		return;
	}
	for (uint32_t i = 0; i < out->n_gateways; i++) {
		uint64_t began = micros_now();

		note(&out->gateways[i], began, echo(&gateways[i]));
	}
	for (size_t i = 0; i < servers.n; i++) {
		struct net_probe *p = &out->resolvers[out->n_resolvers++];
		uint64_t began = micros_now();

		print_addr(&servers.v[i], p->what, sizeof(p->what));
		note(p, began, try_resolver(&servers.v[i]));
	}
	if (target) {
		uint64_t began = micros_now();

		out->has_target = true;
		note(&out->target, began, try_target(&servers, target, port, &out->target));
	}
}

static _Noreturn void child(int pidfd, bool own_net, const char *target, uint16_t port, int to,
			    pid_t parent)
{
	struct net_report *out = calloc(1, sizeof(*out));

	if (!out || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		_exit(1);
	look(pidfd, own_net, target, port, out);
	_exit(io_write_all(to, out, sizeof(*out)) < 0);
}

/* Text of a child is not believed to end. */
static void end_texts(struct net_report *r)
{
	for (size_t i = 0; i < CHECK_ITEMS; i++) {
		r->addresses[i][CHECK_TEXT - 1] = r->routes[i][CHECK_TEXT - 1] = '\0';
		r->gateways[i].what[CHECK_TEXT - 1] = r->resolvers[i].what[CHECK_TEXT - 1] = '\0';
	}
	r->target.what[CHECK_TEXT - 1] = '\0';
}

int net_check(int pidfd, bool own_net, const char *target, uint16_t port, struct net_report *ret,
	      struct rl_err *err)
{
	auto_fd int from = FD_NONE, to = FD_NONE, done = FD_NONE;
	pid_t parent = getpid(), pid;
	int fds[2], status = 0, r;
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return rl_fail_sys(err, errno, "pipe");
	from = fds[0];
	to = fds[1];
	pid = fork();
	if (pid == 0)
		child(pidfd, own_net, target, port, to, parent);
	if (pid < 0)
		return rl_fail_sys(err, errno, "fork");
	fd_close(TAKE_FD(to));
	n = io_read_full(from, ret, sizeof(*ret)); /* each wait of the child has its end */
	done = proc_pidfd_open(pid);
	r = done < 0 ? done : proc_wait(done, pid, REPORT_MS, &status);
	if (r < 0 || n != sizeof(*ret))
		return rl_fail(err, EIO, "the look into the network ended early (status %d)",
			       status);
	if (ret->n_addresses > CHECK_ITEMS || ret->n_routes > CHECK_ITEMS ||
	    ret->n_gateways > CHECK_ITEMS || ret->n_resolvers > CHECK_ITEMS)
		return rl_fail(err, EPROTO, "the look into the network brought nonsense");
	end_texts(ret);
	return ret->failed ? rl_fail_sys(err, ret->failed, "enter the container's network") : 0;
}
