/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver.h - the host's name servers as they are at this moment
 *
 * Theory of operation: rl-net lives in an empty root and cannot open files. The host's
 * /etc/resolv.conf is often a symlink into /run and is replaced by rename when a VPN comes up, so
 * a descriptor kept from before goes stale, and a descriptor of /etc would open all of /etc to a
 * loop that a hostile container may have taken over. Therefore rl-net forks a *reader* before it
 * locks itself in. The reader stays in the host's mount namespace and knows one thing: for every
 * message it receives, whatever it says, it opens /etc/resolv.conf, reads at most RESOLV_TEXT_MAX
 * bytes and sends them back as one message. It parses nothing, so that nothing can be put into
 * it; seccomp leaves it what that takes. It ends when rl-net does.
 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#include "core/base/err.h"

#define RESOLV_TEXT_MAX    8192
#define RESOLV_SERVERS_MAX 3 /* as many as the C library takes, resolv.conf(5) */

union resolv_addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct resolv_servers {
	union resolv_addr v[RESOLV_SERVERS_MAX];
	size_t n;
};

/* The "nameserver" lines of @text, in order; what cannot be understood is passed over. */
void resolv_parse(const char *text, size_t len, struct resolv_servers *ret);

/*
 * Start the reader. @ret_fd: SOCK_SEQPACKET, non-blocking; send a byte, receive the text (one
 * byte '+' in front; the byte alone: no file). Must run before any sandboxing, while this
 * process has no threads and no secrets.
 */
int resolv_reader_start(int *ret_fd, struct rl_err *err) RL_MUST_USE;
