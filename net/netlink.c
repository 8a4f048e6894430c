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
static int answer(const struct nl_batch *b, const struct nlmsghdr *h, struct rl_err *err)
{
	const struct nlmsgerr *e = NLMSG_DATA(h);
	size_t i = h->nlmsg_seq - 1U;

	if (h->nlmsg_type != NLMSG_ERROR || i >= b->n ||
	    h->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr)))
		return 0; /* not an answer to us */
	if (e->error != 0 && b->need[i] == NL_REQUIRED)
		return rl_fail_sys(err, -e->error, "%s", b->what[i]);
	if (e->error != 0)
		log_debug("%s: %s (ignored)", b->what[i], strerror(-e->error));
	return i == b->n - 1;
}

int nl_exchange(struct nl_batch *b, int sock, struct rl_err *err)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	_Alignas(NLMSG_ALIGNTO) uint8_t buf[8192];
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
		const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)buf;

		/* answers are queued before sendto() returns: an empty queue is a kernel bug */
		n = recv(sock, buf, sizeof(buf), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return rl_fail_sys(err, errno, "read the kernel's answer on the network");
		for (; r == 0 && NLMSG_OK(h, (size_t)n); h = NLMSG_NEXT(h, n))
			r = answer(b, h, err);
	}
	return r < 0 ? r : 0;
}
