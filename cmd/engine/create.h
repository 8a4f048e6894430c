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
#include "core/session.h"
#include "storage/image.h"

struct create_req {
	const char *image; /* name as typed, or the folder with @rootfs */
	bool rootfs;       /* --rootfs: @image is a folder */
	const char *const *args;
	size_t n_args;
	const char *name, *hostname, *user, *workdir, *network, *userns, *shm_size, *stop_signal,
		*cidfile, *platform, *pull, *pid, *ipc, *uts, *cgroupns, *umask, *tz;
	const char *entrypoint; /* NULL: the image's; "": none; JSON array or one word */
	struct strv env, env_file, label, label_file, volume, tmpfs, mount, cap_add, cap_drop,
		security_opt, ulimit, group_add, add_host, dns, dns_search, dns_option, sysctl,
		annotation, device;
	bool interactive, tty, rm, read_only, privileged, init, quiet, no_hosts;
	int64_t nano_cpus, memory, memory_swap, memory_reservation, pids_limit;
	uint64_t cpu_shares, cpu_quota, cpu_period;
	const char *cpuset_cpus, *cpuset_mems;
	bool strict_limits;
};

/**
 * struct spec_in - What spec_build() composes the runtime spec from
 * @req:	The request
 * @image:	NULL with --rootfs
 * @root_fd:	O_PATH on a readable view of the root for /etc/passwd and /etc/group (the topmost
 *		layer that has them is looked up by the caller), or FD_NONE
 */
struct spec_in {
	const struct create_req *req;
	const struct image *image;
	const struct rl *rl;
	const struct session *session;
	const char *id; /* 64 hex */
	const char *
		ctr_dir; /* absolute path of containers/<id>; hosts, hostname, resolv.conf are there */
	const char *rootfs_path; /* what root.path says */
	const int *layer_fds;    /* layers for passwd/group look-up, bottom first */
	size_t n_layers;
};

struct spec_out {
	json_t *spec;                /* the OCI runtime spec (config.json); owned */
	struct cgroup_limits limits; /* the same limits for core/cgroup */
	struct strv limit_flags; /* the flags that asked for a limit ("--cpus 1"), for messages */
	struct idmap uids, gids; /* C into S */
	enum { NETMODE_PRIVATE, NETMODE_NONE, NETMODE_HOST } netmode;
	char *hostname;
	int stop_signal;
	bool privileged, no_new_privs;
};

int spec_build(const struct spec_in *in, struct spec_out *ret, struct rl_err *err) RL_MUST_USE;
void spec_out_done(struct spec_out *o);
