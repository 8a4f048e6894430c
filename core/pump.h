/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pump.h - the process that carries a container's bytes: out to the client, in to its stdin
 *
 * The only process of ours that reads what a container writes. It runs without privileges, files
 * (but the log) and nearly all system calls. The monitor hands it further clients over @control,
 * one descriptor a message; the end of file there means that the container has ended. 'O' and 'R' go back:
 * nobody takes that output any more, and the monitor closes its copy, which is for another pump.
 * Protocol with a client, SOCK_SEQPACKET, one type byte then data:
 *
 *	client to pump	'i' data for stdin	'e' end of stdin	'w' rows, columns (u16, u16)
 *			'd' leaving, and what runs shall go on
 *	pump to client	'o' stdout	'r' stderr	'z' nothing more will come
 *
 * An exec has a pump of its own, and no monitor to talk to (core/exec.c):
 *
 *	client to exec	'O' nobody takes stdout any more, 'R' stderr: who writes gets SIGPIPE
 *	exec to client	's' it runs	'f' it could not be started: struct rl_err
 *			'x' it has ended with this code (i32), in place of 'z'
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PUMP_DATA_MAX 32768 /* bytes after the type byte */

enum pump_type {
	PUMP_STDIN = 'i',
	PUMP_STDIN_END = 'e',
	PUMP_SIZE = 'w',
	PUMP_DETACH = 'd',
	PUMP_STDOUT_GONE = 'O',
	PUMP_STDERR_GONE = 'R',
	PUMP_STDOUT = 'o',
	PUMP_STDERR = 'r',
	PUMP_END = 'z',
	PUMP_STARTED = 's',
	PUMP_FAILED = 'f',
	PUMP_EXIT = 'x',
};

struct pump_msg {
	char type;
	char data[PUMP_DATA_MAX];
};

struct pump_fds {
	int client;   /* socket of the client that started the container, or FD_NONE */
	int in;       /* write end of the container's stdin; the pty master with a terminal */
	int out;      /* read end of stdout; the pty master with a terminal */
	int err;      /* read end of stderr, or FD_NONE */
	int control;  /* to the monitor, SOCK_SEQPACKET */
	int log_dir;  /* folder of the log, or FD_NONE */
	int log_file; /* in its place: the user's own file, or FD_NONE */
	int journal;  /* in its place: connected to the journal, or FD_NONE */
	bool terminal;
	int64_t log_max;            /* bytes before a rotation */
	const char *journal_fields; /* core/logjournal.h */
	/*
	 * Of an exec: its process, a child of ours, whose end is the end; the result then goes out on
	 * @control (core/exec.h). End of file there, or @timeout_ms over (0 = none): it is killed.
	 */
	pid_t pid; /* 0: no exec */
	int pidfd;
	int timeout_ms;
};

/* Nothing given yet. */
#define PUMP_FDS_INIT                                                                            \
	{                                                                                        \
		.client = FD_NONE, .in = FD_NONE, .out = FD_NONE, .err = FD_NONE,                \
		.control = FD_NONE, .log_dir = FD_NONE, .log_file = FD_NONE, .journal = FD_NONE, \
		.pidfd = FD_NONE                                                                 \
	}

/* Never returns. Everything but the listed descriptors is closed. */
_Noreturn void pump_main(const struct pump_fds *fds);
