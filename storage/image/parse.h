/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse.h - documents from outside, parsed in a confined child
 *
 * The JSON of a manifest, index, config, list of tags or archive is HOSTILE; it is looked at in a
 * child that can do nothing but think and answer (child.h, core/sandbox.h). What comes back is a fixed
 * struct or a list of short texts, and is checked once more here: digests by digest.h, counts and
 * sizes by their limits.
 */
#pragma once

#include "storage/image/manifest.h"
#include "storage/image/sigstore.h"

/**
 * struct parsed - An image manifest, or where an index sends us
 * @next:	MANIFEST_INDEX: the entry for the wanted platform
 * @m:		MANIFEST_IMAGE; release with manifest_done()
 */
struct parsed {
	enum manifest_kind kind;
	struct descriptor next;
	struct manifest m;
};

/* manifest_read() and then manifest_parse() or index_choose() (manifest.h). */
int parse_manifest(const char *data, size_t len, const char *content_type,
		   const struct platform *want, const char *what, struct parsed *ret,
		   struct rl_err *err) RL_MUST_USE;
int parse_config(const char *data, size_t len, size_t n_layers, struct image_config *ret,
		 struct rl_err *err) RL_MUST_USE;
/* "tags" of a registry's list; each is a valid tag. Appended. */
int parse_tags(const char *data, size_t len, struct strv *ret, struct rl_err *err) RL_MUST_USE;

/*
 * What a registry answers to a search: per result three texts, its name, its description, and
 * "<stars> <official> <automated>" (0 or 1 each). parse_catalog(): names only.
 */
int parse_search(const char *data, size_t len, struct strv *ret, struct rl_err *err) RL_MUST_USE;
int parse_catalog(const char *data, size_t len, struct strv *ret, struct rl_err *err) RL_MUST_USE;

/*
 * A manifest of signatures (sigstore.h): "<digest> <size> <base64>" for each payload and its
 * signature; what else is in it is left out. Texts are as they stand there.
 */
int parse_signatures(const char *data, size_t len, struct strv *ret,
		     struct rl_err *err) RL_MUST_USE;
/* A file of a lookaside: the signature as base64 and its payload; none when it is of another kind. */
int parse_lookaside(const char *data, size_t len, struct strv *ret, struct rl_err *err) RL_MUST_USE;
/* sigstore_verify(); without @keys and @signature what gpg_open() found in a simple signature. */
int parse_claim(const struct strv *keys, const char *payload, size_t len, const char *signature,
		struct sigstore_claim *ret, struct rl_err *err) RL_MUST_USE;

/*
 * manifest.json of a docker-archive as a flat list: "C<config file>" begins an image, then
 * "T<name>" per name and "L<layer file>" per layer, bottom first. Texts are as they stand there.
 */
int parse_docker_archive(const char *data, size_t len, struct strv *ret,
			 struct rl_err *err) RL_MUST_USE;
/* index.json of an OCI layout: "M<digest> <size> <media type>" per entry, then its "N<name>". */
int parse_oci_index(const char *data, size_t len, struct strv *ret, struct rl_err *err) RL_MUST_USE;
/* The same with the JSON array @more added to its "manifests", each in place of those of its name. */
int parse_oci_merge(const char *data, size_t len, const char *more, struct buf *ret,
		    struct rl_err *err) RL_MUST_USE;
