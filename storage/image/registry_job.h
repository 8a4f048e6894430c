/* SPDX-License-Identifier: Apache-2.0 */
/* registry_job.h - inner structs of registry.c, registry_auth.c, registry_body.c, registry_error.c */
#pragma once

#include <openssl/evp.h>

#include "storage/image/registry.h"

enum job_state { JOB_FREE, JOB_WAITING, JOB_RUNNING, JOB_TOKEN, JOB_FILLING, JOB_FLUSHING };

struct job {
	enum job_state state;
	struct fetch_job want;
	struct registry *reg;
	struct http_req req;
	struct strv headers;
	char *url; /* current hop */
	int out_fd;
	/* PUSH_BLOB */
	enum push_step { STEP_HEAD, STEP_POST, STEP_STATUS, STEP_SEND, STEP_PUT } step;
	char *upload;      /* where the registry wants the bytes; NULL before STEP_SEND */
	int64_t sent;      /* bytes that it has */
	int64_t chunk;     /* bytes of one PATCH at most; 0 = all that is left */
	int64_t chunk_min; /* what the registry wants it to be at least */
	enum push_how how;
	int keep_fd;   /* FETCH_LAYER: gets the same bytes, or FD_NONE */
	int64_t at_ms; /* JOB_WAITING: not before */
	unsigned redirects, tries, auth_rounds;
	unsigned token_used; /* generation of the token that was sent, 0 = none */
	bool sent_login;     /* Basic credentials were sent */

	/* the body */
	struct buf mem;       /* all kinds but FETCH_LAYER */
	struct buf pending;   /* FETCH_LAYER: what the pipe had no room for */
	size_t pending_at;    /* written of it */
	EVP_MD_CTX *md;       /* of the first @got bytes */
	int64_t got;          /* bytes taken, in order from the start */
	int64_t got_at_retry; /* the same when the last attempt failed */
	int64_t skip;         /* to drop: the server starts again from 0 */
	bool begun;           /* of this attempt: the first byte was looked at */
	bool resumed, no_range;
	char *etag;            /* strong ones only */
	struct buf error_body; /* of an answer that is no success */
	struct rl_err err;     /* code != 0: why body() gave up */
};

enum token_state { TOKEN_NONE, TOKEN_RUNNING, TOKEN_READY };

struct token {
	enum token_state state;
	unsigned generation;
	char *header; /* "Authorization: Bearer ..." */
	struct http_req req;
	struct strv headers;
	char *url, *post;
	struct buf body;
	unsigned tries;
	int64_t at_ms; /* TOKEN_RUNNING and no transfer: retry then; 0 = no retry pending */
	bool with_login;
	struct challenge challenge; /* what to answer to */
};

struct registry {
	const struct registry_conf *conf;
	struct http *http;
	void (*report)(void *arg, const struct fetch_report *rep);
	void *arg;
	char *origin; /* scheme://host[:port] as http_origin() writes it */
	bool plain;   /* http */
	bool contacted;
	bool basic;  /* the registry wants Basic */
	char *login; /* "Authorization: Basic ..." or NULL */
	struct token token;
	int64_t bytes, reported_bytes, reported_at;
	struct job jobs[REGISTRY_JOBS_MAX];
};

/* registry.c */
void job_finish(struct job *j, const struct rl_err *err); /* NULL = good */
void job_again(struct job *j, int64_t delay_ms);          /* from the registry's own URL */
void registry_note(struct registry *reg, const char *fmt, ...) RL_PRINTF(2, 3);
int64_t registry_backoff(const struct registry *reg, unsigned tries);

/* It broke; @err says how. Try again, or give up. @wait_s: the server's wish, -1 = none. */
void job_retry(struct job *j, const struct rl_err *err, int64_t wait_s);

/* registry_push.c: of a PUSH_ job */
char *push_url(const struct job *j);
int push_prepare(struct job *j) RL_MUST_USE; /* method, body and headers of the next request */
bool push_answered(struct job *j);           /* false: the answer is none of its business */
void push_broken(struct job *j);             /* before a retry: where to go on */

/* registry_body.c */
size_t job_body(struct http_req *r, const void *p, size_t n);
/* Write what is pending. 0 = all written, -EAGAIN, or another -errno. */
int job_flush(struct job *j);
/* Hand over what an earlier try has left in the file. 0 = all, -EAGAIN, or -errno with j->err. */
int job_fill(struct job *j);
/* All bytes are here: size, digest, hand over. 0, -EAGAIN (flush first), or -errno with j->err. */
int job_complete(struct job *j);
int job_body_new(struct job *j) RL_MUST_USE;
void job_body_done(struct job *j);

/* registry_auth.c */
int auth_new(struct registry *reg) RL_MUST_USE;
void auth_done(struct registry *reg);
/* The Authorization header for a request to the registry itself, or NULL; marks what was used. */
const char *auth_header(struct job *j);
/* A 401 came: get what it asks for; the job waits or is finished. */
void auth_answer(struct job *j);
void auth_tick(struct registry *reg, int64_t now); /* retries of the token request */
int64_t auth_next(const struct registry *reg);     /* when, or -1 */

/* registry_error.c */
int job_status_error(const struct job *j, struct rl_err *err);
/* "CODE: message" out of a registry's JSON error; "" when there is none. */
void registry_error_text(const struct buf *body, char *out, size_t room);
