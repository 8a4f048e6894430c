/* SPDX-License-Identifier: Apache-2.0 */
/*
 * foreign.h - what the additional stores have of an image's layers (storage/stores.h)
 *
 * Opened by a child each, because a store may be on a file system that does not answer: that one is
 * done without after FOREIGN_MS, with a word to the user. Nothing is ever written there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/strv.h"
#include "core/rl.h"
#include "storage/image/progress.h"

#define FOREIGN_MS 3000

struct foreign_store {
	char *path;
	int layers_fd, blobs_fd; /* FD_NONE: none that we may read */
	struct strv keys;        /* names in layers/ */
};

struct foreign {
	struct foreign_store *v;
	size_t n;
	bool in_place; /* this kernel finds data behind stubs: unpacked layers can be used */
};

int foreign_open(const struct rl *rl, const struct strv *paths, struct progress *progress,
		 struct foreign *ret, struct rl_err *err) RL_MUST_USE;
/*
 * An unpacked layer with this diff_id: a descriptor on its diff folder and its path, which the caller
 * frees. Its owners do not matter, only data are taken from it. fd or -ENOENT.
 */
int foreign_layer(const struct foreign *f, const char *diff_id, char **ret_path) RL_MUST_USE;
/* A packed layer of the right size, not checked otherwise. fd or -ENOENT. */
int foreign_blob(const struct foreign *f, const char *digest, int64_t size,
		 char **ret_path) RL_MUST_USE;
void foreign_close(struct foreign *f); /* fine on a zeroed struct */
