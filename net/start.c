/* SPDX-License-Identifier: Apache-2.0 */
/* start.c - run and end the helper rl-net; the headers net.h and main.c tell the protocol */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "net/addr.h"
#include "net/net.h"
#include "net/network.h"
#include "net/publish.h"
#include "net/resolver.h"

#define STOP_MS 1000

int net_start(const struct net_config *c, int tap, struct net_helper *ret, struct rl_err *err)
{
	auto_free char *path = proc_find_own("rl-net", err);
	auto_fd int ours = FD_NONE, theirs = FD_NONE;
	const char *argv[20 + 2 * (NET_HOST_PORTS_MAX + NET_SERVERS_MAX)];
	const bool names = c->ctr_fd >= 0 && c->networks_fd >= 0;
	char mtu[16], ports[NET_HOST_PORTS_MAX][8];
	size_t n = 0;
	int pair[2], r;

	if (!path)
		return -err->code;
	(void)snprintf(mtu, sizeof(mtu), "%u", c->mtu);
	argv[n++] = path;
	argv[n++] = "--mtu";
	argv[n++] = mtu;
	if (c->ipv6)
		argv[n++] = "--ipv6";
	if (c->host_loopback)
		argv[n++] = "--host-loopback";
	if (c->outbound4[0]) {
		argv[n++] = "--outbound";
		argv[n++] = c->outbound4;
	}
	if (c->outbound6[0]) {
		argv[n++] = "--outbound";
		argv[n++] = c->outbound6;
	}
	for (size_t i = 0; i < c->n_host_ports; i++) {
		(void)snprintf(ports[i], sizeof(ports[i]), "%u", c->host_ports[i]);
		argv[n++] = "--host-port";
		argv[n++] = ports[i];
	}
	for (size_t i = 0; i < c->n_servers; i++) {
		argv[n++] = "--server";
		argv[n++] = c->servers[i];
	}
	if (c->internal)
		argv[n++] = "--internal";
	if (names)
		argv[n++] = "--names";
	if (c->search)
		argv[n++] = "--search";
	argv[n] = NULL;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return rl_fail_sys(err, errno, "start '%s': socketpair", path);
	ours = pair[0];
	theirs = pair[1];

	const struct proc_fd fds[] = {
		{ tap, 3 }, { theirs, 4 }, { c->ctr_fd, 5 }, { c->networks_fd, 6 }
	};
	const struct proc_spec spec = {
		.argv = argv, .fds = fds, .n_fds = names ? 4 : 2, .join_userns = FD_NONE
	};

	r = proc_spawn(&spec, &ret->pid, &ret->pidfd, err);
	if (r < 0)
		return r;
	ret->control_fd = TAKE_FD(ours);
	return 0;
}

void net_tell_servers(const struct net_helper *h, const struct net_config *c)
{
	char text[NET_TELL_MAX] = { NET_TELL_SERVERS };
	size_t n = 1;

	for (size_t i = 0; i < c->n_servers; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "nameserver %s\n", c->servers[i]);
	if (h->pid > 0 && send(h->control_fd, text, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("the packet loop is not told its name servers: %s", strerror(errno));
}

/* One message; false when there is none. A single byte that is no character is the status. */
static bool hear(struct net_helper *h, char *text, size_t room)
{
	char msg[512];
	ssize_t n = recv(h->control_fd, msg, sizeof(msg), MSG_DONTWAIT);

	/* a peer that died with unread messages: told once, in front of what it had sent */
	if (n < 0 && errno == ECONNRESET)
		n = recv(h->control_fd, msg, sizeof(msg), MSG_DONTWAIT);
	if (n == 1 && msg[0] & PUBLISH_STATUS) {
		h->status = (unsigned char)msg[0];
		return true;
	}
	while (n > 0 && msg[n - 1] == '\n')
		n--;
	if (n > 0) /* else the end of a line that came by itself */
		(void)snprintf(text, room, "%.*s", (int)n, msg);
	return n > 0;
}

int net_why(struct net_helper *h, char *text, size_t room)
{
	text[0] = '\0';
	while (h->pid > 0 && hear(h, text, room))
		;
	return text[0] ? 0 : -ENODATA;
}

unsigned publish_status(struct net_helper *h)
{
	char first;

	/* last words stay where net_why() will look for them */
	if (h->pid > 0 && recv(h->control_fd, &first, 1, MSG_DONTWAIT | MSG_PEEK) == 1 &&
	    first & PUBLISH_STATUS)
		(void)hear(h, &first, 0);
	return h->status;
}

int net_stop(struct net_helper *h)
{
	int status = 0;

	if (h->pid <= 0)
		return 0;
	fd_close(h->control_fd);
	if (proc_wait(h->pidfd, h->pid, STOP_MS, &status) == -ETIMEDOUT) {
		(void)proc_pidfd_signal(h->pidfd, SIGKILL); /* it may be leaving just now */
		RL_IGNORE(proc_wait(h->pidfd, h->pid, STOP_MS, &status)); /* killed: it ends */
	}
	fd_close(h->pidfd);
	*h = (struct net_helper){ 0 };
	return status;
}

static bool is_plain(const char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < 0x20 && *line != '\t')
			return false;
	return true;
}

/*
 * The host's search list and options mean the same to its resolver when a container asks. What says
 * that the way to the name server cannot be tampered with is meant for the host's programs alone.
 */
static bool is_for_containers(const char *line)
{
	if (!is_plain(line))
		return false;
	if (strncmp(line, "search ", 7) == 0)
		return strcmp(line, "search .") != 0;
	return strncmp(line, "domain ", 7) == 0 ||
	       (strncmp(line, "options ", 8) == 0 && !strstr(line, "trust-ad"));
}

static int add_host_lines(struct buf *out, bool search)
{
	auto_free char *path = realpath("/etc/resolv.conf", NULL); /* often a link */
	auto_buf struct buf host = { 0 };
	struct rl_err err;
	int r = 0;

	if (!path || io_read_file(AT_FDCWD, path, RESOLV_TEXT_MAX, &host, &err) < 0)
		return 0; /* nothing to take over */
	for (char *line = host.data, *next; r == 0 && line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (is_for_containers(line) && (search || line[0] == 'o'))
			r = buf_printf(out, "%s\n", line);
	}
	return r;
}

char *net_resolv_conf(const struct net_config *c)
{
	auto_buf struct buf out = { 0 };

	if (add_host_lines(&out, !c->search) < 0 ||
	    buf_printf(&out, "nameserver %s\n%s", NET_DNS4_TEXT,
		       c->ipv6 ? "nameserver " NET_DNS6_TEXT "\n" : "") < 0)
		return NULL;
	return buf_take(&out);
}
