/* SPDX-License-Identifier: Apache-2.0 */
/* test_manifest.c - storage/image/manifest: kinds, platforms, limits, and what must be refused */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "storage/image/manifest.h"

#define HEX    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX
#define OCI    "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."
#define CONFIG                                                                                    \
	"\"config\":{\"mediaType\":\"" OCI "config.v1+json\",\"digest\":\"" DIGEST "\",\"size\":" \
	"7}"
#define LAYER(type) "{\"mediaType\":\"" type "\",\"digest\":\"" DIGEST "\",\"size\":9}"

static int read_it(const char *text, const char *type, enum manifest_kind *kind, json_t **j,
		   struct rl_err *err)
{
	return manifest_read(text, strlen(text), type, "it", kind, j, err);
}

static void test_an_oci_manifest(void **state)
{
	static const char text[] = "{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER(
		OCI "layer.v1.tar+gzip") "," LAYER(OCI "layer.v1.tar+zstd") "]}";
	auto_manifest struct manifest m = { 0 };
	enum manifest_kind kind;
	json_auto_t *j = NULL;
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(read_it(text, OCI "manifest.v1+json; charset=utf-8", &kind, &j, &err), 0);
	assert_int_equal(kind, MANIFEST_IMAGE);
	assert_int_equal(manifest_parse(j, "it", &m, &err), 0);
	assert_int_equal(m.n_layers, 2);
	assert_string_equal(m.config.digest.text, DIGEST);
	assert_int_equal(m.layers[1].size, 9);
}

static void test_a_docker_manifest_with_vague_content_type(void **state)
{
	static const char text[] =
		"{\"schemaVersion\":2,\"mediaType\":\"" DOCKER
		"distribution.manifest.v2+json\",\"config\":{\"mediaType\":\"" DOCKER
		"container.image.v1+json\",\"digest\":\"" DIGEST
		"\",\"size\":7},\"layers\":[" LAYER(DOCKER "image.rootfs.diff.tar.gzip") "]}";
	enum manifest_kind kind;
	json_auto_t *a = NULL, *b = NULL;
	auto_manifest struct manifest m = { 0 };
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(read_it(text, "application/json", &kind, &a, &err), 0);
	assert_int_equal(manifest_parse(a, "it", &m, &err), 0);
	assert_int_equal(read_it(text, NULL, &kind, &b, &err), 0);
}

static void test_documents_that_must_be_refused(void **state)
{
	static const struct {
		const char *text, *type, *why;
		int code;
	} bad[] = {
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"manifests\":[]}", NULL,
		  "ambiguous", EINVAL },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[]}", OCI "index.v1+json",
		  "not what its media type says", EINVAL },
		{ "{\"schemaVersion\":2,\"mediaType\":\"" OCI "index.v1+json\"," CONFIG
		  ",\"layers\":[]}",
		  NULL, "not what its media type says", EINVAL },
		{ "{\"schemaVersion\":2,\"mediaType\":\"" DOCKER
		  "distribution.manifest.v2+json\"," CONFIG ",\"layers\":[]}",
		  OCI "manifest.v1+json", "served as", EINVAL },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"layers\":[]}", NULL, "duplicate",
		  EINVAL },
		{ "{\"schemaVersion\":1,\"fsLayers\":[],\"history\":[]}", NULL, "schema 1",
		  EPROTONOSUPPORT },
		{ "{\"schemaVersion\":3," CONFIG ",\"layers\":[]}", NULL, "schema version 3",
		  EPROTONOSUPPORT },
		{ "<html>", "text/html", "not a registry", EPROTO },
		{ "[]", NULL, "not a JSON object", EINVAL },
		{ "{}", NULL, "neither", EINVAL },
		{ "{\"schemaVersion\":2," CONFIG "}", "application/x-thing", "unknown media type",
		  EPROTONOSUPPORT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		enum manifest_kind kind;
		json_t *j = NULL;
		struct rl_err err = { 0 };

		assert_int_equal(read_it(bad[i].text, bad[i].type, &kind, &j, &err), -bad[i].code);
		assert_non_null(strstr(err.msg, bad[i].why));
		assert_null(j);
	}
}

static void test_manifests_that_must_be_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "{\"schemaVersion\":2,\"layers\":[]}", "no config" },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":{}}", "'layers' is not an array" },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[1]}", "not an object" },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"mediaType\":\"" OCI
		  "layer.v1.tar\",\"digest\":\"sha256:../../x\",\"size\":1}]}",
		  "64 hex digits" },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"mediaType\":\"" OCI
		  "layer.v1.tar\",\"digest\":\"" DIGEST "\",\"size\":-1}]}",
		  "no usable size" },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"mediaType\":\"" OCI
		  "layer.v1.tar\",\"digest\":\"" DIGEST "\"}]}",
		  "no usable size" },
		{ "{\"schemaVersion\":2," CONFIG
		  ",\"layers\":[" LAYER(OCI "layer.v1.tar+encrypted") "]}",
		  "unknown layer type" },
		{ "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/"
		  "vnd.cncf.helm.config.v1+json\",\"digest\":\"" DIGEST
		  "\",\"size\":7},\"layers\":[]}",
		  "not a container image" },
		{ "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" OCI
		  "config.v1+json\",\"digest\":\"" DIGEST "\",\"size\":9000000},\"layers\":[]}",
		  "more than the limit" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct manifest m = { .n_layers = 77 };
		enum manifest_kind kind;
		json_auto_t *j = NULL;
		struct rl_err err = { 0 };

		assert_int_equal(read_it(bad[i].text, NULL, &kind, &j, &err), 0);
		assert_true(manifest_parse(j, "it", &m, &err) < 0);
		assert_non_null(strstr(err.msg, bad[i].why));
		assert_int_equal(m.n_layers, 77); /* nothing written on failure */
	}
}

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ENTRY(hex, os, arch, variant)                                            \
	"{\"mediaType\":\"" OCI "manifest.v1+json\",\"digest\":\"sha256:" hex    \
	"\",\"size\":5,\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch \
	"\",\"variant\":\"" variant "\"}}"

static int choose(const char *entries, const char *want, struct descriptor *d, struct rl_err *err)
{
	auto_free char *text = str_printf("{\"schemaVersion\":2,\"manifests\":[%s]}", entries);
	enum manifest_kind kind;
	json_auto_t *j = NULL;
	struct platform p;

	assert_int_equal(platform_parse(want, &p, err), 0);
	assert_int_equal(read_it(text, OCI "index.v1+json", &kind, &j, err), 0);
	assert_int_equal(kind, MANIFEST_INDEX);
	return index_choose(j, &p, "it", d, err);
}

static void test_index_takes_the_best_variant(void **state)
{
	static const struct {
		const char *entries, *want;
		char first; /* digit of the digest */
	} good[] = {
		{ ENTRY(HEX_A, "linux", "s390x", "") "," ENTRY(HEX_B, "linux", "amd64", ""),
		  "linux/amd64", 'b' },
		{ ENTRY(HEX_A, "linux", "arm", "v6") "," ENTRY(HEX_B, "linux", "arm", "v7"),
		  "linux/arm/v7", 'b' },
		{ ENTRY(HEX_A, "linux", "arm", "v6") "," ENTRY(HEX_B, "linux", "arm", "v7"),
		  "linux/arm/v6", 'a' },
		{ ENTRY(HEX_A, "linux", "arm", "v5") "," ENTRY(HEX_B, "linux", "arm", "v7"),
		  "linux/arm/v6", 'a' },
		{ ENTRY(HEX_A, "linux", "arm64", "v8"), "linux/arm64", 'a' },
		{ ENTRY(HEX_A, "linux", "arm64", ""), "linux/arm64/v8", 'a' },
		{ ENTRY(HEX_A, "windows", "amd64", "") "," ENTRY(HEX_B, "linux", "amd64", ""),
		  "linux/amd64", 'b' },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct descriptor d;
		struct rl_err err = { 0 };

		assert_int_equal(choose(good[i].entries, good[i].want, &d, &err), 0);
		assert_int_equal(d.digest.text[7], good[i].first);
	}
}

static void test_index_without_our_platform_lists_the_others(void **state)
{
	struct descriptor d;
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(choose(ENTRY(HEX_A, "linux", "arm",
				      "v7") "," ENTRY(HEX_B, "unknown", "unknown",
						      "") "," ENTRY(HEX_B, "linux", "s390x", ""),
				"linux/amd64", &d, &err),
			 -ENOENT);
	assert_non_null(strstr(err.msg, "no image for platform linux/amd64; there are: "));
	assert_non_null(strstr(err.msg, "linux/s390x"));
	assert_null(strstr(err.msg, "unknown"));
	assert_non_null(strstr(err.hint, "--platform"));
}

static void test_configs(void **state)
{
	static const char good[] = "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{"
				   "\"type\":\"layers\",\"diff_ids\":[\"" DIGEST "\"]}}";
	static const char evil[] = "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{"
				   "\"diff_ids\":[\"sha256:../../../../x\"]}}";
	auto_image_config struct image_config c = { 0 }, none = { 0 };
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(image_config_parse(good, strlen(good), 1, "it", &c, &err), 0);
	assert_string_equal(c.platform.arch, "amd64");
	assert_string_equal(c.diff_ids.v[0], DIGEST);
	assert_true(image_config_parse(good, strlen(good), 2, "it", &none, &err) < 0);
	assert_non_null(strstr(err.msg, "1 diff_ids, but the manifest has 2 layers"));
	assert_true(image_config_parse(evil, strlen(evil), 1, "it", &none, &err) < 0);
	assert_non_null(strstr(err.msg, "64 hex digits"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_oci_manifest),
		cmocka_unit_test(test_a_docker_manifest_with_vague_content_type),
		cmocka_unit_test(test_documents_that_must_be_refused),
		cmocka_unit_test(test_manifests_that_must_be_refused),
		cmocka_unit_test(test_index_takes_the_best_variant),
		cmocka_unit_test(test_index_without_our_platform_lists_the_others),
		cmocka_unit_test(test_configs),
	};

	return cmocka_run_group_tests_name("storage/image/manifest", tests, NULL, NULL);
}
