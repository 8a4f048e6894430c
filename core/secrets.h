/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secrets.h - what a container is told in confidence: files in memory that is never swapped
 *
 * Threat: a password ends in a file of ours, in inspect, in a log, on the disk by way of swap, or in the hands
 * of another process of the user.
 * Defence: from where it was read it travels in the memory of the monitor (not dumpable) to init, by fork; init
 * writes it into a ramfs of the container, whose pages the kernel does not swap, and wipes its copy. The
 * container's folder holds no byte of it. What is asked for as a variable is in the environment of
 * the payload, of execs and health checks, and nowhere else.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "core/base/err.h"

struct init;

struct secret_file {
	char *target; /* an absolute path, or a name in /run/secrets; owned */
	uid_t uid;
	gid_t gid;
	mode_t mode;
	char *data; /* owned, wiped */
	size_t len;
};

struct secrets {
	struct secret_file *files;
	size_t n_files;
	char **env; /* "NAME=VALUE"; owned, wiped */
	size_t n_env;
};

/* In init: make the files. */
int secrets_mount(struct init *in, struct rl_err *err) RL_MUST_USE;

void secrets_wipe(struct secrets *s); /* contents only: what points to them stays valid */
void secrets_done(struct secrets *s);
