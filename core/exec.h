/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec.h - start one more process in a running container, from its monitor
 *
 * Two users: `rl exec`, whose client sends what to run and takes the output (MONITOR_EXEC), and the
 * monitor itself, whose health checks have no client. Both get exactly what run gives: namespaces,
 * cgroup, limits, capabilities, seccomp filter (S47); exec.c has the order.
 *
 * Each exec has a supervisor, forked from the monitor: it parses, starts the process, carries its
 * bytes, waits for it, and says how it ended. The monitor never waits: it polls struct exec's fd.
 * The process dies with its container, and when the monitor dies.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/err.h"

struct launch;

#define EXEC_OUTPUT_MAX  500 /* bytes of a check's output that are kept */
#define EXEC_ID_LEN      64
#define EXEC_NOT_RUNNING 255 /* exit_code: the container is not running, or paused */

/* Where: what the monitor knows of its container. All borrowed. */
struct exec_place {
	const struct launch *launch; /* spec, filter, maps as init got them */
	pid_t init_pid;
	int init_pidfd;
	int cgroup_fd; /* folder of the container's cgroup, or FD_NONE */
	int64_t nproc; /* RLIMIT_NPROC in place of its limit of processes, 0 = none (core/approx.h) */
	bool userns_open; /* see struct launched */
};

/* One that runs, as the monitor sees it. */
struct exec {
	pid_t pid; /* of the supervisor, a child of the caller */
	int fd;    /* readable: call exec_end(); owned */
};

/* How it ended; sent by the supervisor. */
struct exec_result {
	int32_t code; /* what the command ends with: N or 128 + signal; 125, 126, 127: not started */
	int32_t failed; /* it was not started; @output says why */
	int32_t timed_out;
	int32_t pid; /* it had, as leader of a session; 0: not started */
	uint32_t output_len;
	char output[EXEC_OUTPUT_MAX]; /* of a check: the first bytes of stdout and stderr */
};

/* A check: the container's user, environment and working folder; no stdin, no terminal. */
struct exec_check {
	const char *const *argv; /* NULL-terminated; borrowed for the call */
	int timeout_ms;          /* then SIGKILL; 0 = none */
};

/**
 * exec_check() - Run a command in the container without a client
 * @ret:	Ends in exec_end()
 *
 * Returns as soon as the supervisor is forked. Return: 0; -errno when it could not be; whatever
 * goes wrong later is in the result.
 */
int exec_check(const struct exec_place *place, const struct exec_check *check, struct exec *ret,
	       struct rl_err *err) RL_MUST_USE;

/**
 * exec_client() - Run what a client asks for
 * @spec_fd:	memfd with an exec_spec (core/exec_spec.h), parsed by the supervisor; borrowed
 * @client_fd:	The client's end for bytes, start error and exit (core/pump.h); borrowed
 */
int exec_client(const struct exec_place *place, int spec_fd, int client_fd, struct exec *ret,
		struct rl_err *err) RL_MUST_USE;

/*
 * When @e->fd is readable: 0 with the result, @e is reaped and closed then; -EAGAIN: not yet. A
 * supervisor that died by itself counts as code 137.
 */
int exec_end(struct exec *e, struct exec_result *ret) RL_MUST_USE;

/* SIGKILL to the process; its end is reported as usual. */
void exec_kill(const struct exec *e);
