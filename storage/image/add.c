/* SPDX-License-Identifier: Apache-2.0 */
/*
 * add.c - `rl-image add`: a tar becomes the topmost layer of a new image (commit, import)
 *
 * Theory of operation: stdin is a nameless file of the store, the layer's tar, packed or not; it
 * stays as the blob that push and save hand on. Its digest is that
 * of the descriptor, the digest of what is in it the diff_id (found out in a confined child, since
 * the tar may be a stranger's). From there on it goes into the store like a pulled layer
 * (layers.c), which finds it there already when somebody made the same before. The request's "add"
 * brings config and lower layers; what depends on digests is filled in here.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "storage/blob.h"
#include "storage/image.h"
#include "storage/image/calls.h"
#include "storage/image/child.h"
#include "storage/image/cmds.h"
#include "storage/image/hash.h"
#include "storage/image/inflate.h"
#include "storage/image/layers.h"
#include "storage/image/manifest.h"
#include "storage/image/request.h"
#include "storage/image/tarin.h"
#include "storage/layer.h"

#define MEASURER "the process that reads the archive"
#define MEMORY   ((size_t)(1 << INFLATE_WINDOW_LOG) + (size_t)(256 << 20))
#define OCI      "application/vnd.oci.image."
#define DOCKER   "application/vnd.docker."

struct add {
	const struct rl *rl;
	struct request *req;
	struct progress progress;
	int signal_fd;
	bool docker;
	json_t *config, *layers; /* borrowed from the request */
	struct strv names, diff_ids;
	struct digest blob; /* of the tar as it is */
	int64_t size;
	const char *suffix; /* ".tar" and what it is packed by */
	char diff_id[TARIN_DIGEST_SIZE];
	struct buf manifest, text; /* @text: the config */
	struct digest id, digest;
};

/* --- the tar --- */

/* "", "+gzip" or "+zstd", by the first bytes (RFC 1952, RFC 8878) */
static const char *packed_by(int fd)
{
	unsigned char b[4] = { 0 };

	if (pread(fd, b, sizeof(b), 0) < 2)
		return "";
	if (b[0] == 0x1f && b[1] == 0x8b)
		return "gzip";
	return b[0] == 0x28 && b[1] == 0xb5 && b[2] == 0x2f && b[3] == 0xfd ? "zstd" : "";
}

static _Noreturn void measure_child(int result_fd, int64_t max)
{
	const int fds[] = { 0, result_fd };
	const struct sandbox c = { .calls = { calls_base },
				   .other = CALLS_OTHER,
				   .memory = MEMORY,
				   .files = CALLS_FILES,
				   .fds = fds,
				   .n_fds = ARRAY_LEN(fds) };
	char digest[TARIN_DIGEST_SIZE] = "";
	struct rl_err err = { 0 };
	struct tarin *t = NULL;
	int64_t bytes;
	int r = tarin_open(0, max, &t, &err);

	if (r == 0)
		r = sandbox_enter(&c, &err);
	if (r == 0)
		r = tarin_end(t, digest, &bytes, &err);
	child_answer(result_fd, r < 0 ? &err : NULL, digest, sizeof(digest));
}

static int measure(struct add *a, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	struct child c;
	int result_fd, r;

	if (hash_fd(STDIN_FILENO, a->signal_fd, &a->blob, &a->size, err) < 0)
		return -err->code;
	if (lseek(STDIN_FILENO, 0, SEEK_SET) < 0)
		return rl_fail_sys(err, errno, "the archive must be a file");
	r = child_fork(MEASURER, &c, &result_fd, err);
	if (r == 0)
		measure_child(result_fd, layers_bytes_max(a->rl, a->size));
	if (r < 0)
		return r;
	r = child_result(&c, MEASURER, TARIN_DIGEST_SIZE, &b, err);
	if (r < 0)
		return r;
	if (b.len != TARIN_DIGEST_SIZE || b.data[TARIN_DIGEST_SIZE - 1] || !digest_is_valid(b.data))
		return rl_fail(err, EPROTO, "the answer of " MEASURER " makes no sense");
	memcpy(a->diff_id, b.data, TARIN_DIGEST_SIZE);
	return 0;
}

static int feed_open(void *arg, size_t i, int *ret_fd, bool *ret_sure, struct rl_err *err)
{
	struct add *a = arg;

	if (i + 1 < a->diff_ids.n)
		return rl_fail(err, ENOENT, "layer %zu of the image below is not there", i + 1);
	if (lseek(STDIN_FILENO, 0, SEEK_SET) < 0)
		return rl_fail_sys(err, errno, "the archive must be a file");
	*ret_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	*ret_sure = true;
	return *ret_fd < 0 ? rl_fail_sys(err, errno, "read the archive") : 0;
}

static int store(struct add *a, struct rl_err *err)
{
	auto_free struct layer_want *want = calloc(a->diff_ids.n, sizeof(*want));
	const struct layers_conf conf = { .rl = a->rl,
					  .session = &a->req->session,
					  .signal_fd = a->signal_fd,
					  .progress = &a->progress,
					  .parallel = 1 };
	const struct layers_feed feed = { .arg = a, .open = feed_open, .event_fd = FD_NONE };

	if (!want)
		return rl_oom(err);
	for (size_t i = 0; i < a->diff_ids.n; i++)
		want[i] = (struct layer_want){ .diff_id = a->diff_ids.v[i], .size = a->size };
	return layers_run(&conf, &feed, want, a->diff_ids.n, err);
}

/* --- the documents --- */

static int read_request(struct add *a, struct rl_err *err)
{
	json_t *rootfs = NULL, *list = NULL, *names = NULL, *o = a->req->add;
	int r = o ? 0 : rl_fail(err, EINVAL, "request: nothing to add");

	if (r == 0)
		r = json_get_obj(o, "config", "request", &a->config, err);
	if (r == 0)
		r = json_get_arr(o, "layers", "request", &a->layers, err);
	if (r == 0)
		r = json_get_bool(o, "docker", "request", &a->docker, err);
	if (r == 0)
		r = json_get_arr(o, "names", "request", &names, err);
	if (r == 0)
		r = json_get_obj(a->config, "rootfs", "request", &rootfs, err);
	if (r == 0)
		r = json_get_arr(rootfs, "diff_ids", "request", &list, err);
	if (r == 0)
		r = json_check_strings(names, "request", err);
	if (r == 0)
		r = json_check_strings(list, "request", err);
	if (r == 0 && (!list || !a->layers || !a->config))
		r = rl_fail(err, EINVAL, "request: a config is missing");
	for (size_t i = 0; r == 0 && i < json_array_size(names); i++)
		if (strv_add(&a->names, json_string_value(json_array_get(names, i))) < 0)
			r = rl_oom(err);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		if (strv_add(&a->diff_ids, json_string_value(json_array_get(list, i))) < 0)
			r = rl_oom(err);
	return r;
}

/* The one text that both kinds of media types have for a layer packed by @by */
static int layer_type(const struct add *a, const char *by, char out[128])
{
	if (a->docker)
		return snprintf(out, 128, DOCKER "image.rootfs.diff.tar%s%s", *by ? "." : "", by);
	return snprintf(out, 128, OCI "layer.v1.tar%s%s", *by ? "+" : "", by);
}

static json_t *descriptor(const char *type, const char *digest, int64_t size)
{
	return json_pack("{s:s, s:s, s:I}", "mediaType", type, "digest", digest, "size",
			 (json_int_t)size);
}

/* The lower ones keep what they are and are called as the new manifest calls its own. */
static int make_layers(struct add *a, json_t *list, struct rl_err *err)
{
	char type[128];
	const json_t *d;
	size_t i;

	json_array_foreach (a->layers, i, d) {
		const char *was = json_string_value(json_object_get(d, "mediaType"));
		const char *digest = json_string_value(json_object_get(d, "digest"));

		if (!was || !digest || digest_check(digest, "layer", err) < 0)
			return rl_fail(err, EINVAL, "request: layer %zu is not described", i + 1);
		(void)layer_type(a,
				 strstr(was, "gzip")   ? "gzip"
				 : strstr(was, "zstd") ? "zstd"
						       : "",
				 type);
		if (json_array_append_new(
			    list, descriptor(type, digest,
					     json_integer_value(json_object_get(d, "size")))) < 0)
			return rl_oom(err);
	}
	(void)layer_type(a, a->suffix, type);
	return json_array_append_new(list, descriptor(type, a->blob.text, a->size)) < 0
		       ? rl_oom(err)
		       : 0;
}

static int dump(const json_t *j, struct buf *out, struct rl_err *err)
{
	auto_free char *text = json_dumps(j, JSON_COMPACT);

	return !text || buf_str(out, text) < 0 ? rl_oom(err) : 0;
}

static int make_documents(struct add *a, struct rl_err *err)
{
	json_t *ids = json_object_get(json_object_get(a->config, "rootfs"), "diff_ids");
	json_auto_t *m = json_pack("{s:i, s:s, s:n, s:[]}", "schemaVersion", 2, "mediaType",
				   a->docker ? DOCKER "distribution.manifest.v2+json"
					     : OCI "manifest.v1+json",
				   "config", "layers");
	json_t *config;
	int r;

	if (!m || json_array_append_new(ids, json_string(a->diff_id)) < 0)
		return rl_oom(err);
	r = dump(a->config, &a->text, err);
	if (r == 0)
		r = hash_bytes(a->text.data, a->text.len, &a->id, err);
	if (r < 0)
		return r;
	config = descriptor(a->docker ? DOCKER "container.image.v1+json" : OCI "config.v1+json",
			    a->id.text, (int64_t)a->text.len);
	if (json_object_set_new(m, "config", config) < 0)
		return rl_oom(err);
	r = make_layers(a, json_object_get(m, "layers"), err);
	if (r == 0)
		r = dump(m, &a->manifest, err);
	return r < 0 ? r : hash_bytes(a->manifest.data, a->manifest.len, &a->digest, err);
}

static int record(struct add *a, struct rl_err *err)
{
	const struct image_new img = {
		.id = digest_hex(a->id.text),
		.manifest = a->manifest.data,
		.manifest_len = a->manifest.len,
		.config = a->text.data,
		.config_len = a->text.len,
		.digest = a->digest.text,
		.diff_ids = &a->diff_ids,
		.names = &a->names,
		.size = layers_total(a->rl, &a->req->session, &a->diff_ids),
	};
	int r = image_record(a->rl, &img, err);

	return r < 0 ? r
		     : request_result(img.id, a->names.n ? a->names.v[0] : NULL, img.digest, err);
}

static int work(struct add *a, struct rl_err *err)
{
	struct rl_err why;
	int r = read_request(a, err);

	if (r == 0)
		r = measure(a, err);
	a->suffix = packed_by(STDIN_FILENO);
	if (r == 0 && strv_add(&a->diff_ids, a->diff_id) < 0)
		r = rl_oom(err);
	if (r == 0)
		r = store(a, err);
	if (r == 0 && blob_keep(a->rl, STDIN_FILENO, a->blob.text, &why) < 0)
		log_debug("%s", why.msg); /* push and save will have to do without */
	if (r == 0)
		r = make_documents(a, err);
	return r < 0 ? r : record(a, err);
}

int cmd_add(const struct rl *rl, int argc, char **argv, struct rl_err *err)
{
	struct request req = { 0 };
	struct add a = { .rl = rl, .req = &req };
	auto_fd int hold = FD_NONE, signals = FD_NONE;
	int r = request_read(&req, err);

	(void)argc;
	(void)argv;
	if (r < 0)
		return r;
	a.signal_fd = signals = request_signals(err);
	hold = signals < 0 ? FD_NONE : image_hold_layers(rl, err);
	if (hold >= 0) {
		progress_init(&a.progress, true);
		layer_sweep(rl);
		r = work(&a, err);
	} else {
		r = -err->code;
	}
	strv_done(&a.names);
	strv_done(&a.diff_ids);
	buf_done(&a.manifest);
	buf_done(&a.text);
	request_done(&req);
	return r;
}
