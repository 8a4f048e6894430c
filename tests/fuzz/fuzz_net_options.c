/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_net_options.c - what --network says behind its colon, a --host-port in the last line
 *
 * Refused with a reason, or a configuration that rl-net can be started with.
 */
#include "config.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "net/addr.h"
#include "net/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct net_config c = { .ipv6 = size & 1, .mtu = NET_MTU };
	struct rl_err err = { 0 };
	auto_free char *s = strndup((const char *)data, size);
	uint8_t raw[16];
	char *port;
	int r;

	assert(s);
	port = strrchr(s, '\n');
	if (port)
		*port++ = '\0';
	r = net_config_set(&c, s, &err);
	if (r == 0 && port)
		r = net_config_host_port(&c, port, &err);
	assert(r == 0 || (err.code > 0 && err.msg[0]));
	assert(c.mtu >= NET_MTU_MIN && c.mtu <= NET_MTU);
	assert((size & 1) || !c.ipv6); /* nobody gets an IPv6 that the host has not */
	assert(!c.outbound4[0] || inet_pton(AF_INET, c.outbound4, raw) == 1);
	assert(!c.outbound6[0] || inet_pton(AF_INET6, c.outbound6, raw) == 1);
	assert(c.n_host_ports <= 1 && (c.n_host_ports == 0 || c.host_ports[0] > 0));
	return 0;
}
