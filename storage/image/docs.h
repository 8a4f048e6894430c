/* SPDX-License-Identifier: Apache-2.0 */
/* docs.h - manifests, configs and lists from the fetcher, one at a time, hashed on arrival */
#pragma once

#include "core/base/buf.h"
#include "storage/image/fetcher.h"
#include "storage/image/progress.h"

#define DOCS_PAGES_MAX 100 /* of one list */

struct docs {
	struct fetcher fetcher;
	struct progress *progress; /* notes of the fetcher go there */
	int signal_fd;             /* readable: give up with -EINTR */
	uint32_t next_id;
	int64_t bytes; /* of all documents so far */
};

/**
 * docs_get() - Fetch one document
 * @job:	All but @id; with @digest the bytes are what it names
 * @rep:	What the fetcher said of it
 * @ret:	Their digest
 */
int docs_get(struct docs *d, struct fetch_job *job, struct buf *out, struct fetch_report *rep,
	     struct digest *ret, struct rl_err *err) RL_MUST_USE;

/* All pages of a list: @take gets each. @first: as FETCH_LIST takes it. */
int docs_list(struct docs *d, const char *first,
	      int (*take)(void *arg, const struct buf *text, struct rl_err *err), void *arg,
	      struct rl_err *err) RL_MUST_USE;
