/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h - images in the local store: find, list, record, remove
 *
 * Layout below data_dir (ARCHITECTURE "State"):
 *
 *	names/<registry>/<repo path>/:<tag>	  JSON: per platform the image id and manifest digest
 *	names/<registry>/<repo path>/@<digest>	  the same, for what was pulled by digest
 *	images/<id>/image.json			  record: diff_ids, sizes, digests, times
 *	images/<id>/config.json, manifest.json	  the raw bytes as they came
 *	layers/<key>/{diff,layer.json}		  immutable; key = diff_id + owner map (storage/layer.h)
 *
 * <id> is the hex SHA-256 of the config. Readers take no locks; every file is replaced whole.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "core/base/strv.h"
#include "core/rl.h"

struct platform {
	char os[32], arch[32], variant[32]; /* Go names: linux, amd64, ""; variant may be empty */
};

/* The machine's own platform. */
void platform_host(struct platform *p);
/* "linux/arm64/v8", "arm64", "linux/amd64". -EINVAL names the bad part. */
int platform_parse(const char *s, struct platform *ret, struct rl_err *err) RL_MUST_USE;

struct image {
	char id[65];          /* hex */
	char *name;           /* canonical name it was found by; NULL when found by id only */
	char *digest;         /* "sha256:..." of the manifest */
	json_t *config;       /* the OCI image config, whole; owned */
	struct strv names;    /* all names of the image (filled by image_list/image_load) */
	struct strv diff_ids; /* "sha256:..." of the uncompressed layers, bottom first */
	int64_t size;         /* bytes unpacked, from the record */
	int64_t created_ns;
	struct platform platform;
};

/**
 * image_find() - Local look-up as run, rmi and inspect need it: one small file for a full name
 * @name:	As typed: name, short name, id, id prefix
 * @platform:	NULL: the host's
 *
 * Short names: localhost/NAME, aliases and search registries of registries.conf, docker.io.
 * Return: 0, -ENOENT (message "NAME: image not known"), -EEXIST for an ambiguous id prefix
 */
int image_find(const struct rl *rl, const char *name, const struct platform *platform,
	       struct image *ret, struct rl_err *err) RL_MUST_USE;
void image_done(struct image *img);
#define auto_image __attribute__((cleanup(image_done)))

/* All images, newest first; @ret_v is an array of @ret_n, release with image_list_done(). */
int image_list(const struct rl *rl, struct image **ret_v, size_t *ret_n,
	       struct rl_err *err) RL_MUST_USE;
void image_list_done(struct image *v, size_t n);
