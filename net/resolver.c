/* SPDX-License-Identifier: Apache-2.0 */
/* resolver.c - the reader of the host's resolv.conf, and its syntax; the header is the manual */
#include "config.h"

#include "net/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/idle.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "core/base/proc.h"
#include "net/endpoint.h"
#include "net/jail.h"
#include "net/lease.h"
#include "net/network.h"

/* "eth0" or "3" behind the '%' of a link-local address; 0 when there is none. */
static uint32_t scope_id(const char *name)
{
	struct ifreq ifr = { 0 };
	auto_fd int fd = FD_NONE;
	uint64_t number;
	size_t n = strlen(name);

	if (parse_uint(name, UINT32_MAX, &number) == 0)
		return (uint32_t)number;
	if (n == 0 || n >= sizeof(ifr.ifr_name))
		return 0;
	memcpy(ifr.ifr_name, name, n);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd >= 0 && ioctl(fd, SIOCGIFINDEX, &ifr) == 0 ? (uint32_t)ifr.ifr_ifindex : 0;
}

/* Address as text of @len bytes; false when it is none. */
static bool parse_server(const char *s, size_t len, union resolv_addr *ret)
{
	union resolv_addr a = { 0 };
	char text[INET6_ADDRSTRLEN + IFNAMSIZ + 1], *percent;

	if (len == 0 || len >= sizeof(text))
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	percent = strchr(text, '%');
	if (percent)
		*percent++ = '\0';
	if (!percent && inet_pton(AF_INET, text, &a.in.sin_addr) == 1) {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons(53);
		/* 0.0.0.0 is a way to write "this machine" */
	} else if (inet_pton(AF_INET6, text, &a.in6.sin6_addr) == 1) {
		a.in6.sin6_family = AF_INET6;
		a.in6.sin6_port = htons(53);
		a.in6.sin6_scope_id = percent ? scope_id(percent) : 0;
	} else {
		return false;
	}
	*ret = a;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Behind @word and blanks; NULL when the line does not begin with it. */
static const char *value_of(const char *line, const char *end, const char *word)
{
	const size_t n = strlen(word);

	if ((size_t)(end - line) <= n || memcmp(line, word, n) != 0 || !is_blank(line[n]))
		return NULL;
	for (line += n; line < end && is_blank(*line);)
		line++;
	return line;
}

static const char *word_end(const char *s, const char *end)
{
	while (s < end && !is_blank(*s))
		s++;
	return s;
}

/* A domain of a search list: what can stand in a query, without the dot at its end. */
static size_t domain_len(const char *s, size_t n)
{
	size_t label = 0;

	if (n > 0 && s[n - 1] == '.')
		n--;
	if (n == 0 || n > 253)
		return 0;
	for (size_t i = 0; i <= n; i++) {
		if (i < n && s[i] != '.') {
			if (s[i] <= ' ' || s[i] == 127 || ++label > 63)
				return 0;
		} else {
			if (label == 0)
				return 0;
			label = 0;
		}
	}
	return n;
}

static void parse_search(const char *s, const char *end, struct resolv_servers *ret)
{
	size_t at = 0;

	for (const char *e; s < end; s = e) {
		size_t n;

		e = word_end(s, end);
		n = domain_len(s, (size_t)(e - s));
		if (n > 0 && at + n + 1 <= RESOLV_SEARCH_MAX) {
			memcpy(ret->search + at, s, n);
			at += n;
			ret->search[at++] = ' ';
		}
		while (e < end && is_blank(*e))
			e++;
	}
	ret->search[at] = '\0';
}

static void parse_options(const char *s, const char *end, struct resolv_servers *ret)
{
	for (const char *e; s < end; s = e) {
		unsigned n = 0;

		e = word_end(s, end);
		if (e - s > 6 && memcmp(s, "ndots:", 6) == 0) {
			for (s += 6; s < e && *s >= '0' && *s <= '9' && n <= RESOLV_NDOTS_MAX; s++)
				n = 10 * n + (unsigned)(*s - '0');
			ret->ndots = n < RESOLV_NDOTS_MAX ? n : RESOLV_NDOTS_MAX;
		}
		while (e < end && is_blank(*e))
			e++;
	}
}

void resolv_parse(const char *text, size_t len, struct resolv_servers *ret)
{
	const char *all = text + len;

	ret->n = 0;
	ret->ndots = 1;
	ret->search[0] = '\0';
	while (text < all) {
		const char *end = memchr(text, '\n', (size_t)(all - text)), *v;

		end = end ? end : all;
		v = value_of(text, end, "nameserver");
		if (v && ret->n < RESOLV_SERVERS_MAX &&
		    parse_server(v, (size_t)(word_end(v, end) - v), &ret->v[ret->n]))
			ret->n++;
		v = value_of(text, end, "search");
		v = v ? v : value_of(text, end, "domain");
		if (v)
			parse_search(v, end, ret);
		v = value_of(text, end, "options");
		if (v)
			parse_options(v, end, ret);
		text = end < all ? end + 1 : all;
	}
}

size_t resolv_search(const struct resolv_servers *s, size_t i, const char **ret)
{
	const char *p = s->search;

	while (i-- > 0 && *p)
		p = strchr(p, ' ') + 1;
	*ret = p;
	return strcspn(p, " ");
}

static size_t read_all(int fd, char *out, size_t room)
{
	size_t n = 0;
	ssize_t r = 1;

	while (r > 0 && n < room) {
		r = read(fd, out + n, room - n);
		if (r < 0 && errno == EINTR)
			r = 1;
		else if (r > 0)
			n += (size_t)r;
	}
	return n;
}

static ssize_t read_conf(char *out, size_t room)
{
	/* O_NONBLOCK: a FIFO in its place must not hang us */
	auto_fd int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? 0 : (ssize_t)read_all(fd, out, room);
}

struct batch {
	char text[RESOLV_MESSAGE_MAX];
	size_t len;
	int fds[PROC_FDS_MAX];
	size_t n;
};

static void send_batch(int sock, struct batch *b, char kind)
{
	b->text[0] = kind;
	if (fd_send(sock, b->text, b->len, b->fds, b->n) < 0)
		_exit(0);
	while (b->n > 0)
		(void)close(b->fds[--b->n]);
	b->len = 1;
}

/* The leases of one network, unless it has no names. */
static void add_network(int sock, int networks_fd, const char *name, size_t len, struct batch *b)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	char path[NETWORK_NAME_MAX + sizeof(LEASE_FILE) + sizeof(NETWORK_NO_DNS)];
	int fd;

	if (len == 0 || len > NETWORK_NAME_MAX || name[0] == '.' || memchr(name, '/', len))
		return;
	(void)snprintf(path, sizeof(path), "%.*s/" NETWORK_NO_DNS, (int)len, name);
	fd = openat(networks_fd, path, flags);
	if (fd >= 0) {
		(void)close(fd);
		return;
	}
	(void)snprintf(path, sizeof(path), "%.*s/" LEASE_FILE, (int)len, name);
	fd = openat(networks_fd, path, flags);
	if (fd < 0)
		return;
	if (b->n == PROC_FDS_MAX)
		send_batch(sock, b, RESOLV_MORE);
	b->fds[b->n++] = fd;
	memcpy(b->text + b->len, name, len);
	b->len += len;
	b->text[b->len++] = '\n';
}

static void send_names(int sock, int ctr_fd, int networks_fd)
{
	static char list[ENDPOINTS_FILE_MAX / 16];
	static struct batch b;
	int fd = openat(ctr_fd, CONTAINER_NETWORKS, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	size_t n = 0;

	b.len = 1;
	if (fd >= 0) {
		n = read_all(fd, list, sizeof(list));
		(void)close(fd);
	}
	for (const char *line = list; n > 0;) {
		const char *end = memchr(line, '\n', n), *blank;
		size_t len = end ? (size_t)(end - line) : n;

		blank = memchr(line, ' ', len);
		if (blank)
			add_network(sock, networks_fd, line, (size_t)(blank - line), &b);
		line += len + (end ? 1 : 0);
		n -= len + (end ? 1 : 0);
	}
	send_batch(sock, &b, RESOLV_LAST);
}

/* The folders of containers lie side by side. */
static void send_runs(int sock, int ctr_fd, const char *id, size_t len)
{
	char path[3 + LEASE_ID_LEN + sizeof("/lock")];
	bool runs = false;
	int fd;

	if (len == LEASE_ID_LEN && strspn(id, "0123456789abcdef") == len) {
		(void)snprintf(path, sizeof(path), "../%.*s/lock", LEASE_ID_LEN, id);
		fd = openat(ctr_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		runs = fd >= 0 && io_lock_holder(fd) != 0;
		fd_close(fd);
	}
	if (send(sock, runs ? RESOLV_RUNS : RESOLV_RUNS_NOT, 2, MSG_NOSIGNAL) < 0)
		_exit(0);
}

static _Noreturn void reader(int sock, int ctr_fd, int networks_fd)
{
	char text[1 + RESOLV_TEXT_MAX] = "+", ask[1 + LEASE_ID_LEN + 1];
	struct pollfd f = { .fd = sock, .events = POLLIN };

	for (;;) {
		ssize_t n = idle_poll(&f, 1, -1);

		if (n >= 0)
			n = recv(sock, ask, sizeof(ask) - 1, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(0);
		if (ask[0] == RESOLV_ASK_NAMES[0] && ctr_fd >= 0) {
			send_names(sock, ctr_fd, networks_fd);
			continue;
		}
		if (ask[0] == RESOLV_ASK_RUNS && ctr_fd >= 0) {
			ask[n] = '\0';
			send_runs(sock, ctr_fd, ask + 1, (size_t)n - 1);
			continue;
		}
		n = read_conf(text + 1, RESOLV_TEXT_MAX);
		if (send(sock, text, (size_t)n + 1, MSG_NOSIGNAL) < 0)
			_exit(0);
	}
}

/* These three become 3, 4 and 5, and nothing else stays. */
static void keep_fds(int sock, int ctr_fd, int networks_fd)
{
	const bool names = ctr_fd >= 0;
	int own = fcntl(sock, F_DUPFD_CLOEXEC, 10);
	int ctr = names ? fcntl(ctr_fd, F_DUPFD_CLOEXEC, 10) : FD_NONE;
	int networks = names ? fcntl(networks_fd, F_DUPFD_CLOEXEC, 10) : FD_NONE;

	if (dup2(own, 3) < 0 || (names && (dup2(ctr, 4) < 0 || dup2(networks, 5) < 0)))
		_exit(1);
	proc_close_range(names ? 6 : 4, ~0U);
}

int resolv_reader_start(int ctr_fd, int networks_fd, int *ret_fd, struct rl_err *err)
{
	auto_fd int ours = FD_NONE, theirs = FD_NONE;
	pid_t parent = getpid(), pid;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return rl_fail_sys(err, errno, "start the reader of resolv.conf");
	ours = pair[0];
	theirs = pair[1];
	if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
		return rl_fail_sys(err, errno, "start the reader of resolv.conf");
	pid = fork();
	if (pid < 0)
		return rl_fail_sys(err, errno, "start the reader of resolv.conf");
	if (pid > 0) {
		*ret_fd = TAKE_FD(ours);
		return 0;
	}
	/* the tap above all must not stay open here, or it would outlive the container */
	keep_fds(theirs, ctr_fd, networks_fd);
	/* nor a mount stay busy because of where rl was called */
	if (chdir("/") < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	if (jail_reader(err) < 0)
		_exit(1);
	reader(3, ctr_fd < 0 ? FD_NONE : 4, 5);
}
