/* SPDX-License-Identifier: Apache-2.0 */
/* dns_ask.c - one query to one server; the header is the manual. Source: RFC 1035 section 4.2 */
#include "config.h"

#include "net/dns_ask.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/cleanup.h"
#include "net/dns.h"

#define STREAM_MAX (2 + UINT16_MAX)

bool dns_ask_open(struct dns_ask *a, const union resolv_addr *to, bool tcp, const uint8_t *query,
		  size_t len)
{
	const bool v4 = to->sa.sa_family == AF_INET;
	auto_fd int fd = socket(to->sa.sa_family,
				(tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*a = (struct dns_ask){ .fd = FD_NONE, .poll = -1, .tcp = tcp };
	if (fd < 0 || (connect(fd, &to->sa, v4 ? sizeof(to->in) : sizeof(to->in6)) < 0 &&
		       !(tcp && errno == EINPROGRESS)))
		return false;
	if (!tcp) {
		if (send(fd, query, len, MSG_NOSIGNAL) != (ssize_t)len)
			return false;
		a->is_sent = true;
	}
	a->fd = TAKE_FD(fd);
	return true;
}

short dns_ask_events(const struct dns_ask *a)
{
	return a->is_sent ? POLLIN : POLLOUT;
}

/* The connection stands, or has failed. */
static int send_query(struct dns_ask *a, const uint8_t *query, size_t len)
{
	uint8_t msg[2 + DNS_QUERY_MAX];
	ssize_t n;

	msg[0] = (uint8_t)(len >> 8);
	msg[1] = (uint8_t)len;
	memcpy(msg + 2, query, len);
	/* a fresh connection takes it whole */
	n = send(a->fd, msg, 2 + len, MSG_NOSIGNAL);
	if (n != (ssize_t)(2 + len))
		return n < 0 ? -errno : -EIO;
	a->is_sent = true;
	return -EAGAIN;
}

static ssize_t receive_stream(struct dns_ask *a, uint8_t *out, size_t room)
{
	ssize_t got;
	size_t want;

	if (!a->buf)
		a->buf = malloc(STREAM_MAX);
	if (!a->buf)
		return -ENOMEM;
	got = recv(a->fd, a->buf + a->n, STREAM_MAX - a->n, MSG_DONTWAIT);
	if (got <= 0)
		return got == 0 ? -EPIPE : errno == EINTR ? -EAGAIN : -errno;
	a->n += (size_t)got;
	want = a->n < 2 ? STREAM_MAX : 2 + ((size_t)a->buf[0] << 8 | a->buf[1]);
	if (a->n < want)
		return -EAGAIN;
	want -= 2;
	if (want > room)
		return -EMSGSIZE;
	memcpy(out, a->buf + 2, want);
	return (ssize_t)want;
}

ssize_t dns_ask_receive(struct dns_ask *a, const uint8_t *query, size_t len, uint8_t *out,
			size_t room)
{
	ssize_t n;

	if (!a->is_sent)
		return send_query(a, query, len);
	if (a->tcp)
		return receive_stream(a, out, room);
	n = recv(a->fd, out, room, MSG_DONTWAIT);
	return n >= 0 ? n : errno == EINTR ? -EAGAIN : -errno;
}

void dns_ask_close(struct dns_ask *a)
{
	fd_close(a->fd);
	free(a->buf);
	a->fd = FD_NONE;
	a->buf = NULL;
}
