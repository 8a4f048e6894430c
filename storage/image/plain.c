/* SPDX-License-Identifier: Apache-2.0 */
/* plain.c - layers unpacked to their tar; the header is the manual */
#include "config.h"

#include "storage/image/plain.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/blob.h"
#include "storage/image/calls.h"
#include "storage/image/child.h"
#include "storage/image/inflate.h"

#define WHAT "the process that unpacks a layer"

/* In the child: @in unpacked to @out. */
static _Noreturn void unpack(int in, int out, int answer)
{
	const int fds[] = { in, out, answer };
	const struct sandbox s = { .calls = { calls_base },
				   .other = CALLS_OTHER,
				   .memory = 512U << 20,
				   .files = CALLS_FILES,
				   .fds = fds,
				   .n_fds = ARRAY_LEN(fds) };
	struct inflate *z = NULL;
	struct rl_err err = { 0 };
	const void *p;
	ssize_t n = 0;

	if (sandbox_enter(&s, &err) < 0 || inflate_open(in, INT64_MAX, &z, &err) < 0)
		child_answer(answer, &err, NULL, 0);
	while ((n = inflate_read(z, &p, &err)) > 0) {
		int r = io_write_all(out, p, (size_t)n);

		if (r < 0) {
			rl_fail_sys(&err, -r, "unpack a layer");
			child_answer(answer, &err, NULL, 0);
		}
	}
	child_answer(answer, n < 0 ? &err : NULL, NULL, 0);
}

/* A nameless file with what @packed holds. */
static int unpacked(const struct rl *rl, int packed, int64_t *ret_size, struct rl_err *err)
{
	auto_fd int out = blob_new(rl);
	struct child c = { 0 };
	struct buf nothing = { 0 };
	struct stat st;
	int answer, r;

	if (out < 0)
		return rl_fail_sys(err, -out, "unpack a layer");
	r = child_fork(WHAT, &c, &answer, err);
	if (r == 0)
		unpack(packed, out, answer);
	r = r < 0 ? r : child_result(&c, WHAT, 0, &nothing, err);
	buf_done(&nothing);
	if (r < 0)
		return r;
	if (fstat(out, &st) < 0 || lseek(out, 0, SEEK_SET) < 0)
		return rl_fail_sys(err, errno, "unpack a layer");
	*ret_size = st.st_size;
	return TAKE_FD(out);
}

int plain_missing(const char *digest, struct rl_err *err)
{
	rl_fail(err, ENOENT, "the packed form of layer %.19s is not in the store", digest);
	return rl_hint(err, "images of older versions and of stores without O_TMPFILE have none: "
			    "remove the image and pull it again");
}

int plain_open(const struct rl *rl, const char *diff_id, const char *packed, int64_t *ret_size,
	       struct rl_err *err)
{
	auto_fd int in = FD_NONE;
	int fd = blob_open(rl, diff_id, ret_size, err);

	if (fd >= 0)
		return fd;
	in = blob_open(rl, packed, ret_size, err);
	return in < 0 ? plain_missing(packed, err) : unpacked(rl, in, ret_size, err);
}
