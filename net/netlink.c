/* SPDX-License-Identifier: Apache-2.0 */
/* netlink.c - many rtnetlink requests in one exchange; the header is the manual */
#include "config.h"

#include "net/netlink.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/log.h"

static struct nlmsghdr *current(struct nl_batch *b)
{
	return (struct nlmsghdr *)(void *)(b->buf + b->start);
}

/* Room for @n bytes, zeroed (also the padding behind); NULL when full. */
static uint8_t *grow(struct nl_batch *b, size_t n)
{
	size_t padded = NLMSG_ALIGN(n);
	uint8_t *p = b->buf + b->len;

	if (b->overflow || n > NL_ROOM || padded > sizeof(b->buf) - b->len) {
		b->overflow = true;
		return NULL;
	}
	memset(p, 0, padded);
	b->len += padded;
	current(b)->nlmsg_len = (uint32_t)(b->len - b->start);
	return p;
}

void nl_begin(struct nl_batch *b, const char *what, enum nl_need need, uint16_t type,
	      uint16_t flags, const void *hdr, size_t hdr_len)
{
	struct nlmsghdr *h;
	uint8_t *p;

	if (b->n >= NL_REQUESTS_MAX || sizeof(b->buf) - b->len < NLMSG_HDRLEN)
		b->overflow = true;
	if (b->overflow)
		return;
	b->start = b->len;
	h = (struct nlmsghdr *)(void *)grow(b, NLMSG_HDRLEN);
	if (!h)
		return;
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = (uint32_t)b->n + 1;
	b->what[b->n] = what;
	b->need[b->n++] = need;
	p = grow(b, hdr_len);
	if (p)
		memcpy(p, hdr, hdr_len);
}

void nl_attr(struct nl_batch *b, uint16_t type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)(void *)grow(b, RTA_LENGTH(len));

	if (!a)
		return;
	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	if (len > 0)
		memcpy(RTA_DATA(a), data, len);
}

void nl_attr_u32(struct nl_batch *b, uint16_t type, uint32_t v)
{
	nl_attr(b, type, &v, sizeof(v));
}

void nl_attr_u8(struct nl_batch *b, uint16_t type, uint8_t v)
{
	nl_attr(b, type, &v, sizeof(v));
}

void nl_zeros(struct nl_batch *b, size_t len)
{
	(void)grow(b, len); /* overflow is seen by nl_exchange() */
}

size_t nl_nest(struct nl_batch *b, uint16_t type)
{
	size_t at = b->len;

	nl_attr(b, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void nl_nest_end(struct nl_batch *b, size_t nest)
{
	struct rtattr *a = (struct rtattr *)(void *)(b->buf + nest);

	if (!b->overflow)
		a->rta_len = (unsigned short)(b->len - nest);
}

/* One answer of the kernel. 1 = it was for the last request, 0 = go on, or -errno. */
static int answer(const struct nl_batch *b, const struct nlmsghdr *h, int error, struct rl_err *err)
{
	size_t i = h->nlmsg_seq - 1U;

	if (i >= b->n)
		return 0; /* not an answer to us */
	if (error != 0 && b->need[i] == NL_REQUIRED)
		return rl_fail_sys(err, -error, "%s", b->what[i]);
	if (error != 0)
		log_debug("%s: %s (ignored)", b->what[i], strerror(-error));
	return i == b->n - 1;
}

/* All answers in one message of @n bytes; result as above. */
static int answers(const struct nl_batch *b, const uint8_t *buf, size_t n, struct rl_err *err)
{
	int r = 0;

	for (size_t at = 0; r == 0 && n - at >= NLMSG_HDRLEN;) {
		struct nlmsghdr h;
		int error; /* first member of struct nlmsgerr */

		memcpy(&h, buf + at, sizeof(h));
		if (h.nlmsg_len < NLMSG_HDRLEN || h.nlmsg_len > n - at)
			break;
		if (h.nlmsg_type == NLMSG_ERROR && h.nlmsg_len >= NLMSG_HDRLEN + sizeof(error)) {
			memcpy(&error, buf + at + NLMSG_HDRLEN, sizeof(error));
			r = answer(b, &h, error, err);
		}
		at += NLMSG_ALIGN(h.nlmsg_len);
		if (at > n)
			break;
	}
	return r;
}

int nl_exchange(struct nl_batch *b, int sock, struct rl_err *err)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	uint8_t buf[8192];
	ssize_t n;
	int r = 0;

	if (b->overflow || b->n == 0)
		return rl_fail(err, ENOBUFS, "too many network requests at once");
	current(b)->nlmsg_flags |= NLM_F_ACK; /* errors come for every request, success for this */
	do
		n = sendto(sock, b->buf, b->len, 0, (const struct sockaddr *)&kernel,
			   sizeof(kernel));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return rl_fail_sys(err, errno, "ask the kernel to set up the network");
	while (r == 0) {
		/* answers are queued before sendto() returns: an empty queue is a kernel bug */
		n = recv(sock, buf, sizeof(buf), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return rl_fail_sys(err, errno, "read the kernel's answer on the network");
		r = answers(b, buf, (size_t)n, err);
	}
	return r < 0 ? r : 0;
}
