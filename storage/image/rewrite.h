/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rewrite.h - the manifest of an image that is handed on: as it came, or with other layers or types
 *
 * What is not touched keeps its bytes, so that the digest stays. OCI and Docker schema 2 differ in
 * the names of their media types only (annotations have no place in the latter).
 */
#pragma once

#include "core/base/buf.h"
#include "storage/image/manifest.h"

enum rewrite_format { REWRITE_AS_IS, REWRITE_OCI, REWRITE_DOCKER };

/* "oci", "v2s2", "docker"; NULL is as it is. */
int rewrite_format_parse(const char *s, enum rewrite_format *ret, struct rl_err *err) RL_MUST_USE;

/**
 * rewrite_manifest() - For layers of other digests, sizes, or types
 * @m:		What the new one says; its config is the old one
 * @text:	The old bytes; replaced when something differs
 * @ret_type:	Media type of the result
 */
int rewrite_manifest(struct buf *text, const struct manifest *m, enum rewrite_format format,
		     char ret_type[128], struct rl_err *err) RL_MUST_USE;
