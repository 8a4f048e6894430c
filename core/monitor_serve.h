/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_serve.h - who is connected to a monitor, and what is done for them */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/exec.h"
#include "core/monitor.h"

struct monitor;

#define MONITOR_CONNS_MAX 256
#define MONITOR_WAITING_MAX \
	(MONITOR_CONNS_MAX - 16) /* who waits leaves room for who has a request */

/* Entries of the poll table that are always there; the last one is for who connects */
#define MONITOR_FIXED_FDS 10
#define MONITOR_LISTEN_FD (MONITOR_FIXED_FDS - 1)

struct monitor_conn {
	int fd; /* FD_NONE: free */
	int64_t since_ms;
	bool waiting;  /* wants MONITOR_EXITED */
	bool checking; /* wants MONITOR_CHECKED */
};

struct monitor_exec {
	struct exec e; /* fd FD_NONE: free */
	char id[EXEC_ID_LEN + 1];
};

/*
 * Who is connected and what was started for them. The places in use are the first n_ of each array,
 * with holes until the next poll; only then they move. There is none of this while nobody is there.
 */
struct monitor_peers {
	size_t n_conns, n_execs;
	size_t polled_conns, polled_execs; /* of them in @polls */
	size_t few; /* not 0: so many connections and no more, for want of descriptors */
	struct monitor_conn conns[MONITOR_CONNS_MAX];
	struct monitor_exec execs[MONITOR_EXECS_MAX];
	struct pollfd polls[MONITOR_FIXED_FDS + MONITOR_CONNS_MAX + MONITOR_EXECS_MAX];
};

/*
 * Listen on run_dir/ctr/<id>/monitor.sock, or in the container's own folder where that cannot be;
 * monitor_listen_here(): there straight away, because a client did not find the first one. 0 or
 * -errno: then as before.
 */
int monitor_listen(struct monitor *m, struct rl_err *err) RL_MUST_USE;
int monitor_listen_here(struct monitor *m, struct rl_err *err) RL_MUST_USE;
/*
 * The table for the next poll, of @ret_n entries: @few, or a longer one in its place. The caller fills
 * the first MONITOR_FIXED_FDS, but for MONITOR_LISTEN_FD. What was handed out before is void.
 */
struct pollfd *monitor_serve_poll(struct monitor *m, struct pollfd few[MONITOR_FIXED_FDS],
				  nfds_t *ret_n);
/* Handle what poll reported on those that monitor_serve_poll() has filled. */
void monitor_serve(struct monitor *m, const struct pollfd *f);
/* One more connection, owned from here on; false: there is no room, and @fd is the caller's. */
bool monitor_serve_add(struct monitor *m, int fd);
/* One request of a client we already trust to be the user; each of @fds may be FD_NONE. */
struct monitor_msg monitor_request(struct monitor *m, const struct monitor_msg *req,
				   const int fds[2]);
/* After monitor_serve_ended(), when whatever ran is dead and its supervisor about to tell. */
void monitor_end_execs(struct monitor *m);
/* Where this container is, for core/exec.h. */
struct exec_place monitor_place(const struct monitor *m);
/* Tell whoever asked for a check how it ended. */
void monitor_serve_checked(struct monitor *m, int code);
/* Tell everybody who waits for the end, and let them go. */
void monitor_serve_ended(struct monitor *m, const struct monitor_msg *end);
/* What cannot wait while the monitor itself waits: who asks for a network's namespace. @arg: it */
void monitor_serve_netns(void *arg);
/* Take note of the ends of all execs, close all connections and remove the socket. */
void monitor_serve_close(struct monitor *m);
