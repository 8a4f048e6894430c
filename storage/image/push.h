/* SPDX-License-Identifier: Apache-2.0 */
/* push.h - one push at work; for push.c and push_list.c */
#pragma once

#include "core/base/buf.h"
#include "storage/image.h"
#include "storage/image/compress.h"
#include "storage/image/fetcher.h"
#include "storage/image/manifest.h"
#include "storage/image/progress.h"
#include "storage/image/request.h"
#include "storage/image/rewrite.h"

struct push {
	const struct rl *rl;
	struct request *req;
	struct source *src;
	struct fetcher fetcher;
	struct progress progress;
	int signal_fd;
	struct image img;    /* id "": only the registry has it */
	struct buf manifest; /* its text, as it will be */
	struct manifest m;
	enum rewrite_format format;
	enum compress_kind kind;
};

/* An image of the store, with its manifest. */
int push_read_image(struct push *p, const char *id, struct rl_err *err) RL_MUST_USE;
/* @p->manifest is there: what it says. */
int push_read_manifest(struct push *p, struct rl_err *err) RL_MUST_USE;
/* Image and manifest, so that the next can be read. */
void push_forget(struct push *p);
/* Another repository at the same registry that an image with one of our layers is known by. */
void push_find_mount(struct push *p);
/* Layers, config, manifest. @target: the manifest's tag or digest; NULL: its digest */
int push_parts(struct push *p, const char *target, struct digest *ret, char ret_type[128],
	       struct rl_err *err) RL_MUST_USE;
int push_document(struct push *p, const struct buf *text, const char *type, const char *target,
		  struct digest *ret, struct rl_err *err) RL_MUST_USE;

/* push_list.c: the list of the request; @p->src is where to */
int push_list(struct push *p, struct rl_err *err) RL_MUST_USE;
