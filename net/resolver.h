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
 *
 * For a container that may be on named networks (names.h) it knows one thing more, told by another
 * first byte: it reads the list of the container's networks, opens the list of leases of each, and
 * passes the descriptors, PROC_FDS_MAX in a message, the networks' names with them. What it parses
 * for that was written by rl alone, into the user's own folders.
 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#include "core/base/err.h"

#define RESOLV_TEXT_MAX    8192
#define RESOLV_MESSAGE_MAX (1 + RESOLV_TEXT_MAX)
#define RESOLV_ASK         "?" /* answered by '+' and the text */
#define RESOLV_ASK_NAMES   "N" /* answered by messages that begin with these: */
#define RESOLV_MORE        'M' /* another one follows */
#define RESOLV_LAST        'N'
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
 * byte '+' in front; the byte alone: no file). @ctr_fd, @networks_fd: the container's folder and that
 * of all networks, which only the reader keeps; or FD_NONE. Must run before any sandboxing, while this
 * process has no threads and no secrets.
 */
int resolv_reader_start(int ctr_fd, int networks_fd, int *ret_fd, struct rl_err *err) RL_MUST_USE;
