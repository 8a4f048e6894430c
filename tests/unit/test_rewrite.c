/* SPDX-License-Identifier: Apache-2.0 */
/* test_rewrite.c - storage/image: manifests and layers that are handed on (rewrite.h, compress.h) */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/image/compress.h"
#include "storage/image/hash.h"
#include "storage/image/inflate.h"
#include "storage/image/rewrite.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* With odd spacing: bytes that are kept show it. */
static const char oci[] =
	"{\"schemaVersion\":2,  \"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
	"\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\","
	"\"digest\":\"sha256:" A64 "\",\"size\":7},"
	"\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\","
	"\"digest\":\"sha256:" B64 "\",\"size\":9}],\"annotations\":{\"k\":\"v\"}}";

static void setup(struct buf *text, struct manifest *m, struct descriptor *d)
{
	assert_int_equal(buf_str(text, oci), 0);
	*d = (struct descriptor){ .digest = { "sha256:" B64 },
				  .size = 9,
				  .media_type = "application/vnd.oci.image.layer.v1.tar+gzip" };
	*m = (struct manifest){ .layers = d, .n_layers = 1 };
}

static void test_what_is_not_touched_keeps_its_bytes(void **state)
{
	auto_buf struct buf text = { 0 };
	struct rl_err err = { 0 };
	struct manifest m;
	struct descriptor d;
	char type[128];

	(void)state;
	setup(&text, &m, &d);
	assert_int_equal(rewrite_manifest(&text, &m, REWRITE_AS_IS, type, &err), 0);
	assert_string_equal(text.data, oci);
	assert_string_equal(type, "application/vnd.oci.image.manifest.v1+json");
	assert_int_equal(rewrite_manifest(&text, &m, REWRITE_OCI, type, &err), 0);
	assert_string_equal(text.data, oci);
}

static void test_docker_and_back(void **state)
{
	auto_buf struct buf text = { 0 };
	struct rl_err err = { 0 };
	struct manifest m;
	struct descriptor d;
	char type[128];

	(void)state;
	setup(&text, &m, &d);
	assert_int_equal(rewrite_manifest(&text, &m, REWRITE_DOCKER, type, &err), 0);
	assert_string_equal(type, "application/vnd.docker.distribution.manifest.v2+json");
	assert_non_null(strstr(text.data, "vnd.docker.image.rootfs.diff.tar.gzip"));
	assert_non_null(strstr(text.data, "vnd.docker.container.image.v1+json"));
	assert_null(strstr(text.data, "vnd.oci"));
	assert_null(strstr(text.data, "annotations")); /* no place for them there */
	assert_int_equal(rewrite_manifest(&text, &m, REWRITE_OCI, type, &err), 0);
	assert_null(strstr(text.data, "vnd.docker"));
}

static void test_another_layer(void **state)
{
	auto_buf struct buf text = { 0 };
	struct rl_err err = { 0 };
	struct manifest m;
	struct descriptor d;
	char type[128];

	(void)state;
	setup(&text, &m, &d);
	d.size = 11;
	(void)snprintf(d.digest.text, sizeof(d.digest.text), "sha256:" A64);
	(void)snprintf(d.media_type, sizeof(d.media_type),
		       "application/vnd.oci.image.layer.v1.tar+zstd");
	assert_int_equal(rewrite_manifest(&text, &m, REWRITE_AS_IS, type, &err), 0);
	assert_null(strstr(text.data, B64));
	assert_non_null(strstr(text.data, "\"size\":11"));
	assert_non_null(strstr(text.data, "tar+zstd"));
	m.n_layers = 0;
	assert_int_equal(rewrite_manifest(&text, &m, REWRITE_AS_IS, type, &err), -EINVAL);
}

static void test_formats(void **state)
{
	enum rewrite_format f = REWRITE_AS_IS;
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(rewrite_format_parse("v2s2", &f, &err), 0);
	assert_int_equal(f, REWRITE_DOCKER);
	assert_int_equal(rewrite_format_parse("v2s1", &f, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "'v2s1'"));
}

/* Pack @n bytes and look what comes out of it again. */
static void round_trip(enum compress_kind kind, size_t n, struct digest *ret)
{
	auto_fd int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
	auto_free char *bytes = malloc(n + 1);
	struct inflate *z = NULL;
	struct rl_err err = { 0 };
	struct digest got;
	const void *p;
	int64_t size;
	size_t at = 0;
	ssize_t k;

	assert_non_null(bytes);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)(i * i >> 7);
	assert_int_equal(io_write_all(in, bytes, n), 0);
	assert_int_equal(lseek(in, 0, SEEK_SET), 0);
	assert_int_equal(compress_fd(in, out, kind, -1, FD_NONE, ret, &size, &err), 0);
	assert_int_equal(lseek(out, 0, SEEK_END), size);
	assert_int_equal(lseek(out, 0, SEEK_SET), 0);
	assert_int_equal(hash_fd(out, FD_NONE, &got, NULL, &err), 0);
	assert_string_equal(got.text, ret->text);
	assert_int_equal(lseek(out, 0, SEEK_SET), 0);
	assert_int_equal(inflate_open(out, INT64_MAX, &z, &err), 0);
	while ((k = inflate_read(z, &p, &err)) > 0) {
		assert_true(at + (size_t)k <= n);
		assert_memory_equal(p, bytes + at, (size_t)k);
		at += (size_t)k;
	}
	assert_int_equal(k, 0);
	assert_int_equal(at, n);
	inflate_free(z);
}

static void test_packing(void **state)
{
	/* around the size of a block: the end is where mistakes are */
	static const size_t sizes[] = {
		1,       1000,    (256 << 10) - 1, 256 << 10, (256 << 10) + 1,
		3 << 20, 4 << 20, (9 << 20) + 1
	};
	struct digest a, b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		round_trip(COMPRESS_GZIP, sizes[i], &a);
		round_trip(COMPRESS_GZIP, sizes[i], &b);
		assert_string_equal(a.text, b.text);
#ifdef HAVE_ZSTD
		round_trip(COMPRESS_ZSTD, sizes[i], &a);
		round_trip(COMPRESS_ZSTD, sizes[i], &b);
		assert_string_equal(a.text, b.text);
#endif
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_not_touched_keeps_its_bytes),
		cmocka_unit_test(test_docker_and_back),
		cmocka_unit_test(test_another_layer),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_packing),
	};

	return cmocka_run_group_tests_name("storage/image/rewrite", tests, NULL, NULL);
}
