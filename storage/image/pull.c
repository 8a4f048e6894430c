/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull.c - `rl-image pull`: an image from a registry into the store
 *
 * Theory of operation. This process orchestrates and is in S: it owns the store, but not the
 * network. For each source in turn (mirrors first, the registry last) it forks a fetcher that has
 * the network and that source's credentials, but no files. Manifest, index and config come back
 * through memory files, are hashed here and parsed; then layers.c has the fetcher fill one pipe
 * per missing layer, each read by an unpack child that has one folder and nothing else:
 *
 *	network -> fetcher (TLS, HTTP, SHA-256 of the compressed bytes) -> pipe ->
 *	unpack child (inflate, SHA-256 of the tar, files) -> staging folder -> rename
 *
 * What a digest names is checked by somebody other than who fetched it: manifest and config here,
 * the tar by the unpack child against the config's diff_ids. The image gets its name last of all,
 * when everything is on disk.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "storage/blob.h"
#include "storage/image.h"
#include "storage/image/cmds.h"
#include "storage/image/copy.h"
#include "storage/image/docs.h"
#include "storage/image/foreign.h"
#include "storage/image/hash.h"
#include "storage/image/layers.h"
#include "storage/image/parse.h"
#include "storage/image/request.h"
#include "storage/image/trust.h"
#include "storage/layer.h"
#include "storage/ref.h"

#define PIPE_BYTES  (1 << 20)
#define INDEX_DEPTH 4 /* an index may name an index, but not for ever */
#define TAGS_MAX    5000

/* The packed bytes of a layer in storage/blob.h */
struct keep {
	int fd;       /* or FD_NONE */
	bool is_blob; /* whole already, to be read; else a part that grows */
	bool dropped; /* what there was is no good: only the registry is asked now */
	char *refer;  /* it is another store's: its path there */
};

struct pull {
	const struct rl *rl;
	struct request *req;
	struct source *src;
	struct trust trust;
	struct docs docs;
	struct progress progress;
	int signal_fd;
	struct foreign foreign;
	bool asked_stores; /* they are in @foreign */

	/* while layers_run() is at work */
	const struct manifest *manifest;
	uint32_t *layer_ids; /* job of layer i, 0 = none */
	struct keep *keep;   /* of layer i */
	struct layer_want *want;
	bool cut_off; /* the network failed: the next pull may go on from there */
};

/* One image on its way */
struct wanted {
	char *name;         /* canonical, as it will be recorded */
	const char *target; /* tag or digest */
	struct buf manifest, config;
	struct digest digest, index_digest; /* index: "" when there was none */
	struct manifest m;
	struct image_config c;
};

static void wanted_done(struct wanted *w)
{
	free(w->name);
	buf_done(&w->manifest);
	buf_done(&w->config);
	manifest_done(&w->m);
	image_config_done(&w->c);
}

/* --- manifest and config --- */

static int get_manifest(struct pull *p, const char *target, int64_t size, struct buf *out,
			struct fetch_report *rep, struct digest *digest, struct rl_err *err)
{
	struct fetch_job job = { .kind = FETCH_MANIFEST, .size = size, .max = MANIFEST_MAX };
	struct rl_err e;

	if (size > MANIFEST_MAX)
		return rl_fail(err, EFBIG, "manifest of %lld bytes, more than the limit of %d",
			       (long long)size, MANIFEST_MAX);
	(void)snprintf(job.target, sizeof(job.target), "%s", target);
	if (digest_is_valid(target))
		memcpy(job.digest, target, DIGEST_SIZE);
	if (docs_get(&p->docs, &job, out, rep, digest, err) < 0)
		return -err->code;
	/* an empty header is fine, a wrong one is not: who is mistaken? */
	if (rep->digest[0] && digest_check(rep->digest, "Docker-Content-Digest", &e) < 0) {
		*err = e;
		return -err->code;
	}
	if (rep->digest[0] && strcmp(rep->digest, digest->text) != 0)
		return rl_fail(err, EBADMSG,
			       "wrong digest: the registry says %s, its manifest has %s",
			       rep->digest, digest->text);
	return 0;
}

/* Follow indexes down to the manifest of our platform. */
static int find_manifest(struct pull *p, struct wanted *w, struct rl_err *err)
{
	char target[REF_TAG_MAX + 1]; /* a digest is shorter */
	int64_t size = -1;

	(void)snprintf(target, sizeof(target), "%s", w->target);
	for (int depth = 0; depth < INDEX_DEPTH; depth++) {
		struct fetch_report rep;
		struct parsed parsed;

		if (get_manifest(p, target, size, &w->manifest, &rep, &w->digest, err) < 0 ||
		    parse_manifest(w->manifest.data, w->manifest.len, rep.type[0] ? rep.type : NULL,
				   &p->req->platform, depth ? "manifest" : "manifest or index",
				   &parsed, err) < 0)
			return -err->code;
		if (parsed.kind == MANIFEST_IMAGE) {
			w->m = parsed.m;
			return 0;
		}
		if (depth == 0)
			w->index_digest = w->digest;
		size = parsed.next.size;
		(void)snprintf(target, sizeof(target), "%s", parsed.next.digest.text);
	}
	return rl_fail(err, ELOOP, "index within index, more than %d deep", INDEX_DEPTH);
}

/* --- signatures --- */

static int get_signatures(void *arg, const char *tag, struct buf *ret, struct rl_err *err)
{
	struct fetch_job job = { .kind = FETCH_MANIFEST, .size = -1, .max = MANIFEST_MAX };
	struct fetch_report rep;
	struct digest unused;

	(void)snprintf(job.target, sizeof(job.target), "%s", tag);
	return docs_get(arg, &job, ret, &rep, &unused, err);
}

static int get_payload(void *arg, const char *digest, int64_t size, struct buf *ret,
		       struct rl_err *err)
{
	struct fetch_job job = { .kind = FETCH_DOC, .size = size };
	struct fetch_report rep;
	struct digest unused;

	(void)snprintf(job.digest, sizeof(job.digest), "%s", digest);
	return docs_get(arg, &job, ret, &rep, &unused, err);
}

static int get_url(void *arg, const char *url, struct buf *ret, struct rl_err *err)
{
	struct fetch_job job = { .kind = FETCH_URL, .size = -1, .max = SIGSTORE_PAYLOAD_MAX };
	struct fetch_report rep;
	struct digest unused;

	if (strlen(url) >= sizeof(job.target))
		return rl_fail(err, EINVAL, "'%.200s...': too long", url);
	(void)snprintf(job.target, sizeof(job.target), "%s", url);
	return docs_get(arg, &job, ret, &rep, &unused, err);
}

static int check_signatures(struct pull *p, const struct wanted *w, struct rl_err *err)
{
	const struct trust_source from = {
		.arg = &p->docs, .manifest = get_signatures, .blob = get_payload, .url = get_url
	};
	const struct digest *const digests[2] = { &w->digest, &w->index_digest };

	progress_step(&p->progress, "Checking signatures");
	return trust_check(&p->trust, w->name, digests, &from, err);
}

static int check_platform(struct pull *p, const struct wanted *w, struct rl_err *err)
{
	char have[PLATFORM_TEXT_MAX], want[PLATFORM_TEXT_MAX], text[300];

	if (platform_score(&w->c.platform, &p->req->platform) > 0)
		return 0;
	/* chosen by an index: many configs leave out the variant that it states */
	if (w->index_digest.text[0] && strcmp(w->c.platform.os, p->req->platform.os) == 0 &&
	    strcmp(w->c.platform.arch, p->req->platform.arch) == 0)
		return 0;
	platform_print(&w->c.platform, have);
	platform_print(&p->req->platform, want);
	if (p->req->platform_given) {
		rl_fail(err, ENOENT, "no image for platform %s; there are: %s", want, have);
		return rl_hint(err, "choose one with --platform");
	}
	(void)snprintf(text, sizeof(text), "'%s' is made for %s, this machine is %s", w->name, have,
		       want);
	progress_note(&p->progress, text);
	return 0;
}

/* A pull of what is there mostly: one answer less to wait for. Only what has the digest counts. */
static bool config_is_there(struct pull *p, struct wanted *w)
{
	const struct descriptor *d = &w->m.config;
	struct digest digest;
	struct rl_err why;
	char path[128];

	(void)snprintf(path, sizeof(path), "images/%.64s/config.json", digest_hex(d->digest.text));
	if (d->size <= 0 || d->size > IMAGE_CONFIG_MAX ||
	    io_read_file(p->rl->data_fd, path, (size_t)d->size, &w->config, &why) < 0)
		return false;
	if ((int64_t)w->config.len == d->size &&
	    hash_bytes(w->config.data, w->config.len, &digest, &why) == 0 &&
	    strcmp(digest.text, d->digest.text) == 0)
		return true;
	buf_done(&w->config);
	return false;
}

static int fetch_config(struct pull *p, struct wanted *w, struct rl_err *err)
{
	struct fetch_job job = { .kind = FETCH_DOC, .size = w->m.config.size };
	struct fetch_report rep;
	struct digest digest;

	(void)snprintf(job.digest, sizeof(job.digest), "%s", w->m.config.digest.text);
	if (docs_get(&p->docs, &job, &w->config, &rep, &digest, err) < 0)
		return rl_wrap(err, "config");
	return 0;
}

static int get_config(struct pull *p, struct wanted *w, struct rl_err *err)
{
	progress_step(&p->progress, "Copying config %.12s", digest_hex(w->m.config.digest.text));
	if (!config_is_there(p, w) && fetch_config(p, w, err) < 0)
		return -err->code;
	if (parse_config(w->config.data, w->config.len, w->m.n_layers, &w->c, err) < 0)
		return -err->code;
	return check_platform(p, w, err);
}

/* --- layers --- */

static void keep_close(struct keep *k)
{
	fd_close(TAKE_FD(k->fd));
	free(TAKE_PTR(k->refer));
}

/* What is there of a layer is no good, or must make room. */
static void keep_drop(struct pull *p, size_t i)
{
	struct keep *k = &p->keep[i];

	if (k->fd >= 0 && k->is_blob && !k->refer)
		blob_drop(p->rl, p->manifest->layers[i].digest.text);
	else if (k->fd >= 0 && !k->refer)
		blob_part_drop(p->rl, p->manifest->layers[i].digest.text);
	k->dropped = true;
	keep_close(k);
}

/*
 * Another user's store may have it packed. Where its unpacked files are used, too, it is read there,
 * else it is copied, so that it stays when that store goes, by reference where the disk can. The fetcher
 * hashes it like what it fetches.
 */
static void keep_from_stores(const struct pull *p, size_t i, int64_t *ret_have)
{
	const struct descriptor *d = &p->manifest->layers[i];
	struct keep *k = &p->keep[i];
	auto_free char *path = NULL;
	auto_fd int fd = foreign_blob(&p->foreign, d->digest.text, d->size, &path);
	struct rl_err why;

	if (fd < 0)
		return;
	if (p->want[i].there) {
		blob_part_drop(p->rl, d->digest.text); /* it is empty */
		fd_close(k->fd);
		k->fd = TAKE_FD(fd);
		k->is_blob = true;
		k->refer = TAKE_PTR(path);
		*ret_have = d->size;
		return;
	}
	if (copy_data(fd, k->fd, d->size, &why) == 0)
		*ret_have = d->size;
	else if (ftruncate(k->fd, 0) < 0)
		return;
	if (lseek(k->fd, *ret_have, SEEK_SET) < 0)
		log_debug("%s: not from another store", d->digest.text);
}

/* What is whole in our own store, or refers to another one; a reference that leads nowhere goes. */
static int own_blob(const struct pull *p, const char *digest, int64_t *ret_have)
{
	struct rl_err ignored;
	int fd;

	if (!blob_exists(p->rl, digest))
		return -ENOENT;
	fd = blob_open(p->rl, digest, ret_have, &ignored);
	if (fd < 0)
		blob_drop(p->rl, digest);
	return fd;
}

/*
 * Where the packed layer goes meanwhile, perhaps with what a pull that was killed has left; or where
 * it is, when only the unpacked one is missing. The fetcher hashes what is there like what comes.
 */
static void keep_open(struct pull *p, size_t i, int64_t *ret_have)
{
	const struct descriptor *d = &p->manifest->layers[i];
	struct keep *k = &p->keep[i];

	*ret_have = 0;
	keep_close(k);
	k->fd = own_blob(p, d->digest.text, ret_have);
	k->is_blob = k->fd >= 0;
	if (k->is_blob && *ret_have != d->size) {
		const bool again = !k->dropped;

		*ret_have = 0;
		keep_drop(p, i); /* damaged; one that cannot be removed is done without */
		if (again)
			keep_open(p, i, ret_have);
		return;
	}
	if (!k->is_blob)
		k->fd = blob_part(p->rl, d->digest.text, ret_have);
	if (k->fd >= 0 && !k->is_blob && *ret_have == 0 && !k->dropped)
		keep_from_stores(p, i, ret_have);
	if (k->fd < 0 || *ret_have <= d->size)
		return;
	*ret_have = 0; /* no beginning of this */
	if (ftruncate(k->fd, 0) < 0 || lseek(k->fd, 0, SEEK_SET) < 0)
		fd_close(TAKE_FD(k->fd));
}

static int feed_open(void *arg, size_t i, int *ret_fd, bool *ret_sure, struct rl_err *err)
{
	struct pull *p = arg;
	const struct descriptor *d = &p->manifest->layers[i];
	struct fetch_job job = { .kind = FETCH_LAYER, .size = d->size };
	auto_fd int rd = FD_NONE, wr = FD_NONE;
	int v[2];

	if (pipe2(v, O_CLOEXEC) < 0)
		return rl_fail_sys(err, errno, "pipe");
	rd = v[0];
	wr = v[1];
	/* fewer, larger turns between the processes; users' pipe quota may forbid it */
	(void)fcntl(wr, F_SETPIPE_SZ, PIPE_BYTES);
	(void)snprintf(job.digest, sizeof(job.digest), "%s", d->digest.text);
	job.id = p->layer_ids[i] = ++p->docs.next_id;
	keep_open(p, i, &job.have);
	if (fetcher_send(&p->docs.fetcher, &job, (const int[]){ wr, p->keep[i].fd }, err) < 0)
		return -err->code;
	*ret_fd = TAKE_FD(rd);
	*ret_sure = false;
	return 0;
}

static void feed_cancel(void *arg, size_t i)
{
	struct pull *p = arg;

	p->layer_ids[i] = 0; /* the fetcher notices when the pipe's reader is gone */
}

/* The fetcher has checked its digest. A store without it can do all but push and save. */
static void keep_blob(struct pull *p, size_t i)
{
	struct keep *k = &p->keep[i];
	struct rl_err why;

	if (k->refer && blob_refer(p->rl, p->manifest->layers[i].digest.text, k->refer) < 0)
		log_debug("packed layer %zu is not referred to", i);
	if (k->fd >= 0 && !k->is_blob &&
	    blob_part_keep(p->rl, p->manifest->layers[i].digest.text, &why) < 0)
		log_debug("%s", why.msg);
	keep_close(k);
}

static int feed_event(void *arg, struct layers *ls, struct rl_err *err)
{
	struct pull *p = arg;
	struct fetch_report rep;
	bool bad;

	if (fetcher_recv(&p->docs.fetcher, &rep, err) < 0)
		return -err->code;
	if (rep.event == FETCH_NOTE)
		progress_note(&p->progress, rep.err.msg);
	else if (rep.event == FETCH_PROGRESS)
		progress_update(&p->progress, rep.bytes - p->docs.bytes);
	if (rep.event != FETCH_DONE)
		return 0;
	bad = rep.err.code != 0;
	if (rep.id == UINT32_MAX) {
		*err = rep.err;
		return bad ? -err->code : rl_fail(err, EIO, "the fetch process ended");
	}
	for (size_t i = 0; i < p->manifest->n_layers; i++)
		if (rep.id != 0 && p->layer_ids[i] == rep.id) {
			if (!bad)
				keep_blob(p, i);
			else if (rep.err.code == EBADMSG || rep.err.code == EFBIG)
				keep_drop(p, i);
			else
				p->cut_off = true;
			return layers_fed(ls, i, bad ? &rep.err : NULL,
					  rep.resumed && rep.err.code == EBADMSG, err);
		}
	return 0; /* of one that was given up */
}

/* Before the first byte: will the compressed layers alone fit? */
static int check_space(const struct rl *rl, int64_t need, struct rl_err *err)
{
	struct statvfs fs;
	char a[32], b[32];
	uint64_t have;

	if (fstatvfs(rl->data_fd, &fs) < 0)
		return 0; /* then the writes will tell */
	have = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (need < 0 || (uint64_t)need <= have)
		return 0;
	progress_size(need, a);
	progress_size((int64_t)have, b);
	rl_fail(err, ENOSPC, "no space: the layers have %s, '%s' has %s left", a, rl->data_dir, b);
	return rl_hint_full(rl, err);
}

#define THERE_MAX 256 /* layers whose unpacked files are looked for; each is a descriptor */

/* What other stores have of the layers. Return: how many, or -errno */
static int ask_stores(struct pull *p, struct layer_want *want, size_t n, struct rl_err *err)
{
	int found = 0, r = 0;

	if (!p->asked_stores)
		r = foreign_open(p->rl, &p->req->stores, &p->progress, &p->foreign, err);
	p->asked_stores = r == 0;
	for (size_t i = 0; r == 0 && i < n && i < THERE_MAX; i++) {
		char *path = NULL;

		want[i].there_fd = foreign_layer(&p->foreign, want[i].diff_id, &path);
		want[i].there = path;
		found += path != NULL;
	}
	return r < 0 ? r : found;
}

static void forget_stores(struct layer_want *want, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (want[i].there)
			fd_close(want[i].there_fd);
		free((char *)(uintptr_t)want[i].there); /* ask_stores() made it */
	}
}

static int run_layers(struct pull *p, const struct layers_conf *conf, size_t n, struct rl_err *err)
{
	const struct layers_feed feed = { .arg = p,
					  .open = feed_open,
					  .cancel = feed_cancel,
					  .event_fd = p->docs.fetcher.sock,
					  .event = feed_event };
	int r = layers_run(conf, &feed, p->want, n, err);

	progress_end(&p->progress);
	for (size_t i = 0; i < n; i++) {
		if (r < 0 && r != -EINTR && !p->keep[i].is_blob &&
		    (r == -ENOSPC || r == -EDQUOT || !p->cut_off))
			keep_drop(p, i);
		keep_close(&p->keep[i]);
	}
	return r;
}

static int get_layers(struct pull *p, struct wanted *w, struct rl_err *err)
{
	const struct layers_conf conf = { .rl = p->rl,
					  .session = &p->req->session,
					  .signal_fd = p->signal_fd,
					  .progress = &p->progress,
					  .parallel = layers_parallel() };
	size_t n = w->m.n_layers, missing;
	auto_free struct layer_want *want = calloc(n ? n : 1, sizeof(*want));
	auto_free uint32_t *ids = calloc(n ? n : 1, sizeof(*ids));
	auto_free struct keep *keep = calloc(n ? n : 1, sizeof(*keep));
	int64_t bytes;
	int r;

	if (!want || !ids || !keep)
		return rl_oom(err);
	for (size_t i = 0; i < n; i++)
		want[i] = (struct layer_want){ .diff_id = w->c.diff_ids.v[i],
					       .blob = w->m.layers[i].digest.text,
					       .size = w->m.layers[i].size };
	r = layers_missing(&conf, want, n, &bytes, &missing, err);
	if (r < 0 || missing == 0)
		return r;
	p->manifest = &w->m;
	p->layer_ids = ids;
	p->keep = keep;
	p->want = want;
	p->cut_off = false;
	for (size_t i = 0; i < n; i++)
		keep[i].fd = FD_NONE;
	r = p->req->stores.n ? ask_stores(p, want, n, err) : 0;
	if (r == 0)
		r = check_space(p->rl, bytes, err);
	if (r >= 0) {
		progress_start(&p->progress, bytes);
		r = run_layers(p, &conf, n, err);
	}
	forget_stores(want, n);
	p->manifest = NULL;
	p->layer_ids = NULL;
	p->keep = NULL;
	p->want = NULL;
	return r;
}

/* --- recording --- */

static int record(struct pull *p, struct wanted *w, struct rl_err *err)
{
	struct strv names = { .v = &w->name, .n = 1 };
	const char *id = digest_hex(w->m.config.digest.text);
	struct image_new img = {
		.id = id,
		.manifest = w->manifest.data,
		.manifest_len = w->manifest.len,
		.config = w->config.data,
		.config_len = w->config.len,
		.digest = w->digest.text,
		.index_digest = w->index_digest.text[0] ? w->index_digest.text : NULL,
		.diff_ids = &w->c.diff_ids,
		.names = &names,
	};

	img.size = layers_total(p->rl, &p->req->session, &w->c.diff_ids);
	progress_step(&p->progress, "Writing manifest to image destination");
	if (image_record(p->rl, &img, err) < 0)
		return -err->code;
	return request_result(id, w->name, img.index_digest ? img.index_digest : img.digest, err);
}

static int pull_image(struct pull *p, struct wanted *w, struct rl_err *err)
{
	auto_fd int hold = FD_NONE;
	bool is_signed;

	if (trust_begin(&p->trust, "docker", w->name, &is_signed, err) < 0)
		return -err->code;
	progress_title(&p->progress, "Trying to pull", w->name);
	if (find_manifest(p, w, err) < 0 || (is_signed && check_signatures(p, w, err) < 0) ||
	    get_config(p, w, err) < 0)
		return -err->code;
	hold = image_hold_layers(p->rl, err);
	if (hold < 0)
		return hold;
	if (get_layers(p, w, err) < 0)
		return -err->code;
	return record(p, w, err);
}

/* --- all tags --- */

static int take_tags(void *arg, const struct buf *text, struct rl_err *err)
{
	struct strv *tags = arg;

	if (parse_tags(text->data, text->len, tags, err) < 0)
		return -err->code;
	return tags->n > TAGS_MAX ? rl_fail(err, EFBIG, "more than %d tags", TAGS_MAX) : 0;
}

static int pull_tags(struct pull *p, struct rl_err *err)
{
	auto_strv struct strv tags = { 0 };
	auto_ref struct ref ref = { 0 };
	auto_free char *repo = NULL;
	int r = docs_list(&p->docs, "", take_tags, &tags, err);

	if (r == 0)
		r = ref_parse(p->src->image, strlen(p->src->image), &ref, err);
	if (r < 0)
		return r;
	repo = ref_print_repo(&ref);
	if (tags.n == 0)
		return rl_fail(err, ENOENT, "it has no tags");
	for (size_t i = 0; r == 0 && i < tags.n; i++) {
		struct wanted w = { .target = tags.v[i] };

		w.name = repo ? str_printf("%s:%s", repo, tags.v[i]) : NULL;
		r = w.name ? pull_image(p, &w, err) : rl_oom(err);
		wanted_done(&w);
	}
	return r;
}

/* --- sources --- */

/* In the fetcher: credentials of the other sources are none of its business. */
static void forget_others(void *arg)
{
	struct pull *p = arg;

	for (size_t i = 0; i < p->req->n_sources; i++)
		if (&p->req->sources[i] != p->src)
			registry_conf_done(&p->req->sources[i].conf);
}

static int pull_source(struct pull *p, struct source *src, struct rl_err *err)
{
	struct wanted w = { .target = src->target };
	int r;

	p->src = src;
	p->docs.bytes = 0;
	r = fetcher_start(&src->conf, forget_others, p, &p->docs.fetcher, err);
	if (r < 0)
		return r;
	if (p->req->all_tags) {
		r = pull_tags(p, err);
	} else {
		w.name = strdup(src->image);
		r = w.name ? pull_image(p, &w, err) : rl_oom(err);
	}
	wanted_done(&w);
	fetcher_stop(&p->docs.fetcher);
	return r;
}

/* Worth a look elsewhere? Not when the user gave up or this machine is at fault. */
static bool try_next(int r)
{
	return r != -EINTR && r != -ENOSPC && r != -EDQUOT && r != -ENOMEM;
}

static int pull_any(struct pull *p, struct rl_err *err)
{
	struct rl_err first = { 0 };
	int r = rl_fail(err, EINVAL, "nothing to pull from");

	for (size_t i = 0; i < p->req->n_sources; i++) {
		struct source *s = &p->req->sources[i];

		r = pull_source(p, s, err);
		progress_end(&p->progress);
		if (r == 0 || !try_next(r))
			return r;
		if (i + 1 < p->req->n_sources) {
			char text[1200];

			(void)snprintf(text, sizeof(text), "%s%s: %s; trying the next place",
				       s->mirror ? "mirror " : "", s->conf.host, err->msg);
			progress_note(&p->progress, text);
			if (!first.code && !s->mirror)
				first = *err;
		}
	}
	if (first.code) /* the user's first choice explains best */
		*err = first;
	return -err->code;
}

int cmd_pull(const struct rl *rl, int argc, char **argv, struct rl_err *err)
{
	struct request req = { 0 };
	struct pull p = { .rl = rl, .req = &req };
	int r;

	(void)argc;
	(void)argv;
	/* passwords pass through here: no core file, no debugger */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return rl_fail_sys(err, errno, "prctl");
	r = request_read(&req, err);
	if (r < 0)
		return r;
	p.signal_fd = request_signals(err);
	if (p.signal_fd >= 0) {
		progress_init(&p.progress, req.quiet);
		p.docs.progress = &p.progress;
		p.docs.signal_fd = p.signal_fd;
		r = trust_open(rl, req.policy, req.sig_dir, &p.trust, err);
		if (r == 0) {
			layer_sweep(rl);
			blob_part_sweep(rl);
			r = pull_any(&p, err);
		}
		trust_close(&p.trust);
		foreign_close(&p.foreign);
		fd_close(p.signal_fd);
	} else {
		r = p.signal_fd;
	}
	request_done(&req);
	return r;
}
