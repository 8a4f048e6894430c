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
 * for that was written by rl alone, into the user's own folders. And whether a container runs it says,
 * by the lock that its monitor holds: a lease alone does not tell who was killed.
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
#define RESOLV_ASK_RUNS    'L' /* and a container's id: does it run? Answered by these: */
#define RESOLV_RUNS        "L1"
#define RESOLV_RUNS_NOT    "L0"
#define RESOLV_SERVERS_MAX 3 /* as many as the C library takes, resolv.conf(5) */
#define RESOLV_SEARCH_MAX  1024
#define RESOLV_NDOTS_MAX   15

union resolv_addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct resolv_servers {
	union resolv_addr v[RESOLV_SERVERS_MAX];
	size_t n;
	unsigned ndots; /* a name with fewer dots is looked for in these first: */
	char search[RESOLV_SEARCH_MAX + 1]; /* domains, a blank behind each */
};

/*
 * The "nameserver" lines of @text, in order, the last "search" or "domain" and ndots of "options"; what
 * cannot be understood is passed over.
 */
void resolv_parse(const char *text, size_t len, struct resolv_servers *ret);
/* The domain number @i of the search list: its length, 0 when there are fewer. */
size_t resolv_search(const struct resolv_servers *s, size_t i, const char **ret);

/*
 * Start the reader. @ret_fd: SOCK_SEQPACKET, non-blocking; send a byte, receive the text (one
 * byte '+' in front; the byte alone: no file). @ctr_fd, @networks_fd: the container's folder and that
 * of all networks, which only the reader keeps; or FD_NONE. Must run before any sandboxing, while this
 * process has no threads and no secrets.
 */
int resolv_reader_start(int ctr_fd, int networks_fd, int *ret_fd, struct rl_err *err) RL_MUST_USE;
