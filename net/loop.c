/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.c - the packet loop: frames of one tap through libslirp and the DNS forwarder
 *
 * Theory of operation: one thread, one poll(). libslirp is told about frames (slirp_input) and
 * about ready sockets (slirp_pollfds_poll), and calls back with frames for the container. In each
 * turn the tap is read until it is empty (at most BATCH frames, so that sockets get their share),
 * into one buffer that is allocated once. libslirp acknowledges each of them; of acknowledgements
 * that follow each other only the last is sent, at the end of the batch: it costs the container's
 * side more than the segment itself.
 *
 * Time: libslirp wants to be called every 2 or 499 ms while it has something under way and always
 * says "within 1000 ms" otherwise. Exactly that answer with no socket to watch means that nothing
 * is under way: then we sleep without limit, and an idle network costs no wake-ups. Its only timer
 * object is the one for router advertisements; addresses are static here and the container's
 * kernel ignores them, so it is never armed.
 *
 * All sockets of libslirp are made non-blocking when it registers them: its UDP code reads after
 * poll() without asking, and a datagram with a bad checksum would stop the loop for good.
 *
 * There is no road beside this one. Sockets of the host's network, put into the container in place of
 * its own when it calls connect (seccomp user notification), reach the speed of the host but are
 * rights that cannot be taken back: whoever holds one may disconnect it (connect to AF_UNSPEC) and
 * connect it to the host's loopback or listen with it on the host, once no filter watches him (who
 * was given it over a unix socket by another container, or by a process that rl exec started) or
 * while a filter that lets connect on to the kernel is raced. A poll set made before connect loses
 * the socket, too, and a container could have no such filter of its own.
 *
 * A frame that the tap does not take (its queue is full) is dropped as a switch would; TCP sends
 * it again. A failed assertion in libslirp ends this process; the monitor starts the next one on
 * the same tap, and connections of this network alone are lost.
 */
#include "config.h"

#include "net/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/idle.h"
#include "core/base/io.h"
#include "net/addr.h"
#include "net/dns.h"
#include "net/dns_tcp.h"
#include "net/frame.h"
#include "net/pollset.h"

#define BATCH      8
#define SLIRP_IDLE 1000 /* ms: what libslirp answers when nothing is under way */

/* libslirp 4.9 renamed what deals with descriptors and deprecates the old names */
#if SLIRP_CONFIG_VERSION_MAX >= 6
#define CONFIG_LEVEL      6
#define FILL              slirp_pollfds_fill_socket
#define REGISTER_MEMBER   register_poll_socket
#define UNREGISTER_MEMBER unregister_poll_socket
#else
#define CONFIG_LEVEL      4 /* of libslirp 4.7, the oldest that configure accepts */
#define FILL              slirp_pollfds_fill
#define REGISTER_MEMBER   register_poll_fd
#define UNREGISTER_MEMBER unregister_poll_fd
#endif

struct loop {
	struct loop_config c;
	SlirpCb cb; /* libslirp keeps the pointer */
	Slirp *slirp;
	struct dns *dns;
	struct dns_tcp *dns_tcp;
	struct pollset set;
	bool watching;      /* libslirp has sockets in the set of this turn */
	uint8_t known6[16]; /* the container's address that was announced last */
	bool holding;       /* the last acknowledgement waits for one that says more */
	uint8_t held[FRAME_ACK_MAX];
	size_t held_len;
	uint8_t in[FRAME_MAX], out[FRAME_MAX];
};

static void send_frame(struct loop *l, const uint8_t *frame, size_t len)
{
	if (l->c.output) {
		l->c.output(l->c.output_arg, frame, len);
		return;
	}
	while (write(l->c.tap_fd, frame, len) < 0 && errno == EINTR)
		;
}

static void release(struct loop *l)
{
	if (l->held_len > 0)
		send_frame(l, l->held, l->held_len);
	l->held_len = 0;
}

static void output(struct loop *l, const uint8_t *frame, size_t len)
{
	const bool hold = l->holding && frame_is_ack(frame, len);

	if (l->held_len > 0 && !(hold && frame_ack_covers(frame, len, l->held, l->held_len)))
		release(l);
	if (!hold) {
		send_frame(l, frame, len);
		return;
	}
	memcpy(l->held, frame, len);
	l->held_len = len;
}

static ssize_t cb_send_packet(const void *buf, size_t len, void *opaque)
{
	output(opaque, buf, len);
	return (ssize_t)len;
}

static void cb_guest_error(const char *msg, void *opaque)
{
	(void)msg; /* the container's to cause at any rate, nobody's to read */
	(void)opaque;
}

static int64_t cb_clock_get_ns(void *opaque)
{
	struct timespec t;

	(void)opaque;
	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void *cb_timer_new(SlirpTimerCb cb, void *cb_opaque, void *opaque)
{
	(void)cb;
	(void)cb_opaque;
	return opaque; /* any non-null token: the timer is never armed */
}

static void cb_timer_free(void *timer, void *opaque)
{
	(void)timer;
	(void)opaque;
}

static void cb_timer_mod(void *timer, int64_t expire_time, void *opaque)
{
	(void)timer;
	(void)expire_time;
	(void)opaque;
}

static void cb_register_poll_fd(int fd, void *opaque)
{
	(void)opaque;
	if (fd >= 0)
		(void)fcntl(fd, F_SETFL, O_NONBLOCK); /* as good as before where it fails */
}

static void cb_unregister_poll_fd(int fd, void *opaque)
{
	(void)fd;
	(void)opaque;
}

static void cb_notify(void *opaque)
{
	(void)opaque; /* poll() is filled anew in each turn */
}

static void on_dns_reply(void *arg, const struct frame_udp *to, const uint8_t *msg, size_t len)
{
	struct loop *l = arg;
	size_t n;

	if (to->conn) {
		dns_tcp_reply(l->dns_tcp, to->conn, msg, len, now_ms());
		return;
	}
	n = frame_udp_reply(to, msg, len, l->c.mtu, l->out, sizeof(l->out));
	if (n > 0)
		output(l, l->out, n);
}

static void on_tcp_query(void *arg, const struct frame_udp *q, int64_t now)
{
	const struct loop *l = arg;

	dns_query(l->dns, q, now);
}

static void on_tcp_segment(void *arg, const struct frame_tcp *s)
{
	struct loop *l = arg;
	size_t n = frame_tcp_write(s, l->out, sizeof(l->out));

	if (n > 0)
		output(l, l->out, n);
}

static int add_poll(int fd, int events, void *opaque)
{
	struct loop *l = opaque;
	short e = 0;

	l->watching = true;
	e |= events & SLIRP_POLL_IN ? POLLIN : 0;
	e |= events & SLIRP_POLL_OUT ? POLLOUT : 0;
	e |= events & SLIRP_POLL_PRI ? POLLPRI : 0;
	return pollset_add(&l->set, fd, e); /* errors and hang-ups are always told */
}

static int get_revents(int idx, void *opaque)
{
	const struct loop *l = opaque;
	short e = pollset_events(&l->set, idx);
	int r = 0;

	r |= e & POLLIN ? SLIRP_POLL_IN : 0;
	r |= e & POLLOUT ? SLIRP_POLL_OUT : 0;
	r |= e & POLLPRI ? SLIRP_POLL_PRI : 0;
	r |= e & (POLLERR | POLLNVAL) ? SLIRP_POLL_ERR : 0;
	r |= e & POLLHUP ? SLIRP_POLL_HUP : 0;
	return r;
}

static void start_slirp(struct loop *l)
{
	SlirpConfig cfg = {
		.version = CONFIG_LEVEL,
		.in_enabled = true,
		.vnetwork.s_addr = htonl(NET_NETWORK4),
		.vnetmask.s_addr = htonl(UINT32_MAX << (32 - NET_PREFIX4)),
		.vhost.s_addr = htonl(NET_GATEWAY4),
		.vdhcp_start.s_addr = htonl(NET_CONTAINER4),
		.vnameserver.s_addr = htonl(NET_DNS4),
		.in6_enabled = l->c.ipv6,
		.vprefix_addr6.s6_addr = { 0xfd },
		.vprefix_len = NET_PREFIX6,
		.if_mtu = l->c.mtu,
		.if_mru = l->c.mtu,
		.disable_host_loopback = !l->c.host_loopback && l->c.n_host_ports == 0,
		.enable_emu = false,
		.disable_dhcp = true, /* the gate drops it as well */
		.outbound_addr = l->c.outbound4.sin_family ? &l->c.outbound4 : NULL,
		.outbound_addr6 = l->c.outbound6.sin6_family ? &l->c.outbound6 : NULL,
	};

	memcpy(&cfg.vhost6, net_gateway6, 16);
	memcpy(&cfg.vnameserver6, net_dns6, 16);
	l->cb = (SlirpCb){ .send_packet = cb_send_packet,
			   .guest_error = cb_guest_error,
			   .clock_get_ns = cb_clock_get_ns,
			   .timer_new = cb_timer_new,
			   .timer_free = cb_timer_free,
			   .timer_mod = cb_timer_mod,
			   .REGISTER_MEMBER = cb_register_poll_fd,
			   .UNREGISTER_MEMBER = cb_unregister_poll_fd,
			   .notify = cb_notify };
	l->slirp = slirp_new(&cfg, &l->cb, l);
}

static bool start_dns(struct loop *l)
{
	const struct dns_tcp_ops ops = { .query = on_tcp_query, .send = on_tcp_segment, .arg = l };
	const struct loop_config *c = &l->c;
	const uint32_t gateway = htonl(NET_GATEWAY4);

	l->dns = dns_new(c->reader_fd, c->mtu - 48U, on_dns_reply, l);
	l->dns_tcp = dns_tcp_new(&ops, c->mtu);
	if (!l->dns || !l->dns_tcp || (c->names && dns_serve_names(l->dns, c->internal) < 0))
		return false;
	dns_host(l->dns, (const uint8_t *)&gateway, c->ipv6 ? net_gateway6 : NULL);
	if (c->servers[0])
		dns_use_servers(l->dns, c->servers);
	if (c->search)
		dns_use_search(l->dns);
	return true;
}

/*
 * libslirp would ask on the tap who has the address; Linux answers for an address of another device
 * (a named network's, from which the container's connections come) to ARP, but not to IPv6.
 */
static void announce6(struct loop *l, const uint8_t ip[16])
{
	uint8_t frame[FRAME_ANNOUNCE_LEN];

	if (memcmp(l->known6, ip, 16) == 0)
		return;
	memcpy(l->known6, ip, 16);
	slirp_input(l->slirp, frame, (int)frame_announce6(frame, ip));
}

int loop_new(const struct loop_config *c, struct loop **ret, struct rl_err *err)
{
	struct loop *l = calloc(1, sizeof(*l));
	uint8_t frame[FRAME_ANNOUNCE_LEN];

	if (!l)
		return rl_oom(err);
	l->c = *c;
	start_slirp(l);
	if (!l->slirp || !start_dns(l)) {
		loop_free(l);
		return rl_fail(err, ENOMEM, "libslirp %s did not start", slirp_version_string());
	}
	/* sets its clock, which is 0 until then: what frames open now would be long out of date */
	slirp_pollfds_poll(l->slirp, 1, get_revents, l);
	/* libslirp learns where the container is, and need not ask before its first answer */
	slirp_input(l->slirp, frame, (int)frame_announce4(frame));
	if (c->ipv6)
		announce6(l, net_container6);
	*ret = l;
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	if (l->slirp)
		slirp_cleanup(l->slirp);
	dns_free(l->dns);
	dns_tcp_free(l->dns_tcp);
	free(l->set.v);
	free(l);
}

/* As a closed port would. */
static void refuse(struct loop *l, const uint8_t *frame, size_t len)
{
	size_t n = frame_tcp_reset(frame, len, l->out, sizeof(l->out));

	if (n > 0)
		output(l, l->out, n);
}

/*
 * libslirp opens all of the host's loopback or nothing. With --host-port it is told "all", and
 * what is for another port ends here: refused as a closed port would.
 */
static bool is_open(struct loop *l, const uint8_t *frame, size_t len)
{
	uint16_t port;

	if (l->c.host_loopback || l->c.n_host_ports == 0 || !frame_to_host(frame, len, &port))
		return true;
	for (size_t i = 0; i < l->c.n_host_ports; i++)
		if (l->c.host_ports[i] == port)
			return true;
	refuse(l, frame, len);
	return false;
}

void loop_frame(struct loop *l, const uint8_t *frame, size_t len)
{
	struct frame_udp u;
	struct frame_tcp t;
	enum frame_verdict v = frame_check(frame, len, l->c.ipv6, &u);
	const uint8_t *source6;

	if (l->c.internal && v == FRAME_PASS)
		v = FRAME_REFUSE;
	source6 = v == FRAME_PASS ? frame_source6(frame) : NULL;
	if (source6)
		announce6(l, source6);
	switch (v) {
	case FRAME_DROP:
		break;
	case FRAME_REFUSE:
		refuse(l, frame, len);
		break;
	case FRAME_PASS:
		if (is_open(l, frame, len))
			slirp_input(l->slirp, frame, (int)len);
		break;
	case FRAME_DNS_TCP:
		if (frame_tcp_read(frame, len, &t) && !dns_tcp_segment(l->dns_tcp, &t, now_ms()))
			refuse(l, frame, len);
		break;
	case FRAME_DNS:
		dns_query(l->dns, &u, now_ms());
		break;
	}
}

/* Frames of the container. 0, or -errno when the tap is gone. */
static int read_tap(struct loop *l)
{
	int r = 0;

	l->holding = true;
	for (int i = 0; r == 0 && i < BATCH; i++) {
		ssize_t n = read(l->c.tap_fd, l->in, sizeof(l->in));

		if (n > 0)
			loop_frame(l, l->in, (size_t)n);
		else if (n == 0)
			r = -EIO; /* no tap does that */
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			r = -errno;
	}
	l->holding = false;
	release(l);
	return r;
}

/* A message of the monitor, or its end; true for that alone. */
static bool hear(struct loop *l)
{
	char text[NET_TELL_MAX + 1];
	ssize_t n = read(l->c.control_fd, text, sizeof(text) - 1);

	if (n > 0 && text[0] == NET_TELL_SERVERS) {
		text[n] = '\0';
		dns_use_servers(l->dns, text + 1);
	}
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

int loop_turn(struct loop *l, int timeout_ms, struct rl_err *err)
{
	uint32_t wanted = SLIRP_IDLE;
	int tap, control, r;

	l->set.n = 0;
	l->watching = false;
	tap = pollset_add(&l->set, l->c.tap_fd, POLLIN);
	control = pollset_add(&l->set, l->c.control_fd, POLLIN);
	if (tap < 0 || control < 0)
		return rl_oom(err);
	FILL(l->slirp, &wanted, add_poll, l);
	if ((wanted < SLIRP_IDLE || l->watching) &&
	    (timeout_ms < 0 || wanted < (uint32_t)timeout_ms))
		timeout_ms = (int)wanted;
	dns_fill(l->dns, &l->set, &timeout_ms, now_ms());
	dns_tcp_fill(l->dns_tcp, &timeout_ms, now_ms());
	r = idle_poll(l->set.v, (nfds_t)l->set.n, timeout_ms);
	if (r < 0)
		return errno == EINTR ? 1 : rl_fail_sys(err, errno, "wait for packets");
	if (pollset_events(&l->set, control) && hear(l))
		return 0;
	/* first, because it sets libslirp's clock: a frame is judged by the time of its arrival */
	slirp_pollfds_poll(l->slirp, 0, get_revents, l);
	dns_handle(l->dns, &l->set, now_ms());
	dns_tcp_handle(l->dns_tcp, now_ms());
	if (pollset_events(&l->set, tap)) {
		r = read_tap(l);
		if (r < 0)
			return rl_fail_sys(err, -r, "read from the container's network device");
	}
	return 1;
}

int loop_run(struct loop *l, struct rl_err *err)
{
	int r;

	do
		r = loop_turn(l, -1, err);
	while (r > 0);
	return r;
}
