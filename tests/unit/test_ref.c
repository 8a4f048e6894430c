/* SPDX-License-Identifier: Apache-2.0 */
/* test_ref.c - storage/ref, storage/digest: defaults, round trip, and all that must be refused */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/cleanup.h"
#include "storage/digest.h"
#include "storage/ref.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TEN   "abcdefghij"
#define B250                                                                                    \
	TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN \
		TEN TEN TEN

static void test_canonical_form(void **state)
{
	static const struct {
		const char *in, *out;
		bool is_short;
	} good[] = {
		{ "alpine", "docker.io/library/alpine:latest", true },
		{ "alpine:3.20", "docker.io/library/alpine:3.20", true },
		{ "user/app", "docker.io/user/app:latest", true },
		{ "docker.io/alpine", "docker.io/library/alpine:latest", false },
		{ "index.docker.io/library/alpine", "docker.io/library/alpine:latest", false },
		{ "localhost/web", "localhost/web:latest", false },
		{ "localhost:5000/web:V1", "localhost:5000/web:V1", false },
		{ "localhost:5000", "docker.io/library/localhost:5000", true },
		{ "[::1]:5000/a/b", "[::1]:5000/a/b:latest", false },
		{ "quay.io/a__b/c-d--e.f", "quay.io/a__b/c-d--e.f:latest", false },
		{ "HOST/x", "HOST/x:latest", false },
		{ "a@sha256:" HEX64, "docker.io/library/a@sha256:" HEX64, true },
		{ "r.io/a:t@sha256:" HEX64, "r.io/a:t@sha256:" HEX64, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		auto_ref struct ref ref = { 0 };
		auto_free char *text = NULL;
		struct rl_err err = { 0 };

		assert_int_equal(ref_parse(good[i].in, strlen(good[i].in), &ref, &err), 0);
		text = ref_print(&ref);
		assert_string_equal(text, good[i].out);
		assert_int_equal(ref.is_short, good[i].is_short);
	}
}

static void test_bad_names_are_refused(void **state)
{
	static const struct {
		const char *in, *why; /* why: words the user must see */
	} bad[] = {
		{ "", "repository is empty" },
		{ "alpine:", "tag is empty" },
		{ ":tag", "repository is empty" },
		{ "Alpine", "byte 0x41" },
		{ "al\x1bpine", "byte 0x1b" },
		{ "a b", "byte 0x20" },
		{ "a/../b", "'..' component" }, /* would leave the store folder */
		{ "./a", "not a host name" },
		{ "../a", "not a host name" },
		{ "a/./b", "'.' component" },
		{ "a//b", "empty component" },
		{ "/a", "empty component" },
		{ "a/", "empty component" },
		{ "r.io/", "repository is empty" },
		{ "-a", "separator" },
		{ "a-", "separator" },
		{ "a..b", "separator" },
		{ "a___b", "separator" },
		{ "a:-t", "tag '-t'" },
		{ "a:t/u", "bad port" }, /* 'a:t' is a registry here */
		{ "a:b:c", "byte 0x3a" },
		{ "r.io:0/a", "bad port" },
		{ "r.io:65536/a", "bad port" },
		{ "-r.io/a", "not a host name" },
		{ "r..io/a", "not a host name" },
		{ "[::1/a", "not a host name" },
		{ "alpine@sha256:beef", "64 hex digits" },
		{ "alpine@sha512:" HEX64, "64 hex digits" },
		{ "alpine@", "64 hex digits" },
		{ "alpine@sha256:" HEX64 "@sha256:" HEX64, "64 hex digits" },
		{ HEX64, "image id" },
		{ B250, "longer than 255" }, /* with docker.io/library */
		{ "r.io:5000/" B250, "longer than 255" },
		{ B250 B250 B250, "longer than 512" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char mark[] = "mark";
		struct ref ref = { .tag = mark };
		struct rl_err err = { 0 };

		assert_int_equal(ref_parse(bad[i].in, strlen(bad[i].in), &ref, &err), -EINVAL);
		if (!strstr(err.msg, bad[i].why))
			fail_msg("'%s': %s", bad[i].in, err.msg);
		assert_ptr_equal(ref.tag, mark); /* nothing written on failure */
	}
}

static void test_length_is_not_strlen(void **state)
{
	auto_ref struct ref ref = { 0 };
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(ref_parse("alpineXXX", 6, &ref, &err), 0);
	assert_string_equal(ref.repo, "library/alpine");
	ref_done(&ref);
	assert_int_equal(ref_parse("a\0b", 3, &ref, &err), -EINVAL);
}

static void test_tag_length(void **state)
{
	(void)state;
	assert_true(ref_is_tag(B250, 128));
	assert_false(ref_is_tag(B250, 129));
	assert_false(ref_is_tag("", 0));
}

static void test_digest(void **state)
{
	static const char *const bad[] = {
		"",
		"sha256:",
		"sha256:../../x",
		"sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
		"sha512:" HEX64,
		"SHA256:" HEX64,
		"sha256:" HEX64 "0",
		"sha256:" HEX64 "\n",
		" sha256:" HEX64,
		HEX64,
	};
	struct rl_err err = { 0 };
	struct digest d;

	(void)state;
	assert_int_equal(digest_parse("sha256:" HEX64 "tail", DIGEST_LEN, NULL, &d, &err), 0);
	assert_string_equal(d.text, "sha256:" HEX64);
	assert_string_equal(digest_hex(d.text), HEX64);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(digest_check(bad[i], "layer 3", &err), -EINVAL);
		assert_non_null(strstr(err.msg, "layer 3: "));
	}
	assert_int_equal(digest_check(NULL, NULL, &err), -EINVAL);
	assert_true(digest_is_hex_prefix("00ff", 4));
	assert_false(digest_is_hex_prefix("", 0));
	assert_false(digest_is_hex_prefix("xyz", 3));
	assert_false(digest_is_hex_prefix(HEX64 "0", 65));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical_form),
		cmocka_unit_test(test_bad_names_are_refused),
		cmocka_unit_test(test_length_is_not_strlen),
		cmocka_unit_test(test_tag_length),
		cmocka_unit_test(test_digest),
	};

	return cmocka_run_group_tests_name("storage/ref", tests, NULL, NULL);
}
