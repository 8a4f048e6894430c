/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_net.c - rl doctor: the private network, ports, ping, and, when asked, the registries */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/doctor.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "net/net.h"
#include "storage/registries.h"

#define CONNECT_MS 5000

static void tun(struct doctor *d)
{
	struct rl_err err = { 0 };

	if (!d->has_userns) {
		doctor_skipped(d, "tun", "there is no user namespace to try it in");
	} else if (net_try(&err) == 0) {
		doctor_ok(d, "tun", "made a private network");
	} else {
		doctor_degraded(d, "tun", DOCTOR_LESS,
				kernel_outer_container() ? "the network around this container"
							 : "--network host or none",
				"%s", err.msg);
		doctor_fix(d, "%s", err.hint);
	}
}

/* Echo requests of containers go out through such a socket (icmp(7)). */
static void ping(struct doctor *d)
{
	auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);

	if (fd >= 0) {
		doctor_ok(d, "ping", "your group may send echo requests");
		return;
	}
	doctor_missing(
		d, "ping", DOCTOR_LESS,
		"containers reach nobody by ping: net.ipv4.ping_group_range does not hold your "
		"group");
	doctor_fix_sysctl(d, DOCTOR_SYSCTLS, "net.ipv4.ping_group_range", "0 2147483647");
}

static void low_ports(struct doctor *d)
{
	int64_t first = io_read_number("/proc/sys/net/ipv4/ip_unprivileged_port_start");

	if (first < 0) {
		doctor_skipped(d, "low-ports", "this kernel does not say");
		return;
	}
	doctor_ok(d, "low-ports", "ports can be published from %lld on%s",
		  (long long)(first > 0 ? first : 1), first > 80 ? ". For lower ones:" : "");
	if (first > 80)
		doctor_fix_sysctl(d, DOCTOR_LOW_PORTS, "net.ipv4.ip_unprivileged_port_start", "80");
}

/* --- registries ---------------------------------------------------------------------------- */

static int connect_one(const struct addrinfo *a)
{
	auto_fd int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int e = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	if (poll(&p, 1, CONNECT_MS) == 0)
		return -ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0 ? -errno : -e;
}

/* "host", "host:port", "[::1]:port" */
static void reach(struct doctor *d, const char *place)
{
	const struct addrinfo want = { .ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(place, ':');
	struct addrinfo *list = NULL;
	char host[256], port[16] = "443";
	int r;

	(void)doctor_begin(d, "registry", DOCTOR_LESS); /* each has its time */
	if (colon && !strchr(colon, ']'))
		(void)snprintf(port, sizeof(port), "%s", colon + 1);
	else
		colon = place + strlen(place);
	(void)snprintf(host, sizeof(host), "%.*s", (int)(colon - place - 2 * (*place == '[')),
		       place + (*place == '['));
	r = getaddrinfo(host, port, &want, &list);
	if (r != 0) {
		doctor_degraded(d, "registry", DOCTOR_LESS, "local images", "'%s': %s", place,
				gai_strerror(r));
		doctor_fix(d, "see /etc/resolv.conf, and whether the network is up");
		return;
	}
	r = -EHOSTUNREACH;
	for (const struct addrinfo *a = list; a && r < 0; a = a->ai_next)
		r = connect_one(a);
	freeaddrinfo(list);
	if (r == 0)
		doctor_ok(d, "registry", "'%s' answers on port %s", place, port);
	else
		doctor_degraded(d, "registry", DOCTOR_LESS, "local images",
				"'%s' port %s cannot be reached: %s", place, port, strerror(-r));
	if (r < 0)
		doctor_fix(d,
			   "set https_proxy if one is needed here, or a mirror in registries.conf");
}

static void reach_all(struct doctor *d, const struct registries *reg, const char *name)
{
	struct endpoint *v = calloc(ENDPOINTS_MAX, sizeof(*v));
	auto_ref struct ref ref = { 0 };
	struct rl_err err = { 0 };
	int n = v ? ref_parse(name, strlen(name), &ref, &err) : -ENOMEM;

	if (n == 0)
		n = registries_endpoints(reg, &ref, v, &err);
	if (n < 0)
		doctor_degraded(d, "registry", DOCTOR_LESS, "local images", "%s", err.msg);
	for (int i = 0; i < n; i++) {
		const char *host = v[i].ref.registry;

		reach(d, strcmp(host, "docker.io") == 0 ? "registry-1.docker.io" : host);
		ref_done(&v[i].ref);
	}
	free(v);
}

/* The one that is named by short names, with its mirrors; through a proxy only the proxy is tried. */
static void registries(struct doctor *d)
{
	auto_registries struct registries *reg = NULL;
	auto_strv struct strv names = { 0 };
	const char *proxy = getenv("https_proxy");
	struct rl_err err = { 0 };

	if (!proxy || !*proxy)
		proxy = getenv("HTTPS_PROXY");
	if (registries_exist() && registries_load(&reg, &err) < 0) {
		doctor_degraded(d, "registry", DOCTOR_LESS, "local images", "%s", err.msg);
		doctor_fix(d, "%s", err.hint);
		return;
	}
	if (proxy && *proxy) {
		const char *s = strstr(proxy, "://");
		char place[256], *at;

		s = s ? s + 3 : proxy;
		(void)snprintf(place, sizeof(place), "%.*s", (int)strcspn(s, "/"), s);
		at = strrchr(place, '@'); /* the last one: no piece of a password is printed */
		reach(d, at ? at + 1 : place);
		return;
	}
	for (size_t i = 0; reg && i < registries_search(reg)->n; i++)
		if (strv_take(&names, str_printf("%s/rl/doctor", registries_search(reg)->v[i])) < 0)
			d->oom = true;
	for (size_t i = 0; i < names.n; i++)
		reach_all(d, reg, names.v[i]);
	if (names.n == 0)
		reach_all(d, reg, "docker.io/library/doctor");
}

void doctor_net(struct doctor *d, bool ask_registries)
{
	if (doctor_begin(d, "tun", DOCTOR_LESS))
		tun(d);
	ping(d);
	low_ports(d);
	if (ask_registries && doctor_begin(d, "registry", DOCTOR_LESS))
		registries(d);
}
