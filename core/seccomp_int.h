/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp_int.h - between seccomp.c, seccomp_profile.c, seccomp_rules.c and seccomp_cache.c */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "core/rl.h"
#include "core/seccomp.h"

/*
 * A cache entry is one file below cache/seccomp: a header, the whole key, the value. The name is a
 * hash of the key; the key is compared byte by byte, the value has a checksum.
 */
enum seccomp_cached {
	SECCOMP_BY_PROFILE, /* key: the profile's text and what it is evaluated for */
	SECCOMP_BY_OBJECT,  /* key: an OCI object */
};

/* The value for @key. 1: found (caller frees @ret), 0: not there or not usable. */
int seccomp_cache_get(const struct rl *rl, enum seccomp_cached kind, const char *key,
		      size_t key_len, void **ret, size_t *ret_len);
/* Best effort: without it the next run is slower, nothing else. */
void seccomp_cache_put(const struct rl *rl, enum seccomp_cached kind, const char *key,
		       size_t key_len, const void *value, size_t len);

/* What a profile is evaluated for. */
struct seccomp_host {
	const char *arch;      /* "amd64", as profiles spell it */
	const char *scmp_arch; /* "SCMP_ARCH_X86_64" */
	unsigned kernel[2];    /* major, minor */
};
int seccomp_host_get(struct seccomp_host *ret, struct rl_err *err);

/* The OCI object for a profile, without caches and files. @profile is HOSTILE only in fuzzing. */
int seccomp_profile_eval(const json_t *profile, const struct seccomp_host *host, uint64_t caps,
			 json_t **ret, struct rl_err *err) RL_MUST_USE;

/*
 * Build the program with libseccomp, without the cache. In front of it stands a prologue of our
 * own for rules that libseccomp cannot express: see seccomp_rules.c.
 */
int seccomp_build(const json_t *oci, struct seccomp_filter *ret, struct rl_err *err) RL_MUST_USE;
