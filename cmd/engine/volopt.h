/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volopt.h - the words of -v, --tmpfs, --mount and --device, taken apart
 *
 * Only text: no file is looked at. Sources: docker-run(1), podman-run(1) "--volume", "--mount",
 * "--tmpfs", "--device".
 */
#pragma once

#include <stdbool.h>

#include "core/base/err.h"
#include "core/base/strv.h"

enum volopt_kind { VOLOPT_BIND, VOLOPT_VOLUME, VOLOPT_TMPFS };

struct volopt {
	enum volopt_kind kind;
	char *source;       /* BIND: path as typed; VOLUME: name, NULL = anonymous; else NULL */
	char *dest;         /* clean absolute path in the container, never "/" */
	bool read_only;     /* "ro" */
	bool no_copy;       /* "nocopy", "notmpcopyup" */
	bool not_recursive; /* "bind" instead of "rbind" */
	/* 0: nothing was said, 1: "dev", "suid", "exec", -1: "nodev", "nosuid", "noexec" */
	int dev, suid, exec;
	const char *propagation; /* "rprivate" or what was asked for; static */
	struct strv data;        /* TMPFS: "size=...", "mode=..." and the like, checked */
};

/* "[SRC:]DST[:OPTS]"; an SRC starting with '/' or '.' is a path, else a volume's name. */
int volopt_volume(const char *s, struct volopt *ret, struct rl_err *err) RL_MUST_USE;
/* "DST[:OPTS]" */
int volopt_tmpfs(const char *s, struct volopt *ret, struct rl_err *err) RL_MUST_USE;
/* "type=bind|volume|tmpfs,src=...,dst=...,..." */
int volopt_mount(const char *s, struct volopt *ret, struct rl_err *err) RL_MUST_USE;
void volopt_done(struct volopt *v);
#define auto_volopt __attribute__((cleanup(volopt_done)))

/* --device "SRC[:DST[:PERMS]]" */
struct devopt {
	char *source, *dest; /* owned; @dest clean */
};
int volopt_device(const char *s, struct devopt *ret, struct rl_err *err) RL_MUST_USE;
void devopt_done(struct devopt *d);
#define auto_devopt __attribute__((cleanup(devopt_done)))
