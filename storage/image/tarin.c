/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarin.c - libarchive as a strict tar reader; the header is the manual
 *
 * Source: archive_read(3), archive_read_open(3), archive_read_data(3), archive_entry(3).
 */
#include "config.h"

#include "storage/image/tarin.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/io.h"
#include "core/base/log.h"
#include "storage/image/inflate.h"

struct tarin {
	struct inflate *in;
	struct archive *a;
	EVP_MD_CTX *md;
	struct rl_err err; /* of the stream, met inside libarchive */
	bool open, empty;
};

/* The next block, hashed. As inflate_read(). */
static ssize_t feed(struct tarin *t, const void **ret, struct rl_err *err)
{
	ssize_t n = inflate_read(t->in, ret, err);

	if (n > 0 && EVP_DigestUpdate(t->md, *ret, (size_t)n) != 1)
		return rl_fail(err, EIO, "SHA-256 does not work");
	return n;
}

static la_ssize_t on_read(struct archive *a, void *arg, const void **ret)
{
	struct tarin *t = arg;
	ssize_t n = feed(t, ret, &t->err);

	if (n < 0)
		archive_set_error(a, t->err.code, "%s", "stream");
	else if (n == 0 && inflate_total(t->in) == 0)
		t->empty = true;
	return n < 0 ? -1 : n;
}

/* The stream's own error if there is one: libarchive's words for it say less. */
static int fail(struct tarin *t, struct rl_err *err)
{
	const char *s = archive_error_string(t->a);

	if (t->err.code) {
		*err = t->err;
		return -err->code;
	}
	if (archive_errno(t->a) == ENOMEM)
		return rl_oom(err);
	return rl_fail(err, EBADMSG, "not a sound tar archive: %.200s", s ? s : "unknown damage");
}

int tarin_open(int fd, int64_t max_bytes, struct tarin **ret, struct rl_err *err)
{
	struct tarin *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return rl_oom(err);
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		log_debug("no locale C.UTF-8; names pass as raw bytes");
	r = inflate_open(fd, max_bytes, &t->in, err);
	if (r < 0)
		goto fail;
	t->md = EVP_MD_CTX_new();
	t->a = archive_read_new();
	if (!t->md || !t->a || EVP_DigestInit_ex(t->md, EVP_sha256(), NULL) != 1 ||
	    archive_read_support_format_tar(t->a) != ARCHIVE_OK) {
		r = rl_oom(err);
		goto fail;
	}
	*ret = t;
	return 0;
fail:
	tarin_free(t);
	return r;
}

void tarin_free(struct tarin *t)
{
	if (!t)
		return;
	if (t->a)
		(void)archive_read_free(t->a); /* nothing to lose when reading */
	EVP_MD_CTX_free(t->md);
	inflate_free(t->in);
	free(t);
}

int tarin_next(struct tarin *t, struct archive_entry **ret, struct rl_err *err)
{
	int r;

	if (!t->open && archive_read_open(t->a, t, NULL, on_read, NULL) != ARCHIVE_OK)
		return t->empty && !t->err.code ? 0 : fail(t, err);
	t->open = true;
	r = archive_read_next_header(t->a, ret);
	if (r == ARCHIVE_EOF)
		return 0;
	if (r != ARCHIVE_OK && t->empty && !t->err.code)
		return 0; /* no byte at all is an empty archive, as for tar(1) */
	/* names that are not UTF-8 are a warning, and the raw bytes are kept: what we want */
	if (r == ARCHIVE_OK || (r == ARCHIVE_WARN && archive_errno(t->a) == EILSEQ))
		return 1;
	return fail(t, err);
}

int tarin_data(struct tarin *t, const void **ret, size_t *ret_len, int64_t *ret_off,
	       struct rl_err *err)
{
	la_int64_t off;
	int r = archive_read_data_block(t->a, ret, ret_len, &off);

	if (r == ARCHIVE_EOF)
		return 0;
	if (r != ARCHIVE_OK)
		return fail(t, err);
	*ret_off = off;
	return 1;
}

static int write_block(int fd, int64_t at, int64_t off, const void *p, size_t n, struct rl_err *err)
{
	int r;

	/* sparse: the gap stays a hole */
	if (off != at && lseek(fd, off, SEEK_SET) < 0)
		return rl_fail_sys(err, errno, "seek to %lld", (long long)off);
	r = io_write_all(fd, p, n);
	return r < 0 ? rl_fail_sys(err, -r, "write") : 0;
}

static bool is_zero(const char *p, size_t n)
{
	return n == 0 || (*p == 0 && memcmp(p, p + 1, n - 1) == 0);
}

int tarin_write(struct tarin *t, int fd, int64_t size, int64_t *ret_written, struct rl_err *err)
{
	int64_t at = 0, off = 0;
	const void *p;
	size_t n;
	int r;

	*ret_written = 0;
	while ((r = tarin_data(t, &p, &n, &off, err)) > 0) {
		int64_t end;

		if (off < at || __builtin_add_overflow(off, (int64_t)n, &end) || end > size)
			return rl_fail(err, EBADMSG, "its data goes beyond its size");
		*ret_written += (int64_t)n;
		if (is_zero(p, n)) /* becomes a hole, as it may have been one where it came from */
			continue;
		if (write_block(fd, at, off, p, n, err) < 0)
			return -err->code;
		at = end;
	}
	if (r < 0)
		return r;
	if (at != size && ftruncate(fd, size) < 0) /* a hole at the end */
		return rl_fail_sys(err, errno, "set its size to %lld", (long long)size);
	return 0;
}

/* 1 or 0; a file that cannot be read is another one */
static int same_block(int fd, const char *p, size_t n, int64_t off)
{
	char chunk[65536];

	while (n > 0) {
		ssize_t got = pread(fd, chunk, n < sizeof(chunk) ? n : sizeof(chunk), off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || memcmp(chunk, p, (size_t)got) != 0)
			return 0;
		p += got;
		n -= (size_t)got;
		off += got;
	}
	return 1;
}

int tarin_same(struct tarin *t, int fd, int64_t size, struct rl_err *err)
{
	int64_t at = 0, off = 0;
	const void *p;
	size_t n;
	int r;

	while ((r = tarin_data(t, &p, &n, &off, err)) > 0) {
		if (off != at || (int64_t)n > size - at || !same_block(fd, p, n, off))
			return 0;
		at += (int64_t)n;
	}
	return r < 0 ? r : at == size;
}

int tarin_end(struct tarin *t, char ret_digest[TARIN_DIGEST_SIZE], int64_t *ret_bytes,
	      struct rl_err *err)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	const void *block;
	unsigned len = 0;
	ssize_t n;

	while ((n = feed(t, &block, err)) > 0)
		;
	if (n < 0)
		return (int)n;
	if (EVP_DigestFinal_ex(t->md, md, &len) != 1 || len != 32)
		return rl_fail(err, EIO, "SHA-256 does not work");
	memcpy(ret_digest, "sha256:", 7);
	for (unsigned i = 0; i < len; i++)
		(void)snprintf(ret_digest + 7 + 2 * i, 3, "%02x", md[i]);
	*ret_bytes = inflate_total(t->in);
	return 0;
}
