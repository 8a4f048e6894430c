/* SPDX-License-Identifier: Apache-2.0 */
/* compress.c - gzip by zlib, zstd; the header is the manual */
#include "config.h"

#include "storage/image/compress.h"

#include <errno.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/image/hash.h"

#define BLOCK (256U << 10)

struct packer {
	int out;
	EVP_MD_CTX *md;
	int64_t size;
	unsigned char from[BLOCK], to[BLOCK];
};

static int emit(struct packer *p, size_t n, struct rl_err *err)
{
	int r = io_write_all(p->out, p->to, n);

	if (r < 0)
		return rl_fail_sys(err, -r, "write the packed layer");
	if (EVP_DigestUpdate(p->md, p->to, n) != 1)
		return rl_fail(err, EIO, "SHA-256 failed");
	p->size += (int64_t)n;
	return 0;
}

/* The next block; less than BLOCK at the end. */
static ssize_t fill(struct packer *p, int in, int cancel_fd, struct rl_err *err)
{
	struct pollfd stop = { .fd = cancel_fd, .events = POLLIN };
	ssize_t n;

	if (poll(&stop, 1, 0) > 0)
		return rl_fail(err, EINTR, "interrupted");
	n = io_read_full(in, p->from, BLOCK);
	return n < 0 ? rl_fail_sys(err, (int)-n, "read a layer") : n;
}

static int gzip(struct packer *p, int in, int level, int cancel_fd, struct rl_err *err)
{
	z_stream z = { 0 };
	ssize_t n;
	int r = 0;

	/* 15 + 16: with a gzip header, which holds neither name nor time */
	if (deflateInit2(&z, level < 0 ? Z_DEFAULT_COMPRESSION : level, Z_DEFLATED, 15 + 16, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return rl_fail(err, EINVAL, "gzip knows no level %d", level);
	do {
		n = fill(p, in, cancel_fd, err);
		z.next_in = p->from;
		z.avail_in = n < 0 ? 0 : (unsigned)n;
		for (bool more = true; n >= 0 && r == 0 && more;) {
			z.next_out = p->to;
			z.avail_out = BLOCK;
			(void)deflate(&z, n < BLOCK ? Z_FINISH : Z_NO_FLUSH); /* has room */
			more = z.avail_out == 0;
			r = emit(p, BLOCK - z.avail_out, err);
		}
	} while (r == 0 && n == BLOCK);
	(void)deflateEnd(&z);
	return n < 0 ? (int)n : r;
}

#ifdef HAVE_ZSTD
static int zstd(struct packer *p, int in, int level, int cancel_fd, struct rl_err *err)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	ssize_t n = 0;
	int r = c ? 0 : rl_oom(err);

	if (r == 0 && ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel,
							  level < 0 ? ZSTD_CLEVEL_DEFAULT : level)))
		r = rl_fail(err, EINVAL, "zstd knows no level %d", level);
	for (n = BLOCK; r == 0 && n == BLOCK;) {
		ZSTD_inBuffer from = { .src = p->from };
		size_t left = 1;

		n = fill(p, in, cancel_fd, err);
		from.size = n < 0 ? 0 : (size_t)n;
		while (n >= 0 && r == 0 && (n < BLOCK ? left > 0 : from.pos < from.size)) {
			ZSTD_outBuffer to = { .dst = p->to, .size = BLOCK };

			left = ZSTD_compressStream2(c, &to, &from,
						    n < BLOCK ? ZSTD_e_end : ZSTD_e_continue);
			r = ZSTD_isError(left)
				    ? rl_fail(err, EIO, "zstd: %s", ZSTD_getErrorName(left))
				    : emit(p, to.pos, err);
		}
	}
	(void)ZSTD_freeCCtx(c);
	return n < 0 ? (int)n : r;
}
#else
static int zstd(struct packer *p, int in, int level, int cancel_fd, struct rl_err *err)
{
	(void)p;
	(void)in;
	(void)level;
	(void)cancel_fd;
	return rl_fail(err, ENOTSUP, "this rl was built without zstd");
}
#endif

int compress_fd(int in, int out, enum compress_kind kind, int level, int cancel_fd,
		struct digest *ret, int64_t *ret_size, struct rl_err *err)
{
	auto_free struct packer *p = calloc(1, sizeof(*p));
	unsigned char md[EVP_MAX_MD_SIZE];
	int r;

	if (!p)
		return rl_oom(err);
	p->out = out;
	p->md = EVP_MD_CTX_new();
	if (!p->md || EVP_DigestInit_ex(p->md, EVP_sha256(), NULL) != 1)
		r = rl_oom(err);
	else if (kind == COMPRESS_GZIP)
		r = gzip(p, in, level, cancel_fd, err);
	else
		r = zstd(p, in, level, cancel_fd, err);
	if (r == 0 && EVP_DigestFinal_ex(p->md, md, NULL) != 1)
		r = rl_fail(err, EIO, "SHA-256 failed");
	EVP_MD_CTX_free(p->md);
	if (r < 0)
		return r;
	hash_print(md, ret);
	*ret_size = p->size;
	return 0;
}
