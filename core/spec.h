/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec.h - an OCI runtime spec (config.json) as a struct, every field checked
 *
 * What is known here is checked for type, range and size; unknown members are ignored, as the
 * OCI runtime spec asks ("Extensibility"). What the spec asks for and rl cannot do is an error,
 * unless it only describes (hooks and resources belong to the engine, seccomp to seccomp.h).
 * The strings are the struct's own: a monitor keeps them for as long as its container lives, and the
 * JSON would take ten times as much memory.
 * Source: https://github.com/opencontainers/runtime-spec, config.md and config-linux.md, 1.2.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/caps.h"

struct mnt_opt;

#define SPEC_JSON_MAX    (8u << 20) /* bytes of text, for json_read() */
#define SPEC_ITEMS_MAX   4096u      /* entries of any list but args and env */
#define SPEC_ARGS_MAX    65536u     /* entries of args and of env */
#define SPEC_PATH_MAX    4095u      /* bytes of a path */
#define SPEC_STRING_MAX  131071u    /* bytes of one argument (the kernel's MAX_ARG_STRLEN) */
#define SPEC_OPTIONS_MAX 128u       /* options of one mount */

enum spec_ns_kind {
	SPEC_NS_USER,
	SPEC_NS_MOUNT,
	SPEC_NS_PID,
	SPEC_NS_NET,
	SPEC_NS_IPC,
	SPEC_NS_UTS,
	SPEC_NS_CGROUP,
	SPEC_NS_TIME,
	SPEC_NS_KINDS,
};

struct spec_ns {
	bool is_listed;   /* false: shared with the caller */
	const char *path; /* NULL: a new one */
};

struct spec_mount {
	const char *dest, *type, *source; /* @type is "bind" for every bind mount */
	struct mnt_opt *opts;             /* parameters of the file system; owned */
	size_t n_opts;
	char *opt_text;          /* what @opts points into; owned */
	uint64_t set, clear;     /* MOUNT_ATTR_* */
	uint64_t set_rec;        /* the same for all mounts below (rro and kin) */
	uint64_t propagation;    /* MS_PRIVATE, ... */
	bool propagation_rec;    /* rprivate, ... */
	bool is_bind, recursive; /* rbind */
	bool read_only;
	const char *subpath; /* "subpath=...": mounted is what is there below the source, or NULL */
	bool is_real;        /* the source is a path without links, and must still be one */
	bool idmap;          /* owners are shown as the container's ids say, */
	const char *idmap_map; /* or as this says (core/idmount.h) */
	bool chown;  /* "U": the source is given to the process's user first (core/sources.h) */
	bool copyup; /* "tmpcopyup", "copyup": if empty, start with what the image has there */
};

struct spec_device {
	const char *path;
	bool is_block;
	uint32_t major, minor;
};

struct spec_rlimit {
	int resource; /* RLIMIT_* */
	uint64_t soft, hard;
};

struct spec_sysctl {
	const char
		*key; /* "net.ipv4.ip_forward", or with slashes; checked: belongs to a namespace */
	const char *value;
};

struct spec {
	char *text; /* what the strings point into; owned */

	const char *root_path; /* NULL when a hook provides the root */
	bool root_read_only;
	uint64_t root_propagation; /* MS_PRIVATE, ... */

	bool terminal;
	uint16_t rows, cols; /* 0: not given */
	const char *cwd;     /* absolute */
	const char **args;   /* at least one; NULL-terminated; owned array */
	const char **env;    /* NULL-terminated; owned array */
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* owned */
	size_t n_groups;
	mode_t umask;     /* 0022 when not given */
	struct caps caps; /* empty when not given: the safe reading of a silent spec */
	struct spec_rlimit *rlimits;
	size_t n_rlimits;
	bool no_new_privs;
	bool has_oom_score_adj;
	int oom_score_adj;

	const char *hostname, *domainname; /* NULL: leave */
	struct spec_mount *mounts;
	size_t n_mounts;

	struct spec_ns ns[SPEC_NS_KINDS];
	bool has_time_offsets;
	int64_t monotonic_s, boottime_s;
	uint32_t monotonic_ns, boottime_ns;
	struct spec_device *devices;
	size_t n_devices;
	struct spec_sysctl *sysctls;
	size_t n_sysctls;
	const char **masked, **read_only_paths; /* NULL-terminated, owned arrays */

	bool keep_groups; /* annotation "run.oci.keep_original_groups": the caller's groups stay */
	bool nested;      /* annotation "rl.nested": the payload may make user namespaces */
};

/**
 * spec_parse() - Check @json and make a struct of it
 * @json:	Not needed any more afterwards
 * @ret:	Written on success only; release with spec_done()
 *
 * Return: 0, -EINVAL naming the member that is wrong, -ENOTSUP for what rl cannot do, -ENOMEM
 */
int spec_parse(json_t *json, struct spec *ret, struct rl_err *err) RL_MUST_USE;
void spec_done(struct spec *s); /* fine on a zeroed struct */
#define auto_spec __attribute__((cleanup(spec_done)))

/* Is the namespace a new one for this container (listed, without a path)? */
bool spec_ns_is_new(const struct spec *s, enum spec_ns_kind kind);
