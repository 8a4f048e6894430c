/* SPDX-License-Identifier: Apache-2.0 */
/* frame.c - the gate in front of libslirp, and our own datagrams; the header tells why */
#include "config.h"

#include "net/frame.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>

#include "net/addr.h"

#define ETH_LEN  14
#define IP4_LEN  20
#define IP6_LEN  40
#define IP4_DF   0x4000U
#define UDP_LEN  8
#define TCP_LEN  20 /* without options */
#define DNS_PORT 53

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

/* Datagram at @p, @len bytes of IP payload. False when it is cut. */
static bool read_udp(const uint8_t *p, size_t len, struct frame_udp *u)
{
	size_t udp_len;

	if (len < UDP_LEN)
		return false;
	u->sport = get16(p);
	u->dport = get16(p + 2);
	udp_len = get16(p + 4);
	if (udp_len < UDP_LEN || udp_len > len)
		return false;
	u->data = p + UDP_LEN;
	u->len = udp_len - UDP_LEN;
	return true;
}

/* TCP to the name server */
static enum frame_verdict check_dns_tcp(const uint8_t *p, size_t len)
{
	if (len < TCP_LEN)
		return FRAME_DROP;
	return get16(p + 2) == DNS_PORT ? FRAME_DNS_TCP : FRAME_REFUSE;
}

/*
 * Destinations that the host would take for itself or for everybody: "this network" (connecting
 * to 0.0.0.0 reaches loopback), loopback, multicast, reserved and broadcast. RFC 6890.
 */
static bool is_forbidden4(uint32_t ip)
{
	return ip >> 24 == 0 || ip >> 24 == 127 || ip >> 28 >= 14;
}

static enum frame_verdict check4(const uint8_t *ip, size_t len, struct frame_udp *u)
{
	size_t hlen, total;
	uint32_t dst;

	if (len < IP4_LEN || ip[0] >> 4 != 4)
		return FRAME_DROP;
	hlen = (ip[0] & 15U) * 4U;
	total = get16(ip + 2);
	if (hlen < IP4_LEN || total < hlen || total > len)
		return FRAME_DROP;
	dst = get32(ip + 16);
	if (is_forbidden4(dst))
		return FRAME_DROP;
	if (get16(ip + 6) & ~IP4_DF)
		return FRAME_DROP;
	if (ip[9] == IPPROTO_TCP && dst == NET_DNS4)
		return check_dns_tcp(ip + hlen, total - hlen);
	if (ip[9] == IPPROTO_TCP || ip[9] == IPPROTO_ICMP)
		return FRAME_PASS;
	if (ip[9] != IPPROTO_UDP)
		return FRAME_DROP;
	if (dst != NET_GATEWAY4 && dst != NET_DNS4)
		return FRAME_PASS;
	if (!read_udp(ip + hlen, total - hlen, u))
		return FRAME_DROP;
	if (dst == NET_DNS4 && u->dport == DNS_PORT) {
		memcpy(u->src, ip + 12, 4);
		memcpy(u->dst, ip + 16, 4);
		return FRAME_DNS;
	}
	if (dst == NET_DNS4)
		return FRAME_DROP;
	return u->dport == 67 || u->dport == 69 ? FRAME_DROP : FRAME_PASS; /* DHCP, TFTP */
}

/* ::/96 (unspecified, loopback, IPv4-compatible), ::ffff:0:0/96 (IPv4-mapped), multicast */
static bool is_forbidden6(const uint8_t *ip)
{
	static const uint8_t zero[10];

	if (memcmp(ip, zero, 10) == 0)
		return get16(ip + 10) == 0 || get16(ip + 10) == 0xffff;
	return ip[0] == 0xff;
}

static enum frame_verdict check6(const uint8_t *ip, size_t len, struct frame_udp *u)
{
	size_t total;
	uint8_t type;

	if (len < IP6_LEN || ip[0] >> 4 != 6)
		return FRAME_DROP;
	total = get16(ip + 4); /* jumbograms (0) do not fit into the MTU */
	if (total > len - IP6_LEN)
		return FRAME_DROP;
	if (ip[6] == IPPROTO_ICMPV6) {
		type = total > 0 ? ip[IP6_LEN] : 0;
		if (type == ND_NEIGHBOR_SOLICIT)
			return FRAME_PASS; /* the one multicast that has an answer */
		return type == ND_NEIGHBOR_ADVERT ||
				       (type == ICMP6_ECHO_REQUEST && !is_forbidden6(ip + 24))
			       ? FRAME_PASS
			       : FRAME_DROP;
	}
	if (is_forbidden6(ip + 24))
		return FRAME_DROP;
	if (ip[6] == IPPROTO_TCP)
		return memcmp(ip + 24, net_dns6, 16) == 0 ? check_dns_tcp(ip + IP6_LEN, total)
							  : FRAME_PASS;
	if (ip[6] != IPPROTO_UDP || !read_udp(ip + IP6_LEN, total, u))
		return FRAME_DROP;
	if (memcmp(ip + 24, net_dns6, 16) == 0 && u->dport == DNS_PORT) {
		u->is_v6 = true;
		memcpy(u->src, ip + 8, 16);
		memcpy(u->dst, ip + 24, 16);
		return FRAME_DNS;
	}
	if (memcmp(ip + 24, net_dns6, 16) == 0)
		return FRAME_DROP;
	/* the whole prefix is "the host" to libslirp */
	if (memcmp(ip + 24, net_gateway6, 8) == 0 && (u->dport == 547 || u->dport == 69))
		return FRAME_DROP;
	return FRAME_PASS;
}

enum frame_verdict frame_check(const uint8_t *frame, size_t len, bool ipv6,
			       struct frame_udp *ret_udp)
{
	struct frame_udp u = { 0 };
	enum frame_verdict v;
	uint16_t type;

	if (len < ETH_LEN)
		return FRAME_DROP;
	type = get16(frame + 12);
	if (type == ETHERTYPE_ARP)
		return FRAME_PASS;
	if (type == ETHERTYPE_IP)
		v = check4(frame + ETH_LEN, len - ETH_LEN, &u);
	else if (type == ETHERTYPE_IPV6 && ipv6)
		v = check6(frame + ETH_LEN, len - ETH_LEN, &u);
	else
		return FRAME_DROP;
	if (v == FRAME_DNS) {
		memcpy(u.mac, frame + 6, 6);
		*ret_udp = u;
	}
	return v;
}

/* Internet checksum (RFC 1071): 16-bit words added with their carries. */
static uint32_t sum(uint32_t acc, const uint8_t *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2)
		acc += get16(p);
	if (len > 0)
		acc += (uint32_t)p[0] << 8;
	return acc;
}

static uint16_t fold(uint32_t acc)
{
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return (uint16_t)~acc;
}

static void put_eth(uint8_t *out, const uint8_t *dst, const uint8_t *src, uint16_t type)
{
	memcpy(out, dst, 6);
	memcpy(out + 6, src, 6);
	put16(out + 12, type);
}

/* The header in front of @len bytes; @ip is zeroed. */
static void put_ip(uint8_t *ip, bool v6, uint8_t proto, size_t len, const uint8_t *src,
		   const uint8_t *dst)
{
	if (v6) {
		ip[0] = 0x60;
		put16(ip + 4, len);
		ip[6] = proto;
		ip[7] = 64;
		memcpy(ip + 8, src, 16);
		memcpy(ip + 24, dst, 16);
		return;
	}
	ip[0] = 0x45;
	put16(ip + 2, IP4_LEN + len);
	put16(ip + 6, IP4_DF); /* then the identification may be 0 */
	ip[8] = 64;
	ip[9] = proto;
	memcpy(ip + 12, src, 4);
	memcpy(ip + 16, dst, 4);
	put16(ip + 10, fold(sum(0, ip, IP4_LEN)));
}

size_t frame_udp_reply(const struct frame_udp *to, const uint8_t *data, size_t len, unsigned mtu,
		       uint8_t *out, size_t room)
{
	const size_t ip_len = to->is_v6 ? IP6_LEN : IP4_LEN, a = to->is_v6 ? 16 : 4;
	uint8_t *ip = out + ETH_LEN, *udp = ip + ip_len;
	size_t total = ip_len + UDP_LEN + len;
	uint16_t check;

	if (len > UINT16_MAX - IP6_LEN - UDP_LEN || total > mtu || ETH_LEN + total > room)
		return 0;
	memset(out, 0, ETH_LEN + ip_len + UDP_LEN);
	put_eth(out, to->mac, to->is_v6 ? net_dns6_mac : net_dns4_mac,
		to->is_v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	put_ip(ip, to->is_v6, IPPROTO_UDP, UDP_LEN + len, to->dst, to->src);
	put16(udp, to->dport);
	put16(udp + 2, to->sport);
	put16(udp + 4, UDP_LEN + len);
	memcpy(udp + UDP_LEN, data, len);
	/* pseudo header: both addresses, protocol, length (RFC 768, RFC 8200 section 8.1) */
	check = fold(
		sum(sum(sum(0, to->src, a), to->dst, a) + IPPROTO_UDP + (uint32_t)(UDP_LEN + len),
		    udp, UDP_LEN + len));
	put16(udp + 6, check ? check : 0xffff);
	return ETH_LEN + total;
}

/* What is behind the IP header of a frame that passed the gate. */
struct segment {
	bool v6;
	const uint8_t *src, *dst, *data;
	size_t addr_len, len;
	uint8_t proto;
};

static bool read_segment(const uint8_t *frame, size_t len, struct segment *s)
{
	const uint8_t *ip = frame + ETH_LEN;
	size_t hlen;

	if (len < ETH_LEN + IP4_LEN)
		return false;
	s->v6 = get16(frame + 12) == ETHERTYPE_IPV6;
	if (!s->v6 && get16(frame + 12) != ETHERTYPE_IP)
		return false; /* ARP */
	hlen = s->v6 ? IP6_LEN : (ip[0] & 15U) * 4U;
	if (hlen < IP4_LEN || len < ETH_LEN + hlen)
		return false;
	s->addr_len = s->v6 ? 16 : 4;
	s->src = ip + (s->v6 ? 8 : 12);
	s->dst = s->src + s->addr_len;
	s->proto = s->v6 ? ip[6] : ip[9];
	s->data = ip + hlen;
	s->len = s->v6 ? get16(ip + 4) : (size_t)get16(ip + 2) - hlen;
	return s->len <= len - ETH_LEN - hlen;
}

bool frame_to_host(const uint8_t *frame, size_t len, uint16_t *ret_port)
{
	struct segment s;

	*ret_port = 0;
	if (!read_segment(frame, len, &s))
		return false;
	if (s.v6 ? memcmp(s.dst, net_gateway6, NET_PREFIX6 / 8) != 0 ||
			    memcmp(s.dst, net_dns6, 16) == 0
		 : get32(s.dst) >> (32 - NET_PREFIX4) != NET_NETWORK4 >> (32 - NET_PREFIX4) ||
			    get32(s.dst) == NET_DNS4)
		return false;
	if (s.proto != IPPROTO_TCP && s.proto != IPPROTO_UDP)
		return false; /* echo and neighbours: libslirp answers for itself */
	if (s.len >= 4)
		*ret_port = get16(s.data + 2);
	return true;
}

size_t frame_tcp_reset(const uint8_t *frame, size_t len, uint8_t *out, size_t room)
{
	const uint8_t fin = 1, syn = 2, rst = 4, ack = 16;
	struct segment s;
	uint8_t *ip = out + ETH_LEN, *tcp;
	size_t ip_len, hlen;
	uint32_t next;

	if (!read_segment(frame, len, &s) || s.proto != IPPROTO_TCP || s.len < TCP_LEN ||
	    s.data[13] & rst || room < ETH_LEN + IP6_LEN + TCP_LEN)
		return 0;
	hlen = (s.data[12] >> 4) * 4U;
	if (hlen < TCP_LEN || hlen > s.len)
		return 0;
	ip_len = s.v6 ? IP6_LEN : IP4_LEN;
	tcp = ip + ip_len;
	memset(out, 0, ETH_LEN + ip_len + TCP_LEN);
	put_eth(out, frame + 6, frame, get16(frame + 12));
	put_ip(ip, s.v6, IPPROTO_TCP, TCP_LEN, s.dst, s.src);
	memcpy(tcp, s.data + 2, 2);
	memcpy(tcp + 2, s.data, 2);
	/* RFC 9293 section 3.10.7.1: the sender's own idea of the sequence, or an acknowledgement */
	if (s.data[13] & ack) {
		memcpy(tcp + 4, s.data + 8, 4);
		tcp[13] = rst;
	} else {
		next = get32(s.data + 4) + (uint32_t)(s.len - hlen) + !!(s.data[13] & syn) +
		       !!(s.data[13] & fin);
		put32(tcp + 8, next);
		tcp[13] = rst | ack;
	}
	tcp[12] = TCP_LEN / 4 << 4;
	put16(tcp + 16,
	      fold(sum(sum(0, s.src, 2 * s.addr_len) + IPPROTO_TCP + TCP_LEN, tcp, TCP_LEN)));
	return ETH_LEN + ip_len + TCP_LEN;
}

/* The option of a SYN that says how long a segment may be; 0: not there. RFC 9293 section 3.2 */
static uint16_t read_mss(const uint8_t *p, size_t len)
{
	while (len > 1 && p[0] != 0) {
		size_t n = p[0] == 1 ? 1 : p[1];

		if (n == 0 || n > len || (n == 1 && p[0] != 1))
			return 0;
		if (p[0] == 2 && n == 4)
			return get16(p + 2);
		p += n;
		len -= n;
	}
	return 0;
}

bool frame_tcp_read(const uint8_t *frame, size_t len, struct frame_tcp *ret)
{
	struct frame_tcp t = { 0 };
	struct segment s;
	size_t hlen;

	if (!read_segment(frame, len, &s) || s.proto != IPPROTO_TCP || s.len < TCP_LEN)
		return false;
	hlen = (s.data[12] >> 4) * 4U;
	if (hlen < TCP_LEN || hlen > s.len)
		return false;
	t.is_v6 = s.v6;
	memcpy(t.mac, frame + 6, 6);
	memcpy(t.src, s.src, s.addr_len);
	memcpy(t.dst, s.dst, s.addr_len);
	t.sport = get16(s.data);
	t.dport = get16(s.data + 2);
	t.seq = get32(s.data + 4);
	t.ack = get32(s.data + 8);
	t.flags = s.data[13];
	t.window = get16(s.data + 14);
	t.mss = t.flags & FRAME_SYN ? read_mss(s.data + TCP_LEN, hlen - TCP_LEN) : 0;
	t.data = s.data + hlen;
	t.len = s.len - hlen;
	*ret = t;
	return true;
}

size_t frame_tcp_write(const struct frame_tcp *s, uint8_t *out, size_t room)
{
	const size_t ip_len = s->is_v6 ? IP6_LEN : IP4_LEN, a = s->is_v6 ? 16 : 4;
	const size_t hlen = TCP_LEN + (s->mss ? 4 : 0), n = hlen + s->len;
	uint8_t *ip = out + ETH_LEN, *tcp = ip + ip_len;

	if (s->len > UINT16_MAX - IP6_LEN - hlen || ETH_LEN + ip_len + n > room)
		return 0;
	memset(out, 0, ETH_LEN + ip_len + hlen);
	put_eth(out, s->mac, s->is_v6 ? net_dns6_mac : net_dns4_mac,
		s->is_v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	put_ip(ip, s->is_v6, IPPROTO_TCP, n, s->src, s->dst);
	put16(tcp, s->sport);
	put16(tcp + 2, s->dport);
	put32(tcp + 4, s->seq);
	put32(tcp + 8, s->ack);
	tcp[12] = (uint8_t)(hlen / 4 << 4);
	tcp[13] = s->flags;
	put16(tcp + 14, s->window);
	if (s->mss) {
		tcp[TCP_LEN] = 2;
		tcp[TCP_LEN + 1] = 4;
		put16(tcp + TCP_LEN + 2, s->mss);
	}
	if (s->len > 0)
		memcpy(tcp + hlen, s->data, s->len);
	put16(tcp + 16,
	      fold(sum(sum(sum(0, s->src, a), s->dst, a) + IPPROTO_TCP + (uint32_t)n, tcp, n)));
	return ETH_LEN + ip_len + n;
}

bool frame_is_ack(const uint8_t *frame, size_t len)
{
	const uint8_t ack = 16;
	struct segment s;

	return len <= FRAME_ACK_MAX && read_segment(frame, len, &s) && s.proto == IPPROTO_TCP &&
	       s.len == TCP_LEN && s.data[12] >> 4 == TCP_LEN / 4 && s.data[13] == ack;
}

bool frame_ack_covers(const uint8_t *next, size_t next_len, const uint8_t *held, size_t held_len)
{
	struct segment n, h;
	uint32_t more;

	if (!read_segment(next, next_len, &n) || !read_segment(held, held_len, &h) ||
	    n.v6 != h.v6 || memcmp(n.src, h.src, 2 * n.addr_len) != 0 ||
	    memcmp(n.data, h.data, 8) != 0) /* ports and sequence */
		return false;
	more = get32(n.data + 8) - get32(h.data + 8);
	return more == 0 ? get16(n.data + 14) != get16(h.data + 14) : more < 1U << 31;
}

size_t frame_announce4(uint8_t out[FRAME_ANNOUNCE_LEN])
{
	uint8_t *arp = out + ETH_LEN;

	memset(out, 0, FRAME_ANNOUNCE_LEN);
	put_eth(out, net_gateway4_mac, net_container_mac, ETHERTYPE_ARP);
	put16(arp, 1); /* Ethernet */
	put16(arp + 2, ETHERTYPE_IP);
	arp[4] = 6;
	arp[5] = 4;
	put16(arp + 6, 2); /* reply */
	memcpy(arp + 8, net_container_mac, 6);
	put32(arp + 14, NET_CONTAINER4);
	memcpy(arp + 18, net_gateway4_mac, 6);
	put32(arp + 24, NET_GATEWAY4);
	return ETH_LEN + 28;
}

const uint8_t *frame_source6(const uint8_t *frame)
{
	const uint8_t *src = frame + ETH_LEN + 8;

	return get16(frame + 12) == ETHERTYPE_IPV6 && !is_forbidden6(src) ? src : NULL;
}

size_t frame_announce6(uint8_t out[FRAME_ANNOUNCE_LEN], const uint8_t address[16])
{
	uint8_t *ip = out + ETH_LEN, *na = ip + IP6_LEN;
	const size_t len = 24; /* without options */

	memset(out, 0, FRAME_ANNOUNCE_LEN);
	put_eth(out, net_gateway6_mac, net_container_mac, ETHERTYPE_IPV6);
	ip[0] = 0x60;
	put16(ip + 4, len);
	ip[6] = IPPROTO_ICMPV6;
	ip[7] = 255;
	memcpy(ip + 8, address, 16);
	memcpy(ip + 24, net_gateway6, 16);
	na[0] = ND_NEIGHBOR_ADVERT;
	na[4] = 0x20; /* override */
	memcpy(na + 8, address, 16);
	put16(na + 2, fold(sum(sum(0, ip + 8, 32) + IPPROTO_ICMPV6 + (uint32_t)len, na, len)));
	return ETH_LEN + IP6_LEN + len;
}
