/* SPDX-License-Identifier: Apache-2.0 */
/*
 * save.c - `rl-image save`: images of the store to an archive or a folder
 *
 *	docker-archive	<config>.json, <diff_id>.tar plain, manifest.json; docker and podman load it
 *	oci-archive	an OCI layout in a tar: what the manifests name, byte for byte
 *	oci-dir		the same in a folder, or added to one: names that it has are replaced
 *	docker-dir	one image: manifest.json, version, and its parts by their hex names
 *
 * Theory of operation: the parts come from storage/blob.h. Each is written once, however many images
 * share it, and hashed on the way: what does not have the digest of its name is an error. A plain
 * layer of which only the packed form is there is unpacked by a confined child into a nameless
 * file first, since a tar wants the size in front. The same images give the same bytes. In a folder
 * every file gets its name when it is whole, index.json the last of all; the folder is locked meanwhile.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/blob.h"
#include "storage/image.h"
#include "storage/image/cmds.h"
#include "storage/image/hash.h"
#include "storage/image/parse.h"
#include "storage/image/plain.h"
#include "storage/image/progress.h"
#include "storage/image/request.h"
#include "storage/image/rewrite.h"
#include "storage/tarout.h"

#define OUT_FD  4
#define BLOCK   (256U << 10)
#define OCI_DIR "blobs/sha256"
#define PART    ".tmp-part" /* where the next file of a folder grows; we hold the folder's lock */

struct save {
	const struct rl *rl;
	struct request *req;
	struct progress progress;
	int signal_fd;
	bool docker, to_dir; /* docker-archive and docker-dir; a folder */
	bool add;            /* to what is in the folder */
	struct tarout *tar;
	struct strv written;
	json_t *list; /* manifest.json of a docker-archive, or "manifests" of index.json */
};

/* One image on its way */
struct item {
	const struct request_image *want;
	struct image img;
	struct buf manifest, config;
	struct manifest m;
};

/* --- writing parts --- */

static int open_part(const struct save *s, const char *name, int64_t size, int *ret_fd,
		     struct rl_err *err)
{
	const struct tarout_entry e = {
		.type = TAROUT_FILE, .path = name, .mode = 0644, .size = size
	};

	*ret_fd = FD_NONE;
	if (!s->to_dir)
		return tarout_entry(s->tar, &e, err);
	*ret_fd = openat(OUT_FD, PART, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	return *ret_fd < 0 ? rl_fail_sys(err, errno, "create '%s'", name) : 0;
}

static int close_part(const struct save *s, const char *name, struct rl_err *err)
{
	if (s->to_dir && renameat(OUT_FD, PART, OUT_FD, name) < 0)
		return rl_fail_sys(err, errno, "create '%s'", name);
	return 0;
}

/* Has the folder that we add to this blob already? */
static bool is_there(const struct save *s, const char *name, int64_t size)
{
	struct stat st;

	return s->add && strncmp(name, OCI_DIR "/", sizeof(OCI_DIR)) == 0 &&
	       fstatat(OUT_FD, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       st.st_size == size;
}

static int write_part(const struct save *s, int fd, const void *p, size_t n, struct rl_err *err)
{
	int r;

	if (!s->to_dir)
		return tarout_data(s->tar, p, n, err);
	r = io_write_all(fd, p, n);
	return r < 0 ? rl_fail_sys(err, -r, "write") : 0;
}

/* Is it the first time? A part that several images share is written once. */
static bool is_new(struct save *s, const char *name)
{
	return !strv_has(&s->written, name) && strv_add(&s->written, name) == 0;
}

static int put_bytes(struct save *s, const char *name, const void *p, size_t n, struct rl_err *err)
{
	auto_fd int fd = FD_NONE;

	if (!is_new(s, name) || is_there(s, name, (int64_t)n))
		return 0;
	if (open_part(s, name, (int64_t)n, &fd, err) < 0 || write_part(s, fd, p, n, err) < 0)
		return -err->code;
	return close_part(s, name, err);
}

static int copy(const struct save *s, int from, int to, int64_t size, EVP_MD_CTX *md,
		struct rl_err *err)
{
	struct pollfd stop = { .fd = s->signal_fd, .events = POLLIN };
	auto_free char *block = malloc(BLOCK);

	if (!block)
		return rl_oom(err);
	while (size > 0) {
		size_t want = size < (int64_t)BLOCK ? (size_t)size : BLOCK;
		ssize_t n = io_read_full(from, block, want);

		if (poll(&stop, 1, 0) > 0)
			return rl_fail(err, EINTR, "interrupted");
		if (n < 0)
			return rl_fail_sys(err, (int)-n, "read a layer");
		if ((size_t)n < want)
			return rl_fail(err, EBADMSG, "a layer ended early");
		if (EVP_DigestUpdate(md, block, want) != 1)
			return rl_fail(err, EIO, "SHA-256 failed");
		if (write_part(s, to, block, want, err) < 0)
			return -err->code;
		size -= n;
	}
	return 0;
}

/* @size bytes of @from; they must have @digest. */
static int put_file(const struct save *s, const char *name, int from, int64_t size,
		    const char *digest, struct rl_err *err)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char sum[EVP_MAX_MD_SIZE];
	auto_fd int fd = FD_NONE;
	struct digest got = { "" };
	int r = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 ? 0 : rl_oom(err);

	if (r == 0)
		r = open_part(s, name, size, &fd, err);
	if (r == 0)
		r = copy(s, from, fd, size, md, err);
	if (r == 0 && EVP_DigestFinal_ex(md, sum, NULL) == 1)
		hash_print(sum, &got);
	EVP_MD_CTX_free(md);
	if (r == 0 && strcmp(got.text, digest) != 0) {
		rl_fail(err, EBADMSG, "wrong digest: the store's %s is %s", digest, got.text);
		return rl_hint(err, "remove the image and pull or load it again");
	}
	return r < 0 ? r : close_part(s, name, err);
}

/* --- layers --- */

/* Layer @i as the manifest has it; else plain, and then the manifest says so. */
static int open_layer(const struct save *s, struct item *it, size_t i, struct rl_err *err)
{
	struct descriptor *d = &it->m.layers[i];
	const char *diff_id = it->img.diff_ids.v[i];
	int64_t size;
	int fd = blob_open(s->rl, d->digest.text, &size, err);

	if (fd >= 0)
		return fd;
	fd = blob_open(s->rl, diff_id, &size, err);
	if (fd < 0)
		return plain_missing(d->digest.text, err);
	d->size = size;
	memcpy(d->digest.text, diff_id, DIGEST_SIZE);
	(void)snprintf(d->media_type, sizeof(d->media_type),
		       "application/vnd.oci.image.layer.v1.tar");
	return fd;
}

static int put_layers(struct save *s, struct item *it, struct rl_err *err)
{
	bool plain = s->docker && !s->to_dir;

	for (size_t i = 0; i < it->m.n_layers; i++) {
		struct descriptor *d = &it->m.layers[i];
		int64_t size = 0;
		auto_fd int fd = plain ? plain_open(s->rl, it->img.diff_ids.v[i],
						    it->m.layers[i].digest.text, &size, err)
				       : open_layer(s, it, i, err);
		const char *digest = plain ? it->img.diff_ids.v[i] : d->digest.text;
		char name[96];

		if (fd < 0)
			return fd;
		(void)snprintf(name, sizeof(name), "%s%s%s", s->docker ? "" : OCI_DIR "/",
			       digest_hex(digest), plain ? ".tar" : "");
		if (!is_new(s, name) || is_there(s, name, d->size))
			continue;
		progress_step(&s->progress, "Copying blob %.12s", digest_hex(digest));
		if (put_file(s, name, fd, plain ? size : d->size, digest, err) < 0)
			return -err->code;
	}
	return 0;
}

/* --- the documents --- */

static int add_to_list(struct save *s, json_t *take, struct rl_err *err)
{
	return json_array_append_new(s->list, take) < 0 ? rl_oom(err) : 0;
}

static int put_docker(struct save *s, struct item *it, struct rl_err *err)
{
	json_t *layers = json_array(), *tags = json_array();
	char name[96];

	for (size_t i = 0; layers && i < it->m.n_layers; i++) {
		(void)snprintf(name, sizeof(name), "%s.tar", digest_hex(it->img.diff_ids.v[i]));
		(void)json_array_append_new(layers, json_string(name)); /* seen by json_pack() */
	}
	for (size_t i = 0; tags && i < it->want->names.n; i++)
		(void)json_array_append_new(tags, json_string(it->want->names.v[i]));
	(void)snprintf(name, sizeof(name), "%s.json", it->img.id);
	if (put_bytes(s, name, it->config.data, it->config.len, err) < 0) {
		json_decref(layers);
		json_decref(tags);
		return -err->code;
	}
	return add_to_list(
		s, json_pack("{s:s, s:o, s:o}", "Config", name, "RepoTags", tags, "Layers", layers),
		err);
}

/* Others read OCI manifests only in such a layout: one of Docker's is written anew, an OCI one kept. */
static int put_oci(struct save *s, struct item *it, struct rl_err *err)
{
	const bool docker = strstr(it->manifest.data, "vnd.docker.distribution.manifest");
	struct digest digest;
	char name[96], type[128];
	int r = rewrite_manifest(&it->manifest, &it->m, docker ? REWRITE_OCI : REWRITE_AS_IS, type,
				 err);

	if (r == 0)
		r = hash_bytes(it->manifest.data, it->manifest.len, &digest, err);
	if (r < 0)
		return r;
	(void)snprintf(name, sizeof(name), OCI_DIR "/%s", it->img.id);
	if (put_bytes(s, name, it->config.data, it->config.len, err) < 0)
		return -err->code;
	(void)snprintf(name, sizeof(name), OCI_DIR "/%s", digest_hex(digest.text));
	if (put_bytes(s, name, it->manifest.data, it->manifest.len, err) < 0)
		return -err->code;
	for (size_t i = 0; i < it->want->names.n || i == 0; i++) {
		json_t *o = json_pack("{s:s, s:s, s:I}", "mediaType", type, "digest", digest.text,
				      "size", (json_int_t)it->manifest.len);

		if (it->want->names.n > 0)
			(void)json_object_set_new(o, "annotations",
						  json_pack("{s:s}",
							    "org.opencontainers.image.ref.name",
							    it->want->names.v[i]));
		r = add_to_list(s, o, err);
	}
	return r;
}

static int put_dir(struct save *s, struct item *it, struct rl_err *err)
{
	static const char version[] = "Directory Transport Version: 1.1\n";
	char type[128];
	int r = rewrite_manifest(&it->manifest, &it->m, REWRITE_DOCKER, type, err);

	if (r == 0)
		r = put_bytes(s, it->img.id, it->config.data, it->config.len, err);
	if (r == 0)
		r = put_bytes(s, "version", version, sizeof(version) - 1, err);
	return r < 0 ? r : put_bytes(s, "manifest.json", it->manifest.data, it->manifest.len, err);
}

static int put_json(struct save *s, const char *name, const json_t *j, struct rl_err *err)
{
	auto_free char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

	return text ? put_bytes(s, name, text, strlen(text), err) : rl_oom(err);
}

/* --- the whole --- */

static int read_item(const struct save *s, struct item *it, struct rl_err *err)
{
	struct parsed parsed;
	char path[128];
	int r = image_load(s->rl, it->want->id, &it->img, err);

	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "images/%.64s/config.json", it->img.id);
	r = io_read_file(s->rl->data_fd, path, CONFIG_MAX, &it->config, err);
	(void)snprintf(path, sizeof(path), "images/%.64s/manifest.json", it->img.id);
	if (r == 0)
		r = io_read_file(s->rl->data_fd, path, MANIFEST_MAX, &it->manifest, err);
	if (r == 0)
		r = parse_manifest(it->manifest.data, it->manifest.len, NULL, &s->req->platform,
				   "manifest", &parsed, err);
	if (r < 0)
		return r;
	if (parsed.kind != MANIFEST_IMAGE)
		return rl_fail(err, EINVAL, "the image's manifest is an index");
	it->m = parsed.m;
	if (it->m.n_layers != it->img.diff_ids.n)
		return rl_fail(err, EBADMSG, "manifest and record disagree on the layers");
	return 0;
}

static int save_image(struct save *s, const struct request_image *want, struct rl_err *err)
{
	struct item it = { .want = want };
	int r = read_item(s, &it, err);

	if (r == 0) {
		progress_title(&s->progress, "Saving", want->names.n ? want->names.v[0] : want->id);
		r = put_layers(s, &it, err);
	}
	if (r == 0)
		r = !s->docker  ? put_oci(s, &it, err)
		    : s->to_dir ? put_dir(s, &it, err)
				: put_docker(s, &it, err);
	if (r == 0)
		r = request_result(it.img.id, want->names.n ? want->names.v[0] : NULL, NULL, err);
	image_done(&it.img);
	buf_done(&it.manifest);
	buf_done(&it.config);
	manifest_done(&it.m);
	return r;
}

/* Folders of the OCI layout */
static int put_folders(struct save *s, struct rl_err *err)
{
	static const char *const names[] = { "blobs", OCI_DIR };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct tarout_entry e = { .type = TAROUT_DIR,
						.path = names[i],
						.mode = 0755 };

		if (s->to_dir ? io_mkdirs(OUT_FD, names[i], 0755, err) < 0
			      : tarout_entry(s->tar, &e, err) < 0)
			return -err->code;
	}
	return 0;
}

static int put_index(struct save *s, struct rl_err *err)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	auto_buf struct buf old = { 0 }, merged = { 0 };
	auto_free char *more = NULL;
	json_auto_t *index = NULL;

	if (!s->add) {
		index = json_pack("{s:i, s:s, s:O}", "schemaVersion", 2, "mediaType",
				  "application/vnd.oci.image.index.v1+json", "manifests", s->list);
		if (put_bytes(s, "oci-layout", layout, sizeof(layout) - 1, err) < 0)
			return -err->code;
		return put_json(s, "index.json", index, err);
	}
	more = json_dumps(s->list, JSON_COMPACT);
	if (!more)
		return rl_oom(err);
	if (io_read_file(OUT_FD, "index.json", MANIFEST_MAX, &old, err) < 0 ||
	    parse_oci_merge(old.data ? old.data : "", old.len, more, &merged, err) < 0)
		return rl_wrap(err, "add to the OCI folder");
	return put_bytes(s, "index.json", merged.data, merged.len, err);
}

/* A folder is ours alone while we write, and may be an OCI layout already. */
static int take_folder(struct save *s, struct rl_err *err)
{
	if (!s->to_dir)
		return 0;
	if (flock(OUT_FD, LOCK_EX) < 0)
		return rl_fail_sys(err, errno, "lock the folder");
	s->add = !s->docker && io_exists(OUT_FD, "index.json");
	return 0;
}

static int save_all(struct save *s, struct rl_err *err)
{
	int r = take_folder(s, err);

	if (r == 0 && !s->docker)
		r = put_folders(s, err);

	for (size_t i = 0; r == 0 && i < s->req->n_images; i++)
		r = save_image(s, &s->req->images[i], err);
	if (r < 0 || (s->docker && s->to_dir))
		return r;
	r = s->docker ? put_json(s, "manifest.json", s->list, err) : put_index(s, err);
	if (r == 0 && !s->to_dir)
		r = tarout_end(s->tar, err);
	return r;
}

static int set_format(struct save *s, struct rl_err *err)
{
	const char *f = s->req->format;
	size_t n = f ? strlen(f) : 0;

	if (n < 5)
		return rl_fail(err, EINVAL, "request: no format");
	s->docker = strncmp(f, "docker", 6) == 0;
	s->to_dir = strcmp(f + n - 4, "-dir") == 0;
	return 0;
}

int cmd_save(const struct rl *rl, int argc, char **argv, struct rl_err *err)
{
	struct request req = { 0 };
	struct save s = { .rl = rl, .req = &req, .list = json_array() };
	auto_free struct tarout *tar = calloc(1, sizeof(*tar));
	int out = OUT_FD, r = tar && s.list ? request_read(&req, err) : rl_oom(err);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = set_format(&s, err);
	if (r == 0) {
		s.tar = tar;
		tarout_init(tar, tarout_to_fd, &out);
		s.signal_fd = request_signals(err);
		progress_init(&s.progress, req.quiet);
		r = s.signal_fd < 0 ? s.signal_fd : save_all(&s, err);
		if (r < 0 && s.to_dir)
			(void)unlinkat(OUT_FD, PART, 0); /* may not be there */
		fd_close(s.signal_fd);
	}
	json_decref(s.list);
	strv_done(&s.written);
	request_done(&req);
	return r;
}
