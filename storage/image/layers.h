/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layers.h - bring a list of layers into the store, several at once; shared by pull and load
 *
 * Per layer: take its key's lock, open its stream, start an unpack child on it, and when the stream
 * was good (its feeder says so), the child is content and its diff_id is the one that the image's
 * config names, publish it. A layer that is there already is skipped. The first failure ends all:
 * children are killed, staging is removed, locks are let go. The same happens on a signal.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/strv.h"
#include "core/rl.h"
#include "core/session.h"
#include "storage/image/progress.h"

#define LAYERS_PARALLEL_MAX 6

struct layer_want {
	const char *diff_id; /* checked; borrowed */
	const char *blob;    /* digest of the compressed bytes, or NULL; borrowed */
	int64_t size;        /* compressed, -1 = unknown */
	const char *there;   /* path of its diff folder in another store, or NULL; borrowed */
	int there_fd;        /* on that; borrowed */
};

struct layers;

/* Where the bytes come from; @i is the index into the wanted layers */
struct layers_feed {
	void *arg;
	/*
	 * Give a descriptor to read layer @i from (owned by the caller then). @ret_sure: it is known
	 * to be good already; else layers_fed() tells later.
	 */
	int (*open)(void *arg, size_t i, int *ret_fd, bool *ret_sure, struct rl_err *err);
	void (*cancel)(void *arg, size_t i); /* it is begun anew or over; may be NULL */
	int event_fd;                        /* FD_NONE, or call event() when readable */
	int (*event)(void *arg, struct layers *ls, struct rl_err *err);
};

struct layers_conf {
	const struct rl *rl;
	const struct session *session;
	int signal_fd; /* readable: give up with -EINTR */
	struct progress *progress;
	unsigned parallel;
};

/* Layers that are missing, and the sum of their known sizes. */
int layers_missing(const struct layers_conf *conf, const struct layer_want *want, size_t n,
		   int64_t *ret_bytes, size_t *ret_n, struct rl_err *err) RL_MUST_USE;

int layers_run(const struct layers_conf *conf, const struct layers_feed *feed,
	       const struct layer_want *want, size_t n, struct rl_err *err) RL_MUST_USE;

/*
 * From event(): the stream of layer @i has ended; @err NULL = good. @again: it may be tried once
 * more from its start. Return: 0, or -errno with @ret_err to be handed on.
 */
int layers_fed(struct layers *ls, size_t i, const struct rl_err *err, bool again,
	       struct rl_err *ret_err) RL_MUST_USE;

/* Unpacked bytes of published layers, by their records; what cannot be read counts as 0. */
int64_t layers_total(const struct rl *rl, const struct session *s, const struct strv *diff_ids);
/* The same of one layer, by its key. */
int64_t layers_recorded_size(const struct rl *rl, const char *key);
/* How large a layer of @size packed bytes (-1: not known) may honestly become; more is a bomb. */
int64_t layers_bytes_max(const struct rl *rl, int64_t size);
/* How many to work on at once: enough for both the network and the processors. */
unsigned layers_parallel(void);
