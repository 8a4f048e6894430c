/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp.h - from a Docker/Podman profile to an OCI "linux.seccomp" object to BPF, with a cache
 *
 * A profile (defaultAction, syscalls with includes/excludes by capability, architecture, minKernel)
 * becomes the OCI object for one set of capabilities, that becomes BPF through libseccomp (several
 * milliseconds). seccomp_prepare() does both and keeps the results in data_dir/cache/seccomp, so
 * that a run costs one small file. What the cache guards against is told in seccomp_cache.c.
 * Sources: OCI runtime-spec config-linux.md "Seccomp", seccomp_rule_add(3).
 */
#pragma once

#include <jansson.h>
#include <linux/filter.h>
#include <stdint.h>

#include "core/rl.h"

struct seccomp_filter {
	struct sock_filter *insns; /* owned */
	unsigned short n;
	uint32_t flags; /* SECCOMP_FILTER_FLAG_* for seccomp(2) */
};

/**
 * seccomp_prepare() - Filter and OCI text for a profile and a capability set, from the cache
 * @profile_path:	NULL: the default profile of the installation
 * @caps:		Bit set of the capabilities in the bounding set (1 << CAP_X)
 * @ret_text:		JSON text of the "linux.seccomp" object, caller frees
 * @ret:		Release with seccomp_done()
 */
int seccomp_prepare(const struct rl *rl, const char *profile_path, uint64_t caps, char **ret_text,
		    struct seccomp_filter *ret, struct rl_err *err) RL_MUST_USE;
/* Only the OCI object, as a new reference; no cache. */
int seccomp_resolve(const char *profile_path, uint64_t caps, json_t **ret,
		    struct rl_err *err) RL_MUST_USE;
/* The filter for a "linux.seccomp" object (of a config.json), through the cache. */
int seccomp_compile(const struct rl *rl, const json_t *oci, struct seccomp_filter *ret,
		    struct rl_err *err) RL_MUST_USE;
/*
 * In the process to be confined: needs CAP_SYS_ADMIN in its user namespace or no_new_privs.
 * (libseccomp has taken the name seccomp_load.)
 */
int seccomp_apply(const struct seccomp_filter *f, struct rl_err *err) RL_MUST_USE;
void seccomp_done(struct seccomp_filter *f);
