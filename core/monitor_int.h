/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_int.h - what monitor.c (life) and monitor_serve.c (requests) share */
#pragma once

#include <poll.h>

#include "core/exec.h"
#include "core/monitor.h"

#define MONITOR_CONNS_MAX 64

/* Entries that monitor_serve_poll() fills. */
#define MONITOR_SERVE_FDS (1 + MONITOR_CONNS_MAX + MONITOR_EXECS_MAX)

struct monitor_conn {
	int fd;       /* FD_NONE: free */
	bool waiting; /* wants MONITOR_EXITED */
};

struct monitor_exec {
	struct exec e; /* fd FD_NONE: free */
	char id[EXEC_ID_LEN + 1];
};

struct monitor {
	const struct monitor_cfg *cfg;
	int control, attach; /* the client that started us */
	struct launched init;
	struct cgroup cgroup;
	int pump_control; /* closing it tells the pump that the container has ended */
	pid_t pump;
	int listen_fd; /* run_dir/ctr/<id>/monitor.sock */
	struct monitor_conn conns[MONITOR_CONNS_MAX];
	struct monitor_exec execs[MONITOR_EXECS_MAX];
	int net_pidfd; /* borrowed from the hook; FD_NONE while no packet loop runs */
	unsigned net_starts;
	int64_t started_ns;
	bool settled; /* socket and run.json are there */
	bool stopping, paused;
	bool detached; /* the client's leaving is no reason to end */
};

/* Write into the log of events; @x: with "died", else NULL. */
void monitor_event(const struct monitor *m, const char *status, const struct ctr_exit *x);

/* Nobody is connected and nothing runs in the container yet. */
void monitor_serve_init(struct monitor *m);
/* Listen on run_dir/ctr/<id>/monitor.sock; a failure leaves listen_fd at FD_NONE. */
void monitor_listen(struct monitor *m);
/* Fill MONITOR_SERVE_FDS entries of a poll table. */
void monitor_serve_poll(const struct monitor *m, struct pollfd *f);
/* Handle what poll reported on them. */
void monitor_serve(struct monitor *m, const struct pollfd *f);
/* One request of a client we already trust to be the user; each of @fds may be FD_NONE. */
struct monitor_msg monitor_request(struct monitor *m, const struct monitor_msg *req,
				   const int fds[2]);
/* Where this container is, for core/exec.h. */
struct exec_place monitor_place(const struct monitor *m);
/* Tell everybody who waits; close all connections and remove the socket. */
void monitor_serve_end(struct monitor *m, const struct monitor_msg *end);
