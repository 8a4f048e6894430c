/* SPDX-License-Identifier: Apache-2.0 */
/* hash.c - SHA-256; the header is the manual */
#include "config.h"

#include "storage/image/hash.h"

#include <errno.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"

void hash_print(const unsigned char md[32], struct digest *ret)
{
	static const char digits[] = "0123456789abcdef";
	char *p = ret->text + strlen(DIGEST_PREFIX);

	memcpy(ret->text, DIGEST_PREFIX, strlen(DIGEST_PREFIX));
	for (size_t i = 0; i < 32; i++) {
		*p++ = digits[md[i] >> 4];
		*p++ = digits[md[i] & 15];
	}
	*p = '\0';
}

int hash_bytes(const void *p, size_t n, struct digest *ret, struct rl_err *err)
{
	unsigned char md[EVP_MAX_MD_SIZE];

	if (EVP_Digest(p, n, md, NULL, EVP_sha256(), NULL) != 1)
		return rl_fail(err, EIO, "SHA-256 failed");
	hash_print(md, ret);
	return 0;
}

static bool is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return fd >= 0 && poll(&p, 1, 0) > 0;
}

static int hash_all(int fd, int cancel_fd, EVP_MD_CTX *ctx, void *block, size_t room, int64_t *size,
		    struct rl_err *err)
{
	ssize_t n;

	while ((n = io_read_full(fd, block, room)) > 0) {
		if (EVP_DigestUpdate(ctx, block, (size_t)n) != 1)
			return rl_fail(err, EIO, "SHA-256 failed");
		*size += n;
		if (is_readable(cancel_fd))
			return rl_fail(err, EINTR, "interrupted");
	}
	return n < 0 ? rl_fail_sys(err, (int)-n, "read") : 0;
}

int hash_fd(int fd, int cancel_fd, struct digest *ret, int64_t *ret_size, struct rl_err *err)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	auto_free void *block = malloc(1 << 18);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int64_t size = 0;
	int r;

	if (!block || !ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		r = rl_oom(err);
	else
		r = hash_all(fd, cancel_fd, ctx, block, 1 << 18, &size, err);
	if (r == 0 && EVP_DigestFinal_ex(ctx, md, NULL) != 1)
		r = rl_fail(err, EIO, "SHA-256 failed");
	EVP_MD_CTX_free(ctx);
	if (r < 0)
		return r;
	hash_print(md, ret);
	if (ret_size)
		*ret_size = size;
	return 0;
}
