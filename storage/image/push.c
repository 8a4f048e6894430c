/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push.c - `rl-image push`: an image of the store to a registry; `rl-image login`: may we come in
 *
 * Theory of operation: what the manifest lists is offered blob by blob to the fetcher process
 * (registry_push.c), a few at once: it asks whether the registry has it, has it mounted from
 * another repository there, or sends the bytes that storage/blob.h kept. Then the config, and the
 * manifest last, so that nobody sees an image whose parts are missing. An image that came packed
 * leaves with the bytes it came with. A layer of which only the plain form is there (from a
 * docker-archive, or of another image with the same files) is packed here, and the manifest
 * written anew for it; so is, with "force", one that is packed in another way than asked for. What it
 * became is noted: a registry that has that already is not sent, nor is it packed, a second time.
 * Manifest lists: push_list.c.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "storage/blob.h"
#include "storage/image/cmds.h"
#include "storage/image/compress.h"
#include "storage/image/hash.h"
#include "storage/image/parse.h"
#include "storage/image/plain.h"
#include "storage/image/push.h"
#include "storage/ref.h"

#define PARALLEL 4
#define NOTE_MAX 256

/* --- talking to the fetcher --- */

/* The next report that says how a job ended. */
static int wait_done(struct push *p, struct fetch_report *rep, struct rl_err *err)
{
	for (;;) {
		struct pollfd v[2] = { { .fd = p->signal_fd, .events = POLLIN },
				       { .fd = p->fetcher.sock, .events = POLLIN } };

		if (poll(v, 2, -1) < 0 && errno != EINTR)
			return rl_fail_sys(err, errno, "wait for the fetch process");
		if (v[0].revents)
			return rl_fail(err, EINTR, "interrupted");
		if (!v[1].revents)
			continue;
		if (fetcher_recv(&p->fetcher, rep, err) < 0)
			return -err->code;
		if (rep->event == FETCH_NOTE)
			progress_note(&p->progress, rep->err.msg);
		else if (rep->event == FETCH_PROGRESS)
			progress_update(&p->progress, rep->bytes);
		else
			break;
	}
	if (rep->err.code == 0)
		return 0;
	*err = rep->err;
	return -err->code;
}

static int send_blob(struct push *p, uint32_t id, const struct descriptor *d, int fd,
		     struct rl_err *err)
{
	const struct registry_conf *c = &p->src->conf;
	struct fetch_job job = { .kind = PUSH_BLOB, .id = id, .size = fd < 0 ? -1 : d->size };
	auto_fd int null = fd < 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : FD_NONE;

	memcpy(job.digest, d->digest.text, sizeof(job.digest));
	(void)snprintf(job.target, sizeof(job.target), "%s", c->mount_from ? c->mount_from : "");
	return fetcher_send(&p->fetcher, &job, (const int[]){ fd < 0 ? null : fd, FD_NONE }, err);
}

/* --- layers --- */

static bool is_plain(const struct descriptor *d)
{
	size_t n = strlen(d->media_type);

	return n > 4 && strcmp(d->media_type + n - 4, ".tar") == 0;
}

/* Does it stay as it is? */
static bool is_good(const struct push *p, const struct descriptor *d)
{
	if (is_plain(d))
		return false;
	if (!p->req->force)
		return true;
	return p->req->level < 0 &&
	       strstr(d->media_type, p->kind == COMPRESS_GZIP ? "gzip" : "zstd") != NULL;
}

/* What a layer is once it was packed */
static void set_type(const struct push *p, struct descriptor *d)
{
	const char *kind = p->kind == COMPRESS_GZIP ? "gzip" : "zstd";
	const bool docker = p->format == REWRITE_AS_IS &&
			    strstr(p->manifest.data, "vnd.docker.distribution.manifest");

	(void)snprintf(d->media_type, sizeof(d->media_type), "application/vnd.%s%s",
		       docker ? "docker.image.rootfs.diff.tar." : "oci.image.layer.v1.tar+", kind);
}

/* Pack the plain layer @fd; the descriptor is the packed one's from then on. */
static int pack(struct push *p, struct descriptor *d, int fd, struct rl_err *err)
{
	auto_fd int out = blob_new(p->rl);
	int r;

	if (out < 0)
		return rl_fail_sys(err, -out, "pack a layer");
	progress_step(&p->progress, "Compressing blob %.12s", digest_hex(d->digest.text));
	r = compress_fd(fd, out, p->kind, (int)p->req->level, p->signal_fd, &d->digest, &d->size,
			err);
	if (r < 0)
		return r;
	set_type(p, d);
	return TAKE_FD(out);
}

/* --- what plain layers became when they were packed the last time ------------------------- */

static char *note_path(const struct push *p, const char *diff_id)
{
	return str_printf(BLOB_NOTES "/%.64s-%s%ld", digest_hex(diff_id),
			  p->kind == COMPRESS_GZIP ? "gzip" : "zstd", (long)p->req->level);
}

static void write_note(const struct push *p, const char *diff_id, const struct descriptor *d)
{
	auto_free char *path = note_path(p, diff_id), *text = NULL;
	struct rl_err why = { 0 };

	text = str_printf("%s %lld", d->digest.text, (long long)d->size);
	if (path && text && io_mkdirs(p->rl->data_fd, BLOB_NOTES, 0700, &why) == 0)
		RL_IGNORE(io_replace_file(p->rl->data_fd, path, text, strlen(text), 0600, IO_NOSYNC,
					  &why)); /* then it is packed again */
}

static bool read_note(const struct push *p, const char *diff_id, struct descriptor *d)
{
	auto_free char *path = note_path(p, diff_id);
	auto_strv struct strv words = { 0 };
	auto_buf struct buf b = { 0 };
	struct rl_err why;
	uint64_t size;

	if (!path || io_read_file(p->rl->data_fd, path, NOTE_MAX, &b, &why) < 0 || !b.data ||
	    strv_split(&words, b.data, ' ') < 0 || words.n != 2 ||
	    digest_parse(words.v[0], strlen(words.v[0]), "packed layer", &d->digest, &why) < 0 ||
	    parse_uint(words.v[1], INT64_MAX, &size) < 0)
		return false;
	d->size = (int64_t)size;
	return true;
}

/* What is to be sent for layer @i: a descriptor, or FD_NONE when only the registry may have it. */
static int open_layer(struct push *p, size_t i, int *ret_fd, struct rl_err *err)
{
	const char *diff_id = i < p->img.diff_ids.n ? p->img.diff_ids.v[i] : NULL;
	struct descriptor *d = &p->m.layers[i];
	auto_fd int fd = FD_NONE;
	int64_t size;
	int r;

	*ret_fd = FD_NONE;
	fd = blob_open(p->rl, d->digest.text, &size, err);
	if (fd >= 0 && size != d->size)
		return rl_fail(err, EBADMSG,
			       "the packed layer %.19s in the store has %lld bytes, not %lld",
			       d->digest.text, (long long)size, (long long)d->size);
	if (fd >= 0 && is_good(p, d)) {
		*ret_fd = TAKE_FD(fd);
		return 0;
	}
	if (!diff_id || (fd < 0 && !blob_exists(p->rl, diff_id)))
		return 0; /* it may be there, or in another repository there */
	fd_close(TAKE_FD(fd));
	fd = plain_open(p->rl, diff_id, d->digest.text, &size, err);
	if (fd < 0)
		return fd;
	r = pack(p, d, fd, err);
	if (r < 0)
		return r;
	write_note(p, diff_id, d);
	*ret_fd = r;
	return 0;
}

static bool seen_before(const struct push *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(p->m.layers[k].digest.text, p->m.layers[i].digest.text) == 0)
			return true;
	return false;
}

static int blob_done(struct push *p, struct rl_err *err)
{
	struct fetch_report rep;
	const char *digest;
	int r = wait_done(p, &rep, err);

	if (r < 0)
		return r;
	digest = rep.id < p->m.n_layers ? p->m.layers[rep.id].digest.text : p->m.config.digest.text;
	progress_step(&p->progress, "%s %.12s%s",
		      rep.how == PUSH_SENT ? "Copied blob" : "Skipped blob", digest_hex(digest),
		      rep.how == PUSH_SENT     ? ""
		      : rep.how == PUSH_EXISTS ? ": it is there already"
					       : ": mounted from another repository");
	return 0;
}

/* A layer that would be packed: has the registry what it became the last time? 1: yes */
static int ask_packed(struct push *p, size_t i, struct rl_err *err)
{
	struct descriptor *d = &p->m.layers[i], was = *d;
	int r;

	if (i >= p->img.diff_ids.n || is_good(p, d) || !read_note(p, p->img.diff_ids.v[i], d)) {
		*d = was;
		return 0;
	}
	set_type(p, d);
	r = send_blob(p, (uint32_t)i, d, FD_NONE, err);
	if (r == 0)
		r = blob_done(p, err);
	if (r == 0)
		return 1;
	*d = was;
	return r == -ENOENT ? 0 : r;
}

static int push_layers(struct push *p, struct rl_err *err)
{
	auto_free bool *there = calloc(p->m.n_layers ? p->m.n_layers : 1, sizeof(*there));
	unsigned running = 0;
	int r = there ? 0 : rl_oom(err);

	for (size_t i = 0; r == 0 && i < p->m.n_layers; i++) {
		r = ask_packed(p, i, err);
		there[i] = r > 0;
		r = r < 0 ? r : 0;
	}
	for (size_t i = 0; r == 0 && i < p->m.n_layers; i++) {
		auto_fd int fd = FD_NONE;

		if (there[i])
			continue;
		r = open_layer(p, i, &fd, err);
		if (r < 0 || seen_before(p, i))
			continue;
		if (running == PARALLEL) {
			r = blob_done(p, err);
			running--;
		}
		if (r == 0)
			r = send_blob(p, (uint32_t)i, &p->m.layers[i], fd, err);
		running++;
	}
	for (; r == 0 && running > 0; running--)
		r = blob_done(p, err);
	return r;
}

/* --- config and manifest --- */

static int push_config(struct push *p, struct rl_err *err)
{
	char path[128];
	auto_fd int fd = FD_NONE;
	int r;

	(void)snprintf(path, sizeof(path), "images/%.64s/config.json", p->img.id);
	if (*p->img.id)
		fd = openat(p->rl->data_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (*p->img.id && fd < 0)
		return rl_fail_sys(err, errno, "open '%s'", path);
	progress_step(&p->progress, "Copying config %.12s", digest_hex(p->m.config.digest.text));
	r = send_blob(p, UINT32_MAX - 1, &p->m.config, fd, err);
	return r < 0 ? r : blob_done(p, err);
}

int push_document(struct push *p, const struct buf *text, const char *type, const char *target,
		  struct digest *ret, struct rl_err *err)
{
	struct fetch_job job = { .kind = PUSH_MANIFEST, .id = UINT32_MAX - 2 };
	auto_fd int fd = memfd_create("rl-manifest", MFD_CLOEXEC);
	struct fetch_report rep;
	int r = hash_bytes(text->data, text->len, ret, err);

	if (r < 0)
		return r;
	r = fd < 0 ? -errno : io_write_all(fd, text->data, text->len);
	if (r < 0)
		return rl_fail_sys(err, -r, "hand over the manifest");
	job.size = (int64_t)text->len;
	(void)snprintf(job.type, sizeof(job.type), "%s", type);
	(void)snprintf(job.target, sizeof(job.target), "%s", target ? target : ret->text);
	if (digest_is_valid(job.target) && strcmp(job.target, ret->text) != 0)
		return rl_fail(err, EINVAL, "the manifest is %s, it cannot be pushed as %s",
			       ret->text, job.target);
	progress_step(&p->progress, "Writing manifest to image destination");
	r = fetcher_send(&p->fetcher, &job, (const int[]){ fd, FD_NONE }, err);
	if (r == 0)
		r = wait_done(p, &rep, err);
	if (r == 0 && rep.digest[0] && strcmp(rep.digest, ret->text) != 0)
		return rl_fail(err, EBADMSG, "the registry took manifest %s for %.80s", ret->text,
			       rep.digest);
	return r;
}

int push_parts(struct push *p, const char *target, struct digest *ret, char ret_type[128],
	       struct rl_err *err)
{
	int r = push_layers(p, err);

	if (r == 0)
		r = push_config(p, err);
	if (r == 0)
		r = rewrite_manifest(&p->manifest, &p->m, p->format, ret_type, err);
	return r < 0 ? r : push_document(p, &p->manifest, ret_type, target, ret, err);
}

/* --- from where layers can be mounted --- */

/* Another repository at the same registry that an image with one of our layers is known by. */
void push_find_mount(struct push *p)
{
	struct registry_conf *c = &p->src->conf;
	struct image *v = NULL;
	struct rl_err ignored;
	size_t n = 0;

	if (image_list(p->rl, &v, &n, &ignored) < 0)
		return;
	for (size_t i = 0; i < n && !c->mount_from; i++) {
		bool shares = false;

		for (size_t k = 0; k < v[i].diff_ids.n; k++)
			shares |= strv_has(&p->img.diff_ids, v[i].diff_ids.v[k]);
		for (size_t k = 0; shares && k < v[i].names.n && !c->mount_from; k++) {
			auto_ref struct ref ref = { 0 };

			if (ref_parse(v[i].names.v[k], strlen(v[i].names.v[k]), &ref, &ignored) ==
				    0 &&
			    strcmp(ref.registry, c->name) == 0 && strcmp(ref.repo, c->repo) != 0)
				c->mount_from = strdup(ref.repo); /* NULL: nothing is mounted */
		}
	}
	image_list_done(v, n);
}

/* --- the whole --- */

void push_forget(struct push *p)
{
	manifest_done(&p->m);
	buf_done(&p->manifest);
	p->manifest = (struct buf){ 0 };
	image_done(&p->img);
}

int push_read_manifest(struct push *p, struct rl_err *err)
{
	struct parsed parsed;
	int r = parse_manifest(p->manifest.data, p->manifest.len, NULL, &p->req->platform,
			       "manifest", &parsed, err);

	if (r < 0)
		return r;
	if (parsed.kind != MANIFEST_IMAGE)
		return rl_fail(err, EINVAL, "the image's manifest is an index");
	p->m = parsed.m;
	return 0;
}

int push_read_image(struct push *p, const char *id, struct rl_err *err)
{
	char path[128];
	int r;

	if (!id || !digest_is_hex64(id, strlen(id)))
		return rl_fail(err, EINVAL, "request: no image id");
	r = image_load(p->rl, id, &p->img, err);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "images/%.64s/manifest.json", p->img.id);
	r = io_read_file(p->rl->data_fd, path, MANIFEST_MAX, &p->manifest, err);
	if (r == 0)
		r = push_read_manifest(p, err);
	if (r == 0 && p->m.n_layers != p->img.diff_ids.n)
		return rl_fail(err, EBADMSG, "manifest and record disagree on the layers");
	return r;
}

static int options(struct push *p, struct rl_err *err)
{
	const char *c = p->req->compression;
	int r = rewrite_format_parse(p->req->format, &p->format, err);

	if (r < 0)
		return r;
	if (c && strcmp(c, "zstd") == 0)
		p->kind = COMPRESS_ZSTD;
	else if (c && strcmp(c, "gzip") != 0)
		return rl_fail(err, EINVAL, "unknown compression '%s': expected gzip or zstd", c);
	return 0;
}

static int push_image(struct push *p, struct rl_err *err)
{
	struct digest digest;
	char type[128];
	int r = options(p, err);

	if (r < 0)
		return r;
	p->src->conf.push = true;
	progress_title(&p->progress, "Pushing to", p->src->image);
	if (p->req->list)
		return push_list(p, err);
	r = push_read_image(p, p->req->id, err);
	if (r < 0)
		return r;
	push_find_mount(p);
	r = fetcher_start(&p->src->conf, NULL, NULL, &p->fetcher, err);
	if (r < 0)
		return r;
	r = push_parts(p, p->src->target, &digest, type, err);
	fetcher_stop(&p->fetcher);
	return r < 0 ? r : request_result(p->img.id, p->src->image, digest.text, err);
}

static int ping(struct push *p, struct rl_err *err)
{
	static const char nobody[] =
		"0000000000000000000000000000000000000000000000000000000000000000";
	struct fetch_job job = { .kind = PUSH_PING };
	auto_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct fetch_report rep;
	int r;

	p->src->conf.repo[0] = '\0'; /* no right on any repository is asked for */
	r = fetcher_start(&p->src->conf, NULL, NULL, &p->fetcher, err);
	if (r < 0)
		return r;
	r = fetcher_send(&p->fetcher, &job, (const int[]){ null, FD_NONE }, err);
	if (r == 0)
		r = wait_done(p, &rep, err);
	fetcher_stop(&p->fetcher);
	return r < 0 ? r : request_result(nobody, NULL, NULL, err);
}

static int run(const struct rl *rl, int (*work)(struct push *p, struct rl_err *err),
	       struct rl_err *err)
{
	struct request req = { 0 };
	struct push p = { .rl = rl, .req = &req, .fetcher = { .sock = FD_NONE } };
	int r;

	/* passwords pass through here: no core file, no debugger */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return rl_fail_sys(err, errno, "prctl");
	r = request_read(&req, err);
	if (r < 0)
		return r;
	p.signal_fd = request_signals(err);
	if (p.signal_fd < 0) {
		r = p.signal_fd;
	} else if (req.n_sources == 0) {
		r = rl_fail(err, EINVAL, "request: nowhere to go");
	} else {
		p.src = &req.sources[0];
		progress_init(&p.progress, req.quiet);
		r = work(&p, err);
		progress_end(&p.progress);
	}
	fd_close(p.signal_fd);
	push_forget(&p);
	request_done(&req);
	return r;
}

int cmd_push(const struct rl *rl, int argc, char **argv, struct rl_err *err)
{
	(void)argc;
	(void)argv;
	return run(rl, push_image, err);
}

int cmd_login(const struct rl *rl, int argc, char **argv, struct rl_err *err)
{
	(void)argc;
	(void)argv;
	return run(rl, ping, err);
}
