/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - talking to a container's monitor from another command (core/monitor_serve.c answers) */
#pragma once

#include <signal.h>
#include <sys/types.h>

#include "core/base/strv.h"
#include "core/ctr.h"
#include "core/monitor.h"

/* What somebody does all the time while waiting for others */
struct control_idle {
	void (*run)(void *arg);
	void *arg;
};

#define CONTROL_SOCKET "monitor.sock" /* in run_dir/ctr/<id>, or in the container's folder */
/* Asks a monitor whose socket is not found (the runtime folder went, or is another one) to listen in
 * the container's folder. */
#define CONTROL_SIGNAL SIGUSR1

/* Connect to the monitor of @id. fd; -ENOENT or -ECONNREFUSED when none runs; or -errno. */
int control_connect(const struct rl *rl, const char *id, struct rl_err *err) RL_MUST_USE;
/*
 * One request and its answer, at most 10 s.
 * @fd:	goes along (borrowed), or FD_NONE
 * Return: 0; -errno with the monitor's error when it refused; -EPIPE when it has gone meanwhile
 */
int control_call(int sock, const struct monitor_msg *req, int fd, struct rl_err *err) RL_MUST_USE;
/* The same with several descriptors. */
int control_call_fds(int sock, const struct monitor_msg *req, const int *fds, size_t n_fds,
		     struct rl_err *err) RL_MUST_USE;
/*
 * After MONITOR_WAIT or MONITOR_ATTACH: wait for the end.
 * Return: 0 with MONITOR_EXITED in @ret, -ETIMEDOUT, -EPIPE when the monitor died silently
 */
int control_wait_end(int sock, int timeout_ms, struct monitor_msg *ret,
		     struct rl_err *err) RL_MUST_USE;
/* The same for any other message that comes later (@type, enum monitor_type). */
int control_wait(int sock, enum monitor_type type, int timeout_ms, struct monitor_msg *ret,
		 struct rl_err *err) RL_MUST_USE;
/* Connect, one request, close. */
int control_once(const struct rl *rl, const char *id, const struct monitor_msg *req,
		 struct rl_err *err) RL_MUST_USE;
/*
 * The namespace of the network @net_id that the container is on. fd; -ENOENT when it is not on it, or
 * no monitor runs. @idle: NULL for nothing to do
 */
int control_netns(const struct rl *rl, const char *id, const char *net_id,
		  const struct control_idle *idle, struct rl_err *err) RL_MUST_USE;
/*
 * The ids of the execs that run in a container ("ExecIDs"); appended, none when it does not run.
 * @ret_clients: MONITOR_CLIENTS_* of its published ports
 */
int control_execs(const struct rl *rl, const char *id, struct strv *ret, unsigned *ret_clients,
		  struct rl_err *err) RL_MUST_USE;
