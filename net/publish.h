/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish.h - published ports: what -p says, the sockets on the host, the forwarder
 *
 * The sockets are bound in the host's network before the container exists, so that a port in use
 * is an error of the command and not of a half-started container. The forwarder rl-port gets them
 * from the monitor; who holds no copy of them holds no port, so they go with the last of the two.
 * Sources: docker run(1) and podman-run(1) --publish.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/strv.h"
#include "net/net.h"

#define PUBLISH_MAX 1024 /* ports of one container */

/* struct net_helper.status of a forwarder, as its first message on the control socket brings it */
#define PUBLISH_STATUS 0x80 /* it has come */
#define PUBLISH_REAL4  1    /* the container sees a client's own IPv4 address */
#define PUBLISH_REAL6  2

struct publish_port {
	char host_ip[INET6_ADDRSTRLEN]; /* numeric; "" = every address of the host, both families */
	uint16_t host_port;             /* first of the range; 0 = any free one (range is 1 then) */
	uint16_t ctr_port;              /* first of the range */
	uint16_t range;                 /* 1.. */
	uint8_t proto;                  /* IPPROTO_TCP or IPPROTO_UDP */
};

struct publish {
	struct publish_port *v; /* owned */
	size_t n;
};

/*
 * Add what one -p says: [[IP:]HOST:]CTR[/tcp|udp], HOST and CTR a port or a range of one length,
 * an IPv6 address in brackets, HOST empty for a random port. -EINVAL, -ENOTSUP (sctp), -E2BIG.
 */
int publish_parse(struct publish *p, const char *text, struct rl_err *err) RL_MUST_USE;
/*
 * Add a random host port for each port of --expose ("80", "80-82/udp"); those that some -p
 * publishes already are left out.
 */
int publish_exposed(struct publish *p, const char *text, struct rl_err *err) RL_MUST_USE;
/* "tcp" or "udp" */
const char *publish_proto_name(uint8_t proto);
/* Add one; host_ip may be NULL. Used when a record is read back. -EINVAL when it makes no sense. */
int publish_add(struct publish *p, const char *host_ip, int64_t host_port, int64_t ctr_port,
		int64_t range, const char *proto) RL_MUST_USE;
/* What a running forwarder has told so far: PUBLISH_*, 0 = nothing yet. */
unsigned publish_status(struct net_helper *h);
void publish_done(struct publish *p);

struct publish_socket {
	int fd; /* bound, TCP: listening; owned */
	uint16_t ctr_port;
	uint8_t proto;
};

struct publish_sockets {
	struct publish_socket *v;
	size_t n;
};

/**
 * publish_bind() - Take the ports on the host
 * @p:	Random ports (host_port 0) are replaced by the ones that were found
 *
 * Errors name the port, who holds it as far as we may know, and a free port or the sysctl.
 * Return: 0; or -EADDRINUSE, -EACCES, -EADDRNOTAVAIL... with nothing bound
 */
int publish_bind(struct publish *p, struct publish_sockets *ret, struct rl_err *err) RL_MUST_USE;
void publish_close(struct publish_sockets *s);
/* One line on who listens on a port ("'nginx' (pid 12)"), or "" when that cannot be seen. */
void publish_holder(uint8_t proto, uint16_t port, char *text, size_t room);

/**
 * publish_start() - Run the forwarder for a container
 * @c:		Its private network
 * @s:		What to forward; borrowed, the forwarder has its own copies
 * @name:	The container's; it and @p are the forwarder's command line, for ps(1) and for
 *		publish_holder()
 * @userns_fd:	S
 * @netns_fd:	The container's network namespace, borrowed
 *
 * Returns without waiting for it to be ready: connections wait in the sockets meanwhile.
 * End it by net_stop(); net_why() tells why it ended by itself.
 */
int publish_start(const struct net_config *c, const struct publish *p,
		  const struct publish_sockets *s, const char *name, int userns_fd, int netns_fd,
		  struct net_helper *ret, struct rl_err *err) RL_MUST_USE;
