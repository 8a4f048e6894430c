/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_options.h - the options that run and create share, and how they become a request
 *
 * Every flag of Docker and Podman is either done, or refused with "not supported yet": none that
 * changes what runs is taken and ignored.
 */
#pragma once

#include "cmd/cmd.h"
#include "cmd/engine/create.h"
#include "cmd/opt.h"

struct run_opts {
	struct create_req req; /* filled by the table; the words are added by run_opts_finish() */
	bool detach;           /* -d, run only */
	bool sig_proxy;        /* --sig-proxy, run only */
	const char *detach_keys;
	bool read_only_tmpfs, http_proxy, tls_verify,
		passwd; /* default true, turned round in @req */
	const char *systemd, *runtime, *arch, *os;
	int64_t stop_timeout; /* seconds, -1 = for ever; kept for stop */
	uint64_t retry;
	uint64_t preserve_fds; /* run only */
	bool own_output;       /* run only */
	struct strv attach;    /* run: -a stdin, stdout, stderr; none given: all */
};

extern const struct opt run_options[];
extern const struct run_opts run_defaults;

/**
 * run_opts_finish() - Complete @o->req after the table was parsed
 * @args:	Words after the options: the image (or folder) and the command; borrowed
 *
 * Return: 0, or -errno for a value that asks for what is not there yet
 */
int run_opts_finish(struct run_opts *o, const struct cmd_args *args,
		    struct rl_err *err) RL_MUST_USE;
/* Is "stdin", "stdout" or "stderr" to be attached (-a)? */
bool run_opts_attached(const struct run_opts *o, const char *stream);
