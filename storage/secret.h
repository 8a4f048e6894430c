/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret.h - secrets by name: small, opaque, never shown unless asked for
 *
 *	secrets/<name>		one line of JSON (id, driver, labels, times), then the bytes; mode 0600
 *	secrets/.lock		held while a name is made or removed
 *
 * Who can read the user's files can read them: the wall is around the folder (0700), not in it. What a
 * container gets, and how, is core/secrets.h. Contents are wiped from memory by secret_done().
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/strv.h"
#include "core/rl.h"

#define SECRET_MAX    512000 /* bytes of one, as Podman has it */
#define SECRET_ID_LEN 25

struct secret {
	char *name;
	char id[SECRET_ID_LEN + 1];
	json_t *labels; /* object of strings */
	int64_t created_ns, updated_ns;
	struct buf data; /* only where it was asked for */
};

struct secret_req {
	const char *name;
	const struct strv *labels; /* KEY=VALUE */
	const void *data;
	size_t len;
	bool replace, ignore; /* what one of that name means; neither: an error */
};

/* 0; 1: there is one already, which @ignore makes fine; -EEXIST, -EINVAL. @ret: without content. */
int secret_create(const struct rl *rl, const struct secret_req *q, struct secret *ret,
		  struct rl_err *err) RL_MUST_USE;
/* By name, id, or the unique beginning of one. -ENOENT "no such secret", -EEXIST: several. */
int secret_load(const struct rl *rl, const char *word, bool with_data, struct secret *ret,
		struct rl_err *err) RL_MUST_USE;
/* Names of all, sorted. */
int secret_list(const struct rl *rl, struct strv *ret, struct rl_err *err) RL_MUST_USE;
int secret_remove(const struct rl *rl, const char *name, struct rl_err *err) RL_MUST_USE;

/* The text of such a file, HOSTILE only in fuzzing. */
int secret_parse(const char *name, const char *text, size_t len, bool with_data, struct secret *ret,
		 struct rl_err *err) RL_MUST_USE;
void secret_done(struct secret *s); /* fine on a zeroed struct */
#define auto_secret __attribute__((cleanup(secret_done)))
/* Wipe and free. */
void secret_wipe(struct buf *b);
