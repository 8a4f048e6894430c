/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compress.c - gzip by zlib, zstd, on all processors; the header is the manual
 *
 * Theory of operation: the input is cut into segments of a fixed length, so that the result does not
 * depend on the machine. Children take turns: child i packs segments i, i + n, ... and hands each over
 * through a pipe, at most one ahead; they are put together here in order. A gzip is one
 * member, whose deflate blocks of a segment refer to nothing before it (RFC 1951) and end at a
 * byte (a sync flush, RFC 1950 terms of zlib.h); a zstd is one frame a segment (RFC 8878 3.1).
 */
#include "config.h"

#include "storage/image/compress.h"

#include <errno.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/image/calls.h"
#include "storage/image/child.h"
#include "storage/image/hash.h"

#define SEGMENT      (4U << 20)
#define CHILDREN_MAX 16
#define MEMORY_MAX   ((size_t)1 << 30) /* the highest levels of zstd take much */
#define WHAT         "the process that packs a layer"

/* What a child sends ahead of the bytes of each segment */
struct piece {
	uint64_t len;
	uint32_t crc; /* of the plain bytes; gzip */
	uint32_t failed;
};

struct packer {
	int in, out, cancel_fd;
	enum compress_kind kind;
	int level;
	int64_t start, size; /* of @in */
	uint64_t segments;
	unsigned n;
	struct child v[CHILDREN_MAX];
	EVP_MD_CTX *md;
	int64_t written;
	unsigned char block[256U << 10];
};

/* --- a segment, in a child --------------------------------------------------------------- */

static size_t segment_len(const struct packer *p, uint64_t k)
{
	int64_t left = p->size - (int64_t)(k * SEGMENT);

	return left < (int64_t)SEGMENT ? (size_t)left : SEGMENT;
}

/* Bytes in @to, or 0. */
static size_t deflate_segment(const struct packer *p, void *from, size_t n, bool last,
			      unsigned char *to, size_t room)
{
	z_stream z = { .next_in = from,
		       .avail_in = (unsigned)n,
		       .next_out = to,
		       .avail_out = (unsigned)room };
	int want = last ? Z_STREAM_END : Z_OK;
	bool good;

	if (deflateInit2(&z, p->level < 0 ? Z_DEFAULT_COMPRESSION : p->level, Z_DEFLATED, -15, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return 0;
	good = deflate(&z, last ? Z_FINISH : Z_SYNC_FLUSH) == want && z.avail_in == 0;
	(void)deflateEnd(&z);
	return good ? room - z.avail_out : 0;
}

#ifdef HAVE_ZSTD
static size_t room_for_segment(void)
{
	return ZSTD_compressBound(SEGMENT) + 4096;
}

static size_t zstd_segment(const struct packer *p, const void *from, size_t n, void *to,
			   size_t room)
{
	size_t len =
		ZSTD_compress(to, room, from, n, p->level < 0 ? ZSTD_CLEVEL_DEFAULT : p->level);

	return ZSTD_isError(len) ? 0 : len;
}
#else
static size_t room_for_segment(void)
{
	return SEGMENT + SEGMENT / 100 + 4096;
}

static size_t zstd_segment(const struct packer *p, const void *from, size_t n, void *to,
			   size_t room)
{
	(void)p;
	(void)from;
	(void)n;
	(void)to;
	(void)room;
	return 0;
}
#endif

static bool read_segment(const struct packer *p, uint64_t k, unsigned char *to, size_t n)
{
	int64_t at = p->start + (int64_t)(k * SEGMENT);

	for (size_t got = 0; got < n;) {
		ssize_t r = pread(p->in, to + got, n - got, at + (int64_t)got);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		got += (size_t)r;
	}
	return true;
}

static _Noreturn void work(const struct packer *p, unsigned i, int answer)
{
	const int fds[] = { p->in, answer };
	const struct sandbox c = { .calls = { calls_base },
				   .other = CALLS_OTHER,
				   .memory = MEMORY_MAX,
				   .files = CALLS_FILES,
				   .fds = fds,
				   .n_fds = ARRAY_LEN(fds) };
	size_t room = room_for_segment();
	unsigned char *from = malloc(SEGMENT), *to = malloc(room);
	struct rl_err ignored;
	bool good = from && to && sandbox_enter(&c, &ignored) == 0;

	for (uint64_t k = i; k < p->segments; k += p->n) {
		size_t n = segment_len(p, k);
		struct piece head = { 0 };

		good = good && read_segment(p, k, from, n);
		if (good && p->kind == COMPRESS_GZIP) {
			head.crc = (uint32_t)crc32(0, from, (unsigned)n);
			head.len = deflate_segment(p, from, n, k + 1 == p->segments, to, room);
		} else if (good) {
			head.len = zstd_segment(p, from, n, to, room);
		}
		head.failed = head.len == 0;
		if (io_write_all(answer, &head, sizeof(head)) < 0 || head.failed ||
		    io_write_all(answer, to, head.len) < 0)
			_exit(1);
	}
	_exit(0);
}

/* --- putting them together --------------------------------------------------------------- */

static int emit(struct packer *p, const void *data, size_t n, struct rl_err *err)
{
	int r = io_write_all(p->out, data, n);

	if (r < 0)
		return rl_fail_sys(err, -r, "write the packed layer");
	if (EVP_DigestUpdate(p->md, data, n) != 1)
		return rl_fail(err, EIO, "SHA-256 failed");
	p->written += (int64_t)n;
	return 0;
}

/* All @n bytes from a child; a signal ends the wait. */
static int receive(const struct packer *p, int fd, void *to, size_t n, struct rl_err *err)
{
	for (size_t got = 0; got < n;) {
		struct pollfd v[2] = { { .fd = p->cancel_fd, .events = POLLIN },
				       { .fd = fd, .events = POLLIN } };
		ssize_t r;

		if (poll(v, 2, -1) < 0 && errno != EINTR)
			return rl_fail_sys(err, errno, "wait for " WHAT);
		if (v[0].revents)
			return rl_fail(err, EINTR, "interrupted");
		if (!v[1].revents)
			continue;
		r = read(fd, (char *)to + got, n - got);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return rl_fail(err, EIO, WHAT " ended early");
		got += (size_t)r;
	}
	return 0;
}

static int take_segment(struct packer *p, uint64_t k, uint32_t *crc, struct rl_err *err)
{
	const int fd = p->v[k % p->n].result_fd;
	struct piece head;
	int r = receive(p, fd, &head, sizeof(head), err);

	if (r == 0 && (head.failed || head.len > room_for_segment()))
		r = rl_fail(err, EIO, "a layer cannot be read or packed");
	while (r == 0 && head.len > 0) {
		size_t n = head.len < sizeof(p->block) ? (size_t)head.len : sizeof(p->block);

		r = receive(p, fd, p->block, n, err);
		if (r == 0)
			r = emit(p, p->block, n, err);
		head.len -= n;
	}
	*crc = (uint32_t)crc32_combine(*crc, head.crc, (z_off_t)segment_len(p, k));
	return r;
}

static void put_le32(unsigned char *to, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (unsigned char)(v >> (8 * i));
}

static int put_together(struct packer *p, struct rl_err *err)
{
	/* deflate; neither name nor time; Unix */
	static const unsigned char head[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };
	unsigned char tail[8];
	uint32_t crc = 0;
	int r = p->kind == COMPRESS_GZIP ? emit(p, head, sizeof(head), err) : 0;

	for (uint64_t k = 0; r == 0 && k < p->segments; k++)
		r = take_segment(p, k, &crc, err);
	put_le32(tail, crc);
	put_le32(tail + 4, (uint32_t)p->size);
	return r == 0 && p->kind == COMPRESS_GZIP ? emit(p, tail, sizeof(tail), err) : r;
}

static int start(struct packer *p, struct rl_err *err)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct stat st;
	int r = 0;

	p->start = lseek(p->in, 0, SEEK_CUR);
	if (p->start < 0 || fstat(p->in, &st) < 0)
		return rl_fail_sys(err, errno, "read a layer");
	p->size = st.st_size > p->start ? st.st_size - p->start : 0;
	p->segments = p->size == 0 ? 1 : ((uint64_t)p->size + SEGMENT - 1) / SEGMENT;
	p->n = cpus < 1 ? 1 : cpus > CHILDREN_MAX ? CHILDREN_MAX : (unsigned)cpus;
	if (p->n > p->segments)
		p->n = (unsigned)p->segments;
	for (unsigned i = 0; r >= 0 && i < p->n; i++) {
		int answer;

		r = child_fork(WHAT, &p->v[i], &answer, err);
		if (r == 0)
			work(p, i, answer);
	}
	return r < 0 ? r : 0;
}

static int check_level(const struct packer *p, struct rl_err *err)
{
#ifndef HAVE_ZSTD
	if (p->kind == COMPRESS_ZSTD)
		return rl_fail(err, ENOTSUP, "this rl was built without zstd");
#endif
	if (p->level > (p->kind == COMPRESS_GZIP ? 9 : 22))
		return rl_fail(err, EINVAL, "%s knows no level %d",
			       p->kind == COMPRESS_GZIP ? "gzip" : "zstd", p->level);
	return 0;
}

int compress_fd(int in, int out, enum compress_kind kind, int level, int cancel_fd,
		struct digest *ret, int64_t *ret_size, struct rl_err *err)
{
	auto_free struct packer *p = calloc(1, sizeof(*p));
	unsigned char md[EVP_MAX_MD_SIZE];
	int r;

	if (!p)
		return rl_oom(err);
	p->in = in;
	p->out = out;
	p->kind = kind;
	p->level = level;
	p->cancel_fd = cancel_fd;
	p->md = EVP_MD_CTX_new();
	r = p->md && EVP_DigestInit_ex(p->md, EVP_sha256(), NULL) == 1 ? check_level(p, err)
								       : rl_oom(err);
	if (r == 0)
		r = start(p, err);
	if (r == 0)
		r = put_together(p, err);
	for (unsigned i = 0; i < p->n; i++)
		child_kill(&p->v[i]);
	if (r == 0 && EVP_DigestFinal_ex(p->md, md, NULL) != 1)
		r = rl_fail(err, EIO, "SHA-256 failed");
	EVP_MD_CTX_free(p->md);
	if (r < 0)
		return r;
	hash_print(md, ret);
	*ret_size = p->written;
	return 0;
}
