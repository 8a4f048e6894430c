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

enum volopt_kind {
	VOLOPT_BIND,
	VOLOPT_VOLUME,
	VOLOPT_TMPFS,
	VOLOPT_RAMFS,
	VOLOPT_DEVPTS,
	VOLOPT_IMAGE,
	VOLOPT_GLOB,
};

struct volopt {
	enum volopt_kind kind;
	/* BIND: path as typed; VOLUME: name, NULL = anonymous; IMAGE: name; GLOB: pattern; else NULL */
	char *source;
	char *dest; /* clean absolute path in the container, never "/"; GLOB: NULL = as outside */
	char *subpath; /* VOLUME, BIND: what is mounted is this below it; clean, without a first "/" */
	bool read_only;     /* "ro" */
	bool no_copy;       /* "nocopy", "notmpcopyup" */
	bool not_recursive; /* "bind" instead of "rbind" */
	bool top_only;      /* with @read_only: mounts below stay writable */
	bool chown;         /* "U": the source is given to the user of the container */
	char *idmap;  /* "idmap": owners as the container's ids say, "idmap=...": or as that does */
	bool overlay; /* "O": what is written goes into a layer over it */
	bool create;  /* BIND: a source that is missing is made */
	/* 0: nothing was said, 1: "dev", "suid", "exec", -1: "nodev", "nosuid", "noexec" */
	int dev, suid, exec;
	const char *propagation; /* "rprivate" or what was asked for; static */
	struct strv data;        /* TMPFS, RAMFS, DEVPTS: "size=...", "mode=..." and kin, checked */
	struct strv labels;      /* VOLUME: of one that is made */
	struct strv options;     /* VOLUME: "type=...", "device=...", "o=..." of one that is made */
};

/* "[SRC:]DST[:OPTS]"; an SRC starting with '/' or '.' is a path, else a volume's name. */
int volopt_volume(const char *s, struct volopt *ret, struct rl_err *err) RL_MUST_USE;
/* "DST[:OPTS]" */
int volopt_tmpfs(const char *s, struct volopt *ret, struct rl_err *err) RL_MUST_USE;
/* "type=bind|volume|tmpfs|ramfs|devpts|image|glob,src=...,dst=...,..." */
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
