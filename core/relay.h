/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay.h - the client's side of a foreground container: terminal, stdio, signals, exit
 *
 * Shuttles bytes between our own 0, 1, 2 and the pump, forwards signals and window sizes to the
 * monitor and pump, and waits for the monitor's word of the end.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>

#include "core/base/err.h"
#include "core/monitor.h"

struct relay {
	int control;   /* to the monitor (struct monitor_msg); borrowed */
	int attach;    /* to the pump (pump.h); borrowed */
	bool stdin_on; /* -i: forward our stdin */
	bool terminal; /* -t: raw mode when our stdin is a terminal, sizes */
};

/* Block all signals that relay_run() forwards; call before the monitor is forked. */
void relay_block_signals(void);

/**
 * relay_run() - Until the container has ended and all its output is delivered
 * @ret_end:	The monitor's last message (MONITOR_EXITED)
 *
 * The terminal is restored on every way out. Return: 0; -errno with the start error that the
 * monitor reported, or -EPIPE when the monitor died.
 */
int relay_run(const struct relay *r, struct monitor_msg *ret_end, struct rl_err *err) RL_MUST_USE;

/*
 * For a detached start: wait until the monitor says that the payload runs, showing its warnings.
 * Only @r->control is used. Return: 0, or the start error.
 */
int relay_wait_started(const struct relay *r, struct rl_err *err) RL_MUST_USE;
