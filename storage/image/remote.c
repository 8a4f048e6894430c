/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote.c - `rl-image remote [one|all]`: what a registry has under a name, without its layers
 *
 * Writes a JSON array to descriptor 4, one object a document: { "digest", "size", "type", "text" },
 * the one that the name stands for first. "one": then, behind an index, the manifest for the wanted
 * platform; "all": all manifests of the index. An image manifest has "config" beside it, the text of
 * its config, where an index does not say what it runs on. Sources are tried as pull does.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "storage/image/cmds.h"
#include "storage/image/docs.h"
#include "storage/image/parse.h"
#include "storage/image/request.h"

#define OUT_FD 4
#define TEXTS_MAX \
	((size_t)12 << 20) /* of all documents together; the list must fit storage/mlist.h */

enum depth { TOP, ONE, ALL };

struct remote {
	struct request *req;
	struct docs docs;
	struct progress progress;
	enum depth depth;
	json_t *found;
	size_t bytes;
};

static int get_manifest(struct remote *r, const char *target, int64_t size, struct buf *out,
			struct digest *digest, char type[128], struct rl_err *err)
{
	struct fetch_job job = { .kind = FETCH_MANIFEST, .size = size, .max = MANIFEST_MAX };
	struct fetch_report rep;
	int rc;

	if (size > MANIFEST_MAX)
		return rl_fail(err, EFBIG, "manifest of %lld bytes, more than the limit of %d",
			       (long long)size, MANIFEST_MAX);
	(void)snprintf(job.target, sizeof(job.target), "%s", target);
	if (digest_is_valid(target))
		memcpy(job.digest, target, DIGEST_SIZE);
	rc = docs_get(&r->docs, &job, out, &rep, digest, err);
	if (rc == 0)
		memcpy(type, rep.type, sizeof(rep.type));
	return rc;
}

static int add_doc(struct remote *r, const struct buf *text, const struct digest *digest,
		   const char *type, const struct buf *config, struct rl_err *err)
{
	json_t *o = json_pack("{s:s, s:I, s:s, s:s%}", "digest", digest->text, "size",
			      (json_int_t)text->len, "type", type, "text", text->data, text->len);

	if (o && config && config->len > 0 &&
	    json_object_set_new(o, "config", json_stringn(config->data, config->len)) < 0) {
		json_decref(o);
		o = NULL;
	}
	r->bytes += text->len + (config ? config->len : 0);
	if (json_array_append_new(r->found, o) < 0)
		return rl_fail(err, EINVAL, "the manifest is not UTF-8");
	return r->bytes <= TEXTS_MAX ? 0 : rl_fail(err, EFBIG, "the manifests are too large");
}

/* An image manifest, and its config when @wants_config. */
static int add_image(struct remote *r, const struct buf *text, const struct digest *digest,
		     const char *type, const struct manifest *m, bool wants_config,
		     struct rl_err *err)
{
	struct fetch_job job = { .kind = FETCH_DOC, .size = m->config.size };
	auto_buf struct buf config = { 0 };
	struct fetch_report rep;
	struct digest got;

	(void)snprintf(job.digest, sizeof(job.digest), "%s", m->config.digest.text);
	if (wants_config && docs_get(&r->docs, &job, &config, &rep, &got, err) < 0)
		return rl_wrap(err, "config");
	return add_doc(r, text, digest, type, &config, err);
}

static int add_child(struct remote *r, const char *digest, int64_t size, struct rl_err *err)
{
	auto_buf struct buf text = { 0 };
	struct digest got;
	char type[128];
	int rc = get_manifest(r, digest, size, &text, &got, type, err);

	return rc < 0 ? rc : add_doc(r, &text, &got, type, NULL, err);
}

static int add_children(struct remote *r, const struct buf *index, struct rl_err *err)
{
	auto_strv struct strv v = { 0 };
	int rc = parse_oci_index(index->data, index->len, &v, err);

	for (size_t i = 0; rc == 0 && i < v.n; i++) {
		auto_strv struct strv part = { 0 };
		uint64_t size;

		if (v.v[i][0] != 'M')
			continue;
		if (strv_split(&part, v.v[i] + 1, ' ') < 0)
			return rl_oom(err);
		if (part.n < 2 || !digest_is_valid(part.v[0]) ||
		    parse_uint(part.v[1], MANIFEST_MAX, &size) < 0)
			return rl_fail(err, EINVAL, "index: entry %zu without digest or size",
				       i + 1);
		rc = add_child(r, part.v[0], (int64_t)size, err);
	}
	return rc;
}

static int look(struct remote *r, const char *target, int64_t size, enum depth depth,
		bool wants_config, struct rl_err *err)
{
	auto_buf struct buf text = { 0 };
	struct parsed parsed = { 0 };
	struct digest digest;
	char type[128];
	int rc = get_manifest(r, target, size, &text, &digest, type, err);

	if (rc < 0)
		return rc;
	rc = parse_manifest(text.data, text.len, *type ? type : NULL, &r->req->platform, "manifest",
			    &parsed, err);
	/* an index without an image for this machine is an index all the same */
	if (rc == -ENOENT && depth != ONE) {
		parsed.kind = MANIFEST_INDEX;
		rc = 0;
	}
	if (rc < 0)
		return rc;
	if (parsed.kind == MANIFEST_IMAGE) {
		rc = add_image(r, &text, &digest, type, &parsed.m, wants_config, err);
		manifest_done(&parsed.m);
		return rc;
	}
	rc = add_doc(r, &text, &digest, type, NULL, err);
	if (rc == 0 && depth == ALL)
		return add_children(r, &text, err);
	return rc < 0 || depth == TOP
		       ? rc
		       : look(r, parsed.next.digest.text, parsed.next.size, TOP, false, err);
}

static int try_source(struct remote *r, struct source *src, struct rl_err *err)
{
	int rc = fetcher_start(&src->conf, NULL, NULL, &r->docs.fetcher, err);

	if (rc < 0)
		return rc;
	json_array_clear(r->found);
	r->bytes = 0;
	rc = look(r, src->target, -1, r->depth, r->depth != TOP, err);
	fetcher_stop(&r->docs.fetcher);
	return rc < 0 ? rl_wrap(err, "'%s'", src->image) : 0;
}

static int work(struct remote *r, struct rl_err *err)
{
	auto_free char *text = NULL;
	int rc = rl_fail(err, EINVAL, "request: nowhere to look");

	for (size_t i = 0; i < r->req->n_sources && rc != 0 && rc != -EINTR; i++) {
		*err = (struct rl_err){ 0 };
		rc = try_source(r, &r->req->sources[i], err);
		if (rc == 0)
			rc = request_result(
				"0000000000000000000000000000000000000000000000000000000000"
				"000000",
				r->req->sources[i].image, NULL, err);
	}
	if (rc < 0)
		return rc;
	text = json_dumps(r->found, JSON_COMPACT);
	rc = text ? io_write_all(OUT_FD, text, strlen(text)) : -ENOMEM;
	return rc < 0 ? rl_fail_sys(err, -rc, "hand over the manifests") : 0;
}

int cmd_remote(const struct rl *rl, int argc, char **argv, struct rl_err *err)
{
	struct request req = { 0 };
	struct remote r = { .req = &req,
			    .docs = { .fetcher = { .sock = FD_NONE }, .signal_fd = FD_NONE },
			    .found = json_array() };
	int rc;

	(void)rl;
	if (argc > 1)
		r.depth = strcmp(argv[1], "one") == 0   ? ONE
			  : strcmp(argv[1], "all") == 0 ? ALL
							: TOP;
	/* passwords pass through here: no core file, no debugger */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return rl_fail_sys(err, errno, "prctl");
	rc = r.found ? request_read(&req, err) : rl_oom(err);
	progress_init(&r.progress, true);
	r.docs.progress = &r.progress;
	if (rc == 0) {
		r.docs.signal_fd = request_signals(err);
		rc = r.docs.signal_fd < 0 ? r.docs.signal_fd : work(&r, err);
	}
	fd_close(r.docs.signal_fd);
	json_decref(r.found);
	request_done(&req);
	return rc;
}
