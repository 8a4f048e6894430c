/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_push.c - jobs that send: blobs, manifests, and the question whether we may come in
 *
 * Theory of operation (distribution spec, "Pushing Blobs"): a blob takes several requests, one
 * after the other in the same job:
 *	HEAD blob		it is there: done
 *	POST uploads		201: mounted from another repository, done; 202: Location says where
 *	PATCH Location		the bytes, from @sent on; a new Location
 *	PUT Location?digest=	the registry checks the digest: done
 * One PATCH carries the whole blob, which is fastest, and some registries know nothing else. It is
 * several, each of a chunk, where the registry asks for them (OCI-Chunk-Min-Length), where one was too
 * large for something on the way (413: half of it is tried), and after a failure, so that the next one
 * costs no more than a chunk. What a PATCH says has arrived (Range) counts.
 * When it breaks in the middle, GET Location asks how much has arrived (Range) and the PATCH goes
 * on from there; a registry that has forgotten the upload gets a new one. A Location may be on
 * another host: no credentials go there, and it never leads from https to http (S40, S42).
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "storage/image/registry_job.h"

#define CHUNK       ((int64_t)8 << 20)
#define CHUNK_LEAST 65536 /* a registry that takes no more than that takes no layers */

char *push_url(const struct job *j)
{
	const char *o = j->reg->origin, *repo = j->reg->conf->repo, *digest = j->want.digest;

	if (j->want.kind == PUSH_PING)
		return str_printf("%s/v2/", o);
	if (j->want.kind == PUSH_MANIFEST)
		return str_printf("%s/v2/%s/manifests/%s", o, repo, j->want.target);
	switch (j->step) {
	case STEP_HEAD:
		return str_printf("%s/v2/%s/blobs/%s", o, repo, digest);
	case STEP_POST:
		if (!j->want.target[0])
			return str_printf("%s/v2/%s/blobs/uploads/", o, repo);
		return str_printf("%s/v2/%s/blobs/uploads/?mount=%s&from=%s", o, repo, digest,
				  j->want.target);
	case STEP_STATUS:
	case STEP_SEND:
		return strdup(j->upload);
	case STEP_PUT:
		break;
	}
	return str_printf("%s%cdigest=%s", j->upload, strchr(j->upload, '?') ? '&' : '?', digest);
}

/* @size bytes from @at on as the body. */
static void upload(struct job *j, const char *method, int64_t at, int64_t size)
{
	j->req.method = method;
	j->req.up_fd = j->out_fd;
	j->req.up_at = at;
	j->req.up_left = size;
	j->req.up_count = &j->reg->bytes;
}

/* Bytes of the next PATCH; the last one may be less than the registry's least. */
static int64_t part(const struct job *j)
{
	int64_t left = j->want.size - j->sent;

	return j->chunk > 0 && j->chunk < left ? j->chunk : left;
}

static int prepare_blob(struct job *j)
{
	switch (j->step) {
	case STEP_HEAD:
		j->req.method = "HEAD";
		return 0;
	case STEP_POST:
		j->req.post = "";
		return 0;
	case STEP_STATUS:
		return 0;
	case STEP_SEND:
		upload(j, "PATCH", j->sent, part(j));
		if (strv_add(&j->headers, "Content-Type: application/octet-stream") < 0)
			return -ENOMEM;
		/* of parts only: not every registry takes it with the whole */
		if (part(j) == j->want.size)
			return 0;
		return strv_take(&j->headers,
				 str_printf("Content-Range: %lld-%lld", (long long)j->sent,
					    (long long)(j->sent + part(j) - 1)));
	case STEP_PUT:
		upload(j, "PUT", 0, 0);
	}
	return 0;
}

int push_prepare(struct job *j)
{
	j->req.method = j->req.post = NULL;
	if (j->want.kind == PUSH_BLOB)
		return prepare_blob(j);
	if (j->want.kind == PUSH_PING)
		return 0;
	upload(j, "PUT", 0, j->want.size);
	j->req.up_count = NULL;
	return strv_take(&j->headers, str_printf("Content-Type: %s", j->want.type));
}

static void finish(struct job *j, enum push_how how)
{
	j->how = how;
	job_finish(j, NULL);
}

static void go(struct job *j, enum push_step step)
{
	j->step = step;
	job_again(j, 0);
}

/* Where the next request goes; false when the job has ended over it. */
static bool take_location(struct job *j)
{
	const char *to = j->req.resp.location;
	auto_free char *next = to ? http_resolve(j->url, to) : NULL;
	struct rl_err err = { 0 };

	if (!next)
		rl_fail(&err, EPROTO, "'%s' does not say where the layer goes", j->reg->conf->name);
	else if (strncmp(j->url, "https:", 6) == 0 && strncmp(next, "https:", 6) != 0)
		rl_fail(&err, EACCES, "'%s' wants the layer sent without TLS, to '%.200s': refused",
			j->reg->conf->name, next);
	if (err.code) {
		job_finish(j, &err);
		return false;
	}
	free(j->upload);
	j->upload = TAKE_PTR(next);
	return true;
}

/* The registry has it only elsewhere, and we do not have it at all. */
static bool cannot_send(struct job *j)
{
	struct rl_err err;

	if (j->want.size >= 0)
		return false;
	rl_fail(&err, ENOENT, "layer %.19s is not at '%s', and its packed form is not in the store",
		j->want.digest, j->reg->conf->name);
	rl_hint(&err, "images of older versions and of stores without O_TMPFILE have none: remove "
		      "the image and pull it again");
	job_finish(j, &err);
	return true;
}

/* How much of the upload has arrived? */
static void status_known(struct job *j)
{
	int64_t end = j->req.resp.range_end;

	if (j->req.resp.location && !take_location(j))
		return;
	j->sent =
		end > 0 && end < j->want.size ? end + 1 : 0; /* "0-0" is what nothing looks like */
	go(j, j->sent == j->want.size ? STEP_PUT : STEP_SEND);
}

/* A PATCH was taken; of a part the registry may have kept less than it got. */
static void part_taken(struct job *j)
{
	int64_t end = j->req.resp.range_end, had = j->sent, n = part(j);
	struct rl_err err = { 0 };

	if (!take_location(j))
		return;
	j->sent += n;
	if (j->chunk > 0 && end >= 0 && end + 1 < j->sent)
		j->sent = end > 0 ? end + 1 : 0; /* "0-0" is what nothing looks like */
	if (j->sent > had) {
		if (j->sent > j->got)
			j->got =
				j->sent; /* never so far before: job_retry() begins to count anew */
		go(j, j->sent == j->want.size ? STEP_PUT : STEP_SEND);
		return;
	}
	rl_fail(&err, EPROTO, "'%s' takes a part of a layer and keeps nothing of it",
		j->reg->conf->name);
	job_retry(j, &err, -1);
}

/* 413: something on the way takes less at once. False when there is no less. */
static bool smaller(struct job *j)
{
	int64_t half = part(j) / 2;

	if (half < CHUNK_LEAST || half < j->chunk_min)
		return false;
	j->chunk = half < CHUNK ? half : CHUNK;
	go(j, STEP_STATUS);
	return true;
}

static void start_upload(struct job *j)
{
	int64_t least = j->req.resp.chunk_min;

	if (!take_location(j))
		return;
	j->sent = 0;
	if (least > 0) {
		j->chunk_min = least;
		if (j->chunk == 0 || j->chunk < least)
			j->chunk = least > CHUNK ? least : CHUNK;
	}
	go(j, j->want.size > 0 ? STEP_SEND : STEP_PUT);
}

/* The registry has forgotten the upload, or has more or less of it than we think. */
static void out_of_step(struct job *j)
{
	struct rl_err err = { 0 };

	RL_IGNORE(job_status_error(j, &err)); /* fills in @err, that is all */
	job_retry(j, &err, -1);
}

static bool blob_answered(struct job *j, long status)
{
	switch (j->step) {
	case STEP_HEAD:
		if (status == 200)
			finish(j, PUSH_EXISTS);
		else if (status == 404)
			go(j, STEP_POST);
		else
			return false;
		return true;
	case STEP_POST:
		if (status == 201)
			finish(j, PUSH_MOUNTED);
		else if (status != 202)
			return false;
		else if (!cannot_send(j))
			start_upload(j);
		return true;
	case STEP_STATUS:
		if (status == 204 || status == 200)
			status_known(j);
		else if (status == 404)
			go(j, STEP_POST);
		else
			return false;
		return true;
	case STEP_SEND:
		if (status == 413)
			return smaller(j);
		if (status == 416 || status == 404)
			out_of_step(j);
		else if (status == 202 || status == 201 || status == 204)
			part_taken(j);
		else
			return false;
		return true;
	case STEP_PUT:
		if (status != 201 && status != 204)
			return false;
		finish(j, PUSH_SENT);
		return true;
	}
	return false;
}

bool push_answered(struct job *j)
{
	long status = j->req.resp.status;

	if (j->want.kind == PUSH_BLOB)
		return blob_answered(j, status);
	if (j->want.kind == PUSH_MANIFEST ? status != 201 && status != 202 : status != 200)
		return false;
	finish(j, PUSH_SENT);
	return true;
}

void push_broken(struct job *j)
{
	if (j->want.kind != PUSH_BLOB || j->step < STEP_STATUS)
		return;
	if (j->step == STEP_SEND && j->chunk == 0)
		j->chunk = CHUNK;
	j->step = STEP_STATUS;
}
