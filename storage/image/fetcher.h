/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetcher.h - the process that talks to one registry: network yes, files no
 *
 * Forked per registry and handed that registry's credentials only (SECURITY section 4, point 4). It
 * parses what the network sends (HTTP, TLS, token answers) and can write to nothing but the
 * descriptors it is given per job: Landlock leaves it /etc, /usr and the certificate folders to
 * read, seccomp a client's system calls. It is not dumpable. Messages on a SOCK_SEQPACKET pair:
 * struct fetch_job with one descriptor there, struct fetch_report back (registry.h).
 */
#pragma once

#include <sys/types.h>

#include "storage/image/registry.h"

struct fetcher {
	pid_t pid;
	int sock; /* readable: fetcher_recv() */
};

/**
 * fetcher_start() - Fork it
 * @conf:	Secrets stay in @conf until the caller wipes it
 * @forget:	Called first in the child: wipe what it has no business with; may be NULL
 */
int fetcher_start(const struct registry_conf *conf, void (*forget)(void *arg), void *arg,
		  struct fetcher *ret, struct rl_err *err) RL_MUST_USE;
/* @fds[0]: where the answer goes, or what is pushed; @fds[1]: FD_NONE, or a file that gets a copy of
 * the layer. Borrowed; the fetcher gets its own. */
int fetcher_send(struct fetcher *f, const struct fetch_job *job, const int fds[2],
		 struct rl_err *err) RL_MUST_USE;
/* Waits. -EPIPE when it died. */
int fetcher_recv(struct fetcher *f, struct fetch_report *ret, struct rl_err *err) RL_MUST_USE;
void fetcher_stop(struct fetcher *f); /* fine on a zeroed or stopped one */
