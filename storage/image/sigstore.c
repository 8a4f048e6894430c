/* SPDX-License-Identifier: Apache-2.0 */
/* sigstore.c - checking signatures with public keys; the header is the manual */
#include "config.h"

#include "storage/image/sigstore.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"

int sigstore_base64(const char *text, struct buf *ret)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = strlen(text), body = strspn(text, digits);
	auto_free unsigned char *out = NULL;
	int len;

	if (n == 0 || n % 4 != 0 || n > SIGSTORE_PAYLOAD_MAX * 2 || n - body > 2 ||
	    strspn(text + body, "=") != n - body)
		return -EINVAL;
	out = malloc(n / 4 * 3 + 1);
	if (!out)
		return -ENOMEM;
	len = EVP_DecodeBlock(out, (const unsigned char *)text, (int)n); /* counts the padding */
	if (len < (int)(n - body))
		return -EINVAL;
	return buf_add(ret, out, (size_t)len - (n - body));
}

/* --- keys --- */

static int add_file(const char *path, struct strv *ret, struct rl_err *err)
{
	auto_buf struct buf text = { 0 };

	if (path[0] != '/')
		return rl_fail(err, EINVAL, "the path of a key, '%.200s', is not absolute", path);
	if (io_read_named(path, SIGSTORE_KEY_MAX, &text, err) < 0)
		return rl_wrap(err, "public key");
	return strv_add(ret, text.data ? text.data : "") < 0 ? rl_oom(err) : 0;
}

static int add_data(const char *base64, struct strv *ret, struct rl_err *err)
{
	auto_buf struct buf pem = { 0 };

	if (sigstore_base64(base64, &pem) < 0)
		return rl_fail(err, EINVAL, "a keyData of the policy is not base64");
	return strv_add(ret, pem.data) < 0 ? rl_oom(err) : 0;
}

static int add_each(json_t *list, int (*add)(const char *, struct strv *, struct rl_err *),
		    struct strv *ret, struct rl_err *err)
{
	json_t *v;
	size_t i;

	json_array_foreach (list, i, v)
		if (add(json_string_value(v), ret, err) < 0)
			return -err->code;
	return 0;
}

int sigstore_read_keys(json_t *q, struct strv *ret, struct rl_err *err)
{
	const char *path = json_string_value(json_object_get(q, "keyPath"));
	const char *data = json_string_value(json_object_get(q, "keyData"));

	if ((path && add_file(path, ret, err) < 0) || (data && add_data(data, ret, err) < 0) ||
	    add_each(json_object_get(q, "keyPaths"), add_file, ret, err) < 0 ||
	    add_each(json_object_get(q, "keyDatas"), add_data, ret, err) < 0)
		return -err->code;
	return ret->n > 0 ? 0 : rl_fail(err, EINVAL, "the policy names no public key");
}

static EVP_PKEY *read_key(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;

	(void)BIO_free(bio);
	return key;
}

/* --- signatures --- */

/* 1 = good, 0 = not, -EINVAL = no key */
static int verify_one(const char *pem, const char *payload, size_t len, const struct buf *sig)
{
	EVP_PKEY *key = read_key(pem);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int r = -EINVAL;

	if (key && ctx) {
		const EVP_MD *md =
			EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();

		r = EVP_DigestVerifyInit(ctx, NULL, md, NULL, key) == 1 &&
		    EVP_DigestVerify(ctx, (const unsigned char *)sig->data, sig->len,
				     (const unsigned char *)payload, len) == 1;
	}
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return r;
}

/* A member that is not known may change what the others mean. */
static int only(json_t *o, size_t n, const char *what, const char *name, struct rl_err *err)
{
	if (json_object_size(o) == n)
		return 0;
	return rl_fail(err, EBADMSG, "%s: unknown members in '%s'", what, name);
}

int sigstore_read_payload(const char *payload, size_t len, const char *want,
			  struct sigstore_claim *ret, struct rl_err *err)
{
	static const char what[] = "payload of the signature";
	json_auto_t *j = NULL;
	json_t *critical, *identity, *image;
	const char *type, *name, *digest;

	if (json_read(payload, len, SIGSTORE_PAYLOAD_MAX, what, &j, err) < 0 ||
	    json_get_obj(j, "critical", what, &critical, err) < 0 ||
	    json_get_str(critical, "type", what, &type, err) < 0 ||
	    json_get_obj(critical, "identity", what, &identity, err) < 0 ||
	    json_get_str(identity, "docker-reference", what, &name, err) < 0 ||
	    json_get_obj(critical, "image", what, &image, err) < 0 ||
	    json_get_str(image, "docker-manifest-digest", what, &digest, err) < 0)
		return -err->code;
	if (!type || strcmp(type, want) != 0)
		return rl_fail(err, EBADMSG, "%s: unknown type '%.60s'", what, type ? type : "");
	if (!name || !*name || strlen(name) >= sizeof(ret->name))
		return rl_fail(err, EBADMSG, "%s: no usable docker-reference", what);
	if (digest_parse(digest ? digest : "", digest ? strlen(digest) : 0, what, &ret->digest,
			 err) < 0 ||
	    only(critical, 3, what, "critical", err) < 0 ||
	    only(identity, 1, what, "identity", err) < 0 || only(image, 1, what, "image", err) < 0)
		return -err->code;
	memcpy(ret->name, name, strlen(name) + 1);
	return 0;
}

int sigstore_verify(const struct strv *keys, const char *payload, size_t len, const char *signature,
		    struct sigstore_claim *ret, struct rl_err *err)
{
	struct sigstore_claim claim = { 0 };
	auto_buf struct buf sig = { 0 };
	int good = 0;

	if (strlen(signature) > SIGSTORE_SIG_MAX || sigstore_base64(signature, &sig) < 0)
		return rl_fail(err, EACCES, "the signature is not base64");
	for (size_t i = 0; i < keys->n && good == 0; i++)
		good = verify_one(keys->v[i], payload, len, &sig);
	if (good < 0)
		return rl_fail(err, EINVAL, "a public key of the policy is no PEM public key");
	if (!good)
		return rl_fail(err, EACCES, "the signature was not made with %s",
			       keys->n == 1 ? "this key" : "any of these keys");
	if (sigstore_read_payload(payload, len, SIGSTORE_CLAIM, &claim, err) < 0)
		return -err->code;
	*ret = claim;
	return 0;
}
