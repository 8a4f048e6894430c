/* SPDX-License-Identifier: Apache-2.0 */
/* trust.c - the policy applied to one image; the header is the manual */
#include "config.h"

#include "storage/image/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "storage/image/gpg.h"
#include "storage/image/parse.h"
#include "storage/policy.h"
#include "storage/ref.h"

#define FOUND_MAX     64 /* signatures looked at */
#define LOOKASIDE_MAX 16 /* of one digest */

/* A signature as it was found */
struct found {
	char *signature;    /* base64; NULL: a simple signature, whole in the payload */
	struct buf payload; /* HOSTILE, as the other is */
};

struct finds {
	struct found v[FOUND_MAX];
	size_t n;
};

static void finds_done(struct finds *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].signature);
		buf_done(&f->v[i].payload);
	}
	f->n = 0;
}
#define auto_finds __attribute__((cleanup(finds_done)))

int trust_open(const struct rl *rl, const char *file, const char *sig_dir, struct trust *ret,
	       struct rl_err *err)
{
	*ret = (struct trust){ .rl = rl, .sig_dir = sig_dir };
	if (!file)
		return 0;
	if (policy_load(file, &ret->policy, err) < 0)
		return -err->code;
	ret->file = strdup(file);
	if (ret->file)
		return 0;
	trust_close(ret);
	return rl_oom(err);
}

void trust_close(struct trust *t)
{
	json_decref(t->policy);
	free(t->file);
	*t = (struct trust){ 0 };
}

/* --- before anything is fetched --- */

static int refuse(const struct trust *t, enum policy_kind kind, const char *transport,
		  const char *identity, const char *scope, struct rl_err *err)
{
	const char *what = *identity ? identity : transport;

	if (kind == POLICY_GPG) {
		rl_fail(err, EACCES,
			"'%s' must have a GPG signature ('signedBy' at %s of %s), and rl was built "
			"without gpgme",
			what, scope, t->file);
		return rl_hint(err, "rl checks sigstore signatures: rl trust add %s KEY.pub", what);
	}
	if (kind == POLICY_KEYLESS) {
		rl_fail(err, EACCES,
			"'%s' must have a signature that certificates or a log prove (%s of %s), "
			"and rl checks public keys only",
			what, scope, t->file);
		return rl_hint(err, "rl trust add %s KEY.pub", what);
	}
	rl_fail(err, EACCES, "'%s' is rejected by %s (%s)", what, t->file, scope);
	if (strcmp(transport, "docker") == 0)
		return rl_hint(err, "rl trust accept %s", what);
	return rl_hint(err, "rl trust accept %s:", transport);
}

int trust_begin(const struct trust *t, const char *transport, const char *identity,
		bool *ret_signed, struct rl_err *err)
{
	auto_free char *scope = NULL;
	json_t *list, *q;
	size_t i;

	*ret_signed = false;
	if (!t->policy)
		return 0;
	if (policy_find(t->policy, transport, identity, &list, &scope, err) < 0)
		return -err->code;
	json_array_foreach (list, i, q) {
		enum policy_kind kind = policy_kind(q);

		if (kind == POLICY_ACCEPT)
			continue;
		if (kind != POLICY_SIGSTORE && !(kind == POLICY_GPG && gpg_is_built_in()))
			return refuse(t, kind, transport, identity, scope, err);
		*ret_signed = true;
	}
	if (!*ret_signed || strcmp(transport, "docker") == 0)
		return 0;
	rl_fail(err, EACCES, "images of '%s:' must be signed (%s of %s), and carry no signature",
		transport, scope, t->file);
	return rl_hint(err, "rl trust accept %s:", transport);
}

/* --- finding signatures --- */

static int add_found(struct finds *f, const char *signature, struct buf *take, struct rl_err *err)
{
	struct found *n = &f->v[f->n];

	if (f->n == FOUND_MAX)
		return 0; /* enough of them */
	*n = (struct found){ .payload = *take };
	*take = (struct buf){ 0 };
	f->n++;
	if (!signature)
		return 0;
	n->signature = strdup(signature);
	return n->signature ? 0 : rl_oom(err);
}

/* "<digest> <size> <base64>" */
static int add_attached(struct finds *f, const char *line, const struct trust_source *from,
			struct rl_err *err)
{
	auto_strv struct strv part = { 0 };
	auto_buf struct buf payload = { 0 };
	uint64_t size;

	if (strv_split(&part, line, ' ') < 0)
		return rl_oom(err);
	if (part.n != 3 || !digest_is_valid(part.v[0]) ||
	    parse_uint(part.v[1], SIGSTORE_PAYLOAD_MAX, &size) < 0)
		return rl_fail(err, EBADMSG, "signatures: one without usable digest and size");
	if (from->blob(from->arg, part.v[0], (int64_t)size, &payload, err) < 0)
		return rl_wrap(err, "signature");
	return add_found(f, part.v[2], &payload, err);
}

static int find_attached(struct finds *f, const char *digest, const struct trust_source *from,
			 struct rl_err *err)
{
	auto_strv struct strv lines = { 0 };
	auto_buf struct buf text = { 0 };
	char tag[100];
	int r;

	(void)snprintf(tag, sizeof(tag), "sha256-%s.sig", digest_hex(digest));
	r = from->manifest(from->arg, tag, &text, err);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return rl_wrap(err, "look for signatures");
	r = parse_signatures(text.data, text.len, &lines, err);
	for (size_t i = 0; i < lines.n && r == 0; i++)
		r = add_attached(f, lines.v[i], from, err);
	return r;
}

static int read_url(const char *url, const struct trust_source *from, struct buf *ret,
		    struct rl_err *err)
{
	if (strncmp(url, "file://", 7) == 0) {
		int r = io_read_file(AT_FDCWD, url + 7, SIGSTORE_PAYLOAD_MAX * 2, ret, err);

		return r == -ENOTDIR ? -ENOENT : r;
	}
	if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
		return rl_fail(err, EINVAL, "lookaside '%.200s': not a file, http or https URL",
			       url);
	return from->url(from->arg, url, ret, err);
}

/* Files of any other form than simple signatures begin with a NUL. */
static int add_aside(struct finds *f, struct buf *text, struct rl_err *err)
{
	auto_strv struct strv pair = { 0 };
	auto_buf struct buf payload = { 0 };

	if (text->len > 0 && text->data[0] != '\0')
		return add_found(f, NULL, text, err);
	if (parse_lookaside(text->data ? text->data : "", text->len, &pair, err) < 0)
		return -err->code;
	if (pair.n == 2 &&
	    (buf_str(&payload, pair.v[1]) < 0 || add_found(f, pair.v[0], &payload, err) < 0))
		return rl_oom(err);
	return 0;
}

static int find_aside(struct finds *f, const char *base, const char *image, const char *digest,
		      const struct trust_source *from, struct rl_err *err)
{
	auto_ref struct ref ref = { 0 };
	size_t n = strlen(base);

	while (n > 0 && base[n - 1] == '/')
		n--;
	if (ref_parse(image, strlen(image), &ref, err) < 0)
		return -err->code;
	for (int i = 1; i <= LOOKASIDE_MAX; i++) {
		auto_free char *url = str_printf("%.*s/%s@sha256=%s/signature-%d", (int)n, base,
						 ref.repo, digest_hex(digest), i);
		auto_buf struct buf text = { 0 };
		int r = url ? read_url(url, from, &text, err) : rl_oom(err);

		if (r == -ENOENT)
			return 0;
		if (r < 0)
			return rl_wrap(err, "look for signatures");
		if (add_aside(f, &text, err) < 0)
			return -err->code;
	}
	return 0;
}

static int find_all(const struct trust *t, const char *image, const struct digest *const digests[2],
		    const struct trust_source *from, struct finds *f, struct rl_err *err)
{
	struct sigconf conf = { 0 };
	int r = sigconf_load(t->sig_dir, image, &conf, err);

	for (int i = 0; i < 2 && r == 0; i++) {
		const char *d = digests[i]->text;

		if (*d && conf.attachments != 0)
			r = find_attached(f, d, from, err);
		if (*d && conf.lookaside && r == 0)
			r = find_aside(f, conf.lookaside, image, d, from, err);
	}
	sigconf_done(&conf);
	return r;
}

/* --- judging them --- */

/* What one requirement asks for */
struct wish {
	const struct rl *rl;
	bool gpg;
	struct strv keys;
	struct gpg_keys gpg_keys;
	struct policy_identity id;
};

static int read_wish(const struct trust *t, json_t *q, const char *image, struct wish *w,
		     struct rl_err *err)
{
	int r;

	*w = (struct wish){ .rl = t->rl, .gpg = policy_kind(q) == POLICY_GPG };
	r = w->gpg ? gpg_read_keys(q, &w->gpg_keys, err) : sigstore_read_keys(q, &w->keys, err);
	return r < 0 ? r : policy_identity(q, image, &w->id, err);
}

static void wish_done(struct wish *w)
{
	strv_done(&w->keys);
	gpg_keys_done(&w->gpg_keys);
	policy_identity_done(&w->id);
}

static int read_claim(const struct wish *w, const struct found *f, struct sigstore_claim *ret,
		      struct rl_err *why)
{
	auto_buf struct buf payload = { 0 };

	if (!w->gpg)
		return parse_claim(&w->keys, f->payload.data ? f->payload.data : "", f->payload.len,
				   f->signature, ret, why);
	if (gpg_open(w->rl, &w->gpg_keys, &f->payload, &payload, why) < 0)
		return -why->code;
	return parse_claim(NULL, payload.data ? payload.data : "", payload.len, NULL, ret, why);
}

static int judge(const struct wish *w, const struct found *f, const struct digest *const digests[2],
		 struct rl_err *why)
{
	const struct policy_identity *id = &w->id;
	struct sigstore_claim claim;

	if (read_claim(w, f, &claim, why) < 0)
		return -why->code;
	if (strcmp(claim.digest.text, digests[0]->text) != 0 &&
	    strcmp(claim.digest.text, digests[1]->text) != 0)
		return rl_fail(why, EACCES, "a signature is of another image, %.19s",
			       claim.digest.text);
	if (!policy_identity_matches(id, claim.name))
		return rl_fail(why, EACCES, "a good signature is for '%.200s', wanted is %s'%s'",
			       claim.name, id->exact ? "" : "something of ",
			       id->exact ? id->exact : id->repo);
	return 0;
}

static int meet(const struct trust *t, json_t *q, const char *image, const struct finds *f,
		const struct digest *const digests[2], struct rl_err *err)
{
	struct wish w;
	int r = read_wish(t, q, image, &w, err);

	if (r == 0)
		r = rl_fail(err, EACCES, "there is no %ssignature", w.gpg ? "GPG " : "");
	else
		f = NULL;
	/* the last one that is not good says why; a key that is none ends it */
	for (size_t i = 0; f && i < f->n && r != 0 && r != -EINVAL && r != -ENOSYS; i++)
		if (w.gpg == !f->v[i].signature)
			r = judge(&w, &f->v[i], digests, err);
	wish_done(&w);
	return r;
}

int trust_check(const struct trust *t, const char *image, const struct digest *const digests[2],
		const struct trust_source *from, struct rl_err *err)
{
	auto_finds struct finds f = { .n = 0 };
	auto_free char *scope = NULL;
	json_t *list, *q;
	size_t i;
	int r = policy_find(t->policy, "docker", image, &list, &scope, err);

	if (r == 0)
		r = find_all(t, image, digests, from, &f, err);
	if (r < 0)
		return r;
	json_array_foreach (list, i, q) {
		if (policy_kind(q) == POLICY_ACCEPT)
			continue;
		r = meet(t, q, image, &f, digests, err);
		if (r < 0)
			return rl_wrap(err, "'%s' is rejected by %s (%s)", image, t->file, scope);
	}
	return 0;
}
