/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay.h - the client's side of what runs in a container: terminal, stdio, signals, exit
 *
 * Shuttles bytes between our own 0, 1, 2 and a pump, forwards signals and window sizes, and waits
 * for the word of the end. Used by run, start -a, attach and exec.
 */
#pragma once

#include <stdbool.h>

#include "core/base/err.h"
#include "core/detach.h"
#include "core/monitor.h"

enum relay_kind {
	RELAY_RUN,    /* we started the container: our death is its end, our end of stdin its */
	RELAY_ATTACH, /* somebody else's: whatever happens to us, it goes on */
	RELAY_EXEC,   /* a process in it; there is no monitor to talk to */
};

struct relay {
	enum relay_kind kind;
	int control;   /* to the monitor (struct monitor_msg); FD_NONE with RELAY_EXEC; borrowed */
	int attach;    /* to the pump (pump.h); borrowed */
	bool stdin_on; /* -i: forward our stdin */
	bool no_out, no_err; /* leave out what comes on these */
	bool terminal;       /* -t: raw mode when our stdin is a terminal, sizes */
	bool sig_proxy;      /* forward signals; else one that would end us makes us leave */
	bool pipeline; /* nobody else's output: when our stdout has no reader any more, who writes
			* has none either; else it writes on, for its log and others */
	struct detach keys;       /* that make us leave, typed in a terminal */
	void (*on_started)(void); /* or NULL: it runs now */
};

struct relay_end {
	enum { RELAY_ENDED, RELAY_DETACHED, RELAY_SIGNALLED } how;
	int signal;           /* with RELAY_SIGNALLED: the one that made us leave */
	struct ctr_exit exit; /* with RELAY_ENDED */
};

/* Block all signals that relay_run() takes; call before the monitor is forked. */
void relay_block_signals(bool sig_proxy);

/* Size of our terminal, stdin's or else stdout's. False when neither is one. */
bool relay_terminal_size(uint16_t *ret_rows, uint16_t *ret_cols);

/**
 * relay_run() - Until the end and all output is delivered, or until we leave
 *
 * When we leave, what runs goes on: the container always, an exec as if its client had died unless
 * it was by the keys (pump.c). The terminal is restored on every way out.
 * Return: 0; -errno with the start error that came from the other side, or -EPIPE when that died.
 */
int relay_run(const struct relay *r, struct relay_end *ret_end, struct rl_err *err) RL_MUST_USE;

/*
 * For a detached start: wait until the monitor (of an exec: its supervisor) says that it runs,
 * showing warnings. Return: 0, or the start error.
 */
int relay_wait_started(const struct relay *r, struct rl_err *err) RL_MUST_USE;
