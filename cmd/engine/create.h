/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create.h - the request that run and create (and later build, an API, pods) hand to the engine
 *
 * Strings and lists are as the user typed them and borrowed for the time of the call; the engine
 * checks them. No printing, no argv. Zeroed fields mean "not given".
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/strv.h"
#include "core/cgroup.h"
#include "core/rl.h"
#include "core/seccomp.h"
#include "core/session.h"
#include "storage/image.h"

/* Limits beyond --cpus and --memory, as typed */
struct limit_words {
	const char *blkio_weight, *swappiness, *cgroup_parent, *cgroups, *rt_period, *rt_runtime;
	bool oom_kill_disable;
	struct strv weight_device, device[CGROUP_IO_KINDS], conf;
};

struct create_req {
	const char *image; /* name as typed, or the folder with @rootfs */
	bool rootfs;       /* --rootfs: @image is a folder, or "FOLDER:O" */
	const char *const *args;
	size_t n_args;
	const char *name, *hostname, *user, *workdir, *network, *userns, *shm_size, *stop_signal,
		*cidfile, *pidfile, *conmon_pidfile, *platform, *pull, *pid, *ipc, *uts, *cgroupns,
		*umask, *tz;
	const char *ip, *ip6, *mac_address;      /* on its one named network */
	const char *authfile, *creds, *cert_dir; /* for the pull */
	const char *entrypoint; /* NULL: the image's; "": none; JSON array or one word */
	const char *memory_swap, *pids_limit, *cpu_quota; /* numbers that may be -1, as typed */
	const char *image_volume, *oom_score_adj;
	const char *log_driver;
	struct strv log_opt;
	const char *passwd_entry, *group_entry; /* templates, see spec_accounts.c */
	struct strv env, env_file, unsetenv, label, label_file, volume, tmpfs, mount, cap_add,
		cap_drop, networks, network_alias, security_opt, ulimit, group_add, add_host, dns,
		dns_search, dns_option, sysctl, annotation, device, volumes_from, env_merge,
		hostuser, publish, expose, host_port, time_offset, device_cgroup_rule, secret;
	const char *domainname;
	struct strv uidmap, gidmap;
	const char *subuidname, *subgidname;
	bool me; /* the user of the container is the caller */
	bool publish_all;
	bool nested;   /* the payload may make user namespaces */
	bool hardened; /* SECURITY.md has what that takes away */
	bool interactive, tty, rm, read_only, privileged, init, quiet, no_hosts, no_hostname;
	bool replace;   /* a container that has the name goes first */
	bool no_passwd; /* the image's passwd and group stay as they are */
	bool no_read_only_tmpfs, no_http_proxy, env_host, unsetenv_all, tls_no_verify;
	int64_t nano_cpus, memory, memory_reservation; /* -1 (update): no limit any more */
	uint64_t cpu_shares, cpu_period;
	const char *cpuset_cpus, *cpuset_mems;
	struct limit_words limit;
	bool strict_limits;
	bool run;                /* it is started straight away, and published by its monitor */
	int64_t stop_timeout;    /* seconds, -1 = for ever */
	const char *const *line; /* the whole command line, only to be shown (inspect) */
	size_t n_line;
	uint64_t timeout;    /* seconds it may run, 0 = any */
	const char *restart; /* policy, as typed */
	const char *health_cmd, *health_interval, *health_timeout, *health_start_period,
		*health_start_interval, *health_retries, *health_on_failure, *health_log_to,
		*health_log_count, *health_log_bytes; /* as typed */
	const char *sdnotify;                         /* see notify.h */
	const char *startup_cmd, *startup_interval, *startup_timeout, *startup_retries,
		*startup_success;         /* of the check before the check; as typed */
	bool no_healthcheck, need_health; /* @need_health: refuse a container without a check */
};

/**
 * struct spec_in - What spec_build() composes the runtime spec from
 * @image:	NULL with --rootfs
 * @ctr_dir:	Absolute path that the container's folder will have; sources of mounts name it
 * @ctr_fd:	The folder itself (it may still have another name); generated files are written here
 * @layer_fds:	O_PATH on the layers, bottom first, for /etc/passwd and /etc/group; empty with
 *		--rootfs, where @rootfs_path is opened
 * @seccomp_profile: Default profile, NULL: the one that is installed
 * @resolv_conf: Text of /etc/resolv.conf on a private network (net_resolv_conf()), or NULL
 */
struct spec_in {
	const struct create_req *req;
	const struct image *image;
	const struct rl *rl;
	const struct session *session;
	const char *id;   /* 64 hex */
	const char *name; /* of the container */
	const char *ctr_dir;
	int ctr_fd;
	const char *rootfs_path; /* what root.path says */
	const int *layer_fds;
	size_t n_layers;
	const char *resolv_conf, *seccomp_profile;
};

/* A named or anonymous volume that the container mounts. */
struct spec_volume {
	char *name, *dest;
	bool copy_up;   /* the image's content at @dest belongs into it, see storage/volume.h */
	bool anonymous; /* goes with the container (--rm) */
};

struct spec_out {
	json_t *spec;   /* the OCI runtime spec, "seccomp" still a null (spec_write()); owned */
	json_t *labels; /* of the image, then of the request; owned */
	struct cgroup_limits limits; /* the same limits for core/cgroup */
	struct strv limit_flags; /* the flags that asked for a limit ("--cpus 1"), for messages */
	struct idmap uids, gids; /* C into S */
	/* JOINED: another container's; PATH: one that a path names */
	enum { NETMODE_PRIVATE, NETMODE_NONE, NETMODE_HOST, NETMODE_JOINED, NETMODE_PATH } netmode;
	char *hostname;
	int stop_signal;
	bool privileged, no_new_privs, host_cgroupns;
	char *seccomp_text;           /* "linux.seccomp", NULL: unconfined */
	struct seccomp_filter filter; /* the same, compiled; no instructions: unconfined */
	struct spec_volume *volumes;
	size_t n_volumes;
	json_t *asked;  /* the request in the user's words, for inspect; owned */
	json_t *mounts; /* places of the mounts that somebody asked for; owned */
};

/**
 * spec_build() - The OCI runtime spec for a request, and the files that go with it
 *
 * Writes hosts, hostname, resolv.conf and the like into @in->ctr_fd and creates volumes on
 * demand; both only after everything that the user may have got wrong has been checked.
 * What an image says changes args, env, cwd, user, stop signal and its VOLUMEs, nothing else.
 * Return: 0 with @ret to be released by spec_out_done(), or -errno with nothing to release
 */
int spec_build(const struct spec_in *in, struct spec_out *ret, struct rl_err *err) RL_MUST_USE;
/* What every container has masked unless it is asked not to; ends in NULL. */
extern const char *const spec_masked_always[];
/* The whole text of config.json, caller frees; NULL when out of memory. */
char *spec_text(const struct spec_out *o);
/* Write config.json into @dir_fd. */
int spec_write(const struct spec_out *o, int dir_fd, bool sync, struct rl_err *err) RL_MUST_USE;
void spec_out_done(struct spec_out *o);
