/* SPDX-License-Identifier: Apache-2.0 */
/*
 * platform.h - operating system, machine and variant as images name them (Go's names)
 *
 * Always kept in normal form: "arm64/v8" is "arm64", "amd64/v1" is "amd64", "arm" is "arm/v7",
 * x86_64 is amd64 and so on. Source: OCI image-spec image-index.md "platform.variant".
 */
#pragma once

#include <stddef.h>

#include "core/base/err.h"

struct platform {
	char os[32], arch[32], variant[32]; /* Go names: linux, amd64, ""; variant may be empty */
};

#define PLATFORM_TEXT_MAX 100

/* The machine's own platform. */
void platform_host(struct platform *p);
/* "linux/arm64/v8", "arm64", "linux/amd64". -EINVAL names the bad part. */
int platform_parse(const char *s, struct platform *ret, struct rl_err *err) RL_MUST_USE;
/* The three fields of an image config or of an index entry; NULL counts as empty. What is too
 * long or holds odd bytes becomes "unknown", which matches nothing. */
void platform_set(struct platform *p, const char *os, const char *arch, const char *variant);
/* "linux/arm/v7" */
void platform_print(const struct platform *p, char out[PLATFORM_TEXT_MAX]);

/* How well @have runs where @want is asked for: 0 = not at all, higher is better. An older
 * variant of the same machine will do, a newer one not. */
int platform_score(const struct platform *have, const struct platform *want);
/* Index of the best of @n, or -ENOENT. */
int platform_best(const struct platform *v, size_t n, const struct platform *want);
