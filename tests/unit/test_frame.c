/* SPDX-License-Identifier: Apache-2.0 */
/* test_frame.c - net/frame: what passes the gate, what must not, and datagrams that come back */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/cleanup.h"
#include "net/addr.h"
#include "net/frame.h"

#define UDP 17
#define TCP 6

static void put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* An IPv4 frame with 8 bytes of header behind it and @data bytes of content. */
static size_t make4(uint8_t *f, uint32_t dst, uint8_t proto, uint16_t dport, size_t data)
{
	memset(f, 0, 256);
	memcpy(f, net_gateway4_mac, 6);
	memcpy(f + 6, net_container_mac, 6);
	put16(f + 12, 0x0800);
	f[14] = 0x45;
	put16(f + 16, 20 + 8 + data);
	f[14 + 9] = proto;
	memcpy(f + 26, (const uint8_t[]){ 10, 0, 2, 100 }, 4);
	put16(f + 30, dst >> 16);
	put16(f + 32, dst & 0xffff);
	put16(f + 34, 4321);
	put16(f + 36, dport);
	put16(f + 38, 8 + data);
	return 14 + 20 + 8 + data;
}

static size_t make6(uint8_t *f, const uint8_t dst[16], uint8_t next, uint16_t dport, size_t data)
{
	memset(f, 0, 256);
	memcpy(f + 6, net_container_mac, 6);
	put16(f + 12, 0x86dd);
	f[14] = 0x60;
	put16(f + 18, 8 + data);
	f[20] = next;
	memcpy(f + 22, net_container6, 16);
	memcpy(f + 38, dst, 16);
	put16(f + 54, 4321);
	put16(f + 56, dport);
	put16(f + 58, 8 + data);
	return 14 + 40 + 8 + data;
}

static void test_ipv4_destinations(void **state)
{
	static const struct {
		uint32_t dst;
		enum frame_verdict verdict;
	} cases[] = {
		{ 0x08080808, FRAME_PASS },   { 0xc0a80001, FRAME_PASS },
		{ NET_GATEWAY4, FRAME_PASS }, { 0x7f000001, FRAME_DROP },
		{ 0x7fffffff, FRAME_DROP },   { 0x7f000035, FRAME_DROP },
		{ 0x00000000, FRAME_DROP },   { 0x00000001, FRAME_DROP },
		{ 0xffffffff, FRAME_DROP },   { 0xe00000fb, FRAME_DROP },
		{ 0xf0000001, FRAME_DROP },   { 0x80000001, FRAME_PASS },
		{ 0x7effffff, FRAME_PASS },
	};
	static const uint8_t protocols[] = { 1, TCP, UDP };
	struct frame_udp u;
	uint8_t f[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t j = 0; j < ARRAY_LEN(protocols); j++)
			assert_int_equal(frame_check(f,
						     make4(f, cases[i].dst, protocols[j], 80, 10),
						     true, &u),
					 cases[i].verdict);
}

static void test_ipv6_destinations(void **state)
{
	static const struct {
		uint8_t dst[16];
		enum frame_verdict verdict;
	} cases[] = {
		{ { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }, FRAME_PASS },
		{ { 0xfd, [15] = 2 }, FRAME_PASS }, /* libslirp refuses it, with an answer */
		{ { [15] = 1 }, FRAME_DROP },
		{ { 0 }, FRAME_DROP },
		{ { [10] = 0xff, 0xff, 127, 0, 0, 1 }, FRAME_DROP },
		{ { [10] = 0xff, 0xff, 8, 8, 8, 8 }, FRAME_DROP },
		{ { [12] = 127, 0, 0, 1 }, FRAME_DROP },
		{ { 0xff, 0x02, [15] = 1 }, FRAME_DROP },
	};
	struct frame_udp u;
	uint8_t f[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(frame_check(f, make6(f, cases[i].dst, UDP, 80, 10), true, &u),
				 cases[i].verdict);
		assert_int_equal(frame_check(f, make6(f, cases[i].dst, TCP, 80, 10), true, &u),
				 cases[i].verdict);
		assert_int_equal(frame_check(f, make6(f, cases[i].dst, TCP, 80, 10), false, &u),
				 FRAME_DROP); /* no IPv6 on this network */
	}
}

static void test_what_nobody_needs(void **state)
{
	static const uint8_t host[16] = { 0xfd, [15] = 2 };
	struct frame_udp u;
	uint8_t f[256];
	size_t n;

	(void)state;
	/* DHCP, TFTP, DHCPv6 */
	assert_int_equal(frame_check(f, make4(f, NET_GATEWAY4, UDP, 67, 9), true, &u), FRAME_DROP);
	assert_int_equal(frame_check(f, make4(f, NET_GATEWAY4, UDP, 69, 9), true, &u), FRAME_DROP);
	assert_int_equal(frame_check(f, make6(f, host, UDP, 69, 9), true, &u), FRAME_DROP);
	assert_int_equal(frame_check(f, make6(f, host, UDP, 547, 9), true, &u), FRAME_DROP);
	/* SCTP, IGMP, GRE, IPv6 in IPv4 */
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(frame_check(f,
					     make4(f, 0x08080808,
						   (const uint8_t[]){ 132, 2, 47, 41 }[i], 80, 9),
					     true, &u),
				 FRAME_DROP);
	/* router solicitation and advertisement, redirect */
	for (uint8_t type = 133; type <= 137; type += 2) {
		n = make6(f, host, 58, 0, 16);
		f[54] = type == 135 ? 134 : type;
		assert_int_equal(frame_check(f, n, true, &u), FRAME_DROP);
	}
	/* NC-SI, VLAN, nothing */
	n = make4(f, 0x08080808, TCP, 80, 9);
	put16(f + 12, 0x88f8);
	assert_int_equal(frame_check(f, n, true, &u), FRAME_DROP);
	put16(f + 12, 0x8100);
	assert_int_equal(frame_check(f, n, true, &u), FRAME_DROP);
	put16(f + 12, 0x0806);
	assert_int_equal(frame_check(f, n, true, &u), FRAME_PASS);
	for (size_t len = 0; len < 14; len++)
		assert_int_equal(frame_check(f, len, true, &u), FRAME_DROP);
}

static void test_dns_is_picked_out(void **state)
{
	struct frame_udp u = { 0 };
	uint8_t f[256];
	size_t n = make4(f, NET_DNS4, UDP, 53, 20);

	(void)state;
	assert_int_equal(frame_check(f, n, true, &u), FRAME_DNS);
	assert_false(u.is_v6);
	assert_int_equal(u.sport, 4321);
	assert_int_equal(u.len, 20);
	assert_ptr_equal(u.data, f + 42);
	assert_memory_equal(u.mac, net_container_mac, 6);
	assert_int_equal(frame_check(f, make6(f, net_dns6, UDP, 53, 20), true, &u), FRAME_DNS);
	assert_true(u.is_v6);
	assert_memory_equal(u.src, net_container6, 16);
	/* nothing of it is libslirp's; other servers are the internet */
	assert_int_equal(frame_check(f, make4(f, NET_DNS4, UDP, 54, 9), true, &u), FRAME_DROP);
	assert_int_equal(frame_check(f, make6(f, net_dns6, UDP, 54, 20), true, &u), FRAME_DROP);
	assert_int_equal(frame_check(f, make4(f, NET_DNS4, TCP, 54, 20), true, &u), FRAME_REFUSE);
	assert_int_equal(frame_check(f, make6(f, net_dns6, TCP, 54, 20), true, &u), FRAME_REFUSE);
	assert_int_equal(frame_check(f, make4(f, NET_DNS4, TCP, 53, 20), true, &u), FRAME_DNS_TCP);
	assert_int_equal(frame_check(f, make6(f, net_dns6, TCP, 53, 20), true, &u), FRAME_DNS_TCP);
	assert_int_equal(frame_check(f, make4(f, NET_DNS4, TCP, 53, 9), true, &u), FRAME_DROP);
	assert_int_equal(frame_check(f, make4(f, 0x08080808, UDP, 53, 9), true, &u), FRAME_PASS);
}

/* More to come, an offset, the reserved bit: libslirp would put all of these together. */
static void test_no_fragments(void **state)
{
	static const uint8_t protocols[] = { 1, TCP, UDP };
	struct frame_udp u;
	uint8_t f[256];
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
		n = make4(f, 0x08080808, protocols[i], 80, 20);
		for (unsigned bit = 0; bit < 16; bit++) {
			put16(f + 20, 1U << bit);
			assert_int_equal(frame_check(f, n, true, &u),
					 bit == 14 ? FRAME_PASS : FRAME_DROP);
		}
	}
}

static void test_lengths_that_lie(void **state)
{
	struct frame_udp u;
	uint8_t f[256];
	size_t n = make4(f, NET_DNS4, UDP, 53, 20);

	(void)state;
	for (size_t cut = 14; cut < n; cut++)
		assert_int_equal(frame_check(f, cut, true, &u), FRAME_DROP);
	put16(f + 38, 29); /* UDP longer than IP */
	assert_int_equal(frame_check(f, n, true, &u), FRAME_DROP);
	put16(f + 38, 7);
	assert_int_equal(frame_check(f, n, true, &u), FRAME_DROP);
	put16(f + 38, 28);
	f[14] = 0x4f; /* header longer than the packet */
	assert_int_equal(frame_check(f, n, true, &u), FRAME_DROP);
	f[14] = 0x44;
	assert_int_equal(frame_check(f, n, true, &u), FRAME_DROP);
	f[14] = 0x65;
	assert_int_equal(frame_check(f, n, true, &u), FRAME_DROP);
	n = make6(f, net_dns6, UDP, 53, 20);
	for (size_t cut = 14; cut < n; cut++)
		assert_int_equal(frame_check(f, cut, true, &u), FRAME_DROP);
}

/* Ones' complement sum over bytes; a block with a right checksum in it gives 0xffff. */
static uint32_t sum(const uint8_t *p, size_t n, uint32_t acc)
{
	for (size_t i = 0; i < n; i++)
		acc += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return acc;
}

static void test_replies(void **state)
{
	static const uint8_t data[5] = "hello";
	struct frame_udp u = { 0 };
	uint8_t f[256], out[256];
	size_t n;

	(void)state;
	assert_int_equal(frame_check(f, make4(f, NET_DNS4, UDP, 53, 20), true, &u), FRAME_DNS);
	n = frame_udp_reply(&u, data, 5, 1500, out, sizeof(out));
	assert_int_equal(n, 14 + 28 + 5);
	assert_memory_equal(out, net_container_mac, 6);
	assert_memory_equal(out + 30, f + 26, 4); /* to where it came from */
	assert_memory_equal(out + 26, f + 30, 4);
	assert_memory_equal(out + 36, f + 34, 2);
	assert_memory_equal(out + 42, data, 5);
	assert_int_equal(sum(out + 14, 20, 0), 0xffff);
	assert_int_equal(sum(out + 26, n - 26, UDP + 13), 0xffff);

	assert_int_equal(frame_check(f, make6(f, net_dns6, UDP, 53, 20), true, &u), FRAME_DNS);
	n = frame_udp_reply(&u, data, 5, 1500, out, sizeof(out));
	assert_int_equal(n, 14 + 48 + 5);
	assert_memory_equal(out + 38, f + 22, 16);
	assert_int_equal(sum(out + 22, n - 22, UDP + 13), 0xffff);
	/* too long for the buffer or the MTU */
	assert_int_equal(frame_udp_reply(&u, data, 5, 1500, out, n - 1), 0);
	assert_int_equal(frame_udp_reply(&u, data, 5, 52, out, sizeof(out)), 0);
	assert_int_equal(frame_udp_reply(&u, data, SIZE_MAX, 1500, out, sizeof(out)), 0);
}

static void test_announcements(void **state)
{
	uint8_t out[FRAME_ANNOUNCE_LEN];
	size_t n = frame_announce4(out);

	(void)state;
	assert_int_equal(n, 42);
	assert_memory_equal(out + 28, ((const uint8_t[]){ 10, 0, 2, 100 }), 4);
	n = frame_announce6(out, net_container6);
	assert_int_equal(n, 78);
	assert_memory_equal(out + 62, net_container6, 16);
	assert_int_equal(sum(out + 22, n - 22, 58 + 24), 0xffff);
}

/* A segment without data: sequence, acknowledgement, flags, window. */
static size_t make_ack(uint8_t *f, bool v6, uint32_t seq, uint32_t ack, uint8_t flags, uint16_t win)
{
	const size_t n =
		v6 ? make6(f, net_gateway6, TCP, 80, 12) : make4(f, 0x08080808, TCP, 80, 12);
	uint8_t *tcp = f + n - 20;

	put16(tcp + 4, seq >> 16);
	put16(tcp + 6, seq & 0xffff);
	put16(tcp + 8, ack >> 16);
	put16(tcp + 10, ack & 0xffff);
	tcp[12] = 0x50;
	tcp[13] = flags;
	put16(tcp + 14, win);
	return n;
}

static void test_acknowledgements_that_cover_others(void **state)
{
	uint8_t a[256], b[256];
	size_t n;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		n = make_ack(a, v6, 7, 0xffffff00, 16, 100);
		assert_true(frame_is_ack(a, n));
		make_ack(b, v6, 7, 0x10, 16, 100); /* further, over the end of the numbers */
		assert_true(frame_ack_covers(b, n, a, n));
		assert_false(frame_ack_covers(a, n, b, n));
		make_ack(b, v6, 7, 0xffffff00, 16, 200); /* the window opens */
		assert_true(frame_ack_covers(b, n, a, n));
		assert_false(frame_ack_covers(a, n, a, n)); /* a repetition */
		make_ack(b, v6, 8, 0x10, 16, 100);          /* something was sent between them */
		assert_false(frame_ack_covers(b, n, a, n));
		make_ack(b, v6, 7, 0x10, 16, 100);
		b[n - 19] ^= 1; /* another port */
		assert_false(frame_ack_covers(b, n, a, n));
		assert_false(frame_is_ack(b, n - 1));
		for (int flag = 1; flag < 256; flag <<= 1) { /* fin, syn, rst, psh, urg... */
			make_ack(b, v6, 7, 0x10, (uint8_t)(16 ^ flag), 100);
			assert_false(frame_is_ack(b, n));
		}
	}
	make_ack(a, true, 7, 1, 16, 100);
	make_ack(b, false, 7, 2, 16, 100);
	assert_false(frame_ack_covers(b, 54, a, 74));
	n = make4(a, 0x08080808, TCP, 80, 13); /* with a byte of data */
	a[14 + 20 + 12] = 0x50;
	a[14 + 20 + 13] = 16;
	assert_false(frame_is_ack(a, n));
	assert_false(frame_is_ack(a, make4(a, 0x08080808, UDP, 80, 12)));
}

static void test_what_is_for_the_host(void **state)
{
	uint8_t f[256], out[128];
	uint16_t port;
	size_t n;

	(void)state;
	assert_true(frame_to_host(f, make4(f, NET_GATEWAY4, TCP, 5432, 20), &port));
	assert_int_equal(port, 5432);
	assert_true(frame_to_host(f, make4(f, NET_GATEWAY4 + 40, UDP, 53, 9), &port));
	assert_false(frame_to_host(f, make4(f, NET_DNS4, TCP, 53, 20), &port));
	assert_false(frame_to_host(f, make4(f, 0x08080808, TCP, 53, 20), &port));
	assert_false(frame_to_host(f, make4(f, NET_GATEWAY4, 1, 0, 20), &port)); /* echo */
	assert_true(frame_to_host(f, make6(f, net_gateway6, TCP, 80, 20), &port));
	assert_int_equal(port, 80);
	assert_false(frame_to_host(f, make6(f, net_dns6, UDP, 53, 20), &port));

	/* a SYN of sequence 7: reset, acknowledging 8 */
	n = make4(f, NET_GATEWAY4, TCP, 5432, 12);
	memset(f + 38, 0, 16);
	f[14 + 20 + 7] = 7;
	f[14 + 20 + 12] = 0x50;
	f[14 + 20 + 13] = 2;
	assert_int_equal(frame_tcp_reset(f, n, out, sizeof(out)), 54);
	assert_memory_equal(out, f + 6, 6);
	assert_memory_equal(out + 26, f + 30, 4); /* addresses and ports change places */
	assert_memory_equal(out + 30, f + 26, 4);
	assert_memory_equal(out + 34, f + 36, 2);
	assert_memory_equal(out + 36, f + 34, 2);
	assert_int_equal(out[34 + 11], 8);
	assert_int_equal(out[34 + 13], 0x14);
	f[14 + 20 + 13] = 4; /* never a reset for a reset */
	assert_int_equal(frame_tcp_reset(f, n, out, sizeof(out)), 0);
	f[14 + 20 + 13] = 2;
	f[14 + 20 + 12] = 0xf0; /* options beyond the segment */
	assert_int_equal(frame_tcp_reset(f, n, out, sizeof(out)), 0);
	assert_int_equal(frame_tcp_reset(f, make4(f, NET_GATEWAY4, UDP, 1, 20), out, 128), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_for_the_host),
		cmocka_unit_test(test_ipv4_destinations),
		cmocka_unit_test(test_ipv6_destinations),
		cmocka_unit_test(test_what_nobody_needs),
		cmocka_unit_test(test_dns_is_picked_out),
		cmocka_unit_test(test_no_fragments),
		cmocka_unit_test(test_lengths_that_lie),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_announcements),
		cmocka_unit_test(test_acknowledgements_that_cover_others),
	};

	return cmocka_run_group_tests_name("net/frame", tests, NULL, NULL);
}
