/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp.h - from a Docker/Podman profile to an OCI "linux.seccomp" object to BPF, with a cache
 *
 * Two steps with a cache each: seccomp_resolve() turns a profile file (defaultAction, syscalls
 * with includes/excludes by capability, architecture, minKernel) into the OCI object for one set
 * of capabilities; seccomp_compile() turns an OCI object into BPF through libseccomp (3.7 ms for
 * 460 rules), or takes the BPF from data_dir/cache/seccomp/<hash> (content checked by hash).
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
 * seccomp_resolve() - The OCI seccomp object for a profile and a capability set
 * @profile_path:	NULL: the default profile of the installation
 * @caps:		Bit set of the capabilities in the bounding set (1 << CAP_X)
 * @ret:		New reference
 */
int seccomp_resolve(const struct rl *rl, const char *profile_path, uint64_t caps, json_t **ret,
		    struct rl_err *err) RL_MUST_USE;
/* @oci: a "linux.seccomp" object. Release @ret with seccomp_done(). */
int seccomp_compile(const struct rl *rl, const json_t *oci, struct seccomp_filter *ret,
		    struct rl_err *err) RL_MUST_USE;
/*
 * In the process to be confined: needs CAP_SYS_ADMIN in its user namespace or no_new_privs.
 * (libseccomp has taken the name seccomp_load.)
 */
int seccomp_apply(const struct seccomp_filter *f, struct rl_err *err) RL_MUST_USE;
void seccomp_done(struct seccomp_filter *f);
