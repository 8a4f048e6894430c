/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_view.h - containers in words: what ps, inspect, port and stats show in the same way */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "core/ctr_state.h"

#define VIEW_STATUS_MAX 128

/* "Up 2 minutes (healthy)", "Exited (3) 2 seconds ago"; @health: "" where there is no check */
void ctr_view_status(char out[VIEW_STATUS_MAX], const struct ctr_state *s, const char *health);
/* "sleep 100"; cut to 17 bytes and "..." unless @whole. Caller frees; NULL = out of memory. */
char *ctr_view_command(const json_t *args, bool whole);

/*
 * Published ports as state.json has them ("ports"): an array of {host_ip, container_port,
 * host_port, range, protocol}, one entry a range. Entries that are damaged are left out.
 */
struct port_range {
	const char *host_ip, *protocol; /* borrowed; "" = all addresses; "tcp", "udp" */
	int container_port, host_port, range;
};
/* Entry @i. True when it is a good one. */
bool ctr_view_port(const json_t *ports, size_t i, struct port_range *ret);
/* "0.0.0.0:8080->80/tcp, 127.0.0.1:81-82->81-82/tcp". Caller frees; NULL = out of memory. */
char *ctr_view_ports(const json_t *ports);
/* {"80/tcp": [{HostIp, HostPort}]}: Ports and PortBindings of inspect. */
json_t *ctr_view_port_map(const json_t *ports);
