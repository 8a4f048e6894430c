/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_body.c - what happens to the bytes of an answer
 *
 * A layer goes straight into its pipe. When the pipe is full the rest of the chunk is kept (at most
 * one chunk of libcurl's) and the transfer paused until the reader has caught up. The hash runs
 * over the bytes in order, whatever number of answers they came from; if the pieces of several
 * answers do not fit, the digest says so and the layer is fetched again from its start.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/image/hash.h"
#include "storage/image/registry_job.h"

#define FILL_BYTES      (256 << 10)
#define ERROR_BODY_MAX  65536
#define ERROR_WASTE_MAX (1 << 20)

int job_body_new(struct job *j)
{
	j->md = EVP_MD_CTX_new();
	if (!j->md || EVP_DigestInit_ex(j->md, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	return 0;
}

void job_body_done(struct job *j)
{
	buf_done(&j->mem);
	buf_done(&j->pending);
	buf_done(&j->error_body);
	EVP_MD_CTX_free(j->md);
	j->md = NULL;
	free(j->etag);
	j->etag = NULL;
}

static bool is_success(long status)
{
	return status == 200 || status == 206;
}

static size_t keep_error_body(struct job *j, const void *p, size_t n)
{
	if (j->error_body.len >= ERROR_WASTE_MAX)
		return 0;
	if (j->error_body.len + n > ERROR_BODY_MAX)
		n = ERROR_BODY_MAX > j->error_body.len ? ERROR_BODY_MAX - j->error_body.len : 0;
	if (n == 0 || buf_add(&j->error_body, p, n) < 0)
		return 0; /* enough to know what it says */
	return n;
}

/* The first byte of a good answer: does it start where we are, and is it as long as it should be? */
static int begin(struct job *j)
{
	const struct http_resp *p = &j->req.resp;
	int64_t rest;

	j->begun = true;
	j->skip = 0;
	if (p->status == 206 && p->range_start != j->got) {
		j->no_range = true;
		return rl_fail(&j->err, EAGAIN, "the server sent another part than asked for");
	}
	if (p->status == 200)
		j->skip = j->got;
	if (j->want.size < 0 || p->length < 0)
		return 0;
	rest = p->status == 206 ? j->want.size - j->got : j->want.size;
	if (p->length != rest)
		return rl_fail(&j->err, EBADMSG,
			       "the server announces %lld bytes, the manifest says %lld",
			       (long long)p->length, (long long)rest);
	return 0;
}

static int pour(struct job *j, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(j->out_fd, p, n);

		if (w >= 0) {
			p += w;
			n -= (size_t)w;
		} else if (errno == EAGAIN) {
			return buf_add(&j->pending, p, n);
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

static int take(struct job *j, const char *p, size_t n)
{
	int64_t limit = j->want.size >= 0 ? j->want.size : j->want.max;
	int r;

	if (j->skip > 0) {
		size_t k = (uint64_t)j->skip < n ? (size_t)j->skip : n;

		j->skip -= (int64_t)k;
		p += k;
		n -= k;
	}
	if ((int64_t)n > limit - j->got)
		return rl_fail(&j->err, EFBIG, "the server sends more than the %s %lld bytes",
			       j->want.size >= 0 ? "announced" : "allowed", (long long)limit);
	if (j->keep_fd >= 0) {
		r = io_write_all(j->keep_fd, p, n);
		if (r < 0)
			return rl_fail_sys(&j->err, -r, "keep the packed layer");
	}
	if (EVP_DigestUpdate(j->md, p, n) != 1)
		return rl_fail(&j->err, EIO, "SHA-256 failed");
	j->got += (int64_t)n;
	j->reg->bytes += (int64_t)n;
	r = j->want.kind == FETCH_LAYER ? pour(j, p, n) : buf_add(&j->mem, p, n);
	if (r == -ENOMEM)
		return rl_oom(&j->err);
	if (r < 0)
		return rl_fail_sys(&j->err, -r, "hand over the layer");
	return 0;
}

size_t job_body(struct http_req *req, const void *p, size_t n)
{
	struct job *j = req->arg;

	if (!is_success(req->resp.status) || j->want.kind >= PUSH_BLOB) /* only for its words */
		return keep_error_body(j, p, n);
	if (j->pending.len > 0)
		return HTTP_PAUSE;
	if (!j->begun && begin(j) < 0)
		return 0;
	return take(j, p, n) < 0 ? 0 : n;
}

int job_flush(struct job *j)
{
	while (j->pending_at < j->pending.len) {
		ssize_t w = write(j->out_fd, j->pending.data + j->pending_at,
				  j->pending.len - j->pending_at);

		if (w >= 0)
			j->pending_at += (size_t)w;
		else if (errno != EINTR)
			return -errno;
	}
	j->pending.len = 0; /* the room is used again */
	j->pending_at = 0;
	return 0;
}

int job_fill(struct job *j)
{
	auto_free char *block = malloc(FILL_BYTES);

	if (!block)
		return rl_oom(&j->err);
	while (j->got < j->want.have && j->pending.len == 0) {
		int64_t rest = j->want.have - j->got;
		ssize_t n = pread(j->keep_fd, block, rest < FILL_BYTES ? (size_t)rest : FILL_BYTES,
				  (off_t)j->got);
		int r;

		if (n <= 0)
			return rl_fail(&j->err, EIO, "what an earlier pull has left is unreadable");
		if (EVP_DigestUpdate(j->md, block, (size_t)n) != 1)
			return rl_fail(&j->err, EIO, "SHA-256 failed");
		j->got += n;
		j->reg->bytes += n;
		r = pour(j, block, (size_t)n);
		if (r < 0)
			return rl_fail_sys(&j->err, -r, "hand over the layer");
	}
	return j->got < j->want.have || j->pending.len > 0 ? -EAGAIN : 0;
}

static int check_digest(struct job *j)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	struct digest got;

	if (!j->want.digest[0])
		return 0;
	if (EVP_DigestFinal_ex(j->md, md, NULL) != 1)
		return rl_fail(&j->err, EIO, "SHA-256 failed");
	hash_print(md, &got);
	if (strcmp(got.text, j->want.digest) == 0)
		return 0;
	return rl_fail(&j->err, EBADMSG, "wrong digest: asked for %s, got %s", j->want.digest,
		       got.text);
}

int job_complete(struct job *j)
{
	int r;

	if (j->pending.len > 0)
		return -EAGAIN;
	r = check_digest(j);
	if (r < 0)
		return r;
	if (j->want.kind != FETCH_LAYER) {
		r = io_write_all(j->out_fd, j->mem.data ? j->mem.data : "", j->mem.len);
		if (r < 0)
			return rl_fail_sys(&j->err, -r, "hand over the answer");
	}
	return 0;
}
