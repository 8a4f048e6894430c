/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - many HTTP requests at once in one thread, on libcurl's multi interface
 *
 * The narrow part of HTTP that a registry client needs, with the limits built in: HTTP and HTTPS
 * only, no redirect followed by itself (registry.c judges each one), headers bounded, time limits for
 * connecting, for the header and for a stalled body, TLS 1.2 or newer checked against the
 * system's CAs plus those in certs.d. Nothing is read from the environment but the proxies.
 *
 * A request belongs to the caller, who fills the first part, starts it, and gets @done called from
 * http_work(); after that (or after http_stop()) the struct may be used again.
 */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/strv.h"
#include "storage/image/challenge.h"

#define HTTP_HEADERS_MAX 65536    /* bytes of all headers of one answer */
#define HTTP_PAUSE       SIZE_MAX /* from body(): not now; call http_resume() later */

struct http_limits {
	int64_t connect_ms, header_ms, stall_ms;
};

/* Whom a connection reaches; a redirect from a public registry must not reach into a private net */
enum http_reach { HTTP_PUBLIC, HTTP_PRIVATE, HTTP_LOOPBACK, HTTP_LINKLOCAL };

struct http_conf {
	struct http_limits limits;
	bool verify;                /* TLS certificates are checked */
	const struct strv *ca_dirs; /* certs.d folders: <dir>/<host[:port]>/{*.crt,*.cert,*.key} */
	const char *cert_dir;       /* --cert-dir: this folder itself, or NULL */
	const char *home; /* origin of the registry: its client certificates go there only */
};

struct http_resp {
	long status; /* 0 until the first header line */
	char type[128];
	char digest[96]; /* Docker-Content-Digest, unchecked */
	char *location, *etag, *link;
	int64_t range_end;   /* of "Range: 0-N" (how much of an upload is there), -1 = none */
	int64_t chunk_min;   /* OCI-Chunk-Min-Length, -1 = none */
	int64_t length;      /* Content-Length, -1 = unknown */
	int64_t range_start; /* of Content-Range, -1 = none */
	int64_t retry_after; /* seconds, -1 = none; a date is turned into seconds */
	struct challenge challenge;
	size_t header_bytes;
	bool headers_done;
};

struct http_req {
	/* filled by the caller; borrowed until done */
	const char *url;
	const struct strv *headers; /* "Name: value"; may hold secrets */
	const char *post;           /* body of a POST, NULL = GET */
	const char *method;         /* HEAD, PUT or PATCH; NULL: as @post says */
	/* PUT and PATCH: @up_left bytes of @up_fd from @up_at on */
	int up_fd;
	int64_t up_at, up_left;
	int64_t *up_count; /* what was sent is added here */
	bool away;         /* not the registry itself: @reach of it is a limit */
	bool chosen;       /* by the user: no limit, and says nothing about where the registry is */
	/* Consumed bytes, HTTP_PAUSE, or 0 to give up (the caller remembers why) */
	size_t (*body)(struct http_req *r, const void *p, size_t n);
	/* @code: CURLE_OK when an answer came, whatever its status */
	void (*done)(struct http_req *r, CURLcode code);
	void *arg;
	/* the answer, valid in @done and until the next start */
	struct http_resp resp;
	char message[CURL_ERROR_SIZE];
	/* inner */
	struct http *http;
	CURL *easy;
	struct curl_slist *list;
	int64_t header_deadline;
	bool paused, timed_out, refused_reach;
};

struct http;

int http_new(const struct http_conf *conf, struct http **ret, struct rl_err *err) RL_MUST_USE;
void http_free(struct http *h);

int http_start(struct http *h, struct http_req *r, struct rl_err *err) RL_MUST_USE;
void http_resume(struct http_req *r);
void http_stop(struct http_req *r); /* fine on one that is not running */
void http_resp_done(struct http_resp *p);

/*
 * The two halves of a turn: http_work() moves data and runs the callbacks, http_wait() only waits for
 * traffic, for @extra, or @timeout_ms. What @extra must hold may change with the callbacks, so it is
 * made between the two. Work: 1 when a transfer ended (look again before waiting), 0, or -errno.
 */
int http_work(struct http *h, struct rl_err *err) RL_MUST_USE;
int http_wait(struct http *h, struct curl_waitfd *extra, unsigned n_extra, int timeout_ms,
	      struct rl_err *err) RL_MUST_USE;

/* Words for a failed transfer: who, what, why, and what to do. */
int http_error(const struct http_req *r, CURLcode code, struct rl_err *err);
/* Worth another try? */
bool http_is_transient(CURLcode code);

/* "https://host:port" of @url with the default port left out; caller frees, NULL = not http(s). */
char *http_origin(const char *url);
/* host[:port] as in a certs.d folder; caller frees. */
char *http_host(const char *url);
/* @location relative to @base; caller frees. NULL = malformed or not http(s). */
char *http_resolve(const char *base, const char *location);
