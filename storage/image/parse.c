/* SPDX-License-Identifier: Apache-2.0 */
/* parse.c - documents parsed in a confined child; the header is the manual */
#include "config.h"

#include "storage/image/parse.h"

#include <errno.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "storage/image/calls.h"
#include "storage/image/child.h"
#include "storage/ref.h"

#define PARSER         "the parser"
#define ANSWER_MAX     (8 << 20)
#define MEMORY_MAX     ((size_t)512 << 20)
#define TAGS_MAX       10000
#define IMAGES_MAX     1000 /* in one archive */
#define SIGNATURES_MAX 64   /* of one image */

/* What is to be parsed, and how */
struct job {
	const char *data;
	size_t len;
	const char *content_type, *what;
	const struct platform *want;
	size_t n_layers;
	const struct strv *keys;
	const char *signature; /* or a second text */
	int (*parse)(const struct job *job, struct buf *out, struct rl_err *err);
};

static _Noreturn void work(const struct job *job, int fd)
{
	const struct sandbox c = { .calls = { calls_base },
				   .other = CALLS_OTHER,
				   .memory = MEMORY_MAX,
				   .files = CALLS_FILES,
				   .fds = &fd,
				   .n_fds = 1 };
	struct rl_err err = { 0 };
	struct buf out = { 0 };

	if (sandbox_enter(&c, &err) < 0 || job->parse(job, &out, &err) < 0)
		child_answer(fd, &err, NULL, 0);
	child_answer(fd, NULL, out.data ? out.data : "", out.len);
}

static int in_child(const struct job *job, struct buf *out, struct rl_err *err)
{
	struct child c;
	int fd, r = child_fork(PARSER, &c, &fd, err);

	if (r == 0)
		work(job, fd);
	return r < 0 ? r : child_result(&c, PARSER, ANSWER_MAX, out, err);
}

static int bad_answer(struct rl_err *err)
{
	return rl_fail(err, EPROTO, PARSER " gave a broken answer");
}

static bool descriptor_ok(struct descriptor *d)
{
	d->media_type[sizeof(d->media_type) - 1] = '\0';
	return digest_is_valid(d->digest.text) && d->size >= 0;
}

/* --- manifests --- */

struct manifest_answer {
	uint32_t kind, n_layers;
	struct descriptor d; /* the entry of an index, or the config; layers follow */
};

static int manifest_in_child(const struct job *job, struct buf *out, struct rl_err *err)
{
	struct manifest_answer a = { 0 };
	auto_manifest struct manifest m = { 0 };
	enum manifest_kind kind;
	json_auto_t *j = NULL;
	int r = manifest_read(job->data, job->len, job->content_type, job->what, &kind, &j, err);

	if (r < 0)
		return r;
	a.kind = kind;
	if (kind == MANIFEST_INDEX) {
		r = index_choose(j, job->want, job->what, &a.d, err);
	} else {
		r = manifest_parse(j, job->what, &m, err);
		a.d = m.config;
		a.n_layers = (uint32_t)m.n_layers;
	}
	if (r < 0)
		return r;
	if (buf_add(out, &a, sizeof(a)) < 0 ||
	    buf_add(out, m.layers, m.n_layers * sizeof(*m.layers)) < 0)
		return rl_oom(err);
	return 0;
}

static int take_manifest(const struct buf *out, struct parsed *ret, struct rl_err *err)
{
	auto_manifest struct manifest m = { 0 };
	struct manifest_answer a;

	if (out->len < sizeof(a))
		return bad_answer(err);
	memcpy(&a, out->data, sizeof(a));
	if (a.n_layers > LAYERS_MAX || out->len != sizeof(a) + a.n_layers * sizeof(*m.layers) ||
	    !descriptor_ok(&a.d) || (a.kind != MANIFEST_IMAGE && a.kind != MANIFEST_INDEX))
		return bad_answer(err);
	m.config = a.d;
	m.n_layers = a.n_layers;
	m.layers = calloc(a.n_layers ? a.n_layers : 1, sizeof(*m.layers));
	if (!m.layers)
		return rl_oom(err);
	memcpy(m.layers, out->data + sizeof(a), a.n_layers * sizeof(*m.layers));
	for (size_t i = 0; i < m.n_layers; i++)
		if (!descriptor_ok(&m.layers[i]))
			return bad_answer(err);
	*ret = (struct parsed){ .kind = (enum manifest_kind)a.kind, .next = a.d };
	if (a.kind == MANIFEST_IMAGE) {
		if (m.config.size > CONFIG_MAX)
			return bad_answer(err);
		ret->m = m;
		m = (struct manifest){ 0 };
	}
	return 0;
}

int parse_manifest(const char *data, size_t len, const char *content_type,
		   const struct platform *want, const char *what, struct parsed *ret,
		   struct rl_err *err)
{
	const struct job job = { .data = data,
				 .len = len,
				 .content_type = content_type,
				 .what = what,
				 .want = want,
				 .parse = manifest_in_child };
	auto_buf struct buf out = { 0 };
	int r = in_child(&job, &out, err);

	return r < 0 ? r : take_manifest(&out, ret, err);
}

/* --- config --- */

static int config_in_child(const struct job *job, struct buf *out, struct rl_err *err)
{
	auto_image_config struct image_config c = { 0 };
	int r = image_config_parse(job->data, job->len, job->n_layers, "config", &c, err);

	if (r < 0)
		return r;
	if (buf_add(out, &c.platform, sizeof(c.platform)) < 0)
		return rl_oom(err);
	for (size_t i = 0; i < c.diff_ids.n; i++)
		if (buf_add(out, c.diff_ids.v[i], DIGEST_LEN) < 0)
			return rl_oom(err);
	return 0;
}

int parse_config(const char *data, size_t len, size_t n_layers, struct image_config *ret,
		 struct rl_err *err)
{
	const struct job job = {
		.data = data, .len = len, .n_layers = n_layers, .parse = config_in_child
	};
	auto_image_config struct image_config c = { 0 };
	auto_buf struct buf out = { 0 };
	struct platform p;
	int r = in_child(&job, &out, err);

	if (r < 0)
		return r;
	if (out.len != sizeof(p) + n_layers * DIGEST_LEN)
		return bad_answer(err);
	memcpy(&p, out.data, sizeof(p));
	p.os[sizeof(p.os) - 1] = p.arch[sizeof(p.arch) - 1] = p.variant[sizeof(p.variant) - 1] =
		'\0';
	platform_set(&c.platform, p.os, p.arch, p.variant);
	for (size_t i = 0; i < n_layers; i++) {
		struct digest d;

		if (digest_parse(out.data + sizeof(p) + i * DIGEST_LEN, DIGEST_LEN, "config", &d,
				 err) < 0)
			return -err->code;
		if (strv_add(&c.diff_ids, d.text) < 0)
			return rl_oom(err);
	}
	*ret = c;
	c = (struct image_config){ 0 };
	return 0;
}

/* --- lists of texts --- */

static int put(struct buf *out, char kind, const char *text, struct rl_err *err)
{
	if (buf_add(out, &kind, 1) < 0 || buf_add(out, text, strlen(text) + 1) < 0)
		return rl_oom(err);
	return 0;
}

/* Texts that end in NUL each; the last one must, too. */
static int take_texts(const struct buf *out, struct strv *ret, struct rl_err *err)
{
	const char *p = out->data, *end = p + out->len;

	while (out->len > 0 && p < end) {
		size_t n = strnlen(p, (size_t)(end - p));

		if (p + n == end || n == 0)
			return bad_answer(err);
		if (strv_add(ret, p) < 0)
			return rl_oom(err);
		p += n + 1;
	}
	return 0;
}

static int tags_in_child(const struct job *job, struct buf *out, struct rl_err *err)
{
	json_auto_t *j = NULL;
	json_t *list, *v;
	size_t i;

	if (json_read(job->data, job->len, MANIFEST_MAX, job->what, &j, err) < 0 ||
	    json_get_arr(j, "tags", job->what, &list, err) < 0 ||
	    json_check_strings(list, job->what, err) < 0)
		return -err->code;
	if (json_array_size(list) > TAGS_MAX)
		return rl_fail(err, EFBIG, "%s: more than %d tags", job->what, TAGS_MAX);
	json_array_foreach (list, i, v)
		if (put(out, 'T', json_string_value(v), err) < 0)
			return -err->code;
	return 0;
}

int parse_tags(const char *data, size_t len, struct strv *ret, struct rl_err *err)
{
	const struct job job = {
		.data = data, .len = len, .what = "list of tags", .parse = tags_in_child
	};
	auto_buf struct buf out = { 0 };
	auto_strv struct strv texts = { 0 };

	if (in_child(&job, &out, err) < 0 || take_texts(&out, &texts, err) < 0)
		return -err->code;
	for (size_t i = 0; i < texts.n; i++) {
		const char *tag = texts.v[i] + 1;

		if (!ref_is_tag(tag, strlen(tag)))
			return rl_fail(err, EINVAL, "list of tags: '%.200s' is no tag", tag);
		if (strv_add(ret, tag) < 0)
			return rl_oom(err);
	}
	return 0;
}

/* --- searches --- */

static int search_in_child(const struct job *job, struct buf *out, struct rl_err *err)
{
	json_auto_t *j = NULL;
	json_t *list, *e;
	size_t i;

	if (json_read(job->data, job->len, MANIFEST_MAX, job->what, &j, err) < 0 ||
	    json_get_arr(j, "results", job->what, &list, err) < 0)
		return -err->code;
	json_array_foreach (list, i, e) {
		const char *name, *text;
		bool official, automated;
		int64_t stars;
		char numbers[64];

		if (json_get_str(e, "name", job->what, &name, err) < 0 ||
		    json_get_str(e, "description", job->what, &text, err) < 0 ||
		    json_get_int(e, "star_count", job->what, &stars, err) < 0 ||
		    json_get_bool(e, "is_official", job->what, &official, err) < 0 ||
		    json_get_bool(e, "is_automated", job->what, &automated, err) < 0)
			return -err->code;
		(void)snprintf(numbers, sizeof(numbers), "%lld %d %d", (long long)stars, official,
			       automated);
		if (put(out, 'N', name ? name : "", err) < 0 ||
		    put(out, 'D', text ? text : "", err) < 0 || put(out, 'S', numbers, err) < 0)
			return -err->code;
	}
	return 0;
}

static int catalog_in_child(const struct job *job, struct buf *out, struct rl_err *err)
{
	json_auto_t *j = NULL;
	json_t *list, *v;
	size_t i;

	if (json_read(job->data, job->len, MANIFEST_MAX, job->what, &j, err) < 0 ||
	    json_get_arr(j, "repositories", job->what, &list, err) < 0 ||
	    json_check_strings(list, job->what, err) < 0)
		return -err->code;
	json_array_foreach (list, i, v)
		if (put(out, 'N', json_string_value(v), err) < 0)
			return -err->code;
	return 0;
}

/* put() sets a letter in front; here it says nothing. */
static int take_plain_texts(const struct buf *out, struct strv *ret, struct rl_err *err)
{
	auto_strv struct strv texts = { 0 };

	if (take_texts(out, &texts, err) < 0)
		return -err->code;
	for (size_t i = 0; i < texts.n; i++)
		if (strv_add(ret, texts.v[i] + 1) < 0)
			return rl_oom(err);
	return 0;
}

int parse_search(const char *data, size_t len, struct strv *ret, struct rl_err *err)
{
	const struct job job = {
		.data = data, .len = len, .what = "search result", .parse = search_in_child
	};
	auto_buf struct buf out = { 0 };

	if (in_child(&job, &out, err) < 0 || take_plain_texts(&out, ret, err) < 0)
		return -err->code;
	return ret->n % 3 == 0 ? 0 : bad_answer(err);
}

int parse_catalog(const char *data, size_t len, struct strv *ret, struct rl_err *err)
{
	const struct job job = {
		.data = data, .len = len, .what = "catalog", .parse = catalog_in_child
	};
	auto_buf struct buf out = { 0 };

	return in_child(&job, &out, err) < 0 ? -err->code : take_plain_texts(&out, ret, err);
}

/* --- signatures --- */

static int signatures_in_child(const struct job *job, struct buf *out, struct rl_err *err)
{
	json_auto_t *j = NULL;
	json_t *list, *e;
	size_t i;

	if (json_read(job->data, job->len, MANIFEST_MAX, job->what, &j, err) < 0 ||
	    json_get_arr(j, "layers", job->what, &list, err) < 0)
		return -err->code;
	if (json_array_size(list) > SIGNATURES_MAX)
		return rl_fail(err, EFBIG, "%s: more than %d", job->what, SIGNATURES_MAX);
	json_array_foreach (list, i, e) {
		const char *type, *digest, *sig;
		auto_free char *line = NULL;
		json_t *notes;
		int64_t size;

		if (json_get_str(e, "mediaType", job->what, &type, err) < 0 ||
		    json_get_str(e, "digest", job->what, &digest, err) < 0 ||
		    json_get_int(e, "size", job->what, &size, err) < 0 ||
		    json_get_obj(e, "annotations", job->what, &notes, err) < 0 ||
		    json_get_str(notes, SIGSTORE_ANNOTATION, job->what, &sig, err) < 0)
			return -err->code;
		if (!type || strcmp(type, SIGSTORE_TYPE) != 0 || !sig || !*sig)
			continue;
		if (digest_check(digest, job->what, err) < 0)
			return -err->code;
		line = str_printf("%s %lld %s", digest, (long long)size, sig);
		if (!line || put(out, 'S', line, err) < 0)
			return rl_oom(err);
	}
	return 0;
}

int parse_signatures(const char *data, size_t len, struct strv *ret, struct rl_err *err)
{
	const struct job job = {
		.data = data, .len = len, .what = "signatures", .parse = signatures_in_child
	};
	auto_buf struct buf out = { 0 };

	return in_child(&job, &out, err) < 0 ? -err->code : take_plain_texts(&out, ret, err);
}

/* A NUL, the name of the form, a newline; then { "payload": base64, "annotations": {..} }. GPG
 * signatures lie there without such a head. */
static int lookaside_in_child(const struct job *job, struct buf *out, struct rl_err *err)
{
	static const char head[] = "\0sigstore-json\n";
	const size_t n = sizeof(head) - 1;
	auto_buf struct buf payload = { 0 };
	json_auto_t *j = NULL;
	const char *base64, *sig;
	json_t *notes;

	if (job->len < n || memcmp(job->data, head, n) != 0)
		return 0;
	if (json_read(job->data + n, job->len - n, SIGSTORE_PAYLOAD_MAX * 2, job->what, &j, err) <
		    0 ||
	    json_get_str(j, "payload", job->what, &base64, err) < 0 ||
	    json_get_obj(j, "annotations", job->what, &notes, err) < 0 ||
	    json_get_str(notes, SIGSTORE_ANNOTATION, job->what, &sig, err) < 0)
		return -err->code;
	if (!base64 || !sig || sigstore_base64(base64, &payload) < 0)
		return rl_fail(err, EBADMSG, "%s: no payload or no signature in it", job->what);
	return put(out, 'S', sig, err) < 0 || put(out, 'P', payload.data, err) < 0 ? -err->code : 0;
}

int parse_lookaside(const char *data, size_t len, struct strv *ret, struct rl_err *err)
{
	const struct job job = {
		.data = data, .len = len, .what = "signature", .parse = lookaside_in_child
	};
	auto_buf struct buf out = { 0 };

	return in_child(&job, &out, err) < 0 ? -err->code : take_plain_texts(&out, ret, err);
}

static int claim_in_child(const struct job *job, struct buf *out, struct rl_err *err)
{
	struct sigstore_claim claim = { 0 };
	int r = job->signature ? sigstore_verify(job->keys, job->data, job->len, job->signature,
						 &claim, err)
			       : sigstore_read_payload(job->data, job->len, GPG_CLAIM, &claim, err);

	if (r < 0)
		return r;
	return buf_add(out, &claim, sizeof(claim)) < 0 ? rl_oom(err) : 0;
}

int parse_claim(const struct strv *keys, const char *payload, size_t len, const char *signature,
		struct sigstore_claim *ret, struct rl_err *err)
{
	const struct job job = { .data = payload,
				 .len = len,
				 .keys = keys,
				 .signature = signature,
				 .parse = claim_in_child };
	auto_buf struct buf out = { 0 };
	struct sigstore_claim claim;

	if (in_child(&job, &out, err) < 0)
		return -err->code;
	if (out.len != sizeof(claim))
		return bad_answer(err);
	memcpy(&claim, out.data, sizeof(claim));
	claim.name[sizeof(claim.name) - 1] = '\0';
	claim.digest.text[sizeof(claim.digest.text) - 1] = '\0';
	*ret = claim;
	return 0;
}

/* --- archives --- */

static int put_all(struct buf *out, char kind, const json_t *list, const char *what,
		   struct rl_err *err)
{
	json_t *v;
	size_t i;

	if (json_array_size(list) > LAYERS_MAX)
		return rl_fail(err, EFBIG, "%s: a list of more than %d", what, LAYERS_MAX);
	if (json_check_strings(list, what, err) < 0)
		return -err->code;
	json_array_foreach (list, i, v)
		if (put(out, kind, json_string_value(v), err) < 0)
			return -err->code;
	return 0;
}

static int docker_in_child(const struct job *job, struct buf *out, struct rl_err *err)
{
	json_auto_t *j = NULL;
	json_t *e;
	size_t i;

	if (json_read(job->data, job->len, MANIFEST_MAX, job->what, &j, err) < 0)
		return -err->code;
	if (!json_is_array(j) || json_array_size(j) > IMAGES_MAX)
		return rl_fail(err, EINVAL, "%s: not a list of at most %d images", job->what,
			       IMAGES_MAX);
	json_array_foreach (j, i, e) {
		const char *config;
		json_t *tags, *layers;

		if (json_get_str(e, "Config", job->what, &config, err) < 0 ||
		    json_get_arr(e, "RepoTags", job->what, &tags, err) < 0 ||
		    json_get_arr(e, "Layers", job->what, &layers, err) < 0)
			return -err->code;
		if (!config)
			return rl_fail(err, EINVAL, "%s: an image without 'Config'", job->what);
		if (put(out, 'C', config, err) < 0 || put_all(out, 'T', tags, job->what, err) < 0 ||
		    put_all(out, 'L', layers, job->what, err) < 0)
			return -err->code;
	}
	return 0;
}

int parse_docker_archive(const char *data, size_t len, struct strv *ret, struct rl_err *err)
{
	const struct job job = {
		.data = data, .len = len, .what = "manifest.json", .parse = docker_in_child
	};
	auto_buf struct buf out = { 0 };

	if (in_child(&job, &out, err) < 0)
		return -err->code;
	return take_texts(&out, ret, err);
}

/* The name that containerd (a full one) or OCI (any text) gives an entry. */
static int put_entry_name(const json_t *e, const char *what, struct buf *out, struct rl_err *err)
{
	const char *name = NULL;
	json_t *notes;

	if (json_get_obj(e, "annotations", what, &notes, err) < 0)
		return -err->code;
	if (!notes)
		return 0;
	if (json_get_str(notes, "io.containerd.image.name", what, &name, err) < 0 ||
	    (!name &&
	     json_get_str(notes, "org.opencontainers.image.ref.name", what, &name, err) < 0))
		return -err->code;
	return name && *name ? put(out, 'N', name, err) : 0;
}

static int oci_in_child(const struct job *job, struct buf *out, struct rl_err *err)
{
	json_auto_t *j = NULL;
	json_t *list, *e;
	size_t i;

	if (json_read(job->data, job->len, MANIFEST_MAX, job->what, &j, err) < 0 ||
	    json_get_arr(j, "manifests", job->what, &list, err) < 0)
		return -err->code;
	if (json_array_size(list) > IMAGES_MAX)
		return rl_fail(err, EFBIG, "%s: more than %d images", job->what, IMAGES_MAX);
	json_array_foreach (list, i, e) {
		const char *digest, *type;
		auto_free char *line = NULL;
		int64_t size;

		if (json_get_str(e, "digest", job->what, &digest, err) < 0 ||
		    json_get_str(e, "mediaType", job->what, &type, err) < 0 ||
		    json_get_int(e, "size", job->what, &size, err) < 0 ||
		    digest_check(digest, job->what, err) < 0)
			return -err->code;
		line = str_printf("%s %lld %.127s", digest, (long long)size, type ? type : "");
		if (!line)
			return rl_oom(err);
		if (put(out, 'M', line, err) < 0 || put_entry_name(e, job->what, out, err) < 0)
			return -err->code;
	}
	return 0;
}

int parse_oci_index(const char *data, size_t len, struct strv *ret, struct rl_err *err)
{
	const struct job job = {
		.data = data, .len = len, .what = "index.json", .parse = oci_in_child
	};
	auto_buf struct buf out = { 0 };

	if (in_child(&job, &out, err) < 0)
		return -err->code;
	return take_texts(&out, ret, err);
}

static const char *ref_name(const json_t *entry)
{
	const char *name = json_string_value(json_object_get(json_object_get(entry, "annotations"),
							     "org.opencontainers.image.ref.name"));

	return name ? name : "";
}

static const char *digest_of(const json_t *entry)
{
	const char *digest = json_string_value(json_object_get(entry, "digest"));

	return digest ? digest : "";
}

/* Entries without a name give way to the same image only. */
static int merge_entry(json_t *list, json_t *entry)
{
	for (size_t i = json_array_size(list); i-- > 0;) {
		const json_t *old = json_array_get(list, i);

		if (strcmp(ref_name(old), ref_name(entry)) == 0 &&
		    (*ref_name(entry) || strcmp(digest_of(old), digest_of(entry)) == 0) &&
		    json_array_remove(list, i) < 0)
			return -ENOMEM;
	}
	return json_array_append(list, entry);
}

static int merge_in_child(const struct job *job, struct buf *out, struct rl_err *err)
{
	json_auto_t *j = NULL, *more = NULL;
	auto_free char *text = NULL;
	json_t *list, *e;
	size_t i;

	if (json_read(job->data, job->len, MANIFEST_MAX, job->what, &j, err) < 0 ||
	    json_get_arr(j, "manifests", job->what, &list, err) < 0 ||
	    json_read(job->signature, strlen(job->signature), MANIFEST_MAX, "new entries", &more,
		      err) < 0)
		return -err->code;
	if (!list)
		return rl_fail(err, EBADMSG, "%s: no list of manifests", job->what);
	json_array_foreach (more, i, e)
		if (merge_entry(list, e) < 0)
			return rl_oom(err);
	text = json_dumps(j, JSON_COMPACT);
	return text && buf_str(out, text) == 0 ? 0 : rl_oom(err);
}

int parse_oci_merge(const char *data, size_t len, const char *more, struct buf *ret,
		    struct rl_err *err)
{
	const struct job job = { .data = data,
				 .len = len,
				 .what = "index.json",
				 .signature = more,
				 .parse = merge_in_child };

	return in_child(&job, ret, err);
}
