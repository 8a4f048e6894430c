/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.c - `rl-image load`: the images of an archive or OCI layout into the store
 *
 * Theory of operation. stdin is a tar (docker-archive or oci-archive, packed or not) or a folder
 * (OCI layout). A tar is first read to its end in a confined child, whose numbered files lie in a
 * staging folder of the layer store: locked like a layer's, so that a crash leaves nothing that is
 * not swept. From there on both kinds are the same: members are found by name, documents parsed in
 * confined children, layers go through layers.c as in a pull. A blob that an OCI layout names by
 * digest is hashed before it is unpacked; a docker-archive names none, there the diff_id decides.
 *
 * Names in an archive are HOSTILE: they are parsed like typed ones, and one with a digest is
 * refused, so nothing that was pulled by digest can be replaced. Every name that moves is told.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/parse.h"
#include "storage/blob.h"
#include "storage/image.h"
#include "storage/image/archive_in.h"
#include "storage/image/cmds.h"
#include "storage/image/copy.h"
#include "storage/image/hash.h"
#include "storage/image/layers.h"
#include "storage/image/parse.h"
#include "storage/image/request.h"
#include "storage/image/trust.h"
#include "storage/layer.h"
#include "storage/ref.h"

#define MEMBERS_MAX 100000
#define INDEX_DEPTH 4

struct load {
	const struct rl *rl;
	struct request *req;
	struct progress progress;
	int signal_fd, hold_fd;
	int dir_fd;  /* the folder, or FD_NONE */
	bool is_dir; /* it is no OCI layout but one image: manifest.json, files named by digest */
	struct layer_stage stage;
	struct archive_members members;
	size_t n_loaded;
	struct trust trust;
};

/* One image on its way */
struct wanted {
	struct strv names; /* canonical */
	struct buf manifest, config;
	struct digest digest, index_digest, id;
	struct image_config c;
	struct descriptor *layers; /* docker-archive: digest and size are found out here */
	char **files;              /* docker-archive: member of each layer; else NULL */
	size_t n_layers;
};

static void wanted_done(struct wanted *w)
{
	strv_done(&w->names);
	buf_done(&w->manifest);
	buf_done(&w->config);
	image_config_done(&w->c);
	free(w->layers);
	free(w->files);
	*w = (struct wanted){ 0 };
}

/* --- members --- */

/* A regular file of the archive by its name there. fd or -errno (-ENOENT). */
static int open_member(const struct load *l, const char *name, struct rl_err *err)
{
	const struct archive_member *m;
	auto_fd int fd = FD_NONE;
	struct stat st;
	char number[32];

	if (l->dir_fd >= 0) {
		fd = openat(l->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	} else {
		m = archive_find(&l->members, name);
		if (!m)
			return rl_fail(err, ENOENT, "'%.300s' is not in the archive", name);
		(void)snprintf(number, sizeof(number), "%lld", (long long)m->number);
		fd = openat(l->stage.diff_fd, number, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0)
		return rl_fail_sys(err, errno, "open '%.300s'", name);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return rl_fail(err, EINVAL, "'%.300s' is not a regular file", name);
	return TAKE_FD(fd);
}

static int read_member(const struct load *l, const char *name, size_t max, struct buf *out,
		       struct rl_err *err)
{
	auto_fd int fd = open_member(l, name, err);
	int r;

	if (fd < 0)
		return fd;
	out->len = 0;
	r = io_read_all(fd, max, out);
	if (r == -EFBIG)
		return rl_fail(err, EFBIG, "'%.300s' is larger than %zu bytes", name, max);
	if (r < 0)
		return rl_fail_sys(err, -r, "read '%.300s'", name);
	return buf_add(out, "", 0) < 0 ? rl_oom(err) : 0; /* never NULL */
}

static void blob_name(const struct load *l, const char *digest, char out[96])
{
	(void)snprintf(out, 96, "%s%s", l->is_dir ? "" : "blobs/sha256/", digest_hex(digest));
}

/* The document @name, which must have this digest */
static int read_named(const struct load *l, const char *name, const char *digest, int64_t size,
		      size_t max, struct buf *out, struct rl_err *err)
{
	struct digest got;

	if (read_member(l, name, max, out, err) < 0 ||
	    hash_bytes(out->data, out->len, &got, err) < 0)
		return -err->code;
	if (strcmp(got.text, digest) != 0)
		return rl_fail(err, EBADMSG, "wrong digest: '%s' holds %s", name, got.text);
	if (size >= 0 && (int64_t)out->len != size)
		return rl_fail(err, EBADMSG, "'%s' has %zu bytes, announced were %lld", name,
			       out->len, (long long)size);
	return 0;
}

/* A document named by its digest; checked. */
static int read_blob(const struct load *l, const char *digest, int64_t size, size_t max,
		     struct buf *out, struct rl_err *err)
{
	char name[96];

	blob_name(l, digest, name);
	return read_named(l, name, digest, size, max, out, err);
}

/* --- layers --- */

struct feed {
	struct load *l;
	struct wanted *w;
};

static int check_blob(int fd, int cancel_fd, const struct descriptor *d, struct rl_err *err)
{
	struct digest got;
	int64_t size;

	if (hash_fd(fd, cancel_fd, &got, &size, err) < 0)
		return -err->code;
	if (size != d->size || strcmp(got.text, d->digest.text) != 0)
		return rl_fail(err, EBADMSG, "wrong digest: layer %s is %s", d->digest.text,
			       got.text);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return rl_fail_sys(err, errno, "seek in a layer");
	return 0;
}

static int feed_open(void *arg, size_t i, int *ret_fd, bool *ret_sure, struct rl_err *err)
{
	const struct feed *f = arg;
	const struct wanted *w = f->w;
	auto_fd int fd = FD_NONE;
	char name[96];

	*ret_sure = true;
	if (w->files) {
		fd = open_member(f->l, w->files[i], err);
	} else {
		blob_name(f->l, w->layers[i].digest.text, name);
		fd = open_member(f->l, name, err);
		if (fd >= 0 && check_blob(fd, f->l->signal_fd, &w->layers[i], err) < 0)
			return -err->code;
	}
	if (fd < 0)
		return fd;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int get_layers(struct load *l, struct wanted *w, struct rl_err *err)
{
	struct feed f = { .l = l, .w = w };
	const struct layers_feed feed = { .arg = &f, .open = feed_open, .event_fd = FD_NONE };
	const struct layers_conf conf = { .rl = l->rl,
					  .session = &l->req->session,
					  .signal_fd = l->signal_fd,
					  .progress = &l->progress,
					  .parallel = layers_parallel() };
	size_t n = w->n_layers;
	auto_free struct layer_want *want = calloc(n ? n : 1, sizeof(*want));

	if (!want)
		return rl_oom(err);
	for (size_t i = 0; i < n; i++)
		want[i] = (struct layer_want){
			.diff_id = w->c.diff_ids.v[i],
			.blob = w->files ? NULL : w->layers[i].digest.text,
			.size = w->layers[i].size,
		};
	return layers_run(&conf, &feed, want, n, err);
}

/* --- packed layers for push and save --- */

/* A second name where that can be: the staged file is ours; somebody's OCI folder is copied. */
static int keep_copy(struct load *l, int from, int64_t size, const char *digest, struct rl_err *err)
{
	auto_fd int fd = blob_new(l->rl);

	if (fd < 0)
		return rl_fail_sys(err, -fd, "keep the packed layer");
	if (copy_data(from, fd, size, err) < 0)
		return -err->code;
	return blob_keep(l->rl, fd, digest, err);
}

static int keep_layer(struct load *l, const struct wanted *w, size_t i, struct rl_err *err)
{
	const char *digest = w->layers[i].digest.text;
	auto_fd int fd = FD_NONE;
	struct digest got;
	int64_t size;
	char name[96];

	if (blob_exists(l->rl, digest))
		return 0;
	blob_name(l, digest, name);
	fd = open_member(l, w->files ? w->files[i] : name, err);
	if (fd < 0)
		return fd;
	/* a layer that was there already has not been looked at */
	if (hash_fd(fd, l->signal_fd, &got, &size, err) < 0)
		return -err->code;
	if (strcmp(got.text, digest) != 0)
		return rl_fail(err, EBADMSG, "wrong digest: layer %s is %s", digest, got.text);
	if (l->dir_fd < 0 && blob_keep(l->rl, fd, digest, err) == 0)
		return 0;
	return keep_copy(l, fd, size, digest, err);
}

/* Without them all but push and save works. */
static void keep_layers(struct load *l, const struct wanted *w)
{
	struct rl_err why = { 0 };

	for (size_t i = 0; i < w->n_layers; i++)
		if (keep_layer(l, w, i, &why) < 0)
			log_debug("layer %.19s is not kept: %s", w->layers[i].digest.text, why.msg);
}

/* --- recording --- */

static int tell_move(struct load *l, const char *name, const char *id)
{
	char old[65], text[400];
	auto_free char *canonical = NULL;
	struct rl_err ignored;

	/* not there before: nothing moves */
	if (image_resolve(l->rl, name, NULL, old, &canonical, &ignored) < 0)
		return 0;
	if (strcmp(old, id) == 0)
		return 0;
	(void)snprintf(text, sizeof(text), "'%s' was image %.12s and now is %.12s", name, old, id);
	progress_note(&l->progress, text);
	return 0;
}

static int record(struct load *l, struct wanted *w, struct rl_err *err)
{
	const char *id = digest_hex(w->id.text);
	const struct image_new img = {
		.id = id,
		.manifest = w->manifest.data,
		.manifest_len = w->manifest.len,
		.config = w->config.data,
		.config_len = w->config.len,
		.digest = w->digest.text,
		.index_digest = w->index_digest.text[0] ? w->index_digest.text : NULL,
		.diff_ids = &w->c.diff_ids,
		.names = &w->names,
		.size = layers_total(l->rl, &l->req->session, &w->c.diff_ids),
		.made_up = w->files != NULL,
	};

	for (size_t i = 0; i < w->names.n; i++)
		tell_move(l, w->names.v[i], id);
	if (image_record(l->rl, &img, err) < 0)
		return -err->code;
	l->n_loaded++;
	if (w->names.n == 0)
		return request_result(id, NULL, w->digest.text, err);
	for (size_t i = 0; i < w->names.n; i++)
		if (request_result(id, w->names.v[i], w->digest.text, err) < 0)
			return -err->code;
	return 0;
}

static int load_image(struct load *l, struct wanted *w, struct rl_err *err)
{
	char what[80];

	(void)snprintf(what, sizeof(what), "image %.12s", digest_hex(w->id.text));
	progress_title(&l->progress, "Loading", what);
	if (get_layers(l, w, err) < 0)
		return -err->code;
	keep_layers(l, w);
	return record(l, w, err);
}

/* @short_home: what a name without a registry belongs to: NULL = docker.io */
static int add_name(struct wanted *w, const char *name, const char *short_home, struct rl_err *err)
{
	auto_ref struct ref ref = { 0 };
	auto_free char *local = NULL;
	int r = ref_parse(name, strlen(name), &ref, err);

	if (r == 0 && ref.is_short && short_home) {
		local = str_printf("%s/%s", short_home, name);
		ref_done(&ref);
		r = local ? ref_parse(local, strlen(local), &ref, err) : rl_oom(err);
	}
	if (r == 0 && ref.digest)
		r = rl_fail(err, EINVAL, "an archive may not name '%.300s' by digest", name);
	if (r < 0)
		return rl_wrap(err, "name of an image in the archive");
	return strv_take(&w->names, ref_print(&ref)) < 0 ? rl_oom(err) : 0;
}

/* --- OCI --- */

static int find_manifest(struct load *l, struct wanted *w, const char *digest, int64_t size,
			 const char *type, struct manifest *m, struct rl_err *err)
{
	char at[DIGEST_SIZE], media[128];

	(void)snprintf(at, sizeof(at), "%s", digest);
	(void)snprintf(media, sizeof(media), "%s", type);
	for (int depth = 0; depth < INDEX_DEPTH; depth++) {
		struct parsed p;

		if (read_blob(l, at, size, MANIFEST_MAX, &w->manifest, err) < 0 ||
		    parse_manifest(w->manifest.data, w->manifest.len, *media ? media : NULL,
				   &l->req->platform, "manifest", &p, err) < 0 ||
		    digest_parse(at, strlen(at), NULL, &w->digest, err) < 0)
			return -err->code;
		if (p.kind == MANIFEST_IMAGE) {
			*m = p.m;
			return 0;
		}
		if (depth == 0)
			w->index_digest = w->digest;
		memcpy(at, p.next.digest.text, sizeof(at));
		memcpy(media, p.next.media_type, sizeof(media));
		size = p.next.size;
	}
	return rl_fail(err, ELOOP, "index within index, more than %d deep", INDEX_DEPTH);
}

static int load_manifest(struct load *l, struct wanted *w, struct manifest *m, struct rl_err *err)
{
	if (read_blob(l, m->config.digest.text, m->config.size, CONFIG_MAX, &w->config, err) < 0 ||
	    parse_config(w->config.data, w->config.len, m->n_layers, &w->c, err) < 0)
		return -err->code;
	w->id = m->config.digest;
	w->layers = TAKE_PTR(m->layers);
	w->n_layers = m->n_layers;
	return load_image(l, w, err);
}

/* "<digest> <size> <media type>" of parse_oci_index() */
static int load_oci_entry(struct load *l, struct wanted *w, const char *entry, struct rl_err *err)
{
	auto_manifest struct manifest m = { 0 };
	auto_strv struct strv part = { 0 };
	uint64_t size;

	if (strv_split(&part, entry, ' ') < 0)
		return rl_oom(err);
	if (part.n != 3 || !digest_is_valid(part.v[0]) ||
	    parse_uint(part.v[1], MANIFEST_MAX, &size) < 0)
		return rl_fail(err, EINVAL, "index.json: an entry without usable digest and size");
	if (find_manifest(l, w, part.v[0], (int64_t)size, part.v[2], &m, err) < 0)
		return -err->code;
	return load_manifest(l, w, &m, err);
}

static bool is_wanted(const struct load *l, const char *name, size_t number)
{
	const char *want = l->req->want;
	char at[24];

	if (!want)
		return true;
	(void)snprintf(at, sizeof(at), "@%zu", number); /* podman's way to count images */
	return strcmp(want, at) == 0 || (name && strcmp(want, name) == 0);
}

static int load_oci(struct load *l, struct rl_err *err)
{
	auto_buf struct buf text = { 0 };
	auto_strv struct strv v = { 0 };
	size_t number = 0;
	int r;

	if (read_member(l, "index.json", MANIFEST_MAX, &text, err) < 0 ||
	    parse_oci_index(text.data, text.len, &v, err) < 0)
		return -err->code;
	for (size_t i = 0; i < v.n; i++) {
		struct wanted w = { 0 };
		const char *name;

		if (v.v[i][0] != 'M')
			continue;
		name = i + 1 < v.n && v.v[i + 1][0] == 'N' ? v.v[i + 1] + 1 : NULL;
		if (!is_wanted(l, name, number++))
			continue;
		r = name ? add_name(&w, name, "localhost", err) : 0;
		if (r == 0)
			r = load_oci_entry(l, &w, v.v[i] + 1, err);
		wanted_done(&w);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- a folder with one image, as `skopeo copy ... dir:` and `rl save --format docker-dir` write it --- */

/* manifest.json, or the one of an index in it that fits: HEX.manifest.json */
static int dir_manifest(struct load *l, struct wanted *w, struct manifest *m, struct rl_err *err)
{
	char name[96] = "manifest.json";
	struct descriptor at = { .size = -1 };

	for (int depth = 0; depth < INDEX_DEPTH; depth++) {
		struct parsed p;
		int r = depth == 0 ? read_member(l, name, MANIFEST_MAX, &w->manifest, err)
				   : read_named(l, name, at.digest.text, at.size, MANIFEST_MAX,
						&w->manifest, err);

		if (r < 0 || hash_bytes(w->manifest.data, w->manifest.len, &w->digest, err) < 0 ||
		    parse_manifest(w->manifest.data, w->manifest.len,
				   *at.media_type ? at.media_type : NULL, &l->req->platform,
				   "manifest.json", &p, err) < 0)
			return -err->code;
		if (p.kind == MANIFEST_IMAGE) {
			*m = p.m;
			return 0;
		}
		if (depth == 0)
			w->index_digest = w->digest;
		at = p.next;
		(void)snprintf(name, sizeof(name), "%s.manifest.json", digest_hex(at.digest.text));
	}
	return rl_fail(err, ELOOP, "index within index, more than %d deep", INDEX_DEPTH);
}

static int load_dir(struct load *l, struct rl_err *err)
{
	auto_manifest struct manifest m = { 0 };
	struct wanted w = { 0 };
	int r = 0;

	l->is_dir = true;
	if (is_wanted(l, NULL, 0)) {
		r = dir_manifest(l, &w, &m, err);
		if (r == 0)
			r = load_manifest(l, &w, &m, err);
	}
	wanted_done(&w);
	return r;
}

/* --- docker-archive --- */

/* What a layer file is, by its first bytes. */
static const char *layer_type(int fd)
{
	unsigned char b[4] = { 0 };

	if (pread(fd, b, sizeof(b), 0) < (ssize_t)sizeof(b))
		return "tar";
	if (b[0] == 0x1f && b[1] == 0x8b)
		return "tar+gzip";
	return memcmp(b, "\x28\xb5\x2f\xfd", 4) == 0 ? "tar+zstd" : "tar";
}

/* The archive has no manifest: one that names its layers as they are. */
static int describe_layer(struct load *l, struct wanted *w, size_t i, struct rl_err *err)
{
	auto_fd int fd = open_member(l, w->files[i], err);
	const char *diff_id = w->c.diff_ids.v[i];
	struct descriptor *d = &w->layers[i];
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return rl_fail_sys(err, errno, "stat a layer");
	(void)snprintf(d->media_type, sizeof(d->media_type),
		       "application/vnd.oci.image.layer.v1.%s", layer_type(fd));
	d->size = st.st_size;
	/* of a plain tar the unpacker checks this very digest */
	if (strcmp(strrchr(d->media_type, '.'), ".tar") == 0)
		return digest_parse(diff_id, strlen(diff_id), NULL, &d->digest, err);
	return hash_fd(fd, l->signal_fd, &d->digest, NULL, err);
}

static json_t *descriptor_json(const char *type, const char *digest, int64_t size)
{
	return json_pack("{s:s, s:s, s:I}", "mediaType", type, "digest", digest, "size",
			 (json_int_t)size);
}

static int make_manifest(struct wanted *w, struct rl_err *err)
{
	json_auto_t *j = json_pack("{s:i, s:s, s:o, s:[]}", "schemaVersion", 2, "mediaType",
				   "application/vnd.oci.image.manifest.v1+json", "config",
				   descriptor_json("application/vnd.oci.image.config.v1+json",
						   w->id.text, (int64_t)w->config.len),
				   "layers");
	json_t *list = json_object_get(j, "layers");
	auto_free char *text = NULL;

	for (size_t i = 0; j && i < w->n_layers; i++)
		if (json_array_append_new(list, descriptor_json(w->layers[i].media_type,
								w->layers[i].digest.text,
								w->layers[i].size)) < 0)
			return rl_oom(err);
	text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	if (!text || buf_str(&w->manifest, text) < 0)
		return rl_oom(err);
	return hash_bytes(w->manifest.data, w->manifest.len, &w->digest, err);
}

/* @v: "C<config>" and what belongs to it, @n texts. */
static int read_docker_image(struct load *l, struct wanted *w, char **v, size_t n,
			     struct rl_err *err)
{
	w->files = calloc(n, sizeof(*w->files));
	w->layers = calloc(n, sizeof(*w->layers));
	if (!w->files || !w->layers)
		return rl_oom(err);
	for (size_t i = 1; i < n; i++) {
		if (v[i][0] == 'T' && add_name(w, v[i] + 1, NULL, err) < 0)
			return -err->code;
		if (v[i][0] == 'L')
			w->files[w->n_layers++] = v[i] + 1;
	}
	if (read_member(l, v[0] + 1, CONFIG_MAX, &w->config, err) < 0 ||
	    hash_bytes(w->config.data, w->config.len, &w->id, err) < 0 ||
	    parse_config(w->config.data, w->config.len, w->n_layers, &w->c, err) < 0)
		return -err->code;
	for (size_t i = 0; i < w->n_layers; i++)
		if (describe_layer(l, w, i, err) < 0)
			return -err->code;
	return make_manifest(w, err);
}

static bool is_wanted_docker(const struct load *l, char **v, size_t n, size_t number)
{
	if (is_wanted(l, NULL, number))
		return true;
	for (size_t i = 1; i < n; i++)
		if (v[i][0] == 'T' && is_wanted(l, v[i] + 1, number))
			return true;
	return false;
}

static int load_docker(struct load *l, struct rl_err *err)
{
	auto_buf struct buf text = { 0 };
	auto_strv struct strv v = { 0 };
	size_t number = 0, n;
	int r = 0;

	if (read_member(l, "manifest.json", MANIFEST_MAX, &text, err) < 0 ||
	    parse_docker_archive(text.data, text.len, &v, err) < 0)
		return -err->code;
	for (size_t i = 0; r == 0 && i < v.n; i += n) {
		struct wanted w = { 0 };

		for (n = 1; i + n < v.n && v.v[i + n][0] != 'C'; n++)
			;
		if (!is_wanted_docker(l, v.v + i, n, number++))
			continue;
		r = read_docker_image(l, &w, v.v + i, n, err);
		if (r == 0)
			r = load_image(l, &w, err);
		wanted_done(&w);
	}
	return r;
}

/* --- the archive as a whole --- */

static int stage_archive(struct load *l, struct rl_err *err)
{
	struct archive_limits limits = { .max_members = MEMBERS_MAX, .cancel_fd = &l->signal_fd };
	char key[64] = "load-", room[32];
	struct statvfs fs;
	int r;

	rand_hex(key + strlen(key), 8);
	r = layer_begin(l->rl, key, false, &l->stage, err);
	if (r < 0)
		return r;
	if (fstatvfs(l->stage.diff_fd, &fs) < 0)
		return rl_fail_sys(err, errno, "look at the free space");
	limits.max_bytes = (int64_t)((uint64_t)fs.f_bavail * fs.f_frsize);
	r = archive_in_read(STDIN_FILENO, l->stage.diff_fd, &limits, &l->members, err);
	if (r < 0 && err->code == EFBIG) { /* by our limit, which is what is free */
		progress_size(limits.max_bytes, room);
		rl_fail(err, ENOSPC,
			"no space: the archive has more than the %s that '%s' has left", room,
			l->rl->data_dir);
	}
	return r < 0 ? rl_hint_full(l->rl, err) : r;
}

static bool has_member(const struct load *l, const char *name)
{
	return l->dir_fd >= 0 ? io_exists(l->dir_fd, name)
			      : archive_find(&l->members, name) != NULL;
}

/* If the policy accepts that kind of archive. */
static int load_as(struct load *l, const char *transport,
		   int (*load)(struct load *l, struct rl_err *err), struct rl_err *err)
{
	/* docker's archives have no scopes below the transport's own */
	bool named = l->req->source && strcmp(transport, "docker-archive") != 0, is_signed;

	if (trust_begin(&l->trust, transport, named ? l->req->source : "", &is_signed, err) < 0)
		return -err->code;
	return load(l, err);
}

static int load_all(struct load *l, struct rl_err *err)
{
	struct stat st;
	int r;

	if (fstat(STDIN_FILENO, &st) < 0)
		return rl_fail_sys(err, errno, "stat the archive");
	if (S_ISDIR(st.st_mode))
		l->dir_fd = STDIN_FILENO;
	else if (stage_archive(l, err) < 0)
		return -err->code;
	/* docker writes both kinds into one archive; its own says more about names */
	if (l->dir_fd < 0 && has_member(l, "manifest.json"))
		r = load_as(l, "docker-archive", load_docker, err);
	else if (has_member(l, "index.json"))
		r = load_as(l, l->dir_fd < 0 ? "oci-archive" : "oci", load_oci, err);
	else if (has_member(l, "manifest.json"))
		r = load_as(l, "dir", load_dir, err);
	else
		r = rl_fail(err, EINVAL,
			    "neither a docker-archive nor an OCI layout: no "
			    "manifest.json or index.json in it");
	if (r == 0 && l->n_loaded == 0)
		r = rl_fail(err, ENOENT, l->req->want ? "no image '%s' in it" : "no image in it%s",
			    l->req->want ? l->req->want : "");
	return r;
}

int cmd_load(const struct rl *rl, int argc, char **argv, struct rl_err *err)
{
	struct request req = { 0 };
	struct load l = { .rl = rl, .req = &req, .hold_fd = FD_NONE, .dir_fd = FD_NONE };
	int r;

	(void)argc;
	(void)argv;
	l.stage.lock_fd = l.stage.diff_fd = FD_NONE;
	r = request_read(&req, err);
	if (r < 0)
		return r;
	l.signal_fd = request_signals(err);
	l.hold_fd = l.signal_fd < 0 ? FD_NONE : image_hold_layers(rl, err);
	if (l.hold_fd >= 0) {
		progress_init(&l.progress, req.quiet);
		r = trust_open(rl, req.policy, req.sig_dir, &l.trust, err);
		if (r == 0) {
			layer_sweep(rl);
			r = load_all(&l, err);
		}
		trust_close(&l.trust);
		if (l.stage.lock_fd >= 0)
			layer_abort(rl, &l.stage);
	} else {
		r = -err->code;
	}
	archive_members_done(&l.members);
	fd_close(l.hold_fd);
	fd_close(l.signal_fd);
	request_done(&req);
	return r;
}
