/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inflate.c - gzip, zstd and plain streams; the header is the manual
 *
 * Sources: RFC 1952 (gzip), RFC 8878 (zstd, skippable frames 3.1.2), isa-l igzip_lib.h, zlib.h.
 */
#include "config.h"

#include "storage/image/inflate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_ISAL
#include <isa-l/igzip_lib.h>
#else
#include <zlib.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include "core/base/cleanup.h"
#include "core/base/io.h"

#define IN_SIZE (256 * 1024)

enum kind { KIND_UNKNOWN, KIND_PLAIN, KIND_GZIP, KIND_ZSTD };

struct inflate {
	int fd;
	enum kind kind;
	bool eof;       /* @fd has no more bytes */
	bool in_stream; /* inside a gzip member or zstd frame */
	bool fresh;     /* the decoder is ready for a new member */
	int64_t max, total;
	uint8_t *in, *out;
	size_t in_pos, in_len;
#ifdef HAVE_ISAL
	struct inflate_state gz;
#else
	z_stream gz;
#endif
#ifdef HAVE_ZSTD
	ZSTD_DStream *zstd;
#endif
};

static int gzip_init(struct inflate *in)
{
#ifdef HAVE_ISAL
	isal_inflate_init(&in->gz);
	in->gz.crc_flag = ISAL_GZIP;
	return 0;
#else
	return inflateInit2(&in->gz, 15 + 16) == Z_OK ? 0 : -ENOMEM; /* +16: gzip wrapper only */
#endif
}

int inflate_open(int fd, int64_t max, struct inflate **ret, struct rl_err *err)
{
	struct inflate *in = calloc(1, sizeof(*in));

	if (!in)
		return rl_oom(err);
	in->fd = fd;
	in->max = max;
	in->fresh = true;
	in->in = malloc(IN_SIZE);
	in->out = malloc(INFLATE_BLOCK);
	if (!in->in || !in->out || gzip_init(in) < 0)
		goto oom;
#ifdef HAVE_ZSTD
	in->zstd = ZSTD_createDStream();
	if (!in->zstd ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(in->zstd, ZSTD_d_windowLogMax, INFLATE_WINDOW_LOG)))
		goto oom;
#endif
	*ret = in;
	return 0;
oom:
	inflate_free(in);
	return rl_oom(err);
}

void inflate_free(struct inflate *in)
{
	if (!in)
		return;
#ifndef HAVE_ISAL
	(void)inflateEnd(&in->gz);
#endif
#ifdef HAVE_ZSTD
	(void)ZSTD_freeDStream(in->zstd);
#endif
	free(in->in);
	free(in->out);
	free(in);
}

int64_t inflate_total(const struct inflate *in)
{
	return in->total;
}

/* Have at least one byte of input unless the end is reached. */
static int fill(struct inflate *in, struct rl_err *err)
{
	ssize_t n;

	if (in->in_pos < in->in_len || in->eof)
		return 0;
	do
		n = read(in->fd, in->in, IN_SIZE);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return rl_fail_sys(err, errno, "read the compressed stream");
	in->in_pos = 0;
	in->in_len = (size_t)n;
	in->eof = n == 0;
	return 0;
}

static bool starts_with(const struct inflate *in, const char *magic, size_t n)
{
	return in->in_len >= n && memcmp(in->in, magic, n) == 0;
}

static bool is_zstd(const struct inflate *in)
{
	if (starts_with(in, "\x28\xb5\x2f\xfd", 4))
		return true;
	return in->in_len >= 4 && (in->in[0] & 0xf0) == 0x50 &&
	       memcmp(in->in + 1, "\x2a\x4d\x18", 3) == 0; /* skippable frame */
}

static int detect(struct inflate *in, struct rl_err *err)
{
	ssize_t n = io_read_full(in->fd, in->in, IN_SIZE);

	if (n < 0)
		return rl_fail_sys(err, (int)-n, "read the compressed stream");
	in->in_len = (size_t)n;
	if (starts_with(in, "\x1f\x8b", 2)) {
		in->kind = KIND_GZIP;
	} else if (is_zstd(in)) {
#ifdef HAVE_ZSTD
		in->kind = KIND_ZSTD;
#else
		rl_fail(err, EOPNOTSUPP, "zstd compression is not supported by this build");
		return rl_hint(err, "build rl with the zstd library");
#endif
	} else if (starts_with(in,
			       "\xfd"
			       "7zXZ",
			       6)) {
		return rl_fail(err, EOPNOTSUPP, "xz compression is not supported");
	} else if (starts_with(in, "BZh", 3) && in->in_len > 10 &&
		   memcmp(in->in + 4, "\x31\x41\x59\x26\x53\x59", 6) == 0) {
		return rl_fail(err, EOPNOTSUPP, "bzip2 compression is not supported");
	} else {
		in->kind = KIND_PLAIN;
	}
	return 0;
}

/* One step of the gzip decoder; sets in_stream to false at the end of a member. */
static int gzip_step(struct inflate *in, size_t *ret_out, struct rl_err *err)
{
#ifdef HAVE_ISAL
	int r;

	if (!in->fresh && !in->in_stream) {
		isal_inflate_reset(&in->gz);
		in->gz.crc_flag = ISAL_GZIP;
	}
	in->gz.next_in = in->in + in->in_pos;
	in->gz.avail_in = (uint32_t)(in->in_len - in->in_pos);
	in->gz.next_out = in->out;
	in->gz.avail_out = INFLATE_BLOCK;
	r = isal_inflate(&in->gz);
	in->in_pos = in->in_len - in->gz.avail_in;
	*ret_out = INFLATE_BLOCK - in->gz.avail_out;
	in->in_stream = in->gz.block_state != ISAL_BLOCK_FINISH;
	if (r == ISAL_INCORRECT_CHECKSUM)
		return rl_fail(err, EBADMSG, "gzip checksum does not match");
	if (r < 0 || r == ISAL_NEED_DICT)
		return rl_fail(err, EBADMSG, "gzip stream is damaged");
#else
	int r;

	if (!in->fresh && !in->in_stream && inflateReset(&in->gz) != Z_OK)
		return rl_oom(err);
	in->gz.next_in = in->in + in->in_pos;
	in->gz.avail_in = (uInt)(in->in_len - in->in_pos);
	in->gz.next_out = in->out;
	in->gz.avail_out = INFLATE_BLOCK;
	r = inflate(&in->gz, Z_NO_FLUSH);
	in->in_pos = in->in_len - in->gz.avail_in;
	*ret_out = INFLATE_BLOCK - in->gz.avail_out;
	in->in_stream = r != Z_STREAM_END;
	if (r == Z_MEM_ERROR)
		return rl_oom(err);
	if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
		return rl_fail(err, EBADMSG, "gzip stream is damaged: %.100s",
			       in->gz.msg ? in->gz.msg : "?");
#endif
	in->fresh = false;
	return 0;
}

static int zstd_step(struct inflate *in, size_t *ret_out, struct rl_err *err)
{
#ifdef HAVE_ZSTD
	ZSTD_inBuffer src = { in->in, in->in_len, in->in_pos };
	ZSTD_outBuffer dst = { in->out, INFLATE_BLOCK, 0 };
	size_t r = ZSTD_decompressStream(in->zstd, &dst, &src);

	in->in_pos = src.pos;
	*ret_out = dst.pos;
	if (ZSTD_isError(r))
		return rl_fail(err, EBADMSG, "zstd stream is damaged: %s", ZSTD_getErrorName(r));
	in->in_stream = r != 0;
	return 0;
#else
	(void)in;
	(void)ret_out;
	return rl_fail(err, EOPNOTSUPP, "zstd compression is not supported by this build");
#endif
}

/* Is there a further member? At its start only: anything but a gzip magic is garbage. */
static int check_member(const struct inflate *in, struct rl_err *err)
{
	if (in->kind == KIND_GZIP && !in->in_stream && in->in[in->in_pos] != 0x1f)
		return rl_fail(err, EBADMSG, "garbage after the end of the gzip stream");
	return 0;
}

static ssize_t decode(struct inflate *in, struct rl_err *err)
{
	for (;;) {
		size_t out = 0, before;
		int r = fill(in, err);

		if (r < 0)
			return r;
		if (in->in_pos == in->in_len && !in->in_stream)
			return 0;
		if (in->in_pos < in->in_len && check_member(in, err) < 0)
			return -err->code;
		before = in->in_pos;
		r = in->kind == KIND_GZIP ? gzip_step(in, &out, err) : zstd_step(in, &out, err);
		if (r < 0)
			return r;
		if (out > 0)
			return (ssize_t)out;
		if (in->eof && in->in_stream)
			return rl_fail(err, EBADMSG, "compressed stream is cut short");
		if (in->in_pos == before && in->in_pos < in->in_len && in->in_stream)
			return rl_fail(err, EBADMSG, "compressed stream makes no progress");
	}
}

ssize_t inflate_read(struct inflate *in, const void **ret, struct rl_err *err)
{
	ssize_t n;

	if (in->kind == KIND_UNKNOWN && detect(in, err) < 0)
		return -err->code;
	if (in->kind == KIND_PLAIN) {
		if (fill(in, err) < 0)
			return -err->code;
		*ret = in->in + in->in_pos;
		n = (ssize_t)(in->in_len - in->in_pos);
		in->in_pos = in->in_len;
	} else {
		n = decode(in, err);
		*ret = in->out;
	}
	if (n <= 0)
		return n;
	in->total += n;
	if (in->total > in->max)
		return rl_fail(err, EFBIG, "larger than %lld bytes when uncompressed",
			       (long long)in->max);
	return n;
}
