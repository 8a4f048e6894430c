/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.h - one repository of one registry, as the fetcher process sees it
 *
 * A job asks for one thing (a manifest, a blob, the list of tags) and writes it to a descriptor. Jobs
 * run at once; each is a small state machine over http.h:
 *
 *	waiting -> running -> (redirect: running) (401: asks for a token, waits) (broken: waits, with
 *	back-off, then goes on where it was by Range) -> flushing (the pipe is full) -> done
 *
 * Rules that keep secrets and the network safe (SECURITY S40 to S42): credentials and tokens go to
 * the registry's own origin (scheme, host, port) only; credentials also to a token service on the
 * same origin or a host listed in @realm_hosts, any other one is asked without; https never becomes
 * http; at most 10 redirects. Blobs are counted and hashed here; manifests and configs are hashed once
 * more by the process that parses them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/strv.h"
#include "storage/digest.h"
#include "storage/image/http.h"

#define REGISTRY_REDIRECTS_MAX  10
#define REGISTRY_JOBS_MAX       32
#define REGISTRY_RETRY_WAIT_MAX 60 /* seconds; a registry that asks for more is taken at its word */
#define REGISTRY_LIST_MAX       (4 << 20) /* bytes of one page of a list */

/* Where to fetch from and as whom; strings are owned (registry_conf_done()). */
struct registry_conf {
	char *name;                            /* as people call it: "docker.io" */
	char *host;                            /* host[:port] to talk to */
	char *repo;                            /* "library/alpine" */
	bool insecure;                         /* plain http may be tried */
	bool verify;                           /* TLS certificates */
	char *user, *password, *refresh_token; /* or NULL */
	char *login_from;        /* where the credentials stood, for messages, or NULL */
	bool push;               /* tokens are asked for with the right to push */
	bool catalog;            /* no repository: tokens are for the list of all */
	char *mount_from;        /* another repository there to read from, or NULL */
	struct strv realm_hosts; /* that may see the credentials too */
	struct strv ca_dirs;
	char *cert_dir;
	struct http_limits limits;
	uint64_t retries;
	int64_t retry_delay_ms; /* of the first retry, doubled each time */
};

/* Overwrites secrets before it frees them. */
void registry_conf_done(struct registry_conf *c);

enum fetch_kind {
	FETCH_MANIFEST, /* @target: tag or digest */
	FETCH_DOC,      /* a small blob, written when complete */
	FETCH_LAYER,    /* a blob, written as it comes */
	FETCH_LIST,     /* @target: "" (tags), a path of the registry, or what a Link header said */
	FETCH_URL,      /* @target: an URL that the user's configuration names; anonymous */
	/* registry_push.c; the descriptor is what is sent */
	PUSH_BLOB,     /* @target: repository to mount it from, or "" */
	PUSH_MANIFEST, /* @target: tag or digest; @type: its media type */
	PUSH_PING      /* only whether the registry lets us in */
};

struct fetch_job {
	uint32_t id;
	uint32_t kind;
	int64_t size;             /* exact, or -1 */
	int64_t max;              /* limit while the size is unknown */
	int64_t have;             /* FETCH_LAYER: bytes of it in the second descriptor already */
	char digest[DIGEST_SIZE]; /* of the bytes, or "" */
	char target[600];
	char type[128];
};

enum push_how { PUSH_SENT, PUSH_EXISTS, PUSH_MOUNTED };

enum fetch_event { FETCH_DONE, FETCH_PROGRESS, FETCH_NOTE };

struct fetch_report {
	uint32_t event;
	uint32_t id;
	int64_t bytes;     /* DONE: of this job; PROGRESS: of all jobs so far */
	char type[128];    /* Content-Type */
	char digest[96];   /* Docker-Content-Digest, unchecked */
	char next[600];    /* FETCH_LIST: the next page, or "" */
	uint32_t how;      /* PUSH_BLOB: enum push_how */
	uint32_t resumed;  /* DONE with -EBADMSG: pieces of several answers were put together */
	struct rl_err err; /* code 0 = good; FETCH_NOTE: the text */
};

struct registry;

/* @conf is borrowed. @report is called with every event. */
int registry_new(const struct registry_conf *conf,
		 void (*report)(void *arg, const struct fetch_report *rep), void *arg,
		 struct registry **ret, struct rl_err *err) RL_MUST_USE;
void registry_free(struct registry *reg);

/* @fds_take: as for fetcher_send(); closed when the job ends. Failures are reported, too. */
void registry_submit(struct registry *reg, const struct fetch_job *job, const int fds_take[2]);

/* Go on until @fd (the command socket) is readable or @timeout_ms is over. 0 or -errno. */
int registry_poll(struct registry *reg, int fd, int timeout_ms, bool *ret_readable,
		  struct rl_err *err) RL_MUST_USE;
