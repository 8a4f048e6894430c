/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_inflate.c - any bytes: no crash, never more than the limit, the same result again, and
 * what is no known format comes out as it went in
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/image/inflate.h"

#define MAX (4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Total bytes, or -errno; a running sum of the content in @ret_sum. */
static int64_t drain(int fd, const uint8_t *same, uint64_t *ret_sum)
{
	struct inflate *in = NULL;
	struct rl_err err = { 0 };
	const void *p;
	ssize_t n;
	int64_t total = 0;

	assert(lseek(fd, 0, SEEK_SET) == 0);
	if (inflate_open(fd, MAX, &in, &err) < 0)
		return -ENOMEM;
	while ((n = inflate_read(in, &p, &err)) > 0) {
		assert(n <= INFLATE_BLOCK);
		for (ssize_t i = 0; i < n; i++)
			*ret_sum = *ret_sum * 31 + ((const uint8_t *)p)[i];
		if (same)
			assert(memcmp(same + total, p, (size_t)n) == 0);
		total += n;
		assert(total <= MAX && total == inflate_total(in));
	}
	inflate_free(in);
	assert(n == 0 || (err.code > 0 && err.msg[0]));
	return n < 0 ? n : total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_fd int fd = memfd_create("stream", MFD_CLOEXEC);
	uint64_t a = 0, b = 0;
	int64_t r;

	if (size > 1 << 20 || fd < 0 || io_write_all(fd, data, size) < 0)
		return 0;
	r = drain(fd, NULL, &a);
	assert(drain(fd, NULL, &b) == r && a == b);
	if (r == (int64_t)size && size > 0 && data[0] == 'p')
		assert(drain(fd, data, &b) == r);
	return 0;
}
