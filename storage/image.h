/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h - images in the local store: find, list, record, remove
 *
 * Layout below data_dir (ARCHITECTURE "State"):
 *
 *	names/<registry>/<repo path>/:<tag>	  JSON: per platform the image id and manifest digest
 *	names/<registry>/<repo path>/@<digest>	  the same, for what was pulled by digest
 *	lists/<id>.json				  manifest lists (storage/mlist.h)
 *	images/<id>/image.json			  record: diff_ids, sizes, digests, times
 *	images/<id>/config.json, manifest.json	  the raw bytes as they came
 *	layers/<key>/{diff,layer.json}		  immutable; key = diff_id + owner map (storage/layer.h)
 *
 * <id> is the hex SHA-256 of the config. Readers take no locks; every file is replaced whole.
 * Writers hold images/.lock for a moment. Who brings layers in holds layers/.gc shared from before
 * the first look-up of a layer until the image is recorded; removal deletes layers that no image
 * refers to only while nobody does.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "core/base/strv.h"
#include "core/rl.h"
#include "storage/platform.h"

#define IMAGE_MANIFEST_MAX (4 << 20) /* SECURITY S38 */
#define IMAGE_CONFIG_MAX   (8 << 20)
#define IMAGE_LAYERS_MAX   1024

struct image {
	char id[65];        /* hex */
	char *name;         /* canonical name it was found by; NULL when found by id only */
	char *digest;       /* "sha256:..." of the manifest */
	char *index_digest; /* of the index it came through, or NULL */
	json_t *config; /* the OCI image config, whole; owned; NULL in lists (image_load_config) */
	struct strv names;    /* all names of the image (filled by image_list/image_load) */
	struct strv diff_ids; /* "sha256:..." of the uncompressed layers, bottom first */
	int64_t size;         /* bytes unpacked, from the record */
	int64_t created_ns;
	struct platform platform;
	bool is_list; /* a manifest list: id, names, times, size of its text; no layers, no config */
};

/**
 * image_find() - Local look-up as run, rmi and inspect need it: one small file for a full name
 * @name:	As typed: name, short name, id, id prefix
 * @platform:	NULL: the host's, else whatever the name has (compare @ret->platform if it matters)
 *
 * Short names: localhost/NAME, aliases and search registries of registries.conf, docker.io.
 * Return: 0, -ENOENT (message "NAME: image not known"), -EEXIST for an ambiguous id prefix,
 *	   -EBADMSG for a damaged record
 */
int image_find(const struct rl *rl, const char *name, const struct platform *platform,
	       struct image *ret, struct rl_err *err) RL_MUST_USE;
/* The first half of it: only the id, and the canonical name (NULL when found by id); works for
 * images with a damaged record. */
int image_resolve(const struct rl *rl, const char *name, const struct platform *platform,
		  char ret_id[65], char **ret_name, struct rl_err *err) RL_MUST_USE;
/* An image, or a manifest list (storage/mlist.h): what rmi, tag and push mean by a word. A list's
 * own name stands for the list here, and for the image in it that fits @platform above. */
int image_resolve_any(const struct rl *rl, const char *word, char ret_id[65], char **ret_name,
		      bool *ret_is_list, struct rl_err *err) RL_MUST_USE;
/* The second half: the record of one image, with config and all its names. */
int image_load(const struct rl *rl, const char id[65], struct image *ret,
	       struct rl_err *err) RL_MUST_USE;
int image_load_config(const struct rl *rl, struct image *img, struct rl_err *err) RL_MUST_USE;
void image_done(struct image *img);
#define auto_image __attribute__((cleanup(image_done)))

/* All images, newest first; @ret_v is an array of @ret_n, release with image_list_done().
 * A damaged record is told as a warning and left out. */
int image_list(const struct rl *rl, struct image **ret_v, size_t *ret_n,
	       struct rl_err *err) RL_MUST_USE;
void image_list_done(struct image *v, size_t n);

/* Who uses what: "<image id> <container id>" for each container, also ones just being made. */
int image_users(const struct rl *rl, struct strv *ret, struct rl_err *err) RL_MUST_USE;

/* --- writing (image_write.c, image_remove.c) --------------------------------------------- */

/* Hold off the removal of layers; close the descriptor after image_record(). fd or -errno. */
int image_hold_layers(const struct rl *rl, struct rl_err *err) RL_MUST_USE;

/**
 * struct image_new - What pull, load and build know; all borrowed
 * @id:		hex SHA-256 of @config, computed by the caller, who also checked diff_ids against
 *		the layers
 * @names:	Canonical names to point here, may be empty; ones that pointed elsewhere are moved
 */
struct image_new {
	const char *id;
	const char *manifest, *config; /* raw bytes; @manifest may be NULL */
	size_t manifest_len, config_len;
	const char *digest;       /* "sha256:..." of the manifest */
	const char *index_digest; /* or NULL */
	const struct strv *diff_ids;
	const struct strv *names;
	int64_t size;
	bool made_up; /* the manifest is our own word: one that came with the image stays instead */
};

/* Everything is on disk when this returns. The platform is read from the config. */
int image_record(const struct rl *rl, const struct image_new *n, struct rl_err *err) RL_MUST_USE;
/* Point one more canonical name at an image or list that is there (tag). */
int image_tag(const struct rl *rl, const char id[65], const char *name,
	      struct rl_err *err) RL_MUST_USE;

/* "app" as tag, commit, build and import mean it: "localhost/app:latest". Caller frees. -EINVAL */
int image_new_name(const char *typed, char **ret, struct rl_err *err) RL_MUST_USE;

struct image_removed {
	struct strv untagged; /* canonical names */
	char deleted[65];     /* id, or "" when other names keep the image */
};

/**
 * image_remove() - What `rl rmi` does with one word
 * @force:	Also by id when the image has several names
 *
 * By name: the name goes, and the image with its last name. Layers that are not needed any more
 * are moved out of sight; image_sweep_layers() deletes them.
 * Return: 0, -ENOENT (exit_code 1: unknown), -EBUSY (exit_code 2: a container uses it), -errno
 */
int image_remove(const struct rl *rl, const char *name, bool force, struct image_removed *ret,
		 struct rl_err *err) RL_MUST_USE;
/* Take names from an image and keep it, also without any: @name, or all when NULL.
 * -ENOENT when @name is none of its names. */
int image_untag(const struct rl *rl, const char id[65], const char *name,
		struct rl_err *err) RL_MUST_USE;
/* Move away what a removal that was cut short has left: layers and blobs that no image needs. */
int image_collect(const struct rl *rl, struct rl_err *err) RL_MUST_USE;
/* Delete what earlier removals moved away (inside S, only if there is something). */
int image_sweep_layers(const struct rl *rl, struct rl_err *err) RL_MUST_USE;
