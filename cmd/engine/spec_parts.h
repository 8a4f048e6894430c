/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_parts.h - the duties that spec_build() is split into; only for cmd/engine/spec_*.c
 *
 * Order (each part may use what earlier ones have decided): image config, security options,
 * namespaces, user, process, limits, linux, mounts with generated files. Only the last one
 * writes anything.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "cmd/engine/create.h"
#include "cmd/engine/imgconf.h"
#include "cmd/engine/userdb.h"
#include "core/spec.h"

struct container;

/* --security-opt, taken apart */
struct secopt {
	bool no_new_privs, seccomp_unconfined, unmask_all;
	const char *seccomp_profile; /* borrowed from the request; NULL = the default one */
	struct strv mask, unmask;    /* clean paths */
	struct strv proc_opts;       /* of the mount of /proc */
};

struct spec_ctx {
	const struct spec_in *in;
	const struct create_req *req;
	struct spec_out *out;
	struct imgconf img;
	struct secopt sec;
	bool host_pid, host_ipc, host_uts, host_cgroupns;
	bool keeps_hostname;     /* the one that is there is not to be, or cannot be, changed */
	bool no_shm;             /* --ipc none */
	struct container *other; /* whose namespaces are joined, or NULL; owned */
	char *ns_path[SPEC_NS_KINDS]; /* namespaces that are not new ones; owned */
	char *network;                /* --network as it is recorded, or NULL: as typed */
	bool keep_id;                 /* keep_uid, keep_gid: where the caller is found inside */
	const char *auto_ids; /* --userns auto: what follows the word; NULL: not asked for */
	uint32_t keep_uid, keep_gid;
	struct buf passwd, group; /* text of the image's files; empty = none */
	struct userdb_user user;
	uint64_t caps;          /* bounding set */
	json_t *spec, *process; /* borrowed from out->spec */
	json_t *linux_part;
	char *cwd, *home;
	size_t entry_args; /* so many of the args are the entrypoint's */
};

/* Is the network one over which the container has no rights? Then no fresh sysfs can be had. */
static inline bool spec_foreign_net(const struct spec_ctx *x)
{
	return x->out->netmode == NETMODE_HOST || x->out->netmode == NETMODE_PATH;
}

int secopt_parse(const struct strv *words, struct secopt *ret, struct rl_err *err) RL_MUST_USE;
void secopt_done(struct secopt *s);

/* --hardened: wishes that would undo it are refused; sets no_new_privs (spec_harden.c) */
int spec_check_hardened(struct spec_ctx *x, struct rl_err *err) RL_MUST_USE;
uint64_t spec_hardened_caps(void);
/* "nosuid" on every mount that has not got it. */
int spec_mounts_nosuid(json_t *mounts, struct rl_err *err) RL_MUST_USE;

/* --network, --pid, --ipc, --uts, --cgroupns, --userns: modes, id maps, hostname */
int spec_make_namespaces(struct spec_ctx *x, struct rl_err *err) RL_MUST_USE;
void spec_namespaces_done(struct spec_ctx *x);
/* --userns, --uidmap, --gidmap, --subuidname, --subgidname: id maps */
int spec_make_userns(struct spec_ctx *x, struct rl_err *err) RL_MUST_USE;
/* The maps of the user namespace at @path, which must lie in S. */
int spec_userns_at(struct spec_ctx *x, const char *path, struct rl_err *err) RL_MUST_USE;
/* The maps that depend on the image: --me, --userns auto, and a user with one id only. */
int spec_map_user(struct spec_ctx *x, struct rl_err *err) RL_MUST_USE;
/* -u, --group-add: ids that the map has; reads the image's passwd and group */
int spec_make_user(struct spec_ctx *x, struct rl_err *err) RL_MUST_USE;
/* --hostuser: into x->passwd, once that is read */
int spec_add_accounts(struct spec_ctx *x, struct rl_err *err) RL_MUST_USE;
/* args, env, cwd, capabilities, rlimits: the "process" object */
int spec_make_process(struct spec_ctx *x, struct rl_err *err) RL_MUST_USE;
/* Words of --env-file, then of -e, onto @env. */
int spec_env_words(struct strv *env, const struct strv *files, const struct strv *words,
		   struct rl_err *err) RL_MUST_USE;
int spec_make_env(struct spec_ctx *x, json_t **ret, struct rl_err *err) RL_MUST_USE;
int spec_make_caps(struct spec_ctx *x, json_t **ret, struct rl_err *err) RL_MUST_USE;
/* --cpus, --memory and kin: "resources" and out->limits */
int spec_make_limits(struct spec_ctx *x, json_t **ret, struct rl_err *err) RL_MUST_USE;
/* namespaces, mappings, sysctls, masks, seccomp: the "linux" object */
int spec_make_linux(struct spec_ctx *x, struct rl_err *err) RL_MUST_USE;
/* "mounts"; creates volumes, writes generated files */
int spec_make_mounts(struct spec_ctx *x, struct rl_err *err) RL_MUST_USE;

/* The request in the user's words: out->asked */
int spec_make_asked(struct spec_ctx *x, struct rl_err *err) RL_MUST_USE;

/* The container's file for /etc/<name>, or 1 when it is not to be replaced. 0, 1 or -errno. */
int spec_file_hosts(struct spec_ctx *x, struct buf *out, struct rl_err *err) RL_MUST_USE;
int spec_file_resolv(struct spec_ctx *x, struct buf *out, struct rl_err *err) RL_MUST_USE;
int spec_file_passwd(struct spec_ctx *x, struct buf *out, struct rl_err *err) RL_MUST_USE;
int spec_file_group(struct spec_ctx *x, struct buf *out, struct rl_err *err) RL_MUST_USE;
/* --add-host, --dns, --dns-search, --dns-option: checked before anything is written */
int spec_check_names(const struct create_req *req, struct rl_err *err) RL_MUST_USE;

/* A JSON array of the strings; NULL when out of memory. */
json_t *spec_make_strings(char *const *v, size_t n);
